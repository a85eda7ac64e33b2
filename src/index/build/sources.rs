//! The paths of a build → the files to read.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
#[cfg(feature = "remote")]
use std::sync::Mutex;

use anyhow::{Context, bail};

use super::file_record::FileRecord;
use super::missing_path::{absolute, is_missing};
use super::options::{AUTO, Build};
use super::summary::Problem;
use crate::index::metadata::Meta;
use crate::index::stored_path::stored_path;
use crate::read;
#[cfg(feature = "remote")]
use crate::read::web::Reply;

/// The path that means standard input.
pub const STDIN: &str = "-";

/// The name of standard input as the source of questions.
const STDIN_NAME: &str = "stdin";

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
    fn new(path: &Path) -> anyhow::Result<Self> {
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

/// Makes sure that every root exists, or is one of those that the index was built from (`known`).
pub fn ensure_known(roots: &[Root], base: &Path, known: &[String]) -> anyhow::Result<()> {
    for root in roots {
        if let Root::Missing(path) = root
            && !known.contains(&root.stored(base))
        {
            bail!("{} does not exist", path.display());
        }
    }
    Ok(())
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
    incomplete: HashSet<PathBuf>,
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

impl Build<'_> {
    /// The paths to read, without duplicates.
    pub(super) fn roots(&self) -> anyhow::Result<Vec<Root>> {
        let mut seen = HashSet::new();
        let roots = self.paths.iter().filter(|path| seen.insert(*path)).map(|path| Root::new(path));
        let roots = roots.collect::<anyhow::Result<Vec<Root>>>()?;
        if let Some(Root::Web(url)) = roots.iter().find(|root| matches!(root, Root::Web(_))) {
            if self.offline {
                bail!("{url} cannot be fetched: --offline forbids the network");
            }
            if cfg!(not(feature = "remote")) {
                bail!("{url} cannot be fetched: this program was built without the feature `remote`");
            }
        }
        Ok(roots)
    }

    /// Stores the format and the mapping of this build's paths in the metadata. Those of standard input are only for
    /// this build.
    pub(super) fn remember_reading(
        &self,
        roots: &[Root],
        base: &Path,
        meta: &mut Meta,
    ) -> anyhow::Result<()> {
        if let Some(name) = self.format.filter(|name| *name != AUTO) {
            read::format(name).map_err(anyhow::Error::msg)?;
        }
        for root in roots.iter().filter(|root| !matches!(root, Root::Stdin)).map(|root| root.stored(base)) {
            let options = self.changed(meta.reading.remove(&root).unwrap_or_default());
            if options != read::Options::default() {
                meta.reading.insert(root, options);
            }
        }
        Ok(())
    }

    /// These options with what this build says.
    fn changed(&self, remembered: read::Options) -> read::Options {
        read::Options {
            format: match self.format {
                Some(format) => Some(format.to_owned()).filter(|format| format != AUTO),
                None => remembered.format,
            },
            map: self.map.map_or(remembered.map, <[_]>::to_vec),
            articles: self.articles.unwrap_or(remembered.articles),
        }
    }

    /// The files of the roots, each once. What cannot be searched is reported. `old` are the files in the index.
    pub(super) fn items(&self, roots: &[Root], base: &Path, meta: &Meta, old: &[FileRecord]) -> Items {
        let mut items = Items::default();
        let mut paths = Vec::new();
        for root in roots {
            match root {
                Root::Path(path) => paths.push(path.clone()),
                Root::Missing(_) => {}
                Root::Stdin => items.list.push(Item {
                    name: STDIN_NAME.to_owned(),
                    path: STDIN_NAME.into(),
                    place: Place::Stdin,
                    named: true,
                    bytes: 0,
                    stamp: None,
                    options: self.changed(read::Options::default()),
                    within: Some(STDIN.to_owned()),
                }),
                Root::Web(url) => {
                    let options = meta.reading.get(url).cloned().unwrap_or_default();
                    self.add_pages(url, &options, old, &mut items);
                }
            }
        }
        let read::Tree { files, problems, .. } = read::walk(&paths, self.dir, |root, reason| {
            self.report(root, reason);
            items.incomplete.insert(root.to_owned());
        });
        items.problems += problems;
        items.list.extend(files.into_iter().map(|read::Found { path, bytes, stamp, named }| Item {
            name: stored_path(&path, base),
            options: options(&path, base, meta),
            path,
            place: Place::File,
            named,
            bytes,
            stamp,
            within: None,
        }));
        let mut seen = HashSet::new();
        items.list.retain(|item| seen.insert(item.name.clone()));
        items
    }

    /// Reports a path that cannot be searched.
    pub(super) fn report(&self, path: &Path, reason: String) {
        (self.problems)(&Problem { path: path.to_owned(), line: None, reason });
    }

    /// Not reached: [`Build::roots`] refuses addresses.
    #[cfg(not(feature = "remote"))]
    fn add_pages(&self, _: &str, _: &read::Options, _: &[FileRecord], _: &mut Items) {}
}

/// How to read a file: as the innermost root around it that has options.
fn options(path: &Path, base: &Path, meta: &Meta) -> read::Options {
    let roots = path.ancestors().map(|root| Root::Path(root.to_owned()).stored(base));
    roots.filter_map(|root| meta.reading.get(&root)).next().cloned().unwrap_or_default()
}
