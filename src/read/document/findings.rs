//! The questions of a document, and how it marks them.

use std::collections::BTreeMap;
use std::fmt;

use super::question_line::Style;
use crate::question::Question;
use crate::read::report::Report;

/// The questions of a document, and how they were found.
#[derive(Debug, Default)]
pub struct Findings {
    /// In the order of the document.
    pub questions: Vec<Question>,
    /// The marking that explains most of the document.
    pub marking: Option<Marking>,
    /// Why it was chosen.
    pub why: Option<String>,
}

impl Findings {
    /// What the finder tells about the document.
    pub fn report(&self) -> Report {
        let marking = self.marking.map(|marking| marking.to_string());
        Report { marking, why: self.why.clone(), letters: 0 }
    }
}

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

/// The blocks that are questions, with their markings.
pub type Chosen = BTreeMap<usize, Marking>;

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
