//! The tokenizer for indexing, queries and snippets.
//!
//! Words are lower-cased, stripped of accents and stemmed as English. Code yields the whole expression *and*
//! its parts: `Arc<Mutex<T>>` gives `arc<mutex<t>>`, `mutex<t>`, `arc`, `mutex` and `t`.
//! `tokio::spawn_blocking` gives itself, `spawn_blocking`, `tokio`, `spawn` and `block`. A phrase with the
//! exact code matches the rare whole token, and a phrase with a part of it matches the parts.

use std::borrow::Cow;

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{Token as TantivyToken, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The maximum length in bytes of brackets (generic arguments, attributes) in one token. Longer code yields
/// its parts only.
const LONGEST_WHOLE: usize = 64;

/// The maximum length of a token, in bytes. Longer runs are data (keys, base64), not words, and yield no
/// token.
const LONGEST_TOKEN: usize = 100;

/// Operators that are tokens if they are surrounded by white space or backticks.
const OPERATORS: [&str; 25] = [
    "?", "..", "..=", "=>", "->", "::", "::<>", "&&", "||", "&", "*", "@", "!", "<<", ">>", "+=", "-=", "==",
    "!=", "<=", ">=", "_", "'_", "%", "|>",
];

/// A token and its position in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The text in lower case, stemmed unless [`whole`](Self::whole).
    pub text: String,
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

/// Splits a text into tokens, in order of position. A whole token comes before its parts.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut scan = Scan { text, tokens: Vec::with_capacity(text.len() / 5), position: 0 };
    scan.run(0, text.len());
    scan.tokens
}

/// The characters of a text in lower case, without accents.
fn normalized_chars(text: &str) -> impl Iterator<Item = char> + '_ {
    text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase)
}

fn normalized(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { normalized_chars(text).collect() }
}

struct Scan<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    position: usize,
}

impl Scan<'_> {
    /// Scans the tokens in `start..end`.
    fn run(&mut self, start: usize, end: usize) {
        let mut at = start;
        while let Some(c) = self.text[at..end].chars().next() {
            at = if is_word(c) {
                self.code(at, end)
            } else if let Some(after) = self.lifetime(at, end) {
                after
            } else if let Some(after) = self.attribute(at, end) {
                after
            } else if let Some(after) = self.reference(at, end) {
                after
            } else if let Some(after) = self.operator(at, end) {
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
        // In `println!`, `C++` and `C#`, the sign belongs to the name.
        let rest = &self.text[path..end];
        let sign = ["++", "#", "!"].into_iter().find(|sign| rest.starts_with(sign));
        match sign {
            Some("!") if rest[1..].starts_with('=') || path - at < 3 => self.path(at, path),
            Some(sign) => {
                self.whole(at, path + sign.len());
                self.path(at, path);
                return path + sign.len();
            }
            None => self.path(at, path),
        }
        path
    }

    /// The end of the path that starts at `at`: identifiers joined by `::`, or a number with points.
    fn path_end(&self, at: usize, end: usize) -> usize {
        let word_end = |from: usize| from + run_len(&self.text[from..end], is_word);
        let mut to = word_end(at);
        let number = self.text[at..to].bytes().all(|b| b.is_ascii_digit());
        loop {
            let rest = &self.text[to..end];
            let joint = if rest.starts_with("::") {
                2
            } else if number && rest.starts_with('.') {
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

    /// Adds the identifiers of a path, and the whole path if it has several.
    fn path(&mut self, start: usize, end: usize) {
        let several = self.text[start..end].contains("::") || self.text[start..end].contains('.');
        if several {
            self.whole(start, end);
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
    /// whole identifier if it has several parts.
    fn identifier(&mut self, start: usize, end: usize) {
        let parts = parts(&self.text[start..end]);
        if let [_, _, ..] = parts.as_slice() {
            self.whole(start, end);
        }
        for (from, to) in parts {
            let text = normalized(&self.text[start + from..start + to]);
            if !text.is_empty() && text.len() <= LONGEST_TOKEN {
                self.tokens.push(Token {
                    text: stem(text),
                    start: start + from,
                    end: start + to,
                    position: self.position,
                    whole: false,
                });
                self.position += 1;
            }
        }
    }

    /// Adds a piece of code as one token, in lower case and without white space.
    fn whole(&mut self, start: usize, end: usize) {
        let text: String = normalized(&self.text[start..end]).split_whitespace().collect();
        if text.len() <= LONGEST_TOKEN {
            self.tokens.push(Token { text, start, end, position: self.position, whole: true });
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || is_combining_mark(c)
}

/// Whether a character belongs to a script written without spaces. Each such character is a token.
fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c), 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x2FA1F)
}

/// The length in bytes of the run of characters of a kind at the start of a text.
fn run_len(text: &str, kind: impl Fn(char) -> bool) -> usize {
    text.find(|c| !kind(c)).unwrap_or(text.len())
}

/// The byte ranges of the parts of an identifier. It is split at underscores, between lower case and upper
/// case (`Mutex|Guard`), before the last of several capitals (`HTTP|Server`), and around ideographs.
fn parts(identifier: &str) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    let mut chars = identifier.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let boundary = match before {
            _ if c == '_' => true,
            Some(b) if b == '_' || is_ideograph(b) || is_ideograph(c) => true,
            Some(b) if b.is_lowercase() && c.is_uppercase() => true,
            Some(b) if b.is_uppercase() && c.is_uppercase() => next.is_some_and(char::is_lowercase),
            _ => false,
        };
        if boundary && start < at {
            parts.push((start, at));
        }
        if boundary {
            start = at;
        }
        if c == '_' {
            start = at + 1;
        }
        before = Some(c);
    }
    if start < identifier.len() {
        parts.push((start, identifier.len()));
    }
    parts
}

/// The English stem of a lower-case word (Porter2). Words with characters other than `a` to `z` are returned
/// unchanged.
fn stem(word: String) -> String {
    if word.len() < 3 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return word;
    }
    match Stemmer::new(Algorithm::English).stem(&word) {
        Cow::Borrowed(stem) if stem.len() == word.len() => word,
        stem => stem.into_owned(),
    }
}

/// The tokenizer as used by tantivy.
#[derive(Clone, Default)]
pub struct Analyzer;

impl Analyzer {
    /// The name of the tokenizer in the index schema. Change the name whenever the tokenizer's output
    /// changes. An index built with the old tokenizer is then rejected instead of returning wrong results.
    pub const NAME: &'static str = "rqsearch-1";
}

impl Tokenizer for Analyzer {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        Tokens { tokens: tokens(text).into_iter(), current: TantivyToken::default() }
    }
}

/// The tokens of one text as a tantivy token stream.
pub struct Tokens {
    tokens: std::vec::IntoIter<Token>,
    current: TantivyToken,
}

impl TokenStream for Tokens {
    fn advance(&mut self) -> bool {
        let Some(token) = self.tokens.next() else {
            return false;
        };
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
    fn scripts_without_spaces_yield_one_token_per_character() {
        check("東京rust", &["東京rust", "東", "京", "rust"]);
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
