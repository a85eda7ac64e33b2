//! Why an index cannot be opened.

use std::io;
use std::path::{Path, PathBuf};

use tantivy::TantivyError;
use tantivy::directory::error::OpenReadError;

use super::schema::FORMAT;
use crate::analyze;
#[cfg(not(feature = "milvus"))]
use crate::hint::hinted;

/// Why an index cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory does not contain an index.
    #[error("no index in {dir}")]
    Missing {
        /// The path that was opened.
        dir: PathBuf,
    },
    /// The directory contains something other than an rqsearch index.
    #[error("{dir} is not an rqsearch index")]
    Foreign {
        /// The path that was opened.
        dir: PathBuf,
    },
    /// The index has a format that this version does not read.
    #[error("index format {found} in {dir} is not readable by this version (reads {FORMAT})")]
    Format {
        /// The index directory.
        dir: PathBuf,
        /// The format of the index.
        found: u32,
    },
    /// The words of the index were analyzed by another version, so the words of a phrase would not match
    /// them.
    #[error(
        "the words of the index in {dir} were analyzed by version {found} of the analysis, and this program uses \
         version {}",
        analyze::VERSION
    )]
    Analysis {
        /// The index directory.
        dir: PathBuf,
        /// The version of the analysis in the index.
        found: u32,
    },
    /// The same index was named twice among several.
    #[error("the index in {dir} is named twice")]
    Twice {
        /// The index directory.
        dir: PathBuf,
    },
    /// Several indexes cannot be searched together, because their models differ. The name of a model is `None` for an
    /// index without vectors.
    #[error(
        "indexes with different models cannot be searched together: {}, and {}",
        model_of(first),
        model_of(second)
    )]
    Models {
        /// An index directory and the name of its model.
        first: (PathBuf, Option<String>),
        /// Another one.
        second: (PathBuf, Option<String>),
    },
    /// The index is in a cluster and cannot be opened, or this program cannot open any index in a cluster.
    #[error("cannot open {address}")]
    Cluster {
        /// The address.
        address: PathBuf,
        /// The reason: `ClusterAway` if the cluster does not answer.
        source: anyhow::Error,
    },
    /// The index is damaged or cannot be read.
    #[error("the index in {dir} cannot be read")]
    Broken {
        /// The index directory.
        dir: PathBuf,
        /// The error from tantivy.
        source: TantivyError,
    },
}

impl OpenError {
    /// The error of an index that cannot be read.
    pub(super) fn broken(dir: &Path, source: TantivyError) -> Self {
        Self::Broken { dir: dir.to_owned(), source: without_repetition(source) }
    }
}

/// The message of tantivy's error of opening a file has its cause, which is its source as well. An I/O error has it once.
fn without_repetition(error: TantivyError) -> TantivyError {
    let (kind, message) = match error {
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, filepath }) => {
            (io_error.kind(), format!("{}: {io_error}", filepath.display()))
        }
        TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(path)) => {
            (io::ErrorKind::NotFound, format!("{} does not exist", path.display()))
        }
        error => return error,
    };
    io::Error::new(kind, message).into()
}

/// An index directory and its model, for a message.
fn model_of((dir, model): &(PathBuf, Option<String>)) -> String {
    match model {
        Some(model) => format!("the index in {} has vectors of {model}", dir.display()),
        None => format!("the index in {} has keywords only", dir.display()),
    }
}

#[cfg(not(feature = "milvus"))]
impl OpenError {
    /// The error of a program without the client of the cluster.
    pub(super) fn no_cluster(address: &Path) -> Self {
        let source = hinted(
            "this program was built without the feature `milvus`",
            "install a release, or build with `cargo install rqsearch --features milvus`",
        );
        Self::Cluster { address: address.to_owned(), source: source.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_opened_is_named_once() {
        let damaged = io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
        for (error, expected) in [
            (OpenReadError::wrap_io_error(damaged, "meta.json".into()), "meta.json: it is damaged"),
            (OpenReadError::FileDoesNotExist("a.store".into()), "a.store does not exist"),
        ] {
            let error = anyhow::Error::from(OpenError::broken(Path::new("faq"), error.into()));
            let expected = format!("the index in faq cannot be read: An IO error occurred: '{expected}'");
            assert_eq!(format!("{error:#}"), expected);
        }
    }
}
