//! Symbols and names: words whose spelling matters.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyze::Token;
use crate::title::title_key;

/// The operators of a text, and the other words of its title key, by their letters and digits.
pub fn symbols(text: &str) -> (BTreeSet<String>, BTreeMap<String, BTreeSet<String>>) {
    let mut operators = BTreeSet::new();
    let mut spellings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for written in title_key(text).iter().flat_map(|key| key.split(' ')) {
        let word: String = written.chars().filter(|c| c.is_alphanumeric()).collect();
        if word.is_empty() {
            operators.insert(written.to_owned());
        } else {
            spellings.entry(word).or_default().insert(written.to_owned());
        }
    }
    (operators, spellings)
}

/// Whether two words with the same letters and digits are spellings of one word: they have the same symbols,
/// apart from the punctuation of prose, units of numbers (`10 %`, `100 $`), and signs around a name, which people
/// leave out: `&str`, `println!`, `main()`.
pub fn is_same_spelling(one: &str, two: &str) -> bool {
    let has_digit = one.contains(|c: char| c.is_ascii_digit());
    let counts = |c: &char| match c {
        '.' => has_digit,
        '$' | '%' => !has_digit,
        c => c.is_alphanumeric() || "_+#*=<>|~^\\&@-".contains(*c),
    };
    let plain = |word: &str| -> String { word.chars().filter(|c| counts(c)).collect() };
    let (one, two) = (plain(one), plain(two));
    let bare = |word: &str| -> String {
        word.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_').to_owned()
    };
    one == two || one == bare(&two) || bare(&one) == two
}

/// Whether a token is a name: code as written, or a capitalized word that does not start a sentence.
pub fn is_name(text: &str, token: &Token) -> bool {
    let written = text.get(token.start..token.end).unwrap_or_default();
    let mut chars = written.chars();
    let capital = chars.next().is_some_and(char::is_uppercase);
    let coded = chars.any(char::is_uppercase) || written.contains(['_', '<', '#', '&', ':']);
    let before = &text[..token.start];
    let in_code = before.matches('`').count() % 2 == 1;
    let begins = before.trim_end().is_empty() || before.trim_end().ends_with(['.', '?', '!', ':']);
    (coded || in_code || capital && !begins && written != "I") && written.contains(char::is_alphabetic)
}
