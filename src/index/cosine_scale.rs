//! Converts cosines between the scale of one model and the scale of the built-in model.

/// The spread of an index's model relative to the built-in model: the ratio of the mean `1 - cosine` of
/// unrelated questions.
///
/// Unrelated questions have a cosine of about 0.1 with MiniLM, and of up to 0.8 with some other models. The
/// thresholds of this program (unrelated, nearly the same, confidence) were fitted on MiniLM's cosines. This
/// type stretches the cosines of another model linearly: equal questions keep a cosine of 1, and unrelated
/// questions get the cosine that they have with MiniLM.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CosineScale(f32);

impl CosineScale {
    /// The scale of the built-in model.
    pub const BUILTIN: Self = Self(1.0);

    /// The scale of a model whose mean `1 - cosine` of unrelated questions is `spread` times that of the
    /// built-in model. `spread` is clamped to 0.05–2; a value that is not finite gives [`Self::BUILTIN`].
    pub fn new(spread: f32) -> Self {
        // The cosines of a model outside this range carry too little information to be scaled.
        if spread.is_finite() { Self(spread.clamp(0.05, 2.0)) } else { Self::BUILTIN }
    }

    /// Converts a cosine of this model to the scale of the built-in model.
    pub fn as_builtin(self, cosine: f32) -> f32 {
        // The built-in model's own cosines are returned exactly, without a rounding error.
        if self == Self::BUILTIN { cosine } else { (1.0 - (1.0 - cosine) / self.0).max(-1.0) }
    }

    /// Converts a cosine of the built-in model to the scale of this model.
    pub fn from_builtin(self, cosine: f32) -> f32 {
        if self == Self::BUILTIN { cosine } else { 1.0 - (1.0 - cosine) * self.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_convert_in_both_directions() {
        // Unrelated questions: 0.1 with the built-in model, 0.73 with this one.
        let narrow = CosineScale::new(0.3);
        for (own, builtin) in [(1.0, 1.0), (0.73, 0.1), (0.88, 0.6)] {
            assert!((narrow.as_builtin(own) - builtin).abs() < 1e-5, "{own}");
            assert!((narrow.from_builtin(builtin) - own).abs() < 1e-5, "{builtin}");
        }
        assert_eq!(CosineScale::BUILTIN.as_builtin(0.4), 0.4);
        assert_eq!(CosineScale::new(f32::NAN), CosineScale::BUILTIN);
    }
}
