//! An index in one file, for backups.
//!
//! A snapshot is a ZIP archive without compression: the files of one commit, those of its synonyms and pins if the index
//! directory has them, and last the manifest [`MANIFEST`], a JSON object with the name, size and XXH3 checksum of each of
//! them. Any ZIP program can read it. The files keep their names, and an index directory that consists of them is an index.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use tantivy::Directory;
use tantivy::directory::META_LOCK;
use tempfile::NamedTempFile;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::check::check;
use super::commit_file;
use super::damage::guarded;
use super::lock::{WriteLock, explain_write, is_own_file, is_segment_file};
use super::metadata::ensure_commit;
use super::open_error::OpenError;
use super::read_only::ReadOnly;
use super::reader::Index;
use crate::curation::{PINS, SYNONYMS};
use crate::hint::hinted;
use crate::regular_file;

/// The name of the manifest.
const MANIFEST: &str = "rqsearch-snapshot.json";

/// The version of the format of snapshots.
const FORMAT: u32 = 1;

/// The largest manifest that is read, in bytes. A file takes about 100.
const LARGEST_MANIFEST: u64 = 16 << 20;

/// The content of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    /// The [`FORMAT`].
    snapshot: u32,
    /// The version of the program that wrote it.
    rqsearch: String,
    files: Vec<Entry>,
}

/// A file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    name: String,
    bytes: u64,
    /// Sixteen hexadecimal digits.
    xxh3: String,
}

/// What a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Number of questions.
    pub questions: u64,
    /// Total size of the files in bytes.
    pub bytes: u64,
}

/// Writes a snapshot of the last commit of the index in a directory. The index may be searched and updated in
/// the meantime. The file appears at once and complete.
///
/// # Errors
/// The file exists and `replace` is false; the file cannot be written; the directory has no index, or a
/// damaged one.
pub fn write_snapshot(dir: &Path, file: &Path, replace: bool) -> anyhow::Result<Contents> {
    refuse_existing(file, replace)?;
    ensure!(
        check(dir)?.is_sound(),
        hinted(
            format!("the index in {} is damaged, so no snapshot was written", dir.display()),
            format!(
                "`rqsearch check --index {}` names the damaged files, `rqsearch check --repair` repairs the index",
                dir.display()
            )
        )
    );
    let sources =
        open_files(dir).with_context(|| format!("could not read the index in {}", dir.display()))?;
    let write = || -> anyhow::Result<u64> {
        let mut out = temporary_file(file)?;
        let bytes = write_archive(&mut out, sources)?;
        out.as_file().sync_all()?;
        match replace {
            true => out.persist(file)?,
            false => out.persist_noclobber(file)?,
        };
        sync_directory(regular_file::directory_of(file))?;
        Ok(bytes)
    };
    let bytes =
        write().with_context(|| format!("could not write {}", file.display())).map_err(explain_write)?;
    Ok(Contents { questions: Index::open(dir)?.question_count()?, bytes })
}

/// A file next to a snapshot that is written first. It is locked until it is closed, so that what a killed process
/// left can be told from what another one writes. What was left for the same snapshot is deleted.
fn temporary_file(snapshot: &Path) -> io::Result<NamedTempFile> {
    /// Longer names are replaced by a hash: with the rest, they could exceed the limit of the file system.
    const LONGEST: usize = 200;
    /// The length of the random part of a name.
    const RANDOM: usize = 6;
    let name = snapshot.file_name().unwrap_or_default();
    let mut prefix = OsString::from(".");
    match name.len() > LONGEST {
        true => prefix.push(format!("{:016x}", xxh3_64(name.as_encoded_bytes()))),
        false => prefix.push(name),
    }
    prefix.push(".tmp");
    let is_name = |name: &OsStr| {
        let random = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        random.is_some_and(|random| random.len() == RANDOM && random.iter().all(u8::is_ascii_alphanumeric))
    };
    let is_left = |path: &Path| regular_file::open(path).is_ok_and(|file| file.try_lock().is_ok());
    for entry in regular_file::directory_of(snapshot).read_dir()?.flatten() {
        if is_name(&entry.file_name()) && is_left(&entry.path()) {
            // If it cannot be deleted, it only takes space.
            _ = fs::remove_file(entry.path());
        }
    }
    loop {
        let builder = tempfile::Builder::new()
            .prefix(&prefix)
            .rand_bytes(RANDOM)
            .tempfile_in(regular_file::directory_of(snapshot));
        let out = builder?;
        // Where files cannot be locked, nothing is deleted either.
        _ = out.as_file().try_lock();
        // Another process may have deleted it before it was locked.
        if out.path().exists() {
            return Ok(out);
        }
    }
}

fn refuse_existing(file: &Path, replace: bool) -> anyhow::Result<()> {
    let exists = file.symlink_metadata().is_ok();
    ensure!(replace || !exists, hinted(format!("{} exists", file.display()), "--force replaces it"));
    Ok(())
}

/// Makes a renamed file survive a power failure.
fn sync_directory(dir: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// The files of the last commit, open for reading. Open files stay readable if a later commit deletes them.
fn open_files(dir: &Path) -> anyhow::Result<Vec<(String, File)>> {
    let directory = ReadOnly::open(dir)?;
    // A writer deletes no file while this is locked.
    let _lock = directory.acquire_lock(&META_LOCK)?;
    let metas = tantivy::Index::open(directory.clone())?.load_metas()?;
    let names = metas.list_segment_files();
    let names: BTreeSet<&str> = names.iter().filter_map(|name| name.to_str()).collect();
    let mut files = vec![(commit_file::NAME.to_owned(), regular_file::open(&dir.join(commit_file::NAME))?)];
    for name in names.into_iter().chain([SYNONYMS, PINS]) {
        match regular_file::open(&dir.join(name)) {
            Ok(file) => files.push((name.to_owned(), file)),
            // The list includes files that a segment may not have, and an index may have no synonyms or pins.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(files)
}

/// Writes the archive, and returns the total size of its files.
fn write_archive(out: &mut (impl Write + Seek), sources: Vec<(String, File)>) -> anyhow::Result<u64> {
    let mut archive = ZipWriter::new(out);
    let mut files = Vec::new();
    for (name, mut source) in sources {
        let is_large = source.metadata()?.len() >= u64::from(u32::MAX);
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        archive.start_file(name.as_str(), options.large_file(is_large))?;
        let (bytes, xxh3) = copy(&mut source, &mut archive)?;
        files.push(Entry { name, bytes, xxh3 });
    }
    let bytes = files.iter().map(|file| file.bytes).sum();
    let manifest = Manifest { snapshot: FORMAT, rqsearch: env!("CARGO_PKG_VERSION").to_owned(), files };
    archive.start_file(MANIFEST, SimpleFileOptions::default())?;
    archive.write_all(&serde_json::to_vec(&manifest)?)?;
    archive.finish()?;
    Ok(bytes)
}

/// Copies all of a file. Returns its size and checksum.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<(u64, String)> {
    let (mut hasher, mut total) = (Xxh3Default::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok((total, format!("{:016x}", hasher.digest()))),
            Ok(length) => {
                hasher.update(&buffer[..length]);
                to.write_all(&buffer[..length])?;
                total += length as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Makes a snapshot the last commit of the index in a directory, which is created if it does not exist.
/// Searches see the old index or the restored one, and nothing in between.
///
/// # Errors
/// The file is not a snapshot, or it is damaged; the directory has an index and `replace` is false; another
/// process is writing that index; the directory cannot be written. The index is unchanged then, and a directory
/// that was created is removed.
pub fn restore_snapshot(file: &Path, dir: &Path, replace: bool) -> anyhow::Result<Contents> {
    let input = File::open(file).with_context(|| format!("could not open {}", file.display()))?;
    let broken = || format!("{} is not a snapshot of an index, or it is damaged", file.display());
    let mut archive = ZipArchive::new(BufReader::new(input)).with_context(broken)?;
    let manifest = manifest(&mut archive).with_context(broken)?;
    match ensure_commit(dir) {
        Ok(()) if !replace => {
            bail!(hinted(format!("there is an index in {}", dir.display()), "--force replaces it"))
        }
        Ok(()) | Err(OpenError::Missing { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let created = missing_directories(dir);
    let lock = WriteLock::take(dir)?;
    let mut restore = || {
        let files = extract(&mut archive, &manifest, dir).with_context(broken)?;
        publish(files, &lock, dir)
    };
    let questions = restore().inspect_err(|_| remove_created(&created)).map_err(explain_write)?;
    let bytes = manifest.files.iter().map(|file| file.bytes).sum();
    Ok(Contents { questions, bytes })
}

/// A directory and its parents, as far as they do not exist.
fn missing_directories(dir: &Path) -> Vec<PathBuf> {
    let is_missing = |dir: &&Path| !dir.as_os_str().is_empty() && dir.symlink_metadata().is_err();
    dir.ancestors().take_while(is_missing).map(Path::to_owned).collect()
}

/// Removes the directories that a failed restore created, and what it wrote there. The lock must still be held:
/// the files are then not those of another process.
fn remove_created(created: &[PathBuf]) {
    let files = created.first().and_then(|dir| dir.read_dir().ok());
    for file in files.into_iter().flatten().flatten() {
        let name = file.file_name();
        if is_own_file(&name) || name == commit_file::NAME {
            // The error of the restore is more important than one of its cleanup.
            _ = fs::remove_file(file.path());
        }
    }
    // A directory with other files is not empty, and stays.
    created.iter().take_while(|dir| fs::remove_dir(dir).is_ok()).for_each(drop);
}

/// Reads the manifest, and makes sure that it names files of an index only.
fn manifest(archive: &mut ZipArchive<BufReader<File>>) -> anyhow::Result<Manifest> {
    let mut text = Vec::new();
    archive.by_name(MANIFEST)?.take(LARGEST_MANIFEST).read_to_end(&mut text)?;
    let manifest: Manifest = serde_json::from_slice(&text)?;
    ensure!(
        manifest.snapshot == FORMAT,
        "format {} is not readable by this version (reads {FORMAT})",
        manifest.snapshot
    );
    let mut names = BTreeSet::new();
    for Entry { name, .. } in &manifest.files {
        let is_ours = name == commit_file::NAME
            || is_curation(name)
            || is_segment_file(Path::new(name)) && !name.contains(['/', '\\']);
        ensure!(is_ours && names.insert(name), "it names the file {name:?}");
    }
    ensure!(names.iter().any(|name| *name == commit_file::NAME), "it has no {}", commit_file::NAME);
    Ok(manifest)
}

/// Extracts the files of a snapshot to temporary files in a directory, and verifies each.
fn extract(
    archive: &mut ZipArchive<BufReader<File>>,
    manifest: &Manifest,
    dir: &Path,
) -> anyhow::Result<Vec<(String, NamedTempFile)>> {
    let mut files = Vec::new();
    for Entry { name, bytes, xxh3 } in &manifest.files {
        let mut out = tempfile::Builder::new().prefix(".tmp").tempfile_in(dir)?;
        let source = archive.by_name(name)?;
        let found =
            copy(&mut source.take(bytes + 1), &mut out).with_context(|| format!("could not read {name}"))?;
        ensure!(found == (*bytes, xxh3.clone()), "{name} does not match its checksum");
        out.as_file().sync_data()?;
        files.push((name.clone(), out));
    }
    Ok(files)
}

/// Renames the files, the one that names the commit last. Returns the number of questions.
fn publish(files: Vec<(String, NamedTempFile)>, lock: &WriteLock, dir: &Path) -> anyhow::Result<u64> {
    let mut commit = Vec::new();
    for (name, file) in files {
        if name == commit_file::NAME {
            commit = fs::read(file.path())?;
            ensure!(commit_file::is_sound(&commit), "the {name} of the snapshot is damaged");
            continue;
        }
        let target = dir.join(&name);
        if is_curation(&name) {
            file.persist(&target).with_context(|| format!("could not write {}", target.display()))?;
            continue;
        }
        match is_same(&target, file.path())? {
            Some(true) => {}
            Some(false) if lock.is_referenced(&name) => bail!(hinted(
                format!(
                    "the index in {} and the snapshot have different files of the name {name}",
                    dir.display()
                ),
                "restore to another directory with --index, then replace the directory"
            )),
            _ => {
                file.persist(&target).with_context(|| format!("could not write {}", target.display()))?;
            }
        }
    }
    lock.sync_directory()?;
    lock.assume(commit.clone());
    // Nothing is replaced by an index that cannot be opened.
    let index = Index::open_directory(lock.clone(), dir)?;
    let questions = guarded(dir, || index.question_count())?;
    lock.write_commit(&commit)?;
    super::commit::delete_unreferenced(lock)?;
    Ok(questions)
}

/// Whether a file has synonyms or pins. It is no part of a commit, so that one in the snapshot replaces it.
fn is_curation(name: &str) -> bool {
    matches!(name, SYNONYMS | PINS)
}

/// Whether two files have the same content; `None` if the first does not exist.
fn is_same(one: &Path, two: &Path) -> io::Result<Option<bool>> {
    let digest = |path: &Path| copy(&mut File::open(path)?, &mut io::sink());
    match digest(one) {
        Ok(found) => Ok(Some(found == digest(two)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Build;

    #[test]
    fn what_a_killed_snapshot_left_is_deleted_by_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let [snapshot, left, other, notes] =
            ["a.zip", ".a.zip.tmpAbCdEf", ".b.zip.tmpAbCdEf", ".a.zip.tmp-notes"]
                .map(|name| dir.path().join(name));
        for file in [&left, &other, &notes] {
            fs::write(file, "").unwrap();
        }
        let first = temporary_file(&snapshot).unwrap();
        assert!(!left.exists() && other.exists() && notes.exists());
        temporary_file(&dir.path().join("a".repeat(250))).unwrap();
        let second = temporary_file(&snapshot).unwrap();
        assert!(first.path().exists() && second.path().exists());
    }

    /// The manifest has the checksum of the damaged file, so only the file itself shows that it is damaged.
    #[test]
    fn a_snapshot_of_a_damaged_commit_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let [faq, index, new, snapshot] =
            ["faq.md", "index", "new", "snapshot.zip"].map(|name| dir.path().join(name));
        fs::write(&faq, "## How long must dough rise?\n\nUntil it has doubled.\n").unwrap();
        Build::new(&index, std::slice::from_ref(&faq)).run().unwrap();
        let mut sources = open_files(&index).unwrap();
        let mut commit = fs::read(index.join(commit_file::NAME)).unwrap();
        commit[28] ^= 1;
        let damaged = dir.path().join("damaged");
        fs::write(&damaged, commit).unwrap();
        let of_commit = sources.iter_mut().find(|(name, _)| name == commit_file::NAME).unwrap();
        of_commit.1 = File::open(damaged).unwrap();
        write_archive(&mut File::create(&snapshot).unwrap(), sources).unwrap();
        for (dir, replace) in [(&index, true), (&new, false)] {
            let error = restore_snapshot(&snapshot, dir, replace).unwrap_err();
            assert!(format!("{error:#}").contains("meta.json of the snapshot is damaged"), "{error:#}");
        }
        assert!(check(&index).unwrap().is_sound());
        assert!(!new.exists());
    }
}
