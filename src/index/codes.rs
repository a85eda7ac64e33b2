//! One bit per element of a vector, from which cosines are estimated.
//!
//! A scan of all vectors of a large index is limited by the memory that it reads. A code has an eighth of the bytes of an
//! 8-bit vector, and the estimates select the few vectors whose cosines are computed.
//!
//! A row is represented by the signs of its elements after the mean of its segment was subtracted, the length that it
//! has then, and a factor that makes the estimate unbiased (Gao and Long, "RaBitQ", 2024, without its random rotation:
//! the elements of sentence embeddings are alike enough).
//!
//! The rows are stored in blocks of [`LANES`]. For each eight elements, a block has a byte of signs per row, so that one
//! instruction looks up four elements of all rows in a table of the phrase (André, Kermarrec and Le Scouarnec, "Cache
//! locality is not enough", 2015). The scan then takes hardly longer than to read the codes.

use std::ops::Range;

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x32, u16x16};

use super::quantized::RowView;

/// A segment with fewer rows is written without codes: an exact scan of it takes about a millisecond. Unit tests
/// have codes in small indexes.
pub const LEAST_ROWS: usize = if cfg!(test) { 100 } else { 16_384 };

/// The number of rows of a block. The last block is filled with zeros.
pub const LANES: usize = 32;

/// Bytes of a row besides its signs: the factor, and 1 / the length of the row without the mean.
const NUMBERS: usize = 8;

/// The highest number in a table. The sum of two of them has 8 bits.
const HIGHEST: f32 = 127.0;

/// The size of a block in bytes.
fn block_size(dimensions: usize) -> usize {
    LANES * (dimensions.div_ceil(8) + NUMBERS)
}

/// The size of the codes of a segment in bytes, with the mean before them.
pub fn size(dimensions: usize, rows: usize) -> u128 {
    4 * dimensions as u128 + rows.div_ceil(LANES) as u128 * block_size(dimensions) as u128
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

/// Appends the block of some rows, at most [`LANES`]: the signs of elements 0 to 7 of each row, of elements 8 to 15 and so
/// on, then the factors, then the inverse lengths.
pub fn encode(rows: &[RowView<'_>], mean: &[f32], out: &mut Vec<u8>) {
    let start = out.len();
    let signs = LANES * mean.len().div_ceil(8);
    out.resize(start + block_size(mean.len()), 0);
    let block = &mut out[start..];
    for (lane, row) in rows.iter().enumerate() {
        let (mut absolute, mut square) = (0.0_f32, 0.0_f32);
        for (nth, (x, mean)) in row.values().zip(mean).enumerate() {
            let x = x - mean;
            absolute += x.abs();
            square += x * x;
            block[nth / 8 * LANES + lane] |= u8::from(x > 0.0) << (nth % 8);
        }
        let length = square.sqrt();
        // Without a direction, every estimate is 0.
        let (factor, inverse_length) =
            if length > 1e-2 { (length / absolute, length.recip()) } else { (0.0, 0.0) };
        for (at, number) in [(signs, factor), (signs + 4 * LANES, inverse_length)] {
            block[at + 4 * lane..at + 4 * lane + 4].copy_from_slice(&number.to_le_bytes());
        }
    }
}

/// The codes of a segment, in the mapped file.
#[derive(Clone, Copy)]
pub struct Codes<'a> {
    dimensions: usize,
    mean: &'a [u8],
    blocks: &'a [u8],
}

impl<'a> Codes<'a> {
    /// The codes in the bytes of a component. There must be as many as [`size`] says.
    pub fn new(bytes: &'a [u8], dimensions: usize) -> Self {
        let (mean, blocks) = bytes.split_at(4 * dimensions);
        Self { dimensions, mean, blocks }
    }

    /// The mean that was subtracted from the rows.
    pub fn mean(&self) -> impl Iterator<Item = f32> {
        self.mean.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")))
    }

    /// Estimates the cosines of rows and a phrase. The estimates of `rows` begin in `out` at the returned position.
    pub fn estimate(&self, rows: Range<usize>, phrase: &CodePhrase, out: &mut Vec<f32>) -> usize {
        let size = block_size(self.dimensions);
        let (first, end) = (rows.start / LANES, rows.end.div_ceil(LANES));
        out.clear();
        out.resize((end - first) * LANES, 0.0);
        let blocks = &self.blocks[first * size..end * size];
        dispatch!(phrase.level, simd => estimate(simd, blocks, phrase, out));
        rows.start % LANES
    }
}

/// For eight elements of the phrase: what the sixteen combinations of signs of the first four of them add, twice, because
/// the instruction looks up in two halves, and the same for the last four.
type Table = [u8; 64];

/// A phrase, prepared for estimates.
pub struct CodePhrase {
    tables: Vec<Table>,
    /// The value of a step in the tables, and the sum of the lowest values of the tables. The sum of the elements, each with
    /// the sign of a row, is `low + step * number` for the sum `number` of what is looked up.
    step: f32,
    low: f32,
    /// What is added to the dot product of a row, before it is divided by the length of the row.
    offset: f32,
    level: Level,
}

impl CodePhrase {
    /// `vector` is the phrase, and `offset` the dot product of it with the mean of the segment, minus that with the mean
    /// that was subtracted from the phrase.
    pub fn new(vector: &[f32], offset: f32) -> Self {
        // The lowest sum of some elements has the signs opposite to theirs.
        let width = |elements: &[f32]| 2.0 * elements.iter().map(|x| x.abs()).sum::<f32>();
        let widest = vector.chunks(8).flat_map(|eight| eight.chunks(4)).map(width).fold(0.0, f32::max);
        // The sums of all tables have 16 bits.
        let highest = HIGHEST.min((usize::from(u16::MAX) / (2 * vector.len().div_ceil(8)).max(1)) as f32);
        let step = widest.max(f32::MIN_POSITIVE) / highest;
        let number = |elements: &[f32], signs: usize| {
            let element = |(nth, x): (usize, &f32)| if signs >> nth & 1 == 1 { *x } else { -x };
            let sum: f32 = elements.iter().enumerate().map(element).sum();
            ((sum + width(elements) / 2.0) / step).round() as u8
        };
        let table = |eight: &[f32]| -> Table {
            let (first, last) = eight.split_at(eight.len().min(4));
            std::array::from_fn(|at| number(if at < 32 { first } else { last }, at % 16))
        };
        Self {
            tables: vector.chunks(8).map(table).collect(),
            step,
            low: -width(vector) / 2.0,
            offset,
            level: Level::new(),
        }
    }
}

#[inline(always)]
fn estimate<S: Simd>(simd: S, blocks: &[u8], phrase: &CodePhrase, out: &mut [f32]) {
    let signs = LANES * phrase.tables.len();
    for (block, out) in blocks.chunks_exact(signs + LANES * NUMBERS).zip(out.chunks_exact_mut(LANES)) {
        let (signs, numbers) = block.split_at(signs);
        let (factors, inverse_lengths) = numbers.split_at(4 * LANES);
        let sums = sums(simd, signs, &phrase.tables);
        let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("four bytes"));
        for (lane, out) in out.iter_mut().enumerate() {
            let at = 4 * lane..4 * lane + 4;
            let (factor, inverse_length) = (number(&factors[at.clone()]), number(&inverse_lengths[at]));
            *out =
                factor * (phrase.low + phrase.step * f32::from(sums[lane])) + phrase.offset * inverse_length;
        }
    }
}

/// The sums of what the tables have for the signs of each row.
#[inline(always)]
fn sums<S: Simd>(simd: S, signs: &[u8], tables: &[Table]) -> [u16; LANES] {
    let (mut even, mut odd) = (u16x16::splat(simd, 0), u16x16::splat(simd, 0));
    for (signs, table) in signs.chunks_exact(LANES).zip(tables) {
        let (first, last) = table.split_at(32);
        let signs = u8x32::from_slice(simd, signs);
        let of_first = u8x32::from_slice(simd, first).swizzle_dyn_within_blocks(signs & 0x0f);
        // Bytes cannot be shifted by themselves.
        let words: u16x16<S> = signs.bitcast();
        let signs_of_last: u8x32<S> = ((words >> 4) & 0x0f0f).bitcast();
        let of_last = u8x32::from_slice(simd, last).swizzle_dyn_within_blocks(signs_of_last);
        let both: u16x16<S> = (of_first + of_last).bitcast();
        even += both & 0x00ff;
        odd += both >> 8;
    }
    let (even, odd) = (even.as_slice(), odd.as_slice());
    std::array::from_fn(|lane| if lane % 2 == 0 { even[lane / 2] } else { odd[lane / 2] })
}

#[cfg(test)]
mod tests {
    use super::super::quantized::Quantized;
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
        for dimensions in [384, 100, 768, 3072, 1] {
            let rows: Vec<Quantized> =
                (0..200).map(|nth| Quantized::from(vector(nth, dimensions).as_slice())).collect();
            let mean = mean_of(rows.iter().map(Quantized::view), dimensions);
            let mut bytes: Vec<u8> = mean.iter().flat_map(|x| x.to_le_bytes()).collect();
            let views: Vec<RowView<'_>> = rows.iter().map(Quantized::view).collect();
            views.chunks(LANES).for_each(|block| encode(block, &mean, &mut bytes));
            assert_eq!(bytes.len(), 4 * dimensions + 7 * block_size(dimensions));
            let codes = Codes::new(&bytes, dimensions);
            assert!(codes.mean().eq(mean.iter().copied()));
            // A phrase near one of the rows.
            let phrase: Vec<f32> = rows[3].values().zip(&mean).map(|(x, mean)| x - mean).collect();
            let phrase = normalized(phrase);
            let mut found = Vec::new();
            assert_eq!(codes.estimate(0..200, &CodePhrase::new(&phrase, 0.0), &mut found), 0);
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
            let first = codes.estimate(50..90, &CodePhrase::new(&phrase, 0.0), &mut some);
            assert_eq!(some[first..first + 40], found[50..90]);
        }
    }

    /// Every level of instructions gives the same sums.
    #[test]
    fn sums_are_those_of_the_tables() {
        let tables: Vec<Table> = (0..48)
            .map(|nth| std::array::from_fn(|at| ((at % 16 + at / 32 * 16) * 7 + nth * 11) as u8 % 128))
            .collect();
        let signs: Vec<u8> = (0..48 * LANES).map(|at| text_hash(&at.to_string()) as u8).collect();
        let expected: [u16; LANES] = std::array::from_fn(|lane| {
            let of = |nth: usize| {
                let signs = usize::from(signs[nth * LANES + lane]);
                u16::from(tables[nth][signs % 16]) + u16::from(tables[nth][32 + signs / 16])
            };
            (0..48).map(of).sum()
        });
        let mut levels = vec![Level::new(), Level::baseline()];
        levels.dedup_by_key(|level| format!("{level:?}"));
        for level in levels {
            assert_eq!(dispatch!(level, simd => sums(simd, &signs, &tables)), expected, "{level:?}");
        }
    }

    #[test]
    fn a_row_that_is_the_mean_has_no_direction() {
        let row = Quantized::from([0.6, 0.8].as_slice());
        let mean: Vec<f32> = row.values().collect();
        let mut bytes: Vec<u8> = mean.iter().flat_map(|x| x.to_le_bytes()).collect();
        encode(&[row.view()], &mean, &mut bytes);
        let mut found = Vec::new();
        Codes::new(&bytes, 2).estimate(0..1, &CodePhrase::new(&[1.0, 0.0], 0.5), &mut found);
        assert_eq!(found[0], 0.0);
    }
}
