//! Groups of duplicates in the formats of other tools.
//!
//! Titles and paths are text of strangers. Each format escapes what it gives a meaning to.

mod github;
mod markdown;
mod redirects;
mod sarif;
#[cfg(test)]
mod testing;
mod uri;

pub use github::write_github;
pub use markdown::write_markdown;
pub use redirects::{Redirect, Redirects};
pub use sarif::write_sarif;

use crate::duplicates::{Duplicates, Group, Kind, Member};
use crate::question::Question;

/// The question to keep of a group.
fn canonical<'a>(found: &'a Duplicates, group: &Group) -> &'a Question {
    &found.questions[group.canonical]
}

/// How a question duplicates the one to keep, in words.
fn how(member: &Member) -> String {
    match (member.is_decided, member.kind) {
        (true, _) => "decided to be the same".to_owned(),
        (false, Kind::Exact) => "the same words".to_owned(),
        (false, Kind::Repeat) => "the same words but for case, punctuation or markup".to_owned(),
        (false, Kind::Paraphrase) => format!("{:.0} %", 100.0 * member.probability),
    }
}
