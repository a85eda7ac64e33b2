//! Batches of phrases: lines in, JSON Lines out, in the same order.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value;

use super::streams;
use crate::render::json::BatchError;
use crate::worker_threads;

/// How many lines are answered at once, and how many answers are written at once.
const BATCH: usize = 64;

/// A phrase of a batch.
#[derive(Debug, Default, PartialEq)]
pub struct Line {
    /// Any JSON value that names the line. The reply repeats it.
    pub id: Option<Value>,
    /// The phrase.
    pub text: String,
    /// Words that a question must contain, as `--exact`.
    pub exact: Vec<String>,
    /// Words that it must not contain, as `--without`.
    pub without: Vec<String>,
}

/// A line that cannot be answered, and its name if it has one.
struct Refused {
    id: Option<Value>,
    error: anyhow::Error,
}

/// What a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchOutcome {
    /// At least one line has a positive answer.
    pub any: bool,
    /// At least one line could not be answered.
    pub refused: bool,
}

/// Answers every line of a file, or of stdin if the path is `-`, and writes one JSON object for each to
/// stdout. A line that cannot be answered gets `{"_id", "error"}`; an empty one gets nothing.
///
/// `answer` returns the JSON object and whether it is a positive answer. Lines that are there are
/// answered at once, without waiting for more: another program can send a line, read its answer, and
/// send the next.
///
/// # Errors
/// The file cannot be read, or stdout cannot be written.
pub fn run(
    path: &Path,
    answer: impl Fn(&Line) -> anyhow::Result<(String, bool)> + Sync,
) -> anyhow::Result<BatchOutcome> {
    let (name, input): (_, Box<dyn Read>) = if path == Path::new("-") {
        ("stdin".to_owned(), Box::new(io::stdin()))
    } else {
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("could not open {name}"))?;
        (name, Box::new(file))
    };
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut out = BufWriter::new(streams::data());
    let mut outcome = BatchOutcome::default();
    loop {
        let lines = available_lines(&mut input).with_context(|| format!("could not read {name}"))?;
        if lines.is_empty() {
            return Ok(outcome);
        }
        let lines: Vec<&[u8]> =
            lines.iter().map(|line| line.trim_ascii()).filter(|line| !line.is_empty()).collect();
        let replies = worker_threads::map(&lines, |line| {
            let line = parse(line)?;
            answer(&line).map_err(|error| Refused { id: line.id, error })
        });
        for reply in replies {
            match reply {
                Ok((reply, found)) => {
                    outcome.any |= found;
                    writeln!(out, "{reply}")?;
                }
                Err(Refused { id, error }) => {
                    outcome.refused = true;
                    let reply = BatchError { id: id.as_ref(), error: format!("{error:#}") };
                    writeln!(out, "{}", serde_json::to_string(&reply)?)?;
                }
            }
        }
        out.flush()?;
    }
}

/// Waits for a line, and returns it with those behind it that are there already. Empty at the end.
fn available_lines(input: &mut BufReader<impl Read>) -> io::Result<Vec<Vec<u8>>> {
    let mut lines = Vec::new();
    while lines.is_empty() || (lines.len() < BATCH && input.buffer().contains(&b'\n')) {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Reads a line: a JSON object if it begins with a brace, and a phrase otherwise.
fn parse(line: &[u8]) -> Result<Line, Refused> {
    let refused = |id, error| Refused { id, error };
    let line = std::str::from_utf8(line)
        .map_err(|_| refused(None, anyhow::anyhow!("the line is not valid UTF-8")))?;
    if !line.starts_with('{') {
        return Ok(Line { text: line.to_owned(), ..Line::default() });
    }
    let value: Value = serde_json::from_str(line)
        .map_err(|error| refused(None, anyhow::anyhow!("the line is not valid JSON: {error}")))?;
    let id = value.get("_id").cloned();
    object(value, id.clone()).map_err(|error| refused(id, error))
}

fn object(mut value: Value, id: Option<Value>) -> anyhow::Result<Line> {
    let text = match value.get_mut("text").map(Value::take) {
        Some(Value::String(text)) => text,
        Some(_) => bail!("\"text\" must be a string"),
        None => bail!("the JSON object has no \"text\""),
    };
    Ok(Line { id, text, exact: strings(&mut value, "exact")?, without: strings(&mut value, "without")? })
}

/// The list of strings with this key. Empty if there is no such key.
fn strings(value: &mut Value, key: &str) -> anyhow::Result<Vec<String>> {
    match value.get_mut(key).map(Value::take) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(list) => match serde_json::from_value(list) {
            Ok(strings) => Ok(strings),
            Err(_) => bail!("{key:?} must be a list of strings"),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The `_id` of a line, and its text or why it is refused.
    type Parsed = (Option<Value>, &'static str);

    #[track_caller]
    fn check(line: &str, expected: Result<Parsed, Parsed>) {
        let parsed = parse(line.as_bytes())
            .map(|line| (line.id, line.text))
            .map_err(|refused| (refused.id, refused.error.to_string()));
        match expected {
            Ok((id, text)) => assert_eq!(parsed, Ok((id, text.to_owned())), "{line}"),
            Err((id, reason)) => {
                let (found, message) = parsed.unwrap_err();
                assert_eq!(found, id, "{line}");
                assert!(message.contains(reason), "{line}: {message}");
            }
        }
    }

    #[test]
    fn a_line_is_a_phrase_or_a_json_object_with_text() {
        check("why prune roses", Ok((None, "why prune roses")));
        check(r#""quoted words""#, Ok((None, r#""quoted words""#)));
        check(r#"{"_id": 7, "text": "a", "more": []}"#, Ok((Some(json!(7)), "a")));
        check(r#"{"text": "a"}"#, Ok((None, "a")));
        check(r#"{"_id": 7, "text": "a", "exact": "b"}"#, Err((Some(json!(7)), "\"exact\" must be a list")));
        check(r#"{"text": "a", "without": [1]}"#, Err((None, "\"without\" must be a list")));
        check(r#"{"_id": 7, "txt": "a"}"#, Err((Some(json!(7)), "no \"text\"")));
        check(r#"{"_id": [1], "text": 2}"#, Err((Some(json!([1])), "must be a string")));
        check("{x} y", Err((None, "not valid JSON")));
        assert!(parse(b"\xff").is_err());
    }

    #[test]
    fn a_line_may_require_and_exclude_words() {
        let line = parse(br#"{"text": "a", "exact": ["b c"], "without": ["d", "e"]}"#).ok().unwrap();
        assert_eq!(
            (line.exact, line.without),
            (vec!["b c".to_owned()], vec!["d".to_owned(), "e".to_owned()])
        );
    }

    /// Hands over one piece of text a read, as a pipe does.
    struct Pipe(Vec<&'static [u8]>);

    impl Read for Pipe {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn lines_that_are_there_are_answered_without_waiting() {
        let mut input = BufReader::new(Pipe(vec![b"a\n", b"b\nc\nd", b"e\n", b"f"]));
        let mut next = || {
            let lines = available_lines(&mut input).unwrap();
            lines.iter().map(|line| String::from_utf8_lossy(line).trim().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(next(), ["a"]);
        assert_eq!(next(), ["b", "c"]);
        assert_eq!(next(), ["de"]);
        assert_eq!(next(), ["f"]);
        assert!(next().is_empty());
    }
}
