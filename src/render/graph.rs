//! A map of the groups of duplicate questions, as a self-contained web page.
//!
//! The page (`graph.html`) is one file that needs no network. It contains the data as JSON and shows all of
//! it as text, never as markup. It was tested in headless Chromium with 0 to 3,000 groups, in light and dark
//! mode, at the width of a phone, with the keyboard alone, and with axe-core.

use std::io::{self, Write};

use serde::Serialize;

use super::json::SourceReply;
use crate::duplicates::{Chosen, Duplicates, Group};
use crate::question::Question;

/// The page without data.
pub const PAGE: &str = include_str!("graph.html");

/// The placeholder for the data in the page.
const PLACEHOLDER: &str = r#"{"DATA":null}"#;

/// The maximum length of the part of an answer that the page shows, in characters.
const ANSWER: usize = 300;

/// The part of the page's content security policy that forbids all requests.
const NO_SOURCE: &str = "default-src 'none';";

#[derive(Serialize)]
struct Data<'a> {
    index: String,
    questions: usize,
    threshold: f32,
    can_decide: bool,
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
    /// `keep`, `same`, or nothing.
    decided: Option<&'static str>,
}

#[derive(Serialize)]
struct PairData {
    a: usize,
    b: usize,
    probability: f32,
}

/// What a page shows besides the duplicates.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    /// The name of the index.
    pub index: &'a str,
    /// The coordinates of the groups, from [`map`](crate::duplicates::map).
    pub positions: &'a [[f32; 2]],
    /// The minimum probability of a pair.
    pub threshold: f32,
    /// Whether the page has buttons to decide. They send requests to `decisions`, beside the page.
    pub can_decide: bool,
}

/// Writes the page.
///
/// # Errors
/// The stream cannot be written.
pub fn write_graph(out: &mut impl Write, found: &Duplicates, map: &Map<'_>) -> io::Result<()> {
    let Map { index, positions, threshold, can_decide } = *map;
    let groups = found.groups.iter().zip(positions).map(|(group, at)| group_data(found, group, *at));
    let data = Data {
        index: index.to_owned(),
        questions: found.questions.len(),
        threshold,
        can_decide,
        groups: groups.collect(),
    };
    // A title may contain `</script>`, so every `<` is escaped.
    let json = serde_json::to_string(&data)?.replace('<', "\\u003c");
    let (before, after) = PAGE.split_once(PLACEHOLDER).expect("the page has a placeholder for the data");
    // Only a page that decides needs to reach a server.
    let connect = if can_decide { "default-src 'none'; connect-src 'self';" } else { NO_SOURCE };
    let before = before.replacen(NO_SOURCE, connect, 1);
    write!(out, "{before}{json}{after}")
}

fn group_data<'a>(found: &'a Duplicates, group: &Group, [x, y]: [f32; 2]) -> GroupData<'a> {
    let mut questions = vec![group.canonical];
    questions.extend(group.members.iter().map(|member| member.question));
    let at = |question: usize| questions.iter().position(|member| *member == question);
    let pairs = found.pairs.iter().filter_map(|pair| {
        Some(PairData { a: at(pair.one)?, b: at(pair.two)?, probability: pair.probability })
    });
    let kept = (group.chosen == Chosen::Decided).then_some("keep");
    let canonical = MemberData {
        decided: kept,
        ..member_data(&found.questions[group.canonical], "canonical", 1.0, Vec::new())
    };
    let others = group.members.iter().map(|member| {
        let both = |pair: &&crate::duplicates::Pair| {
            [pair.one, pair.two].contains(&member.question) && [pair.one, pair.two].contains(&group.canonical)
        };
        let reasons =
            found.pairs.iter().find(both).map_or_else(Vec::new, super::duplicate_reasons::duplicate_reasons);
        let question = &found.questions[member.question];
        let decided = member.is_decided.then_some("same");
        MemberData { decided, ..member_data(question, member.kind.name(), member.probability, reasons) }
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
        decided: None,
    }
}
