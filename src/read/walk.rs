//! Folders → files.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

/// The extensions of files that are looked into when a folder is walked; a file that was named is
/// looked into whatever it is called.
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

/// The extension in lower case, without a dot. That of a compressed file is the one before: `jsonl` of `faq.jsonl.gz`.
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

/// Whether a file of this name is looked into when a folder is walked, or an archive is read.
pub fn has_known_extension(path: &Path) -> bool {
    // Office creates `~$faq.xlsx` while `faq.xlsx` is open.
    let is_lock = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"~$"));
    !is_lock && EXTENSIONS.contains(&inner_extension(path).as_str())
}
