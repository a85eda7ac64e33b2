//! Offline hybrid search for questions and answers.
//!
//! The library indexes question-and-answer documents and finds the questions that best match a phrase.
//! It ranks them by keyword and semantic search combined. The program `rqsearch` is this library with a
//! command line.
//!
//! ```text
//! files → read → Question → chunk → embed ∥ keyword → commit
//! phrase → query → keyword ∥ semantic → fuse → results → terminal, JSON
//! ```
//!
//! | | |
//! |---|---|
//! | [`question`] | the record type that all stages share |
//! | [`read`] | files → questions, with one reader per layout |
//! | [`chunk`], [`embed`], [`analyze`] | answers → chunks; chunks → vectors; text → terms |
//! | [`index`] | questions and their vectors in one tantivy index |
//! | [`title`], [`same_question`] | when two titles, and two questions, are the same |
//! | [`search`] | phrase → ranked questions |
//! | [`evaluate`] | judged queries → nDCG, MRR, recall, success |
//! | [`duplicates`] | index → questions that ask the same |
//! | [`related`] | a question → others on the same subject |
//! | `watch` | updates of an index when its files change (optional feature) |
//! | [`gaps`], [`query_log`] | phrases that people asked → groups that nothing answers |
//! | [`engine`] | an index and its model, kept open for programs that search more than once |
//! | [`render`] | results → terminal output or JSON |
//! | `interactive`, `mcp`, `serve` | interactive search, tools for language models, HTTP server (optional features) |
//! | `cli` | the command line (feature `cli`) |
//!
//! # Build an index and search it
//!
//! ```
//! use rqsearch::engine::Engine;
//! use rqsearch::search::Query;
//!
//! # fn main() -> anyhow::Result<()> {
//! # let dir = tempfile::tempdir()?;
//! # let (faq, index) = (dir.path().join("faq.md"), dir.path().join("index"));
//! std::fs::write(&faq, "## How long must dough rise?\n\nUntil it has doubled in size.\n")?;
//! let engine = Engine::build(&index, &[faq], |problem| eprintln!("{problem}"))?;
//!
//! let found = engine.search(&Query::plain("when is the bread ready to bake"))?;
//! assert_eq!(found.hits[0].question.title, "How long must dough rise?");
//! # Ok(())
//! # }
//! ```
//!
//! You can share an [`Engine`](engine::Engine) between any number of threads. It picks up commits made after
//! it was opened. A phrase is plain language: all of it is text. Filters are fields:
//!
//! ```
//! use rqsearch::{engine::Engine, index::Index, search::{FITTED, Filters, Query}};
//!
//! # fn main() -> anyhow::Result<()> {
//! let engine = Engine::fixed(Index::builtin()?)?; // the crate includes 660 questions about Rust
//! let filters = Filters { sources: vec!["async".into()], without: vec!["loom".into()], ..Filters::default() };
//! let query = Query { filters, limit: 3, ..Query::plain("mutex across await") };
//! let found = engine.search(&query)?;
//! assert!(found.is_answered(FITTED.threshold) && found.hits[0].confidence > Some(0.5));
//! # Ok(())
//! # }
//! ```
//!
//! # Open an existing index
//!
//! Errors that a program may want to handle are typed: [`OpenError`](index::OpenError), [`Busy`](index::Busy),
//! [`WrongModel`](embed::WrongModel), [`NotApproved`](embed::NotApproved) and [`Unavailable`](embed::Unavailable).
//!
//! ```
//! use std::path::Path;
//! use rqsearch::{engine::Engine, index::OpenError};
//!
//! let error = Engine::open(Path::new("nowhere")).err().unwrap();
//! assert!(matches!(error.downcast_ref(), Some(OpenError::Missing { dir }) if dir.ends_with("nowhere")));
//! ```
//!
//! # Duplicates
//!
//! You can also take questions from memory and build the index in memory:
//!
//! ```
//! use rqsearch::duplicates::{Cache, Options, check, duplicates};
//! use rqsearch::embed::{Builtin, Prepare};
//! use rqsearch::{index::Index, pair, question::Question};
//!
//! # fn main() -> anyhow::Result<()> {
//! let asked = ["When should I prune roses?", "Why wax a rope?", "When is the right time to prune roses?"];
//! let questions: Vec<Question> = (1..).zip(asked).map(|(line, title)| Question::new(title, line)).collect();
//! let model = Builtin::load(Prepare::Many)?;
//! let index = Index::in_memory(&questions, Some(&model))?;
//!
//! let found = duplicates(&index, &Options::default(), &mut Cache::default())?;
//! assert_eq!((found.pairs[0].one, found.pairs[0].two), (0, 2));
//! let repeated = check(&index, Some(&model), "why is rope waxed", pair::FITTED.threshold)?;
//! assert_eq!(repeated[0].question.title, "Why wax a rope?");
//! # Ok(())
//! # }
//! ```
//!
//! See `examples/` and `docs/library.md` for more.

pub mod analyze;
pub mod chunk;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(doctest)]
mod corpus;
pub mod curation;
pub mod decisions;
/// The recipes of the guide to the library as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
mod library_guide {}
pub mod duplicates;
pub mod embed;
pub mod engine;
pub mod evaluate;
pub mod feedback;
pub mod gaps;
mod hint;
pub mod index;
#[cfg(feature = "interactive")]
pub mod interactive;
mod line_file;
pub mod logistic;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod mermaid;
pub mod pair;
pub mod query_log;
pub mod question;
pub mod read;
mod regular_file;
pub mod related;
pub mod render;
pub mod same_question;
pub mod search;
#[cfg(feature = "serve")]
pub mod serve;
pub mod site;
pub mod title;
#[cfg(feature = "watch")]
pub mod watch;
pub mod worker_threads;

/// Checks at compile time that programs can share these types between threads. The crate has no global state.
const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<engine::Engine>();
    is_shared::<engine::Opened>();
    is_shared::<index::Index>();
    is_shared::<embed::Builtin>();
    is_shared::<search::Query>();
    is_shared::<search::Results>();
    is_shared::<duplicates::Duplicates>();
    is_shared::<question::Question>();
};
