//! Values of options that several commands have.

use std::num::NonZeroUsize;
use std::str::FromStr;

use super::hints::explained;

/// Parses a number from 0 to 1.
pub fn weight(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => Ok(weight),
        _ => Err("must be a number from 0 to 1".into()),
    }
}

/// Parses a count.
pub fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "must be a whole number, 1 or more".into())
}

/// Parses the value of an option. An error contains its hint.
pub fn parsed<T: FromStr<Err = anyhow::Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| explained(&error))
}
