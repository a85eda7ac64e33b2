//! Phrase → ranked questions.

mod confidence;
mod explain;
mod filter;
mod fold;
mod fuse;
mod keyword;
mod legs;
mod query;
mod rerank;
mod results;
mod snippet;
mod tune;

use std::time::Instant;

use tantivy::DocAddress;

use crate::embed::Embedder;
use crate::index::Index;
use crate::question::Question;
use fold::Kept;
use keyword::{KeywordScores, term_weights};
use legs::{Candidate, Legs, Ranking, by_score};

pub use confidence::{FEATURES, FITTED, Features};
pub use explain::{Explanation, Passage, Reason, WordMatch};
pub use fold::AskedAgain;
pub use fuse::{DEFAULT_SEMANTIC_WEIGHT, FigureRange, Figures, NAMED, Shares};
pub use query::{Filters, Mode, Query};
pub use rerank::{DEFAULT_BUDGET, DEFAULT_CANDIDATES, Reranking, search_and_rerank};
pub use results::{Hit, Results};
pub use snippet::Snippet;
pub use tune::{retune, spread, tune};

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
    let legs = Legs::new(index, embedder, query)?;
    let first = legs.rank(legs.semantic.as_ref());
    let moved = match query.mode {
        Mode::Hybrid => legs.feedback(&first),
        Mode::Keyword | Mode::Semantic => None,
    };
    let second = moved.map(|moved| legs.rank(Some(&moved)));
    let hits = present(&legs, &first, second.as_ref().unwrap_or(&first))?;
    let KeywordScores { terms, missing, .. } = legs.keyword;
    let terms = terms.into_iter().flat_map(|term| term.matches).collect();
    Ok(Results { phrase: query.phrase.clone(), took: start.elapsed(), hits, missing, terms })
}

/// Reads the best candidates' questions, and says of each hit what there is to say.
///
/// `asked` is the ranking by the phrase as it is: what is told of a hit is what the phrase itself says
/// of it.
fn present(legs: &Legs<'_>, asked: &Ranking, ranking: &Ranking) -> anyhow::Result<Vec<Hit>> {
    let kept = kept(legs, ranking)?;
    let weights = term_weights(&legs.keyword.terms);
    let hit = |(rank, Kept { candidate, question, again, .. }): (usize, Kept)| {
        let figures = legs.figures(candidate.address, legs.semantic.as_ref());
        let lead = candidate.fused - ranking.field;
        let features = figures.cosine.map(|cosine| {
            Features::new(cosine, &figures, &asked.range, lead, &legs.keyword, legs.index.scale())
        });
        let answer = question.readable_answer();
        let passage = best_passage(legs, candidate.address).unwrap_or(0..answer.len());
        Hit {
            rank,
            score: candidate.score,
            confidence: features
                .map(|features| if candidate.exact { 1.0 } else { FITTED.probability(&features.0) }),
            exact: candidate.exact,
            features,
            figures,
            title_highlights: snippet::highlights(&question.title, &weights),
            snippet: snippet::snippet(&answer, passage.clone(), &weights),
            passage,
            relevance: None,
            explanation: legs
                .query
                .explain
                .then(|| explain::explain(legs, &candidate, &ranking.range, features.as_ref(), &question)),
            question,
            again,
        }
    };
    Ok((1..).zip(kept).map(hit).collect())
}

/// Reads the best candidates, as many as are asked for, puts ties in order of source, and folds those
/// that ask the same.
fn kept(legs: &Legs<'_>, ranking: &Ranking) -> anyhow::Result<Vec<Kept>> {
    let limit = legs.query.limit;
    let mut wanted = limit;
    loop {
        let mut read: Vec<(Candidate, Question)> = ranking
            .first(wanted)
            .iter()
            .map(|candidate| Ok((*candidate, legs.index.question(candidate.address)?)))
            .collect::<anyhow::Result<_>>()?;
        read.sort_by(|(a, a_question), (b, b_question)| {
            by_score(a, b)
                .then_with(|| (&a_question.source, &a_question.id).cmp(&(&b_question.source, &b_question.id)))
        });
        let seen = read.len();
        let mut kept = match legs.query.fold {
            true => fold::fold(legs.index, read),
            false => read.into_iter().map(|(candidate, question)| Kept::new(candidate, question)).collect(),
        };
        if kept.len() >= limit || seen == ranking.candidates.len() {
            kept.truncate(limit);
            if legs.query.fold {
                fold::fold_more(legs.index, &mut kept, &ranking.candidates[seen..])?;
            }
            return Ok(kept);
        }
        wanted += limit - kept.len();
    }
}

/// The piece of the answer nearest to the phrase.
fn best_passage(legs: &Legs<'_>, address: DocAddress) -> Option<std::ops::Range<usize>> {
    let vectors = &legs.index.vectors()[address.segment_ord as usize];
    let range = vectors.nearest_passage(address.doc_id, legs.semantic.as_ref()?)?;
    Some(range.start as usize..range.end as usize)
}
