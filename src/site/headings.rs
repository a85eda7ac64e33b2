//! The anchors that programs give the headings of Markdown files.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use unicode_normalization::UnicodeNormalization;

/// Extensions of Markdown files.
const EXTENSIONS: [&str; 4] = ["md", "markdown", "mdx", "mkd"];

/// How a program makes anchors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// GitHub, and with it Hugo, Docusaurus and mdBook.
    GitHub,
    /// Python-Markdown, and with it MkDocs.
    PythonMarkdown,
}

impl Style {
    /// The anchor of a heading with a text, if no other heading has the same.
    pub fn anchor(self, heading: &str) -> String {
        let is_kept = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        match self {
            Self::GitHub => {
                let hyphen = |c: char| if c.is_whitespace() { '-' } else { c };
                heading.to_lowercase().chars().map(hyphen).filter(|c| is_kept(*c)).collect()
            }
            Self::PythonMarkdown => {
                let ascii = heading.nfkd().filter(char::is_ascii);
                let kept: String = ascii.filter(|c| is_kept(*c) || c.is_whitespace()).collect();
                let mut anchor = String::new();
                for c in kept.trim().to_lowercase().chars() {
                    match c == '-' || c.is_whitespace() {
                        true if anchor.ends_with('-') => {}
                        true => anchor.push('-'),
                        false => anchor.push(c),
                    }
                }
                anchor
            }
        }
    }

    /// The anchor of the next heading of a page, which differs from those before.
    fn unique(self, heading: &str, taken: &mut HashSet<String>) -> String {
        let (anchor, separator, may_be_empty) = match self {
            Self::GitHub => (self.anchor(heading), '-', true),
            Self::PythonMarkdown => (self.anchor(heading), '_', false),
        };
        let mut unique = anchor.clone();
        let mut nth = 0;
        while (unique.is_empty() && !may_be_empty) || !taken.insert(unique.clone()) {
            nth += 1;
            unique = format!("{anchor}{separator}{nth}");
        }
        unique
    }
}

/// A heading with its anchors.
struct Heading {
    /// The line that it starts at, from 1.
    line: u64,
    git_hub: String,
    python_markdown: String,
}

/// The headings of Markdown files, each of which is read once.
#[derive(Default)]
pub struct Headings {
    files: HashMap<PathBuf, Vec<Heading>>,
}

impl Headings {
    /// The anchor of the heading at a line of a file, or of the nearest one above. `None` if there is none, or if the file is
    /// not Markdown or cannot be read.
    pub fn anchor(&mut self, file: &Path, line: u64, style: Style) -> Option<&str> {
        if !self.files.contains_key(file) {
            self.files.insert(file.to_owned(), read(file));
        }
        let headings = &self.files[file];
        let nearest = headings[..headings.partition_point(|heading| heading.line <= line)].last()?;
        Some(match style {
            Style::GitHub => &nearest.git_hub,
            Style::PythonMarkdown => &nearest.python_markdown,
        })
    }
}

fn read(file: &Path) -> Vec<Heading> {
    let is_markdown = file
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.iter().any(|markdown| markdown.eq_ignore_ascii_case(extension)));
    if !is_markdown {
        return Vec::new();
    }
    // The file may be gone: an index contains all that it needs.
    fs::read_to_string(file).map_or_else(|_| Vec::new(), |text| headings(&text))
}

/// The headings of a text, in order.
fn headings(markdown: &str) -> Vec<Heading> {
    let mut taken: [HashSet<String>; 2] = Default::default();
    let (mut line, mut counted) = (1, 0);
    let heading = |Written { start, own, text }| {
        line += markdown[counted..start].bytes().filter(|byte| *byte == b'\n').count() as u64;
        counted = start;
        let mut anchor = |style: Style| match &own {
            Some(own) => {
                taken[style as usize].insert(own.clone());
                own.clone()
            }
            None => style.unique(text.trim(), &mut taken[style as usize]),
        };
        Heading { line, git_hub: anchor(Style::GitHub), python_markdown: anchor(Style::PythonMarkdown) }
    };
    written(markdown).into_iter().map(heading).collect()
}

/// A heading as a text has it.
#[derive(Default)]
struct Written {
    /// Where it starts, in bytes.
    start: usize,
    /// Its anchor if it names one, as in `# Text {#anchor}`.
    own: Option<String>,
    /// Its text without markup.
    text: String,
}

fn written(markdown: &str) -> Vec<Written> {
    let options = Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let mut found = Vec::new();
    let mut open: Option<Written> = None;
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        match (event, &mut open) {
            (Event::Start(Tag::Heading { id, .. }), _) => {
                let own = id.map(|id| id.to_string());
                open = Some(Written { start: range.start, own, ..Written::default() });
            }
            (Event::Text(part) | Event::Code(part), Some(heading)) => heading.text.push_str(&part),
            (Event::SoftBreak | Event::HardBreak, Some(heading)) => heading.text.push(' '),
            (Event::End(TagEnd::Heading(_)), _) => found.extend(open.take()),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(heading: &str, git_hub: &str, python_markdown: &str) {
        assert_eq!(Style::GitHub.anchor(heading), git_hub);
        assert_eq!(Style::PythonMarkdown.anchor(heading), python_markdown);
    }

    // The expected anchors are those of github-slugger 1.5.0 and of Python-Markdown 3.11.3.
    #[test]
    fn both_styles() {
        check("What is Arc<T>, in 2 words?", "what-is-arct-in-2-words", "what-is-arct-in-2-words");
        check("A & B -- C - D", "a--b----c---d", "a-b-c-d");
        check("snake_case – dash", "snake_case--dash", "snake_case-dash");
        check("Überraschung naïve ﬁne", "überraschung-naïve-ﬁne", "uberraschung-naive-fine");
        check("パスワードの変更", "パスワードの変更", "");
    }

    #[test]
    fn headings_have_lines_and_unique_anchors() {
        let text = "---\ntitle: x\n---\n# One `two`\n\ntext\n\n## One two\n\n```\n# no\n```\n\nSet\n===\n\n\
                    ### 3. *See* [this](x.md) {#own}\n## 日本\n## 日本\n## Own\n";
        let found: Vec<(u64, String, String)> = headings(text)
            .into_iter()
            .map(|heading| (heading.line, heading.git_hub, heading.python_markdown))
            .collect();
        let expected = [
            (4, "one-two", "one-two"),
            (8, "one-two-1", "one-two_1"),
            (14, "set", "set"),
            (17, "own", "own"),
            (18, "日本", "_1"),
            (19, "日本-1", "_2"),
            (20, "own-1", "own_1"),
        ];
        assert_eq!(found, expected.map(|(line, one, other)| (line, one.to_owned(), other.to_owned())));
    }

    #[test]
    fn the_nearest_heading_above_counts() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.md");
        fs::write(&file, "text\n\n# One\n\n- item\n\n## Two\n").unwrap();
        let mut headings = Headings::default();
        let mut at = |line| headings.anchor(&file, line, Style::GitHub).map(str::to_owned);
        assert_eq!(
            [1, 3, 5, 7].map(&mut at),
            [None, Some("one".into()), Some("one".into()), Some("two".into())]
        );
        assert_eq!(headings.anchor(&dir.path().join("gone.md"), 3, Style::GitHub), None);
    }
}
