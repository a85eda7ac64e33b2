//! The tantivy index, with the vector component and the tokenizer that every use of it needs.

use std::sync::Arc;

use super::metadata::{Meta, dimensions};
use super::schema;
use super::vector_plugin::VectorPlugin;
use crate::analyze::Analyzer;

/// Registers the vector component and the tokenizer, which every use of the index needs.
pub fn prepare(mut index: tantivy::Index, meta: &Meta) -> tantivy::Index {
    index.register_plugin(plugin(meta));
    with_tokenizer(index)
}

/// Creates an index. The vector component must be registered when the index is created.
pub fn create(
    directory: impl Into<Box<dyn tantivy::Directory>>,
    meta: &Meta,
) -> tantivy::Result<tantivy::Index> {
    let builder = tantivy::Index::builder().schema(schema::schema().0).register_plugin(plugin(meta));
    builder.open_or_create(directory).map(with_tokenizer)
}

fn plugin(meta: &Meta) -> Arc<VectorPlugin> {
    Arc::new(VectorPlugin { dimensions: dimensions(meta) })
}

fn with_tokenizer(index: tantivy::Index) -> tantivy::Index {
    index.tokenizers().register(Analyzer::NAME, Analyzer);
    index
}
