//! One bit per element of a vector, from which cosines are estimated.
//!
//! A scan of all vectors of a large index is limited by the memory that it reads. A code has an eighth of the bytes of an
//! 8-bit vector, and the estimates select the few vectors whose cosines are computed.
//!
//! A row is represented by the signs of its elements after the mean of its segment was subtracted, the length that it
//! has then, and a factor that makes the estimate unbiased (Gao and Long, "RaBitQ", 2024, without its random rotation:
//! the elements of sentence embeddings are alike enough). The phrase is quantized to 4 bits per element, so that an
//! estimate needs bit operations only.

use fearless_simd::{Level, Simd, dispatch};

use super::vectors::RowView;

/// A segment with fewer rows has no codes: an exact scan of it takes less than a millisecond.
pub const LEAST_ROWS: usize = 16_384;

/// Bytes of a code besides its signs: the factor, and 1 / the length of the row without the mean.
const NUMBERS: usize = 8;

/// The bits of an element of the phrase.
const BITS: usize = 4;

/// The size of a code in bytes.
pub fn code_size(dimensions: usize) -> usize {
    NUMBERS + 8 * dimensions.div_ceil(64)
}

/// The size of the codes of a segment in bytes, with the mean before them.
pub fn size(dimensions: usize, rows: usize) -> u128 {
    match rows < LEAST_ROWS {
        true => 0,
        false => 4 * dimensions as u128 + rows as u128 * code_size(dimensions) as u128,
    }
}

/// The mean of some rows.
pub fn mean_of<'a>(rows: impl Iterator<Item = RowView<'a>>, dimensions: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f64; dimensions];
    let mut count = 0_u32;
    for row in rows {
        sum.iter_mut().zip(row.values()).for_each(|(sum, x)| *sum += f64::from(x));
        count += 1;
    }
    sum.iter().map(|sum| (sum / f64::from(count.max(1))) as f32).collect()
}

/// Appends the code of a row.
pub fn encode(row: &RowView<'_>, mean: &[f32], out: &mut Vec<u8>) {
    let (mut absolute, mut square) = (0.0_f32, 0.0_f32);
    let mut words = vec![0_u64; mean.len().div_ceil(64)];
    for (nth, (x, mean)) in row.values().zip(mean).enumerate() {
        let x = x - mean;
        absolute += x.abs();
        square += x * x;
        words[nth / 64] |= u64::from(x > 0.0) << (nth % 64);
    }
    let length = square.sqrt();
    // Without a direction, every estimate is 0.
    let (factor, inverse_length) =
        if length > 1e-2 { (length / absolute, length.recip()) } else { (0.0, 0.0) };
    out.extend(factor.to_le_bytes());
    out.extend(inverse_length.to_le_bytes());
    words.iter().for_each(|word| out.extend(word.to_le_bytes()));
}

/// The codes of a segment, in the mapped file.
#[derive(Clone, Copy)]
pub struct Codes<'a> {
    dimensions: usize,
    mean: &'a [u8],
    codes: &'a [u8],
}

impl<'a> Codes<'a> {
    /// The codes in the bytes of a component. There must be as many as [`size`] says.
    pub fn new(bytes: &'a [u8], dimensions: usize) -> Self {
        let (mean, codes) = bytes.split_at(4 * dimensions);
        Self { dimensions, mean, codes }
    }

    /// The mean that was subtracted from the rows.
    pub fn mean(&self) -> impl Iterator<Item = f32> {
        self.mean.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")))
    }

    /// Estimates the cosines of rows and a phrase.
    pub fn estimate(&self, rows: std::ops::Range<usize>, phrase: &CodePhrase, out: &mut Vec<f32>) {
        let size = code_size(self.dimensions);
        let codes = &self.codes[rows.start * size..rows.end * size];
        out.clear();
        out.resize(rows.len(), 0.0);
        match phrase.planes.len() {
            6 => dispatch!(phrase.level, simd => estimate::<_, 6>(simd, codes, phrase, out)),
            12 => dispatch!(phrase.level, simd => estimate::<_, 12>(simd, codes, phrase, out)),
            16 => dispatch!(phrase.level, simd => estimate::<_, 16>(simd, codes, phrase, out)),
            _ => dispatch!(phrase.level, simd => estimate_any(simd, codes, phrase, out)),
        }
    }
}

/// A phrase, prepared for estimates. Element `n` is `low + step * number`, where bit `b` of `number` is bit `n` of
/// `planes[n / 64][b]`.
pub struct CodePhrase {
    planes: Vec<[u64; BITS]>,
    low: f32,
    step: f32,
    /// The sum of the elements.
    sum: f32,
    /// What is added to the dot product of a row, before it is divided by the length of the row.
    offset: f32,
    level: Level,
}

impl CodePhrase {
    /// `vector` is the phrase, and `offset` the dot product of it with the mean of the segment, minus that with the mean
    /// that was subtracted from the phrase.
    pub fn new(vector: &[f32], offset: f32) -> Self {
        let low = vector.iter().copied().fold(f32::INFINITY, f32::min).min(0.0);
        let high = vector.iter().copied().fold(f32::NEG_INFINITY, f32::max).max(low + f32::EPSILON);
        let step = (high - low) / ((1 << BITS) - 1) as f32;
        let mut planes = vec![[0_u64; BITS]; vector.len().div_ceil(64)];
        let mut sum = 0.0;
        for (nth, x) in vector.iter().enumerate() {
            let number = ((x - low) / step).round() as u64;
            sum += low + step * number as f32;
            for (bit, plane) in planes[nth / 64].iter_mut().enumerate() {
                *plane |= (number >> bit & 1) << (nth % 64);
            }
        }
        Self { planes, low, step, sum, offset, level: Level::new() }
    }

    /// The estimate of a code, from its bits and the number of common bits with each plane.
    #[inline(always)]
    fn cosine(&self, numbers: &[u8], ones: u32, common: [u32; BITS]) -> f32 {
        let number = |at: usize| f32::from_le_bytes(numbers[at..at + 4].try_into().expect("four bytes"));
        let (factor, inverse_length) = (number(0), number(4));
        let weighted: u32 = common.iter().enumerate().map(|(bit, count)| count << bit).sum();
        let of_ones = self.low * ones as f32 + self.step * weighted as f32;
        factor * (2.0 * of_ones - self.sum) + self.offset * inverse_length
    }
}

#[inline(always)]
fn estimate<S: Simd, const WORDS: usize>(_simd: S, codes: &[u8], phrase: &CodePhrase, out: &mut [f32]) {
    let planes: &[[u64; BITS]; WORDS] = phrase.planes.as_slice().try_into().expect("so many words");
    for (code, out) in codes.chunks_exact(NUMBERS + 8 * WORDS).zip(out) {
        let (numbers, signs) = code.split_at(NUMBERS);
        let (mut ones, mut common) = (0, [0; BITS]);
        for word in 0..WORDS {
            let bits = u64::from_le_bytes(signs[8 * word..8 * word + 8].try_into().expect("eight bytes"));
            ones += bits.count_ones();
            for bit in 0..BITS {
                common[bit] += (bits & planes[word][bit]).count_ones();
            }
        }
        *out = phrase.cosine(numbers, ones, common);
    }
}

#[inline(always)]
fn estimate_any<S: Simd>(_simd: S, codes: &[u8], phrase: &CodePhrase, out: &mut [f32]) {
    for (code, out) in codes.chunks_exact(NUMBERS + 8 * phrase.planes.len()).zip(out) {
        let (numbers, signs) = code.split_at(NUMBERS);
        let (mut ones, mut common) = (0, [0; BITS]);
        for (word, planes) in signs.chunks_exact(8).zip(&phrase.planes) {
            let bits = u64::from_le_bytes(word.try_into().expect("eight bytes"));
            ones += bits.count_ones();
            for bit in 0..BITS {
                common[bit] += (bits & planes[bit]).count_ones();
            }
        }
        *out = phrase.cosine(numbers, ones, common);
    }
}

#[cfg(test)]
mod tests {
    use super::super::vectors::Quantized;
    use super::*;
    use crate::embed::normalized;
    use crate::index::text_hash;

    /// A vector of length one around a direction that all share.
    fn vector(nth: usize, dimensions: usize) -> Vec<f32> {
        let element = |at: usize| {
            let random = text_hash(&format!("{nth} {at}")) as f32 / u64::MAX as f32;
            random - 0.5 + 0.2 * (at % 2) as f32
        };
        normalized((0..dimensions).map(element).collect())
    }

    #[test]
    fn estimates_are_near_the_cosines() {
        for dimensions in [384, 100, 768, 1] {
            let rows: Vec<Quantized> =
                (0..200).map(|nth| Quantized::from(vector(nth, dimensions).as_slice())).collect();
            let mean = mean_of(rows.iter().map(Quantized::view), dimensions);
            let mut bytes: Vec<u8> = mean.iter().flat_map(|x| x.to_le_bytes()).collect();
            rows.iter().for_each(|row| encode(&row.view(), &mean, &mut bytes));
            assert_eq!(bytes.len(), 4 * dimensions + 200 * code_size(dimensions));
            let codes = Codes::new(&bytes, dimensions);
            assert!(codes.mean().eq(mean.iter().copied()));
            // A phrase near one of the rows.
            let phrase: Vec<f32> = rows[3].values().zip(&mean).map(|(x, mean)| x - mean).collect();
            let phrase = normalized(phrase);
            let mut found = Vec::new();
            codes.estimate(0..200, &CodePhrase::new(&phrase, 0.0), &mut found);
            let mut total = 0.0;
            for (row, found) in rows.iter().zip(&found) {
                let centred: Vec<f32> = row.values().zip(&mean).map(|(x, mean)| x - mean).collect();
                let cosine: f32 = normalized(centred).iter().zip(&phrase).map(|(a, b)| a * b).sum();
                total += (cosine - found).abs();
            }
            assert!(total / 200.0 < 1.2 / (dimensions as f32).sqrt(), "{dimensions}: {}", total / 200.0);
            let best = (0..200).max_by(|a, b| found[*a].total_cmp(&found[*b]));
            assert!(dimensions < 100 || best == Some(3), "{dimensions}: {best:?}");
            let mut some = Vec::new();
            codes.estimate(50..60, &CodePhrase::new(&phrase, 0.0), &mut some);
            assert_eq!(some, found[50..60]);
        }
    }

    #[test]
    fn a_row_that_is_the_mean_has_no_direction() {
        let row = Quantized::from([0.6, 0.8].as_slice());
        let mean: Vec<f32> = row.values().collect();
        let mut bytes: Vec<u8> = mean.iter().flat_map(|x| x.to_le_bytes()).collect();
        encode(&row.view(), &mean, &mut bytes);
        let mut found = Vec::new();
        Codes::new(&bytes, 2).estimate(0..1, &CodePhrase::new(&[1.0, 0.0], 0.5), &mut found);
        assert_eq!(found, [0.0]);
    }
}
