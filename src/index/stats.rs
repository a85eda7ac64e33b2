//! Statistics of an index.

use std::collections::BTreeMap;

use tantivy::Term;
use tantivy::collector::DocSetCollector;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;

use super::reader::Index;
use super::schema::{FILE, QUESTION};
use super::stored_path::WRITTEN;
use crate::analyze::Language;
use crate::question::Question;

/// Statistics of an index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Number of questions.
    pub questions: u64,
    /// Number of questions that have an answer.
    pub answered: u64,
    /// Number of alternative titles of all questions.
    pub also: u64,
    /// Number of files that were read, including files without questions.
    pub files: u64,
    /// Number of questions that programs wrote into the index, without files.
    pub written: u64,
    /// Number of vectors, excluding those of deleted questions.
    pub vectors: u64,
    /// Number of questions in each language, and how many of them the model cannot read.
    pub languages: BTreeMap<Language, LanguageStats>,
    /// Number of tantivy segments.
    pub segments: u64,
    /// Total size in bytes of all files of the index, on disk or in memory.
    pub bytes: u64,
    /// Number of questions in each section. Sections are spelled as in the sources.
    pub sections: BTreeMap<String, u64>,
    /// Number of questions of each level.
    pub levels: BTreeMap<String, u64>,
    /// Number of questions with each tag.
    pub tags: BTreeMap<String, u64>,
}

/// The questions in one language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LanguageStats {
    /// Number of questions.
    pub questions: u64,
    /// Number of questions without a vector because the model cannot read them. 0 in an index without
    /// vectors.
    pub unread: u64,
}

impl Index {
    /// The questions in each language.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn language_stats(&self) -> anyhow::Result<BTreeMap<Language, LanguageStats>> {
        let mut stats: BTreeMap<Language, LanguageStats> = BTreeMap::new();
        // Whether the model could read each question is not counted in a cluster.
        #[cfg(feature = "milvus")]
        if let Some(cluster) = self.cluster() {
            for (code, count) in cluster.languages().filter(|(_, count)| **count > 0) {
                if let Some(language) = Language::from_code(code) {
                    stats.insert(language, LanguageStats { questions: *count as u64, unread: 0 });
                }
            }
            return Ok(stats);
        }
        for language in self.languages() {
            let term = Term::from_field_text(self.fields.language, language.code());
            let query = TermQuery::new(term, IndexRecordOption::Basic);
            for address in self.searcher()?.search(&query, &DocSetCollector)? {
                let rows = self.vectors[address.segment_ord as usize].rows_of(address.doc_id);
                let counts = stats.entry(*language).or_default();
                counts.questions += 1;
                counts.unread += u64::from(self.meta.model.is_some() && rows.is_empty());
            }
        }
        Ok(stats)
    }

    /// Computes the statistics. Reads every question.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn stats(&self) -> anyhow::Result<Stats> {
        #[cfg(feature = "milvus")]
        if self.cluster().is_some() {
            return self.clone().on_this_machine()?.stats();
        }
        let mut stats = Stats {
            files: self.records(self.fields.kind, FILE)?.len() as u64,
            segments: self.searcher()?.segment_readers().len() as u64,
            bytes: self.searcher()?.space_usage()?.total().get_bytes(),
            languages: self.language_stats()?,
            ..Stats::default()
        };
        for (segment, vectors) in self.searcher()?.segment_readers().iter().zip(self.vectors()) {
            stats.vectors +=
                segment.doc_ids_alive().map(|doc| vectors.rows_of(doc).len() as u64).sum::<u64>();
        }
        for question in self.matching(self.fields.kind, QUESTION)? {
            stats.add(&question);
        }
        Ok(stats)
    }
}

impl Stats {
    fn add(&mut self, question: &Question) {
        self.questions += 1;
        self.answered += u64::from(!question.answer.trim().is_empty());
        self.also += question.also.len() as u64;
        self.written += u64::from(question.source.path == WRITTEN);
        let count = |counts: &mut BTreeMap<String, u64>, name: &String| {
            *counts.entry(name.clone()).or_default() += 1;
        };
        question.section.iter().for_each(|section| count(&mut self.sections, section));
        question.level.iter().for_each(|level| count(&mut self.levels, level));
        question.tags.iter().for_each(|tag| count(&mut self.tags, tag));
    }
}
