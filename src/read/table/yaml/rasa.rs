//! Rasa training data: `nlu.yml` has the questions of each intent, `domain.yml` the responses.
//!
//! The response `utter_refund` answers the intent `refund` (<https://rasa.com/docs/rasa/training-data-format>).

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use super::events::nodes;
use crate::question::Question;
use crate::read::emit::{BadRecord, Emit};
use crate::read::line::one_line;
use crate::read::table::record::text_of;
use crate::read::table::tree::{Content, Node};

/// Files with responses, in the directory of the training data or the one above it.
const RESPONSE_FILES: [&str; 4] = ["domain.yml", "domain.yaml", "responses.yml", "responses.yaml"];

/// The largest such file that is read, in bytes.
const LARGEST: u64 = 16 << 20;

/// Whether a YAML file belongs to a Rasa project, by its keys.
pub fn is_rasa(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.trim_end() == key);
    has("nlu:") && text.contains("intent:") || has("responses:") && text.contains("\n  utter_")
}

/// Responses by name.
#[derive(Default)]
struct Responses(HashMap<String, String>);

impl Responses {
    /// Adds the files with responses near a directory. A broken one is a bad record of line 1.
    fn and_near(mut self, directory: Option<&Path>, emit: &mut Emit<'_>) -> Self {
        let directories = directory.into_iter().flat_map(|directory| [Some(directory), directory.parent()]);
        for path in
            directories.flatten().flat_map(|directory| RESPONSE_FILES.map(|name| directory.join(name)))
        {
            let Ok(file) = File::open(&path) else { continue };
            let mut text = String::new();
            let error = match file.take(LARGEST + 1).read_to_string(&mut text) {
                Err(error) => Some(error.to_string()),
                Ok(bytes) if bytes as u64 > LARGEST => Some(format!("more than {} MiB", LARGEST >> 20)),
                Ok(_) => {
                    let (documents, error) = nodes(&text);
                    documents.iter().for_each(|document| self.add(document));
                    error.map(|bad| format!("line {}: {}", bad.line, bad.reason))
                }
            };
            if let Some(error) = error {
                let reason = format!("responses are missing: {}: {error}", path.display());
                let _: ControlFlow<()> = emit(Err(BadRecord { line: 1, reason }));
            }
        }
        self
    }

    /// The responses of a document that are not there yet.
    fn add(&mut self, document: &Node) {
        if let Some(Node { content: Content::Map(pairs), .. }) = document.get("responses") {
            for (name, variants) in pairs {
                // Each variant has its text on the first level.
                let texts = variants
                    .elements()
                    .iter()
                    .map(|variant| text_of(&variant.outline(1).unwrap_or_default()));
                let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
                self.0.entry(name.clone()).or_insert_with(|| texts.join("\n\n"));
            }
        }
    }
}

/// Reads the intents of a file in a directory.
pub fn read(text: &str, directory: Option<&Path>, emit: &mut Emit<'_>) {
    let mut responses = Responses::default();
    let (documents, error) = nodes(text);
    documents.iter().for_each(|document| responses.add(document));
    let responses = responses.and_near(directory, emit);
    let items = documents.iter().filter_map(|document| document.get("nlu")).flat_map(Node::elements);
    let records = items.filter_map(|item| {
        let intent = item.get("intent")?.text()?;
        Some(question(intent, item, responses.0.get(&format!("utter_{intent}"))).ok_or_else(|| BadRecord {
            line: item.line,
            reason: format!("no question: the intent {intent} has no examples"),
        }))
    });
    let _: ControlFlow<()> = records.chain(error.map(Err)).try_for_each(emit);
}

fn question(intent: &str, item: &Node, answer: Option<&String>) -> Option<Question> {
    let node = item.get("examples")?;
    let mut examples: Vec<String> = match node.text() {
        Some(text) => text.lines().map(example).collect(),
        // The long form: `- text: …`, with metadata.
        None => node
            .elements()
            .iter()
            .map(|element| example(&text_of(&element.outline(1).unwrap_or_default())))
            .collect(),
    };
    examples.retain(|example| !example.is_empty());
    let title = (!examples.is_empty()).then(|| examples.remove(0))?;
    let mut question = Question::new(title, item.line);
    question.key = Some(intent.to_owned());
    question.also = examples;
    question.answer = answer.cloned().unwrap_or_default();
    Some(question)
}

/// `- fly to [Lima](city)` → `fly to Lima`
fn example(line: &str) -> String {
    let line = line.trim();
    let mut rest = line.strip_prefix("- ").unwrap_or(line.strip_prefix('-').unwrap_or(line));
    let mut text = String::new();
    while let Some((before, entity, after)) = entity(rest) {
        text.push_str(before);
        text.push_str(entity);
        rest = after;
    }
    text.push_str(rest);
    one_line(&text)
}

/// The first annotation: what is before it, its text, and what is after it.
fn entity(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('[')?;
        let close = open + text[open..].find(']')?;
        let after = &text[close + 1..];
        let pair =
            [('(', ')'), ('{', '}'), ('[', ']')].into_iter().find(|(begin, _)| after.starts_with(*begin));
        if let Some(end) = pair.and_then(|(_, end)| after.find(end)) {
            return Some((&text[..open], &text[open + 1..close], &after[end + 1..]));
        }
        from = close + 1;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::example;
    use crate::question::Question;
    use crate::read::{BadRecord, Input, Options, read};

    const NLU: &str = "version: \"3.1\"\n\nnlu:\n- intent: wax\n  examples: |\n    - why [wax](material) a rope?\n    - what does wax do\n- intent: hard\n  examples:\n  - text: |\n      is it hard\n    metadata: x\n- synonym: wax\n  examples: |\n    - beeswax\n- intent: empty\nstories:\n- story: Is it a question?\n";
    const DOMAIN: &str = "intents:\n- wax\nresponses:\n  utter_wax:\n  - text: It lasts.\n  - text: It shines.\n    buttons:\n    - title: More?\n  utter_other:\n  - text: x\n";

    fn records(path: &Path) -> Vec<Result<Question, BadRecord>> {
        let mut records = Vec::new();
        let mut emit = |record| {
            records.push(record);
            std::ops::ControlFlow::Continue(())
        };
        let file = fs::File::open(path).unwrap();
        let options = &Options::default();
        let input = Input {
            file,
            extension: "yml".to_owned(),
            directory: path.parent(),
            title: "untitled",
            named: true,
            options,
        };
        read(input, &mut emit).unwrap();
        records
    }

    #[test]
    fn intents_have_their_responses() {
        for domain in ["data/domain.yml", "domain.yml"] {
            let project = tempfile::tempdir().unwrap();
            let nlu = project.path().join("data/nlu.yml");
            fs::create_dir(project.path().join("data")).unwrap();
            fs::write(&nlu, NLU).unwrap();
            assert_eq!(records(&nlu)[0].as_ref().unwrap().answer, "");
            fs::write(project.path().join(domain), DOMAIN).unwrap();
            let records = records(&nlu);
            let wax = records[0].as_ref().unwrap();
            assert_eq!(
                (wax.title.as_str(), wax.answer.as_str()),
                ("why wax a rope?", "It lasts.\n\nIt shines.")
            );
            assert_eq!((wax.also.as_slice(), wax.source.line), (&["what does wax do".to_owned()][..], 4));
            assert_eq!(wax.key.as_deref(), Some("wax"));
            assert_eq!(records[1].as_ref().unwrap().title, "is it hard");
            let bad = records[2].as_ref().unwrap_err();
            assert_eq!(
                (bad.line, bad.reason.as_str()),
                (16, "no question: the intent empty has no examples")
            );
            assert_eq!(records.len(), 3);
            fs::write(project.path().join(domain), "responses: [").unwrap();
            assert!(
                self::records(&nlu)[0]
                    .as_ref()
                    .unwrap_err()
                    .reason
                    .contains("domain.yml: line 1: broken YAML")
            );
            let domain = project.path().join(domain);
            fs::write(&domain, DOMAIN).unwrap();
            assert!(self::records(&domain).is_empty());
        }
    }

    #[test]
    fn annotations_become_their_text() {
        assert_eq!(example("- fly to [Lima](city) [soon](when:time)"), "fly to Lima soon");
        assert_eq!(example(r#"- to [NYC]{"entity": "city", "role": "to"}?"#), "to NYC?");
        assert_eq!(example("- what is a[0] and [x]"), "what is a[0] and [x]");
        assert_eq!(example("-"), "");
    }
}
