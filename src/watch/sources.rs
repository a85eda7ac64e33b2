//! What is on disk at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::changes::Batch;
use crate::read::{self, Stamp};

/// The files that an update would read, and the directories that hold them.
#[derive(Debug, Default)]
pub struct Sources {
    /// `None` if the metadata of a file cannot be read.
    files: BTreeMap<PathBuf, Option<Stamp>>,
    directories: BTreeSet<PathBuf>,
    /// The roots that do not exist.
    missing: Vec<PathBuf>,
}

impl Sources {
    /// Lists the roots. The directory `index` is left out. Places that cannot be listed are left out as well: the update
    /// reports them.
    pub fn list(roots: &[PathBuf], index: &Path) -> Self {
        let (existing, missing) = roots.iter().cloned().partition::<Vec<_>, _>(|root| root.exists());
        let tree = read::walk(&existing, index, |_, _| {});
        let files = tree.files.into_iter().map(|file| (file.path, file.stamp)).collect();
        Self { files, directories: tree.directories.into_iter().collect(), missing }
    }

    /// Whether a file may differ from what it was in an earlier listing.
    pub fn differ(&self, earlier: &Self, changes: &Batch) -> bool {
        let may_differ = |(path, stamp): (&PathBuf, &Option<Stamp>)| match earlier.files.get(path) {
            Some(Some(old)) => match stamp {
                Some(stamp) => !old.is_same(stamp) || !old.is_settled() && changes.touches(path),
                None => true,
            },
            // A file whose metadata cannot be read now and could not be read then.
            Some(None) => stamp.is_some(),
            None => true,
        };
        self.missing != earlier.missing
            || self.files.len() != earlier.files.len()
            || self.files.iter().any(may_differ)
    }

    /// The number of files.
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// The number of directories.
    pub fn directory_count(&self) -> usize {
        self.directories.len()
    }

    /// The directories in which a change concerns the roots: those below them, and around each root the nearest one that
    /// exists, where the root can appear.
    pub fn watched(&self, roots: &[PathBuf]) -> BTreeSet<PathBuf> {
        let around = |root: &PathBuf| root.ancestors().skip(1).find(|path| path.is_dir()).map(Path::to_owned);
        roots.iter().filter_map(around).chain(self.directories.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_what_an_update_would_read_makes_a_difference() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap().join("docs");
        let (index, roots) = (root.join(".rqsearch"), [root.clone(), root.join("../gone.md")]);
        let write = |name: &str| {
            fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            fs::write(root.join(name), "## Why?\n").unwrap();
        };
        let list = || Sources::list(&roots, &index);
        write("a.md");
        let mut before = list();
        let nothing = Batch::default();
        for ignored in [
            "a.md~",
            ".a.md.swp",
            "#a.md#",
            ".#a.md",
            "4913",
            "~$a.xlsx",
            "a.md.tmp",
            ".rqsearch/b.md",
            ".git/c.md",
        ] {
            write(ignored);
            assert!(!list().differ(&before, &nothing), "{ignored}");
        }
        assert!(before.differ(&before, &Batch::everything()), "a recent change may have the same time");
        for change in ["a.md", "b.md", "deep/c.md"] {
            fs::remove_file(root.join(change)).ok();
            write(change);
            assert!(list().differ(&before, &nothing), "{change}");
            before = list();
        }
        write("../gone.md");
        assert!(list().differ(&before, &nothing), "a root has appeared");
        fs::remove_dir_all(root.join("deep")).unwrap();
        assert!(list().differ(&before, &nothing));
        assert!(before.watched(&roots).contains(&root.join("deep")));
        let around = root.parent().unwrap();
        assert!(before.watched(&roots).contains(around));
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(list().watched(&[root.join("deep/d.md")]).into_iter().collect::<Vec<_>>(), [around]);
    }
}
