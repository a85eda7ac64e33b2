//! Search: from a phrase to ranked questions.

mod candidate;
#[cfg(feature = "milvus")]
mod cluster;
mod collapse;
mod confidence;
mod correct;
mod curation_report;
mod explain;
mod facet;
mod facets;
mod fall_back;
mod filter;
mod fuse;
mod keyword;
mod matching;
mod pins;
mod query;
mod raise;
mod rank;
mod rerank;
mod results;
mod retrieval;
mod snippet;
mod suggest;
mod suggestion;
mod synonyms;
mod title;
mod tune;
mod typo;
mod word_sequence;

use std::time::Instant;

use tantivy::DocAddress;

use crate::embed::Embedder;
use crate::index::Index;
use crate::question::Question;
use candidate::{Candidate, Ranking, best_candidate};
use collapse::CollapsedHit;
use filter::language_notice;
use keyword::{KeywordQuery, term_weights};
use matching::Matching;
use retrieval::Retrieval;

pub use candidate::Raised;
#[cfg(feature = "milvus")]
pub use cluster::time_in_cluster;
pub use collapse::AlsoAsked;
pub use confidence::{FEATURES, FITTED, Features, Quality, percent};
pub use curation_report::{CurationReport, ListedPin, ListedSynonym};
pub use explain::{Explanation, Passage, Reason, WordMatch};
pub use facet::Facet;
pub use facets::{FacetCounts, FacetValue, Facets};
pub use fall_back::search_or_fall_back;
pub use fuse::{DEFAULT_SEMANTIC_WEIGHT, NAMED, NormalizedScores, RetrievalScores, ScoreRange};
pub(crate) use keyword::{COMPOUND_PART, MAX_COMPOUNDS};
pub(crate) use keyword::{is_stop_word, keyword_rules, saturated_share};
pub use pins::AppliedPin;
pub use query::{Filters, Mode, Query, Sort, date_span};
pub use rerank::{DEFAULT_BUDGET, DEFAULT_CANDIDATES, Reranking, search_and_rerank};
pub use results::{Hit, Results};
pub(crate) use snippet::excerpt_runs;
pub use snippet::{Snippet, SnippetKind};
use snippet::{Terms, snippet};
pub use suggest::suggest;
pub use suggestion::suggested_filters;
pub use title::TitleMatch;
pub use tune::{retune, spread, tune};

/// Finds the questions that match a phrase, best first.
///
/// `embedder` must be the model that the index was built with. It is not needed for [`Mode::Keyword`] or
/// for an index without vectors.
///
/// # Errors
/// - The index is damaged.
/// - The index has no vectors and the mode is [`Mode::Semantic`].
/// - An item of [`Filters::exact`] or [`Filters::without`] has no words.
/// - `embedder` is missing, is a different model than the index's, or fails.
pub fn search(index: &Index, embedder: Option<&dyn Embedder>, query: &Query) -> anyhow::Result<Results> {
    let start = Instant::now();
    #[cfg(feature = "milvus")]
    if index.cluster().is_some() {
        let results = cluster::search_cluster(index, embedder, query)?;
        return Ok(Results { took: start.elapsed(), ..results });
    }
    if query.phrase.trim().is_empty() && !query.facets.is_empty() {
        return without_phrase(index, query, start);
    }
    let retrieval = Retrieval::new(index, embedder, query)?;
    let mut candidates = retrieval.candidates(retrieval.centred.as_ref())?;
    let first = retrieval.rank(candidates.clone(), retrieval.centred.as_ref())?;
    let moved = match query.mode {
        Mode::Hybrid => retrieval.feedback(&first),
        Mode::Keyword | Mode::Semantic => None,
    };
    let range = first.range;
    let mut ranking = match &moved {
        Some(moved) => {
            retrieval.compare_again(&mut candidates, moved);
            retrieval.rank(candidates, Some(moved))?
        }
        None => first,
    };
    raise::raise(&retrieval, &range, &mut ranking)?;
    let best = ranking.candidates.first().map(|best| confidence(&retrieval, &range, &ranking, best).1);
    let pin =
        raise::raise_pinned(&retrieval, &range, &mut ranking, moved.as_ref().or(retrieval.centred.as_ref()))?;
    let ranking = retrieval.sorted(ranking)?;
    let (hits, more) = present(&retrieval, &range, &ranking, pin.as_ref())?;
    let facets = Facets::requested(&retrieval)?;
    let notices = [retrieval.unread_notice(), language_notice(index, &query.filters)];
    let KeywordQuery { terms, missing, .. } = retrieval.keyword;
    let terms = terms.iter().flat_map(|term| term.shown().map(str::to_owned)).collect();
    Ok(Results {
        phrase: query.phrase.clone(),
        took: start.elapsed(),
        hits,
        total: ranking.candidates.len(),
        next: more.then(|| query.end()),
        best_confidence: best.flatten(),
        missing,
        terms,
        facets,
        notice: joined_notices(notices),
        synonyms: retrieval.synonyms,
        pin,
    })
}

/// Several notices as one.
fn joined_notices(notices: [Option<String>; 2]) -> Option<String> {
    notices.into_iter().flatten().reduce(|one, two| format!("{one}\n{two}"))
}

/// Counts the facets of all questions that match the filters.
fn without_phrase(index: &Index, query: &Query, start: Instant) -> anyhow::Result<Results> {
    let facets = Facets::count(index, &Matching::all(index, &query.filters)?, query)?;
    Ok(Results {
        phrase: query.phrase.clone(),
        took: start.elapsed(),
        hits: Vec::new(),
        total: 0,
        next: None,
        best_confidence: None,
        missing: Vec::new(),
        terms: Vec::new(),
        facets: Some(facets),
        notice: language_notice(index, &query.filters),
        synonyms: Vec::new(),
        pin: None,
    })
}

/// A question that contains more than this fraction of the phrase contains all of it.
const ALL_COVERED: f32 = 0.999;

/// The features and the confidence of a candidate. A question that contains the phrase word by word because the query
/// requires it, or the rare word that the phrase consists of, is at least likely: whoever types it looks for it. `range` is that of the ranking by the phrase itself, before feedback.
/// There are no features without a cosine. Without vectors in the index, and in keyword mode, there is no confidence
/// either, unless a title is the phrase.
fn confidence(
    retrieval: &Retrieval<'_>,
    range: &ScoreRange,
    ranking: &Ranking,
    candidate: &Candidate,
) -> (Option<Features>, Option<f32>) {
    let scores = &candidate.scores;
    let lead = candidate.fused - ranking.top_mean;
    let features = scores.cosine.map(|cosine| {
        let scale = retrieval.index.scale();
        Features::new(cosine, scores, range, lead, &retrieval.keyword, retrieval.questions, scale)
    });
    let fitted = match features {
        Some(features) if retrieval.may_cross_languages => Some(
            confidence::from_meaning(&features, range, retrieval.index.scale())
                .max(FITTED.probability(&features.0)),
        ),
        Some(features) => Some(FITTED.probability(&features.0)),
        None if retrieval.expects_vectors() => {
            Some(confidence::from_words(scores, range, &retrieval.keyword))
        }
        None => None,
    };
    let is_word = scores.covered > ALL_COVERED && retrieval.keyword.is_rare_word();
    let fitted = match retrieval.is_required || is_word {
        true => fitted.map(|fitted| fitted.max(FITTED.threshold)),
        false => fitted,
    };
    (features, candidate.title.confidence_with(fitted))
}

/// Reads the questions of the best candidates and builds the hits.
///
/// Also returns whether there are more hits. `range` is that of the ranking by the phrase itself, before
/// feedback.
fn present(
    retrieval: &Retrieval<'_>,
    range: &ScoreRange,
    ranking: &Ranking,
    pin: Option<&AppliedPin>,
) -> anyhow::Result<(Vec<Hit>, bool)> {
    let (collapsed, more) = collapsed_hits(retrieval, ranking)?;
    let scaling = retrieval.index.meta().calibration;
    let terms = Terms::new(term_weights(&retrieval.keyword.terms), None);
    let hit = |(rank, collapsed): (usize, CollapsedHit)| -> anyhow::Result<Hit> {
        let distinction = collapsed.distinction(retrieval.index)?;
        let CollapsedHit { candidate, question, also_asked, .. } = collapsed;
        let (features, confidence) = confidence(retrieval, range, ranking, &candidate);
        // Detection would take longer than the rest.
        let terms = terms.in_language(retrieval.index.language_of(candidate.address)?);
        let answer = question.readable_answer();
        let passage = best_passage(retrieval, candidate.address).unwrap_or(0..answer.len());
        let explain = || {
            explain::explain(retrieval, &candidate, ranking, features.as_ref(), confidence, &question, pin)
        };
        let explanation = retrieval.query.explain.then(explain).transpose()?;
        Ok(Hit {
            rank,
            index: retrieval.index.member(candidate.address).map(|dir| dir.display().to_string()),
            score: candidate.score,
            confidence,
            probability: confidence.and_then(|confidence| Some(scaling?.apply(confidence))),
            title_match: candidate.title,
            pinned: candidate.raised == Some(Raised::Pinned),
            features,
            scores: candidate.scores,
            title_highlights: terms.highlights(&question.title),
            snippet: snippet(&answer, passage.clone(), &terms),
            passage,
            relevance: None,
            explanation,
            question,
            also_asked,
            distinction,
        })
    };
    let shown = (1..).zip(collapsed).skip(retrieval.query.offset);
    Ok((shown.map(hit).collect::<anyhow::Result<_>>()?, more))
}

/// Reads the best candidates up to the limit, orders ties by source, and collapses questions that ask the
/// same. Also returns whether there are more hits.
fn collapsed_hits(retrieval: &Retrieval<'_>, ranking: &Ranking) -> anyhow::Result<(Vec<CollapsedHit>, bool)> {
    let end = retrieval.query.end();
    // One more shows whether there are more.
    let limit = end.saturating_add(1);
    let mut wanted = limit;
    loop {
        retrieval.index.prepare(ranking.first(wanted).iter().map(|candidate| candidate.address))?;
        let mut read: Vec<(Candidate, Question)> = ranking
            .first(wanted)
            .iter()
            .map(|candidate| Ok((*candidate, retrieval.index.question(candidate.address)?)))
            .collect::<anyhow::Result<_>>()?;
        read.sort_by(|(a, a_question), (b, b_question)| {
            best_candidate(a, b)
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
            let more = hits.len() > end;
            hits.truncate(end);
            if retrieval.query.collapse {
                collapse::collapse_next(retrieval.index, &mut hits, &ranking.candidates[seen..])?;
            }
            return Ok((hits, more));
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
