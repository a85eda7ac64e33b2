//! The index before the build, and whether its vectors can be used again.

use std::collections::HashMap;

use anyhow::{Context, bail};

use super::options::Build;
use crate::embed::ModelInfo;
use crate::hint::hinted;
use crate::index::commit_file;
use crate::index::lock::WriteLock;
use crate::index::metadata::Meta;
use crate::index::open_error::OpenError;
use crate::index::quantized::Quantized;
use crate::index::reader::Index;
use crate::index::tantivy_index::{create, prepare};

/// The index before the build.
pub struct Before {
    pub index: Option<Index>,
    /// The segment and row of the vector of each embedded text, by the hash of the text.
    pub rows: HashMap<u64, (u32, u32)>,
}

impl Before {
    /// The vector of a text with this hash.
    pub fn vector(&self, hash: u64) -> Option<Quantized> {
        let (segment, row) = self.rows.get(&hash)?;
        Some(self.index.as_ref()?.vectors()[*segment as usize].row(*row as usize))
    }
}

impl Build<'_> {
    /// Looks at the last commit. The vectors of another model are of no use.
    pub(super) fn before(&self, index: Result<Index, OpenError>) -> anyhow::Result<Before> {
        let index = match index {
            Ok(index) => index,
            Err(OpenError::Missing { .. }) => return Ok(Before { index: None, rows: HashMap::new() }),
            Err(error) => return Err(error.into()),
        };
        if !self.is_model_of(&index) {
            if self.switch_model {
                return Ok(Before { index: Some(index), rows: HashMap::new() });
            }
            let label =
                |model: Option<&ModelInfo>| model.map_or("keywords only".to_owned(), ModelInfo::label);
            bail!(hinted(
                format!(
                    "the index in {} was built with {}, not with {}",
                    self.dir.display(),
                    label(index.meta.model.as_ref()),
                    label(self.embedder.map(|embedder| embedder.model()))
                ),
                "`rqsearch index --model …` embeds everything again with another model"
            ));
        }
        let rows = (0..)
            .zip(index.vectors())
            .flat_map(|(segment, vectors)| {
                vectors.hashes().zip(0..).map(move |(hash, row)| (hash, (segment, row)))
            })
            .collect();
        Ok(Before { index: Some(index), rows })
    }

    /// Whether the index has the vectors of this model, or both have none.
    pub(super) fn is_model_of(&self, index: &Index) -> bool {
        match (&index.meta.model, self.embedder) {
            (Some(model), Some(embedder)) => model.is_same(embedder.model()),
            (None, None) => true,
            _ => false,
        }
    }

    /// Opens the index to write it, with the metadata of the next commit.
    pub(super) fn create_or_open(
        &self,
        before: &Before,
        lock: &WriteLock,
    ) -> anyhow::Result<(tantivy::Index, Meta)> {
        // The path or address of the same model may have changed.
        let model = self.embedder.map(|embedder| embedder.model().clone());
        let meta = match &before.index {
            Some(index) if self.is_model_of(index) => Meta { model, ..index.meta.clone() },
            Some(index) => {
                let Meta { roots, reading, .. } = index.meta.clone();
                Meta { roots, reading, ..Meta::new(model) }
            }
            None => Meta::new(model),
        };
        let index = if self.dir.join(commit_file::NAME).is_file() {
            tantivy::Index::open(lock.clone()).map(|index| prepare(index, &meta))
        } else {
            create(lock.clone(), &meta)
        };
        Ok((index.with_context(|| format!("could not create an index in {}", self.dir.display()))?, meta))
    }
}
