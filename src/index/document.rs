//! Converts a question to a tantivy document.

use anyhow::ensure;
use tantivy::TantivyDocument;

use super::schema::{Fields, QUESTION};
use super::text_hash;
use super::vectors::{Quantized, Row, encode_rows};
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
    doc.add_text(fields.title, &question.title);
    for also in &question.also {
        doc.add_text(fields.also, also);
    }
    let titles = std::iter::once(&question.title).chain(&question.also);
    for key in titles.filter_map(|title| title_key(title)) {
        doc.add_text(fields.title_key, key);
    }
    doc.add_text(fields.answer, question.readable_answer());
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

/// Embeds a question: returns a row for each of its chunks.
///
/// # Errors
/// The model fails, or returns vectors of the wrong number or size.
pub fn rows(question: &Question, embedder: &dyn Embedder) -> anyhow::Result<Vec<Row>> {
    let chunks = chunks(question, |text| embedder.count_tokens(text), embedder.model().window);
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
