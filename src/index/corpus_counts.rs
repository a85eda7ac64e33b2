//! The statistics of a corpus, as counts that questions are added to and subtracted from.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tantivy::fieldnorm::FieldNormReader;

use super::bm25::FIELDS;
use super::candidates::Corpus;
use super::dictionary::Dictionary;
use super::field_words::FieldWords;
use super::rows::Row;
use crate::analyze::Language;

/// The statistics of some questions. Those of several parts of a corpus can be added: the sum is that of all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CorpusCounts {
    /// The number of questions.
    pub questions: i64,
    /// The number of questions with each term.
    pub terms: BTreeMap<String, i64>,
    /// The number of questions with each long word of a language with compounds, written backwards.
    pub reversed: BTreeMap<String, i64>,
    /// The number of questions in each language.
    pub languages: BTreeMap<String, i64>,
    /// The sum of the rounded lengths of each field, and the number of questions that have it.
    lengths: [(i64, i64); 3],
    /// The sum of the vectors of all rows, and of those of titles and alternative titles.
    rows: VectorSum,
    phrasings: VectorSum,
}

/// The sum of vectors, and their number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct VectorSum {
    sum: Vec<f64>,
    count: i64,
}

impl VectorSum {
    fn add(&mut self, vector: impl ExactSizeIterator<Item = f64>, sign: i64) {
        self.sum.resize(self.sum.len().max(vector.len()), 0.0);
        self.sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x * sign as f64);
    }

    fn mean(&self) -> (Vec<f32>, u64) {
        let count = self.count.max(0) as u64;
        (self.sum.iter().map(|sum| (sum / count.max(1) as f64) as f32).collect(), count)
    }
}

impl CorpusCounts {
    /// Adds a question, or subtracts it if `sign` is -1.
    pub fn add(&mut self, words: &FieldWords, rows: &[Row], sign: i64) {
        self.questions += sign;
        words.counts.keys().for_each(|term| add_to(&mut self.terms, term, sign));
        words.reversed.iter().for_each(|word| add_to(&mut self.reversed, word, sign));
        add_to(&mut self.languages, words.language.code(), sign);
        for ((sum, having), length) in self.lengths.iter_mut().zip(words.rounded_lengths()) {
            let length = FieldNormReader::id_to_fieldnorm(length);
            *sum += sign * i64::from(length);
            *having += sign * i64::from(length > 0);
        }
        for row in rows {
            let values = || row.vector.values().map(f64::from);
            self.rows.add(values(), sign);
            self.rows.count += sign;
            if row.passage.asks() {
                self.phrasings.add(values(), sign);
                self.phrasings.count += sign;
            }
        }
    }

    /// Adds the statistics of other questions.
    pub fn merge(&mut self, other: &Self) {
        self.questions += other.questions;
        other.terms.iter().for_each(|(term, count)| add_to(&mut self.terms, term, *count));
        other.reversed.iter().for_each(|(word, count)| add_to(&mut self.reversed, word, *count));
        other.languages.iter().for_each(|(code, count)| add_to(&mut self.languages, code, *count));
        for (own, other) in self.lengths.iter_mut().zip(other.lengths) {
            *own = (own.0 + other.0, own.1 + other.1);
        }
        for (own, other) in [(&mut self.rows, &other.rows), (&mut self.phrasings, &other.phrasings)] {
            own.add(other.sum.iter().copied(), 1);
            own.count += other.count;
        }
    }

    /// The mean length of each field over the questions that have it. At least 1.
    pub fn mean_lengths(&self) -> [f32; FIELDS] {
        self.lengths.map(|(sum, having)| (sum as f32 / having.max(1) as f32).max(1.0))
    }

    /// The mean of all vectors, and their number.
    #[cfg(feature = "milvus")]
    pub fn mean(&self) -> (Vec<f32>, u64) {
        self.rows.mean()
    }

    /// The statistics as a search uses them.
    ///
    /// # Errors
    /// None is known.
    pub fn corpus(&self) -> anyhow::Result<Corpus> {
        let positive = |counts: &BTreeMap<String, i64>| {
            let positive = counts.iter().filter(|(_, count)| **count > 0);
            positive.map(|(term, count)| (term.clone(), *count as u64)).collect::<BTreeMap<_, _>>()
        };
        let codes = self.languages.iter().filter(|(_, count)| **count > 0);
        let mut languages: Vec<Language> = codes.filter_map(|(code, _)| Language::from_code(code)).collect();
        languages.sort();
        Ok(Corpus {
            questions: self.questions.max(0) as u64,
            mean_lengths: self.mean_lengths(),
            languages: Arc::from(languages),
            dictionary: Dictionary::new(&positive(&self.terms), &positive(&self.reversed))?,
            mean: self.rows.mean(),
            centre: self.phrasings.mean(),
        })
    }
}

/// Adds to a count. Counts of zero are removed.
fn add_to(counts: &mut BTreeMap<String, i64>, key: &str, added: i64) {
    match counts.get_mut(key) {
        Some(count) => {
            *count += added;
            if *count == 0 {
                counts.remove(key);
            }
        }
        None => {
            counts.insert(key.to_owned(), added);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Passage;
    use crate::index::Quantized;
    use crate::question::Question;

    fn part(titles: &[&str]) -> CorpusCounts {
        let mut counts = CorpusCounts::default();
        titles.iter().for_each(|title| add(&mut counts, title, 1));
        counts
    }

    fn add(counts: &mut CorpusCounts, title: &str, sign: i64) {
        let vector = Quantized::from([title.len() as f32, 1.0].as_slice());
        let rows = [Row { hash: 1, passage: Passage::Title, vector }];
        counts.add(&FieldWords::of(&Question::new(title, 1)), &rows, sign);
    }

    #[test]
    fn parts_add_up_to_the_whole_and_what_is_subtracted_leaves_no_trace() {
        let titles =
            ["How do I prune roses?", "When are roses cut?", "Wie hoch sind die Versandkosten heute?"];
        let whole = part(&titles);
        let mut sum = part(&titles[..1]);
        sum.merge(&part(&titles[1..]));
        assert_eq!(sum, whole);
        assert_eq!((whole.questions, whole.terms["rose"]), (3, 2));
        add(&mut sum, titles[2], -1);
        add(&mut sum, titles[1], -1);
        assert_eq!((sum.terms, sum.languages), (part(&titles[..1]).terms, part(&titles[..1]).languages));
        assert_eq!(sum.lengths, part(&titles[..1]).lengths);
    }
}
