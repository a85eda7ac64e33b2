//! Words with a typo: one letter missing, added, replaced, or swapped with the next.

use std::collections::BTreeSet;

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};

use crate::analyze::{Token, english_term};

/// Shorter words have too many neighbours. So has code, which is often longer.
const MIN_WORD: usize = 4;
const MIN_WHOLE: usize = 5;

/// The maximum length of a word in characters, which bounds the size of the automaton.
const MAX_LENGTH: usize = 40;

/// The maximum number of terms that one word with a typo can mean.
const MAX_MEANINGS: usize = 24;

/// A word that no question contains, so it may have a typo.
pub struct Typo<'a> {
    term: &'a str,
    /// The terms of all words one typo away from the word as written, which have other stems: the stem of
    /// `serializatoin` is not one typo away from `serial`.
    corrections: BTreeSet<String>,
}

impl<'a> Typo<'a> {
    /// `None` if a different word is not the same word with a typo: the word is short, or a number or
    /// version, which always count as written.
    pub fn new(token: &'a Token, written: &str) -> Option<Self> {
        let shortest = if token.whole { MIN_WHOLE } else { MIN_WORD };
        let length = token.text.chars().count();
        if !(shortest..=MAX_LENGTH).contains(&length) || token.text.starts_with(|c: char| c.is_numeric()) {
            return None;
        }
        let written = written.to_ascii_lowercase();
        let is_plain =
            !token.whole && written.len() <= MAX_LENGTH && written.bytes().all(|b| b.is_ascii_lowercase());
        let corrections = if is_plain { corrections(&written) } else { BTreeSet::new() };
        Some(Self { term: &token.text, corrections })
    }

    /// The terms to look up besides those that the [automaton](TypoAutomaton) finds.
    pub fn corrections(&self) -> impl Iterator<Item = &String> {
        self.corrections.iter()
    }

    /// Whether a term one typo away can be meant. `E0503` is not a typo of `E0502`, but `E0520` is.
    pub fn may_mean(&self, similar: &str) -> bool {
        let mut replaced = self.term.chars().zip(similar.chars()).filter(|(a, b)| a != b);
        let is_replaced = self.term.chars().count() == similar.chars().count();
        match (replaced.next(), replaced.next()) {
            (Some((a, b)), None) if is_replaced => !(a.is_numeric() && b.is_numeric()),
            _ => true,
        }
    }

    /// The most likely of the terms: people seldom get the first letter wrong.
    pub fn most_likely(&self, mut found: Vec<String>) -> Vec<String> {
        if found.len() > MAX_MEANINGS {
            let first = self.term.chars().next();
            found.sort_by_key(|term| term.chars().next() != first);
            found.truncate(MAX_MEANINGS);
        }
        found
    }
}

/// The terms of all words one typo away from a word of the letters `a` to `z`.
fn corrections(word: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut add = |word: String| found.insert(english_term(&word));
    for (at, _) in word.char_indices() {
        let (before, after) = word.split_at(at);
        add([before, &after[1..]].concat());
        if let Some(next) = after.get(1..2) {
            add([before, next, &after[..1], &after[2..]].concat());
        }
        for letter in 'a'..='z' {
            add(format!("{before}{letter}{}", &after[1..]));
            add(format!("{before}{letter}{after}"));
        }
    }
    for letter in 'a'..='z' {
        add(format!("{word}{letter}"));
    }
    found
}

/// Whether two words differ by one typo.
pub fn is_one_typo(a: &str, b: &str) -> bool {
    let same_length = a.len().abs_diff(b.len()) <= 4;
    same_length && a != b && a.len() <= 4 * MAX_LENGTH && TypoAutomaton::new(a).accepts(b)
}

/// An automaton for tantivy's term dictionary that accepts all terms at most one typo away.
pub struct TypoAutomaton(DFA);

impl TypoAutomaton {
    pub fn new(text: &str) -> Self {
        // `true`: two swapped letters are one typo.
        Self(LevenshteinAutomatonBuilder::new(1, true).build_dfa(text))
    }

    fn accepts(&self, text: &str) -> bool {
        matches!(self.0.eval(text), Distance::Exact(_))
    }
}

impl tantivy_fst::Automaton for TypoAutomaton {
    type State = u32;

    fn start(&self) -> u32 {
        self.0.initial_state()
    }

    fn is_match(&self, state: &u32) -> bool {
        matches!(self.0.distance(*state), Distance::Exact(_))
    }

    fn can_match(&self, state: &u32) -> bool {
        *state != SINK_STATE
    }

    fn accept(&self, state: &u32, byte: u8) -> u32 {
        self.0.transition(*state, byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::tokens;

    /// Whether a term of the index can be what a word with a typo means.
    fn means(written: &str, term: &str) -> bool {
        let token = tokens(written).remove(0);
        Typo::new(&token, written).is_some_and(|typo| {
            let is_similar = TypoAutomaton::new(&token.text).accepts(term) && typo.may_mean(term);
            is_similar || typo.corrections().any(|corrected| corrected == term)
        })
    }

    #[test]
    fn one_typo_is_corrected() {
        for (written, term) in [
            ("whetsone", "whetston"),
            ("mutxe", "mutex"),
            ("serializatoin", "serial"),
            ("serialzation", "serial"),
            ("asynchronuos", "asynchron"),
            ("closrues", "closur"),
            ("E0520", "e0502"),
            ("E502", "e0502"),
            ("tokio::spwan", "tokio::spawn"),
            ("пароьл", "пароль"),
        ] {
            assert!(means(written, term), "{written} → {term}");
        }
    }

    #[test]
    fn another_word_is_not_a_typo() {
        for (written, term) in [
            ("E0503", "e0502"),
            ("1.11", "1.10"),
            ("2024", "2023"),
            ("cat", "car"),
            ("mtuxe", "mutex"),
            ("sharpen", "shapes"),
        ] {
            assert!(!means(written, term), "{written} → {term}");
        }
    }

    #[test]
    fn one_word_has_a_bounded_number_of_meanings() {
        let token = tokens("cone").remove(0);
        let typo = Typo::new(&token, "cone").unwrap();
        let many: Vec<String> = ('a'..='z').flat_map(|c| [format!("{c}one"), format!("con{c}")]).collect();
        let likely = typo.most_likely(many);
        assert_eq!(likely.len(), MAX_MEANINGS);
        assert!(likely.iter().all(|term| term.starts_with('c')), "{likely:?}");
        let longest = "a".repeat(MAX_LENGTH);
        assert!(Typo::new(&tokens(&longest).remove(0), &longest).unwrap().corrections().next().is_some());
        assert!(Typo::new(&tokens(&"a".repeat(41)).remove(0), &"a".repeat(41)).is_none());
    }

    #[test]
    fn words_are_compared_with_one_typo() {
        assert!(is_one_typo("sharpen", "shrapen") && is_one_typo("sharpen", "sharpn"));
        assert!(!is_one_typo("sharpen", "sharpen") && !is_one_typo("sharpen", "shapr"));
    }

    #[test]
    fn a_letter_can_be_meant_as_a_digit_and_a_digit_not_as_another() {
        let code = Typo { term: "e0502", corrections: BTreeSet::new() };
        for (similar, expected) in [("e0503", false), ("e05o2", true), ("e0520", true), ("e050", true)] {
            assert_eq!(code.may_mean(similar), expected, "{similar}");
        }
    }

    #[test]
    fn code_has_no_stems_to_look_up() {
        let word = Token { whole: false, ..tokens("serialzation").remove(0) };
        let code = Token { whole: true, ..word.clone() };
        let has_corrections =
            |token| Typo::new(token, "serialzation").unwrap().corrections().next().is_some();
        assert!(has_corrections(&word) && !has_corrections(&code));
    }

    #[test]
    fn letters_of_several_bytes_are_one_typo() {
        assert!(is_one_typo("sharpen", "sharpen\u{10428}"));
        let long = "длинноесловоизмногихбукв";
        assert!(is_one_typo(long, &format!("{long}а")));
    }

    #[test]
    fn a_dictionary_finds_all_terms_at_most_one_typo_away() {
        use tantivy_fst::{IntoStreamer, Map, Streamer};
        let terms = ["пароль", "парольный", "пароьл", "порох"];
        let dictionary = Map::from_iter((0..).zip(terms).map(|(nth, term)| (term, nth))).unwrap();
        let mut stream = dictionary.search(TypoAutomaton::new("пароьл")).into_stream();
        let mut found = Vec::new();
        while let Some((term, _)) = stream.next() {
            found.push(String::from_utf8(term.to_vec()).unwrap());
        }
        assert_eq!(found, ["пароль", "пароьл"]);
    }
}
