//! Code in colours: remarks, text, numbers, keywords and types. Enough to read by, in any language that
//! writes them as most do; a grammar for each would be larger and slower to load than all of the picker.

use std::ops::Range;

/// What a piece of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A word of the language.
    Keyword,
    /// Text in quotes.
    String,
    /// A remark.
    Comment,
    /// A number.
    Number,
    /// A name with a capital, where types have one; a lifetime.
    Type,
}

/// How a language writes what we tell apart.
struct Language {
    names: &'static [&'static str],
    /// What a remark begins with that goes to the end of the line.
    remark: &'static [&'static str],
    /// What a longer one stands between.
    block: Option<(&'static str, &'static str)>,
    quotes: &'static [char],
    /// Types begin with a capital.
    capitals: bool,
    keywords: &'static str,
}

const LANGUAGES: &[Language] = &[
    Language {
        names: &["rust", "rs"],
        remark: &["//"],
        block: Some(("/*", "*/")),
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
        remark: &["//"],
        block: Some(("/*", "*/")),
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
        remark: &["#"],
        block: None,
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
        remark: &["#"],
        block: None,
        quotes: &['"', '\''],
        capitals: false,
        keywords: "case do done elif else esac export false fi for function if in let local return set then true \
            until while cargo cd echo git sudo FROM RUN COPY WORKDIR ENV CMD ENTRYPOINT",
    },
    Language {
        names: &["sql", "postgres", "sqlite", "mysql", "lua", "haskell", "hs"],
        remark: &["--"],
        block: None,
        quotes: &['\'', '"'],
        capitals: false,
        keywords: "SELECT FROM WHERE AND OR NOT INSERT INTO VALUES UPDATE SET DELETE CREATE TABLE INDEX DROP ALTER \
            JOIN LEFT RIGHT INNER OUTER ON GROUP BY ORDER HAVING LIMIT AS NULL IS IN LIKE PRIMARY KEY UNIQUE BEGIN \
            COMMIT select from where and or not insert into values update set delete create table index drop join \
            left on group by order having limit as null is in like local function end then else if do while for \
            return nil true false module import data type case of let",
    },
];

/// The tokens of some code, in order, not overlapping; none in a language nobody knows. `language` is what
/// stands behind the fence: `rust,ignore`.
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
    /// How long what stands at the beginning of `rest` is (never 0), and what it is.
    fn token(&self, rest: &str, first: char) -> (usize, Option<Token>) {
        if self.remark.iter().any(|begin| rest.starts_with(begin)) {
            return (rest.find('\n').unwrap_or(rest.len()), Some(Token::Comment));
        }
        if let Some((begin, end)) = self.block.filter(|(begin, _)| rest.starts_with(begin)) {
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

/// How long the characters at the beginning are that are so.
fn run(rest: &str, is_so: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !is_so(c)).unwrap_or(rest.len())
}

/// How long a quotation is, both quotes included. One that does not close ends with its text; an
/// apostrophe's, with its line.
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
    fn rust_is_told_apart() {
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
    fn other_languages_have_their_own_words() {
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
    fn what_is_never_closed_ends_with_the_text() {
        for code in ["\"abc", "/* abc", "'", "'\\", "\"\\", "// abc"] {
            let ends: Vec<usize> = tokens(code, "rust").iter().map(|(range, _)| range.end).collect();
            assert_eq!(ends, [code.len()], "{code}");
        }
    }
}
