//! `--map question=KEY,answer=KEY,…`: the keys of records that no reader knows by name.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::keys::{View, normalized};

/// The parts of a question that a key can be assigned to. A part that `Record` does not know
/// becomes a field.
pub const PARTS: [&str; 10] =
    ["question", "answer", "id", "section", "level", "tags", "url", "score", "also", "date"];

/// How many keys of a file an error lists.
const KEYS_NAMED: usize = 12;

/// A key of a record and the part of the question that it holds, written `part=key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// One of [`PARTS`].
    pub part: &'static str,
    /// A key of the record, a path to a nested value (`meta.topic`), or the name or number (from 1) of a column.
    pub key: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (part, key) = text.split_once('=').ok_or("expected PART=KEY, such as question=prompt")?;
        let (part, key) = (part.trim(), key.trim());
        let part = PARTS
            .into_iter()
            .find(|known| *known == part)
            .ok_or_else(|| format!("unknown part `{part}`; the parts are {}", PARTS.join(", ")))?;
        if key.is_empty() {
            return Err(format!("expected a key after `{part}=`"));
        }
        Ok(Self { part, key: key.to_owned() })
    }
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.part, self.key)
    }
}

impl Serialize for Assignment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Assignment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Assignments while the records of one file are read. It remembers which keys the file has.
#[derive(Debug, Default)]
pub struct Mapping {
    assignments: Vec<(Assignment, Cell<bool>)>,
    records: Cell<u64>,
    /// Top-level keys of the first records, for the error that names a key which is missing.
    keys: RefCell<Vec<String>>,
}

impl Mapping {
    /// A mapping for a new file.
    pub fn new(assignments: &[Assignment]) -> Self {
        let assignments = assignments.iter().map(|one| (one.clone(), Cell::new(false))).collect();
        Self { assignments, ..Self::default() }
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.assignments.is_empty()
    }

    /// The number of records that were read with this mapping.
    pub fn records(&self) -> u64 {
        self.records.get()
    }

    /// Whether a value is taken from this key of a record, or from below it.
    pub fn uses(&self, key: &str) -> bool {
        let is_below = |rest: &str| rest.is_empty() || rest.starts_with('.');
        let uses = |one: &Assignment| one.key == key || one.key.strip_prefix(key).is_some_and(is_below);
        self.assignments.iter().any(|(one, _)| uses(one))
    }

    /// Whether a key is assigned to this part.
    pub fn maps(&self, part: &str) -> bool {
        self.assignments.iter().any(|(one, _)| one.part == part)
    }

    /// Whether a map has a value for the question.
    pub fn has_question(&self, view: &View<'_>) -> bool {
        let pairs = || view.iter().map(|(name, value)| (*name, &**value));
        let questions = self.assignments.iter().filter(|(one, _)| one.part == "question");
        questions
            .into_iter()
            .any(|(one, _)| find(pairs(), &one.key).is_some_and(|(_, value)| !is_blank(&value)))
    }

    /// Whether a column of this name is mapped.
    pub fn names(&self, column: &str) -> bool {
        let column = normalized(column);
        !column.is_empty() && self.assignments.iter().any(|(one, _)| normalized(&one.key) == column)
    }

    /// Gives mapped columns their number as name, and tells whether other columns are mapped by name.
    pub fn number_columns(&self, names: &mut [String]) -> bool {
        let mut by_name = false;
        for (Assignment { key, .. }, _) in &self.assignments {
            let number = key.parse::<usize>().ok().filter(|_| !names.contains(key));
            match number.and_then(|number| names.get_mut(number.checked_sub(1)?)) {
                Some(name) => name.clone_from(key),
                None => by_name |= number.is_none(),
            }
        }
        by_name
    }

    /// Takes the values of the mapped parts out of a record. A part without a value in this record is null. If several
    /// keys are assigned to a part, the first with a value counts; lists (tags and other titles) take all.
    pub fn take(&self, pairs: &mut Vec<(String, Value)>) -> BTreeMap<&'static str, Value> {
        if self.is_empty() {
            return BTreeMap::new();
        }
        self.records.set(self.records.get() + 1);
        self.note_keys(pairs);
        let mut parts: BTreeMap<&'static str, Value> = BTreeMap::new();
        let mut used = Vec::new();
        for (Assignment { part, key }, found) in &self.assignments {
            let value = match find(pairs.iter().map(|(name, value)| (name.as_str(), value)), key) {
                Some((nth, value)) => {
                    found.set(true);
                    used.extend(nth);
                    value
                }
                None => Value::Null,
            };
            let is_list = matches!(*part, "tags" | "also");
            let known = parts.entry(part).or_default();
            match (known, value) {
                (_, value) if is_blank(&value) => {}
                (known @ Value::Null, value) => *known = value,
                (known, value) if is_list => {
                    *known = Value::Array([items(known.take()), items(value)].concat())
                }
                _ => {}
            }
        }
        let mut nth = 0..;
        pairs.retain(|_| !nth.next().is_some_and(|nth: usize| used.contains(&nth)));
        parts
    }

    fn note_keys(&self, pairs: &[(String, Value)]) {
        let mut keys = self.keys.borrow_mut();
        for (name, _) in pairs {
            if keys.len() > KEYS_NAMED {
                return;
            }
            if !keys.contains(name) {
                keys.push(name.clone());
            }
        }
    }

    /// The error for keys that no record of the file has; `None` if there is none, or if no record was read.
    pub fn missing(&self) -> Option<String> {
        let missing: Vec<String> = self
            .assignments
            .iter()
            .filter(|(_, found)| !found.get())
            .map(|(one, _)| format!("`{}` (--map {one})", one.key))
            .collect();
        if missing.is_empty() || self.records() == 0 {
            return None;
        }
        let keys = self.keys.borrow();
        let more = if keys.len() > KEYS_NAMED { ", …" } else { "" };
        let keys = keys.iter().take(KEYS_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        Some(format!("no record has the key {}; the keys are {keys}{more}", missing.join(" or ")))
    }
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn items(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        value => vec![value],
    }
}

/// The value of a key, and the number of its pair if the key is its whole name. A name that contains dots comes before
/// a path.
fn find<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a Value)> + Clone,
    key: &str,
) -> Option<(Option<usize>, Value)> {
    let named = |wanted: &str| {
        let mut exact = pairs.clone();
        let same = |(name, _): (&str, &Value)| normalized(name) == normalized(wanted);
        exact.position(|(name, _)| name == wanted).or_else(|| pairs.clone().position(same))
    };
    let value = |nth: usize| pairs.clone().nth(nth).map(|(_, value)| value);
    if let Some(nth) = named(key) {
        return Some((Some(nth), value(nth)?.clone()));
    }
    key.match_indices('.').find_map(|(at, _)| {
        let nested = value(named(&key[..at])?)?;
        Some((None, below(nested, &key[at + 1..])?))
    })
}

/// The value at a path below another. A path through a list gives the values of all of its items.
fn below(value: &Value, path: &str) -> Option<Value> {
    match value {
        Value::Object(object) => {
            find(object.iter().map(|(name, value)| (name.as_str(), value)), path).map(|(_, value)| value)
        }
        Value::Array(list) => {
            let mut found: Vec<Value> = Vec::new();
            for value in list.iter().filter_map(|item| below(item, path)).flat_map(items) {
                if !found.contains(&value) {
                    found.push(value);
                }
            }
            (!found.is_empty()).then_some(Value::Array(found))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::{Options, testing};

    #[track_caller]
    fn check(name: &str, text: &str, map: &str, expected: &str) {
        let map = map.split(',').map(|one| one.parse().unwrap()).collect();
        let shown = testing::read_named(name, text.as_bytes(), &Options { map, ..Options::default() });
        let expected: String = expected.lines().map(|line| format!("{}\n", line.trim_start())).collect();
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn assignments_are_checked() {
        let error = |text: &str| text.parse::<Assignment>().unwrap_err();
        assert_eq!(error("prompt"), "expected PART=KEY, such as question=prompt");
        assert!(error("title=x").starts_with("unknown part `title`; the parts are question, answer, "));
        assert_eq!(error("answer= "), "expected a key after `answer=`");
        let assignment: Assignment = "question = a=b".parse().unwrap();
        assert_eq!((assignment.part, assignment.key.as_str()), ("question", "a=b"));
        let json = serde_json::to_string(&assignment).unwrap();
        assert_eq!(json, r#""question=a=b""#);
        assert_eq!(serde_json::from_str::<Assignment>(&json).unwrap(), assignment);
    }

    #[test]
    fn keys_and_paths_of_json() {
        let lines = r#"{"qtext":"Why wax?","out":{"best":"It lasts."},"meta":{"topic":"Ropes","ids":[{"n":7},{"n":7}]}}
{"qtext":["Is it hard?","Hard?"],"out":{"best":""},"body":"Hm."}
{"q text":"no"}
"#;
        check(
            "a.jsonl",
            lines,
            "question=qtext,answer=out.best,section=meta.topic,id=meta.ids.n",
            "1 #7 Ropes > Why wax? = It lasts.
             2 Is it hard? = 
             3 ! no question: the mapped key is missing or empty",
        );
        // A name with dots comes before a path, and one of the same spelling before a similar one.
        check(
            "a.jsonl",
            r#"{"m.q":"Why wax?","m":{"q":"no"},"Why Not":"b","why_not":"a"}"#,
            "question=m.q,answer=why_not",
            "1 Why wax? = a",
        );
    }

    #[test]
    fn records_of_every_shape_of_json() {
        let expected = "1 Why wax? = It lasts.\n2 Is it hard? = No.";
        let records = "[{\"t\":\"Why wax?\",\"r\":\"It lasts.\"},\n{\"t\":\"Is it hard?\",\"r\":\"No.\"}]";
        check("a.json", records, "question=t,answer=r", expected);
        check(
            "a.json",
            &format!("{{\"rows\":{records}, \"by\":[{{\"name\":\"x\"}}]}}"),
            "question=t,answer=r",
            expected,
        );
        check(
            "a.json",
            r#"{"m":{"t":"Why wax?"},"r":["It","lasts."]}"#,
            "question=m.t,answer=r",
            "1 Why wax? = It||lasts.",
        );
        check(
            "a.json",
            r#"{"x":{"t":"Why wax?"},"y":{"t":"Is it?"}}"#,
            "question=t",
            "1 #x Why wax? = \n1 #y Is it? = ",
        );
    }

    #[test]
    fn columns_by_name_and_number() {
        let expected = "2 Ropes > Why wax? = It lasts.";
        check(
            "a.csv",
            "Thing,Prompt Text,reply\nRopes,Why wax?,It lasts.\n",
            "question=prompt text,answer=reply,section=1",
            expected,
        );
        check("a.csv", "a;b;c\nWhy wax?;It lasts.;Ropes\n", "question=a,answer=2,section=3", expected);
        check(
            "a.tsv",
            "Why wax\tIt lasts.\nIs it hard\tNo.\n",
            "question=1,answer=2",
            "1 Why wax = It lasts.\n2 Is it hard = No.",
        );
        // A header that is known without the mapping is not a record.
        check("a.csv", "title,text,x\nno,no,Why wax?\n", "question=3", "2 Why wax? = no");
    }

    #[test]
    fn records_of_yaml_and_toml() {
        check(
            "a.yml",
            "- t: Wax\n  r: {best: It lasts.}\n- t: Knots\n- x: y\n",
            "question=t,answer=r.best",
            "1 Wax = It lasts.
             3 Knots = \n4 ! no question: the mapped key is missing or empty",
        );
        check(
            "a.yaml",
            "- category: Ropes\n  rows:\n    - {t: [Wax, Waxing], m: {a: {b: It lasts.}}}\nn1:\n",
            "question=t,answer=m.a.b",
            "3 Ropes > Wax = It lasts.
             4 ! broken YAML: while parsing a block collection, did not find expected '-' indicator",
        );
        check(
            "a.yml",
            "Nets:\n  n1:\n    t: Knots\n    r: A bend.\nmenu:\n- title: Home\n",
            "question=t,answer=r",
            "2 #n1 Nets > Knots = A bend.",
        );
        check("a.yml", "posts:\n- title: Wax\n  r: It lasts.\n", "answer=r", "2 posts > Wax = It lasts.");
        check(
            "a.toml",
            "[[posts]]\nt = 'Wax'\nm.r = 'It lasts.'\n[[posts]]\nt = ''\n",
            "question=t,answer=m.r",
            "1 posts > Wax = It lasts.
             4 ! no question: the mapped key is missing or empty",
        );
        check(
            "a.toml",
            "[package]\nname = 'x'\n",
            "question=t",
            "! --map applies to records, but no record has its keys",
        );
    }

    #[test]
    fn fields_of_anki_have_numbers() {
        check(
            "a.txt",
            "#separator:tab\n#deck:Ropes\nmaterial\tWax\tIt lasts.\n",
            "question=2,tags=1",
            "3 Ropes > Wax = It lasts.",
        );
    }

    #[test]
    fn a_key_that_no_record_has_is_named() {
        check(
            "a.jsonl",
            "{\"t\":\"Why wax?\",\"r\":null}\n{\"t\":\"Is it?\",\"s\":1}\n",
            "question=t,answer=r,tags=labels,id=8",
            "1 Why wax? = 
             2 Is it? = 
             1 ! no record has the key `labels` (--map tags=labels) or `8` (--map id=8); the keys are r, t, s",
        );
        check(
            "a.csv",
            "a,b\n1,2\n",
            "question=c",
            "2 ! no question: the mapped key is missing or empty
             1 ! no record has the key `c` (--map question=c); the keys are a, b",
        );
        check(
            "a.md",
            "## Why wax?\n\nIt lasts.\n",
            "question=c",
            "1 Why wax? = It lasts.
             ! --map applies to records, but the file was read as Markdown; name its format with --format",
        );
    }

    #[test]
    fn several_keys_for_a_part() {
        let options = Options {
            map: ["question=a", "question=b", "tags=x", "tags=y", "date=d"]
                .map(|one| one.parse().unwrap())
                .into(),
            ..Options::default()
        };
        let shown = testing::read_named(
            "a.jsonl",
            br#"{"a":"","b":"Why wax?","x":["p"],"y":"q","d":"2020","z":"w"}"#,
            &options,
        );
        assert_eq!(shown, "1 Why wax? = \n");
        let mapping = Mapping::new(&options.map);
        let mut pairs = vec![
            ("x".to_owned(), serde_json::json!(["p"])),
            ("y".to_owned(), "q".into()),
            ("z".to_owned(), "w".into()),
        ];
        assert_eq!(mapping.take(&mut pairs)["tags"], serde_json::json!(["p", "q"]));
        assert_eq!(pairs.len(), 1);
    }
}
