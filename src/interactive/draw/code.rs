//! Syntax highlighting: comments, strings, numbers, keywords and types.
//!
//! A simple tokenizer is enough for languages with common syntax. A grammar for each language would be larger
//! and slower to load than the rest of interactive search.

use std::ops::Range;

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A keyword.
    Keyword,
    /// A string in quotes.
    String,
    /// A comment.
    Comment,
    /// A number.
    Number,
    /// A name that starts with a capital letter, in languages where types do; a lifetime.
    Type,
}

/// The syntax of a language.
struct Language {
    names: &'static [&'static str],
    /// The prefixes of comments that end with the line.
    line_comments: &'static [&'static str],
    /// The delimiters of comments that can span lines.
    block_comment: Option<(&'static str, &'static str)>,
    quotes: &'static [char],
    /// Whether types begin with a capital letter.
    capitals: bool,
    keywords: &'static str,
}

const LANGUAGES: &[Language] = &[
    Language {
        names: &["rust", "rs"],
        line_comments: &["//"],
        block_comment: Some(("/*", "*/")),
        quotes: &['"'],
        capitals: true,
        keywords: "as async await break const continue crate dyn else enum extern false fn for gen if impl in \
            let loop match mod move mut pub ref return self static struct super trait true type union unsafe \
            use where while yield bool char str u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64",
    },
    Language {
        names: &[
            "c",
            "cpp",
            "c++",
            "h",
            "java",
            "js",
            "javascript",
            "ts",
            "typescript",
            "jsx",
            "tsx",
            "go",
            "csharp",
            "cs",
            "kotlin",
            "swift",
            "scala",
            "php",
            "json",
            "jsonc",
            "proto",
            "css",
            "dart",
            "zig",
        ],
        line_comments: &["//"],
        block_comment: Some(("/*", "*/")),
        quotes: &['"', '\'', '`'],
        capitals: true,
        keywords: "abstract async await bool boolean break byte case catch char class const continue def default \
            defer delete do double else enum export extends extern false final finally float for func function \
            go if implements import in instanceof int interface let long namespace new nil null package private \
            protected public return short signed sizeof static string struct super switch template this throw \
            throws true try type typedef typeof union unsigned using var virtual void volatile while with yield",
    },
    Language {
        names: &["python", "py", "ruby", "rb", "perl", "r", "elixir", "julia"],
        line_comments: &["#"],
        block_comment: None,
        quotes: &['"', '\''],
        capitals: true,
        keywords: "and as assert async await begin break case class continue def defp do elif else elsif end \
            except False finally for from function global if import in is lambda module my nil None nonlocal \
            not or pass raise require rescue return self sub True try unless until use when while with yield",
    },
    Language {
        names: &[
            "sh",
            "bash",
            "shell",
            "zsh",
            "console",
            "fish",
            "dockerfile",
            "docker",
            "make",
            "makefile",
            "toml",
            "ini",
            "yaml",
            "yml",
            "conf",
            "nix",
            "cmake",
        ],
        line_comments: &["#"],
        block_comment: None,
        quotes: &['"', '\''],
        capitals: false,
        keywords: "case do done elif else esac export false fi for function if in let local return set then true \
            until while cargo cd echo git sudo FROM RUN COPY WORKDIR ENV CMD ENTRYPOINT",
    },
    Language {
        names: &["sql", "postgres", "sqlite", "mysql", "lua", "haskell", "hs"],
        line_comments: &["--"],
        block_comment: None,
        quotes: &['\'', '"'],
        capitals: false,
        keywords: "SELECT FROM WHERE AND OR NOT INSERT INTO VALUES UPDATE SET DELETE CREATE TABLE INDEX DROP ALTER \
            JOIN LEFT RIGHT INNER OUTER ON GROUP BY ORDER HAVING LIMIT AS NULL IS IN LIKE PRIMARY KEY UNIQUE BEGIN \
            COMMIT select from where and or not insert into values update set delete create table index drop join \
            left on group by order having limit as null is in like local function end then else if do while for \
            return nil true false module import data type case of let",
    },
];

/// The tokens of some code, in order and not overlapping. Empty if the language is unknown. `language` is the
/// info string of the fence, such as `rust,ignore`.
pub fn tokens(code: &str, language: &str) -> Vec<(Range<usize>, Token)> {
    let name = language.split(|c: char| !(c.is_alphanumeric() || c == '+')).next().unwrap_or("");
    let name = name.to_lowercase();
    let Some(language) = LANGUAGES.iter().find(|language| language.names.contains(&name.as_str())) else {
        return Vec::new();
    };
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = code[at..].chars().next() {
        let (length, token) = language.token(&code[at..], c);
        if let Some(token) = token {
            tokens.push((at..at + length, token));
        }
        at += length;
    }
    tokens
}

impl Language {
    /// The length (at least 1) and the kind of the token at the beginning of `rest`.
    fn token(&self, rest: &str, first: char) -> (usize, Option<Token>) {
        if self.line_comments.iter().any(|begin| rest.starts_with(begin)) {
            return (rest.find('\n').unwrap_or(rest.len()), Some(Token::Comment));
        }
        if let Some((begin, end)) = self.block_comment.filter(|(begin, _)| rest.starts_with(begin)) {
            let inner = &rest[begin.len()..];
            let length = inner.find(end).map_or(rest.len(), |at| begin.len() + at + end.len());
            return (length, Some(Token::Comment));
        }
        if self.quotes.contains(&first) {
            return (quoted(rest, first), Some(Token::String));
        }
        if first == '\'' {
            return character_or_lifetime(rest);
        }
        if first.is_ascii_digit() {
            return (run(rest, |c| c.is_ascii_alphanumeric() || c == '_'), Some(Token::Number));
        }
        if first.is_alphabetic() || first == '_' {
            return self.word(rest, first);
        }
        (first.len_utf8(), None)
    }

    fn word(&self, rest: &str, first: char) -> (usize, Option<Token>) {
        let length = run(rest, |c| c.is_alphanumeric() || c == '_');
        let word = &rest[..length];
        let token = if self.keywords.split_whitespace().any(|keyword| keyword == word) {
            Some(Token::Keyword)
        } else {
            (self.capitals && first.is_uppercase()).then_some(Token::Type)
        };
        (length, token)
    }
}

/// The length of the prefix whose characters all match.
fn run(rest: &str, matches: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !matches(c)).unwrap_or(rest.len())
}

/// The length of a string, including both quotes. An unclosed string ends with the code, or with the line if
/// the quote is an apostrophe.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            '\n' if quote == '\'' => return at,
            _ => {}
        }
    }
    rest.len()
}

/// `'a'`, `'\n'` or `'static`.
fn character_or_lifetime(rest: &str) -> (usize, Option<Token>) {
    let mut inner = rest.chars().skip(1);
    let (first, second) = (inner.next(), inner.next());
    if first == Some('\\') || second == Some('\'') {
        return (quoted(rest, '\''), Some(Token::String));
    }
    (1 + run(&rest[1..], |c| c.is_alphanumeric() || c == '_'), Some(Token::Type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(language: &str, code: &str, expected: &[(&str, Token)]) {
        let tokens = tokens(code, language);
        let found: Vec<_> = tokens.into_iter().map(|(range, token)| (&code[range], token)).collect();
        assert_eq!(found, expected, "{code}");
    }

    #[test]
    fn rust_tokens() {
        use Token::{Comment, Keyword, Number, String, Type};
        check(
            "rust,ignore",
            "let x: &'a Vec<u8> = f(\"a \\\" // b\", '\\'', 'é', 0xff); // end\n/* two\nlines */ y",
            &[
                ("let", Keyword),
                ("'a", Type),
                ("Vec", Type),
                ("u8", Keyword),
                ("\"a \\\" // b\"", String),
                ("'\\''", String),
                ("'é'", String),
                ("0xff", Number),
                ("// end", Comment),
                ("/* two\nlines */", Comment),
            ],
        );
    }

    #[test]
    fn other_languages_have_their_own_keywords() {
        check("sh", "cd a # b", &[("cd", Token::Keyword), ("# b", Token::Comment)]);
        check("TOML", "a = 'b'", &[("'b'", Token::String)]);
        check(
            "sql",
            "SELECT 1 -- x",
            &[("SELECT", Token::Keyword), ("1", Token::Number), ("-- x", Token::Comment)],
        );
        check("sh", "it's\ncd a", &[("'s", Token::String), ("cd", Token::Keyword)]);
        check("klingon", "let x = 1", &[]);
    }

    #[test]
    fn unclosed_tokens_end_with_the_code() {
        for code in ["\"abc", "/* abc", "'", "'\\", "\"\\", "// abc"] {
            let ends: Vec<usize> = tokens(code, "rust").iter().map(|(range, _)| range.end).collect();
            assert_eq!(ends, [code.len()], "{code}");
        }
    }
}
