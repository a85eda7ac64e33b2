//! SARIF 2.1.0, for code scanning.

use std::io::{self, Write};

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::uri::uri;
use super::{canonical, how};
use crate::duplicates::{Duplicates, Group, Member};
use crate::question::Question;

/// Writes a log with one result per group. The result is at the most probable duplicate. The question to keep and the other
/// duplicates are related locations.
///
/// # Errors
/// The stream cannot be written.
pub fn write_sarif(out: &mut impl Write, found: &Duplicates) -> io::Result<()> {
    let results: Vec<Value> = found.groups.iter().filter_map(|group| result(found, group)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "rqsearch",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": [{
                    "id": RULE,
                    "name": "DuplicateQuestion",
                    "shortDescription": { "text": "Questions that ask the same" },
                    "fullDescription": { "text": "Two or more questions probably ask the same. Keep one of them." },
                    "help": { "text": "Merge the questions, or decide that they are different: rqsearch dups --review" },
                    "defaultConfiguration": { "level": "warning" }
                }]
            }},
            "columnKind": "unicodeCodePoints",
            "results": results
        }]
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

const RULE: &str = "duplicate-question";

/// The result of a group. A group has at least one duplicate.
fn result(found: &Duplicates, group: &Group) -> Option<Value> {
    let (first, others) = group.members.split_first()?;
    let keep = canonical(found, group);
    let duplicate = &found.questions[first.question];
    let text = format!(
        "“{}” asks the same as [“{}”](0) ({})",
        escaped(&duplicate.title),
        escaped(&keep.title),
        how(first)
    );
    let mut related = vec![related(0, keep, "the question to keep")];
    for (id, member) in (1..).zip(others) {
        related.push(self::related(id, &found.questions[member.question], &how(member)));
    }
    let probability = group.members.iter().map(|member| member.probability).fold(0.0, f32::max);
    Some(json!({
        "ruleId": RULE,
        "ruleIndex": 0,
        "level": if group.is_open() { "warning" } else { "note" },
        "message": { "text": text },
        "locations": [{ "physicalLocation": physical(duplicate) }],
        "relatedLocations": related,
        "partialFingerprints": { "questionIds/v1": fingerprint(found, group) },
        "rank": f64::from((probability * 1000.0).round()) / 10.0,
        "properties": { "decision": if group.is_open() { "open" } else { "same" }, "ids": ids(found, group) }
    }))
}

fn related(id: usize, question: &Question, what: &str) -> Value {
    json!({
        "id": id,
        "message": { "text": format!("“{}” ({what})", escaped(&question.title)) },
        "physicalLocation": physical(question)
    })
}

fn physical(question: &Question) -> Value {
    let uri = uri(&question.source.path);
    let artifact = match uri.contains("://") {
        true => json!({ "uri": uri }),
        false => json!({ "uri": uri, "uriBaseId": "%SRCROOT%" }),
    };
    json!({ "artifactLocation": artifact, "region": { "startLine": question.source.line.max(1) } })
}

/// The ids of a group: the question to keep, and its duplicates.
fn ids<'a>(found: &'a Duplicates, group: &Group) -> Vec<&'a str> {
    let members = group.members.iter().map(|member: &Member| member.question);
    std::iter::once(group.canonical)
        .chain(members)
        .map(|question| found.questions[question].id.as_str())
        .collect()
}

/// The same for a group as long as it has the same questions, whatever else changes in their files.
fn fingerprint(found: &Duplicates, group: &Group) -> String {
    let mut ids = ids(found, group);
    ids.sort_unstable();
    format!("{:016x}", xxh3_64(ids.join(" ").as_bytes()))
}

/// Text in a message, where `[text](0)` is a link to a related location.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, question};
    use super::*;
    use crate::decisions::Choice;

    fn log(found: &Duplicates) -> Value {
        let mut out = Vec::new();
        write_sarif(&mut out, found).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn a_group_is_a_result_with_related_locations() {
        let questions = [
            question("a", "What is [a](0)?", "a.md", 0),
            question("b", "what is [a](0)", "b c.md", 7),
            question("c", "WHAT IS [a](0)", "c.md", 9),
        ];
        let run = &log(&found(&questions, &[("a", "c", Choice::Same)]))["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "duplicate-question");
        let result = &run["results"][0];
        assert_eq!(run["results"].as_array().unwrap().len(), 1);
        assert_eq!((&result["level"], &result["rank"]), (&"warning".into(), &100.0.into()));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(
            *place,
            json!({"artifactLocation": {"uri": "b%20c.md", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 7}})
        );
        let text = result["message"]["text"].as_str().unwrap();
        assert!(
            text.starts_with("“what is \\[a\\](0)” asks the same as [“What is \\[a\\](0)?”](0) ("),
            "{text}"
        );
        let related = result["relatedLocations"].as_array().unwrap();
        assert_eq!((related.len(), &related[1]["id"]), (2, &1.into()));
        // Lines begin at 1.
        assert_eq!(related[0]["physicalLocation"]["region"]["startLine"], 1);
    }

    #[test]
    fn a_decided_group_is_a_note_with_the_same_fingerprint() {
        let questions = [question("a", "Why?", "a.md", 1), question("b", "why", "b.md", 1)];
        let open = log(&found(&questions, &[]))["runs"][0]["results"][0].clone();
        let kept = log(&found(&questions, &[("b", "a", Choice::KeepOne)]))["runs"][0]["results"][0].clone();
        assert_eq!((&open["level"], &kept["level"]), (&"warning".into(), &"note".into()));
        assert_eq!(open["partialFingerprints"], kept["partialFingerprints"]);
        assert_eq!(kept["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "a.md");
    }
}
