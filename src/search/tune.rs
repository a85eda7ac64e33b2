//! The weight between the legs, tuned on the corpus itself, without labels.
//!
//! Where the corpus lists other ways to ask its questions, some of them are taken away and asked:
//! the weight that finds most of their questions (mean reciprocal rank) is the one.
//!
//! Elsewhere a sample of the corpus's own titles asks for pieces of the corpus's own answers, from which the
//! titles are taken away; the weight that finds most of them says how much
//! meaning is worth against words *in this corpus*. Titles share words with their answers, so that
//! weight sits a little low; halfway between it and [`DEFAULT_SEMANTIC_WEIGHT`] was the best by
//! people's labels in the five corpora it was tried on.

use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::fuse::{DEFAULT_SEMANTIC_WEIGHT, NormalizedScores, RetrievalScores, ScoreRange};
use super::keyword::KeywordScores;
use crate::chunk::{Passage, chunks};
use crate::embed::{Builtin, Embedder, Prepare, Role};
use crate::index::{Index, Quantized, set_meta};
use crate::question::Question;
use crate::worker_threads;

/// How many questions ask: enough to order weights, few enough to cost a second or two.
const SAMPLE: usize = 120;

/// Fewer than this say nothing.
const SMALLEST_SAMPLE: usize = 12;

/// A piece of an answer with fewer words is hardly an answer to find.
const SHORTEST_PIECE: usize = 12;

/// How many steps there are between a weight of 0 and one of 1.
const STEPS: usize = 20;

/// The share of the semantic leg that fits a corpus best.
///
/// [`DEFAULT_SEMANTIC_WEIGHT`] where there are too few answers to find.
///
/// # Errors
/// The index is damaged, or the model fails.
pub fn tune(index: &Index, embedder: &dyn Embedder) -> anyhow::Result<f32> {
    let mut questions = index.questions()?;
    // Always the same ones of an index, spread over it by the hash of their ids.
    questions.sort_by_cached_key(|question| (xxh3_64(question.id.as_bytes()), question.id.clone()));
    let reworded: Vec<Asked> = questions.iter().filter_map(reworded).take(SAMPLE).collect();
    if reworded.len() >= SMALLEST_SAMPLE && reworded.len() * 2 >= questions.len().min(SAMPLE) {
        return Ok((best_weight(&reworded, embedder)? + DEFAULT_SEMANTIC_WEIGHT) / 2.0);
    }
    let titled: Vec<Asked> =
        questions.iter().filter_map(|question| titled(question, embedder)).take(SAMPLE).collect();
    if titled.len() < SMALLEST_SAMPLE {
        return Ok(DEFAULT_SEMANTIC_WEIGHT);
    }
    Ok((best_weight(&titled, embedder)? + DEFAULT_SEMANTIC_WEIGHT) / 2.0)
}

/// How far apart a model sees the corpus's questions, as a multiple of how far the built-in model sees them:
/// see [`CosineScale`](crate::index::CosineScale). `None` for the built-in model itself, and where there are too few
/// questions to tell.
///
/// # Errors
/// The index is damaged, or a model fails.
pub fn spread(index: &Index, embedder: &dyn Embedder) -> anyhow::Result<Option<f32>> {
    if embedder.model().is_same(Builtin::info()) {
        return Ok(None);
    }
    let mut titles: Vec<String> = index.questions()?.into_iter().map(|question| question.title).collect();
    titles.sort_by_cached_key(|title| (xxh3_64(title.as_bytes()), title.clone()));
    titles.dedup();
    titles.truncate(SAMPLE);
    if titles.len() < SMALLEST_SAMPLE {
        return Ok(None);
    }
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let own = mean_distance(&embedder.embed_all(&titles, Role::Passage)?);
    let builtin = mean_distance(&Builtin::load(Prepare::Many)?.embed_all(&titles, Role::Passage)?);
    Ok(Some(own / builtin))
}

/// The mean of `1 - cosine` over all pairs of vectors of length one.
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

/// Tunes the weight of an index in a folder, and writes it there, when there are a fifth more or fewer
/// questions than the last time, or it never was: the last step of a build.
///
/// # Errors
/// Those of [`tune`]; the index cannot be opened or written.
pub fn retune(dir: &Path, embedder: &dyn Embedder) -> anyhow::Result<()> {
    let index = Index::open(dir)?;
    let questions = index.question_count()?;
    let mut meta = index.meta().clone();
    if meta.semantic_weight.is_some() && questions.abs_diff(meta.tuned_on) * 5 <= meta.tuned_on {
        return Ok(());
    }
    meta.semantic_weight = Some(tune(&index, embedder)?);
    meta.spread = spread(&index, embedder)?;
    meta.tuned_on = questions;
    set_meta(dir, &meta)
}

/// The weight with which most phrases find their questions.
fn best_weight(sample: &[Asked], embedder: &dyn Embedder) -> anyhow::Result<f32> {
    let searched: Vec<Question> = sample.iter().map(|asked| asked.searched.clone()).collect();
    let searched = Index::in_memory(&searched, Some(embedder))?;
    let scores = worker_threads::map(sample, |asked| all_scores(&searched, embedder, &asked.phrase));
    let scores: Vec<Vec<RetrievalScores>> = scores.into_iter().collect::<anyhow::Result<_>>()?;
    let weights = (0..=STEPS).map(|step| step as f32 / STEPS as f32);
    let found: Vec<(f32, f32)> =
        weights.map(|weight| (weight, mean_reciprocal_rank(&scores, weight))).collect();
    let most = found.iter().map(|(_, found)| *found).fold(0.0, f32::max);
    // Of weights that find the same, the middle one.
    let best: Vec<f32> =
        found.iter().filter(|(_, found)| *found == most).map(|(weight, _)| *weight).collect();
    Ok(best.iter().sum::<f32>() / best.len() as f32)
}

/// A phrase of the corpus's own, and the question it is about without that phrase.
struct Asked {
    phrase: String,
    searched: Question,
}

/// A question asked in the last of the other ways its source lists.
fn reworded(question: &Question) -> Option<Asked> {
    let mut searched = question.clone();
    let phrase = searched.also.pop()?;
    Some(Asked { phrase, searched })
}

/// A question's title asking for the first piece of its answer, and nothing else.
fn titled(question: &Question, embedder: &dyn Embedder) -> Option<Asked> {
    let untitled = Question { answer: question.readable_answer().into_owned(), ..Question::default() };
    let chunks = chunks(&untitled, |text| embedder.count_tokens(text), embedder.model().window);
    let first = chunks.into_iter().find(|chunk| matches!(chunk.passage, Passage::Answer(_)))?;
    let enough = first.text.split_whitespace().nth(SHORTEST_PIECE).is_some();
    let searched = Question { answer: first.text, ..Question::default() };
    enough.then(|| Asked { phrase: question.title.clone(), searched })
}

/// Both legs' figures of every document of an index in memory, in document order.
fn all_scores(index: &Index, embedder: &dyn Embedder, phrase: &str) -> anyhow::Result<Vec<RetrievalScores>> {
    let keyword = KeywordScores::new(index, phrase)?;
    let vector = Quantized::from(embedder.embed(phrase, Role::Query)?.as_slice());
    let segments = keyword.scores.iter().zip(index.vectors());
    Ok(segments
        .flat_map(|(scores, vectors)| {
            (0..).zip(scores).map(|(doc, bm25)| RetrievalScores {
                cosine: vectors.cosine(doc, &vector),
                bm25: *bm25,
                ..RetrievalScores::default()
            })
        })
        .collect())
}

/// How high the nth phrase finds the nth document: the mean of 1 / rank.
fn mean_reciprocal_rank(scores: &[Vec<RetrievalScores>], weight: f32) -> f32 {
    let reciprocal = |(own, scores): (usize, &Vec<RetrievalScores>)| {
        let range = ScoreRange::of(scores);
        let score = |scores: &RetrievalScores| NormalizedScores::new(scores, &range).convex(weight);
        let own = score(&scores[own]);
        let better = scores.iter().filter(|other| score(other) > own).count();
        1.0 / (better + 1) as f32
    };
    scores.iter().enumerate().map(reciprocal).sum::<f32>() / scores.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the right document is first by meaning, or first by words.
    fn scores(semantic_finds: bool, keyword_finds: bool, count: usize) -> Vec<Vec<RetrievalScores>> {
        let own = |finds: bool| if finds { 1.0 } else { 0.2 };
        (0..count)
            .map(|own_at| {
                (0..count)
                    .map(|at| match at == own_at {
                        true => RetrievalScores {
                            cosine: Some(own(semantic_finds)),
                            bm25: own(keyword_finds),
                            ..RetrievalScores::default()
                        },
                        false => {
                            RetrievalScores { cosine: Some(0.5), bm25: 0.5, ..RetrievalScores::default() }
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
    fn the_leg_that_finds_is_the_one_that_counts() {
        let meaning = scores(true, false, 5);
        assert_eq!((mean_reciprocal_rank(&meaning, 1.0), mean_reciprocal_rank(&meaning, 0.0)), (1.0, 0.2));
        let words = scores(false, true, 5);
        assert_eq!((mean_reciprocal_rank(&words, 1.0), mean_reciprocal_rank(&words, 0.0)), (0.2, 1.0));
    }
}
