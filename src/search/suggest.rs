//! Questions while a phrase is typed.

use std::cmp::Ordering;
#[cfg(feature = "milvus")]
use std::collections::BTreeMap;

use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocAddress, DocId, InvertedIndexReader, SegmentReader, Term};

use super::keyword::STOP_WORDS;
#[cfg(feature = "milvus")]
use super::keyword::beginning_with;
use super::word_sequence::{fold, is_spaced};
use crate::analyze::{Token, phrase_tokens};
use crate::index::Index;
#[cfg(feature = "milvus")]
use crate::index::term_hash;
use crate::question::Question;

/// The greatest number of words that are compared. Nobody types a longer title.
const MOST_WORDS: usize = 32;

/// How many more questions are read than are returned: those with the shortest titles. The best titles are among them.
const READ: usize = 40;

/// How many questions with the words are read from a cluster. The best titles are among them if the words are mostly in
/// titles, which count most.
#[cfg(feature = "milvus")]
const IN_CLUSTER: usize = 200;

/// How many terms that begin with the last word are looked for in a cluster.
#[cfg(feature = "milvus")]
const BEGINNINGS: usize = 100;

/// A stem is at most so many letters shorter than the word.
const ENDING: usize = 4;

/// A shorter stem is in the dictionary by chance.
const SHORTEST_STEM: usize = 3;

/// Finds the questions whose title, or an alternative title, has all words of a text, of which the last may be incomplete.
/// At most `limit`, the best first: titles that begin with the text, then those that contain it as it is written, then the
/// shortest. Questions with the same title are one. Words such as "the" need not match unless there are no others.
///
/// # Errors
/// The index is damaged.
pub fn suggest(index: &Index, typed: &str, limit: usize) -> anyhow::Result<Vec<Question>> {
    let Some(typed) = Typed::new(index, typed) else {
        return Ok(Vec::new());
    };
    #[cfg(feature = "milvus")]
    if let Some(cluster) = index.cluster() {
        let questions = cluster.questions_with(typed.hashes(index)?, IN_CLUSTER)?;
        let ranked = questions.into_iter().filter_map(|question| {
            let is_whole_word = typed.fits(index, &question)?;
            Some((typed.rank(&question, is_whole_word)?, question))
        });
        return Ok(best(ranked.collect(), limit));
    }
    let mut candidates = Vec::new();
    for (ord, segment) in (0..).zip(index.searcher()?.segment_readers()) {
        typed.add_candidates(index, ord, segment, &mut candidates)?;
    }
    let shortest_first = |a: &Candidate, b: &Candidate| (a.length, a.address).cmp(&(b.length, b.address));
    let read = READ + limit;
    if candidates.len() > read {
        candidates.select_nth_unstable_by(read, shortest_first);
        candidates.truncate(read);
    }
    candidates.sort_unstable_by(shortest_first);
    let mut found: Vec<(Rank, Question)> = Vec::new();
    for candidate in candidates {
        let question = index.question(candidate.address)?;
        if let Some(rank) = typed.rank(&question, candidate.is_whole_word) {
            found.push((rank, question));
        }
    }
    Ok(best(found, limit))
}

/// The best questions, of which those with the same title are one.
fn best(mut found: Vec<(Rank, Question)>, limit: usize) -> Vec<Question> {
    found.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| by_source(one, other)));
    found.dedup_by(|(a, _), (b, _)| a.title == b.title);
    found.into_iter().take(limit).map(|(_, question)| question).collect()
}

fn by_source(one: &Question, other: &Question) -> Ordering {
    (&one.source, &one.id).cmp(&(&other.source, &other.id))
}

/// A question whose title may match.
struct Candidate {
    address: DocAddress,
    /// The number of words of the title.
    length: u32,
    /// Whether it has the last word as a whole word, maybe in another form.
    is_whole_word: bool,
}

/// How well a title matches: the lowest is the best.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// 0: it begins with the text; 1: it contains the text; 2: it has the words.
    kind: u8,
    length: usize,
    /// Folded.
    title: String,
}

/// The text so far.
struct Typed {
    /// Folded.
    text: String,
    /// The index terms of each word but the last, of which a title must have one each.
    words: Vec<Vec<String>>,
    last: Option<LastWord>,
}

/// The word that may be incomplete.
struct LastWord {
    /// Folded.
    written: String,
    /// The index terms of it as a whole word.
    terms: Vec<String>,
}

impl Typed {
    /// `None` if the text has no words.
    fn new(index: &Index, text: &str) -> Option<Self> {
        let mut tokens = phrase_tokens(text, index.languages());
        tokens.retain(|token| !token.whole);
        tokens.truncate(MOST_WORDS);
        let is_complete = text.ends_with(char::is_whitespace);
        let last = if is_complete { None } else { tokens.pop() };
        let is_content = |token: &&Token| !STOP_WORDS.contains(&token.text.as_str());
        let terms = |token: &Token| token.terms().map(str::to_owned).collect::<Vec<_>>();
        let mut words: Vec<Vec<String>> = tokens.iter().filter(is_content).map(terms).collect();
        if words.is_empty() && last.is_none() {
            words = tokens.iter().map(terms).collect();
        }
        let last = last.map(|token| LastWord {
            written: fold(text.get(token.start..token.end).unwrap_or(&token.text)),
            terms: terms(&token),
        });
        let text = fold(text).split_whitespace().collect::<Vec<_>>().join(" ");
        (!words.is_empty() || last.is_some()).then_some(Self { text, words, last })
    }

    /// Adds the questions of a segment that have the words.
    fn add_candidates(
        &self,
        index: &Index,
        ord: u32,
        segment: &SegmentReader,
        candidates: &mut Vec<Candidate>,
    ) -> tantivy::Result<()> {
        let titles = Titles::open(index, segment)?;
        let mut allowed = titles.with_words(&self.words)?;
        let lengths = segment.get_fieldnorms_reader(index.fields().title)?;
        let mut add = |doc, is_whole_word| {
            // Each question is added once.
            if allowed.contains(doc) {
                allowed.remove(doc);
                let address = DocAddress::new(ord, doc);
                candidates.push(Candidate { address, length: lengths.fieldnorm(doc), is_whole_word });
            }
        };
        let Some(last) = &self.last else {
            (0..segment.max_doc()).for_each(|doc| add(doc, true));
            return Ok(());
        };
        for term in &last.terms {
            titles.with_term(term, |doc| add(doc, true))?;
        }
        for stem in last.possible_stems() {
            titles.with_term(stem, |doc| add(doc, false))?;
        }
        titles.with_prefix(&last.written, |doc| add(doc, false))
    }

    /// The hashes of the terms that the titles may have.
    #[cfg(feature = "milvus")]
    fn hashes(&self, index: &Index) -> anyhow::Result<BTreeMap<u32, f32>> {
        let mut terms: Vec<String> = self.words.concat();
        if let Some(last) = &self.last {
            terms.extend(last.terms.iter().cloned());
            terms.extend(last.possible_stems().map(str::to_owned));
            terms.extend(beginning_with(index, &last.written, BEGINNINGS)?);
        }
        Ok(terms.iter().map(|term| (term_hash(term), 1.0)).collect())
    }

    /// Whether the titles of a question have the last word as a whole word. `None` if they lack another word.
    #[cfg(feature = "milvus")]
    fn fits(&self, index: &Index, question: &Question) -> Option<bool> {
        let titles = std::iter::once(&question.title).chain(&question.also);
        let tokens: Vec<Token> = titles.flat_map(|title| phrase_tokens(title, index.languages())).collect();
        let has = |terms: &Vec<String>| {
            tokens.iter().any(|token| token.terms().any(|own| terms.iter().any(|term| term == own)))
        };
        let is_whole_word = self.last.as_ref().is_none_or(|last| has(&last.terms));
        self.words.iter().all(has).then_some(is_whole_word)
    }

    /// How well a question matches. `None` if its titles do not have the last word.
    fn rank(&self, question: &Question, is_whole_word: bool) -> Option<Rank> {
        let title = fold(&question.title);
        let has_prefix = |last: &LastWord| {
            begins_word(&title, &last.written)
                || question.also.iter().any(|also| begins_word(&fold(also), &last.written))
        };
        if !is_whole_word && !self.last.as_ref().is_none_or(has_prefix) {
            return None;
        }
        let kind = match () {
            () if title.starts_with(&self.text) => 0,
            () if begins_word(&title, &self.text) => 1,
            () => 2,
        };
        Some(Rank { kind, length: title.chars().count(), title })
    }
}

impl LastWord {
    /// What may be the stem of a longer word, of which the text has most already: "cancel" for "cancelli".
    fn possible_stems(&self) -> impl Iterator<Item = &str> {
        let word = self.written.as_str();
        let ends = word.char_indices().map(|(at, _)| at).skip(SHORTEST_STEM);
        ends.filter(move |end| word.len() - end <= ENDING).map(move |end| &word[..end])
    }
}

/// Whether a text has a part at the beginning of a word. In scripts without spaces, a word can begin anywhere.
fn begins_word(text: &str, part: &str) -> bool {
    let is_anywhere = part.chars().next().is_some_and(|c| !is_spaced(c));
    text.match_indices(part).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        is_anywhere || before.is_none_or(|c| !c.is_alphanumeric())
    })
}

/// The words of the titles and alternative titles of a segment.
struct Titles<'a> {
    segment: &'a SegmentReader,
    fields: [(Field, std::sync::Arc<InvertedIndexReader>); 2],
}

impl<'a> Titles<'a> {
    fn open(index: &Index, segment: &'a SegmentReader) -> tantivy::Result<Self> {
        let open = |field| tantivy::Result::Ok((field, segment.inverted_index(field)?));
        Ok(Self { segment, fields: [open(index.fields().title)?, open(index.fields().also)?] })
    }

    /// The documents that are not deleted and have one of the terms of each word.
    fn with_words(&self, words: &[Vec<String>]) -> tantivy::Result<BitSet> {
        let none = || BitSet::with_max_value(self.segment.max_doc());
        let mut found = none();
        for doc in self.segment.doc_ids_alive() {
            found.insert(doc);
        }
        for terms in words {
            let mut with_word = none();
            for term in terms {
                self.with_term(term, |doc| {
                    with_word.insert(doc);
                })?;
            }
            found.intersect_update(&(&with_word).into());
        }
        Ok(found)
    }

    /// Calls `each` with the documents with a term, also with deleted ones.
    fn with_term(&self, term: &str, mut each: impl FnMut(DocId)) -> tantivy::Result<()> {
        for (field, inverted) in &self.fields {
            let term = Term::from_field_text(*field, term);
            if let Some(mut postings) = inverted.read_block_postings(&term, IndexRecordOption::Basic)? {
                while !postings.docs().is_empty() {
                    postings.docs().iter().for_each(|doc| each(*doc));
                    postings.advance();
                }
            }
        }
        Ok(())
    }

    /// Calls `each` with the documents with a term that begins with a prefix, also with deleted ones.
    fn with_prefix(&self, prefix: &str, mut each: impl FnMut(DocId)) -> tantivy::Result<()> {
        for (_, inverted) in &self.fields {
            let mut terms = inverted.terms().range().ge(prefix).into_stream()?;
            while terms.advance() && terms.key().starts_with(prefix.as_bytes()) {
                let mut postings =
                    inverted.read_block_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
                while !postings.docs().is_empty() {
                    postings.docs().iter().for_each(|doc| each(*doc));
                    postings.advance();
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLES: [&str; 9] = [
        "How do I cancel my order?",
        "Can I cancel?",
        "Where do I see cancelled orders?",
        "What does the cancellation of an order cost?",
        "How do I change the delivery address?",
        "How do I change the delivery address?",
        "Where is my naïve crêpe order?",
        "如何取消订单？",
        "Do you deliver to Canada?",
    ];

    #[track_caller]
    fn check(index: &Index, typed: &str, expected: &[usize]) {
        let found: Vec<String> =
            suggest(index, typed, 3).unwrap().into_iter().map(|question| question.title).collect();
        assert_eq!(found, expected.iter().map(|nth| TITLES[*nth]).collect::<Vec<_>>(), "{typed:?}");
    }

    fn index() -> Index {
        let mut questions: Vec<Question> =
            (1..).zip(TITLES).map(|(line, title)| Question::new(title, line)).collect();
        questions[8].also.push("Which countries do you ship to?".to_owned());
        questions[8].answer = "Order and cancel there.".to_owned();
        Index::in_memory(&questions, None).unwrap()
    }

    #[test]
    fn the_last_word_may_be_incomplete_and_the_others_match() {
        let index = index();
        check(&index, "can", &[1, 8, 0]);
        check(&index, "cancell", &[2, 3, 1]);
        check(&index, "cancel ord", &[0, 2, 3]);
        check(&index, "how do i c", &[0, 4]);
        check(&index, "how do i change the d", &[4]);
        check(&index, "address delivery", &[4]);
        check(&index, "cancellations", &[1, 0, 2]);
        check(&index, "cancel ", &[1, 0, 2]);
        check(&index, "the", &[4, 3]);
        check(&index, "naive crep", &[6]);
        check(&index, "count", &[8]);
        check(&index, "取消", &[7]);
        check(&index, "there", &[]);
        check(&index, "cancel bicycle", &[]);
        check(&index, " ?", &[]);
        check(&index, "", &[]);
    }

    #[test]
    fn deleted_words_and_the_limit_count() {
        assert_eq!(suggest(&index(), "o", 1).unwrap().len(), 1);
        assert!(suggest(&index(), "order", 0).unwrap().is_empty());
    }
}
