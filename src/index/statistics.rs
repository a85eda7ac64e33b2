//! What keyword search needs to know about all questions of an index.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tantivy::collector::Count;
use tantivy::query::TermQuery;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, SegmentReader, Term};

use super::schema::{Fields, QUESTION};

/// Statistics of the questions of an index.
#[derive(Clone, Copy, Debug)]
pub struct Statistics {
    /// The number of questions.
    pub questions: u64,
    /// The mean length of the titles, alternative titles and answers, in tokens, over the questions that have them.
    /// Otherwise, if one question in ten has an answer, every answer would count as long. At least 1.
    pub mean_lengths: [f32; 3],
}

/// How many questions contain the words of earlier searches. To count those with a common word reads all of its postings:
/// a question can have it in several fields.
#[derive(Debug, Default)]
pub(crate) struct WordCounts(Mutex<HashMap<String, usize>>);

impl WordCounts {
    /// The number of words that are remembered. Then all are forgotten.
    const MOST: usize = 16_384;

    /// The number of questions with any of some index terms. `count` counts them.
    pub fn get(&self, terms: &[String], count: impl FnOnce() -> usize) -> usize {
        let key = terms.join(" ");
        if let Some(known) = self.lock().get(&key) {
            return *known;
        }
        let counted = count();
        let mut known = self.lock();
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(key, counted);
        counted
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Statistics {
    /// Computes the statistics of all questions that are not deleted.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn of(searcher: &Searcher, fields: &Fields) -> tantivy::Result<Self> {
        let mut mean_lengths = [1.0; 3];
        for (mean, field) in mean_lengths.iter_mut().zip([fields.title, fields.also, fields.answer]) {
            let (mut tokens, mut having) = (0, 0);
            for segment in searcher.segment_readers() {
                let (segment_tokens, segment_having) = lengths(segment, field)?;
                tokens += segment_tokens;
                having += segment_having;
            }
            *mean = (tokens as f32 / having.max(1) as f32).max(1.0);
        }
        Ok(Self { questions: count_questions(searcher, fields)?, mean_lengths })
    }
}

/// The number of questions.
pub fn count_questions(searcher: &Searcher, fields: &Fields) -> tantivy::Result<u64> {
    let term = Term::from_field_text(fields.kind, QUESTION);
    Ok(searcher.search(&TermQuery::new(term, IndexRecordOption::Basic), &Count)? as u64)
}

/// The number of tokens in a field of all documents that are not deleted, and the number of documents that have it.
///
/// The lengths are rounded, as those that BM25 uses. Tantivy's own total is exact in a new segment, estimated in a merged
/// one, and includes deleted documents: scores would depend on the history of the index.
fn lengths(segment: &SegmentReader, field: Field) -> tantivy::Result<(u64, u64)> {
    let norms = segment.get_fieldnorms_reader(field)?;
    let lengths = segment.doc_ids_alive().map(|doc| u64::from(norms.fieldnorm(doc)));
    Ok(lengths.filter(|length| *length > 0).fold((0, 0), |(sum, count), length| (sum + length, count + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_once() {
        let counts = WordCounts::default();
        let terms = ["how".to_owned(), "hows".to_owned()];
        assert_eq!(counts.get(&terms, || 7), 7);
        assert_eq!(counts.get(&terms, || panic!("it is known")), 7);
        assert_eq!(counts.get(&terms[..1], || 3), 3);
        for word in 0..WordCounts::MOST {
            counts.get(&[word.to_string()], || 1);
        }
        assert!(counts.lock().len() <= WordCounts::MOST);
    }
}
