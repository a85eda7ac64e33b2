//! Files of phrasings: other ways to ask questions that are in other files.
//!
//! ```json
//! {"phrase": "why does my blade tear tomatoes", "id": "137a8469f497", "title": "How do I sharpen a kitchen knife?"}
//! ```

use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::emit::{BadRecord, invalid};
use super::line::one_line;
use crate::regular_file;
use crate::title::title_key;

/// The name of a file of phrasings. A name can also end with a dot and this: `faq.phrasings.jsonl`.
pub const PHRASINGS: &str = "phrasings.jsonl";

/// The greatest size of a file of phrasings, in bytes.
const LARGEST: u64 = 64 << 20;

/// The greatest length of a phrase, in characters.
const LONGEST: usize = 2_000;

/// Another way to ask a question, which is not in the file of the question.
///
/// It belongs to the questions that have its id or its title. The id finds a question whose title has changed, if its record
/// has a key; the title finds one whose file was renamed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Phrasing {
    /// The phrase: one line, not empty.
    pub phrase: String,
    /// The [id](crate::question::Question::id) of the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The title of the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Whether a file is one of phrasings, by its name.
pub fn is_phrasings(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(PHRASINGS).is_some_and(|start| start.is_empty() || start.ends_with('.'))
}

/// Reads a file of phrasings: each record with its line, or why it is skipped. Empty lines are no records.
///
/// # Errors
/// The file cannot be read, is not a regular file, is too large, or is not UTF-8.
pub fn phrasings(path: &Path) -> io::Result<Vec<Result<(u64, Phrasing), BadRecord>>> {
    if path.metadata()?.len() > LARGEST {
        return Err(invalid(format!("it has more than {} MiB, the limit", LARGEST >> 20)));
    }
    let text = String::from_utf8(regular_file::read(path)?).map_err(|_| invalid("not UTF-8"))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let parsed = lines.map(|(line, text)| match parse(text) {
        Ok(phrasing) => Ok((line, phrasing)),
        Err(reason) => Err(BadRecord { line, reason }),
    });
    Ok(parsed.collect())
}

/// Appends phrasings to a file, or creates it. Those that the file has already, for the same question, are left out.
/// Returns, for each, whether it is new.
///
/// # Errors
/// The file cannot be read or written.
pub fn append_phrasings(path: &Path, new: &[Phrasing]) -> io::Result<Vec<bool>> {
    let known = if path.exists() { phrasings(path)? } else { Vec::new() };
    let mut known: Vec<Phrasing> = known.into_iter().flatten().map(|(_, phrasing)| phrasing).collect();
    let mut lines = String::new();
    let is_new = new.iter().map(|phrasing| {
        let is_new = !known.iter().any(|known| known.is_same(phrasing));
        if is_new {
            lines += &serde_json::to_string(phrasing)?;
            lines += "\n";
            known.push(phrasing.clone());
        }
        Ok(is_new)
    });
    let is_new = is_new.collect::<io::Result<Vec<bool>>>()?;
    if !lines.is_empty() {
        append(path, &lines)?;
    }
    Ok(is_new)
}

/// Appends lines in one write. If the last line has no end, it gets one.
fn append(path: &Path, lines: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    let mut last = [b'\n'];
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let start = if last == *b"\n" { "" } else { "\n" };
    file.write_all(format!("{start}{lines}").as_bytes())
}

impl Phrasing {
    /// Whether another one is the same phrase for the same question.
    fn is_same(&self, other: &Self) -> bool {
        let is_equal = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        title_key(&self.phrase) == title_key(&other.phrase)
            && (is_equal(&self.id, &other.id) || is_equal(&self.title, &other.title))
    }
}

fn parse(line: &str) -> Result<Phrasing, String> {
    let parsed = serde_json::from_str(line).map_err(|error| format!("not a phrasing: {error}"));
    let Phrasing { phrase, id, title } = parsed?;
    let plain = |text: &String| one_line(&text.replace(char::is_control, " "));
    let not_empty = |text: Option<String>| text.as_ref().map(plain).filter(|text| !text.is_empty());
    let (phrase, id, title) = (plain(&phrase), not_empty(id), not_empty(title));
    match () {
        () if !phrase.contains(char::is_alphanumeric) => Err("\"phrase\" has no letter or digit".to_owned()),
        () if phrase.chars().count() > LONGEST => {
            Err(format!("\"phrase\" has more than {LONGEST} characters, the limit"))
        }
        () if id.is_none() && title.is_none() => {
            Err("it needs \"id\" or \"title\", to name the question".to_owned())
        }
        () => Ok(Phrasing { phrase, id, title }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_recognized_by_its_name() {
        for (name, expected) in [
            ("phrasings.jsonl", true),
            ("docs/phrasings.jsonl", true),
            ("faq.phrasings.jsonl", true),
            ("my-phrasings.jsonl", false),
            ("phrasings.json", false),
            ("phrasings.jsonl/a.md", false),
        ] {
            assert_eq!(is_phrasings(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn phrasings_are_appended_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(PHRASINGS);
        let phrasing = |phrase: &str, id: &str, title: &str| Phrasing {
            phrase: phrase.into(),
            id: Some(id.into()),
            title: Some(title.into()),
        };
        let (a, b) = (phrasing("Why?", "1", "one"), phrasing("how", "1", "one"));
        assert_eq!(append_phrasings(&path, &[a.clone(), b.clone(), a.clone()]).unwrap(), [true, true, false]);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.trim_end()).unwrap();
        let others =
            [phrasing("why", "1", "changed"), phrasing("why", "2", "two"), phrasing("why", "3", "one")];
        assert_eq!(append_phrasings(&path, &others).unwrap(), [false, true, false]);
        let read: Vec<_> = phrasings(&path).unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(read, [(1, a), (2, b), (3, others[1].clone())]);
    }

    #[test]
    fn records_are_read_and_bad_ones_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(PHRASINGS);
        let text = "\u{FEFF}{\"phrase\": \" blunt\\n knife \", \"id\": \"137a8469f497\", \"by\": \"Ana\"}\n\n\
                    {\"phrase\": \"rust\", \"title\": \"How do I clean iron?\", \"id\": \"\"}\n\
                    {\"phrase\": \"rust\"}\n{\"phrase\": \"?\", \"id\": \"a\"}\nrust\n";
        fs::write(&path, text).unwrap();
        let found: Vec<String> = (phrasings(&path).unwrap().into_iter())
            .map(|record| match record {
                Ok((line, Phrasing { phrase, id, title })) => format!("{line} {phrase} {id:?} {title:?}"),
                Err(BadRecord { line, reason }) => format!("{line} {}", &reason[..14]),
            })
            .collect();
        let expected = [
            "1 blunt knife Some(\"137a8469f497\") None",
            "3 rust None Some(\"How do I clean iron?\")",
            "4 it needs \"id\" ",
            "5 \"phrase\" has n",
            "6 not a phrasing",
        ];
        assert_eq!(found, expected);
        fs::write(&path, b"\xff\n").unwrap();
        assert!(phrasings(&path).is_err() && phrasings(dir.path()).is_err());
    }
}
