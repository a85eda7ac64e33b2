//! Search: from a phrase to ranked questions.

mod collapse;
mod compound;
mod confidence;
mod explain;
mod filter;
mod fuse;
mod keyword;
mod query;
mod rerank;
mod results;
mod retrieval;
mod snippet;
mod tune;

use std::time::Instant;

use tantivy::DocAddress;

use crate::embed::Embedder;
use crate::index::Index;
use crate::question::Question;
use collapse::CollapsedHit;
use keyword::{KeywordScores, term_weights};
use retrieval::{Candidate, Ranking, Retrieval, by_score};

pub use collapse::AlsoAsked;
pub use confidence::{FEATURES, FITTED, Features};
pub use explain::{Explanation, Passage, Reason, WordMatch};
pub use fuse::{DEFAULT_SEMANTIC_WEIGHT, NAMED, NormalizedScores, RetrievalScores, ScoreRange};
pub use query::{Filters, Mode, Query};
pub use rerank::{DEFAULT_BUDGET, DEFAULT_CANDIDATES, Reranking, search_and_rerank};
pub use results::{Hit, Results};
pub use snippet::Snippet;
pub use tune::{retune, spread, tune};

/// Finds the questions that match a phrase, best first.
///
/// `embedder` must be the model that the index was built with. It is not needed for [`Mode::Keyword`] or
/// for an index without vectors.
///
/// # Errors
/// - The index is damaged.
/// - The index has no vectors and the mode is [`Mode::Semantic`].
/// - `embedder` is missing, is a different model than the index's, or fails.
pub fn search(index: &Index, embedder: Option<&dyn Embedder>, query: &Query) -> anyhow::Result<Results> {
    let start = Instant::now();
    let retrieval = Retrieval::new(index, embedder, query)?;
    let first = retrieval.rank(retrieval.semantic.as_ref());
    let moved = match query.mode {
        Mode::Hybrid => retrieval.feedback(&first),
        Mode::Keyword | Mode::Semantic => None,
    };
    let second = moved.map(|moved| retrieval.rank(Some(&moved)));
    let hits = present(&retrieval, &first, second.as_ref().unwrap_or(&first))?;
    let notice = retrieval.unread_notice();
    let KeywordScores { terms, missing, .. } = retrieval.keyword;
    let terms = terms.into_iter().flat_map(|term| term.matches).collect();
    Ok(Results { phrase: query.phrase.clone(), took: start.elapsed(), hits, missing, terms, notice })
}

/// Reads the questions of the best candidates and builds the hits.
///
/// `first` is the ranking by the phrase itself, before feedback. Confidence is computed against its score
/// range.
fn present(retrieval: &Retrieval<'_>, first: &Ranking, ranking: &Ranking) -> anyhow::Result<Vec<Hit>> {
    let collapsed = collapsed_hits(retrieval, ranking)?;
    let weights = term_weights(&retrieval.keyword.terms);
    let hit = |(rank, CollapsedHit { candidate, question, also_asked, .. }): (usize, CollapsedHit)| {
        let scores = retrieval.scores(candidate.address, retrieval.semantic.as_ref());
        let lead = candidate.fused - ranking.top_mean;
        let features = scores.cosine.map(|cosine| {
            Features::new(cosine, &scores, &first.range, lead, &retrieval.keyword, retrieval.index.scale())
        });
        let answer = question.readable_answer();
        let passage = best_passage(retrieval, candidate.address).unwrap_or(0..answer.len());
        Hit {
            rank,
            score: candidate.score,
            confidence: match features {
                _ if !retrieval.expects_vectors() => None,
                _ if candidate.exact => Some(1.0),
                Some(features) => Some(FITTED.probability(&features.0)),
                None => Some(confidence::from_words(&scores, &first.range, &retrieval.keyword)),
            },
            exact: candidate.exact,
            features,
            scores,
            title_highlights: snippet::highlights(&question.title, &weights),
            snippet: snippet::snippet(&answer, passage.clone(), &weights),
            passage,
            relevance: None,
            explanation: retrieval.query.explain.then(|| {
                explain::explain(retrieval, &candidate, &ranking.range, features.as_ref(), &question)
            }),
            question,
            also_asked,
        }
    };
    Ok((1..).zip(collapsed).map(hit).collect())
}

/// Reads the best candidates up to the limit, orders ties by source, and collapses questions that ask the
/// same.
fn collapsed_hits(retrieval: &Retrieval<'_>, ranking: &Ranking) -> anyhow::Result<Vec<CollapsedHit>> {
    let limit = retrieval.query.limit;
    let mut wanted = limit;
    loop {
        let mut read: Vec<(Candidate, Question)> = ranking
            .first(wanted)
            .iter()
            .map(|candidate| Ok((*candidate, retrieval.index.question(candidate.address)?)))
            .collect::<anyhow::Result<_>>()?;
        read.sort_by(|(a, a_question), (b, b_question)| {
            by_score(a, b)
                .then_with(|| (&a_question.source, &a_question.id).cmp(&(&b_question.source, &b_question.id)))
        });
        let seen = read.len();
        let mut hits = match retrieval.query.collapse {
            true => collapse::collapse(retrieval.index, read),
            false => {
                read.into_iter().map(|(candidate, question)| CollapsedHit::new(candidate, question)).collect()
            }
        };
        if hits.len() >= limit || seen == ranking.candidates.len() {
            hits.truncate(limit);
            if retrieval.query.collapse {
                collapse::collapse_next(retrieval.index, &mut hits, &ranking.candidates[seen..])?;
            }
            return Ok(hits);
        }
        wanted += limit - hits.len();
    }
}

/// The passage of the answer that is nearest to the phrase, in bytes. `None` without vectors.
fn best_passage(retrieval: &Retrieval<'_>, address: DocAddress) -> Option<std::ops::Range<usize>> {
    let vectors = &retrieval.index.vectors()[address.segment_ord as usize];
    let range = vectors.nearest_passage(address.doc_id, retrieval.semantic.as_ref()?)?;
    Some(range.start as usize..range.end as usize)
}
