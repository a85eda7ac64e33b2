//! Finds the question that any phrase is about, offline and at once.
//!
//! Question-and-answer documents become an index; a phrase becomes the questions it is about,
//! ranked by its words and by its meaning together. The program `rqsearch` is this library with a
//! command line around it.
//!
//! ```text
//! files → read → Question → chunk → embed ∥ keyword → commit
//! phrase → query → keyword ∥ semantic → fuse → results → terminal, JSON
//! ```
//!
//! | | |
//! |---|---|
//! | [`question`] | the record that every stage speaks |
//! | [`read`] | files → questions, one reader a layout |
//! | [`chunk`], [`embed`], [`analyze`] | answers → chunks; chunks → vectors; text → terms |
//! | [`index`] | questions with their vectors, in one tantivy index, one commit at a time |
//! | [`search`] | phrase → ranked questions |
//! | [`evaluate`] | judged queries → nDCG, MRR, recall, success |
//! | [`engine`] | an index and its model that stay open, for programs that search more than once |
//! | [`render`] | results → a terminal, or JSON |
//! | `serve` | all of it over HTTP, with a page for people (feature `serve`) |
//! | `cli` | everything above behind one command (feature `cli`) |
//!
//! # Example
//!
//! ```
//! use rqsearch::embed::{Builtin, Prepare};
//! use rqsearch::index::{Build, Index, Progress};
//! use rqsearch::search::{Query, search};
//!
//! # fn main() -> anyhow::Result<()> {
//! let dir = tempfile::tempdir()?;
//! let faq = dir.path().join("faq.md");
//! std::fs::write(&faq, "## How long must dough rise?\n\nUntil it has doubled in size.\n\n## Why wax a rope?\n\nIt lasts.\n")?;
//!
//! let model = Builtin::load(Prepare::Many)?;
//! let index = dir.path().join("index");
//! Build {
//!     dir: &index,
//!     paths: &[faq],
//!     embedder: Some(&model),
//!     reread: false,
//!     threads: 1,
//!     progress: &Progress::default(),
//!     problems: &|problem| panic!("{problem}"),
//! }
//! .run()?;
//!
//! let found = search(&Index::open(&index)?, Some(&model), &Query::plain("when is the bread ready to bake"))?;
//! assert_eq!(found.hits[0].question.title, "How long must dough rise?");
//! # Ok(())
//! # }
//! ```

pub mod analyze;
pub mod chunk;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(doctest)]
mod corpus;
pub mod duplicates;
pub mod embed;
pub mod engine;
pub mod evaluate;
pub mod index;
pub mod logistic;
pub mod mermaid;
pub mod pair;
pub mod parallel;
pub mod question;
pub mod read;
pub mod render;
pub mod search;
#[cfg(feature = "serve")]
pub mod serve;
