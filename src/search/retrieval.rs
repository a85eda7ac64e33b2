//! Both legs, ready to say what they think of any document, and the ranking of what they bring.

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
use crate::analyze::title_key;
use crate::embed::{Embedder, Role, WrongModel, normalized};
use crate::index::{Index, Quantized};

/// How many of its best each leg brings to the fusion, where fewer are not asked for.
const CANDIDATES: usize = 300;

/// How many of the first ranking's hits move the phrase's vector, and how far beside its own length:
/// of 1 to 10 and 0.2 to 0.7, what did best over seven judged sets; more than three hits do harm.
const FED_BACK: usize = 2;
const FEEDBACK: f32 = 0.4;

/// Hits whose nearest pieces have a cosine above this are one question twice.
const SAME: f32 = 0.9;

/// Below this cosine, a question that shares no word with the phrase has nothing to do with it:
/// unrelated sentences have cosines of 0 to 0.15 in MiniLM's space.
const UNRELATED: f32 = 0.15;

/// Among how many of the best a hit has to lead to be believed.
const FIELD: usize = 10;

/// What a phrase's words and its meaning say of every document of an index.
pub struct Retrieval<'a> {
    pub index: &'a Index,
    pub query: &'a Query,
    pub keyword: KeywordScores,
    /// The phrase's vector, where meaning counts.
    pub semantic: Option<Quantized>,
    /// The share of the semantic leg in the score.
    pub weight: f32,
    allowed: Allowed,
    /// The documents whose title, or another way to ask, is the phrase.
    exact: Vec<DocAddress>,
    /// The best by words.
    keyword_best: Vec<DocAddress>,
}

/// A document that may become a hit.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub address: DocAddress,
    /// What it is ranked by.
    pub scores: RetrievalScores,
    /// Its title, or another way to ask it, is the phrase.
    pub exact: bool,
    /// What the fusion makes of its figures, whatever ranks.
    pub fused: f32,
    /// What ranks it.
    pub score: f32,
}

/// The candidates, in order.
pub struct Ranking {
    /// Best first.
    pub candidates: Vec<Candidate>,
    /// Among what figures they stand.
    pub range: ScoreRange,
    /// The mean fused score of the best ten.
    pub field: f32,
}

impl Ranking {
    /// The first `limit`, and those that tie with the last of them, since their order depends on what is
    /// read later.
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
    /// Asks both legs: words on one thread, the phrase's vector on another.
    ///
    /// # Errors
    /// Those of [`search`](super::search()).
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

    /// Ranks the union of both legs' best, with both legs' figures for each, by a vector that stands
    /// for the phrase.
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
        let field = &candidates[..candidates.len().min(FIELD)];
        let field = field.iter().map(|candidate| candidate.fused).sum::<f32>() / field.len().max(1) as f32;
        Ranking { candidates, range, field }
    }

    fn candidates(&self, vector: Option<&Quantized>) -> Vec<Candidate> {
        let mut addresses = self.exact.clone();
        addresses.extend(&self.keyword_best);
        // The scan has the cosines of its own already.
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

    /// The phrase's vector, moved towards what the best hits of the first ranking say (Rocchio's
    /// feedback, on vectors): a question asked in other words than the phrase is often near to one that
    /// the phrase did find. `None` where there is no vector or nothing was found.
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
            // The same question twice says nothing twice.
            let says_more = |(_, other): &(f32, Vec<f32>)| {
                other.iter().zip(&nearest).map(|(a, b)| a * b).sum::<f32>() < same
            };
            if fed_back.iter().all(says_more) {
                fed_back.push((candidate.score, nearest));
                if fed_back.len() == FED_BACK {
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
        let moved = phrase.values().zip(direction).map(|(x, back)| x + FEEDBACK * back);
        Some(Quantized::from(normalized(moved.collect()).as_slice()))
    }

    /// What both legs say of a document, by a vector that stands for the phrase.
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
        // Terms have a length limit, and nobody types such a title.
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

    /// Where words alone would put a document, from 1, among how many; `None` where no word matches.
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

    /// Where the phrase's meaning alone would put a document, from 1, among how many; `None` without
    /// vectors.
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
            bail!(
                "the index has keywords only\n  hint: build it without --keyword-only to search by meaning"
            );
        }
        return Ok(None);
    };
    let wrong =
        || WrongModel { made_with: model.clone(), given: embedder.map(|given| given.model().clone()) };
    let embedder = embedder.filter(|given| given.model().is_same(model)).ok_or_else(wrong)?;
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

/// Best first; exact titles before everything else.
pub fn by_score(a: &Candidate, b: &Candidate) -> Ordering {
    (b.exact.cmp(&a.exact)).then(b.score.total_cmp(&a.score))
}

/// Best first, equal ones in order of the index.
fn best_first(a: &(f32, DocAddress), b: &(f32, DocAddress)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}
