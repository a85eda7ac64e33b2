//! The roots of a build, and the files to read that they hold.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
#[cfg(feature = "remote")]
use std::sync::Mutex;

use anyhow::Context;

use super::missing_path::{absolute, is_missing};
use crate::index::stored_path::{STDIN, stored_path};
use crate::read;
#[cfg(feature = "remote")]
use crate::read::web::Reply;

/// A path of a build, as the index remembers it.
pub enum Root {
    /// A file or directory: its absolute path.
    Path(PathBuf),
    /// A file or directory that no longer exists: its absolute path.
    Missing(PathBuf),
    /// Standard input. It cannot be read again.
    Stdin,
    /// The address of a page or a sitemap.
    Web(String),
}

impl Root {
    /// The root at a path or address.
    ///
    /// # Errors
    /// It cannot be determined whether the path exists.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        if path == STDIN {
            return Ok(Self::Stdin);
        }
        if let Some(url) = path.to_str().filter(|path| read::is_url(path)) {
            return Ok(Self::Web(url.to_owned()));
        }
        match path.canonicalize() {
            Ok(path) => Ok(Self::Path(path)),
            Err(_) if is_missing(path) => Ok(Self::Missing(absolute(path)?)),
            Err(error) => Err(error).with_context(|| format!("could not find {}", path.display())),
        }
    }

    /// Whether a file is this root or is below it.
    pub fn contains(&self, file: &Path) -> bool {
        matches!(self, Self::Path(path) | Self::Missing(path) if file.starts_with(path))
    }

    /// The root as stored in the index.
    pub fn stored(&self, base: &Path) -> String {
        match self {
            Self::Path(path) | Self::Missing(path) => match stored_path(path, base) {
                // A file of this name, not standard input.
                name if name == STDIN => format!("./{name}"),
                name => name,
            },
            Self::Stdin => STDIN.to_owned(),
            Self::Web(url) => url.clone(),
        }
    }
}

/// What the roots hold.
#[derive(Default)]
pub struct Items {
    pub list: Vec<Item>,
    /// The number of problems that were reported.
    pub problems: u64,
    /// The addresses whose pages are all in the list.
    pub complete: HashSet<String>,
    /// The addresses that could not be fetched.
    pub failed: HashSet<String>,
    /// The directories of which a part could not be listed.
    pub incomplete: HashSet<PathBuf>,
}

impl Items {
    /// Whether a part of a directory could not be listed.
    pub fn is_incomplete(&self, root: &Root) -> bool {
        matches!(root, Root::Path(path) if self.incomplete.contains(path))
    }
}

/// A file to read.
pub struct Item {
    /// Its name, as in [`Source::path`](crate::question::Source::path).
    pub name: String,
    /// Where it is. Problems name this path.
    pub path: PathBuf,
    pub place: Place,
    /// The user named it.
    pub named: bool,
    /// Its size, for the progress.
    pub bytes: u64,
    /// Its stamp, if it is a file on disk.
    pub stamp: Option<read::Stamp>,
    pub options: read::Options,
    /// The name of the archive or the root that holds it, if it is not a file on its own.
    pub within: Option<String>,
}

/// How an [`Item`] is opened.
pub enum Place {
    /// At its path.
    File,
    Stdin,
    /// A file of an archive, which was opened with it.
    Member,
    /// On the web. If it was requested already, the reply is here.
    #[cfg(feature = "remote")]
    Page(Mutex<Option<Reply>>),
}

impl Item {
    /// Reads the questions of this file from its content.
    ///
    /// # Errors
    /// Those of [`read::read`].
    pub fn read(
        &self,
        file: File,
        extension: String,
        emit: &mut read::Emit<'_>,
    ) -> io::Result<read::Outcome> {
        let directory = if matches!(self.place, Place::File) { self.path.parent() } else { None };
        let (title, named, options) = (self.article_title(), self.named, &self.options);
        read::read(read::Input { file, extension, directory, title: &title, named, options }, emit)
    }

    /// The title of an article in this file that has none of its own: the file name without extension.
    fn article_title(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default();
        stem.to_string_lossy().replace(['_', '-'], " ").trim().to_owned()
    }

    /// Whether to read a file of this archive.
    pub fn wants_member(&self, name: &str) -> bool {
        self.options.format.is_some() || read::has_known_extension(Path::new(name))
    }

    /// Whether it is a file of phrasings. A file that is read in a way that the user names is none.
    pub fn is_phrasings(&self) -> bool {
        matches!(self.place, Place::File)
            && self.options.format.is_none()
            && self.options.map.is_empty()
            && read::is_phrasings(&self.path)
    }

    /// A file of this archive.
    pub fn member(&self, name: &str) -> Self {
        Self {
            name: format!("{}/{name}", self.name),
            path: self.path.join(name),
            place: Place::Member,
            named: false,
            bytes: 0,
            stamp: None,
            options: self.options.clone(),
            within: Some(self.name.clone()),
        }
    }
}
