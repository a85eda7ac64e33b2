//! Questions as entities of a cluster.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use milvus::v2::prelude::FieldData;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::schema::{
    DATA, DATE, HASH, ID, KEY, LEVEL, LONGEST, NO_DATE, PATH, QUESTION, RECORD, ROW, SECTION, SOURCE, TAGS,
    VECTOR, WORDS,
};
use crate::analyze::Language;
use crate::index::bm25::{FieldWeights, K1, saturated};
use crate::index::candidates::{CandidateDocument, FacetValues, title_hash};
use crate::index::field_words::FieldWords;
use crate::index::rows::{Row, decode_rows, encode_rows};
use crate::question::Question;
use crate::read::date_span;
use crate::title::title_key;

/// What a text starts with that stands for one that is too long for a field.
const ELSEWHERE: char = '\u{1}';

/// A dimension of every sparse vector, since a vector without any is refused. No term is looked up by it.
const ALWAYS: u32 = 0;

/// The value of the dimensions of titles. That of a term is at most `K1` + 1.
const TITLE: f32 = 4.0;

/// The dimension of a sparse vector by which the questions with a title are found, from the hash of its key.
pub fn title_dimension(hash: u64) -> u32 {
    ((hash >> 33) as u32).max(ALWAYS + 1)
}

/// What a search needs of a question besides its words and its record.
#[derive(Debug, Serialize, Deserialize)]
pub struct Data {
    language: String,
    title_length: u32,
    has_also: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    title_keys: Vec<u64>,
    /// The vectors, in base64.
    rows: String,
    /// The number of vectors.
    count: usize,
}

impl Data {
    /// The number of vectors.
    pub fn row_count(&self) -> usize {
        self.count
    }

    pub fn rows(&self) -> anyhow::Result<Vec<Row>> {
        let bytes = STANDARD.decode(&self.rows).context("the vectors of a question are damaged")?;
        ensure!(self.count > 0 || bytes.is_empty(), "the vectors of a question are damaged");
        decode_rows(&bytes, self.count).context("the vectors of a question are damaged")
    }
}

/// A question with its vectors, ready to be sent.
pub struct Entity {
    pub id: String,
    pub words: FieldWords,
    pub rows: Vec<Row>,
    hash: u64,
    key: String,
    path: String,
    filters: Filtered,
    title_keys: Vec<u64>,
    pub data: String,
    pub record: String,
    /// Texts that are too long for their field, by their keys.
    pub parts: BTreeMap<String, String>,
}

/// What filters are evaluated on.
struct Filtered {
    source: String,
    section: String,
    level: String,
    tags: Vec<String>,
    date: i64,
}

impl Entity {
    /// # Errors
    /// The id has a character that no request may contain.
    pub fn new(question: &Question, rows: Vec<Row>) -> anyhow::Result<Self> {
        ensure!(
            !question.id.chars().any(char::is_control) && question.id.len() <= 64,
            "the id {:?} of a question has a control character or more than 64 bytes, which a cluster does not accept",
            question.id
        );
        let words = FieldWords::of(question);
        let record = serde_json::to_string(question)?;
        let hash = xxh3_64(record.as_bytes());
        let titles = std::iter::once(&question.title).chain(&question.also);
        let title_keys: Vec<u64> =
            titles.filter_map(|title| title_key(title)).map(|key| title_hash(&key)).collect();
        let data = serde_json::to_string(&Data {
            language: words.language.code().to_owned(),
            title_length: words.lengths[0],
            has_also: !question.also.is_empty(),
            score: question.score.filter(|score| score.is_finite()),
            title_keys: title_keys.clone(),
            rows: STANDARD.encode(encode_rows(&rows)),
            count: rows.len(),
        })?;
        let mut parts = BTreeMap::new();
        let lower = |text: &Option<String>| shortened(text.as_deref().unwrap_or_default().to_lowercase());
        Ok(Self {
            id: question.id.clone(),
            hash,
            key: shortened(question.key.clone().unwrap_or_default()),
            path: shortened(question.source.path.clone()),
            filters: Filtered {
                source: shortened(question.source.path.to_lowercase()),
                section: lower(&question.section),
                level: lower(&question.level),
                tags: question.tags.iter().map(|tag| shortened(tag.to_lowercase())).collect(),
                date: question.date.as_deref().and_then(date_span).map_or(NO_DATE, |(first, _)| first),
            },
            title_keys,
            data: stored(&question.id, DATA, data, &mut parts),
            record: stored(&question.id, RECORD, record, &mut parts),
            parts,
            words,
            rows,
        })
    }
}

/// A text that a field can hold. Nobody filters by so long a text.
fn shortened(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// The text, or what stands for it if it is too long: the keys of its parts begin with that.
fn stored(id: &str, field: &str, text: String, parts: &mut BTreeMap<String, String>) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let prefix = format!("{id}/{field}/{:016x}", xxh3_64(text.as_bytes()));
    let split = split(&text);
    let count = split.len();
    parts.extend(split.into_iter().enumerate().map(|(nth, part)| (format!("{prefix}/{nth}"), part)));
    format!("{ELSEWHERE}{prefix} {count}")
}

/// The keys of the parts of a stored text. Empty if it is not stored elsewhere.
pub fn part_keys(stored: &str) -> Vec<String> {
    let parse = || {
        let (prefix, count) = stored.strip_prefix(ELSEWHERE)?.rsplit_once(' ')?;
        Some((0..count.parse::<usize>().ok()?).map(|nth| format!("{prefix}/{nth}")).collect())
    };
    parse().unwrap_or_default()
}

/// A stored text, with the parts that were read for it.
///
/// # Errors
/// A part is missing.
pub fn joined(stored: &str, parts: &HashMap<String, String>) -> anyhow::Result<String> {
    let keys = part_keys(stored);
    if keys.is_empty() {
        return Ok(stored.to_owned());
    }
    let part = |key: &String| parts.get(key).map(String::as_str);
    let joined: Option<Vec<&str>> = keys.iter().map(part).collect();
    Ok(joined.context("a part of a question is missing; it is being replaced or was lost")?.concat())
}

/// Splits a text into parts that a field can hold.
pub fn split(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(0);
        let (part, after) = rest.split_at(end);
        parts.push(part.to_owned());
        rest = after;
    }
    parts.push(rest.to_owned());
    parts
}

/// The fields of questions.
pub fn question_fields(entities: &[Entity], weights: &FieldWeights) -> Vec<FieldData> {
    let texts = |of: fn(&Entity) -> &String| entities.iter().map(|entity| of(entity).clone()).collect();
    let mut fields = vec![
        FieldData::varchar(ID, texts(|entity| &entity.id)),
        FieldData::int64(HASH, entities.iter().map(|entity| entity.hash as i64).collect()),
        FieldData::varchar(KEY, texts(|entity| &entity.key)),
        FieldData::varchar(PATH, texts(|entity| &entity.path)),
        FieldData::varchar(DATA, texts(|entity| &entity.data)),
        FieldData::varchar(RECORD, texts(|entity| &entity.record)),
        FieldData::sparse_float_vector(
            WORDS,
            entities.iter().map(|entity| sparse(&entity.words, &entity.title_keys, weights)).collect(),
        ),
    ];
    fields.extend(filter_fields(entities.iter()));
    fields
}

/// The fields of all vectors of questions. `centre` takes the mean of the corpus from a vector.
pub fn vector_fields(entities: &[Entity], centre: impl Fn(&Row) -> Vec<f32>) -> Vec<FieldData> {
    let rows = || {
        entities
            .iter()
            .flat_map(|entity| entity.rows.iter().enumerate().map(move |(nth, row)| (entity, nth, row)))
    };
    let mut fields = vec![
        FieldData::varchar(ID, rows().map(|(entity, nth, _)| vector_key(&entity.id, nth)).collect()),
        FieldData::varchar(QUESTION, rows().map(|(entity, ..)| entity.id.clone()).collect()),
        FieldData::int64(ROW, rows().map(|(_, nth, _)| nth as i64).collect()),
        FieldData::float_vector(VECTOR, rows().map(|(.., row)| centre(row)).collect()),
    ];
    fields.extend(filter_fields(rows().map(|(entity, ..)| entity)));
    fields
}

/// The key of a vector of a question.
pub fn vector_key(id: &str, nth: usize) -> String {
    format!("{id}/{nth}")
}

fn filter_fields<'a>(entities: impl Iterator<Item = &'a Entity> + Clone) -> Vec<FieldData> {
    let texts = |of: fn(&Filtered) -> &String| {
        entities.clone().map(|entity| of(&entity.filters).clone()).collect::<Vec<_>>()
    };
    vec![
        FieldData::varchar(SOURCE, texts(|filters| &filters.source)),
        FieldData::varchar(SECTION, texts(|filters| &filters.section)),
        FieldData::varchar(LEVEL, texts(|filters| &filters.level)),
        FieldData::array_varchar(TAGS, entities.clone().map(|entity| entity.filters.tags.clone()).collect()),
        FieldData::int64(DATE, entities.clone().map(|entity| entity.filters.date).collect()),
    ]
}

/// The sparse vector of a question: for each term, what it adds to the BM25 of the question if its idf is 1, and [`TITLE`]
/// for each title.
fn sparse(words: &FieldWords, titles: &[u64], weights: &FieldWeights) -> BTreeMap<u32, f32> {
    let frequencies = words.frequencies(weights).into_iter().filter(|(hash, _)| *hash != ALWAYS);
    let mut vector: BTreeMap<u32, f32> =
        frequencies.map(|(hash, frequency)| (hash, saturated(frequency))).collect();
    vector.extend(titles.iter().map(|hash| (title_dimension(*hash), TITLE)));
    vector.insert(ALWAYS, 1e-6);
    vector
}

/// The frequencies before saturation of a sparse vector.
fn frequencies(vector: &BTreeMap<u32, f32>) -> Vec<(u32, f32)> {
    let before_saturation = |score: f32| K1 * score / (K1 + 1.0 - score).max(1e-6);
    let terms = vector.iter().filter(|(hash, score)| **hash != ALWAYS && **score < TITLE);
    terms.map(|(hash, score)| (*hash, before_saturation(*score))).collect()
}

/// The candidate of an entity that was read.
///
/// # Errors
/// It is damaged.
pub fn candidate(
    id: String,
    data: &str,
    words: &BTreeMap<u32, f32>,
    date: i64,
) -> anyhow::Result<CandidateDocument> {
    let data: Data = serde_json::from_str(data).context("a question in the cluster is damaged")?;
    Ok(CandidateDocument {
        id,
        key: String::new(),
        words: frequencies(words),
        rows: data.rows()?,
        language: Language::from_code(&data.language).unwrap_or(Language::English),
        title_length: data.title_length,
        has_also: data.has_also,
        date: (date != NO_DATE).then_some(date),
        score: data.score,
        title_keys: data.title_keys,
        values: FacetValues::default(),
        is_outside: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_is_split_and_joined_again() {
        let long = "ß1 ".repeat(60_000);
        let mut parts = BTreeMap::new();
        let marker = stored("a", RECORD, long.clone(), &mut parts);
        assert!(marker.len() < 100 && parts.len() > 1 && parts.values().all(|part| part.len() <= LONGEST));
        assert_eq!(part_keys(&marker).len(), parts.len());
        let mut read: HashMap<String, String> = parts.into_iter().collect();
        assert_eq!(joined(&marker, &read).unwrap(), long);
        read.remove(&part_keys(&marker)[0]);
        assert!(joined(&marker, &read).is_err());
        assert_eq!(joined("{}", &read).unwrap(), "{}");
    }

    #[test]
    fn words_are_those_of_the_question_after_they_were_stored() {
        let question =
            Question { answer: "A lock is not a key. ".repeat(9), ..Question::new("What is a lock?", 1) };
        let (words, weights) = (FieldWords::of(&question), FieldWeights::new([5.0, 1.0, 40.0]));
        let (expected, found) =
            (words.frequencies(&weights), frequencies(&sparse(&words, &[u64::MAX, 0], &weights)));
        assert_eq!(expected.len(), found.len());
        for ((hash, frequency), (found_hash, found)) in expected.into_iter().zip(found) {
            assert!(
                hash == found_hash && (frequency - found).abs() < 1e-3 * frequency,
                "{frequency} {found}"
            );
        }
    }
}
