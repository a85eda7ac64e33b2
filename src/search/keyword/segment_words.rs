//! The words of the questions in tantivy segments.

use tantivy::query::{EnableScoring, PhraseQuery, Query as _};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Searcher, SegmentReader, TERMINATED, Term};

use super::frequencies::{Frequencies, merge_sorted};
use super::occurrences::Occurrences;
use super::postings::{Lengths, TermPostings};
use super::words::Words;
use crate::analyze::Token;
use crate::index::{FIELDS, FieldWeights, Fields, WordCounts, reversed};
use crate::search::typo::TypoAutomaton;

/// The questions with a word that has at least so many occurrences in fields are counted once per commit.
const COMMON: usize = 4_096;

/// The words of the questions in tantivy segments.
pub struct SegmentWords<'a> {
    pub searcher: &'a Searcher,
    pub fields: &'a Fields,
    pub weights: FieldWeights,
    pub counts: &'a WordCounts,
}

impl SegmentWords<'_> {
    fn fields(&self) -> [Field; FIELDS] {
        [self.fields.title, self.fields.also, self.fields.answer]
    }

    fn readers(&self) -> &[SegmentReader] {
        self.searcher.segment_readers()
    }

    /// The terms of a field with a prefix; only the first ones if there are too many to use.
    fn terms_with_prefix(&self, field: Field, prefix: &str, limit: usize) -> tantivy::Result<Vec<String>> {
        let mut found = Vec::new();
        for segment in self.readers() {
            let index = segment.inverted_index(field)?;
            // No byte of UTF-8 is as great as 0xFF.
            let end = [prefix.as_bytes(), &[0xFF]].concat();
            let mut stream = index.terms().range().ge(prefix.as_bytes()).lt(end).into_stream()?;
            let limit = found.len() + limit;
            while found.len() < limit && stream.advance() {
                found.extend(std::str::from_utf8(stream.key()).map(str::to_owned));
            }
        }
        Ok(found)
    }

    /// The documents of a segment that contain an index term. `None` if there are none.
    fn postings(
        &self,
        segment: &SegmentReader,
        text: &str,
        factor: f32,
    ) -> tantivy::Result<Option<TermPostings>> {
        let mut found = Vec::new();
        for (nth, field) in self.fields().into_iter().enumerate() {
            let term = Term::from_field_text(field, text);
            let postings =
                segment.inverted_index(field)?.read_block_postings(&term, IndexRecordOption::WithFreqs)?;
            found.extend(postings.map(|postings| (nth, postings)));
        }
        Ok((!found.is_empty()).then(|| TermPostings::new(factor, found)))
    }
}

impl Words for SegmentWords<'_> {
    fn beginning_with(&self, prefix: &str, limit: usize) -> tantivy::Result<Vec<String>> {
        let mut found = Vec::new();
        for field in self.fields() {
            found.extend(self.terms_with_prefix(field, prefix, limit)?);
        }
        Ok(found)
    }

    fn ending_with(&self, suffix: &str, limit: usize) -> tantivy::Result<Vec<String>> {
        let found = self.terms_with_prefix(self.fields.reversed, &reversed(suffix), limit)?;
        Ok(found.iter().map(|term| reversed(term)).collect())
    }

    fn contains(&self, text: &str) -> tantivy::Result<bool> {
        for segment in self.readers() {
            for field in self.fields() {
                if segment.inverted_index(field)?.doc_freq(&Term::from_field_text(field, text))? > 0 {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn accepted_by(&self, automaton: &TypoAutomaton) -> tantivy::Result<Vec<String>> {
        let mut found = Vec::new();
        for segment in self.readers() {
            for field in self.fields() {
                let index = segment.inverted_index(field)?;
                let mut stream = index.terms().search(automaton).into_stream()?;
                while stream.advance() {
                    found.extend(std::str::from_utf8(stream.key()).map(str::to_owned));
                }
            }
        }
        Ok(found)
    }

    fn occurrences(&self, terms: &[(&str, f32)]) -> tantivy::Result<Vec<Occurrences>> {
        let of = |segment| -> tantivy::Result<Occurrences> {
            let postings = terms.iter().map(|(text, factor)| self.postings(segment, text, *factor));
            let postings: Vec<TermPostings> =
                postings.filter_map(Result::transpose).collect::<tantivy::Result<_>>()?;
            Ok(Occurrences::Word(postings))
        };
        self.readers().iter().map(of).collect()
    }

    fn count(&self, terms: &[String], occurrences: &[Occurrences]) -> usize {
        let count = || {
            let segments = self.readers().iter().zip(occurrences);
            segments.map(|(segment, occurrences)| occurrences.count(segment)).sum()
        };
        match occurrences.iter().map(Occurrences::most).sum::<usize>() < COMMON {
            true => count(),
            false => self.counts.get(terms, count),
        }
    }

    fn sequence(&self, parts: &[Token]) -> tantivy::Result<Frequencies> {
        let mut found: Frequencies = vec![Vec::new(); self.readers().len()];
        let first = match parts {
            [] => return Ok(found),
            [only] => {
                let occurrences = self.readers().iter().zip(self.occurrences(&[(&only.text, 1.0)])?);
                let frequencies = |((segment, occurrences), ord): ((&SegmentReader, Occurrences), u32)| {
                    Ok(occurrences.frequencies(|doc| !segment.is_deleted(doc), &self.lengths(ord)?))
                };
                return occurrences.zip(0..).map(frequencies).collect();
            }
            [first, ..] => first,
        };
        for (nth, field) in self.fields().into_iter().enumerate() {
            let term =
                |part: &Token| (part.position - first.position, Term::from_field_text(field, &part.text));
            let query = PhraseQuery::new_with_offset(parts.iter().map(term).collect());
            let query = query.weight(EnableScoring::disabled_from_searcher(self.searcher))?;
            for ((segment, found), ord) in self.readers().iter().zip(&mut found).zip(0..) {
                let lengths = self.lengths(ord)?;
                let mut here = Vec::new();
                let mut scorer = query.scorer(segment, 1.0)?;
                while scorer.doc() != TERMINATED {
                    let doc = scorer.doc();
                    if !segment.is_deleted(doc) {
                        here.push((doc, lengths.frequency(nth, doc, 1)));
                    }
                    scorer.advance();
                }
                *found = merge_sorted(std::mem::take(found), here, |a, b| a + b);
            }
        }
        Ok(found)
    }

    fn segments(&self) -> u32 {
        self.readers().len() as u32
    }

    fn documents(&self, segment: u32) -> DocId {
        self.readers()[segment as usize].max_doc()
    }

    fn is_alive(&self, segment: u32, doc: DocId) -> bool {
        !self.readers()[segment as usize].is_deleted(doc)
    }

    fn lengths(&self, segment: u32) -> tantivy::Result<Lengths<'_>> {
        let segment = &self.readers()[segment as usize];
        let [title, also, answer] = self.fields().map(|field| segment.get_fieldnorms_reader(field));
        let documents = segment.max_doc();
        Ok(Lengths { norms: [title?, also?, answer?], documents, weights: &self.weights })
    }
}
