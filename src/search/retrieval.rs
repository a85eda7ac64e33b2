//! Keyword and vector retrieval: scores every document for a phrase and ranks the candidates.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::panic::resume_unwind;
use std::thread;

use anyhow::{Context, bail};
use tantivy::DocAddress;
use tantivy::Term;
use tantivy::collector::DocSetCollector;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;

use super::filter::Allowed;
use super::fuse::{DEFAULT_SEMANTIC_WEIGHT, NormalizedScores, RetrievalScores, ScoreRange};
use super::keyword::KeywordScores;
use super::query::{Mode, Query};
use crate::analyze::{detect, title_key};
use crate::embed::{Embedder, Role, WrongModel, normalized};
use crate::index::{Index, Quantized};

/// The minimum number of candidates that each retriever contributes to fusion. A larger limit raises it.
const CANDIDATES: usize = 300;

/// How many hits of the first ranking move the phrase's vector, and how far relative to its length. These
/// values performed best over seven sets of judged queries, out of 1 to 10 hits and weights of 0.2 to 0.7.
/// More than three hits make results worse.
const FEEDBACK_HITS: usize = 2;
const FEEDBACK_WEIGHT: f32 = 0.4;

/// Hits whose nearest chunks have a cosine of at least this count as the same question.
const SAME: f32 = 0.9;

/// A question that shares no word with the phrase is unrelated unless its cosine is above this. Unrelated
/// sentences have cosines of 0 to 0.15 with MiniLM.
const UNRELATED: f32 = 0.15;

/// How many of the highest fused scores [`Ranking::top_mean`] averages.
const TOP: usize = 10;

/// The keyword scores and the vector of a phrase, and what is needed to score any document of an index.
pub struct Retrieval<'a> {
    pub index: &'a Index,
    pub query: &'a Query,
    pub keyword: KeywordScores,
    /// The phrase's vector. `None` in keyword mode, without vectors, and if the model cannot read the phrase.
    pub semantic: Option<Quantized>,
    /// The weight of semantic search in the score, in [0, 1].
    pub weight: f32,
    allowed: Allowed,
    /// The documents whose title or alternative title equals the phrase.
    exact: Vec<DocAddress>,
    /// The best documents by keyword search, in no particular order.
    keyword_best: Vec<DocAddress>,
}

/// A document that may become a hit.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub address: DocAddress,
    /// The scores from both retrievers.
    pub scores: RetrievalScores,
    /// Whether the title or an alternative title equals the phrase.
    pub exact: bool,
    /// The fused score, in every mode.
    pub fused: f32,
    /// The score that the candidates are ranked by. It depends on the mode.
    pub score: f32,
}

/// Ranked candidates.
pub struct Ranking {
    /// The candidates, best first.
    pub candidates: Vec<Candidate>,
    /// The score range of the candidates.
    pub range: ScoreRange,
    /// The mean of the ten highest fused scores.
    pub top_mean: f32,
}

impl Ranking {
    /// The first `limit` candidates and all that tie with the last of them. Ties are ordered by source, which
    /// is read later.
    pub fn first(&self, limit: usize) -> &[Candidate] {
        let Some(last) = limit.min(self.candidates.len()).checked_sub(1) else {
            return &[];
        };
        let (first, rest) = self.candidates.split_at(last + 1);
        let ties = rest.iter().take_while(|candidate| by_score(candidate, &first[last]).is_eq());
        &self.candidates[..first.len() + ties.count()]
    }
}

impl<'a> Retrieval<'a> {
    /// Runs keyword retrieval on one thread and embeds the phrase on another.
    ///
    /// # Errors
    /// See [`search`](super::search()).
    pub fn new(index: &'a Index, embedder: Option<&dyn Embedder>, query: &'a Query) -> anyhow::Result<Self> {
        let allowed = Allowed::new(index, query)?;
        let (keyword, semantic) = thread::scope(|scope| {
            let keyword = scope.spawn(|| KeywordScores::new(index, &query.text));
            let semantic = query_vector(index, embedder, query);
            (keyword.join().unwrap_or_else(|panic| resume_unwind(panic)), semantic)
        });
        let (keyword, semantic) = (keyword.context("the keyword index is damaged")?, semantic?);
        let weight =
            query.semantic_weight.or(index.meta().semantic_weight).unwrap_or(DEFAULT_SEMANTIC_WEIGHT);
        let mut retrieval = Self {
            index,
            query,
            keyword,
            semantic,
            weight,
            allowed,
            exact: Vec::new(),
            keyword_best: Vec::new(),
        };
        retrieval.exact = retrieval.exact_titles()?;
        if query.mode != Mode::Semantic {
            retrieval.keyword_best = retrieval.keyword_best(retrieval.limit());
        }
        Ok(retrieval)
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
        let (model, language) = (model.spoken_name(), detect(&self.query.text));
        Some(format!("{model} cannot read {language}; the phrase is searched for by words only"))
    }

    /// Ranks the best candidates of both retrievers, with both scores for each. `vector` represents the
    /// phrase.
    pub fn rank(&self, vector: Option<&Quantized>) -> Ranking {
        let mode = self.query.mode;
        let mut candidates = self.candidates(vector);
        let range = ScoreRange::of(candidates.iter().map(|candidate| &candidate.scores));
        let unrelated = self.index.scale().from_builtin(UNRELATED);
        candidates.retain(|candidate| candidate.exact || is_related(&candidate.scores, mode, unrelated));
        for candidate in &mut candidates {
            candidate.fused = match candidate.exact {
                true => 1.0,
                false => NormalizedScores::new(&candidate.scores, &range).convex(self.weight),
            };
            candidate.score = match mode {
                Mode::Hybrid => candidate.fused,
                Mode::Keyword => candidate.scores.bm25,
                Mode::Semantic => candidate.scores.cosine.unwrap_or(0.0),
            };
        }
        candidates.sort_by(by_score);
        let top = &candidates[..candidates.len().min(TOP)];
        let top_mean = top.iter().map(|candidate| candidate.fused).sum::<f32>() / top.len().max(1) as f32;
        Ranking { candidates, range, top_mean }
    }

    fn candidates(&self, vector: Option<&Quantized>) -> Vec<Candidate> {
        let mut addresses = self.exact.clone();
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
        let candidate = |address| Candidate {
            address,
            scores: match near.get(&address) {
                Some(cosine) => RetrievalScores { cosine: Some(*cosine), ..self.scores(address, None) },
                None => self.scores(address, vector),
            },
            exact: self.exact.contains(&address),
            fused: 0.0,
            score: 0.0,
        };
        addresses.into_iter().map(candidate).collect()
    }

    /// The phrase's vector, moved towards the best hits of the first ranking (Rocchio feedback on vectors). A
    /// question worded differently from the phrase is often near to a question that the phrase found. `None`
    /// if there is no vector or no hit.
    pub fn feedback(&self, first: &Ranking) -> Option<Quantized> {
        let phrase = self.semantic.as_ref()?;
        let same = self.index.scale().from_builtin(SAME);
        let mut fed_back: Vec<(f32, Vec<f32>)> = Vec::new();
        for candidate in &first.candidates {
            let vectors = &self.index.vectors()[candidate.address.segment_ord as usize];
            let Some((row, _)) = vectors.nearest_row(candidate.address.doc_id, phrase) else {
                continue;
            };
            let nearest: Vec<f32> = vectors.row(row).values().collect();
            // A second copy of the same question adds no information.
            let differs = |(_, other): &(f32, Vec<f32>)| {
                other.iter().zip(&nearest).map(|(a, b)| a * b).sum::<f32>() < same
            };
            if fed_back.iter().all(differs) {
                fed_back.push((candidate.score, nearest));
                if fed_back.len() == FEEDBACK_HITS {
                    break;
                }
            }
        }
        let mut sum = vec![0.0; fed_back.first().map_or(0, |(_, nearest)| nearest.len())];
        for (score, nearest) in &fed_back {
            sum.iter_mut().zip(nearest).for_each(|(sum, x)| *sum += score * x);
        }
        let direction = normalized(sum);
        if direction.iter().all(|x| *x == 0.0) {
            return None;
        }
        let moved = phrase.values().zip(direction).map(|(x, back)| x + FEEDBACK_WEIGHT * back);
        Some(Quantized::from(normalized(moved.collect()).as_slice()))
    }

    /// The scores of a document from both retrievers. `vector` represents the phrase.
    pub fn scores(&self, address: DocAddress, vector: Option<&Quantized>) -> RetrievalScores {
        let (segment, doc) = (address.segment_ord as usize, address.doc_id);
        let of = |scores: &[Vec<f32>]| scores[segment][doc as usize];
        RetrievalScores {
            cosine: vector.and_then(|vector| self.index.vectors()[segment].cosine(doc, vector)),
            bm25: of(&self.keyword.scores),
            named: (!self.keyword.named.is_empty()).then(|| of(&self.keyword.named)),
            covered: of(&self.keyword.covered),
        }
    }

    fn limit(&self) -> usize {
        self.query.limit.max(CANDIDATES)
    }

    fn exact_titles(&self) -> anyhow::Result<Vec<DocAddress>> {
        let key = title_key(&self.query.text);
        // Terms have a length limit, and nobody types a title this long.
        if key.is_empty() || key.len() > 1_000 {
            return Ok(Vec::new());
        }
        let term = Term::from_field_text(self.index.fields().title_key, &key);
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        let found = self.index.searcher().search(&query, &DocSetCollector)?;
        let allowed = |found: &DocAddress| self.allowed.contains(found.segment_ord as usize, found.doc_id);
        Ok(found.into_iter().filter(allowed).collect())
    }

    fn keyword_best(&self, limit: usize) -> Vec<DocAddress> {
        let mut scored: Vec<(f32, DocAddress)> = Vec::new();
        for (segment, scores) in self.keyword.scores.iter().enumerate() {
            for (doc, score) in (0..).zip(scores) {
                if *score > 0.0 && self.allowed.contains(segment, doc) {
                    scored.push((*score, DocAddress::new(segment as u32, doc)));
                }
            }
        }
        if scored.len() > limit {
            scored.select_nth_unstable_by(limit, best_first);
            scored.truncate(limit);
        }
        scored.into_iter().map(|(_, address)| address).collect()
    }

    /// The nearest documents, nearest first, with their cosines.
    fn semantic_best(&self, vector: &Quantized, limit: usize) -> Vec<(f32, DocAddress)> {
        let segments = self.index.searcher().segment_readers();
        let mut near: Vec<(f32, DocAddress)> = Vec::new();
        for (ord, (segment, vectors)) in segments.iter().zip(self.index.vectors()).enumerate() {
            let allowed = |doc| !segment.is_deleted(doc) && self.allowed.contains(ord, doc);
            let found = vectors.nearest(vector, limit, allowed);
            near.extend(found.into_iter().map(|near| (near.cosine, DocAddress::new(ord as u32, near.doc))));
        }
        near.sort_by(best_first);
        near.truncate(limit);
        near
    }

    /// The rank of a document by keyword search alone, starting at 1, and the number of documents that match.
    /// `None` if no word matches the document.
    pub fn keyword_rank(&self, address: DocAddress) -> Option<(usize, usize)> {
        let own = self.scores(address, None).bm25;
        let scores = self.keyword.scores.iter().enumerate();
        let found = scores.flat_map(|(segment, scores)| {
            let allowed =
                move |(doc, score): &(u32, &f32)| **score > 0.0 && self.allowed.contains(segment, *doc);
            (0..).zip(scores).filter(allowed).map(|(_, score)| *score)
        });
        let found: Vec<f32> = found.collect();
        (own > 0.0).then(|| (1 + found.iter().filter(|score| **score > own).count(), found.len()))
    }

    /// The rank of a document by semantic search alone, starting at 1, and the number of documents ranked.
    /// `None` without vectors.
    pub fn semantic_rank(&self, address: DocAddress) -> Option<(usize, usize)> {
        let phrase = self.semantic.as_ref()?;
        let ranked = self.semantic_best(phrase, usize::MAX);
        Some((1 + ranked.iter().position(|(_, found)| *found == address)?, ranked.len()))
    }
}

fn query_vector(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    query: &Query,
) -> anyhow::Result<Option<Quantized>> {
    let Some(model) = index.meta().model.as_ref().filter(|_| query.mode != Mode::Keyword) else {
        if query.mode == Mode::Semantic {
            bail!("the index has keywords only\n  hint: `rqsearch index --model builtin` adds embeddings");
        }
        return Ok(None);
    };
    let wrong =
        || WrongModel { made_with: model.clone(), given: embedder.map(|given| given.model().clone()) };
    let embedder = embedder.filter(|given| given.model().is_same(model)).ok_or_else(wrong)?;
    if !embedder.can_read(&query.text) {
        return Ok(None);
    }
    Ok(Some(Quantized::from(embedder.embed(&query.text, Role::Query)?.as_slice())))
}

fn is_related(scores: &RetrievalScores, mode: Mode, unrelated: f32) -> bool {
    match mode {
        Mode::Keyword => scores.bm25 > 0.0,
        Mode::Hybrid | Mode::Semantic => {
            scores.bm25 > 0.0 || scores.cosine.is_some_and(|cosine| cosine > unrelated)
        }
    }
}

/// Orders candidates by score, best first. Exact titles come before all others.
pub fn by_score(a: &Candidate, b: &Candidate) -> Ordering {
    (b.exact.cmp(&a.exact)).then(b.score.total_cmp(&a.score))
}

/// Orders documents by score, best first. Equal scores keep the order of the index.
fn best_first(a: &(f32, DocAddress), b: &(f32, DocAddress)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}
