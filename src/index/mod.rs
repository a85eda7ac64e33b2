//! The index: questions as tantivy documents, with their vectors in the same segments.
//!
//! [`Build`] writes an index from files, and `write` the questions of programs. `open` opens its last commit as an
//! [`Index`], from which `questions` and `documents` read. `schema` and `vectors` are what is on disk.

mod bm25;
mod build;
mod builtin;
#[cfg(any(test, feature = "milvus"))]
mod candidates;
mod centre;
pub mod check;
#[cfg(feature = "milvus")]
mod cluster;
mod cluster_address;
mod codes;
mod commit;
mod commit_file;
#[cfg(feature = "milvus")]
mod copy;
#[cfg(any(test, feature = "milvus"))]
mod corpus_counts;
mod cosine_scale;
mod damage;
#[cfg(any(test, feature = "milvus"))]
mod dictionary;
mod document;
mod documents;
#[cfg(any(test, feature = "milvus"))]
mod field_words;
mod greatest;
mod lock;
mod merge;
mod metadata;
mod newest;
mod open;
mod open_error;
mod phrasings;
mod quantized;
mod questions;
mod read_only;
mod reader;
mod repair;
mod rows;
mod schema;
mod snapshot;
mod space;
mod statistics;
mod stats;
mod store;
mod stored_path;
mod tantivy_index;
mod tuning;
mod union;
mod vector_plugin;
mod vectors;
mod write;

pub use crate::read::Options as ReadOptions;
pub(crate) use crate::read::{date_span, year};
pub(crate) use bm25::{FIELDS, FieldWeights, K1, saturated};
#[cfg(feature = "milvus")]
pub use build::finish_shards;
pub use build::{
    AUTO, Build, ContentHashes, Counts, FileSummary, Missing, PHRASINGS_FORMAT, Preview, Problem, Progress,
    Shard, Summary,
};
#[cfg(test)]
pub(crate) use candidates::FacetValues;
#[cfg(any(test, feature = "milvus"))]
pub(crate) use candidates::title_hash;
#[cfg(any(test, feature = "milvus"))]
pub(crate) use candidates::{CandidateDocument, Candidates};
pub use centre::Centre;
#[cfg(feature = "milvus")]
pub use cluster::ClusterAway;
#[cfg(feature = "milvus")]
pub(crate) use cluster::{Cluster, Found, View};
pub use cluster_address::{NeedsCopy, is_cluster_address};
#[cfg(feature = "milvus")]
pub use copy::copy;
#[cfg(test)]
pub(crate) use corpus_counts::CorpusCounts;
pub use cosine_scale::CosineScale;
pub use damage::guarded;
pub(crate) use damage::{is_panic_caught, panics_caught};
pub use document::text_hash;
pub(crate) use document::{readable_chunks, reversed};
#[cfg(test)]
pub(crate) use field_words::FieldWords;
#[cfg(any(test, feature = "milvus"))]
pub(crate) use field_words::term_hash;
pub(crate) use greatest::{Greatest, Threshold};
pub use lock::Busy;
pub use merge::merge_segments;
#[cfg(feature = "milvus")]
use metadata::dimensions;
pub use metadata::{FOLDER, Meta, read_roots};
pub use open_error::OpenError;
pub use quantized::{Quantized, RowView};
pub use reader::Index;
pub use repair::Repaired;
#[cfg(test)]
pub(crate) use rows::Row;
pub(crate) use schema::DATE;
pub use schema::{FORMAT, Fields, QUESTION};
pub use snapshot::{Contents, restore_snapshot, write_snapshot};
pub use space::{Centred, Space, unrelated_cosine};
pub(crate) use statistics::{Statistics, WordCounts};
pub use stats::{LanguageStats, Stats};
pub(crate) use store::Store;
pub(crate) use stored_path::path_of;
pub use stored_path::{STDIN, WRITTEN};
pub use tuning::{Tuning, store_calibration, update_tuning};
pub use vectors::{Near, Vectors};
pub(crate) use write::Prepared;
pub use write::{Change, Commit, Effect, LONGEST_KEY, Refused, WriteError, Written};
