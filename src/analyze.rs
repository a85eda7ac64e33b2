//! The one tokenizer: what the index stores, what a phrase asks for, what a snippet marks.
//!
//! Plain words are lower-cased, freed of accents and stemmed as English. Code is found whole *and*
//! by its parts: `Arc<Mutex<T>>` gives `arc<mutex<t>>`, `mutex<t>`, `arc`, `mutex` and `t`;
//! `tokio::spawn_blocking` gives itself, `spawn_blocking`, `tokio`, `spawn` and `block`. So a
//! phrase that names the very thing meets the rare whole, and one that half remembers it meets
//! the parts.

use std::borrow::Cow;

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{Token as TantivyToken, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The longest piece of code taken as one, in bytes; what is longer is found by its parts only.
const LONGEST_WHOLE: usize = 64;

/// The longest token, in bytes; longer runs are data (keys, base64), not words.
const LONGEST_TOKEN: usize = 100;

/// Operators that are words when they stand alone: between white space or backticks.
const OPERATORS: [&str; 25] = [
    "?", "..", "..=", "=>", "->", "::", "::<>", "&&", "||", "&", "*", "@", "!", "<<", ">>", "+=", "-=", "==",
    "!=", "<=", ">=", "_", "'_", "%", "|>",
];

/// One thing to search for, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Lower case; stemmed unless [`whole`](Self::whole).
    pub text: String,
    /// First byte in the analysed text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Counts the parts: a whole has the position of its first part.
    pub position: usize,
    /// A piece of code as written, which its parts follow; else a word or a part.
    pub whole: bool,
}

/// The tokens of a text, in order of position; a whole stands before its parts.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut scan = Scan { text, tokens: Vec::with_capacity(text.len() / 5), position: 0 };
    scan.run(0, text.len());
    scan.tokens
}

/// A text with everything taken away that does not make another question of it: case, accents,
/// punctuation, markup and white space. Two titles with one key are the same title.
pub fn title_key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    let mut gap = false;
    for c in folded(text) {
        if c.is_alphanumeric() || "<>&'?:!+#*[]".contains(c) {
            if gap && !key.is_empty() {
                key.push(' ');
            }
            gap = false;
            key.push(c);
        } else if c != '`' && c != '_' {
            gap = true;
        }
    }
    key.trim_end_matches(['?', '!', ' ', ':']).to_owned()
}

/// Lower case without accents.
fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase)
}

fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { folded(text).collect() }
}

struct Scan<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    position: usize,
}

impl Scan<'_> {
    /// Reads the tokens that lie in `start..end`.
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

    /// A word, identifier, path, macro name or generic type; `at` stands on its first character.
    fn code(&mut self, at: usize, end: usize) -> usize {
        let path = self.path_end(at, end);
        let generic = self.generic_end(path, end);
        if generic > path {
            self.whole(at, generic);
            self.path(at, path);
            self.run(path + 1, generic - 1);
            return generic;
        }
        // `println!`, `C++`, `C#`: the sign belongs to the name.
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

    /// Where the path that begins at `at` ends: identifiers joined by `::`, or a number with points.
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

    /// Where the brackets that open at `at` close (one past), or `at` where none do: `<…>` right
    /// after a name, without line breaks, within [`LONGEST_WHOLE`].
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

    /// `'static`, `'a`: but neither an apostrophe nor a character literal.
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

    /// `#[repr(C)]`, `#![no_std]`.
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

    /// `&str`, `&mut`, `&self`: the sign with the name after it.
    fn reference(&mut self, at: usize, end: usize) -> Option<usize> {
        let rest = self.text[at..end].strip_prefix('&')?;
        if !rest.starts_with(is_word) {
            return None;
        }
        let len = run_len(rest, is_word);
        self.whole(at, at + 1 + len);
        Some(at + 1)
    }

    /// An operator that stands alone.
    fn operator(&mut self, at: usize, end: usize) -> Option<usize> {
        let alone = |c: char| c.is_whitespace() || c == '`';
        if !self.text[..at].chars().next_back().is_none_or(alone) {
            return None;
        }
        let rest = &self.text[at..end];
        let len = rest.find(alone).unwrap_or(rest.len());
        // A question mark after a space at the very end is French, or habit; not the operator.
        let only = self.text.trim() == "?";
        if !OPERATORS.contains(&&rest[..len]) || (&rest[..len] == "?" && at + 1 == self.text.len() && !only) {
            return None;
        }
        self.whole(at, at + len);
        self.position += 1;
        Some(at + len)
    }

    /// The parts of a path, each identifier of several parts whole as well.
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

    /// A word or an identifier: `spawn_blocking`, `MutexGuard`, `E0502`, `東京`.
    fn identifier(&mut self, start: usize, end: usize) {
        let parts = parts(&self.text[start..end]);
        if let [_, _, ..] = parts.as_slice() {
            self.whole(start, end);
        }
        for (from, to) in parts {
            let text = fold(&self.text[start + from..start + to]);
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

    /// A piece of code as written, but for case and white space.
    fn whole(&mut self, start: usize, end: usize) {
        let text: String = fold(&self.text[start..end]).split_whitespace().collect();
        if text.len() <= LONGEST_TOKEN {
            self.tokens.push(Token { text, start, end, position: self.position, whole: true });
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || is_combining_mark(c)
}

/// Scripts written without spaces are searched by the character.
fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c), 0x3040..=0x30FF | 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x2FA1F)
}

/// How many bytes at the beginning of a text are characters of a kind.
fn run_len(text: &str, kind: impl Fn(char) -> bool) -> usize {
    text.find(|c| !kind(c)).unwrap_or(text.len())
}

/// Byte ranges of the parts of an identifier: at underscores, where lower case meets upper
/// (`Mutex|Guard`), before the last of several capitals (`HTTP|Server`), at ideographs.
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

/// The English stem of a lower-case word (Porter's second stemmer); anything but plain letters
/// stays as it is.
fn stem(word: String) -> String {
    if word.len() < 3 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return word;
    }
    match Stemmer::new(Algorithm::English).stem(&word) {
        Cow::Borrowed(stem) if stem.len() == word.len() => word,
        stem => stem.into_owned(),
    }
}

/// The tokenizer under the name that the index's schema gives it.
#[derive(Clone, Default)]
pub struct Analyzer;

impl Analyzer {
    /// What the schema calls it. A change of what the tokenizer does changes the name, so that
    /// an index made with the old one is refused and not searched wrongly.
    pub const NAME: &'static str = "rqsearch-1";
}

impl Tokenizer for Analyzer {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        Tokens { tokens: tokens(text).into_iter(), current: TantivyToken::default() }
    }
}

/// The tokens of one text, as tantivy takes them.
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
    fn prose_is_stemmed_and_lower_case() {
        check("Holding locks across Awaits", &["hold", "lock", "across", "await"]);
        check("naïve Café", &["naiv", "cafe"]);
        check("don't", &["don", "t"]);
        check("", &[]);
        check("— … !!", &[]);
    }

    #[test]
    fn code_is_found_whole_and_by_its_parts() {
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
    fn punctuation_that_is_not_code_is_nothing() {
        check("what? yes!", &["what", "yes!", "yes"]);
        check("a < b and c > d", &["a", "b", "and", "c", "d"]);
        check("the char 'x' here", &["the", "char", "x", "here"]);
        check("is it ?", &["is", "it"]);
        check("?", &["?"]);
        check("a <unclosed", &["a", "unclos"]);
    }

    #[test]
    fn scripts_without_spaces_are_searched_by_the_character() {
        check("東京rust", &["東京rust", "東", "京", "rust"]);
    }

    #[test]
    fn positions_count_the_parts() {
        let positions: Vec<usize> =
            tokens("use Arc<Mutex<T>> now").iter().map(|token| token.position).collect();
        assert_eq!(positions, [0, 1, 1, 2, 2, 3, 4]);
    }

    #[test]
    fn titles_that_differ_in_case_and_markup_have_one_key() {
        assert_eq!(title_key("What is `Pin`?"), title_key("  what is Pin "));
        assert_eq!(title_key("What's a *lifetime*?"), title_key("what's a *lifetime*"));
        assert_ne!(title_key("Rc<T>"), title_key("Rc T"));
        assert_ne!(title_key("C++"), title_key("C"));
    }

    proptest! {
        #[test]
        fn any_text_gives_tokens_that_stand_in_it(text in r"(\PC|[a-z_A-Z<>&'#\[\]:!?` \n]){0,80}") {
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
