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
//! | [`duplicates`] | index → questions that ask the same |
//! | [`engine`] | an index and its model that stay open, for programs that search more than once |
//! | [`render`] | results → a terminal, or JSON |
//! | `interactive`, `mcp`, `serve` | a picker that searches while one types, tools for language models, HTTP (features) |
//! | `cli` | everything above behind one command (feature `cli`) |
//!
//! # Build, search
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
//! An [`Engine`](engine::Engine) answers any number of threads at once, and sees what is committed after it was
//! opened. What a person types is parsed (`"must not" -word`), and filters are fields:
//!
//! ```
//! use rqsearch::{engine::Engine, index::Index, search::{FITTED, Filters, Query}};
//!
//! # fn main() -> anyhow::Result<()> {
//! let engine = Engine::fixed(Index::builtin()?)?; // 660 questions on Rust come with the crate
//! let filters = Filters { sources: vec!["async".into()], ..Filters::default() };
//! let query = Query { filters, limit: 3, ..r#""await" mutex -loom"#.parse()? };
//! let found = engine.search(&query)?;
//! assert!(found.is_answered(FITTED.threshold) && found.hits[0].confidence > Some(0.5));
//! # Ok(())
//! # }
//! ```
//!
//! # Open what is there
//!
//! Errors that a program may want to act on have types: [`OpenError`](index::OpenError),
//! [`WrongModel`](embed::WrongModel).
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
//! Questions need not come from files, and an index need not be on disk:
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
//! More of each is in `examples/` and `docs/library.md`.

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
#[cfg(feature = "interactive")]
pub mod interactive;
pub mod logistic;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod mermaid;
pub mod pair;
pub mod question;
pub mod read;
pub mod render;
pub mod search;
#[cfg(feature = "serve")]
pub mod serve;
pub mod worker_threads;

/// What programs share between threads can be shared; there is no global state.
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
