//! Text → tokens: words, code as a whole and its parts.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use super::identifier::{Kind, Part, has_power, is_version, parts};
use super::{Language, Script, Token, fold, unspaced, word};

/// The maximum length in bytes of brackets (generic arguments, attributes) in one token. Longer code yields
/// its parts only.
const LONGEST_WHOLE: usize = 64;

/// The maximum length of a token, in bytes. Longer runs are data (keys, base64), not words, and yield no
/// token.
const LONGEST_TOKEN: usize = 100;

/// Operators that are tokens if they are surrounded by white space or backticks.
pub(super) const OPERATORS: [&str; 38] = [
    "?", "..", "..=", "=>", "->", "::", "::<>", "&&", "||", "&", "*", "@", "!", "<<", ">>", "+=", "-=", "==",
    "!=", "<=", ">=", "_", "'_", "%", "|>", "#", "$", "^", "~", "|", "/", "**", "//", "===", "!==", "<-",
    ":=", "??",
];

/// A scan of a text.
pub struct Scan<'a, W> {
    text: &'a str,
    languages: &'a [Language],
    /// The languages that Latin words are analyzed in.
    latin: Vec<Language>,
    /// Whether a word of ASCII letters is wanted.
    wanted: W,
    tokens: Vec<Token>,
    position: usize,
}

impl<'a, W: Fn(&str) -> bool> Scan<'a, W> {
    /// The tokens of a text, in these languages. See [`tokens_where`](super::tokens_where).
    pub fn tokens(text: &'a str, languages: &'a [Language], wanted: W) -> Vec<Token> {
        let latin = word::languages_of(Script::Latin, languages);
        let tokens = Vec::with_capacity(text.len() / 5);
        let mut scan = Self { text, languages, latin, wanted, tokens, position: 0 };
        scan.run(0, text.len());
        scan.tokens
    }

    /// Scans the tokens in `start..end`.
    fn run(&mut self, start: usize, end: usize) {
        let mut at = start;
        while let Some(c) = self.text[at..end].chars().next() {
            at = if is_word(c) {
                self.code(at, end)
            } else if c == ' ' {
                at + 1
            } else {
                self.sign(at, end).unwrap_or(at + c.len_utf8())
            };
        }
    }

    /// Scans what begins with a sign. Returns where the scan goes on; `None` if the sign is punctuation.
    fn sign(&mut self, at: usize, end: usize) -> Option<usize> {
        self.lifetime(at, end)
            .or_else(|| self.attribute(at, end))
            .or_else(|| self.reference(at, end))
            .or_else(|| self.operator(at, end))
            .or_else(|| self.prefixed(at, end))
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
