//! Words that change what a phrasing asks.

use std::sync::LazyLock;

use crate::analyze::tokens;

/// The question word of a phrasing is the first of these among its first [`FIRST_WORDS`] words.
pub const QUESTION_WORDS: [&str; 7] = ["what", "why", "how", "when", "where", "who", "which"];

/// How many words are searched for a question word.
pub const FIRST_WORDS: usize = 4;

/// Words that negate a question, without apostrophes.
pub const NEGATIONS: [&str; 19] = [
    "not", "no", "never", "without", "cannot", "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent",
    "cant", "couldnt", "wont", "wouldnt", "shouldnt", "havent", "hasnt",
];

/// Stop words. Prepositions that give a direction (to, from) are not stop words.
pub const STOP_WORDS: [&str; 41] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "could", "do", "does", "did", "for",
    "has", "have", "i", "if", "in", "is", "it", "its", "me", "my", "of", "on", "or", "s", "should", "so",
    "that", "the", "there", "this", "was", "we", "will", "would", "you", "your",
];

/// Whether a word says little about what a phrase asks: a stop word or a question word.
pub(crate) fn is_stop_word(word: &str) -> bool {
    let word = word.to_lowercase();
    STOP_WORDS.contains(&word.as_str()) || QUESTION_WORDS.contains(&word.as_str())
}

/// Pairs of opposite words.
const OPPOSITES: [[&str; 2]; 66] = [
    ["before", "after"],
    ["enable", "disable"],
    ["increase", "decrease"],
    ["import", "export"],
    ["open", "close"],
    ["buy", "sell"],
    ["encode", "decode"],
    ["serialize", "deserialize"],
    ["lock", "unlock"],
    ["first", "last"],
    ["minimum", "maximum"],
    ["min", "max"],
    ["start", "stop"],
    ["add", "remove"],
    ["push", "pop"],
    ["read", "write"],
    ["send", "receive"],
    ["upload", "download"],
    ["install", "uninstall"],
    ["encrypt", "decrypt"],
    ["gain", "lose"],
    ["mutable", "immutable"],
    ["sync", "async"],
    ["safe", "unsafe"],
    ["static", "dynamic"],
    ["public", "private"],
    ["allow", "forbid"],
    ["faster", "slower"],
    ["sooner", "later"],
    ["deposit", "withdraw"],
    ["activate", "cancel"],
    ["lend", "borrow"],
    ["arrive", "depart"],
    ["little", "much"],
    ["uppercase", "lowercase"],
    ["advantage", "disadvantage"],
    ["thick", "thin"],
    ["up", "down"],
    ["left", "right"],
    ["ascending", "descending"],
    ["above", "below"],
    ["inside", "outside"],
    ["input", "output"],
    ["positive", "negative"],
    ["attach", "detach"],
    ["connect", "disconnect"],
    ["compress", "decompress"],
    ["zip", "unzip"],
    ["mount", "unmount"],
    ["subscribe", "unsubscribe"],
    ["load", "unload"],
    ["show", "hide"],
    ["accept", "reject"],
    ["grow", "shrink"],
    ["more", "less"],
    ["most", "least"],
    ["internal", "external"],
    ["online", "offline"],
    ["high", "low"],
    ["larger", "smaller"],
    ["longer", "shorter"],
    ["hot", "cold"],
    ["win", "lose"],
    ["even", "odd"],
    ["true", "false"],
    ["top", "bottom"],
];

/// The stems of [`OPPOSITES`].
pub static OPPOSITE_STEMS: LazyLock<Vec<[String; 2]>> = LazyLock::new(|| {
    let stem = |word: &str| tokens(word).pop().map_or_else(String::new, |token| token.text);
    OPPOSITES.iter().map(|pair| pair.map(stem)).collect()
});

/// What a preposition of direction says about the word after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// To a place.
    To,
    /// From a place.
    From,
    /// The second part of a comparison.
    Than,
}

impl Direction {
    /// The direction that a preposition gives.
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "to" | "into" => Some(Self::To),
            "from" => Some(Self::From),
            "than" | "over" => Some(Self::Than),
            _ => None,
        }
    }
}
