//! Cosines of one model in terms of another.

/// How far apart an index's model sees questions that have nothing to do with each other, against how far
/// the built-in model sees them.
///
/// For MiniLM such questions have a cosine of about 0.1, for some models 0.8. What we know of cosines (what
/// is unrelated, what is nearly the same, what a confidence is worth) was learnt from MiniLM's; here they are
/// stretched so that unrelated questions and equal ones come to lie where they lie for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CosineScale(f32);

impl CosineScale {
    /// The built-in model's own.
    pub const BUILTIN: Self = Self(1.0);

    /// Of a model for which `1 - cosine` of unrelated questions is, in the mean, so many times what it is for
    /// the built-in one.
    pub fn new(spread: f32) -> Self {
        // A model for which everything is the same or opposite says nothing that could be scaled.
        if spread.is_finite() { Self(spread.clamp(0.05, 2.0)) } else { Self::BUILTIN }
    }

    /// A cosine of this model as the built-in one would have it.
    pub fn as_builtin(self, cosine: f32) -> f32 {
        // Not a rounding error away from itself.
        if self == Self::BUILTIN { cosine } else { (1.0 - (1.0 - cosine) / self.0).max(-1.0) }
    }

    /// The cosine of this model that says what a cosine of the built-in one says.
    pub fn from_builtin(self, cosine: f32) -> f32 {
        if self == Self::BUILTIN { cosine } else { 1.0 - (1.0 - cosine) * self.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stays_equal_and_unrelated_becomes_unrelated() {
        // Unrelated: 0.1 here, 0.73 there.
        let crowded = CosineScale::new(0.3);
        for (own, builtin) in [(1.0, 1.0), (0.73, 0.1), (0.88, 0.6)] {
            assert!((crowded.as_builtin(own) - builtin).abs() < 1e-5, "{own}");
            assert!((crowded.from_builtin(builtin) - own).abs() < 1e-5, "{builtin}");
        }
        assert_eq!(CosineScale::BUILTIN.as_builtin(0.4), 0.4);
        assert_eq!(CosineScale::new(f32::NAN), CosineScale::BUILTIN);
    }
}
