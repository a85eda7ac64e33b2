//! Duplicates for the tests of the formats.

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
    let decisions = decisions.iter().map(|(one, two, choice)| Decision::new(about(one), about(two), *choice));
    let options = Options { decisions: decisions.collect(), ..Options::default() };
    let index = Index::in_memory(questions, None).unwrap();
    duplicates(&index, &options, &mut Cache::default()).unwrap()
}
