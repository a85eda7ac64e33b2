//! Do two questions ask the same?
//!
//! Vectors say how near two phrasings are in meaning, and are easily fooled by the one word that makes
//! another question of it: "`Rc` or `Arc`?" and "`Rc` or `Box`?" lie closer together than most
//! paraphrases. So a pair is judged by its cosine *and* by what differs, put together by a logistic model
//! (`pair.json`) that `rqsearch eval --pairs … --fit` fits to labelled pairs.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::analyze::{Token, title_key, tokens};
use crate::logistic::{Model, Sign};

/// What the model looks at, in this order, and which way each may move the odds:
///
/// - `meaning`: the cosine of both phrasings, as seen from the corpus's [`Centre`](crate::index::Centre);
/// - `shorter`: the logarithm of the number of words of the shorter one, at most 25: what little is said
///   is easily said by another question too;
/// - the rest is 1 where something differs, else 0; see [`Difference`].
pub const FEATURES: [(&str, Sign); 8] = [
    ("meaning", Sign::Up),
    ("shorter", Sign::Any),
    ("question_word", Sign::Down),
    ("number", Sign::Down),
    ("name", Sign::Down),
    ("negation", Sign::Down),
    ("opposite", Sign::Down),
    ("order", Sign::Down),
];

/// Below this cosine nobody would call two phrasings one question, and the model is not asked.
pub const LEAST_COSINE: f32 = 0.6;

/// The model that the program was built with.
pub static FITTED: LazyLock<Model> = LazyLock::new(|| {
    serde_json::from_str(include_str!("pair.json")).expect("pair.json is written by `eval --pairs --fit`")
});

/// Something that makes another question of nearly the same words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Another question word leads: why, how, when.
    QuestionWord,
    /// Each has a number that the other has not.
    Number,
    /// Each names something (code, a proper noun) that the other does not.
    Name,
    /// One negates.
    Negation,
    /// One says the opposite of a word of the other: import and export.
    Opposite,
    /// The same words in another order: from A to B.
    Order,
}

impl Difference {
    const ALL: [Self; 6] =
        [Self::QuestionWord, Self::Number, Self::Name, Self::Negation, Self::Opposite, Self::Order];

    /// What it is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::QuestionWord => "another question word",
            Self::Number => "another number",
            Self::Name => "another name",
            Self::Negation => "a negation",
            Self::Opposite => "an opposite",
            Self::Order => "the order of words",
        }
    }
}

/// One way to ask, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phrasing {
    /// The words that say something, stemmed, in order.
    words: Vec<String>,
    /// The same as they are written.
    written: Vec<String>,
    numbers: BTreeSet<String>,
    names: BTreeSet<String>,
    question_word: Option<&'static str>,
    negates: bool,
    /// Of which pairs of [`OPPOSITES`] it has which word, and not the other.
    opposites: Vec<(usize, usize)>,
}

/// Words that ask. A phrasing's is the first of them among its first words.
const QUESTION_WORDS: [&str; 7] = ["what", "why", "how", "when", "where", "who", "which"];

/// How far into a phrasing its question word may stand.
const FIRST_WORDS: usize = 4;

/// Words that turn a question around, apostrophes taken out.
const NEGATIONS: [&str; 19] = [
    "not", "no", "never", "without", "cannot", "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent",
    "cant", "couldnt", "wont", "wouldnt", "shouldnt", "havent", "hasnt",
];

/// Words that hold a question together and say nothing of it. Prepositions stay: they tell directions.
const SILENT: [&str; 41] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "could", "do", "does", "did", "for",
    "has", "have", "i", "if", "in", "is", "it", "its", "me", "my", "of", "on", "or", "s", "should", "so",
    "that", "the", "there", "this", "was", "we", "will", "would", "you", "your",
];

/// Words of which one is the opposite of the other.
const OPPOSITES: [[&str; 2]; 34] = [
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
];

/// [`OPPOSITES`] as the analyzer writes them.
static OPPOSITE_STEMS: LazyLock<Vec<[String; 2]>> = LazyLock::new(|| {
    let stem = |word: &str| tokens(word).pop().map_or_else(String::new, |token| token.text);
    OPPOSITES.iter().map(|pair| pair.map(stem)).collect()
});

impl Phrasing {
    /// Takes a question's text apart.
    pub fn new(text: &str) -> Self {
        let tokens = tokens(text);
        let written = |token: &Token| text.get(token.start..token.end).unwrap_or_default();
        let parts = || tokens.iter().filter(|token| !token.whole);
        let all: Vec<String> = parts().map(|token| token.text.clone()).collect();
        let telling = || parts().filter(|token| !SILENT.contains(&written(token).to_lowercase().as_str()));
        let has_digit = |word: &&String| word.contains(|c: char| c.is_ascii_digit());
        let mut plain = text.to_lowercase().replace(['\'', '’'], "");
        plain.retain(|c| c.is_alphanumeric() || c.is_whitespace());
        let is_asking =
            |token: &Token| QUESTION_WORDS.into_iter().find(|word| written(token).eq_ignore_ascii_case(word));
        let opposites = OPPOSITE_STEMS.iter().enumerate().filter_map(|(nth, pair)| {
            match pair.each_ref().map(|word| all.contains(word)) {
                [true, false] => Some((nth, 0)),
                [false, true] => Some((nth, 1)),
                _ => None,
            }
        });
        Self {
            numbers: all.iter().filter(has_digit).cloned().collect(),
            // A sentence begins with a capital anyway.
            names: tokens
                .iter()
                .filter(|token| is_name(text, token))
                .map(|token| token.text.clone())
                .collect(),
            question_word: parts().take(FIRST_WORDS).find_map(is_asking),
            negates: plain.split_whitespace().any(|word| NEGATIONS.contains(&word)),
            opposites: opposites.collect(),
            words: telling().map(|token| token.text.clone()).collect(),
            written: telling().map(|token| written(token).to_owned()).collect(),
        }
    }

    /// What differs from another phrasing that is nearly this one, in order of [`Difference`]. Of phrasings
    /// that share less than half their words nearly everything differs, and it says nothing.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        if !self.is_nearly(other) {
            return Vec::new();
        }
        Difference::ALL.into_iter().filter(|difference| self.differs(other, *difference)).collect()
    }

    fn differs(&self, other: &Self, difference: Difference) -> bool {
        let each_has_more = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
            let more = |a: &BTreeSet<String>, other: &Self| a.iter().any(|name| !other.has(name));
            more(a, other) && more(b, self)
        };
        match difference {
            Difference::QuestionWord => {
                self.question_word.is_some()
                    && other.question_word.is_some()
                    && self.question_word != other.question_word
            }
            Difference::Number => each_has_more(&self.numbers, &other.numbers),
            Difference::Name => each_has_more(&self.names, &other.names),
            Difference::Negation => self.negates != other.negates,
            Difference::Opposite => {
                self.opposites.iter().any(|(nth, side)| other.opposites.contains(&(*nth, 1 - side)))
            }
            Difference::Order => self.is_turned_around(other),
        }
    }

    /// Whether both have most of their words in common, so that what differs is the point.
    fn is_nearly(&self, other: &Self) -> bool {
        let longer = self.words.len().max(other.words.len());
        2 * self.shared(other).len() >= longer
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|own| own == word) || self.names.contains(word) || self.numbers.contains(word)
    }

    /// The same words in another order, and an order that tells: "A or B" is "B or A", "from A to B" is not
    /// "from B to A".
    fn is_turned_around(&self, other: &Self) -> bool {
        let sorted = |words: &[String]| {
            let mut words = words.to_vec();
            words.sort();
            words
        };
        let directed =
            |phrasing: &Self| ["to", "from", "into", "than", "over"].iter().any(|word| phrasing.has(word));
        self.words != other.words
            && directed(self)
            && directed(other)
            && sorted(&self.words) == sorted(&other.words)
    }

    /// The words, other than silent ones, that both have, as this one writes them.
    pub fn shared<'a>(&'a self, other: &Self) -> Vec<&'a str> {
        let mut shared: Vec<(&str, &str)> = Vec::new();
        for (word, written) in self.words.iter().zip(&self.written) {
            if other.words.contains(word) && shared.iter().all(|(known, _)| known != word) {
                shared.push((word, written));
            }
        }
        shared.into_iter().map(|(_, written)| written).collect()
    }

    /// What the model looks at, of two phrasings that share so much meaning.
    pub fn features(&self, other: &Self, meaning: f32) -> Vec<f32> {
        const LONGEST: usize = 25;
        let shorter = self.words.len().min(other.words.len()).clamp(1, LONGEST);
        let differences = self.differences(other);
        let differs = Difference::ALL.into_iter().map(|one| f32::from(differences.contains(&one)));
        [meaning, (shorter as f32).ln()].into_iter().chain(differs).collect()
    }

    /// The probability that both ask the same.
    pub fn probability(&self, other: &Self, meaning: f32) -> f32 {
        FITTED.probability(&self.features(other, meaning))
    }
}

/// What makes two titles repeats of each other.
pub fn repeat_key(title: &str) -> String {
    title_key(&title.replace("**", "").replace("__", ""))
}

/// Whether a token names something: code as written, or a word with a capital that no sentence begins
/// with.
fn is_name(text: &str, token: &Token) -> bool {
    let written = text.get(token.start..token.end).unwrap_or_default();
    let mut chars = written.chars();
    let capital = chars.next().is_some_and(char::is_uppercase);
    let coded = chars.any(char::is_uppercase) || written.contains(['_', '<', '#', '&', ':']);
    let before = &text[..token.start];
    let in_code = before.matches('`').count() % 2 == 1;
    let begins = before.trim_end().is_empty() || before.trim_end().ends_with(['.', '?', '!', ':']);
    (coded || in_code || capital && !begins && written != "I") && written.contains(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, two: &str, expected: &[Difference]) {
        let (one, two) = (Phrasing::new(one), Phrasing::new(two));
        assert_eq!(one.differences(&two), expected, "{one:?} {two:?}");
        assert_eq!(two.differences(&one), expected, "and the other way round");
    }

    #[test]
    fn what_makes_another_question_is_seen() {
        use Difference::{Name, Negation, Number, Opposite, Order, QuestionWord};
        check("When do I take `Rc` and when `Arc`?", "When do I take `Rc` and when `Box`?", &[Name]);
        check("What is the error E0382?", "What is the error E0499?", &[Number, Name]);
        check("Move from Postgres", "Move from MySQL", &[Name]);
        check("Why does it compile?", "Why doesn't it compile?", &[Negation]);
        check("Why does it compile?", "How does it compile?", &[QuestionWord]);
        check("How do I import a list?", "How do I export a list?", &[Opposite]);
        check("cast a float to an integer", "cast an integer to a float", &[Order]);
        check("The 2018 edition", "The 2021 edition", &[Number]);
    }

    #[test]
    fn what_does_not_is_not() {
        check("How do I sharpen a knife?", "how to sharpen knives", &[]);
        check("`Rc` or `Arc`?", "Arc or Rc, which one?", &[]);
        check("Why is my `Vec` moved?", "my vector is moved, why", &[]);
        check("This doesn't work", "This does not work", &[]);
        check("", "", &[]);
    }

    #[test]
    fn nearer_is_likelier_and_a_difference_makes_it_less_so() {
        let one = Phrasing::new("When do I take `Rc` and when `Arc`?");
        let (same, other) = (
            Phrasing::new("`Arc` or `Rc`: when which?"),
            Phrasing::new("When do I take `Rc` and when `Box`?"),
        );
        assert!(one.probability(&same, 0.9) > one.probability(&same, 0.7));
        assert!(one.probability(&same, 0.9) > one.probability(&other, 0.9) + 0.1);
        assert_eq!(one.shared(&same), ["When", "Rc", "Arc"]);
    }

    #[test]
    fn the_committed_model_names_its_features() {
        let names: Vec<&str> = FITTED.features.iter().map(|feature| feature.name.as_str()).collect();
        assert_eq!(names, FEATURES.map(|(name, _)| name));
    }
}
