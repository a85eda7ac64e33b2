//! Groups of duplicate questions, as a map in a page of its own.
//!
//! The page (`graph.html`) is one file that needs no network; the data stand in it as JSON, and everything
//! in them is shown as text. It was tried in headless Chromium with 0 to 3,000 groups, light and dark, on
//! a phone's width, by keyboard alone, and with axe-core.

use std::io::{self, Write};

use serde::Serialize;

use super::json::SourceReply;
use crate::duplicates::{Duplicates, Group};
use crate::question::Question;

/// The page before the data are in it.
pub const PAGE: &str = include_str!("graph.html");

/// What stands in the page where the data go.
const PLACE: &str = r#"{"DATA":null}"#;

/// How much of an answer the page shows, in characters.
const ANSWER: usize = 300;

#[derive(Serialize)]
struct Data<'a> {
    index: String,
    questions: usize,
    threshold: f32,
    groups: Vec<GroupData<'a>>,
}

#[derive(Serialize)]
struct GroupData<'a> {
    x: f32,
    y: f32,
    members: Vec<MemberData<'a>>,
    pairs: Vec<PairData>,
}

#[derive(Serialize)]
struct MemberData<'a> {
    id: &'a str,
    title: &'a str,
    source: SourceReply<'a>,
    section: Option<&'a str>,
    canonical: bool,
    probability: f32,
    kind: &'static str,
    reasons: Vec<String>,
    answer: String,
}

#[derive(Serialize)]
struct PairData {
    a: usize,
    b: usize,
    probability: f32,
}

/// Writes the page. `index` is what to call what was searched; `places` are where the groups lie
/// ([`map`](crate::duplicates::map)).
///
/// # Errors
/// The stream is closed or full.
pub fn write_graph(
    out: &mut impl Write,
    index: &str,
    found: &Duplicates,
    places: &[[f32; 2]],
    threshold: f32,
) -> io::Result<()> {
    let groups = found.groups.iter().zip(places).map(|(group, place)| group_data(found, group, *place));
    let data = Data {
        index: index.to_owned(),
        questions: found.questions.len(),
        threshold,
        groups: groups.collect(),
    };
    // A title may hold `</script>`; in JSON a `<` may as well be written like this.
    let json = serde_json::to_string(&data)?.replace('<', "\\u003c");
    let (before, after) = PAGE.split_once(PLACE).expect("the page has a place for the data");
    write!(out, "{before}{json}{after}")
}

fn group_data<'a>(found: &'a Duplicates, group: &Group, [x, y]: [f32; 2]) -> GroupData<'a> {
    let mut questions = vec![group.canonical];
    questions.extend(group.members.iter().map(|member| member.question));
    let at = |question: usize| questions.iter().position(|member| *member == question);
    let pairs = found.pairs.iter().filter_map(|pair| {
        Some(PairData { a: at(pair.one)?, b: at(pair.two)?, probability: pair.probability })
    });
    let canonical = member_data(&found.questions[group.canonical], "canonical", 1.0, Vec::new());
    let others = group.members.iter().map(|member| {
        let both = |pair: &&crate::duplicates::Pair| {
            [pair.one, pair.two].contains(&member.question) && [pair.one, pair.two].contains(&group.canonical)
        };
        let reasons =
            found.pairs.iter().find(both).map_or_else(Vec::new, super::duplicate_reasons::duplicate_reasons);
        member_data(&found.questions[member.question], member.kind.name(), member.probability, reasons)
    });
    GroupData { x, y, members: std::iter::once(canonical).chain(others).collect(), pairs: pairs.collect() }
}

fn member_data<'a>(
    question: &'a Question,
    kind: &'static str,
    probability: f32,
    reasons: Vec<String>,
) -> MemberData<'a> {
    MemberData {
        id: &question.id,
        title: &question.title,
        source: SourceReply::from(question),
        section: question.section.as_deref(),
        canonical: kind == "canonical",
        probability,
        kind,
        reasons,
        answer: question.readable_answer().trim().chars().take(ANSWER).collect(),
    }
}
