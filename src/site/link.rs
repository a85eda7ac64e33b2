//! The address that a hit leads to.

use std::fmt::Write;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, bail};

use super::Options;
use super::headings::{Headings, Style};
use crate::hint::hinted;
use crate::index::Index;
use crate::question::Question;

/// The address of a question as a text with names in braces, such as `faq.html#{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name(Name),
}

/// What a name in braces stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Id,
    Key,
    Path,
    Stem,
    Page,
    Line,
    Anchor(Style),
    Url,
}

/// The names in braces.
const NAMES: [(&str, Name); 9] = [
    ("id", Name::Id),
    ("key", Name::Key),
    ("path", Name::Path),
    ("stem", Name::Stem),
    ("page", Name::Page),
    ("line", Name::Line),
    ("anchor", Name::Anchor(Style::GitHub)),
    ("slug", Name::Anchor(Style::PythonMarkdown)),
    ("url", Name::Url),
];

impl FromStr for Link {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            pieces.push(Piece::Text(before.to_owned()));
            let Some((name, after)) = after.split_once('}') else {
                bail!(hinted("a brace is not closed", "write the name of a value, as in 'faq.html#{id}'"));
            };
            let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == name) else {
                let known: Vec<String> = NAMES.iter().map(|(name, _)| format!("{{{name}}}")).collect();
                bail!(hinted(
                    format!("{{{name}}} is not the name of a value"),
                    format!("use {}", known.join(", "))
                ));
            };
            pieces.push(Piece::Name(*name));
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }
}

impl Link {
    /// Whether all questions have the same address.
    pub fn is_constant(&self) -> bool {
        self.names().next().is_none()
    }

    /// Whether an address contains the path of a file.
    pub fn has_path(&self) -> bool {
        self.names().any(|name| matches!(name, Name::Path | Name::Stem | Name::Page))
    }

    fn names(&self) -> impl Iterator<Item = Name> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Name(name) => Some(*name),
            Piece::Text(_) => None,
        })
    }
}

/// Makes the addresses of the questions of an index.
pub struct Addresses<'a> {
    index: &'a Index,
    link: Option<&'a Link>,
    /// Where paths start, if not at the directory that contains the index.
    root: Option<PathBuf>,
    headings: Headings,
}

impl<'a> Addresses<'a> {
    /// Without a link, the address of a question is its `url`.
    ///
    /// # Errors
    /// The directory that paths start at does not exist.
    pub fn new(index: &'a Index, options: &'a Options) -> anyhow::Result<Self> {
        let root = options.root.as_ref().map(|root| {
            root.canonicalize().with_context(|| format!("could not read the directory {}", root.display()))
        });
        Ok(Self {
            index,
            link: options.link.as_ref(),
            root: root.transpose()?,
            headings: Headings::default(),
        })
    }

    /// The address of a question; `None` if the question does not have one of the values.
    ///
    /// # Errors
    /// The current directory no longer exists.
    pub fn of(&mut self, question: &Question) -> anyhow::Result<Option<String>> {
        let Some(Link(pieces)) = self.link else { return Ok(question.url.clone()) };
        let mut address = String::new();
        for piece in pieces {
            let name = match piece {
                Piece::Text(text) => {
                    address.push_str(text);
                    continue;
                }
                Piece::Name(name) => *name,
            };
            let Some(value) = self.value(name, question)? else { return Ok(None) };
            match name {
                Name::Url => address.push_str(&value),
                _ => push_encoded(&mut address, &value),
            }
        }
        Ok(Some(address))
    }

    fn value(&mut self, name: Name, question: &Question) -> anyhow::Result<Option<String>> {
        Ok(match name {
            Name::Id => Some(question.id.clone()),
            Name::Key => question.key.clone(),
            Name::Path => self.path(question)?,
            Name::Stem => self.path(question)?.map(|path| stem(&path).to_owned()),
            Name::Page => self.path(question)?.map(|path| page(&path)),
            Name::Line => Some(question.source.line.to_string()),
            Name::Anchor(style) => {
                let file = self.index.file(&question.source)?;
                let anchor = self.headings.anchor(&file, question.source.line, style);
                Some(anchor.map_or_else(|| style.anchor(&question.title), str::to_owned))
            }
            Name::Url => question.url.clone(),
        })
    }

    /// The path of a question's file from the root; `None` if the file is elsewhere.
    fn path(&self, question: &Question) -> anyhow::Result<Option<String>> {
        let Some(root) = &self.root else { return Ok(Some(question.source.path.clone())) };
        let file = self.index.file(&question.source)?;
        // The file may be gone, and the root may be a link.
        let file = file.canonicalize().unwrap_or(file);
        Ok(file.strip_prefix(root).ok().map(|path| path.to_string_lossy().replace('\\', "/")))
    }
}

/// A path without its extension.
fn stem(path: &str) -> &str {
    let name = path.rfind('/').map_or(0, |at| at + 1);
    let end = path[name..].rfind('.').filter(|at| *at > 0).map_or(path.len(), |at| name + at);
    &path[..end]
}

/// The directory that the page of a file has on most sites: its path without extension, with a slash at its end. That of an
/// `index`, `_index` or `README` is the directory of the file.
fn page(path: &str) -> String {
    let stem = stem(path);
    let (directory, name) = stem.split_at(stem.rfind('/').map_or(0, |at| at + 1));
    match name {
        "index" | "_index" | "README" => directory.to_owned(),
        _ => format!("{stem}/"),
    }
}

/// Appends a value with all characters escaped that have a meaning in an address, but for slashes.
fn push_encoded(address: &mut String, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                address.push(char::from(byte));
            }
            byte => write!(address, "%{byte:02X}").expect("writing to a string"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::Source;

    #[track_caller]
    fn check(link: &str, path: &str, expected: Option<&str>) {
        let question = Question {
            id: "0123456789ab".to_owned(),
            source: Source { path: path.to_owned(), line: 7 },
            ..Question::new("What is `Arc<T>` – in 2 words?", 7)
        };
        let index = Index::in_memory(&[], None).unwrap();
        let options = Options { link: Some(link.parse().unwrap()), root: None };
        let address = Addresses::new(&index, &options).unwrap().of(&question).unwrap();
        assert_eq!(address.as_deref(), expected, "{link}");
    }

    #[test]
    fn values_are_filled_in() {
        let path = "docs/how to.v2.md";
        check("/faq.html", path, Some("/faq.html"));
        check("https://example.org/faq#{id}", path, Some("https://example.org/faq#0123456789ab"));
        check("{stem}.html#{anchor}", path, Some("docs/how%20to.v2.html#what-is-arct--in-2-words"));
        check("../{page}#{slug}", path, Some("../docs/how%20to.v2/#what-is-arct-in-2-words"));
        check("/src/{path}#L{line}", path, Some("/src/docs/how%20to.v2.md#L7"));
        check("/q/{key}", path, None);
        check("{url}", path, None);
    }

    #[test]
    fn the_page_of_a_directory_is_the_directory() {
        for (path, expected) in [
            ("README.md", ""),
            ("a/index.md", "a/"),
            ("a/_index.de", "a/"),
            ("a/reindex.md", "a/reindex/"),
            (".x", ".x/"),
        ] {
            assert_eq!(page(path), expected, "{path}");
        }
    }

    #[test]
    fn unknown_names_are_errors() {
        for (link, expected) in [("a{b}", "{b} is not the name"), ("a{id", "a brace is not closed")] {
            let error = link.parse::<Link>().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn what_a_link_contains() {
        let parse = |link: &str| link.parse::<Link>().unwrap();
        assert!(parse("faq.html").is_constant() && !parse("faq.html#{id}").is_constant());
        assert!(parse("{page}").has_path() && !parse("{url}").has_path());
    }
}
