//! The heading that a question stands under.

use std::collections::BTreeMap;

/// Sections by level: the path of headings down to here.
#[derive(Default)]
pub struct Sections(BTreeMap<u8, String>);

impl Sections {
    /// A heading that asks nothing.
    pub fn enter(&mut self, level: u8, title: String) {
        self.0.split_off(&level);
        self.0.insert(level, title);
    }

    /// The nearest section above a question of this level.
    pub fn above(&self, level: u8) -> Option<&String> {
        self.0.range(..level).next_back().map(|(_, title)| title)
    }
}
