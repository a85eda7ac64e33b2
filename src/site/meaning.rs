//! Search by meaning without a model: a vector for each word.
//!
//! A question has the vectors of the built-in model, reduced to a few dozen dimensions. The vector of a phrase is the sum of
//! the vectors of its words. Those start as what the model says of each word alone, as model2vec does, and are then fitted:
//! the sums of the words of each passage come as near as possible to the vector of the passage. The fit is what makes it
//! work; docs/site.md has the measurements.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::iter;

use serde_json::{Value, json};

use super::documents::{Document, Documents};
use super::files::{Files, Kind};
use super::words::Words;
use crate::analyze::{english_term, tokens_in};
use crate::embed::{Builtin, Embedder, Prepare, Role, WordPiece, dot, normalized};
use crate::index::{Index, readable_chunks, text_hash};
use crate::search::is_stop_word;
use crate::worker_threads;

/// The number of dimensions.
const DIMENSIONS: usize = 48;

/// The weight of meaning in the score, in [0, 1].
const WEIGHT: f32 = 0.6;

/// How many of the most frequent English words have a vector although no question contains them, and how many words of the
/// questions have one at most: the ones in most passages.
const FREQUENT: usize = 6_000;
const MAX_TERMS: usize = 12_000;

/// The words are fitted to at most so many passages, and the dimensions are chosen from at most so many.
const FITTED: usize = 16_000;
const REDUCED: usize = 4_000;

/// How strongly the fitted vectors are drawn to those of the model, and the number of steps of each computation.
const RIDGE: f32 = 0.3;
const FIT_STEPS: usize = 30;
const REDUCTION_STEPS: usize = 12;

/// A vector of which less than this fraction (of the squared length) is left without its part along others depends on them:
/// what is left is rounding.
const DEPENDENT: f32 = 1e-8;

/// A passage of a question: its centred vector, and its terms.
struct Passage {
    vector: Vec<f32>,
    terms: Vec<String>,
}

/// Writes the parts for meaning and returns what the manifest says of them. `null` if the index has no vectors of the
/// built-in model.
///
/// # Errors
/// - The index is damaged.
/// - The model fails.
/// - A file cannot be written.
pub fn write(
    index: &Index,
    documents: &Documents,
    words: &Words,
    files: &mut Files,
) -> anyhow::Result<Value> {
    if !index.meta().model.as_ref().is_some_and(|model| model.is_same(Builtin::info())) {
        return Ok(Value::Null);
    }
    let model = Builtin::load(Prepare::Many)?;
    let passages = worker_threads::map(&documents.questions, |document| passages(index, document, &model));
    let fitted: Vec<&Passage> = sample(passages.iter().flatten().collect(), FITTED);
    if fitted.is_empty() {
        return Ok(Value::Null);
    }
    let basis = basis(&sample(fitted.clone(), REDUCED));
    let table = Table::new(&fitted, words, &model, index, &basis)?;
    let terms = files.part(Kind::Meaning, &table.encoded())?;
    let questions = files.part(Kind::Meaning, &questions(documents, &passages, &basis))?;
    Ok(json!({ "dimensions": DIMENSIONS, "weight": WEIGHT, "terms": terms, "questions": questions }))
}

/// The passages of a question that the index has a vector of.
fn passages(index: &Index, document: &Document, model: &Builtin) -> Vec<Passage> {
    let segment = document.address.segment_ord as usize;
    let vectors = &index.vectors()[segment];
    let rows: HashMap<u64, usize> =
        vectors.rows_of(document.address.doc_id).map(|row| (vectors.hash(row), row)).collect();
    let passage = |text: String| {
        let row = rows.get(&text_hash(&text))?;
        let tokens = tokens_in(&text, &[document.language]).into_iter().filter(|token| !token.whole);
        let terms = tokens.map(|token| token.text).filter(|term| !is_stop_word(term)).collect();
        Some(Passage { vector: index.space().row(segment, vectors, *row), terms })
    };
    let chunks = readable_chunks(&document.question, model);
    chunks.into_iter().filter_map(|chunk| passage(chunk.text)).collect()
}

/// At most `most` of some items, evenly spread.
fn sample<T: Copy>(items: Vec<T>, most: usize) -> Vec<T> {
    let step = items.len().div_ceil(most).max(1);
    items.into_iter().step_by(step).collect()
}

/// The directions in which passages differ most, by orthogonal iteration on their covariance.
fn basis(passages: &[&Passage]) -> Vec<Vec<f32>> {
    let length = passages[0].vector.len();
    let mut number = pseudo_random_numbers();
    let mut basis: Vec<Vec<f32>> =
        (0..DIMENSIONS.min(length)).map(|_| number.by_ref().take(length).collect()).collect();
    orthonormalize(&mut basis);
    for _ in 0..REDUCTION_STEPS {
        basis = worker_threads::map(&basis, |direction| {
            let mut sum = vec![0.0; length];
            for passage in passages {
                add(&mut sum, dot(&passage.vector, direction), &passage.vector);
            }
            sum
        });
        orthonormalize(&mut basis);
    }
    basis
}

/// Numbers in [-0.5, 0.5) that are always the same, by the generator of Park and Miller. The start of an iteration has to be
/// like them: directions that are missing in a regular pattern are never found.
fn pseudo_random_numbers() -> impl Iterator<Item = f32> {
    const MODULUS: u64 = 0x7FFF_FFFF;
    let states = iter::successors(Some(1_u64), |state| Some(state * 48_271 % MODULUS));
    states.map(|state| state as f32 / MODULUS as f32 - 0.5)
}

/// Makes vectors orthogonal and of length one (Gram and Schmidt). One that depends on those before becomes 0.
fn orthonormalize(vectors: &mut [Vec<f32>]) {
    for nth in 0..vectors.len() {
        let (before, rest) = vectors.split_at_mut(nth);
        let length = dot(&rest[0], &rest[0]);
        // A second pass removes what rounding left of the first.
        for other in before.iter().chain(before.iter()) {
            let along = dot(&rest[0], other);
            add(&mut rest[0], -along, other);
        }
        match dot(&rest[0], &rest[0]) > DEPENDENT * length {
            true => rest[0] = normalized(std::mem::take(&mut rest[0])),
            false => rest[0].fill(0.0),
        }
    }
}

fn add(sum: &mut [f32], factor: f32, vector: &[f32]) {
    sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += factor * x);
}

/// A vector in the directions of a basis.
fn reduced(vector: &[f32], basis: &[Vec<f32>]) -> Vec<f32> {
    basis.iter().map(|direction| dot(vector, direction)).collect()
}

/// The words with their vectors.
struct Table {
    /// Terms of the questions, and frequent English words.
    keys: Vec<String>,
    /// The vector of each, multiplied by its idf.
    vectors: Vec<Vec<f32>>,
}

impl Table {
    fn new(
        passages: &[&Passage],
        words: &Words,
        model: &Builtin,
        index: &Index,
        basis: &[Vec<f32>],
    ) -> anyhow::Result<Self> {
        let counts = frequent_terms(passages);
        let mut keys: Vec<String> = counts.iter().map(|(term, _)| term.clone()).collect();
        keys.extend(other_words(words, &keys));
        let idf: Vec<f32> = (0..keys.len())
            .map(|nth| idf(passages.len(), counts.get(nth).map_or(0, |(_, count)| *count)))
            .collect();
        let written: Vec<&str> = keys.iter().map(|key| words.shortest_form(key)).collect();
        let alone = model.embed_all(&written, Role::Passage)?;
        let start: Vec<Vec<f32>> =
            alone.iter().map(|vector| reduced(&index.space().without_mean(vector), basis)).collect();
        let positions: HashMap<&str, usize> =
            counts.iter().enumerate().map(|(nth, (term, _))| (term.as_str(), nth)).collect();
        let rows: Vec<Vec<(usize, f32)>> =
            passages.iter().map(|passage| weights(&passage.terms, &positions, &idf)).collect();
        let wanted: Vec<Vec<f32>> = passages.iter().map(|passage| reduced(&passage.vector, basis)).collect();
        let mut vectors = fit(&rows, &wanted, start);
        for (vector, idf) in vectors.iter_mut().zip(&idf) {
            vector.iter_mut().for_each(|x| *x *= idf);
        }
        Ok(Self { keys, vectors })
    }

    /// The number of words, the words, each on a line, and for each the factor of its vector and 8-bit values.
    fn encoded(&self) -> Vec<u8> {
        let names = self.keys.join("\n");
        let mut bytes = (self.keys.len() as u32).to_le_bytes().to_vec();
        bytes.extend((names.len() as u32).to_le_bytes());
        bytes.extend(names.as_bytes());
        for vector in &self.vectors {
            let (factor, _) = quantized(vector);
            bytes.extend(factor.to_le_bytes());
        }
        bytes.extend(self.vectors.iter().flat_map(|vector| quantized(vector).1));
        bytes
    }
}

/// The terms of the passages with the number of passages that contain each, most frequent first, at most [`MAX_TERMS`].
fn frequent_terms(passages: &[&Passage]) -> Vec<(String, usize)> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for passage in passages {
        for term in passage.terms.iter().collect::<HashSet<_>>() {
            *counts.entry(term).or_default() += 1;
        }
    }
    let mut counts: Vec<(String, usize)> =
        counts.into_iter().map(|(term, count)| (term.to_owned(), count)).collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(MAX_TERMS);
    counts
}

/// Frequent English words whose term no question contains, the most frequent form of each.
fn other_words(words: &Words, keys: &[String]) -> Vec<String> {
    let mut known: HashSet<String> = keys.iter().cloned().collect();
    known.extend(words.terms.iter().map(|term| term.text.clone()));
    let frequent = WordPiece::default().frequent_words(FREQUENT).into_iter();
    frequent.filter(|word| !is_stop_word(word) && known.insert(english_term(word))).collect()
}

fn idf(passages: usize, with_term: usize) -> f32 {
    let (passages, with_term) = (passages as f32, with_term as f32);
    (1.0 + (passages - with_term + 0.5) / (with_term + 0.5)).ln()
}

/// How much each word counts in a passage: in proportion to its idf, together 1.
fn weights(terms: &[String], positions: &HashMap<&str, usize>, idf: &[f32]) -> Vec<(usize, f32)> {
    let mut weights: BTreeMap<usize, f32> = BTreeMap::new();
    for position in terms.iter().filter_map(|term| positions.get(term.as_str())) {
        *weights.entry(*position).or_default() += idf[*position];
    }
    let sum: f32 = weights.values().sum();
    weights.into_iter().map(|(position, weight)| (position, weight / sum)).collect()
}

/// Fits vectors of words to passages by ridge regression: minimizes `|A X − wanted|² + RIDGE |X − c start|²`, where `A` are
/// the rows and `c` is the factor with which the start fits best. Solved by conjugate gradients, each dimension by itself.
fn fit(rows: &[Vec<(usize, f32)>], wanted: &[Vec<f32>], start: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let sums = products(rows, &start);
    let factor = inner(&sums, wanted) / inner(&sums, &sums).max(f32::MIN_POSITIVE);
    let mut fitted: Vec<Vec<f32>> = start;
    fitted.iter_mut().flatten().for_each(|x| *x *= factor);
    let missing: Vec<Vec<f32>> = wanted
        .iter()
        .zip(&sums)
        .map(|(wanted, sum)| wanted.iter().zip(sum).map(|(wanted, sum)| wanted - factor * sum).collect())
        .collect();
    let mut residual = transposed_products(rows, &missing, fitted.len());
    let mut direction = residual.clone();
    let mut length = by_dimension(&residual, &residual);
    for _ in 0..FIT_STEPS {
        let mut image = transposed_products(rows, &products(rows, &direction), fitted.len());
        image.iter_mut().zip(&direction).for_each(|(image, direction)| add(image, RIDGE, direction));
        let step = quotients(&length, &by_dimension(&direction, &image));
        add_scaled(&mut fitted, &step, 1.0, &direction);
        add_scaled(&mut residual, &step, -1.0, &image);
        let next = by_dimension(&residual, &residual);
        let ratio = quotients(&next, &length);
        for (direction, residual) in direction.iter_mut().zip(&residual) {
            let both = direction.iter_mut().zip(residual).zip(&ratio);
            both.for_each(|((direction, residual), ratio)| *direction = residual + ratio * *direction);
        }
        length = next;
    }
    fitted
}

/// `A X`
fn products(rows: &[Vec<(usize, f32)>], vectors: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let dimensions = vectors.first().map_or(0, Vec::len);
    let product = |row: &Vec<(usize, f32)>| {
        let mut sum = vec![0.0; dimensions];
        row.iter().for_each(|(at, weight)| add(&mut sum, *weight, &vectors[*at]));
        sum
    };
    rows.iter().map(product).collect()
}

/// `Aᵀ Y`, for `words` words
fn transposed_products(rows: &[Vec<(usize, f32)>], vectors: &[Vec<f32>], words: usize) -> Vec<Vec<f32>> {
    let dimensions = vectors.first().map_or(0, Vec::len);
    let mut sums = vec![vec![0.0; dimensions]; words];
    for (row, vector) in rows.iter().zip(vectors) {
        row.iter().for_each(|(at, weight)| add(&mut sums[*at], *weight, vector));
    }
    sums
}

fn inner(one: &[Vec<f32>], other: &[Vec<f32>]) -> f32 {
    by_dimension(one, other).iter().sum()
}

/// The inner product of each dimension.
fn by_dimension(one: &[Vec<f32>], other: &[Vec<f32>]) -> Vec<f32> {
    let mut sums = vec![0.0; one.first().map_or(0, Vec::len)];
    for (one, other) in one.iter().zip(other) {
        sums.iter_mut().zip(one.iter().zip(other)).for_each(|(sum, (one, other))| *sum += one * other);
    }
    sums
}

fn quotients(of: &[f32], by: &[f32]) -> Vec<f32> {
    of.iter().zip(by).map(|(of, by)| of / by.max(1e-12)).collect()
}

/// Adds vectors whose dimensions are each multiplied by a factor.
fn add_scaled(to: &mut [Vec<f32>], factors: &[f32], sign: f32, vectors: &[Vec<f32>]) {
    for (to, vector) in to.iter_mut().zip(vectors) {
        to.iter_mut().zip(vector.iter().zip(factors)).for_each(|(to, (x, factor))| *to += sign * factor * x);
    }
}

/// The number of questions with vectors, their numbers, and two vectors of each in 8 bits: of the title, and the mean of all
/// passages.
fn questions(documents: &Documents, passages: &[Vec<Passage>], basis: &[Vec<f32>]) -> Vec<u8> {
    let with_vectors: Vec<(u32, &Vec<Passage>)> = documents
        .questions
        .iter()
        .zip(passages)
        .filter(|(_, passages)| !passages.is_empty())
        .map(|(document, passages)| (document.number, passages))
        .collect();
    let mut bytes = (with_vectors.len() as u32).to_le_bytes().to_vec();
    bytes.extend(with_vectors.iter().flat_map(|(number, _)| number.to_le_bytes()));
    for (_, passages) in with_vectors {
        let mut mean = vec![0.0; passages[0].vector.len()];
        passages.iter().for_each(|passage| add(&mut mean, 1.0, &passage.vector));
        for vector in [&passages[0].vector, &mean] {
            bytes.extend(quantized(&normalized(reduced(vector, basis))).1);
        }
    }
    bytes
}

/// A vector as a factor and signed 8-bit values.
fn quantized(vector: &[f32]) -> (f32, Vec<u8>) {
    let highest = vector.iter().fold(0.0_f32, |highest, x| highest.max(x.abs()));
    let factor = if highest > 0.0 { highest / 127.0 } else { 1.0 };
    (factor, vector.iter().map(|x| (x / factor).round() as i8 as u8).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fit_explains_passages_by_their_words() {
        // Two words, three passages: each alone, and both.
        let rows = vec![vec![(0, 1.0)], vec![(1, 1.0)], vec![(0, 0.5), (1, 0.5)]];
        let wanted = vec![vec![1.0, 0.0], vec![0.0, 1.0], vec![0.5, 0.5]];
        let fitted = fit(&rows, &wanted, vec![vec![0.6, 0.5], vec![0.4, 0.5]]);
        let products = products(&rows, &fitted);
        assert!(products[0][0] > 0.8 && products[0][0] > 3.0 * products[0][1], "{products:?}");
        assert!(products[1][1] > 0.8 && products[1][1] > 3.0 * products[1][0], "{products:?}");
    }

    #[test]
    fn a_basis_is_orthonormal_and_keeps_what_differs() {
        let passage = |at: usize| {
            let mut vector = vec![0.0; 384];
            vector[at] = 1.0;
            Passage { vector, terms: Vec::new() }
        };
        let passages: Vec<Passage> = (0..10).map(passage).collect();
        let basis = basis(&passages.iter().collect::<Vec<_>>());
        for passage in &passages {
            let reduced = reduced(&passage.vector, &basis);
            assert!((dot(&reduced, &reduced) - 1.0).abs() < 0.01, "{reduced:?}");
        }
    }

    #[test]
    fn all_dimensions_are_used() {
        let passage = |at: usize| {
            let mut vector = vec![0.0; 384];
            vector[at] = 1.0 + at as f32;
            Passage { vector, terms: Vec::new() }
        };
        let passages: Vec<Passage> = (0..100).map(passage).collect();
        let basis = basis(&passages.iter().collect::<Vec<_>>());
        assert_eq!(basis.len(), DIMENSIONS);
        for (nth, direction) in basis.iter().enumerate() {
            assert!((dot(direction, direction) - 1.0).abs() < 1e-3, "{nth}: {direction:?}");
        }
    }

    #[test]
    fn values_have_8_bits() {
        assert_eq!(quantized(&[0.0, 0.0]), (1.0, vec![0, 0]));
        let (factor, values) = quantized(&[-2.54, 1.27]);
        assert!((factor - 0.02).abs() < 1e-6);
        assert_eq!(values, [129, 64]);
    }
}
