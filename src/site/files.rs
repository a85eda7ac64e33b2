//! The files of a static search: parts whose names contain the hash of their content.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use flate2::{Compression, GzBuilder};
use xxhash_rust::xxh3::xxh3_64;

/// What a part contains. Each kind has a directory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words and their terms.
    Words,
    /// The occurrences of terms.
    Postings,
    /// Titles, addresses and excerpts of questions.
    Documents,
    /// Whole answers, of questions without an address.
    Answers,
    /// Sections and tags.
    Facets,
    /// Vectors of words and questions.
    Meaning,
    /// Lists of parts.
    Lists,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Words,
        Self::Postings,
        Self::Documents,
        Self::Answers,
        Self::Facets,
        Self::Meaning,
        Self::Lists,
    ];

    fn directory(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Postings => "postings",
            Self::Documents => "documents",
            Self::Answers => "answers",
            Self::Facets => "facets",
            Self::Meaning => "meaning",
            Self::Lists => "lists",
        }
    }
}

/// The directory with the scripts is `scripts-` and the hash of their content.
const SCRIPTS: &str = "scripts-";

/// The extension of compressed files. A server must not decompress them on its own, as some do with `.gz`.
const EXTENSION: &str = ".rq";

/// How many letters of a hash are in a name: 50 bits.
const HASH_LETTERS: usize = 10;

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The number of questions.
    pub questions: u64,
    /// The number of files, and their size in bytes.
    pub files: u64,
    /// See [`files`](Self::files).
    pub bytes: u64,
    /// How many of the files are new or have changed.
    pub changed: u64,
    /// How many files of an earlier index were removed.
    pub removed: u64,
    /// An absolute path of a file that became a part of an address. No page of a site has it.
    pub absolute_path: Option<String>,
}

/// Writes files into a directory and remembers which ones belong to the search.
pub struct Files {
    out: PathBuf,
    /// The paths of the files, relative to the directory.
    current: HashSet<PathBuf>,
    written: Written,
}

impl Files {
    /// Creates the directory if it does not exist.
    ///
    /// # Errors
    /// The directory cannot be created.
    pub fn open(out: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(out)
            .with_context(|| format!("could not create the directory {}", out.display()))?;
        Ok(Self { out: out.to_owned(), current: HashSet::new(), written: Written::default() })
    }

    /// Writes a part and returns its hash.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn part(&mut self, kind: Kind, content: &[u8]) -> anyhow::Result<String> {
        let hash = hash(content);
        let path = format!("{}/{hash}{EXTENSION}", kind.directory());
        // The content is in the name, so a file with this name is the same.
        if !self.out.join(&path).is_file() {
            self.named(&path, &compressed(content)?)?;
        } else {
            self.keep(Path::new(&path))?;
        }
        Ok(hash)
    }

    /// Writes parts and returns a list of where each starts and its hash, separated by spaces.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn parts(
        &mut self,
        kind: Kind,
        parts: impl Iterator<Item = (String, Vec<u8>)>,
    ) -> anyhow::Result<Vec<String>> {
        parts.map(|(start, content)| Ok(format!("{start} {}", self.part(kind, &content)?))).collect()
    }

    /// Writes scripts into a directory and returns its name.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn scripts(&mut self, scripts: &[(&str, &str)]) -> anyhow::Result<String> {
        let all: String = scripts.iter().flat_map(|(name, text)| [*name, "\n", *text, "\n"]).collect();
        let directory = format!("{SCRIPTS}{}", hash(all.as_bytes()));
        for (name, text) in scripts {
            self.named(&format!("{directory}/{name}"), text.as_bytes())?;
        }
        Ok(directory)
    }

    /// Writes a file unless it is there with the same content. A reader sees the old file or the new one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn named(&mut self, name: &str, content: &[u8]) -> anyhow::Result<()> {
        let path = self.out.join(name);
        let is_same = fs::read(&path).is_ok_and(|before| before == content);
        if !is_same {
            replace(&path, content).with_context(|| format!("could not write {}", path.display()))?;
            self.written.changed += 1;
        }
        self.keep(Path::new(name))
    }

    fn keep(&mut self, name: &Path) -> anyhow::Result<()> {
        if self.current.insert(name.to_owned()) {
            let path = self.out.join(name);
            let size = fs::metadata(&path).with_context(|| format!("could not read {}", path.display()))?;
            self.written.files += 1;
            self.written.bytes += size.len();
        }
        Ok(())
    }

    /// Removes the parts and scripts of an earlier index.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn finish(mut self, questions: u64) -> anyhow::Result<Written> {
        let mut directories: Vec<PathBuf> =
            Kind::ALL.iter().map(|kind| PathBuf::from(kind.directory())).collect();
        directories.extend(self.names_in(Path::new(""))?.into_iter().filter(|name| is_scripts(name)));
        for directory in directories {
            for name in self.names_in(&directory)? {
                let path = directory.join(&name);
                let is_ours = is_scripts(&directory) || is_part(&name);
                if is_ours && !self.current.contains(&path) {
                    let path = self.out.join(path);
                    fs::remove_file(&path).with_context(|| format!("could not remove {}", path.display()))?;
                    self.written.removed += 1;
                }
            }
            // Fails if something is in it.
            let _ = fs::remove_dir(self.out.join(&directory));
        }
        Ok(Written { questions, ..self.written })
    }

    /// The names in a directory; none if it does not exist.
    fn names_in(&self, directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let path = self.out.join(directory);
        if !path.is_dir() {
            return Ok(Vec::new());
        }
        let read = || fs::read_dir(&path)?.map(|entry| Ok(entry?.file_name().into())).collect();
        let names: std::io::Result<Vec<PathBuf>> = read();
        names.with_context(|| format!("could not read the directory {}", path.display()))
    }
}

/// Whether a directory has the name of one with scripts.
fn is_scripts(name: &Path) -> bool {
    name.to_str().and_then(|name| name.strip_prefix(SCRIPTS)).is_some_and(is_hash)
}

/// Whether a file has the name of a part.
fn is_part(name: &Path) -> bool {
    name.to_str().and_then(|name| name.strip_suffix(EXTENSION)).is_some_and(is_hash)
}

fn is_hash(name: &str) -> bool {
    name.len() == HASH_LETTERS && name.bytes().all(|byte| LETTERS.contains(&byte))
}

/// File systems that ignore case would mix up names with more letters.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The hash of a content as the name of a file.
fn hash(content: &[u8]) -> String {
    let hash = xxh3_64(content);
    (0..HASH_LETTERS).map(|nth| char::from(LETTERS[(hash >> (5 * nth)) as usize & 31])).collect()
}

/// Compresses a content with gzip. A browser decompresses it, so that its size does not depend on whether a server
/// compresses such files.
///
/// # Errors
/// None is known: the bytes are written to memory.
pub fn compressed(content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let parent = path.parent().context("a file is in a directory")?;
    fs::create_dir_all(parent)?;
    let mut builder = tempfile::Builder::new();
    // The permissions of any other file: those of a temporary file are for its owner only.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(parent)?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_written_and_only_own_files_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let write = |contents: &[&str]| {
            let mut files = Files::open(dir.path()).unwrap();
            for content in contents {
                files.part(Kind::Words, content.as_bytes()).unwrap();
            }
            let written = files.finish(0).unwrap();
            (written.files, written.changed, written.removed)
        };
        assert_eq!(write(&["a", "b"]), (2, 2, 0));
        fs::write(dir.path().join("words/notes.txt"), "mine").unwrap();
        assert_eq!(write(&["b", "c", "d"]), (3, 2, 1));
        assert_eq!(write(&["b", "c", "d"]), (3, 0, 0));
        assert!(dir.path().join("words/notes.txt").is_file());
    }

    #[test]
    fn names_are_hashes_of_the_content() {
        assert!(is_hash(&hash(b"")) && is_hash(&hash(b"x")));
        assert_ne!(hash(b""), hash(b"x"));
        assert!(is_part(Path::new("abcdefghij.rq")) && is_scripts(Path::new("scripts-abcdefghi2")));
        assert!(!is_part(Path::new("abcdefghi.rq")) && !is_part(Path::new("abcdefghiJ.rq")));
    }
}
