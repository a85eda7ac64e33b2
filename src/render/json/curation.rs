//! The synonyms and pins of an index, as JSON.

use serde::Serialize;

use crate::curation::Direction;
use crate::search::{CurationReport, ListedPin, ListedSynonym};

/// The synonyms and pins of an index.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CurationReply<'a> {
    /// The file of synonyms; `null` if the index is in no directory and no file is named.
    pub synonyms_file: Option<String>,
    /// The file of pins; `null` as above.
    pub pins_file: Option<String>,
    /// The entries of the file of synonyms.
    pub synonyms: Vec<ListedSynonymReply<'a>>,
    /// The pins.
    pub pins: Vec<ListedPinReply<'a>>,
}

/// An entry of the file of synonyms.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListedSynonymReply<'a> {
    /// The line in the file, from 1.
    pub line: u64,
    /// The ISO 639 code of the language of the phrases that it applies to; `null` for all.
    pub language: Option<&'static str>,
    /// Whether the texts find each other: `to` is then the same as `from`.
    pub same: bool,
    /// The texts that it applies to.
    pub from: &'a [String],
    /// The texts that are searched for.
    pub to: &'a [String],
    /// Those of `to` that no question contains.
    pub missing: &'a [String],
    /// Whether it changes any search.
    pub has_effect: bool,
}

/// A pin.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ListedPinReply<'a> {
    /// The line in the file, from 1.
    pub line: u64,
    /// The phrases.
    pub phrases: &'a [String],
    /// The least cosine of other phrases that it applies to; `null` if it applies to these only.
    pub meaning: Option<f32>,
    /// The questions that come first.
    pub first: Vec<PinnedReply<'a>>,
    /// The questions that are hidden.
    pub hidden: Vec<PinnedReply<'a>>,
    /// Why.
    pub note: Option<&'a str>,
    /// Who decided it.
    pub by: Option<&'a str>,
    /// When it was decided.
    pub date: Option<&'a str>,
}

/// A question that a pin names.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PinnedReply<'a> {
    /// The id or key, as the file writes it.
    pub id: &'a str,
    /// The title; `null` if the question is not in the index.
    pub title: Option<&'a str>,
}

impl<'a> From<&'a CurationReport> for CurationReply<'a> {
    fn from(report: &'a CurationReport) -> Self {
        let path = |path: &std::path::PathBuf| path.display().to_string();
        Self {
            synonyms_file: report.synonyms_file.as_ref().map(path),
            pins_file: report.pins_file.as_ref().map(path),
            synonyms: report.synonyms.iter().map(ListedSynonymReply::from).collect(),
            pins: report.pins.iter().map(ListedPinReply::from).collect(),
        }
    }
}

impl<'a> From<&'a ListedSynonym> for ListedSynonymReply<'a> {
    fn from(listed: &'a ListedSynonym) -> Self {
        let synonym = &listed.synonym;
        Self {
            line: synonym.line,
            language: synonym.language.map(|language| language.code()),
            same: synonym.direction == Direction::Both,
            from: &synonym.from,
            to: &synonym.to,
            missing: &listed.missing,
            has_effect: listed.has_effect,
        }
    }
}

impl<'a> From<&'a ListedPin> for ListedPinReply<'a> {
    fn from(listed: &'a ListedPin) -> Self {
        let pin = &listed.pin;
        let pinned = |ids: &'a [String], titles: &'a [Option<String>]| {
            let pinned = ids.iter().zip(titles);
            pinned.map(|(id, title)| PinnedReply { id, title: title.as_deref() }).collect()
        };
        Self {
            line: pin.line,
            phrases: &pin.phrases,
            meaning: pin.meaning,
            first: pinned(&pin.ids, &listed.titles),
            hidden: pinned(&pin.hide, &listed.hidden_titles),
            note: pin.note.as_deref(),
            by: pin.by.as_deref(),
            date: pin.date.as_deref(),
        }
    }
}
