//! The tokenizer for indexing, queries and snippets.
//!
//! A word is lower-cased, stemmed in the [`Language`] of its text, and stripped of accents. Code yields the
//! whole expression *and* its parts: `Arc<Mutex<T>>` gives `arc<mutex<t>>`, `mutex<t>`, `arc`, `mutex` and `t`.
//! `tokio::spawn_blocking` gives itself, `spawn_blocking`, `tokio`, `spawn` and `block`. A phrase with the
//! exact code matches the rare whole token, and a phrase with a part of it matches the parts.
//!
//! A question is analyzed in its own language, see [`detect`]. A phrase is analyzed in every language of the
//! index, because a short phrase rarely shows its language: its tokens have several terms, of which one has to
//! match. docs/languages.md describes what is done in each language.

mod analyzer;
mod fold;
mod identifier;
mod language;
mod scan;
mod unspaced;
mod word;

pub use analyzer::{Analyzer, Tokens, tagged};
pub(crate) use fold::{folded, spelled_out};
pub(crate) use identifier::is_superscript;
pub use language::{Language, Script, detect};
use scan::{OPERATORS, Scan};

/// The version of the analysis, stored in an index. Change it whenever the tokens of some text change: the
/// words of a phrase then no longer match those of an index with another version.
pub const VERSION: u32 = 3;

/// A token and its position in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The text in lower case, stemmed unless [`whole`](Self::whole).
    pub text: String,
    /// Other terms of the same word: its stems in other languages, and of other spellings.
    pub also: Vec<String>,
    /// The byte offset of the start in the analyzed text.
    pub start: usize,
    /// The byte offset of the end (exclusive).
    pub end: usize,
    /// The number of words, parts and operators before this one. A whole token has the position of its first
    /// part.
    pub position: usize,
    /// Whether this is a piece of code as written, followed by its parts. Otherwise it is a word or a part.
    pub whole: bool,
}

impl Token {
    /// All terms of the token, the main one first.
    pub fn terms(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.text.as_str()).chain(self.also.iter().map(String::as_str))
    }

    /// Whether it is a unit or a pair of units of a script without spaces.
    pub fn is_unspaced(&self) -> bool {
        self.text.chars().next().and_then(Script::of).is_some_and(Script::is_unspaced)
    }

    fn has_ideograph(&self) -> bool {
        self.text.chars().any(unspaced::is_ideograph)
    }
}

/// Splits a text into tokens, as English: see [`tokens_in`].
pub fn tokens(text: &str) -> Vec<Token> {
    tokens_in(text, &[Language::English])
}

/// Splits a text into tokens, in order of position. A whole token comes before its parts.
///
/// A word is analyzed in each of the languages that use its script. If none does, it is analyzed in the most
/// widespread language of its script.
pub fn tokens_in(text: &str, languages: &[Language]) -> Vec<Token> {
    tokens_where(text, languages, |_| true)
}

/// As [`tokens_in`], without the words of ASCII letters that are not `wanted`. Stemming takes most of the time of the
/// analysis.
pub(crate) fn tokens_where(text: &str, languages: &[Language], wanted: impl Fn(&str) -> bool) -> Vec<Token> {
    Scan::tokens(text, languages, wanted)
}

/// What the script of a static search has to know to split a phrase as [`phrase_tokens`] does, in an index of these
/// languages.
pub(crate) fn site_rules(languages: &[Language]) -> serde_json::Value {
    let has = |script| languages.iter().any(|language| language.script() == script);
    serde_json::json!({
        "operators": &OPERATORS[..],
        "elisions": word::elisions(&word::languages_of(Script::Latin, languages)),
        "particles": if has(Script::Hangul) { &word::PARTICLES[..] } else { &[] },
        "simplified": if has(Script::Han) { fold::simplified_pairs() } else { String::new() },
    })
}

/// The term of an English word of ASCII letters.
pub(crate) fn english_term(word: &str) -> String {
    word::terms(word, &[Language::English]).remove(0)
}

/// Splits a text into tokens, in the language of the text and as English. Texts that a search shows are
/// analyzed in this way to mark what matches.
pub fn tokens_by_detection(text: &str) -> Vec<Token> {
    match detect(text) {
        Language::English => tokens(text),
        language => tokens_in(text, &[language, Language::English]),
    }
}

/// Splits a phrase into tokens, in the languages of an index. Where a pair of kana or of Thai, Lao, Burmese or
/// Khmer units is a token, its units are not: on their own they mean nothing.
pub fn phrase_tokens(phrase: &str, languages: &[Language]) -> Vec<Token> {
    let mut tokens = tokens_in(phrase, languages);
    let pairs: Vec<(usize, usize)> = tokens
        .iter()
        .filter(|token| token.whole && token.is_unspaced())
        .map(|pair| (pair.start, pair.end))
        .collect();
    let is_in_pair = |token: &Token| {
        let before = pairs.partition_point(|pair| pair.0 <= token.start);
        before.checked_sub(1).is_some_and(|at| token.end <= pairs[at].1)
    };
    tokens.retain(|token| token.whole || !token.is_unspaced() || token.has_ideograph() || !is_in_pair(token));
    for token in tokens.iter_mut().filter(|token| token.is_unspaced() && !token.has_ideograph()) {
        token.whole = false;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = tokens(text).into_iter().map(|token| token.text).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn prose_is_stemmed_and_lower_cased() {
        check("Holding locks across Awaits", &["hold", "lock", "across", "await"]);
        check("naïve Café", &["naiv", "cafe"]);
        check("don't", &["don", "t"]);
        check("", &[]);
        check("— … !!", &[]);
    }

    #[test]
    fn code_yields_the_whole_and_its_parts() {
        check("Arc<Mutex<T>>", &["arc<mutex<t>>", "arc", "mutex<t>", "mutex", "t"]);
        check(
            "tokio::spawn_blocking",
            &["tokio::spawn_blocking", "tokio", "spawn_blocking", "spawn", "block"],
        );
        check("MutexGuard", &["mutexguard", "mutex", "guard"]);
        check("E0502", &["e0502"]);
        check("'static", &["'static", "static"]);
        check("&str", &["&str", "str"]);
        check("&mut self", &["&mut", "mut", "self"]);
        check("#[repr(C)]", &["#[repr(c)]", "repr", "c"]);
        check("the `?` operator", &["the", "?", "oper"]);
        check("Box<dyn Error + Send>", &["box<dynerror+send>", "box", "dyn", "error", "send"]);
        check("println!(\"x\")", &["println!", "println", "x"]);
        check("HTTPServer", &["httpserver", "http", "server"]);
        check("C++ or C#", &["c++", "c", "or", "c#", "c"]);
        check("Vec::<u8>::new()", &["vec", "u8", "new"]);
        check("1.78", &["1.78", "1", "78"]);
        check("what is # for", &["what", "is", "#", "for"]);
    }

    #[test]
    fn names_with_punctuation_yield_the_whole_and_its_parts() {
        check("C++17", &["c++17", "c++", "c", "17"]);
        check("1.10 or v1.2.3", &["1.10", "1", "10", "or", "v1.2.3", "1.2.3", "v1", "2", "3"]);
        check("10² or 10⁻², 25 m²", &["10", "2", "or", "10", "2", "25", "m2"]);
        check(".NET and ASP.NET", &[".net", "net", "and", "asp.net", "asp", "net"]);
        check("node.js.", &["node.js", "node", "js"]);
        check("what does -Wall do", &["what", "doe", "-wall", "wall", "do"]);
        check("--no-verify", &["--no-verify", "no", "verifi"]);
        check("(`-C`)", &["-c", "c"]);
        check("work-stealing - a -> b", &["work", "steal", "a", "->", "b"]);
        check("guard.lock() .map(f)", &["guard", "lock", "map", "f"]);
        check("std::mem::swap", &["std::mem::swap", "std", "mem", "swap"]);
    }

    #[test]
    fn punctuation_outside_code_yields_no_token() {
        check("what? yes!", &["what", "yes!", "yes"]);
        check("a < b and c > d", &["a", "b", "and", "c", "d"]);
        check("the char 'x' here", &["the", "char", "x", "here"]);
        check("is it ?", &["is", "it"]);
        check("?", &["?"]);
        check("a <unclosed", &["a", "unclos"]);
    }

    #[test]
    fn scripts_without_spaces_yield_units_and_pairs() {
        check("東京rust", &["东京", "东", "京", "rust"]);
        check("重置VPN密码", &["重置", "重", "置", "vpn", "密码", "密", "码"]);
        check("ผ่าน", &["ผ่าน", "ผ่า", "น"]);
    }

    #[track_caller]
    fn check_in(languages: &[Language], text: &str, expected: &[&str]) {
        let found = phrase_tokens(text, languages);
        let found: Vec<String> =
            found.iter().map(|token| token.terms().collect::<Vec<_>>().join("|")).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn a_phrase_is_analyzed_in_the_languages_of_its_script() {
        use Language::*;
        check_in(&[English, German, Russian], "Bestellungen паролей", &["bestellungen|bestell", "парол"]);
        check_in(&[French], "l'entrée d’une", &["entre", "une"]);
        check_in(&[English], "l'entrée", &["l", "entre"]);
        check_in(&[Italian], "dell'anno", &["anno"]);
    }

    #[test]
    fn units_without_meaning_are_not_searched_for() {
        check_in(&[], "パスワード", &["パス", "スワ", "ワー", "ード"]);
        check_in(&[], "密码を", &["密码", "密", "码を", "码"]);
        check_in(&[], "の", &["の"]);
    }

    #[test]
    fn korean_words_lose_particles_and_yield_pairs() {
        check("비밀번호를", &["비밀번호", "비밀", "밀번", "번호"]);
        check("상품은 VPN을", &["상품", "vpn"]);
    }

    #[test]
    fn positions_count_parts() {
        let positions: Vec<usize> =
            tokens("use Arc<Mutex<T>> now").iter().map(|token| token.position).collect();
        assert_eq!(positions, [0, 1, 1, 2, 2, 3, 4]);
    }

    proptest! {
        #[test]
        fn tokens_of_any_text_have_valid_ranges(text in r"(\PC|[a-z_A-Z<>&'#\[\]:!?` \n]){0,80}") {
            let mut position = 0;
            for token in tokens(&text) {
                prop_assert!(text.get(token.start..token.end).is_some_and(|found| !found.is_empty()));
                prop_assert!(!token.text.is_empty());
                prop_assert!(token.position >= position);
                position = token.position;
            }
        }
    }
}
