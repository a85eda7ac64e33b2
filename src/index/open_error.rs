//! Why an index cannot be opened.

use std::fmt;
use std::path::PathBuf;

use tantivy::TantivyError;

use super::schema::FORMAT;
use crate::analyze;

/// Why an index cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The directory does not contain an index.
    Missing {
        /// The path that was opened.
        dir: PathBuf,
    },
    /// The directory contains something other than an rqsearch index.
    Foreign {
        /// The path that was opened.
        dir: PathBuf,
    },
    /// The index has a format that this version does not read.
    Format {
        /// The index directory.
        dir: PathBuf,
        /// The format of the index.
        found: u32,
    },
    /// The words of the index were analyzed by another version, so the words of a phrase would not match
    /// them.
    Analysis {
        /// The index directory.
        dir: PathBuf,
        /// The version of the analysis in the index.
        found: u32,
    },
    /// The same index was named twice among several.
    Twice {
        /// The index directory.
        dir: PathBuf,
    },
    /// Several indexes cannot be searched together, because their models differ. The name of a model is `None` for an
    /// index without vectors.
    Models {
        /// An index directory and the name of its model.
        first: (PathBuf, Option<String>),
        /// Another one.
        second: (PathBuf, Option<String>),
    },
    /// The index is in a cluster and cannot be opened, or this program cannot open any index in a cluster.
    Cluster {
        /// The address.
        address: PathBuf,
        /// The reason: `ClusterAway` if the cluster does not answer.
        source: anyhow::Error,
    },
    /// The index is damaged or cannot be read.
    Broken {
        /// The index directory.
        dir: PathBuf,
        /// The error from tantivy.
        source: TantivyError,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { dir } => write!(
                f,
                "no index in {}\n  hint: create one with `rqsearch index --index {} PATH…`",
                dir.display(),
                dir.display()
            ),
            Self::Foreign { dir } => write!(
                f,
                "{} is not an rqsearch index\n  \
                 hint: pass a directory that `rqsearch index` created, with --index",
                dir.display()
            ),
            Self::Format { dir, found } => write!(
                f,
                "index format {found} in {} is not readable by this version (reads {FORMAT})\n  \
                 hint: remove the directory and rebuild the index with `rqsearch index`",
                dir.display()
            ),
            Self::Analysis { dir, found } => write!(
                f,
                "the words of the index in {} were analyzed by version {found} of the analysis, and this \
                 program uses version {}\n  \
                 hint: remove the directory and rebuild the index with `rqsearch index`",
                dir.display(),
                analyze::VERSION
            ),
            Self::Twice { dir } => {
                write!(f, "the index in {} is named twice\n  hint: name each index once", dir.display())
            }
            Self::Models { first, second } => {
                let has = |(dir, model): &(PathBuf, Option<String>)| match model {
                    Some(model) => format!("the index in {} has vectors of {model}", dir.display()),
                    None => format!("the index in {} has keywords only", dir.display()),
                };
                write!(
                    f,
                    "indexes with different models cannot be searched together: {}, and {}\n  \
                     hint: `rqsearch index --index {} --model MODEL` changes the model of an index",
                    has(first),
                    has(second),
                    second.0.display()
                )
            }
            Self::Cluster { address, source } => {
                let text = format!("{source:#}");
                match text.contains(&address.display().to_string()) {
                    true => f.write_str(&text),
                    false => write!(f, "cannot open {}: {text}", address.display()),
                }
            }
            Self::Broken { dir, source } => write!(
                f,
                "the index in {} cannot be read: {source}\n  \
                 hint: `rqsearch check` names the damaged files, and `rqsearch check --repair` reads the lost \
                 questions from their sources again",
                dir.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {}

#[cfg(not(feature = "milvus"))]
impl OpenError {
    /// The error of a program without the client of the cluster.
    pub(super) fn no_cluster(address: &std::path::Path) -> Self {
        let source = anyhow::anyhow!(
            "this program was built without the feature `milvus`\n  \
             hint: install a release, or build with `cargo install rqsearch --features milvus`"
        );
        Self::Cluster { address: address.to_owned(), source }
    }
}
