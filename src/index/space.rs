//! The vectors of an index relative to their mean.
//!
//! In a corpus on one subject, all vectors have high cosines with each other and with every phrase. Subtracting the mean
//! leaves what distinguishes one question from another. Over seven sets of judged queries, it improved nDCG@10 of hybrid
//! search by .008 on average (docs/decisions/0006-fusion.md has the table).

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::{Mutex, OnceLock, PoisonError};

use rayon::prelude::*;
use tantivy::{DocAddress, DocId};

use super::codes::{CodePhrase, Codes};
use super::greatest::Threshold;
use super::quantized::{Quantized, RowView};
use super::vectors::{Near, PARALLEL_ROWS, Vectors};
use crate::embed::normalized;

/// The approximate number of rows that the mean of a larger index is computed from.
const SAMPLE: usize = 4_096;

/// The mean of few rows is near to each of them and would cancel what they are about. It is multiplied by
/// `n / (n + 500)`.
const FEW: f32 = 500.0;

/// How many documents with the highest estimates are compared, if the limit is lower: one in 100, but not less and not
/// more than this. `cargo bench --bench scale` prints how many of the nearest questions are found. Unit tests compare
/// fewer, so that not all documents of their indexes are.
const COMPARED: Range<usize> = if cfg!(test) { 100..100 } else { 1_000..3_000 };

/// So many documents are estimated by one thread at a time, less in an index that has not enough for all threads. Unit
/// tests have fewer.
const RANGE: usize = if cfg!(test) { 300 } else { 1 << 13 };
const LEAST_RANGE: usize = RANGE / 8;

/// With a higher limit, estimates save no time.
const MOST_ESTIMATED: usize = 100_000;

/// The mean of the rows of an index, and how long each row is without it.
#[derive(Debug)]
pub struct Space {
    mean: Quantized,
    /// The dot product of the mean with itself.
    square: f32,
    /// How much of the mean is left in the vectors, 0 to 1: it is not subtracted as a whole.
    left: f32,
    /// For each row of each segment, 1 / the length of the row minus the mean. They are computed when all vectors of the
    /// segment are compared, which is at once in a segment without [codes](super::codes).
    inverse_lengths: Vec<OnceLock<Vec<f32>>>,
}

/// A vector of length one from which the mean of an index was subtracted.
#[derive(Clone, Debug)]
pub struct Centred {
    vector: Quantized,
    /// The dot product with the mean.
    with_mean: f32,
}

impl Space {
    /// The space of the rows of all segments. `alive` are the rows of each segment that belong to questions.
    ///
    /// The mean depends on these rows only, not on their order or segments: if there are many, those with the lowest
    /// hashes are the sample. An index that was built in several updates has the mean of one that was built at once.
    pub(super) fn new(segments: &[Vectors], alive: &[Vec<usize>]) -> Self {
        let rows: usize = alive.iter().map(Vec::len).sum();
        let highest = match rows.div_ceil(SAMPLE) as u64 {
            0 | 1 => u64::MAX,
            parts => u64::MAX / parts,
        };
        let mut sum: Vec<f64> = Vec::new();
        let mut count = 0.0;
        for (vectors, alive) in segments.iter().zip(alive) {
            for row in alive.iter().filter(|row| vectors.hash(**row) <= highest) {
                let view = vectors.view(*row);
                sum.resize(sum.len().max(view.values().len()), 0.0);
                sum.iter_mut().zip(view.values()).for_each(|(sum, x)| *sum += f64::from(x));
                count += 1.0;
            }
        }
        let mean: Vec<f32> = sum.iter().map(|sum| (*sum / (count + f64::from(FEW))) as f32).collect();
        let space = Self::with_mean(&mean, count as f32, segments.len());
        for (segment, vectors) in segments.iter().enumerate().filter(|(_, vectors)| vectors.codes().is_none())
        {
            space.prepare(segment, vectors);
        }
        space
    }

    /// The space of the vectors of a corpus of `rows` rows with this mean. All segments have only some of them.
    #[cfg(any(test, feature = "milvus"))]
    pub(super) fn given(mean: &[f32], rows: u64) -> Self {
        Self::with_mean(&Self::shrunk(mean, rows), rows.min(SAMPLE as u64) as f32, 1)
    }

    /// The mean of `rows` rows as it is subtracted.
    #[cfg(any(test, feature = "milvus"))]
    pub(super) fn shrunk(mean: &[f32], rows: u64) -> Vec<f32> {
        let count = rows.min(SAMPLE as u64) as f32;
        mean.iter().map(|x| x * (count / (count + FEW))).collect()
    }

    /// The space in which a [shrunk](Self::shrunk) mean is subtracted.
    #[cfg(feature = "milvus")]
    pub(super) fn of_mean(shrunk: &[f32]) -> Self {
        Self::with_mean(shrunk, SAMPLE as f32, 1)
    }

    /// `mean` is that of `count` rows, and is already multiplied as in [`FEW`].
    fn with_mean(mean: &[f32], count: f32, segments: usize) -> Self {
        let mean = Quantized::from(mean);
        let square = mean.view().cosine(&mean.view());
        let inverse_lengths = (0..segments).map(|_| OnceLock::new()).collect();
        Self { mean, square, left: FEW / (count + FEW), inverse_lengths }
    }

    /// Computes the lengths of all rows of a segment, if that was not done before.
    fn prepare(&self, segment: usize, vectors: &Vectors) {
        self.inverse_lengths[segment].get_or_init(|| self.inverse_lengths_of(vectors));
    }

    /// The `limit` documents that are nearest to a vector, among those for which `allowed` is true: nearest first, with the
    /// cosines of their nearest rows. `allowed` gets the segment and the document.
    ///
    /// In segments with 1-bit codes, only the documents with the highest estimated cosines are compared, unless
    /// `is_exact`.
    pub fn nearest(
        &self,
        segments: &[Vectors],
        limit: usize,
        is_exact: bool,
        allowed: impl Fn(usize, DocId) -> bool + Sync,
        other: &Centred,
    ) -> Vec<(f32, DocAddress)> {
        let is_exact = is_exact || limit > MOST_ESTIMATED;
        let (coded, others): (Vec<_>, Vec<_>) =
            segments.iter().enumerate().partition(|(_, vectors)| !is_exact && vectors.codes().is_some());
        let mut nearest = self.nearest_by_codes(&coded, limit, &allowed, other);
        for (segment, vectors) in others {
            self.prepare(segment, vectors);
            let allowed = |doc| allowed(segment, doc);
            let found = vectors.nearest(limit, allowed, |row| self.cosine(segment, vectors, row, other));
            nearest.extend(
                found.into_iter().map(|near| (near.cosine, DocAddress::new(segment as u32, near.doc))),
            );
        }
        nearest.sort_by(nearest_first);
        nearest.truncate(limit);
        nearest
    }

    /// The documents of segments with codes that are nearest, in no particular order.
    fn nearest_by_codes(
        &self,
        segments: &[(usize, &Vectors)],
        limit: usize,
        allowed: &(impl Fn(usize, DocId) -> bool + Sync),
        other: &Centred,
    ) -> Vec<(f32, DocAddress)> {
        // Few indexes are that large, and every search comes here.
        if segments.is_empty() {
            return Vec::new();
        }
        let values: Vec<f32> = other.values().collect();
        let phrases: Vec<(usize, &Vectors, Codes<'_>, CodePhrase)> = segments
            .iter()
            .filter_map(|(segment, vectors)| {
                let codes = vectors.codes()?;
                let with_mean: f32 = codes.mean().zip(&values).map(|(mean, x)| mean * x).sum();
                Some((*segment, *vectors, codes, CodePhrase::new(&values, with_mean - other.with_mean)))
            })
            .collect();
        let documents: DocId = segments.iter().map(|(_, vectors)| vectors.document_count()).sum();
        let range = (documents as usize / (2 * rayon::current_num_threads())).clamp(LEAST_RANGE, RANGE);
        let ranges = phrases.iter().flat_map(|phrase| {
            let documents = phrase.1.document_count();
            let ranges = (0..documents).step_by(range);
            ranges.map(move |start| (phrase, start..documents.min(start + range as DocId)))
        });
        let compared = limit.max((documents as usize / 100).clamp(COMPARED.start, COMPARED.end));
        let (best, needed) = (Mutex::new(Highest::new(compared)), Threshold::default());
        // Estimates that equal it are needed: the first documents are the nearest of equally near ones.
        let floor = || needed.get().map_or(f32::NEG_INFINITY, f32::next_down);
        let estimate =
            |((segment, vectors, codes, phrase), documents): (&(_, &Vectors, _, _), Range<DocId>)| {
                let mut highest = Highest::new(compared);
                let found =
                    |near: Near| highest.push((near.cosine, DocAddress::new(*segment as u32, near.doc)));
                vectors.estimate(documents, codes, phrase, |doc| allowed(*segment, doc), floor, found);
                needed.raise(best.lock().unwrap_or_else(PoisonError::into_inner).join(highest));
            };
        ranges.collect::<Vec<_>>().into_par_iter().for_each(estimate);
        let estimated = best.into_inner().unwrap_or_else(PoisonError::into_inner).into_vec();
        let compare = |(_, address): &(f32, DocAddress)| {
            let (segment, vectors) = segments.iter().find(|(ord, _)| *ord == address.segment_ord as usize)?;
            let cosine = |row| self.cosine(*segment, vectors, row, other);
            Some((vectors.highest(address.doc_id, cosine)?, *address))
        };
        estimated.par_iter().filter_map(compare).collect()
    }

    /// A vector of length one without the mean.
    pub fn centre(&self, vector: impl IntoIterator<Item = f32>) -> Centred {
        let difference = vector.into_iter().zip(self.mean.values()).map(|(x, mean)| x - mean);
        self.centred(difference.collect())
    }

    /// A vector without the mean, scaled to length one.
    pub fn centred(&self, vector: Vec<f32>) -> Centred {
        let vector = Quantized::from(normalized(vector).as_slice());
        let with_mean = vector.view().cosine(&self.mean.view());
        Centred { vector, with_mean }
    }

    /// The cosine without the mean of two vectors whose cosine with it is `plain`, if that is the mean cosine of the vectors
    /// of the index. Nearly 0 in a large index, and nearly `plain` in a small one.
    pub fn unrelated(&self, plain: f32) -> f32 {
        unrelated_cosine(plain, self.left)
    }

    /// The cosine of a centred vector and a row of this index without the mean.
    pub fn cosine(&self, segment: usize, vectors: &Vectors, row: usize, other: &Centred) -> f32 {
        (vectors.row_cosine(row, &other.vector) - other.with_mean)
            * self.inverse_length_of(segment, vectors, row)
    }

    /// The cosine of a centred vector and a row of any index of the same model without the mean of this one.
    pub fn cosine_with(&self, row: &RowView<'_>, other: &Centred) -> f32 {
        (row.cosine(&other.vector.view()) - other.with_mean) * self.inverse_length(row)
    }

    /// The vector of any text without the mean, scaled to length one.
    pub fn without_mean(&self, vector: &[f32]) -> Vec<f32> {
        normalized(vector.iter().zip(self.mean.values()).map(|(x, mean)| x - mean).collect())
    }

    /// A row of this index without the mean, scaled to length one.
    pub fn row(&self, segment: usize, vectors: &Vectors, row: usize) -> Vec<f32> {
        let inverse_length = self.inverse_length_of(segment, vectors, row);
        let values = vectors.view(row);
        values.values().zip(self.mean.values()).map(|(x, mean)| (x - mean) * inverse_length).collect()
    }

    fn inverse_length_of(&self, segment: usize, vectors: &Vectors, row: usize) -> f32 {
        match self.inverse_lengths[segment].get() {
            Some(lengths) => lengths[row],
            None => self.inverse_length(&vectors.view(row)),
        }
    }

    fn inverse_lengths_of(&self, vectors: &Vectors) -> Vec<f32> {
        let of = |row| self.inverse_length(&vectors.view(row));
        match vectors.row_count() {
            rows if rows < PARALLEL_ROWS => (0..rows).map(of).collect(),
            rows => (0..rows).into_par_iter().map(of).collect(),
        }
    }

    /// 1 / the length of a row minus the mean. A row that equals the mean has no direction without it, and gets 0.
    fn inverse_length(&self, row: &RowView<'_>) -> f32 {
        let square = row.cosine(row) - 2.0 * row.cosine(&self.mean.view()) + self.square;
        if square > 1e-4 { square.sqrt().recip() } else { 0.0 }
    }
}

/// The mean cosine of vectors without a part of their mean, if their mean cosine with it is `plain`. `left` is the part of
/// the mean that is not subtracted, 0 to 1.
pub fn unrelated_cosine(plain: f32, left: f32) -> f32 {
    let square = plain * left * left;
    square / (1.0 - plain + square)
}

/// The documents with the highest estimates. Unlike a heap, it sorts nothing: it drops the lower half whenever twice as
/// many were added.
struct Highest {
    limit: usize,
    found: Vec<(f32, DocAddress)>,
    /// The lowest estimate that is needed.
    least: f32,
}

impl Highest {
    fn new(limit: usize) -> Self {
        Self { limit, found: Vec::new(), least: f32::NEG_INFINITY }
    }

    /// Adds a document. Returns the lowest estimate that is needed from now on.
    fn push(&mut self, near: (f32, DocAddress)) -> f32 {
        self.found.push(near);
        if self.found.len() >= 2 * self.limit {
            self.prune();
        }
        self.least
    }

    fn prune(&mut self) {
        if self.found.len() > self.limit {
            let (_, last, _) = self.found.select_nth_unstable_by(self.limit - 1, nearest_first);
            self.least = last.0;
            self.found.truncate(self.limit);
        }
    }

    /// Adds the documents of another range. Returns the lowest estimate that is needed from now on.
    fn join(&mut self, other: Self) -> f32 {
        self.found.extend(other.found);
        self.prune();
        self.least
    }

    fn into_vec(mut self) -> Vec<(f32, DocAddress)> {
        self.prune();
        self.found
    }
}

/// Orders documents by cosine, nearest first. Equally near ones keep the order of the index.
fn nearest_first(a: &(f32, DocAddress), b: &(f32, DocAddress)) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

impl Centred {
    /// The vector, which has length one.
    pub fn into_vector(self) -> Quantized {
        self.vector
    }

    /// The elements, with the precision of 8 bits.
    pub fn values(&self) -> impl Iterator<Item = f32> + '_ {
        self.vector.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{Builtin, Embedder, ModelInfo, Prepare, Role};
    use crate::index::{Index, text_hash};
    use crate::question::Question;

    #[test]
    fn cosines_are_those_of_the_vectors_without_the_mean() {
        let titles =
            ["How do I prune roses?", "When are roses cut?", "Why is bread sour?", "How is bread baked?"];
        let questions: Vec<Question> = titles.iter().map(|title| Question::new(*title, 1)).collect();
        let model = Builtin::load(Prepare::Many).unwrap();
        let index = Index::in_memory(&questions, Some(&model)).unwrap();
        let (vectors, space) = (&index.vectors()[0], index.space());
        let rows: Vec<Vec<f32>> = (0..titles.len()).map(|row| vectors.view(row).values().collect()).collect();
        let count = titles.len() as f32 + FEW;
        let mean: Vec<f32> = (0..384).map(|at| rows.iter().map(|row| row[at]).sum::<f32>() / count).collect();
        let phrase = model.embed("cutting roses", Role::Query).unwrap();
        let without_mean =
            |vector: &[f32]| normalized(vector.iter().zip(&mean).map(|(x, mean)| x - mean).collect());
        let centred = space.centre(phrase.iter().copied());
        for (row, vector) in rows.iter().enumerate() {
            let expected: f32 =
                without_mean(vector).iter().zip(without_mean(&phrase)).map(|(a, b)| a * b).sum();
            let found = space.cosine(0, vectors, row, &centred);
            assert!((found - expected).abs() < 0.004, "{found} {expected}");
            assert!((space.cosine_with(&vectors.view(row), &centred) - found).abs() < 1e-6);
            let length: f32 = space.row(0, vectors, row).iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 0.01, "{length}");
        }
    }

    /// A model with vectors of 64 elements that depend on the words only.
    struct Words(ModelInfo);

    impl Embedder for Words {
        fn model(&self) -> &ModelInfo {
            &self.0
        }

        fn embed(&self, text: &str, _: Role) -> anyhow::Result<Vec<f32>> {
            let of =
                |word: &str, at: usize| text_hash(&format!("{word} {at}")) as f32 / u64::MAX as f32 - 0.4;
            let sum = |at| text.split_whitespace().map(|word| of(word, at)).sum();
            Ok(normalized((0..64).map(sum).collect()))
        }

        fn count_tokens(&self, text: &str) -> usize {
            text.split_whitespace().count()
        }
    }

    #[test]
    fn estimates_find_the_nearest_questions() {
        let model = Words(ModelInfo { dimensions: 64, ..Builtin::info().clone() });
        let question = |nth: usize| {
            let also = (0..nth % 4).map(|also| format!("w{} v{also} u{}", nth % 19, nth % 23)).collect();
            Question { also, ..Question::new(format!("w{} v{} u{nth}", nth % 17, nth % 13), nth as u64) }
        };
        let questions: Vec<Question> = (1..400).map(question).collect();
        let index = Index::in_memory(&questions, Some(&model)).unwrap();
        let (segments, space) = (index.vectors(), index.space());
        let codes = segments[0].codes().expect("the segment has codes");
        let phrase = space.centre(model.embed("w3 v2 u41", Role::Query).unwrap());
        let nearest = |is_exact| space.nearest(segments, 20, is_exact, |_, doc| doc % 5 != 0, &phrase);
        let exact = nearest(true);
        assert!(exact.len() == 20 && exact.iter().all(|(_, address)| address.doc_id % 5 != 0));
        // Without the lengths of all rows, which the exact search has computed, the cosines are the same.
        let estimated = Space::new(segments, &[(0..segments[0].row_count()).collect()]).nearest(
            segments,
            20,
            false,
            |_, doc| doc % 5 != 0,
            &phrase,
        );
        let found = exact.iter().filter(|near| estimated.contains(near)).count();
        assert!(estimated.len() == 20 && found >= 19, "{found} of 20: {exact:?} {estimated:?}");
        let values: Vec<f32> = phrase.values().collect();
        let with_mean: f32 = codes.mean().zip(&values).map(|(mean, x)| mean * x).sum();
        let phrase_codes = CodePhrase::new(&values, with_mean - phrase.with_mean);
        let (mut found, mut error) = (0, 0.0);
        segments[0].estimate(
            0..segments[0].document_count(),
            &codes,
            &phrase_codes,
            |_| true,
            || f32::NEG_INFINITY,
            |near| {
                let cosine = |row| space.cosine(0, &segments[0], row, &phrase);
                error += (segments[0].highest(near.doc, cosine).unwrap() - near.cosine).abs();
                found += 1;
                f32::NEG_INFINITY
            },
        );
        assert!(found == 399 && error / 399.0 < 0.15, "{found} {}", error / 399.0);
    }

    #[test]
    fn unrelated_vectors_are_apart_in_a_large_index() {
        // All vectors have the same cosine with each other: they share one element.
        let cosine = |questions: usize| {
            let model = OneShared(ModelInfo { dimensions: 64, ..Builtin::info().clone() });
            let titles: Vec<Question> =
                (0..questions).map(|nth| Question::new(nth.to_string(), nth as u64)).collect();
            let index = Index::in_memory(&titles, Some(&model)).unwrap();
            let centred =
                |title: &str| index.space().centre(model.embed(title, Role::Query).unwrap()).into_vector();
            let found = centred("1").view().cosine(&centred("2").view());
            let expected = index.space().unrelated(0.36);
            assert!((found - expected).abs() < 0.02, "{found} {expected}");
            found
        };
        assert!(cosine(10) > 0.3 && cosine(3_000) < 0.05);
    }

    /// A model whose vectors have 0.6 in the first element, and the rest in another one, which the number in the text
    /// chooses.
    struct OneShared(ModelInfo);

    impl Embedder for OneShared {
        fn model(&self) -> &ModelInfo {
            &self.0
        }

        fn embed(&self, text: &str, _: Role) -> anyhow::Result<Vec<f32>> {
            let mut vector = vec![0.0; 64];
            vector[0] = 0.6;
            vector[1 + text.parse::<usize>().unwrap() % 63] = 0.8;
            Ok(vector)
        }

        fn count_tokens(&self, _: &str) -> usize {
            1
        }
    }

    #[test]
    fn an_index_without_vectors_has_an_empty_space() {
        let index = Index::in_memory(&[Question::new("Why?", 1)], None).unwrap();
        assert_eq!(index.space().mean.values().len(), 0);
    }
}
