//! The heading that a question is under.

use std::collections::BTreeMap;

/// The open headings by level.
#[derive(Default)]
pub struct Sections(BTreeMap<u8, Heading>);

struct Heading {
    title: String,
    /// It is the first heading of the document, of the highest rank: the title of the document.
    names_document: bool,
}

impl Sections {
    /// Enters a section. It closes the sections of the same and of lower rank.
    pub fn enter(&mut self, level: u8, title: String, names_document: bool) {
        self.0.split_off(&level);
        self.0.insert(level, Heading { title, names_document });
    }

    /// The nearest section above a heading of this level. The title of the document counts for the headings of
    /// the next level only: elsewhere it says nothing that sets one question apart from another.
    pub fn above(&self, level: u8) -> Option<&String> {
        let (own, heading) = self.0.range(..level).next_back()?;
        (!heading.names_document || level == own + 1 || level > 6).then_some(&heading.title)
    }
}
