//! Finds the files to read below files and directories.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

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

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path.
    pub path: PathBuf,
    /// Its size, in bytes.
    pub bytes: u64,
    /// The user named it. If it cannot be read, that is an error.
    pub named: bool,
}

/// The files to read below files and directories, in order of path, each once; and the number of places that could not
/// be walked. `problem` is called for each of these.
///
/// Directories are walked as ripgrep does it: hidden files and those that `.gitignore` excludes are left out. So is the
/// directory `index`.
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
                    let is_archive = || inner_extension(entry.path()) == ARCHIVE;
                    if named || has_known_extension(entry.path()) || is_archive() {
                        let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
                        files.push(Found { path: entry.into_path(), bytes, named });
                    }
                }
                Ok(entry) if entry.depth() == 0 && !entry.path().is_dir() => {
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
    (files, problems)
}

/// The extension in lower case, without a dot. Of a compressed file, it is the inner one: `jsonl` of `faq.jsonl.gz`.
pub fn inner_extension(path: &Path) -> String {
    let of = |path: &Path| path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match of(path) {
        outer if COMPRESSED.contains(&outer.as_str()) => path.file_stem().map(Path::new).map_or(outer, of),
        extension => extension,
    }
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
