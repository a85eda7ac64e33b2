//! What is known of a document before its marking is chosen.

use super::candidate::{Asks, Candidate};
use super::collect::Collector;
use crate::read::document::contents;
use crate::read::document::findings::Marking;
use crate::read::document::model::{Document, Kind};
use crate::read::document::question_line::labelled_answer;
use crate::read::document::title::clean_title;

/// What is known of a document before its marking is chosen.
pub struct Layout<'d> {
    pub document: &'d Document,
    /// The blocks that may be questions, in order.
    pub candidates: Vec<Candidate>,
    /// Its title or a first heading says that it holds questions.
    pub says_questions: bool,
    /// Its title or first heading says that these are frequently asked questions.
    pub is_faq: bool,
    /// A heading asks.
    pub heading_asks: bool,
    /// A line has a label such as `A:`.
    pub labels_answers: bool,
}

impl<'d> Layout<'d> {
    /// The layout of a document.
    pub fn of(document: &'d Document) -> Self {
        let candidates = Collector::new(document).candidates();
        let asks = |candidate: &Candidate| candidate.level() < 7 && candidate.asks > Asks::No;
        Self {
            document,
            says_questions: contents::says_questions(document),
            is_faq: contents::is_faq(document),
            heading_asks: candidates.iter().any(asks),
            labels_answers: document.blocks.iter().any(|block| labelled_answer(&block.text.text).is_some()),
            candidates,
        }
    }

    /// Whether a block is the first of the document.
    pub fn begins_with(&self, at: usize) -> bool {
        self.document.blocks[..at].iter().all(|block| block.kind == Kind::Blank)
    }

    /// The candidates that are headings.
    pub fn headings(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(|candidate| matches!(candidate.marking, Marking::Heading(_)))
    }

    /// The title of a candidate, for comparisons.
    pub fn title(&self, at: usize) -> String {
        let (title, _) = clean_title(&self.document.blocks[at].text.text);
        title.to_lowercase()
    }
}
