//! The paths of a build → the files to read.

use std::collections::HashSet;
use std::path::Path;

use anyhow::bail;

use super::file_record::FileRecord;
use super::item::{Item, Items, Place, Root};
use super::options::{AUTO, Build};
use super::summary::Problem;
use crate::index::metadata::Meta;
use crate::index::stored_path::{STDIN, stored_path};
use crate::read;

/// The name of standard input as the source of questions.
const STDIN_NAME: &str = "stdin";

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
        (self.problems)(&Problem { path: path.to_owned(), line: None, reason, hint: None });
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
