//! Vectors of 8-bit numbers.

use anyhow::ensure;
use simsimd::SpatialSimilarity;

use crate::embed::ModelInfo;

/// A vector of length one, quantized to 8 bits per element.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantized {
    /// The value of one quantization step.
    pub scale: f32,
    /// The elements, in steps of [`scale`](Self::scale).
    pub numbers: Vec<i8>,
}

impl From<&[f32]> for Quantized {
    fn from(vector: &[f32]) -> Self {
        let largest = vector.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        Self { scale, numbers: vector.iter().map(|x| (x / scale).round() as i8).collect() }
    }
}

impl Quantized {
    /// Quantizes a vector that a model returned.
    ///
    /// # Errors
    /// The vector does not have the dimensions of the model, or an element is not a finite number.
    pub fn of(vector: &[f32], model: &ModelInfo) -> anyhow::Result<Self> {
        ensure!(
            vector.len() == model.dimensions,
            "the model {} returned a vector of {} dimensions instead of {}",
            model.name,
            vector.len(),
            model.dimensions
        );
        ensure!(
            vector.iter().all(|x| x.is_finite()),
            "the model {} returned a vector with an element that is not a finite number",
            model.name
        );
        Ok(Self::from(vector))
    }

    /// Borrows the vector as a row.
    pub fn view(&self) -> RowView<'_> {
        RowView { scale: self.scale, numbers: &self.numbers }
    }

    /// The elements, with the precision of 8 bits.
    pub fn values(&self) -> impl ExactSizeIterator<Item = f32> + '_ {
        self.numbers.iter().map(|number| f32::from(*number) * self.scale)
    }

    /// The cosine with a row.
    pub(super) fn cosine(&self, scale: f32, numbers: &[i8]) -> f32 {
        dot(&self.numbers, numbers) * self.scale * scale
    }
}

/// The vector of a row, borrowed from the mapped file.
#[derive(Clone, Copy, Debug)]
pub struct RowView<'a> {
    pub(super) scale: f32,
    pub(super) numbers: &'a [i8],
}

impl RowView<'_> {
    /// The elements, with the precision of 8 bits.
    pub fn values(&self) -> impl ExactSizeIterator<Item = f32> + '_ {
        self.numbers.iter().map(|number| f32::from(*number) * self.scale)
    }

    /// The cosine with another row of the same model.
    pub fn cosine(&self, other: &RowView<'_>) -> f32 {
        dot(self.numbers, other.numbers) * self.scale * other.scale
    }
}

fn dot(one: &[i8], two: &[i8]) -> f32 {
    <i8 as SpatialSimilarity>::dot(one, two).expect("vectors of one model have one length") as f32
}
