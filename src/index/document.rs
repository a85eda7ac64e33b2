//! Converts a question to a tantivy document.

use std::collections::BTreeSet;

use anyhow::ensure;
use tantivy::TantivyDocument;
use xxhash_rust::xxh3::xxh3_64;

use super::quantized::Quantized;
use super::rows::{Row, encode_rows};
use super::schema::{Fields, QUESTION};
use crate::analyze::{Language, Script, detect, tagged, tokens_in};
use crate::chunk::{Chunk, chunks};
use crate::embed::{Embedder, Role};
use crate::question::Question;
use crate::read::date_span;
use crate::title::title_key;

/// Creates the document of a question with its vectors.
///
/// # Errors
/// The question cannot be serialized to JSON. No case is known: a question is plain data.
pub fn document(fields: &Fields, question: &Question, rows: &[Row]) -> anyhow::Result<TantivyDocument> {
    let mut doc = TantivyDocument::new();
    doc.add_text(fields.kind, QUESTION);
    doc.add_text(fields.id, &question.id);
    doc.add_text(fields.path, &question.source.path);
    let answer = question.readable_answer();
    let language = language(question, &answer);
    doc.add_text(fields.language, language.code());
    doc.add_text(fields.title, tagged(&question.title, language));
    for also in &question.also {
        doc.add_text(fields.also, tagged(also, language));
    }
    let titles = std::iter::once(&question.title).chain(&question.also);
    for key in titles.filter_map(|title| title_key(title)) {
        doc.add_text(fields.title_key, key);
    }
    if language.is_compounding() {
        for word in reversed_words(question, &answer, language) {
            doc.add_text(fields.reversed, word);
        }
    }
    doc.add_text(fields.answer, tagged(&answer, language));
    if let Some(key) = &question.key {
        doc.add_text(fields.key, key);
    }
    if let Some(section) = &question.section {
        doc.add_text(fields.section, section.to_lowercase());
    }
    if let Some(level) = &question.level {
        doc.add_text(fields.level, level.to_lowercase());
    }
    for tag in &question.tags {
        doc.add_text(fields.tag, tag.to_lowercase());
    }
    if let Some((date, _)) = question.date.as_deref().and_then(date_span) {
        doc.add_i64(fields.date, date);
    }
    if let Some(score) = question.score.filter(|score| score.is_finite()) {
        doc.add_f64(fields.score, score);
    }
    doc.add_text(fields.record, serde_json::to_string(question)?);
    if !rows.is_empty() {
        doc.add_custom(fields.vectors, &encode_rows(rows));
    }
    Ok(doc)
}

/// The record in the bytes of a stored document: `None` if the bytes are damaged. The record is the only stored field.
///
/// Tantivy's own parser reserves as many bytes as a length in the file says. In a damaged file, that can be more than
/// the machine has, which ends the process.
pub fn stored_record(bytes: &[u8]) -> Option<&str> {
    const TEXT: u8 = 0;
    const FIELD: usize = 4;
    let (fields, rest) = variable_length(bytes)?;
    let (kind, rest) = rest.get(FIELD..)?.split_first()?;
    let (length, text) = variable_length(rest)?;
    (fields == 1 && *kind == TEXT && length == text.len() as u64)
        .then_some(text)
        .and_then(|text| std::str::from_utf8(text).ok())
}

/// Reads a number of seven bits per byte, lowest first, and returns what follows it. The last byte has its highest bit
/// set.
fn variable_length(bytes: &[u8]) -> Option<(u64, &[u8])> {
    const LAST: u8 = 0x80;
    let end = bytes.iter().take(10).position(|byte| byte & LAST != 0)?;
    let seven_bits = |value, byte: &u8| value << 7 | u64::from(byte & !LAST);
    Some((bytes[..=end].iter().rev().fold(0, seven_bits), &bytes[end + 1..]))
}

/// The language of a question, from its title, alternative titles and answer.
pub(super) fn language(question: &Question, answer: &str) -> Language {
    let titles = std::iter::once(&question.title).chain(&question.also);
    detect(&titles.map(String::as_str).chain([answer]).collect::<Vec<_>>().join("\n"))
}

/// The fewest letters of a word that may be a compound, after stemming.
const COMPOUND: usize = 7;

/// The stems of the long words of a question, written backwards.
pub(super) fn reversed_words(question: &Question, answer: &str, language: Language) -> BTreeSet<String> {
    let texts = [question.title.as_str(), answer].into_iter().chain(question.also.iter().map(String::as_str));
    let mut words = BTreeSet::new();
    for token in texts.flat_map(|text| tokens_in(text, &[language])) {
        let is_latin = || token.text.chars().all(|c| Script::of(c) == Some(Script::Latin));
        if !token.whole && token.text.chars().count() >= COMPOUND && is_latin() {
            words.insert(reversed(&token.text));
        }
    }
    words
}

/// The chunks of a question that a model can read.
pub fn readable_chunks(question: &Question, embedder: &dyn Embedder) -> Vec<Chunk> {
    let mut chunks = chunks(question, |text| embedder.count_tokens(text), embedder.model().window);
    chunks.retain(|chunk| embedder.can_read(&chunk.text));
    chunks
}

/// Embeds a question: returns a row for each of its chunks that the model can read.
///
/// # Errors
/// The model fails, or returns vectors of the wrong number or size.
pub fn rows(question: &Question, embedder: &dyn Embedder) -> anyhow::Result<Vec<Row>> {
    let chunks = readable_chunks(question, embedder);
    let texts: Vec<&str> = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
    let vectors = embedder.embed_all(&texts, Role::Passage)?;
    ensure!(
        vectors.len() == texts.len(),
        "the model returned {} vectors for {} texts",
        vectors.len(),
        texts.len()
    );
    let row = |(chunk, vector): (Chunk, Vec<f32>)| {
        let vector = Quantized::of(&vector, embedder.model())?;
        Ok(Row { hash: text_hash(&chunk.text), passage: chunk.passage, vector })
    };
    chunks.into_iter().zip(vectors).map(row).collect()
}

/// A term backwards, as the field of words written backwards has it.
pub(crate) fn reversed(term: &str) -> String {
    term.chars().rev().collect()
}

/// The hash that identifies an embedded text.
pub fn text_hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_from_intact_bytes_only() {
        let text = "x".repeat(200);
        let mut bytes = vec![0x81, 7, 0, 0, 0, 0, 200 & 0x7f, (200 >> 7) | 0x80];
        bytes.extend(text.as_bytes());
        assert_eq!(stored_record(&bytes), Some(text.as_str()));
        for end in 0..bytes.len() {
            assert_eq!(stored_record(&bytes[..end]), None, "{end}");
        }
        // Each of these says another number of fields, another type or another length.
        for at in [0, 5, 6, 7] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x20;
            assert_eq!(stored_record(&damaged), None, "{at}");
        }
        bytes[8] = 0xff;
        assert_eq!(stored_record(&bytes), None);
    }
}
