//! A commit of an index, open for reading.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

#[cfg(any(test, feature = "milvus"))]
use tantivy::TantivyError;
use tantivy::{DocAddress, Searcher};

use super::centre::Centre;
#[cfg(feature = "milvus")]
use super::cluster::Cluster;
use super::cluster_address::NeedsCopy;
use super::cosine_scale::CosineScale;
use super::metadata::{Meta, absolute_roots};
use super::schema::Fields;
use super::space::Space;
use super::statistics::Statistics;
use super::store::{Local, Store};
use super::stored_path::{base_of, path_of};
use super::union::Member;
use super::vectors::Vectors;
use crate::analyze::Language;
use crate::curation::Curation;
use crate::question::Source;

/// A snapshot of an index at one commit, open for searching.
///
/// Later commits are not visible. Open the index again to see them.
#[derive(Clone)]
pub struct Index {
    pub(super) store: Store,
    pub(super) vectors: Arc<[Vectors]>,
    pub(super) fields: Fields,
    pub(super) meta: Meta,
    pub(super) dir: PathBuf,
    pub(super) centre: Arc<OnceLock<Centre>>,
    pub(super) space: Arc<OnceLock<Space>>,
    pub(super) statistics: Arc<OnceLock<Statistics>>,
    pub(super) languages: Arc<[Language]>,
    pub(super) curation: Arc<Curation>,
    /// The indexes that this one consists of. Empty for a single one.
    pub(super) members: Arc<[Member]>,
    #[cfg(feature = "milvus")]
    pub(super) cluster: Option<Arc<Cluster>>,
}

impl Index {
    /// The metadata of this commit.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Changes the semantic weight and the spread (see [`CosineScale`]) of this snapshot. The index on disk
    /// does not change.
    pub fn set_tuning(&mut self, semantic_weight: f32, spread: Option<f32>) {
        self.meta.semantic_weight = Some(semantic_weight);
        self.meta.spread = spread;
    }

    /// The scale of the model's cosines.
    pub fn scale(&self) -> CosineScale {
        self.meta.spread.map_or(CosineScale::BUILTIN, CosineScale::new)
    }

    /// The files and directories that were indexed, as absolute paths, and the addresses of pages. Standard input is not one of them, since it cannot
    /// be read again.
    ///
    /// # Errors
    /// The current directory no longer exists.
    pub fn roots(&self) -> anyhow::Result<Vec<PathBuf>> {
        absolute_roots(&self.meta, &self.dir)
    }

    /// The absolute path of the file that contains a question. The file may not exist: it may have been
    /// deleted, and the files of the built-in index are not on disk.
    ///
    /// # Errors
    /// The current directory no longer exists.
    pub fn file(&self, source: &Source) -> anyhow::Result<PathBuf> {
        Ok(base_of(&self.dir)?.join(path_of(&source.path)))
    }

    /// The index directory. For several indexes, their directories, separated by commas.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The index that a question is from, if this one [consists of several](Self::open_several): its directory, as it was
    /// given.
    pub fn member(&self, address: DocAddress) -> Option<&Path> {
        let segment = address.segment_ord as usize;
        let member = self.members.iter().find(|member| member.segments.contains(&segment))?;
        Some(&member.dir)
    }

    /// The directories of the indexes that this one [consists of](Self::open_several). Empty for a single index.
    pub fn members(&self) -> impl Iterator<Item = &Path> {
        self.members.iter().map(|member| member.dir.as_path())
    }

    /// The same commit with synonyms and pins, which searches of it use. An index that is opened has none:
    /// [`CurationFiles`](crate::curation::CurationFiles) reads them.
    pub fn with_curation(self, curation: impl Into<Arc<Curation>>) -> Self {
        Self { curation: curation.into(), ..self }
    }

    /// The synonyms and pins that searches use.
    pub fn curation(&self) -> &Arc<Curation> {
        &self.curation
    }

    /// The fields of the documents.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The vectors, one component per segment, in the order of the searcher's segments.
    pub fn vectors(&self) -> &[Vectors] {
        &self.vectors
    }

    /// The space of the vectors, which search compares them in. It is computed on first use.
    pub fn space(&self) -> &Space {
        self.space.get_or_init(|| {
            let mut alive: Vec<Vec<usize>> = vec![Vec::new(); self.vectors.len()];
            for address in self.documents() {
                let segment = address.segment_ord as usize;
                alive[segment].extend(self.vectors[segment].rows_of(address.doc_id));
            }
            Space::new(&self.vectors, &alive)
        })
    }

    /// The statistics of the questions. They are computed on first use.
    ///
    /// # Errors
    /// The index is damaged.
    pub(crate) fn statistics(&self) -> tantivy::Result<Statistics> {
        if let Some(statistics) = self.statistics.get() {
            return Ok(*statistics);
        }
        let statistics = Statistics::of(self.searcher()?, &self.fields)?;
        Ok(*self.statistics.get_or_init(|| statistics))
    }

    /// The languages of the questions, in the order of [`Language`]. A language whose last question was
    /// deleted can remain for some time.
    pub fn languages(&self) -> &[Language] {
        &self.languages
    }

    /// What stores the questions.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The questions in tantivy segments.
    ///
    /// # Errors
    /// They are stored elsewhere.
    pub(super) fn local(&self) -> tantivy::Result<&Local> {
        match &self.store {
            Store::Local(local) => Ok(local),
            #[cfg(any(test, feature = "milvus"))]
            Store::Candidates(_) => Err(TantivyError::InvalidArgument(format!(
                "the questions of {} are not stored on this machine",
                self.dir.display()
            ))),
        }
    }

    /// The tantivy searcher of the commit.
    ///
    /// # Errors
    /// The questions are not stored in tantivy segments.
    pub fn searcher(&self) -> tantivy::Result<&Searcher> {
        self.local().map(Local::searcher)
    }

    /// Refuses an index in a cluster.
    ///
    /// # Errors
    /// [`NeedsCopy`].
    pub(crate) fn ensure_on_this_machine(&self, what: &'static str) -> Result<(), NeedsCopy> {
        #[cfg(feature = "milvus")]
        if self.cluster.is_some() {
            return Err(NeedsCopy { what, address: self.dir.clone() });
        }
        let _ = what;
        Ok(())
    }
}
