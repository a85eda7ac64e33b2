//! Verifies every file of an index against its checksum, and finds the questions that damage affects.
//!
//! Opening an index verifies only the footers and lengths of its files. A byte that changed inside a file can
//! therefore change results silently, until a check finds it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use serde::Deserialize;
use tantivy::directory::{CompositeFile, Directory, OwnedBytes};
use tantivy::error::DataCorruption;
use tantivy::fastfield::AliveBitSet;
use tantivy::index::{Segment, SegmentComponent};
use tantivy::schema::Field;
use tantivy::store::StoreReader;
use tantivy::termdict::TermDictionary;
use tantivy::{IndexMeta, SegmentMeta};

use super::damage::caught;
use super::document::stored_record;
use super::lock::is_segment_file;
use super::metadata::{ensure_commit, read_meta};
use super::open_error::OpenError;
use super::read_only::{MANAGED, ReadOnly};
use super::schema::schema;
use super::{commit_file, vectors};
use crate::regular_file::{self, is_irregular};

/// The versions of tantivy that wrote indexes of the current [`FORMAT`](super::FORMAT). The footer of a file
/// names the version, and its checksum does not cover it.
const TANTIVY: [&str; 1] = ["0.27.0"];

/// The files of an index whose content does not matter: locks, and the list of files to delete.
const NOT_VERIFIED: [&str; 3] = [".tantivy-writer.lock", ".tantivy-meta.lock", MANAGED];

/// How often a check starts again because another process committed in the meantime.
const ATTEMPTS: usize = 5;

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Number of files that were verified.
    pub files: u64,
    /// Their total size in bytes.
    pub bytes: u64,
    /// What is damaged. Empty for a sound index.
    pub damage: Vec<Damage>,
    /// The segments with damaged files.
    pub segments: Vec<DamagedSegment>,
}

impl Report {
    /// Whether nothing is damaged.
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty()
    }

    /// Whether the file that names the commit is damaged, so that it is unknown which segments the index has.
    pub fn is_commit_damaged(&self) -> bool {
        self.damage.iter().any(|damage| damage.file == commit_file::NAME)
    }
}

/// A damaged file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// Its name in the index directory.
    pub file: String,
    /// The segment that it belongs to, as 32 hexadecimal digits. `None` for a file of the whole index.
    pub segment: Option<String>,
    /// What is wrong with it, in lower case without a full stop.
    pub reason: String,
}

/// A segment with damaged files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedSegment {
    /// Its id, as 32 hexadecimal digits.
    pub id: String,
    /// Number of its questions and file records, without deleted ones.
    pub documents: u64,
    /// Its questions as far as they can be read, ordered by path and id. If the file with the deletions is
    /// damaged, this includes deleted questions.
    pub questions: Vec<AffectedQuestion>,
    /// Whether [`questions`](Self::questions) is complete. It is not if both the records and the terms of the
    /// segment are damaged.
    pub is_complete: bool,
    /// The records of the questions and files, if the file that stores them is sound.
    pub(super) records: Option<Vec<String>>,
}

/// A question in a damaged segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AffectedQuestion {
    /// The file that it comes from, as in [`Source::path`](crate::question::Source::path). Empty if the records
    /// of the segment are damaged.
    pub path: String,
    /// Its id.
    pub id: String,
    /// Its title. Empty if the records of the segment are damaged.
    pub title: String,
}

/// What a check needs to know of a record of a question or a file.
#[derive(Deserialize)]
struct Record {
    id: Option<String>,
    title: Option<String>,
    source: Option<RecordSource>,
}

#[derive(Deserialize)]
struct RecordSource {
    path: String,
}

/// Verifies every file of the last commit of an index.
///
/// # Errors
/// The directory has no index, or one of another format; or another process commits all the time.
pub fn check(dir: &Path) -> Result<Report, OpenError> {
    match ensure_commit(dir) {
        // It was an index.
        Err(OpenError::Missing { .. } | OpenError::Foreign { .. }) if was_index(dir) => {
            let what = match is_irregular(&dir.join(commit_file::NAME)) {
                true => "it is not a regular file",
                false => "it is missing",
            };
            let reason = format!("{what}, so the segments of the index are not known");
            let damage = vec![Damage { file: commit_file::NAME.to_owned(), segment: None, reason }];
            return Ok(Report { damage, ..Report::default() });
        }
        ensured => ensured?,
    }
    let commit = || regular_file::read(&dir.join(commit_file::NAME)).unwrap_or_default();
    let mut before = commit();
    for _ in 0..ATTEMPTS {
        let report = check_commit(dir, &before)?;
        let after = commit();
        // A writer deletes the files of the commit that it replaced.
        if report.is_sound() || after == before {
            return Ok(report);
        }
        before = after;
    }
    Err(broken(dir, io::Error::other("another process commits faster than the files can be verified")))
}

/// Whether a directory has what an index has besides the file that names its commit.
fn was_index(dir: &Path) -> bool {
    let entries = dir.read_dir().into_iter().flatten().flatten();
    dir.join(MANAGED).exists()
        && entries.map(|entry| entry.file_name()).any(|name| is_segment_file(Path::new(&name)))
}

fn check_commit(dir: &Path, commit: &[u8]) -> Result<Report, OpenError> {
    let mut report = Report { files: 1, bytes: commit.len() as u64, ..Report::default() };
    let damaged_commit =
        |reason: String| Damage { file: commit_file::NAME.to_owned(), segment: None, reason };
    if !commit_file::is_sound(commit) {
        report.damage.push(damaged_commit("its content does not match its checksum".to_owned()));
        return Ok(report);
    }
    let irregular = NOT_VERIFIED.into_iter().filter(|name| is_irregular(&dir.join(name)));
    report.damage.extend(irregular.map(|name| Damage {
        file: name.to_owned(),
        segment: None,
        reason: "it is not a regular file; remove it".to_owned(),
    }));
    let directory = ReadOnly::open(dir).map_err(|error| broken(dir, io::Error::other(error)))?;
    let index = match tantivy::Index::open(directory.clone()) {
        Ok(index) => index,
        Err(error) => {
            report.damage.push(damaged_commit(error.to_string()));
            return Ok(report);
        }
    };
    read_meta(&index, dir)?;
    let metas = index.load_metas().map_err(|source| OpenError::broken(dir, source))?;
    for segment in &metas.segments {
        let damaged = check_segment(&index, &directory, segment, &mut report);
        if !damaged.is_empty() {
            report.segments.push(affected(&index.segment(segment.clone()), &damaged));
        }
    }
    report.damage.sort();
    Ok(report)
}

fn broken(dir: &Path, error: io::Error) -> OpenError {
    OpenError::broken(dir, error.into())
}

/// Verifies the files of a segment. Returns the damaged components.
fn check_segment(
    index: &tantivy::Index,
    directory: &ReadOnly,
    segment: &SegmentMeta,
    report: &mut Report,
) -> Vec<SegmentComponent> {
    let mut damaged = Vec::new();
    for component in components(segment) {
        let path = segment.relative_path(component.clone());
        match verify(index, directory, &path) {
            Ok(bytes) => {
                report.files += 1;
                report.bytes += bytes;
            }
            Err(reason) => {
                let segment = Some(segment.id().uuid_string());
                report.damage.push(Damage { file: path.display().to_string(), segment, reason });
                damaged.push(component);
            }
        }
    }
    damaged
}

/// The components that a segment must have.
fn components(segment: &SegmentMeta) -> Vec<SegmentComponent> {
    let mut components = vec![
        SegmentComponent::Terms,
        SegmentComponent::Postings,
        SegmentComponent::Positions,
        SegmentComponent::FastFields,
        SegmentComponent::FieldNorms,
        SegmentComponent::Store,
        SegmentComponent::Custom(vectors::EXTENSION.into()),
    ];
    if segment.has_deletes() {
        components.push(SegmentComponent::Delete);
    }
    components
}

/// Verifies a file. Returns its size, or what is wrong with it.
fn verify(index: &tantivy::Index, directory: &ReadOnly, path: &Path) -> Result<u64, String> {
    let bytes = directory
        .open_read(path)
        .map_err(|error| {
            if directory.exists(path).unwrap_or(true) {
                error.to_string()
            } else {
                "it is missing".to_owned()
            }
        })?
        .read_bytes()
        .map_err(|error| error.to_string())?;
    verify_footer(&bytes)?;
    match index.directory().validate_checksum(path) {
        Ok(true) => Ok(bytes.len() as u64),
        Ok(false) => Err("its content does not match its checksum".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Verifies the bytes of the footer that tantivy does not: its version and its spelling.
fn verify_footer(bytes: &OwnedBytes) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Footer {
        version: Version,
        crc: u32,
    }
    #[derive(Deserialize)]
    struct Version {
        major: u32,
        minor: u32,
        patch: u32,
        index_format_version: u32,
    }
    let invalid = || "its footer is damaged".to_owned();
    let length = bytes.len().checked_sub(8).ok_or_else(invalid)?;
    let size = u32::from_le_bytes(bytes[length..length + 4].try_into().map_err(|_| invalid())?) as usize;
    let text = &bytes[length.checked_sub(size).ok_or_else(invalid)?..length];
    let Footer { version, crc } = serde_json::from_slice(text).map_err(|_| invalid())?;
    let Version { major, minor, patch, index_format_version } = version;
    let expected = format!(
        r#"{{"version":{{"major":{major},"minor":{minor},"patch":{patch},"index_format_version":{index_format_version}}},"crc":{crc}}}"#
    );
    let is_known = TANTIVY.contains(&format!("{major}.{minor}.{patch}").as_str());
    if text == expected.as_bytes() && is_known { Ok(()) } else { Err(invalid()) }
}

/// Finds the questions of a segment in its undamaged files.
fn affected(segment: &Segment, damaged: &[SegmentComponent]) -> DamagedSegment {
    let is_sound = |component: SegmentComponent| !damaged.contains(&component);
    let alive = match is_sound(SegmentComponent::Delete) && segment.meta().has_deletes() {
        true => {
            caught(|| Ok(Some(AliveBitSet::open(segment.open_read(SegmentComponent::Delete)?.read_bytes()?))))
        }
        false => Ok(None),
    };
    let records = match (alive, is_sound(SegmentComponent::Store)) {
        (Ok(alive), true) => caught(|| records(segment, alive.as_ref())).ok(),
        _ => None,
    };
    let questions = match &records {
        Some(records) => Some(records.iter().filter_map(|record| question(record)).collect::<BTreeSet<_>>()),
        None if is_sound(SegmentComponent::Terms) => caught(|| ids(segment)).ok(),
        None => None,
    };
    DamagedSegment {
        id: segment.id().uuid_string(),
        documents: u64::from(segment.meta().num_docs()),
        is_complete: questions.is_some(),
        questions: questions.into_iter().flatten().collect(),
        records,
    }
}

/// The records of the documents of a segment that are not deleted.
fn records(segment: &Segment, alive: Option<&AliveBitSet>) -> tantivy::Result<Vec<String>> {
    let store = StoreReader::open(segment.open_read(SegmentComponent::Store)?, 1)?;
    let mut records = Vec::new();
    for doc in 0..segment.meta().max_doc() {
        if alive.is_none_or(|alive| alive.is_alive(doc)) {
            let bytes = store.get_document_bytes(doc)?;
            let record = stored_record(&bytes).ok_or_else(|| {
                DataCorruption::comment_only(format!("the record of document {doc} is damaged"))
            })?;
            records.push(record.to_owned());
        }
    }
    Ok(records)
}

/// The question of a record; `None` for the record of a file.
fn question(record: &str) -> Option<AffectedQuestion> {
    let Record { id, title, source } = serde_json::from_str(record).ok()?;
    Some(AffectedQuestion { path: source?.path, id: id?, title: title? })
}

/// The ids of the questions of a segment, also of deleted ones, by its terms.
fn ids(segment: &Segment) -> tantivy::Result<BTreeSet<AffectedQuestion>> {
    let file = segment.open_read(SegmentComponent::Terms)?;
    let terms = |field: Field| -> tantivy::Result<BTreeSet<String>> {
        let file = CompositeFile::open(&file)?.open_read(field);
        let Some(file) = file else { return Ok(BTreeSet::new()) };
        let dictionary = TermDictionary::open(file)?;
        let mut terms = BTreeSet::new();
        let mut stream = dictionary.stream()?;
        while stream.advance() {
            terms.insert(String::from_utf8_lossy(stream.key()).into_owned());
        }
        Ok(terms)
    };
    // Ids with a colon belong to the records of files.
    let ids = terms(schema().1.id)?.into_iter().filter(|id| !id.contains(':'));
    Ok(ids.map(|id| AffectedQuestion { id, ..AffectedQuestion::default() }).collect())
}

/// The commit of an index without some of its segments, as the content of the file that names it.
pub(super) fn commit_without(metas: &IndexMeta, segments: &[DamagedSegment]) -> serde_json::Result<Vec<u8>> {
    let mut metas = metas.clone();
    metas.segments.retain(|segment| !segments.iter().any(|damaged| damaged.id == segment.id().uuid_string()));
    serde_json::to_vec_pretty(&metas)
}

/// Groups questions by the file that they come from.
pub fn by_path(questions: &[AffectedQuestion]) -> BTreeMap<&str, Vec<&AffectedQuestion>> {
    let mut paths: BTreeMap<&str, Vec<&AffectedQuestion>> = BTreeMap::new();
    for question in questions {
        paths.entry(&question.path).or_default().push(question);
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tantivy_in_use_is_known() {
        // `tantivy v0.27.0, index_format v7`
        let version = format!("{:?}", tantivy::version());
        let is_known = TANTIVY.iter().any(|known| version.contains(&format!(" v{known},")));
        assert!(is_known, "add {version} to TANTIVY");
    }
}
