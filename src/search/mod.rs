//! Phrase → ranked questions.

mod confidence;
mod filter;
mod fuse;
mod keyword;
mod query;
mod results;
mod snippet;
mod tune;

use std::cmp::Ordering;
use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;
use std::time::Instant;

use anyhow::{Context, bail};
use tantivy::collector::DocSetCollector;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, Term};

use crate::analyze::title_key;
use crate::embed::Embedder;
use crate::index::{Index, Quantized};
use filter::Allowed;
use keyword::{KeywordScores, term_weights};

pub use confidence::{FITTED, Features, Model, NAMES as FEATURE_NAMES};
pub use fuse::{DEFAULT_SEMANTIC_WEIGHT, Figures, Range as FigureRange, convex};
pub use query::{Filters, Mode, Query};
pub use results::{Hit, Results};
pub use snippet::Snippet;
pub use tune::tune;

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

/// Finds the questions a phrase is about, best first.
///
/// `embedder` must be the model that the index was made with; it is not needed by
/// [`Mode::Keyword`] or an index without vectors.
///
/// # Errors
/// The index is damaged; it has no vectors and only they are asked for; `embedder` is another
/// model, or is missing, or fails.
pub fn search(index: &Index, embedder: Option<&dyn Embedder>, query: &Query) -> anyhow::Result<Results> {
    let start = Instant::now();
    let allowed = Allowed::new(index, query)?;
    let (keyword, semantic) = thread::scope(|scope| {
        let keyword = scope.spawn(|| KeywordScores::new(index, &query.text));
        let semantic = query_vector(index, embedder, query);
        (keyword.join().unwrap_or_else(|panic| resume_unwind(panic)), semantic)
    });
    let (keyword, semantic) = (keyword.context("the keyword index is damaged")?, semantic?);
    let mut legs = Legs { index, allowed, keyword, semantic };
    let (mut ranked, range) = rank(&legs, query)?;
    if query.mode == Mode::Hybrid
        && let Some(fed_back) = feedback(&legs, &ranked)
    {
        let asked = legs.semantic.replace(fed_back);
        (ranked, _) = rank(&legs, query)?;
        legs.semantic = asked;
        // What is told of a hit is what the phrase itself says of it.
        for candidate in &mut ranked {
            candidate.figures = figures(&legs, candidate.address);
        }
    }
    let mut hits = present(&legs, query, ranked)?;
    judge(&mut hits, &range, &legs.keyword);
    Ok(Results { phrase: query.phrase.clone(), took: start.elapsed(), hits, missing: legs.keyword.missing })
}

/// Both legs, ready to say what they think of any document.
struct Legs<'a> {
    index: &'a Index,
    allowed: Allowed,
    keyword: KeywordScores,
    /// The phrase's vector, where meaning counts.
    semantic: Option<Quantized>,
}

/// A document that may become a hit.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    address: DocAddress,
    figures: Figures,
    /// Its title, or another way to ask it, is the phrase.
    exact: bool,
    score: f32,
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
    let embedder = embedder.context("searching by meaning needs the model that made the index")?;
    if embedder.model() != model {
        bail!(
            "the index was made with {} ({}), not with {} ({})\n  hint: search with that model, or index again",
            model.name,
            model.fingerprint,
            embedder.model().name,
            embedder.model().fingerprint
        );
    }
    Ok(Some(Quantized::from(embedder.embed(&query.text)?.as_slice())))
}

/// The best candidates, in order; those that tie with the last one asked for included, since
/// their order depends on what is read later.
fn rank(legs: &Legs<'_>, query: &Query) -> anyhow::Result<(Vec<Candidate>, FigureRange)> {
    let mut candidates = candidates(legs, query)?;
    let range = FigureRange::of(candidates.iter().map(|candidate| &candidate.figures));
    candidates.retain(|candidate| candidate.exact || is_related(&candidate.figures, query.mode));
    let weight =
        query.semantic_weight.or(legs.index.meta().semantic_weight).unwrap_or(DEFAULT_SEMANTIC_WEIGHT);
    for candidate in &mut candidates {
        candidate.score = match query.mode {
            _ if candidate.exact && query.mode == Mode::Hybrid => 1.0,
            Mode::Hybrid => convex(&candidate.figures, &range, weight),
            Mode::Keyword => candidate.figures.bm25,
            Mode::Semantic => candidate.figures.cosine.unwrap_or(0.0),
        };
    }
    candidates.sort_by(by_score);
    let last = query.limit.min(candidates.len());
    let ties = match last.checked_sub(1).map(|at| candidates[at]) {
        Some(last_hit) => {
            candidates[last..].iter().take_while(|candidate| by_score(candidate, &last_hit).is_eq()).count()
        }
        None => 0,
    };
    candidates.truncate(last + ties);
    Ok((candidates, range))
}

/// Says of every hit how sure we are that it answers; nothing where there are no vectors to tell
/// by.
fn judge(hits: &mut [Hit], range: &FigureRange, keyword: &KeywordScores) {
    let words = keyword.terms.len() + keyword.missing.len();
    for hit in hits.iter_mut().filter(|hit| hit.figures.cosine.is_some()) {
        let features = Features::new(&hit.figures, range, words);
        hit.features = Some(features);
        hit.confidence = Some(if hit.exact { 1.0 } else { FITTED.probability(&features) });
    }
}

/// Best first; exact titles before everything else.
fn by_score(a: &Candidate, b: &Candidate) -> Ordering {
    (b.exact.cmp(&a.exact)).then(b.score.total_cmp(&a.score))
}

/// The union of both legs' best, with both legs' figures for each.
fn candidates(legs: &Legs<'_>, query: &Query) -> anyhow::Result<Vec<Candidate>> {
    let limit = query.limit.max(CANDIDATES);
    let exact = exact_titles(legs, query)?;
    let mut addresses = exact.clone();
    if query.mode != Mode::Semantic {
        addresses.extend(keyword_best(legs, limit));
    }
    if legs.semantic.is_some() {
        addresses.extend(semantic_best(legs, limit));
    }
    addresses.sort();
    addresses.dedup();
    let candidate = |address| Candidate {
        address,
        figures: figures(legs, address),
        exact: exact.contains(&address),
        score: 0.0,
    };
    Ok(addresses.into_iter().map(candidate).collect())
}

/// The phrase's vector, moved towards what the best hits of the first ranking say (Rocchio's
/// feedback, on vectors): a question asked in other words than the phrase is often near to one that
/// the phrase did find. `None` where there is no vector or nothing was found.
fn feedback(legs: &Legs<'_>, ranked: &[Candidate]) -> Option<Quantized> {
    let phrase = legs.semantic.as_ref()?;
    let mut fed_back: Vec<(f32, Vec<f32>)> = Vec::new();
    for candidate in ranked {
        let vectors = &legs.index.vectors()[candidate.address.segment_ord as usize];
        let Some(nearest) = vectors.nearest_vector(candidate.address.doc_id, phrase) else {
            continue;
        };
        // The same question twice says nothing twice.
        let says_more =
            |(_, other): &(f32, Vec<f32>)| other.iter().zip(&nearest).map(|(a, b)| a * b).sum::<f32>() < SAME;
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
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length == 0.0 {
        return None;
    }
    let moved = phrase.values().zip(&sum).map(|(x, back)| x + FEEDBACK * back / length);
    let mut moved: Vec<f32> = moved.collect();
    let length = moved.iter().map(|x| x * x).sum::<f32>().sqrt();
    moved.iter_mut().for_each(|x| *x /= length.max(f32::MIN_POSITIVE));
    Some(Quantized::from(moved.as_slice()))
}

fn is_related(figures: &Figures, mode: Mode) -> bool {
    match mode {
        Mode::Keyword => figures.bm25 > 0.0,
        Mode::Hybrid | Mode::Semantic => {
            figures.bm25 > 0.0 || figures.cosine.is_some_and(|cosine| cosine > UNRELATED)
        }
    }
}

fn exact_titles(legs: &Legs<'_>, query: &Query) -> anyhow::Result<Vec<DocAddress>> {
    let key = title_key(&query.text);
    // Terms have a length limit, and nobody types such a title.
    if key.is_empty() || key.len() > 1_000 {
        return Ok(Vec::new());
    }
    let term = Term::from_field_text(legs.index.fields().title_key, &key);
    let found =
        legs.index.searcher().search(&TermQuery::new(term, IndexRecordOption::Basic), &DocSetCollector)?;
    Ok(found
        .into_iter()
        .filter(|found| legs.allowed.contains(found.segment_ord as usize, found.doc_id))
        .collect())
}

fn keyword_best(legs: &Legs<'_>, limit: usize) -> Vec<DocAddress> {
    let mut scored: Vec<(f32, DocAddress)> = Vec::new();
    for (segment, scores) in legs.keyword.scores.iter().enumerate() {
        for (doc, score) in (0..).zip(scores) {
            if *score > 0.0 && legs.allowed.contains(segment, doc) {
                scored.push((*score, DocAddress::new(segment as u32, doc)));
            }
        }
    }
    let order = |a: &(f32, DocAddress), b: &(f32, DocAddress)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if scored.len() > limit {
        scored.select_nth_unstable_by(limit, order);
        scored.truncate(limit);
    }
    scored.into_iter().map(|(_, address)| address).collect()
}

fn semantic_best(legs: &Legs<'_>, limit: usize) -> Vec<DocAddress> {
    let Some(vector) = &legs.semantic else {
        return Vec::new();
    };
    let segments = legs.index.searcher().segment_readers();
    let mut near: Vec<_> = Vec::new();
    for (ord, (segment, vectors)) in segments.iter().zip(legs.index.vectors()).enumerate() {
        let allowed = |doc| !segment.is_deleted(doc) && legs.allowed.contains(ord, doc);
        let found = vectors.nearest(vector, limit, allowed);
        near.extend(found.into_iter().map(|near| (near.cosine, DocAddress::new(ord as u32, near.doc))));
    }
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    near.truncate(limit);
    near.into_iter().map(|(_, address)| address).collect()
}

fn figures(legs: &Legs<'_>, address: DocAddress) -> Figures {
    let (segment, doc) = (address.segment_ord as usize, address.doc_id);
    let cosine = legs.semantic.as_ref().and_then(|vector| legs.index.vectors()[segment].cosine(doc, vector));
    let named = legs.keyword.named.get(segment).map(|named| named[doc as usize]);
    let (bm25, covered) =
        (legs.keyword.scores[segment][doc as usize], legs.keyword.covered[segment][doc as usize]);
    Figures { cosine, bm25, named, covered }
}

/// Reads the candidates' questions, puts ties in order of source, and cuts to the limit.
fn present(legs: &Legs<'_>, query: &Query, ranked: Vec<Candidate>) -> anyhow::Result<Vec<Hit>> {
    let mut read = ranked
        .into_iter()
        .map(|candidate| Ok((candidate, legs.index.question(candidate.address)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    read.sort_by(|(a, a_question), (b, b_question)| {
        by_score(a, b)
            .then_with(|| (&a_question.source, &a_question.id).cmp(&(&b_question.source, &b_question.id)))
    });
    read.truncate(query.limit);
    let weights = term_weights(&legs.keyword.terms);
    let hit = |(rank, (candidate, question)): (usize, (Candidate, _))| -> Hit {
        let question: crate::question::Question = question;
        let answer = question.readable_answer();
        let passage = best_passage(legs, candidate.address).unwrap_or(0..answer.len());
        Hit {
            rank,
            score: candidate.score,
            confidence: None,
            exact: candidate.exact,
            features: None,
            figures: candidate.figures,
            title_highlights: snippet::highlights(&question.title, &weights),
            snippet: snippet::snippet(&answer, passage, &weights),
            question,
        }
    };
    Ok((1..).zip(read).map(hit).collect())
}

/// The piece of the answer nearest to the phrase.
fn best_passage(legs: &Legs<'_>, address: DocAddress) -> Option<Range<usize>> {
    let vectors = &legs.index.vectors()[address.segment_ord as usize];
    let range = vectors.nearest_passage(address.doc_id, legs.semantic.as_ref()?)?;
    Some(range.start as usize..range.end as usize)
}
