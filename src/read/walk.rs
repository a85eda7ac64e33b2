//! Folders → files.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

/// The extensions of files that are looked into when a folder is walked; a file that was named is
/// looked into whatever it is called.
const EXTENSIONS: [&str; 17] = [
    "md", "markdown", "mdx", "rst", "adoc", "asciidoc", "org", "txt", "html", "htm", "docx", "csv", "tsv", "json",
    "jsonl", "ndjson", "xml",
];

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Somebody named it, so that not being able to read it is worth a word.
    pub named: bool,
}

/// The files to read below some files and folders, in order of path, each once; and how many
/// places could not be walked, each of which `problem` heard of.
///
/// Folders are walked as ripgrep walks them: hidden files and what `.gitignore` names are left
/// out. `index` is left out too: an index is no document.
pub fn walk(roots: &[PathBuf], index: &Path, mut problem: impl FnMut(&Path, String)) -> (Vec<Found>, u64) {
    let mut files = Vec::new();
    let mut problems = 0;
    let index = index.canonicalize().ok();
    for root in roots {
        let index = index.clone();
        let walk =
            WalkBuilder::new(root).filter_entry(move |entry| index.as_deref() != Some(entry.path())).build();
        for entry in walk {
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    let named = entry.depth() == 0;
                    if named || has_known_extension(entry.path()) {
                        let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
                        files.push(Found { path: entry.into_path(), bytes, named });
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    problems += 1;
                    problem(root, error.to_string());
                }
            }
        }
    }
    files.sort_by(|a, b| (&a.path, b.named).cmp(&(&b.path, a.named)));
    files.dedup_by(|a, b| a.path == b.path);
    (files, problems)
}

fn has_known_extension(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}
