//! Tunes the semantic weight on the corpus itself, without labels.
//!
//! The queries are known-item queries: each phrase comes from the corpus and has one right question.
//!
//! - If enough questions have alternative titles, the last one is removed from each question of a sample and
//!   becomes the query for it.
//! - Otherwise the titles of a sample are the queries, and the first chunk of each answer, without the title,
//!   is what they have to find.
//!
//! The best weight is the one with the highest mean reciprocal rank. Titles share words with their answers,
//! so the best weight is a little low. The result is therefore halfway between it and
//! [`DEFAULT_SEMANTIC_WEIGHT`], which was best by human labels in the five corpora it was tried on.

use std::path::Path;

use anyhow::Context;
use tantivy::DocAddress;
use xxhash_rust::xxh3::xxh3_64;

use super::fuse::{DEFAULT_SEMANTIC_WEIGHT, NormalizedScores, RetrievalScores, ScoreRange};
use super::keyword::{KeywordQuery, WordScores};
use crate::chunk::{Passage, chunks};
use crate::embed::{Builtin, Embedder, Prepare, Role};
use crate::index::{Busy, Index, Quantized, Space, Tuning, update_tuning};
use crate::question::Question;
use crate::worker_threads;

/// The maximum number of queries: enough to compare weights, few enough to take only a second or two.
const SAMPLE: usize = 120;

/// A sample with fewer queries is too small to tune on.
const MIN_SAMPLE: usize = 12;

/// A chunk of an answer must have more words than this to be searched for.
const MIN_WORDS: usize = 12;

/// The number of steps between weights 0 and 1.
const STEPS: usize = 20;

/// Finds the semantic weight that fits a corpus best.
///
/// Returns [`DEFAULT_SEMANTIC_WEIGHT`] if there are too few alternative titles and answers.
///
/// # Errors
/// The index is damaged, or the model fails.
pub fn tune(index: &Index, embedder: &dyn Embedder) -> anyhow::Result<f32> {
    let mut questions = index.questions()?;
    // The order depends on the hash of the ids, so the sample is reproducible and spread over the index.
    questions.sort_by_cached_key(|question| (xxh3_64(question.id.as_bytes()), question.id.clone()));
    let alternatives: Vec<KnownItem> =
        questions.iter().filter_map(by_alternative_title).take(SAMPLE).collect();
    if alternatives.len() >= MIN_SAMPLE && alternatives.len() * 2 >= questions.len().min(SAMPLE) {
        return Ok((best_weight(index, &alternatives, embedder)? + DEFAULT_SEMANTIC_WEIGHT) / 2.0);
    }
    let titles: Vec<KnownItem> =
        questions.iter().filter_map(|question| by_title(question, embedder)).take(SAMPLE).collect();
    if titles.len() < MIN_SAMPLE {
        return Ok(DEFAULT_SEMANTIC_WEIGHT);
    }
    Ok((best_weight(index, &titles, embedder)? + DEFAULT_SEMANTIC_WEIGHT) / 2.0)
}

/// The mean distance between the corpus's titles by a model, divided by the same distance by the built-in
/// model (see [`CosineScale`](crate::index::CosineScale)). `None` for the built-in model itself.
///
/// Titles that the built-in model cannot read are left out. A small corpus is completed with questions about
/// unrelated subjects.
///
/// # Errors
/// The index is damaged, or a model fails.
pub fn spread(index: &Index, embedder: &dyn Embedder) -> anyhow::Result<Option<f32>> {
    if embedder.model().is_same(Builtin::info()) {
        return Ok(None);
    }
    let builtin = Builtin::load(Prepare::Many)?;
    let mut titles: Vec<String> = index.questions()?.into_iter().map(|question| question.title).collect();
    titles.sort_by_cached_key(|title| (xxh3_64(title.as_bytes()), title.clone()));
    titles.dedup();
    let is_read = |title: &String| builtin.can_read(title) && embedder.can_read(title);
    let own: Vec<String> = titles.into_iter().filter(is_read).take(SAMPLE).collect();
    let mut titles: Vec<&str> = own.iter().map(String::as_str).collect();
    titles.extend(&GENERAL_QUESTIONS[..GENERAL_QUESTIONS.len().saturating_sub(own.len())]);
    let distance =
        |model: &dyn Embedder| anyhow::Ok(mean_distance(&model.embed_all(&titles, Role::Passage)?));
    Ok(Some(distance(embedder)? / distance(&builtin)?))
}

/// Questions about unrelated subjects.
const GENERAL_QUESTIONS: [&str; 32] = [
    "How do I reset my password?",
    "Why is the sky blue?",
    "How long should bread dough rise?",
    "What is a mutex?",
    "When should I prune roses?",
    "How do I return a product?",
    "What causes a fever?",
    "How do interest rates affect house prices?",
    "Who wrote the first novel?",
    "How does a vaccine work?",
    "What is the offside rule in football?",
    "How do I change a flat tyre?",
    "Which documents do I need for a visa?",
    "How are volcanoes formed?",
    "What is the difference between TCP and UDP?",
    "How do I learn to play the guitar?",
    "Why do cats purr?",
    "How do I sort a list in Python?",
    "What is the capital of Australia?",
    "How much sleep does a child need?",
    "How do I write a cover letter?",
    "What is dark matter?",
    "How is steel made?",
    "Can I cancel my subscription at any time?",
    "How do I remove a red wine stain?",
    "What does a database index do?",
    "When did the Roman Empire end?",
    "How do I train for a marathon?",
    "Is it safe to eat raw eggs?",
    "How do solar panels produce electricity?",
    "What is the best way to save for retirement?",
    "How do I mute a group chat?",
];

/// The mean of `1 - cosine` over all pairs of unit vectors.
fn mean_distance(vectors: &[Vec<f32>]) -> f32 {
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let (mut sum, mut pairs) = (0.0, 0.0);
    for (nth, one) in vectors.iter().enumerate() {
        for other in &vectors[nth + 1..] {
            sum += 1.0 - cosine(one, other);
            pairs += 1.0;
        }
    }
    sum / pairs
}

/// Tunes the semantic weight of the index in a directory and stores it in the index. This is the last step of
/// a build. It does nothing if the number of questions has changed by at most a fifth since the last tuning,
/// if the index has the vectors of another model by now, or if another process is writing the index when the result
/// is stored: that one tunes it. Other processes can write the index while it is tuned.
///
/// # Errors
/// Returns the errors of [`tune`], or an error if the index cannot be opened or written.
pub fn retune(dir: &Path, embedder: &dyn Embedder) -> anyhow::Result<()> {
    let tuned = update_tuning(dir, |index| {
        let (questions, meta) = (index.question_count()?, index.meta());
        let has_model = meta.model.as_ref().is_some_and(|model| model.is_same(embedder.model()));
        let is_tuned =
            meta.semantic_weight.is_some() && questions.abs_diff(meta.tuned_on) * 5 <= meta.tuned_on;
        if is_tuned || !has_model {
            return Ok(None);
        }
        let semantic_weight = tune(index, embedder)?;
        Ok(Some(Tuning { semantic_weight, spread: spread(index, embedder)?, tuned_on: questions }))
    });
    match tuned {
        Err(error) if error.is::<Busy>() => Ok(()),
        result => {
            result.context("the index is updated, but it could not be tuned; the next update tries it again")
        }
    }
}

/// The weight with the highest mean reciprocal rank over a sample of an index.
fn best_weight(index: &Index, sample: &[KnownItem], embedder: &dyn Embedder) -> anyhow::Result<f32> {
    let space = index.space();
    let targets: Vec<Question> = sample.iter().map(|item| item.target.clone()).collect();
    let index = Index::in_memory(&targets, Some(embedder))?;
    let scores = worker_threads::map(sample, |item| all_scores(&index, space, embedder, &item.phrase));
    let scores: Vec<Vec<RetrievalScores>> = scores.into_iter().collect::<anyhow::Result<_>>()?;
    let weights = (0..=STEPS).map(|step| step as f32 / STEPS as f32);
    let found: Vec<(f32, f32)> =
        weights.map(|weight| (weight, mean_reciprocal_rank(&scores, weight))).collect();
    let most = found.iter().map(|(_, found)| *found).fold(0.0, f32::max);
    // If several weights tie, use their mean.
    let best: Vec<f32> =
        found.iter().filter(|(_, found)| *found == most).map(|(weight, _)| *weight).collect();
    Ok(best.iter().sum::<f32>() / best.len() as f32)
}

/// A known-item query: a phrase from the corpus, and the question to find without that phrase.
struct KnownItem {
    phrase: String,
    target: Question,
}

/// A query by the last alternative title of a question.
fn by_alternative_title(question: &Question) -> Option<KnownItem> {
    let mut target = question.clone();
    let phrase = target.also.pop()?;
    Some(KnownItem { phrase, target })
}

/// A query by the title of a question for the first chunk of its answer.
fn by_title(question: &Question, embedder: &dyn Embedder) -> Option<KnownItem> {
    let untitled = Question { answer: question.readable_answer().into_owned(), ..Question::default() };
    let chunks = chunks(&untitled, |text| embedder.count_tokens(text), embedder.model().window);
    let first = chunks.into_iter().find(|chunk| matches!(chunk.passage, Passage::Answer(_)))?;
    let is_long_enough = first.text.split_whitespace().nth(MIN_WORDS).is_some();
    let target = Question { answer: first.text, ..Question::default() };
    is_long_enough.then(|| KnownItem { phrase: question.title.clone(), target })
}

/// The keyword and semantic scores of every document of an index in memory, in document order. `space` is that of the
/// index that is tuned.
fn all_scores(
    index: &Index,
    space: &Space,
    embedder: &dyn Embedder,
    phrase: &str,
) -> anyhow::Result<Vec<RetrievalScores>> {
    let keyword = KeywordQuery::new(index, phrase, &[])?;
    let vector = Quantized::of(&embedder.embed(phrase, Role::Query)?, embedder.model())?;
    let vector = space.centre(vector.values());
    let segments = (0..).zip(index.vectors());
    let addresses: Vec<DocAddress> = segments
        .flat_map(|(ord, vectors)| (0..vectors.document_count()).map(move |doc| DocAddress::new(ord, doc)))
        .collect();
    let words = keyword.scores(&addresses)?;
    let scores = |(address, words): (DocAddress, WordScores)| {
        let vectors = &index.vectors()[address.segment_ord as usize];
        RetrievalScores {
            centred: vectors.highest(address.doc_id, |row| space.cosine_with(&vectors.view(row), &vector)),
            bm25: words.bm25,
            ..RetrievalScores::default()
        }
    };
    Ok(addresses.into_iter().zip(words).map(scores).collect())
}

/// The mean of 1 / rank, where the rank is that of the nth document for the nth phrase.
fn mean_reciprocal_rank(scores: &[Vec<RetrievalScores>], weight: f32) -> f32 {
    let reciprocal = |(own, scores): (usize, &Vec<RetrievalScores>)| {
        let range = ScoreRange::of(scores);
        let score = |scores: &RetrievalScores| NormalizedScores::new(scores, &range).convex(weight);
        let own = score(&scores[own]);
        let better = scores.iter().filter(|other| score(other) > own).count();
        // Documents with the same score are in an arbitrary order.
        let equal = scores.iter().filter(|other| score(other) == own).count() - 1;
        1.0 / (1.0 + better as f32 + equal as f32 / 2.0)
    };
    scores.iter().enumerate().map(reciprocal).sum::<f32>() / scores.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores for which semantic search, keyword search or both rank the right document first.
    fn scores(semantic_finds: bool, keyword_finds: bool, count: usize) -> Vec<Vec<RetrievalScores>> {
        let own = |finds: bool| if finds { 1.0 } else { 0.2 };
        (0..count)
            .map(|own_at| {
                (0..count)
                    .map(|at| match at == own_at {
                        true => RetrievalScores {
                            centred: Some(own(semantic_finds)),
                            bm25: own(keyword_finds),
                            ..RetrievalScores::default()
                        },
                        false => {
                            RetrievalScores { centred: Some(0.5), bm25: 0.5, ..RetrievalScores::default() }
                        }
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn distance_is_the_mean_over_all_pairs() {
        let vectors = [vec![1.0, 0.0], vec![1.0, 0.0], vec![0.0, 1.0]];
        assert!((mean_distance(&vectors) - 2.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn the_weight_selects_the_retriever_that_finds_the_document() {
        let semantic = scores(true, false, 5);
        assert_eq!((mean_reciprocal_rank(&semantic, 1.0), mean_reciprocal_rank(&semantic, 0.0)), (1.0, 0.2));
        let keyword = scores(false, true, 5);
        assert_eq!((mean_reciprocal_rank(&keyword, 1.0), mean_reciprocal_rank(&keyword, 0.0)), (0.2, 1.0));
    }
}
