//! The questions of a static search, as its dialog shows them.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::{Value, json};
use tantivy::DocAddress;
use xxhash_rust::xxh3::xxh3_64;

use super::files::{Files, Kind};
use super::link::Addresses;
use crate::analyze::Language;
use crate::index::Index;
use crate::question::Question;
use crate::search::excerpt_runs;

/// About how many questions are in a part.
const IN_PART: usize = 8;

/// With more parts, the list of their names is in parts itself, of so many names.
const MAX_LISTED: usize = 256;
const LISTED: usize = 128;

/// A question with what the other parts need.
pub struct Document {
    /// Its number in all parts.
    pub number: u32,
    /// The language that it is analyzed in.
    pub language: Language,
    /// The question.
    pub question: Question,
    /// Where the index has it.
    pub address: DocAddress,
}

/// All questions, in the order of their numbers.
pub struct Documents {
    /// The questions.
    pub questions: Vec<Document>,
    /// How many bits a number has.
    bits: u32,
}

impl Documents {
    /// Reads the questions of an index.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn read(index: &Index) -> anyhow::Result<Self> {
        let mut questions = index.addressed_questions()?;
        questions.sort_by(|(_, a), (_, b)| (&a.source, &a.id).cmp(&(&b.source, &b.id)));
        let mut numbers = Numbers::new(questions.len());
        let bits = numbers.bits;
        let document = |(address, question): (DocAddress, Question)| -> anyhow::Result<Document> {
            let language = index.language_of(address)?.unwrap_or(Language::English);
            Ok(Document { number: numbers.of(&question.id), language, question, address })
        };
        let mut questions: Vec<Document> =
            questions.into_iter().map(document).collect::<anyhow::Result<_>>()?;
        questions.sort_by_key(|document| document.number);
        Ok(Self { questions, bits })
    }

    /// The path of a question's file if it is absolute: the file is not below the directory that contains the index.
    pub fn absolute_path(&self) -> Option<&str> {
        let mut paths = self.questions.iter().map(|document| document.question.source.path.as_str());
        paths.find(|path| Path::new(path).is_absolute())
    }

    /// Writes the parts with what the dialog shows of each question, and whole answers of those without an address.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, files: &mut Files, mut addresses: Addresses) -> anyhow::Result<Value> {
        let parts = self.questions.len().div_ceil(IN_PART).next_power_of_two().max(1);
        let shift = self.bits - parts.ilog2();
        let mut shown: Vec<Vec<Value>> = vec![Vec::new(); parts];
        let mut answers = shown.clone();
        for Document { number, question, .. } in &self.questions {
            let part = (number >> shift) as usize;
            let address = addresses.of(question)?;
            if address.is_none() {
                answers[part].push(json!([number, question.answer]));
            }
            shown[part].push(entry(*number, question, address.as_deref()));
        }
        let shown = hashes(files, Kind::Documents, &shown)?;
        let answers = hashes(files, Kind::Answers, &answers)?;
        Ok(json!({ "shift": shift, "shown": list(files, &shown)?, "answers": list(files, &answers)? }))
    }
}

/// What the dialog shows of a question: its number, id, title, address, section, level, tags, alternative titles, and the
/// excerpts of its answer.
fn entry(number: u32, question: &Question, address: Option<&str>) -> Value {
    let Question { id, title, section, level, tags, also, .. } = question;
    json!([number, id, title, address, section, level, tags, also, excerpt_runs(&question.readable_answer())])
}

/// Writes parts and returns their hashes: empty for a part without entries.
fn hashes(files: &mut Files, kind: Kind, parts: &[Vec<Value>]) -> anyhow::Result<Vec<String>> {
    let hash = |part: &Vec<Value>| match part.is_empty() {
        true => Ok(String::new()),
        false => files.part(kind, serde_json::to_string(part)?.as_bytes()),
    };
    parts.iter().map(hash).collect()
}

/// The hashes as they are in the manifest: themselves, or the hashes of lists of them.
fn list(files: &mut Files, hashes: &[String]) -> anyhow::Result<Value> {
    if hashes.len() <= MAX_LISTED {
        return Ok(json!({ "parts": hashes.join(" ") }));
    }
    let lists = hashes.chunks(LISTED).map(|list| files.part(Kind::Lists, list.join(" ").as_bytes()));
    Ok(json!({ "each": LISTED, "lists": lists.collect::<anyhow::Result<Vec<_>>>()?.join(" ") }))
}

/// Gives each question a number that depends on its id, so that the numbers of the others stay the same when a question
/// is added or removed. Numbers are spread over a range that is 16 to 32 times as large as the number of questions.
pub struct Numbers {
    bits: u32,
    taken: HashSet<u32>,
}

impl Numbers {
    fn new(questions: usize) -> Self {
        Self { bits: (16 * questions.max(1)).next_power_of_two().ilog2(), taken: HashSet::new() }
    }

    /// The number of a question: the next one that is free, if another question has the same.
    fn of(&mut self, id: &str) -> u32 {
        let mask = (1_u64 << self.bits) - 1;
        let mut number = xxh3_64(id.as_bytes()) & mask;
        while !self.taken.insert(number as u32) {
            number = (number + 1) & mask;
        }
        number as u32
    }
}

/// The sections and tags of the questions, by which hits can be filtered.
#[derive(Default)]
pub struct Facets {
    /// The numbers of the questions of each section.
    sections: BTreeMap<String, Vec<u32>>,
    /// The same for tags, which are in lower case.
    tags: BTreeMap<String, Vec<u32>>,
}

impl Facets {
    /// The sections and tags of all questions.
    pub fn of(documents: &Documents) -> Self {
        let mut facets = Self::default();
        for Document { number, question, .. } in &documents.questions {
            if let Some(section) = &question.section {
                facets.sections.entry(section.clone()).or_default().push(*number);
            }
            for tag in &question.tags {
                let numbers = facets.tags.entry(tag.to_lowercase()).or_default();
                if numbers.last() != Some(number) {
                    numbers.push(*number);
                }
            }
        }
        facets
    }

    /// The names of the sections and tags, with the number of questions of each.
    pub fn to_json(&self) -> Value {
        let counts = |lists: &BTreeMap<String, Vec<u32>>| -> Vec<Value> {
            lists.iter().map(|(name, numbers)| json!([name, numbers.len()])).collect()
        };
        json!({ "sections": counts(&self.sections), "tags": counts(&self.tags) })
    }

    /// The numbers of the questions of each section and tag, with a key that no term has.
    pub fn lists(&self) -> Vec<(String, Vec<u32>)> {
        let keyed = |mark: &'static str| {
            move |(name, numbers): (&String, &Vec<u32>)| (format!("\u{1}{mark}{name}"), numbers.clone())
        };
        self.sections.iter().map(keyed("s")).chain(self.tags.iter().map(keyed("t"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_does_not_depend_on_other_questions() {
        let ids: Vec<String> = (0..500).map(|nth| format!("{nth:012x}")).collect();
        let of = |ids: &[String]| {
            let mut numbers = Numbers::new(500);
            ids.iter().map(|id| (id.clone(), numbers.of(id))).collect::<BTreeMap<_, _>>()
        };
        let (all, some) = (of(&ids), of(&ids[1..]));
        let moved = some.iter().filter(|(id, number)| all[*id] != **number).count();
        assert!(moved <= 1, "{moved}");
        assert_eq!(all.values().collect::<HashSet<_>>().len(), 500);
    }
}
