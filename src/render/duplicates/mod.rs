//! Groups of duplicates in the formats of other tools.
//!
//! Titles and paths are text of strangers. Each format escapes what it gives a meaning to.

mod github;
mod markdown;
mod redirects;
mod sarif;
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

#[cfg(test)]
mod testing {
    use crate::decisions::{Choice, Decided, Decision};
    use crate::duplicates::{Cache, Duplicates, Options, duplicates};
    use crate::index::Index;
    use crate::question::{Question, Source};

    /// A question with this id and title, in this file.
    pub fn question(id: &str, title: &str, path: &str, line: u64) -> Question {
        let source = Source { path: path.into(), line };
        Question { id: id.into(), source, ..Question::new(title, line) }
    }

    /// The duplicates of questions, according to decisions about their ids.
    pub fn found(questions: &[Question], decisions: &[(&str, &str, Choice)]) -> Duplicates {
        let about = |id: &str| Decided::from(questions.iter().find(|question| question.id == id).unwrap());
        let decisions =
            decisions.iter().map(|(one, two, choice)| Decision::new(about(one), about(two), *choice));
        let options = Options { decisions: decisions.collect(), ..Options::default() };
        let index = Index::in_memory(questions, None).unwrap();
        duplicates(&index, &options, &mut Cache::default()).unwrap()
    }
}
