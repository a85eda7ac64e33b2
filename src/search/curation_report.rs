//! The synonyms and pins of an index, and which of them have no effect.

use std::path::PathBuf;

use super::keyword::occurs;
use super::pins::questions;
use crate::curation::{Direction, Pin, Synonym};
use crate::index::Index;
#[cfg(feature = "milvus")]
use crate::question::Question;

/// The synonyms and pins of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct CurationReport {
    /// Where the synonyms are read from. `None` if the index is in no directory and no file is named.
    pub synonyms_file: Option<PathBuf>,
    /// The same for the pins.
    pub pins_file: Option<PathBuf>,
    /// The entries of the file of synonyms.
    pub synonyms: Vec<ListedSynonym>,
    /// The pins.
    pub pins: Vec<ListedPin>,
}

/// An entry of the file of synonyms.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedSynonym {
    /// The entry.
    pub synonym: Synonym,
    /// The texts to find that no question contains all words of.
    pub missing: Vec<String>,
    /// Whether a question contains any text to find, and one is in the language of the entry.
    pub has_effect: bool,
}

/// A pin.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedPin {
    /// The pin.
    pub pin: Pin,
    /// The titles of [`Pin::ids`]. `None` for those that are not in the index.
    pub titles: Vec<Option<String>>,
    /// The same for [`Pin::hide`].
    pub hidden_titles: Vec<Option<String>>,
}

impl CurationReport {
    /// Compares the synonyms and pins of an index with its questions. `files` are those that they were read from.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn new(index: &Index, files: [Option<PathBuf>; 2]) -> anyhow::Result<Self> {
        let [synonyms_file, pins_file] = files;
        let curation = index.curation();
        let synonyms = curation.synonyms.entries().iter().map(|entry| ListedSynonym::new(index, entry));
        let pins = curation.pins.entries().iter().map(|pin| ListedPin::new(index, pin));
        Ok(Self {
            synonyms_file,
            pins_file,
            synonyms: synonyms.collect::<anyhow::Result<_>>()?,
            pins: pins.collect::<anyhow::Result<_>>()?,
        })
    }

    /// Whether an entry has no effect, or a pin names a question that is not in the index.
    pub fn has_problems(&self) -> bool {
        self.synonyms.iter().any(|listed| !listed.has_effect) || self.pins.iter().any(ListedPin::has_unknown)
    }

    /// Removes the entries without problems.
    pub fn retain_problems(&mut self) {
        self.synonyms.retain(|listed| !listed.has_effect);
        self.pins.retain(ListedPin::has_unknown);
    }
}

impl ListedSynonym {
    fn new(index: &Index, synonym: &Synonym) -> anyhow::Result<Self> {
        let mut missing = Vec::new();
        for text in &synonym.to {
            if !occurs(index, text)? {
                missing.push(text.clone());
            }
        }
        let is_spoken = synonym.language.is_none_or(|language| index.languages().contains(&language));
        let has_effect = is_spoken && missing.len() < synonym.to.len();
        Ok(Self { synonym: synonym.clone(), missing, has_effect })
    }

    /// `OOM = out of memory`, `CI → continuous integration`, `[de] Lkw = Lastkraftwagen`.
    pub fn text(&self) -> String {
        let Synonym { direction, from, to, language, .. } = &self.synonym;
        let language = language.map_or_else(String::new, |language| format!("[{}] ", language.code()));
        match direction {
            Direction::Both => format!("{language}{}", from.join(" = ")),
            Direction::OneWay => format!("{language}{} → {}", from.join(", "), to.join(", ")),
        }
    }
}

impl ListedPin {
    fn new(index: &Index, pin: &Pin) -> anyhow::Result<Self> {
        let title = |id: &String| -> anyhow::Result<Option<String>> {
            #[cfg(feature = "milvus")]
            if index.cluster().is_some() {
                // An id or a key, but not the beginning of an id.
                let found = index.find(id)?.into_iter().next();
                let is_named = |found: &Question| found.id == *id || found.key.as_ref() == Some(id);
                return Ok(found.filter(is_named).map(|question| question.title));
            }
            let address = questions(index, id)?.into_iter().next();
            address.map(|address| Ok(index.question(address)?.title)).transpose()
        };
        let titles = |ids: &[String]| ids.iter().map(title).collect::<anyhow::Result<Vec<_>>>();
        Ok(Self { titles: titles(&pin.ids)?, hidden_titles: titles(&pin.hide)?, pin: pin.clone() })
    }

    /// Whether the pin names a question that is not in the index.
    pub fn has_unknown(&self) -> bool {
        self.titles.iter().chain(&self.hidden_titles).any(Option::is_none)
    }
}
