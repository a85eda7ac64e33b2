//! The collections of an index in a cluster, and their fields.
//!
//! | collection | an entity is | fields |
//! |---|---|---|
//! | `NAME` | a question | its record, its vectors, its words as a sparse vector, and what filters need |
//! | `NAME_vectors` | a vector of a question, without the mean of the corpus | what filters need |
//! | `NAME_parts` | a text by its key | statistics, files, leases, and texts that are too long for a field |
//!
//! All that a search needs to rank a question is in its entity of `NAME`, which is replaced as a whole. The entities of
//! `NAME_vectors` only find candidates.

use milvus::v2::prelude::*;

use super::address::Address;

/// The greatest length of a text field in bytes.
pub const LONGEST: usize = 65_535;

/// The date of a question without one.
pub const NO_DATE: i64 = i64::MIN / 2;

pub const ID: &str = "id";
pub const HASH: &str = "hash";
pub const KEY: &str = "key";
pub const PATH: &str = "path";
pub const SOURCE: &str = "source";
pub const SECTION: &str = "section";
pub const LEVEL: &str = "level";
pub const TAGS: &str = "tags";
pub const DATE: &str = "date";
pub const DATA: &str = "data";
pub const RECORD: &str = "record";
pub const WORDS: &str = "words";
pub const QUESTION: &str = "question";
pub const ROW: &str = "row";
pub const VECTOR: &str = "vector";
pub const TEXT: &str = "text";

/// The names of the collections of an index.
pub fn collections(address: &Address) -> [String; 3] {
    [questions(address), vectors(address), parts(address)]
}

pub fn questions(address: &Address) -> String {
    address.collection.clone()
}

pub fn vectors(address: &Address) -> String {
    format!("{}_vectors", address.collection)
}

pub fn parts(address: &Address) -> String {
    format!("{}_parts", address.collection)
}

fn text(name: &str) -> FieldSchema {
    FieldSchema::new().name(name).data_type(DataType::VarChar).max_length(LONGEST as u32)
}

fn key(name: &str) -> FieldSchema {
    FieldSchema::new().name(name).data_type(DataType::VarChar).max_length(512).primary_key(true)
}

fn integer(name: &str) -> FieldSchema {
    FieldSchema::new().name(name).data_type(DataType::Int64)
}

fn texts(name: &str) -> FieldSchema {
    let list = FieldSchema::new().name(name).data_type(DataType::Array).element_type(DataType::VarChar);
    list.max_capacity(4096).max_length(LONGEST as u32)
}

fn with_filters(schema: CollectionSchema) -> CollectionSchema {
    [text(SOURCE), text(SECTION), text(LEVEL), texts(TAGS), integer(DATE)]
        .into_iter()
        .fold(schema, CollectionSchema::add_field)
}

fn create(
    name: String,
    schema: CollectionSchema,
    index: IndexParam,
) -> anyhow::Result<CreateCollectionRequest> {
    Ok(CreateCollectionRequest::builder()
        .collection_name(name)
        .description("rqsearch")
        .schema(schema)
        .consistency_level(ConsistencyLevel::Strong)
        .index_params(vec![index])
        .build()?)
}

/// The requests that create the collections. `dimensions` are those of the vectors; there are none without a model.
pub fn creation(address: &Address, dimensions: usize) -> anyhow::Result<Vec<CreateCollectionRequest>> {
    let schema = [text(KEY), text(PATH), integer(HASH), text(DATA), text(RECORD)]
        .into_iter()
        .fold(with_filters(CollectionSchema::new().add_field(key(ID))), CollectionSchema::add_field);
    let sparse = FieldSchema::new().name(WORDS).data_type(DataType::SparseFloatVector);
    let words = IndexParam::new().field_name(WORDS).index_type(IndexType::SparseInvertedIndex);
    let questions = create(questions(address), schema.add_field(sparse), words.metric_type(MetricType::Ip))?;

    let dense = |dimensions: usize| {
        FieldSchema::new().name(VECTOR).data_type(DataType::FloatVector).dimension(dimensions.max(2) as u32)
    };
    let index = |kind| IndexParam::new().field_name(VECTOR).index_type(kind).metric_type(MetricType::Ip);
    let schema = with_filters(CollectionSchema::new().add_field(key(ID)))
        .add_field(text(QUESTION))
        .add_field(integer(ROW))
        .add_field(dense(dimensions));
    let vectors = create(vectors(address), schema, index(IndexType::AutoIndex))?;

    let schema = CollectionSchema::new().add_field(key(ID)).add_field(text(TEXT)).add_field(dense(2));
    let parts = create(parts(address), schema, index(IndexType::Flat))?;
    // The collection that an index is recognized by is the last.
    Ok(vec![vectors, parts, questions])
}
