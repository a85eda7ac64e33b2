//! How a document marks its questions.

use std::fmt;

use crate::read::document::question_line::Style;

/// How a document marks its questions. Of two markings that explain it equally well, the first one is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Marking {
    /// The title of the document asks, and all of it is the answer.
    Title,
    /// Elements that the document declares to be questions.
    Declared,
    /// Titles of folds.
    Summary,
    /// Terms of definition lists.
    Term,
    /// Headings of this level.
    Heading(u8),
    /// Lines with a label: `Q: …`.
    Label,
    /// Somebody asks in quotes: `The interviewer asks: "…"`.
    Quoted,
    /// Bold lines.
    Bold,
    /// Numbered lines and list items.
    Numbered(Style),
    /// List items with a bullet in this column.
    Bullet(usize),
    /// Buttons.
    Button,
    /// Lines that end in a question mark, each followed by prose.
    Bare,
}

impl fmt::Display for Marking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Title => "the title of the document",
            Self::Declared => "elements that the document declares to be questions",
            Self::Summary => "titles of folds",
            Self::Term => "terms of definition lists",
            Self::Heading(level) => return write!(f, "headings of level {level}"),
            Self::Label => "lines with a label such as `Q:`",
            Self::Quoted => "quoted questions",
            Self::Bold => "bold lines",
            Self::Numbered(_) => "numbered lines",
            Self::Bullet(_) => "list items",
            Self::Button => "buttons",
            Self::Bare => "lines that end with a question mark",
        })
    }
}
