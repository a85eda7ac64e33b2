//! Searches of one commit.

use std::borrow::Cow;
use std::sync::Arc;

use crate::duplicates::{Found, check};
use crate::embed::{Embedder, NotApproved};
use crate::index::{Index, guarded};
use crate::question::Question;
use crate::related::{Related, related};
use crate::search::{Mode, Query, Results, search_or_fall_back, suggest};

/// An index at one commit, with its model.
pub struct Opened {
    /// The index.
    pub index: Index,
    /// The model. `None` if the index has no vectors, or if its model is [not approved](Self::not_approved).
    pub embedder: Option<Arc<dyn Embedder>>,
    /// Set if the model is at an endpoint that the user has not approved. Only keyword search is possible
    /// then, although the index has vectors.
    pub not_approved: Option<NotApproved>,
    /// The contents of `meta.json` when the index was opened.
    pub(super) commit: Vec<u8>,
}

impl Opened {
    /// Finds the questions that match a phrase, best first. If the endpoint of the model does not answer, a
    /// hybrid query is searched by keywords, and [`Results::notice`] has the reason.
    ///
    /// # Errors
    /// Returns the errors of [`search_or_fall_back`], [`guarded`] and [`possible`](Self::possible).
    pub fn search(&self, query: &Query) -> anyhow::Result<Results> {
        self.search_with(self.embedder.as_deref(), query)
    }

    /// Like [`search`](Self::search), with `embedder` in front of the model: it has a cache, or the vector of
    /// the phrase already.
    ///
    /// # Errors
    /// Those of [`search`](Self::search).
    pub fn search_with(&self, embedder: Option<&dyn Embedder>, query: &Query) -> anyhow::Result<Results> {
        let query = self.possible(query)?;
        let search = || search_or_fall_back(&self.index, embedder, &query);
        let results = guarded(self.index.dir(), search)?;
        Ok(Results { notice: self.notice().or(results.notice), ..results })
    }

    /// A message for people that explains why only keyword search is possible, if the model is
    /// [not approved](Self::not_approved).
    pub fn notice(&self) -> Option<String> {
        self.not_approved.as_ref().map(keywords_only)
    }

    /// Returns the query, or the same query in [`Mode::Keyword`] if it is hybrid and the model is
    /// [not approved](Self::not_approved).
    ///
    /// # Errors
    /// Returns [`NotApproved`] if the model is not approved and the query requires [`Mode::Semantic`].
    pub fn possible<'a>(&self, query: &'a Query) -> Result<Cow<'a, Query>, NotApproved> {
        possible(query, self.not_approved.as_ref())
    }

    /// Finds the questions that ask the same as a phrase with at least the probability `threshold`, most
    /// probable first. Without a model, only exact duplicates and repeats are found.
    ///
    /// # Errors
    /// Returns the errors of [`check`] and [`guarded`].
    pub fn check(&self, phrase: &str, threshold: f32) -> anyhow::Result<Vec<Found>> {
        self.check_with(self.embedder.as_deref(), phrase, threshold)
    }

    /// Like [`check`](Self::check), with `embedder` in front of the model: see
    /// [`search_with`](Self::search_with).
    ///
    /// # Errors
    /// Those of [`check`](Self::check).
    pub fn check_with(
        &self,
        embedder: Option<&dyn Embedder>,
        phrase: &str,
        threshold: f32,
    ) -> anyhow::Result<Vec<Found>> {
        guarded(self.index.dir(), || check(&self.index, embedder, phrase, threshold))
    }

    /// Finds at most `limit` questions whose titles have the words of a text, of which the last may be incomplete.
    ///
    /// # Errors
    /// Returns the errors of [`suggest`] and [`guarded`].
    pub fn suggest(&self, typed: &str, limit: usize) -> anyhow::Result<Vec<Question>> {
        guarded(self.index.dir(), || suggest(&self.index, typed, limit))
    }

    /// Finds at most `limit` questions on the same subject as the question with this id that ask something else.
    ///
    /// # Errors
    /// Returns the errors of [`related`] and [`guarded`].
    pub fn related(&self, id: &str, limit: usize) -> anyhow::Result<Vec<Related>> {
        guarded(self.index.dir(), || related(&self.index, id, limit))
    }
}

/// The message that only keyword search is possible because the model is not approved.
pub fn keywords_only(reason: &NotApproved) -> String {
    format!("using keyword search only: {reason}")
}

/// Returns the query, or the same query in [`Mode::Keyword`] if it is hybrid and the model is not approved.
/// See [`Opened::possible`].
///
/// # Errors
/// Returns [`NotApproved`] if the model is not approved and the query requires [`Mode::Semantic`].
pub fn possible<'a>(
    query: &'a Query,
    not_approved: Option<&NotApproved>,
) -> Result<Cow<'a, Query>, NotApproved> {
    match (not_approved, query.mode) {
        (None, _) | (_, Mode::Keyword) => Ok(Cow::Borrowed(query)),
        (Some(reason), Mode::Semantic) => Err(reason.clone()),
        (Some(_), Mode::Hybrid) => Ok(Cow::Owned(Query { mode: Mode::Keyword, ..query.clone() })),
    }
}
