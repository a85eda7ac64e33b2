//! The words of the candidates of one search, whose statistics are those of all questions.

use tantivy::fieldnorm::FieldNormReader;
use tantivy::{DocId, TantivyError};

use super::frequencies::{Frequencies, merge_sorted};
use super::occurrences::Occurrences;
use super::postings::Lengths;
use super::words::Words;
use crate::analyze::{Token, tokens_in};
use crate::index::{CandidateDocument, Candidates, FieldWeights, term_hash};
use crate::search::typo::TypoAutomaton;

/// The candidates are one segment.
pub struct CandidateWords<'a> {
    candidates: &'a Candidates,
    weights: FieldWeights,
}

impl<'a> CandidateWords<'a> {
    pub fn new(candidates: &'a Candidates, weights: FieldWeights) -> Self {
        Self { candidates, weights }
    }

    /// The candidates with a term, in order, with its frequency in each.
    fn with_term(&self, term: &str, factor: f32) -> Vec<(DocId, f32)> {
        let hash = term_hash(term);
        let found = (0..).zip(self.candidates.documents()).filter_map(|(doc, candidate)| {
            let at = candidate.words.binary_search_by_key(&hash, |(hash, _)| *hash).ok()?;
            Some((doc, candidate.words[at].1 * factor))
        });
        found.collect()
    }
}

impl CandidateWords<'_> {
    /// The frequency of a sequence in a candidate, weighted by field and field length. `first` is the position of the first
    /// part. Reads the question.
    fn sequence_frequency(
        &self,
        doc: DocId,
        candidate: &CandidateDocument,
        parts: &[Token],
        first: usize,
    ) -> tantivy::Result<f32> {
        let question = self
            .candidates
            .question(doc)
            .map_err(|error| TantivyError::InternalError(format!("could not read a candidate: {error:#}")))?;
        let answer = question.readable_answer();
        let fields = [
            vec![question.title.as_str()],
            question.also.iter().map(String::as_str).collect(),
            vec![&answer],
        ];
        let frequency = |(field, texts): (usize, Vec<&str>)| {
            let tokens: Vec<Vec<Token>> =
                texts.iter().map(|text| tokens_in(text, &[candidate.language])).collect();
            let length = tokens.iter().flatten().map(|token| token.terms().count() as u32).sum();
            let has_sequence = tokens.iter().any(|tokens| contains(tokens, parts, first));
            let weight = self.weights.of(field, FieldNormReader::fieldnorm_to_id(length));
            if has_sequence { weight } else { 0.0 }
        };
        Ok(fields.into_iter().enumerate().map(frequency).sum())
    }
}

impl Words for CandidateWords<'_> {
    fn beginning_with(&self, prefix: &str, limit: usize) -> tantivy::Result<Vec<String>> {
        Ok(self.candidates.corpus().dictionary.beginning_with(prefix, limit))
    }

    fn ending_with(&self, suffix: &str, limit: usize) -> tantivy::Result<Vec<String>> {
        Ok(self.candidates.corpus().dictionary.ending_with(suffix, limit))
    }

    fn contains(&self, term: &str) -> tantivy::Result<bool> {
        Ok(self.candidates.corpus().dictionary.count(term) > 0)
    }

    fn accepted_by(&self, automaton: &TypoAutomaton) -> tantivy::Result<Vec<String>> {
        Ok(self.candidates.corpus().dictionary.accepted_by(automaton))
    }

    fn occurrences(&self, terms: &[(&str, f32)]) -> tantivy::Result<Vec<Occurrences>> {
        let lists = terms.iter().map(|(term, factor)| self.with_term(term, *factor));
        Ok(vec![Occurrences::Listed(lists.fold(Vec::new(), |all, list| merge_sorted(all, list, f32::max)))])
    }

    /// The corpus counts the questions with each term. How many have several of them is estimated from the candidates.
    fn count(&self, terms: &[String], occurrences: &[Occurrences]) -> usize {
        let corpus = self.candidates.corpus();
        let counts: Vec<u64> = terms.iter().map(|term| corpus.dictionary.count(term)).collect();
        let (sum, most) = (counts.iter().sum::<u64>(), counts.iter().copied().max().unwrap_or(0));
        if sum == most {
            return sum as usize;
        }
        let here: usize = occurrences.iter().map(Occurrences::most).sum();
        let each: usize = terms.iter().map(|term| self.with_term(term, 1.0).len()).sum();
        let estimated =
            if each == 0 { most } else { (sum as f64 * here as f64 / each as f64).round() as u64 };
        estimated.clamp(most, corpus.questions.max(most)) as usize
    }

    fn sequence(&self, parts: &[Token]) -> tantivy::Result<Frequencies> {
        let first = match parts {
            [] => return Ok(vec![Vec::new()]),
            [only] => return Ok(vec![self.with_term(&only.text, 1.0)]),
            [first, ..] => first,
        };
        let terms: Vec<u32> = parts.iter().map(|part| term_hash(&part.text)).collect();
        let mut found = Vec::new();
        for (doc, candidate) in (0..).zip(self.candidates.documents()) {
            let has = |term| candidate.words.binary_search_by_key(term, |(hash, _)| *hash).is_ok();
            if terms.iter().all(has) {
                let frequency = self.sequence_frequency(doc, candidate, parts, first.position)?;
                found.extend((frequency > 0.0).then_some((doc, frequency)));
            }
        }
        Ok(vec![found])
    }

    fn segments(&self) -> u32 {
        1
    }

    fn documents(&self, _: u32) -> DocId {
        self.candidates.documents().len() as DocId
    }

    fn is_alive(&self, _: u32, _: DocId) -> bool {
        true
    }

    /// The frequencies of candidates are weighted already, so their lengths are not used.
    fn lengths(&self, segment: u32) -> tantivy::Result<Lengths<'_>> {
        let documents = self.documents(segment);
        let none = || FieldNormReader::constant(documents, 1);
        Ok(Lengths { norms: [none(), none(), none()], documents, weights: &self.weights })
    }
}

/// Whether a text has terms in sequence. `first` is the position of the first part.
fn contains(tokens: &[Token], parts: &[Token], first: usize) -> bool {
    let has = |term: &str, position: usize| {
        let from = tokens.partition_point(|token| token.position < position);
        let here = tokens[from..].iter().take_while(|token| token.position == position);
        here.into_iter().any(|token| token.terms().any(|own| own == term))
    };
    let starts = tokens.iter().filter(|token| token.terms().any(|own| own == parts[0].text));
    starts
        .into_iter()
        .any(|start| parts.iter().all(|part| has(&part.text, start.position + part.position - first)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use crate::curation::{Curation, Pins, Synonyms};
    use crate::embed::{Builtin, Embedder, Prepare};
    use crate::index::{
        CandidateDocument, CorpusCounts, FacetValues, FieldWeights, FieldWords, Index, Row, title_hash,
    };
    use crate::question::Question;
    use crate::search::{Facet, Filters, Mode, Query, Results, Sort, search};
    use crate::title::title_key;

    fn questions() -> Vec<Question> {
        let records = [
            (
                "How do I sharpen a kitchen knife?",
                "Pull the blade along a whetstone. A dull knife slips.",
                "",
            ),
            (
                "How long must dough rise?",
                "Until it has doubled, an hour in a warm kitchen.",
                "When is dough ready",
            ),
            ("Why does E0502 occur?", "A value is borrowed as mutable while `Arc<Mutex<T>>` is read.", ""),
            (
                "What is a mutex?",
                "A lock: one thread at a time may read and write the value.",
                "mutual exclusion",
            ),
            (
                "Wie hoch sind die Versandkosten?",
                "Der Versand kostet vier Euro in der Stadt und im Land.",
                "",
            ),
            ("Was kostet ein Kindergarten?", "Das hängt von der Stadt ab, in der man wohnt.", ""),
            ("How do I prune roses?", "Cut them in spring, above a bud. Roses need a sharp knife.", ""),
            ("What is a mutex?", "Something else entirely, about music and how it is cut.", ""),
            ("如何重置密码？", "在设置页面点击重置密码。", ""),
        ];
        (1..)
            .zip(records)
            .map(|(line, (title, answer, also))| Question {
                id: format!("{line:012x}"),
                answer: answer.into(),
                also: (!also.is_empty()).then(|| also.to_owned()).into_iter().collect(),
                key: Some(format!("q{line}")),
                date: Some(format!("{}-01-{line:02}", 2020 + line % 3)),
                section: Some(["Home", "home", "Work"][line as usize % 3].to_owned()),
                tags: vec!["all".to_owned(), format!("Tag {}", line % 4)],
                level: (line % 2 == 0).then(|| "Hard".to_owned()),
                score: Some(f64::from(line as u32)),
                ..Question::new(title, line)
            })
            .collect()
    }

    /// The questions of an index as candidates. The words of the corpus are counted here.
    fn as_candidates(index: &Index) -> Index {
        let addresses: Vec<_> = index.documents().collect();
        let questions: Vec<Question> =
            addresses.iter().map(|address| index.question(*address).unwrap()).collect();
        let words: Vec<FieldWords> = questions.iter().map(FieldWords::of).collect();
        let rows: Vec<Vec<Row>> = addresses.iter().map(|address| index.rows(*address)).collect();
        let mut counts = CorpusCounts::default();
        words.iter().zip(&rows).for_each(|(words, rows)| counts.add(words, rows, 1));
        let weights = FieldWeights::new(counts.mean_lengths());
        let documents = questions.iter().zip(&words).zip(rows).zip(&addresses).map(
            |(((question, words), rows), address)| CandidateDocument {
                id: question.id.clone(),
                key: question.key.clone().unwrap_or_default(),
                words: words.frequencies(&weights),
                title_keys: std::iter::once(&question.title)
                    .chain(&question.also)
                    .filter_map(|title| title_key(title))
                    .map(|key| title_hash(&key))
                    .collect(),
                language: words.language,
                title_length: words.lengths[0],
                has_also: !question.also.is_empty(),
                date: index.date(*address).unwrap(),
                score: question.score,
                rows,
                values: FacetValues {
                    section: question.section.as_deref().unwrap_or_default().to_lowercase(),
                    level: question.level.as_deref().unwrap_or_default().to_lowercase(),
                    tags: question.tags.iter().map(|tag| tag.to_lowercase()).collect(),
                    path: question.source.path.clone(),
                },
                is_outside: false,
            },
        );
        let documents = documents.collect();
        let read = move |docs: &[u32]| Ok(docs.iter().map(|doc| questions[*doc as usize].clone()).collect());
        let corpus = Arc::new(counts.corpus().unwrap());
        Index::of_candidates(index.meta().clone(), Path::new("remote"), corpus, documents, Box::new(read))
    }

    #[track_caller]
    fn check(local: &Index, remote: &Index, embedder: &dyn Embedder, query: &Query) {
        let of = |index| search(index, Some(embedder), query).unwrap();
        let (expected, found) = (of(local), of(remote));
        let ids =
            |results: &Results| results.hits.iter().map(|hit| hit.question.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(&expected), "{query:?}");
        assert_eq!((&found.missing, found.total), (&expected.missing, expected.total), "{query:?}");
        assert_eq!((&found.facets, &found.pin), (&expected.facets, &expected.pin), "{query:?}");
        for (found, expected) in found.hits.iter().zip(&expected.hits) {
            let scores = |hit: &crate::search::Hit| {
                [hit.score, hit.scores.bm25, hit.scores.covered, hit.confidence.unwrap_or(0.0)]
            };
            for (found, expected) in scores(found).into_iter().zip(scores(expected)) {
                assert!((found - expected).abs() < 2e-3, "{found} {expected}: {query:?}");
            }
            assert_eq!(
                (&found.title_match, &found.snippet, &found.distinction, found.also_asked.len()),
                (&expected.title_match, &expected.snippet, &expected.distinction, expected.also_asked.len()),
                "{query:?}"
            );
        }
    }

    #[test]
    fn candidates_are_ranked_as_in_the_index_that_has_them() {
        let model = Builtin::load(Prepare::Many).unwrap();
        let local = Index::in_memory(&questions(), Some(&model)).unwrap();
        let remote = as_candidates(&local);
        for phrase in [
            "sharpen a knife",
            "whetsone for a blade",
            "what is a mutex",
            "E0502",
            "Arc<Mutex<T>>",
            "\"warm kitchen\" dough",
            "Kosten",
            "Stadtkindergarten",
            "重置密码",
            "zzzz qqqq",
            "when are roses cut in the kitchen",
        ] {
            for mode in [Mode::Hybrid, Mode::Keyword, Mode::Semantic] {
                for collapse in [false, true] {
                    check(&local, &remote, &model, &Query { mode, collapse, ..Query::plain(phrase) });
                }
            }
        }
        for (exact, without) in [(&["a mutex"][..], &[][..]), (&[], &["music"]), (&["knife"], &["roses"])] {
            let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            let filters = Filters { exact: list(exact), without: list(without), ..Filters::default() };
            check(&local, &remote, &model, &Query { filters, ..Query::plain("what is a mutex or knife") });
        }
        let facets = Facet::ALL.to_vec();
        for (languages, phrase) in
            [(&[][..], "sharpen a knife"), (&["de", "ZH"], "Stadt"), (&["en"], "what is a mutex")]
        {
            let languages = languages.iter().map(|code| (*code).to_owned()).collect();
            let filters = Filters { languages, ..Filters::default() };
            check(
                &local,
                &remote,
                &model,
                &Query { filters, facets: facets.clone(), ..Query::plain(phrase) },
            );
        }
        for sort in [Sort::Newest, Sort::Score] {
            check(&local, &remote, &model, &Query { sort, ..Query::plain("a knife in the kitchen") });
        }
    }

    #[test]
    fn synonyms_and_pins_have_the_same_effect() {
        let model = Builtin::load(Prepare::Many).unwrap();
        let synonyms = "same = [[\"blade\", \"knife\"], [\"ml\", \"music lesson\", \"mutual exclusion\"]]";
        let pins = "[[pin]]\nphrase = \"cut\"\nids = [\"q7\", \"000000000001\", \"q99\"]\nhide = [\"q8\"]\n";
        let curation = || {
            let synonyms = Synonyms::parse("synonyms", synonyms).unwrap();
            Curation::new(synonyms, Pins::parse("pins", pins).unwrap())
        };
        let local = Index::in_memory(&questions(), Some(&model)).unwrap().with_curation(curation());
        let remote = as_candidates(&local).with_curation(curation());
        for phrase in ["sharpen a blade", "what is ml", "cut", "where are roses cut"] {
            for mode in [Mode::Hybrid, Mode::Keyword] {
                check(&local, &remote, &model, &Query { mode, ..Query::plain(phrase) });
            }
        }
    }

    #[test]
    fn a_word_of_no_candidate_is_not_missing_if_the_corpus_has_it() {
        let all = Index::in_memory(&questions(), None).unwrap();
        let mut counts = CorpusCounts::default();
        all.questions().unwrap().iter().for_each(|question| counts.add(&FieldWords::of(question), &[], 1));
        let corpus = Arc::new(counts.corpus().unwrap());
        let read = |_: &[u32]| Ok(Vec::new());
        let none =
            Index::of_candidates(all.meta().clone(), Path::new("remote"), corpus, Vec::new(), Box::new(read));
        let results = search(&none, None, &Query::plain("whetstone zzzz")).unwrap();
        assert_eq!((results.hits.len(), results.missing), (0, vec!["zzzz".to_owned()]));
    }
}
