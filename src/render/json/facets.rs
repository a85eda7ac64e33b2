//! The JSON of facets.

use serde::Serialize;

use crate::search::{Facet, FacetCounts, FacetValue, Facets};

/// The counts of all questions that match a phrase and the filters. A question matches if its cosine is at least half of
/// that of the best question, or if it contains at least three quarters of what the best question contains of the phrase.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FacetsReply<'a> {
    /// The number of questions that match. Unlike `total`, it is not limited.
    pub matching: u64,
    /// The counts, in the order of the request.
    pub counts: Vec<FacetReply<'a>>,
}

/// The values of one property, and how many of the matching questions have each.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FacetReply<'a> {
    /// The name of the property, which is also the name of its filter. A year is a filter with `since` and `until`.
    pub name: Facet,
    /// The most frequent values first; years are in order, latest first.
    pub values: Vec<FacetValueReply<'a>>,
    /// How many other values there are.
    pub more: usize,
}

/// A value of a property.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FacetValueReply<'a> {
    /// The value, for the filter of this name.
    pub value: &'a str,
    /// How many of the matching questions have it.
    pub count: u64,
}

impl<'a> From<&'a Facets> for FacetsReply<'a> {
    fn from(facets: &'a Facets) -> Self {
        Self { matching: facets.matching, counts: facets.counts.iter().map(FacetReply::from).collect() }
    }
}

impl<'a> From<&'a FacetCounts> for FacetReply<'a> {
    fn from(FacetCounts { facet, values, more }: &'a FacetCounts) -> Self {
        let value = |FacetValue { value, count }: &'a FacetValue| FacetValueReply { value, count: *count };
        Self { name: *facet, values: values.iter().map(value).collect(), more: *more }
    }
}
