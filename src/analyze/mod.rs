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

mod fold;
mod language;
mod unspaced;
mod word;

use std::ops::Range;

use tantivy::tokenizer::{Token as TantivyToken, TokenStream, Tokenizer};
use unicode_normalization::char::is_combining_mark;

pub(crate) use fold::{folded, spelled_out};
pub use language::{Language, Script, detect};

/// The version of the analysis, stored in an index. Change it whenever the tokens of some text change: the
/// words of a phrase then no longer match those of an index with another version.
pub const VERSION: u32 = 3;

/// The maximum length in bytes of brackets (generic arguments, attributes) in one token. Longer code yields
/// its parts only.
const LONGEST_WHOLE: usize = 64;

/// The maximum length of a token, in bytes. Longer runs are data (keys, base64), not words, and yield no
/// token.
const LONGEST_TOKEN: usize = 100;

/// Operators that are tokens if they are surrounded by white space or backticks.
const OPERATORS: [&str; 38] = [
    "?", "..", "..=", "=>", "->", "::", "::<>", "&&", "||", "&", "*", "@", "!", "<<", ">>", "+=", "-=", "==",
    "!=", "<=", ">=", "_", "'_", "%", "|>", "#", "$", "^", "~", "|", "/", "**", "//", "===", "!==", "<-",
    ":=", "??",
];

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
    let latin = word::languages_of(Script::Latin, languages);
    let tokens = Vec::with_capacity(text.len() / 5);
    let mut scan = Scan { text, languages, latin, wanted, tokens, position: 0 };
    scan.run(0, text.len());
    scan.tokens
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

struct Scan<'a, W> {
    text: &'a str,
    languages: &'a [Language],
    /// The languages that Latin words are analyzed in.
    latin: Vec<Language>,
    /// Whether a word of ASCII letters is wanted.
    wanted: W,
    tokens: Vec<Token>,
    position: usize,
}

impl<W: Fn(&str) -> bool> Scan<'_, W> {
    /// Scans the tokens in `start..end`.
    fn run(&mut self, start: usize, end: usize) {
        let mut at = start;
        while let Some(c) = self.text[at..end].chars().next() {
            at = if is_word(c) {
                self.code(at, end)
            } else if c == ' ' {
                at + 1
            } else if let Some(after) = self.lifetime(at, end) {
                after
            } else if let Some(after) = self.attribute(at, end) {
                after
            } else if let Some(after) = self.reference(at, end) {
                after
            } else if let Some(after) = self.operator(at, end) {
                after
            } else if let Some(after) = self.prefixed(at, end) {
                after
            } else {
                at + c.len_utf8()
            };
        }
    }

    /// Scans a word, identifier, path, macro name or generic type that starts at `at`. Returns its end.
    fn code(&mut self, at: usize, end: usize) -> usize {
        let path = self.path_end(at, end);
        let generic = self.generic_end(path, end);
        if generic > path {
            self.whole(at, generic);
            self.path(at, path);
            self.run(path + 1, generic - 1);
            return generic;
        }
        if let Some(after) = self.elision(at, path, end) {
            return after;
        }
        // In `println!`, `C++`, `C++17` and `C#`, the sign belongs to the name.
        let rest = &self.text[path..end];
        let sign = ["++", "#", "!"].into_iter().find(|sign| rest.starts_with(sign));
        match sign {
            Some("!") if rest[1..].starts_with('=') || path - at < 3 => self.path(at, path),
            Some(sign) => {
                let after = path + sign.len();
                let version = run_len(&self.text[after..end], |c| c.is_ascii_digit());
                if version > 0 && sign != "!" {
                    self.whole(at, after + version);
                }
                self.whole(at, after);
                self.path(at, path);
                return after;
            }
            None => self.path(at, path),
        }
        path
    }

    /// The end of the path that starts at `at`: identifiers joined by `::`, or ASCII names and numbers joined
    /// by points (`node.js`, `1.10`).
    fn path_end(&self, at: usize, end: usize) -> usize {
        let word_end = |from: usize| from + run_len(&self.text[from..end], is_word);
        let is_ascii = |range: Range<usize>| self.text[range].bytes().all(|byte| byte.is_ascii());
        let mut to = word_end(at);
        loop {
            let rest = &self.text[to..end];
            let joint = if rest.starts_with("::") {
                2
            } else if rest.starts_with('.') && is_ascii(at..to) && is_ascii(to..word_end(to + 1)) {
                1
            } else {
                return to;
            };
            let next = word_end(to + joint);
            if next == to + joint {
                return to;
            }
            to = next;
        }
    }

    /// The end of the generic arguments `<…>` that start at `at`, without line breaks and within
    /// [`LONGEST_WHOLE`] bytes. Returns `at` if there are none.
    fn generic_end(&self, at: usize, end: usize) -> usize {
        if !self.text[at..end].starts_with('<') {
            return at;
        }
        let mut depth = 0;
        let mut before = ' ';
        for (offset, c) in self.text[at..end].char_indices() {
            match c {
                '<' => depth += 1,
                '>' if before != '-' && before != '=' => depth -= 1,
                '\n' | '`' | '"' | '|' | '.' => return at,
                _ => {}
            }
            if depth == 0 {
                return at + offset + 1;
            }
            if offset > LONGEST_WHOLE {
                return at;
            }
            before = c;
        }
        at
    }

    /// Scans a lifetime (`'static`, `'a`), but not an apostrophe or a character literal. Returns its end.
    fn lifetime(&mut self, at: usize, end: usize) -> Option<usize> {
        let rest = self.text[at..end].strip_prefix('\'')?;
        if self.text[..at].chars().next_back().is_some_and(is_word) {
            return None;
        }
        let len = run_len(rest, is_word);
        if len == 0 || rest[len..].starts_with('\'') || rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.whole(at, at + 1 + len);
        self.path(at + 1, at + 1 + len);
        Some(at + 1 + len)
    }

    /// Scans an attribute (`#[repr(C)]`, `#![no_std]`). Returns its end.
    fn attribute(&mut self, at: usize, end: usize) -> Option<usize> {
        let rest = &self.text[at..end];
        let open = ["#[", "#!["].into_iter().find(|open| rest.starts_with(open))?.len();
        let close = rest
            .char_indices()
            .take_while(|(i, c)| *i < LONGEST_WHOLE && *c != '\n')
            .find(|(_, c)| *c == ']')?;
        self.whole(at, at + close.0 + 1);
        self.run(at + open, at + close.0);
        Some(at + close.0 + 1)
    }

    /// Scans a reference with the name after it (`&str`, `&mut`, `&self`). Returns the start of the name.
    fn reference(&mut self, at: usize, end: usize) -> Option<usize> {
        let rest = self.text[at..end].strip_prefix('&')?;
        if !rest.starts_with(is_word) {
            return None;
        }
        let len = run_len(rest, is_word);
        self.whole(at, at + 1 + len);
        Some(at + 1)
    }

    /// Scans an operator that is surrounded by white space or backticks. Returns its end.
    fn operator(&mut self, at: usize, end: usize) -> Option<usize> {
        let alone = |c: char| c.is_whitespace() || c == '`';
        if !self.text[..at].chars().next_back().is_none_or(alone) {
            return None;
        }
        let rest = &self.text[at..end];
        let len = rest.find(alone).unwrap_or(rest.len());
        // A question mark after a space at the end of the text (as in French) is not the operator.
        let only = self.text.trim() == "?";
        if !OPERATORS.contains(&&rest[..len]) || (&rest[..len] == "?" && at + 1 == self.text.len() && !only) {
            return None;
        }
        self.whole(at, at + len);
        self.position += 1;
        Some(at + len)
    }

    /// Scans a flag (`-Wall`, `--no-verify`) or a name that starts with a point (`.NET`, `.gitignore`) at the
    /// start of a word, but not a method call. Returns the start of its name.
    fn prefixed(&mut self, at: usize, end: usize) -> Option<usize> {
        let opens = |c: char| c.is_whitespace() || "`(['\"/|,=".contains(c);
        if !self.text[..at].chars().next_back().is_none_or(opens) {
            return None;
        }
        let rest = &self.text[at..end];
        let prefix = ["--", "-", "."].into_iter().find(|prefix| rest.starts_with(prefix))?.len();
        let name = &rest[prefix..];
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let len = run_len(name, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if rest.starts_with('.') && name[len..].starts_with(['(', ':', '<']) {
            return None;
        }
        self.whole(at, at + prefix + name[..len].trim_end_matches('-').len());
        Some(at + prefix)
    }

    /// Skips an elided article or pronoun (`l'` in `l'entrée`). Returns the start of the word after it.
    fn elision(&mut self, start: usize, end: usize, limit: usize) -> Option<usize> {
        let rest = self.text[end..limit].strip_prefix(['\'', '’'])?;
        let is_elided = rest.starts_with(is_word) && word::is_elision(&self.text[start..end], &self.latin);
        is_elided.then_some(limit - rest.len())
    }

    /// Adds the identifiers of a path, and the whole path if it has several. The name of a method with its
    /// receiver (`guard.lock()`) is not a whole.
    fn path(&mut self, start: usize, end: usize) {
        let path = &self.text[start..end];
        let is_call = self.text[end..].starts_with('(');
        if path.contains("::") || (path.contains('.') && !is_call) {
            self.whole(start, end);
            // `v1.10` is `1.10`.
            if is_version(path) {
                self.whole(start + 1, end);
            }
        }
        let mut at = start;
        while at < end {
            let len = run_len(&self.text[at..end], is_word);
            if len > 0 {
                self.identifier(at, at + len);
            }
            at += len;
            at += run_len(&self.text[at..end], |c| !is_word(c));
        }
    }

    /// Adds a word or the parts of an identifier (`spawn_blocking`, `MutexGuard`, `E0502`, `東京`), and the
    /// whole identifier if it has several parts in a script with spaces.
    fn identifier(&mut self, start: usize, end: usize) {
        let text = &self.text.as_bytes()[start..end];
        // Nearly all words have one part.
        if text[0].is_ascii_alphabetic() && text[1..].iter().all(u8::is_ascii_lowercase) {
            return self.word(start, end);
        }
        let parts = parts(&self.text[start..end]);
        let is_spaced = parts.iter().all(|part| part.kind == Kind::Spaced);
        // The whole of a power would be another number.
        let is_power = has_power(&self.text[start..end]);
        if let ([_, _, ..], true, false) = (parts.as_slice(), is_spaced, is_power) {
            self.whole(start, end);
        }
        for Part { start: from, end: to, kind } in parts {
            let (from, to) = (start + from, start + to);
            match kind {
                Kind::Spaced => self.word(from, to),
                Kind::Hangul => self.korean(from, to, from > start),
                Kind::Unspaced => self.unspaced(from, to),
            }
        }
    }

    /// Adds a word, analyzed in each language that uses its script.
    fn word(&mut self, start: usize, end: usize) {
        let text = &self.text[start..end];
        if text.is_ascii() && !(self.wanted)(text) {
            self.position += 1;
            return;
        }
        let script = if text.is_ascii() { None } else { text.chars().find_map(Script::of) };
        let terms = match script {
            None | Some(Script::Latin) => word::terms(text, &self.latin),
            Some(script) => word::terms(text, &word::languages_of(script, self.languages)),
        };
        if self.part(terms, start, end) {
            self.position += 1;
        }
    }

    /// Adds a Korean word without its particle. A word of three or more syllables is a whole token, and pairs
    /// of syllables are its parts: they match compounds and verbs with other endings. After a name in another
    /// script, a particle on its own is skipped.
    fn korean(&mut self, start: usize, end: usize, follows_name: bool) {
        let text = &self.text[start..end];
        if follows_name && word::is_particle(text) {
            return;
        }
        let term = word::without_particle(&fold::folded(text)).to_owned();
        let syllables = term.chars().count();
        let offsets: Vec<usize> = text.char_indices().map(|(at, _)| start + at).chain([end]).collect();
        // Single letters (decomposed syllables) do not correspond to the characters of the text.
        if syllables < 3 || text.chars().any(|c| !matches!(c, '가'..='힣')) {
            if self.part(vec![term], start, end) {
                self.position += 1;
            }
            return;
        }
        self.whole(start, offsets[syllables]);
        let characters: Vec<char> = term.chars().collect();
        for (nth, pair) in characters.windows(2).enumerate() {
            self.part(vec![pair.iter().collect()], offsets[nth], offsets[nth + 2]);
            self.position += 1;
        }
    }

    /// Adds the units of a run of unspaced script, and each pair of them as a whole token before its first
    /// unit.
    fn unspaced(&mut self, start: usize, end: usize) {
        let units = unspaced::units(&self.text[start..end]);
        for (nth, unit) in units.iter().enumerate() {
            if let Some(next) = units.get(nth + 1) {
                let text = format!("{}{}", unit.text, next.text);
                self.push(text, start + unit.start, start + next.end, true);
            }
            self.push(unit.text.clone(), start + unit.start, start + unit.end, false);
            self.position += 1;
        }
    }

    /// Adds a part with these terms at the current position. Returns whether there was one to add.
    fn part(&mut self, mut terms: Vec<String>, start: usize, end: usize) -> bool {
        terms.retain(|term| !term.is_empty() && term.len() <= LONGEST_TOKEN);
        if terms.is_empty() {
            return false;
        }
        let also = terms.split_off(1);
        let text = terms.remove(0);
        self.tokens.push(Token { text, also, start, end, position: self.position, whole: false });
        true
    }

    /// Adds a piece of code as one token, in lower case and without white space.
    fn whole(&mut self, start: usize, end: usize) {
        let text: String = fold::folded(&self.text[start..end]).split_whitespace().collect();
        self.push(text, start, end, true);
    }

    fn push(&mut self, text: String, start: usize, end: usize, whole: bool) {
        if !text.is_empty() && text.len() <= LONGEST_TOKEN {
            self.tokens.push(Token { text, also: Vec::new(), start, end, position: self.position, whole });
        }
    }
}

fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    c.is_alphanumeric() || is_combining_mark(c) || fold::is_invisible(c)
}

/// The length in bytes of the run of characters of a kind at the start of a text.
fn run_len(text: &str, kind: impl Fn(char) -> bool) -> usize {
    text.find(|c| !kind(c)).unwrap_or(text.len())
}

/// A part of an identifier, as a byte range.
struct Part {
    start: usize,
    end: usize,
    kind: Kind,
}

/// How a part is analyzed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// As a word.
    Spaced,
    /// As a Korean word.
    Hangul,
    /// As a run of a script without spaces.
    Unspaced,
}

impl Kind {
    /// The kind of a character; `None` for a mark that belongs to the character before it.
    fn of(c: char) -> Option<Self> {
        match Script::of(c) {
            Some(Script::Hangul) => Some(Self::Hangul),
            Some(script) if script.is_unspaced() => Some(Self::Unspaced),
            None if is_combining_mark(c) || fold::is_invisible(c) => None,
            _ => Some(Self::Spaced),
        }
    }
}

/// Whether a name is `v` and a number: `v1.10`.
fn is_version(name: &str) -> bool {
    name.starts_with(['v', 'V']) && name[1..].starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a character is a raised digit.
pub(crate) fn is_superscript(c: char) -> bool {
    matches!(c, '²' | '³' | '¹' | '⁰' | '⁴'..='⁹')
}

/// Whether a word contains a power of a number (`10²`), which is not the number `102`. Letters with raised digits are
/// also written with plain ones: `m²` and `m2`.
fn has_power(word: &str) -> bool {
    let next = word.chars().skip(1);
    !word.is_ascii() && word.chars().zip(next).any(|(a, b)| a.is_ascii_digit() && is_superscript(b))
}

/// The parts of an identifier. It is split at underscores, between lower case and upper case (`Mutex|Guard`),
/// before the last of several capitals (`HTTP|Server`), between a number and its power, and around Hangul and
/// scripts without spaces.
fn parts(identifier: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut before: Option<char> = None;
    let mut chars = identifier.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        let next = chars.peek().map(|(_, c)| *c);
        let kind = Kind::of(c);
        let boundary = match (before, parts.last()) {
            (None | Some('_'), _) | (_, None) => true,
            (_, Some(part)) if kind.is_some_and(|kind| kind != part.kind) => true,
            (Some(b), _) if b.is_lowercase() && c.is_uppercase() => true,
            (Some(b), _) if b.is_ascii_digit() && is_superscript(c) => true,
            (Some(b), _) if b.is_uppercase() && c.is_uppercase() => next.is_some_and(char::is_lowercase),
            _ => false,
        };
        match parts.last_mut() {
            _ if c == '_' => {}
            Some(part) if !boundary => part.end = end,
            _ => parts.push(Part { start: at, end, kind: kind.unwrap_or(Kind::Spaced) }),
        }
        before = Some(c);
    }
    parts
}

/// The tokenizer as used by tantivy. It analyzes texts that [`tagged`] returned.
#[derive(Clone, Default)]
pub struct Analyzer;

impl Analyzer {
    /// The name of the tokenizer in the index schema.
    pub const NAME: &'static str = "rqsearch";
}

/// A text as the [`Analyzer`] takes it: with the language to analyze it in on a line before it.
///
/// A tantivy tokenizer gets nothing but the text. The tag costs less than tokens that are computed beforehand
/// and serialized.
pub fn tagged(text: &str, language: Language) -> String {
    format!("{}\n{text}", language.code())
}

impl Tokenizer for Analyzer {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        let (code, text) = text.split_once('\n').unwrap_or(("", text));
        let language = Language::from_code(code).unwrap_or(Language::English);
        Tokens {
            tokens: tokens_in(text, &[language]).into_iter(),
            current: TantivyToken::default(),
            also: Vec::new(),
        }
    }
}

/// The tokens of one text as a tantivy token stream.
pub struct Tokens {
    tokens: std::vec::IntoIter<Token>,
    current: TantivyToken,
    /// Terms that follow at the same position.
    also: Vec<String>,
}

impl TokenStream for Tokens {
    fn advance(&mut self) -> bool {
        if let Some(text) = self.also.pop() {
            self.current.text = text;
            return true;
        }
        let Some(token) = self.tokens.next() else {
            return false;
        };
        self.also = token.also;
        self.current = TantivyToken {
            offset_from: token.start,
            offset_to: token.end,
            position: token.position,
            text: token.text,
            position_length: 1,
        };
        true
    }

    fn token(&self) -> &TantivyToken {
        &self.current
    }

    fn token_mut(&mut self) -> &mut TantivyToken {
        &mut self.current
    }
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
