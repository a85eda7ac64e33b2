//! The document model: what each text format is parsed into, and what the question finder sees.
//!
//! ```text
//! bytes → format parser → blocks → question finder → Question
//! ```
//!
//! A parser knows one format and nothing about questions. [`finder`] knows what marks a question and
//! nothing about formats. To add a format, write a parser that returns a [`Document`]; `saved_page.rs` is the
//! shortest one to copy.

mod answer;
mod boilerplate;
mod contents;
mod extract;
pub mod finder;
mod findings;
mod inline;
pub mod inline_markup;
mod labels;
mod list_item;
mod model;
mod numbering;
mod question_line;
mod sections;
mod title;
mod words;
pub mod writer;

pub use extract::article;
pub use findings::Marking;
pub use inline::{Inline, inline};
pub use labels::{front_matter_title, take_front_matter};
pub use model::{Document, Kind, Marker};
pub use question_line::{ends_asking, is_question_like, labelled_question};
pub use writer::{Line, Writer};
