//! Keyword and vector retrieval: finds the candidates of a phrase, with their scores.

use std::collections::{HashMap, HashSet};
use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::thread;

use anyhow::{Context, bail};
use tantivy::DocAddress;

use super::candidate::Candidate;
use super::correct::{READ, corrected, has_typos};
use super::filter::Allowed;
use super::fuse::{DEFAULT_SEMANTIC_WEIGHT, RetrievalScores, neighbour_weight};
use super::keyword::{KeywordQuery, Scored, WordScores};
use super::matching::{Matching, all_cosines};
use super::pins::{Applied, applied};
use super::query::{Mode, Query};
use super::synonyms::{LONGEST_KEY, SynonymTitles, phrase_vector};
use super::title::TitleMatch;
use super::word_sequence::WordSequence;
use crate::analyze::detect;
use crate::curation::Fired;
use crate::embed::{Builtin, Embedder, ModelInfo, WrongModel};
use crate::hint::hinted;
use crate::index::{Centred, Index, Quantized, is_panic_caught, panics_caught};
use crate::title::title_key;

/// The minimum number of candidates that each retriever contributes to fusion. A larger limit raises it.
pub(super) const CANDIDATES: usize = 300;

/// A question that shares no word with the phrase is unrelated unless its cosine is above this. Unrelated
/// sentences have cosines of 0 to 0.15 with MiniLM.
const UNRELATED: f32 = 0.15;

/// The context of an error of tantivy.
pub(super) const DAMAGED: &str = "the keyword index is damaged";

/// A question matches a phrase, so that facets count it, if it contains at least this fraction of what the best question of
/// the index contains of the phrase, or if its cosine is at least this fraction of the best. With the limits of candidates
/// instead, four in five of the built-in questions matched a phrase, because all are about Rust; with half of the words,
/// those of "how do … work" did.
const MATCHING_COVERED: f32 = 0.75;
const MATCHING_COSINE: f32 = 0.5;

/// The keyword scores and the vector of a phrase, and what is needed to score any document of an index.
pub struct Retrieval<'a> {
    pub index: &'a Index,
    pub query: &'a Query,
    pub keyword: KeywordQuery<'a>,
    /// The phrase's vector. `None` in keyword mode, without vectors, and if the model cannot read the phrase.
    pub semantic: Option<Quantized>,
    /// The phrase's vector without the mean of the index.
    pub centred: Option<Centred>,
    /// The weight of semantic search in the score, in [0, 1].
    pub weight: f32,
    /// The weight of the neighbours of a candidate in its score.
    pub neighbour_weight: f32,
    /// The number of questions in the index.
    pub questions: u64,
    /// Whether every hit contains all words of the phrase as the query requires.
    pub is_required: bool,
    /// Whether the phrase and a question may be in two languages that the model can read. The built-in model reads one.
    pub may_cross_languages: bool,
    /// The synonyms in the phrase.
    pub synonyms: Vec<Fired>,
    /// The pin that applies.
    pub pin: Option<Applied>,
    allowed: Allowed,
    /// The documents whose title or alternative title equals the phrase.
    pub exact: HashSet<DocAddress>,
    /// The phrase with synonyms, and the documents with such a title.
    pub synonym_titles: SynonymTitles,
    nearly_exact: HashSet<DocAddress>,
    /// The best documents by keyword search.
    keyword_best: Vec<DocAddress>,
    /// What explanations need, computed for the first one: the scores of all documents by keyword search, highest first,
    /// and their ranks by semantic search.
    keyword_ranked: OnceLock<Vec<f32>>,
    semantic_ranked: OnceLock<HashMap<DocAddress, usize>>,
}

impl<'a> Retrieval<'a> {
    /// Runs keyword retrieval on one thread and embeds the phrase on another.
    ///
    /// # Errors
    /// See [`search`](super::search()).
    pub fn new(index: &'a Index, embedder: Option<&dyn Embedder>, query: &'a Query) -> anyhow::Result<Self> {
        let mut allowed = Allowed::new(index, &query.filters)?;
        let synonyms = synonyms_of(index, query, &query.phrase);
        let (keyword, semantic) = both(
            || KeywordQuery::new(index, &query.phrase, &synonyms),
            || query_vector(index, embedder, query, &synonyms),
        );
        let (keyword, semantic) = (keyword.context(DAMAGED)?, semantic?);
        let weight =
            query.semantic_weight.or(index.meta().semantic_weight).unwrap_or(DEFAULT_SEMANTIC_WEIGHT);
        let questions = index.statistics()?.questions;
        let is_builtin = |model: &ModelInfo| model.is_same(Builtin::info());
        let may_cross_languages = semantic.is_some()
            && !index.meta().model.as_ref().is_some_and(is_builtin)
            && index.languages() != [detect(&query.phrase)];
        let pin = applied(index, embedder, query, semantic.as_ref())?;
        allowed.hide(pin.as_ref().map_or(&[], |pin| &pin.hidden));
        let mut retrieval = Self {
            index,
            query,
            keyword,
            centred: semantic.as_ref().map(|phrase| index.space().centre(phrase.values())),
            semantic,
            weight,
            neighbour_weight: neighbour_weight(questions),
            questions,
            is_required: requires_phrase(query),
            may_cross_languages,
            synonym_titles: SynonymTitles::new(&query.phrase, &synonyms),
            synonyms,
            pin,
            allowed,
            exact: HashSet::new(),
            nearly_exact: HashSet::new(),
            keyword_best: Vec::new(),
            keyword_ranked: OnceLock::new(),
            semantic_ranked: OnceLock::new(),
        };
        retrieval.exact = retrieval.exact_titles()?;
        let nearly_exact = retrieval.synonym_titles.find(index)?.into_iter();
        retrieval.nearly_exact = nearly_exact.filter(|address| retrieval.is_allowed(*address)).collect();
        if query.mode != Mode::Semantic {
            retrieval.keyword_best = retrieval.keyword_best(retrieval.limit())?;
        }
        retrieval.correct_typos(embedder)?;
        Ok(retrieval)
    }

    /// Embeds the phrase again if it has typos. An endpoint would be asked while the search has a place in a server.
    fn correct_typos(&mut self, embedder: Option<&dyn Embedder>) -> anyhow::Result<()> {
        let (Some(embedder), Some(_), Some(model)) = (embedder, &self.semantic, &self.index.meta().model)
        else {
            return Ok(());
        };
        if !embedder.is_local() || !has_typos(&self.keyword) {
            return Ok(());
        }
        let best = match self.query.mode {
            Mode::Semantic => self.keyword_best(READ)?,
            Mode::Hybrid | Mode::Keyword => self.keyword_best.clone(),
        };
        let phrase = &self.query.phrase;
        if let Some(phrase) = corrected(self.index, embedder, phrase, &self.keyword, &best)? {
            let synonyms = synonyms_of(self.index, self.query, &phrase);
            let semantic = Quantized::of(&phrase_vector(embedder, &phrase, &synonyms)?, model)?;
            self.centred = Some(self.index.space().centre(semantic.values()));
            self.semantic = Some(semantic);
        }
        Ok(())
    }

    /// Whether the search compares vectors, as far as the model can read the phrase and the questions.
    pub fn expects_vectors(&self) -> bool {
        self.index.meta().model.is_some() && self.query.mode != Mode::Keyword
    }

    /// Says that the model cannot read the phrase, if it cannot.
    pub fn unread_notice(&self) -> Option<String> {
        let model = self.index.meta().model.as_ref()?;
        if self.semantic.is_some() || !self.expects_vectors() {
            return None;
        }
        let (model, language) = (model.spoken_name(), detect(&self.query.phrase));
        Some(format!("{model} cannot read {language}; the phrase is searched for by words only"))
    }

    /// The best candidates of both retrievers, with both scores for each. `vector` represents the phrase.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn candidates(&self, vector: Option<&Centred>) -> anyhow::Result<Vec<Candidate>> {
        let mut addresses: Vec<DocAddress> = self.exact.iter().chain(&self.nearly_exact).copied().collect();
        addresses.extend(&self.keyword_best);
        // The vector scan has already computed these cosines.
        let mut near: HashMap<DocAddress, f32> = HashMap::new();
        if let Some(vector) = vector {
            near.extend(
                self.semantic_best(vector, self.limit()).iter().map(|(cosine, address)| (*address, *cosine)),
            );
            addresses.extend(near.keys());
        }
        addresses.sort();
        addresses.dedup();
        self.scored(addresses, &near, vector)
    }

    /// Some documents, in the order of the index, as candidates.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn candidates_at(
        &self,
        addresses: Vec<DocAddress>,
        vector: Option<&Centred>,
    ) -> anyhow::Result<Vec<Candidate>> {
        self.scored(addresses, &HashMap::new(), vector)
    }

    /// `near` are the cosines that are known.
    fn scored(
        &self,
        addresses: Vec<DocAddress>,
        near: &HashMap<DocAddress, f32>,
        vector: Option<&Centred>,
    ) -> anyhow::Result<Vec<Candidate>> {
        let words = self.keyword.scores(&addresses).context(DAMAGED)?;
        let candidate = |(address, words): (DocAddress, WordScores)| Candidate {
            address,
            scores: self.scores(address, words, near.get(&address).copied(), vector),
            title: match () {
                () if self.exact.contains(&address) => TitleMatch::Exact,
                () if self.nearly_exact.contains(&address) => TitleMatch::Near,
                () => TitleMatch::Different,
            },
            fused: 0.0,
            neighbours: None,
            score: 0.0,
            raised: None,
            sort_key: 0.0,
        };
        Ok(addresses.into_iter().zip(words).map(candidate).collect())
    }

    /// Compares candidates with another vector of the phrase.
    pub fn compare_again(&self, candidates: &mut [Candidate], vector: &Centred) {
        for candidate in candidates {
            candidate.scores.centred = self.centred_cosine(candidate.address, vector);
        }
    }

    /// The scores of a document from both retrievers. `centred` is its cosine with `vector` if it is known; `vector`
    /// represents the phrase in the space of the index.
    fn scores(
        &self,
        address: DocAddress,
        words: WordScores,
        centred: Option<f32>,
        vector: Option<&Centred>,
    ) -> RetrievalScores {
        let vectors = &self.index.vectors()[address.segment_ord as usize];
        let WordScores { bm25, named, covered } = words;
        RetrievalScores {
            cosine: self.semantic.as_ref().and_then(|phrase| vectors.cosine(address.doc_id, phrase)),
            centred: centred.or_else(|| self.centred_cosine(address, vector?)),
            bm25,
            named,
            covered,
        }
    }

    /// The highest cosine of a document and a vector in the space of the index. `None` if it has no rows.
    fn centred_cosine(&self, address: DocAddress, vector: &Centred) -> Option<f32> {
        let segment = address.segment_ord as usize;
        // A search without a vector must not compute the space.
        let (vectors, space) = (&self.index.vectors()[segment], self.index.space());
        vectors.highest(address.doc_id, |row| space.cosine(segment, vectors, row, vector))
    }

    /// The highest cosine of questions that are unrelated to the phrase.
    pub fn unrelated(&self) -> f32 {
        self.index.scale().from_builtin(UNRELATED)
    }

    /// All documents that match the phrase (see [`MATCHING_COVERED`]) and the filters. Every document is scored, and the
    /// filters do not change which documents match the phrase.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn matching(&self) -> anyhow::Result<Matching> {
        let mut words: Vec<DocAddress> = self.keyword_all()?;
        words.sort_unstable();
        let scores = self.keyword.scores(&words).context(DAMAGED)?;
        let cosines =
            self.semantic.as_ref().map(|phrase| all_cosines(self.index, phrase)).unwrap_or_default();
        let covered = scores.iter().map(|scores| scores.covered).fold(0.0, f32::max);
        let nearest = cosines.iter().flatten().copied().fold(0.0, f32::max);
        let (covered, nearest) = (MATCHING_COVERED * covered, MATCHING_COSINE * nearest);
        let unrelated = self.unrelated();
        let mut matching = Matching::none(self.index);
        let mut add = |address: DocAddress| {
            if self.allowed.contains(address.segment_ord as usize, address.doc_id) {
                matching.insert(address);
            }
        };
        let covers =
            |(_, scores): &(&DocAddress, &WordScores)| scores.covered > 0.0 && scores.covered >= covered;
        words.iter().zip(&scores).filter(covers).for_each(|(address, _)| add(*address));
        for (segment, cosines) in (0..).zip(&cosines) {
            let near = (0..).zip(cosines).filter(|(_, cosine)| **cosine > unrelated && **cosine >= nearest);
            near.for_each(|(doc, _)| add(DocAddress::new(segment, doc)));
        }
        self.exact.iter().for_each(|address| add(*address));
        Ok(matching)
    }

    /// All documents that contain a word of the phrase, except in semantic mode.
    fn keyword_all(&self) -> anyhow::Result<Vec<DocAddress>> {
        if self.query.mode == Mode::Semantic {
            return Ok(Vec::new());
        }
        let found = self.keyword.best(usize::MAX, |_, _| true).context(DAMAGED)?;
        Ok(found.into_iter().map(|scored| scored.address).collect())
    }

    fn limit(&self) -> usize {
        self.query.end().max(CANDIDATES)
    }

    fn exact_titles(&self) -> anyhow::Result<HashSet<DocAddress>> {
        let Some(key) = title_key(&self.query.phrase).filter(|key| key.len() <= LONGEST_KEY) else {
            return Ok(HashSet::new());
        };
        let found = self.index.same_title(&key)?;
        Ok(found.into_iter().filter(|found| self.is_allowed(*found)).collect())
    }

    /// Whether a document, which must not be deleted, passes the filters and is not hidden.
    pub fn is_allowed(&self, address: DocAddress) -> bool {
        self.allowed.contains(address.segment_ord as usize, address.doc_id)
    }

    fn keyword_best(&self, limit: usize) -> anyhow::Result<Vec<DocAddress>> {
        Ok(self.by_words(limit)?.into_iter().map(|scored| scored.address).collect())
    }

    /// The best documents by keyword search, best first.
    fn by_words(&self, limit: usize) -> anyhow::Result<Vec<Scored>> {
        let allowed = |segment: u32, doc| self.allowed.contains(segment as usize, doc);
        self.keyword.best(limit, allowed).context(DAMAGED)
    }

    /// The nearest documents, nearest first, with their cosines.
    fn semantic_best(&self, vector: &Centred, limit: usize) -> Vec<(f32, DocAddress)> {
        let allowed = |ord: usize, doc| {
            self.index.is_alive(DocAddress::new(ord as u32, doc)) && self.allowed.contains(ord, doc)
        };
        self.index.space().nearest(self.index.vectors(), limit, self.query.exact_vectors, allowed, vector)
    }

    /// The rank of a document by keyword search alone, starting at 1, and the number of documents that match.
    /// `None` if no word matches the document.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn keyword_rank(&self, candidate: &Candidate) -> anyhow::Result<Option<(usize, usize)>> {
        let own = candidate.scores.bm25;
        if own == 0.0 {
            return Ok(None);
        }
        let ranked = match self.keyword_ranked.get() {
            Some(ranked) => ranked,
            None => {
                let ranked = self.by_words(usize::MAX)?.into_iter().map(|scored| scored.score).collect();
                self.keyword_ranked.get_or_init(|| ranked)
            }
        };
        Ok(Some((1 + ranked.partition_point(|score| *score > own), ranked.len())))
    }

    /// The rank of a document by semantic search alone, starting at 1, and the number of documents ranked.
    /// `None` without vectors.
    pub fn semantic_rank(&self, address: DocAddress) -> Option<(usize, usize)> {
        let phrase = self.centred.as_ref()?;
        let ranked = self.semantic_ranked.get_or_init(|| {
            let ranked = self.semantic_best(phrase, usize::MAX).into_iter();
            ranked.enumerate().map(|(nth, (_, address))| (address, nth + 1)).collect()
        });
        Some((*ranked.get(&address)?, ranked.len()))
    }
}

/// The results of keyword search and of embedding, on two threads.
fn both<K: Send, S>(keyword: impl FnOnce() -> K + Send, semantic: impl FnOnce() -> S) -> (K, S) {
    // Keyword search uses rayon. A thread of rayon that waits for another thread that waits for rayon can wait for ever.
    if rayon::current_thread_index().is_some() {
        return (keyword(), semantic());
    }
    thread::scope(|scope| {
        let is_caught = is_panic_caught();
        let keyword = scope.spawn(move || panics_caught(is_caught, keyword));
        let semantic = semantic();
        (keyword.join().unwrap_or_else(|panic| resume_unwind(panic)), semantic)
    })
}

/// Whether the required words of a query are all words of its phrase.
fn requires_phrase(query: &Query) -> bool {
    let required: Vec<WordSequence> =
        query.filters.exact.iter().filter_map(|text| WordSequence::new(text)).collect();
    let is_required = |word: &String| required.iter().any(|sequence| sequence.words().contains(word));
    WordSequence::new(&query.phrase).is_some_and(|phrase| phrase.words().iter().all(is_required))
}

/// The synonyms in a text.
pub(super) fn synonyms_of(index: &Index, query: &Query, text: &str) -> Vec<Fired> {
    if query.synonyms { index.curation().fired(text, index.languages()) } else { Vec::new() }
}

pub(super) fn query_vector(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    query: &Query,
    synonyms: &[Fired],
) -> anyhow::Result<Option<Quantized>> {
    let Some(model) = index.meta().model.as_ref().filter(|_| query.mode != Mode::Keyword) else {
        if query.mode == Mode::Semantic {
            bail!(hinted("the index has keywords only", "`rqsearch index --model builtin` adds embeddings"));
        }
        return Ok(None);
    };
    let wrong =
        || WrongModel { made_with: model.clone(), given: embedder.map(|given| given.model().clone()) };
    let embedder = embedder.filter(|given| given.model().is_same(model)).ok_or_else(wrong)?;
    if !embedder.can_read(&query.phrase) {
        return Ok(None);
    }
    Ok(Some(Quantized::of(&phrase_vector(embedder, &query.phrase, synonyms)?, model)?))
}
