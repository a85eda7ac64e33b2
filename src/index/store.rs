//! What stores the questions of an index.
//!
//! A search asks for the best questions by words and by vectors, the features of given candidates, their questions, and
//! the statistics of all questions. Both ways to store questions answer this:
//!
//! | | [`Local`] | [`Candidates`](super::candidates::Candidates) |
//! |---|---|---|
//! | questions | in tantivy segments, all of them | in memory, those that one search may find |
//! | words | [postings](crate::search) | a list of hashed terms with frequencies |
//! | vectors | the segment component, mapped | the same component, in memory |
//! | statistics | counted | given, as they are those of all questions |
//!
//! The second is for a store on other machines: it sends the candidates of a phrase, and the search that ranks them is the
//! same.

use std::sync::Arc;

use tantivy::Searcher;
use tantivy::store::StoreReader;

#[cfg(any(test, feature = "milvus"))]
use super::candidates::Candidates;
use super::statistics::WordCounts;

/// What stores the questions of an index.
#[derive(Clone)]
pub(crate) enum Store {
    Local(Local),
    #[cfg(any(test, feature = "milvus"))]
    Candidates(Arc<Candidates>),
}

/// Questions in tantivy segments.
#[derive(Clone)]
pub(crate) struct Local {
    searcher: Searcher,
    stores: Arc<[StoreReader]>,
    counts: Arc<WordCounts>,
}

impl Local {
    pub fn new(searcher: Searcher, stores: Arc<[StoreReader]>) -> Self {
        Self { searcher, stores, counts: Arc::default() }
    }

    /// The tantivy searcher of the commit.
    pub fn searcher(&self) -> &Searcher {
        &self.searcher
    }

    /// The records of the questions, one store per segment.
    pub fn stores(&self) -> &[StoreReader] {
        &self.stores
    }

    pub fn counts(&self) -> &WordCounts {
        &self.counts
    }
}
