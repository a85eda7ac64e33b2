//! Finds the files to read below files and directories.

use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};

use super::stamp::Stamp;
use crate::decisions::has_decisions;

/// The extensions of files that are read when a directory is walked. A file that was named is read whatever its
/// extension.
const EXTENSIONS: [&str; 24] = [
    "md", "markdown", "mdx", "rst", "adoc", "asciidoc", "org", "txt", "html", "htm", "docx", "docm", "csv",
    "tsv", "json", "jsonl", "ndjson", "xml", "yml", "yaml", "toml", "xlsx", "xlsm", "ods",
];

/// The extensions of compressed files.
const COMPRESSED: [&str; 3] = ["gz", "zst", "zstd"];

/// The extension of archives.
const ARCHIVE: &str = "7z";

/// What is below files and directories.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The files to read, in order of path, each once.
    pub files: Vec<Found>,
    /// The directories that were listed, or could not be.
    pub directories: Vec<PathBuf>,
    /// The number of places that could not be walked.
    pub problems: u64,
}

/// A file to read.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its path.
    pub path: PathBuf,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Its stamp when it was found; `None` if its metadata cannot be read.
    pub stamp: Option<Stamp>,
    /// The user named it. If it cannot be read, that is an error.
    pub named: bool,
}

/// The files to read below files and directories. `problem` is called for each place that could not be walked.
///
/// Directories are walked as ripgrep does it: hidden files and those that `.gitignore` excludes are left out. So is the
/// directory `index`, and files of decisions about duplicates.
pub fn walk(roots: &[PathBuf], index: &Path, mut problem: impl FnMut(&Path, String)) -> Tree {
    let Tree { mut files, mut directories, mut problems } = Tree::default();
    let index = index.canonicalize().ok();
    for root in roots {
        let index = index.clone();
        let walk =
            WalkBuilder::new(root).filter_entry(move |entry| index.as_deref() != Some(entry.path())).build();
        for entry in walk {
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    let named = entry.depth() == 0;
                    let is_read = has_known_extension(entry.path()) || is_archive(entry.path());
                    if named || is_read && !is_of_decisions(entry.path()) {
                        let metadata = entry.metadata().ok();
                        let bytes = metadata.as_ref().map_or(0, std::fs::Metadata::len);
                        let stamp = metadata.as_ref().map(Stamp::new);
                        files.push(Found { path: entry.into_path(), bytes, stamp, named });
                    }
                }
                Ok(entry)
                    if entry.file_type().is_some_and(|kind| kind.is_dir()) || is_linked_root(&entry) =>
                {
                    directories.push(entry.into_path());
                }
                Ok(entry) if entry.depth() == 0 => {
                    problems += 1;
                    problem(root, "neither a file nor a directory; - reads standard input".to_owned());
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
    Tree { files, directories, problems }
}

/// Whether a file has decisions about duplicates, and not questions.
fn is_of_decisions(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jsonl") && has_decisions(path)
}

/// Whether an entry is a root and a link to a directory. Links below a root are not followed.
fn is_linked_root(entry: &DirEntry) -> bool {
    entry.depth() == 0 && entry.path().is_dir()
}

/// The extension in lower case, without a dot. Of a compressed file, it is the inner one: `jsonl` of `faq.jsonl.gz`.
pub fn inner_extension(path: &Path) -> String {
    let of = |path: &Path| path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match of(path) {
        outer if COMPRESSED.contains(&outer.as_str()) => path.file_stem().map(Path::new).map_or(outer, of),
        extension => extension,
    }
}

/// Whether a file of this name is an archive.
pub fn is_archive(path: &Path) -> bool {
    inner_extension(path) == ARCHIVE
}

/// Whether a path is the address of a page on the web.
pub fn is_url(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

/// Whether a file of this name is read when a directory is walked or an archive is read.
pub fn has_known_extension(path: &Path) -> bool {
    // Office creates `~$faq.xlsx` while `faq.xlsx` is open.
    let is_lock = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"~$"));
    !is_lock && EXTENSIONS.contains(&inner_extension(path).as_str())
}
