//! The schema of the tantivy documents.

use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};

use crate::analyze::Analyzer;

/// The version of the format of the commit payload and the records.
pub const FORMAT: u32 = 3;

/// The [kind](Fields::kind) of a document that holds a question.
pub const QUESTION: &str = "question";
/// The [kind](Fields::kind) of a document that records an indexed file and the hash of its content. A file is
/// read again only if its hash changed.
pub const FILE: &str = "file";
/// The second [kind](Fields::kind) of a document that records a file of phrasings.
pub const PHRASINGS: &str = "phrasings";

/// The name of [`Fields::date`] as a column.
pub const DATE: &str = "date";
/// The name of [`Fields::score`] as a column.
pub const SCORE: &str = "score";

/// The fields of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// [`QUESTION`] or `FILE`. A file has only this field, its id, its path and its record.
    pub kind: Field,
    /// The question's id.
    pub id: Field,
    /// The question's own key.
    pub key: Field,
    /// Path of the file, as in [`Source`](crate::question::Source).
    pub path: Field,
    /// The title. Searched.
    pub title: Field,
    /// The alternative titles. Searched.
    pub also: Field,
    /// The readable answer. Searched.
    pub answer: Field,
    /// The [`title_key`](crate::title::title_key) of the title and of each alternative title.
    pub title_key: Field,
    /// The code of the question's language.
    pub language: Field,
    /// Long words of languages with compounds, stemmed, written backwards. Only its dictionary is used, to find
    /// the words that end with a word.
    pub reversed: Field,
    /// The section in lower case, for filters.
    pub section: Field,
    /// The level in lower case, for filters.
    pub level: Field,
    /// Each tag in lower case, for filters.
    pub tag: Field,
    /// The date in seconds since 1970, for filters and sorting. A day counts from its beginning. Column
    /// `DATE`.
    pub date: Field,
    /// The source's rating of the question, for sorting. Column `SCORE`.
    pub score: Field,
    /// The whole record as JSON. Stored, not indexed.
    pub record: Field,
    /// The rows of the question, written to the vector component only.
    pub vectors: Field,
}

/// The schema and its fields.
pub fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let text = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default()
            .set_tokenizer(Analyzer::NAME)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions),
    );
    let fields = Fields {
        kind: builder.add_text_field("kind", STRING),
        id: builder.add_text_field("id", STRING),
        key: builder.add_text_field("key", STRING),
        path: builder.add_text_field("path", STRING),
        title: builder.add_text_field("title", text.clone()),
        also: builder.add_text_field("also", text.clone()),
        answer: builder.add_text_field("answer", text),
        title_key: builder.add_text_field("title_key", STRING),
        language: builder.add_text_field("language", STRING),
        reversed: builder.add_text_field("reversed", STRING),
        section: builder.add_text_field("section", STRING),
        level: builder.add_text_field("level", STRING),
        tag: builder.add_text_field("tag", STRING),
        date: builder.add_i64_field(DATE, FAST),
        score: builder.add_f64_field(SCORE, FAST),
        record: builder.add_text_field("record", STORED),
        vectors: builder.add_custom_field("vectors", "rqsearch-vectors", serde_json::json!({})),
    };
    (builder.build(), fields)
}
