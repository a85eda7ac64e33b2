//! Several indexes as one: the segments of all in one tantivy directory, without copying anything.
//!
//! A search then has the statistics of all questions (how rare a word is, the mean of the vectors), so its ranking is that
//! of one index with all questions.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{DirectoryLock, FileHandle, Lock, WatchCallback, WatchHandle, WritePtr};
use tantivy::{Directory, TantivyError};
use xxhash_rust::xxh3::xxh3_128;

use super::commit_file;
use super::metadata::{Meta, ensure_commit, read_meta};
use super::open_error::OpenError;
use super::read_only::ReadOnly;

/// The length of the id of a segment in the names of its files.
const ID: usize = 32;

/// One of several indexes that are searched together.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub dir: PathBuf,
    /// The numbers of its segments.
    pub segments: Range<usize>,
}

/// The files of several indexes. The segments have other ids, because copies of an index have segments with the same ids.
#[derive(Clone, Debug)]
pub(super) struct Union {
    directories: Arc<[ReadOnly]>,
    /// For each id of a segment, the index and the id in it.
    segments: Arc<HashMap<String, (usize, String)>>,
    /// The file of the commit.
    commit: Arc<[u8]>,
}

impl Union {
    /// Reads the last commits of several indexes.
    ///
    /// # Errors
    /// One of them cannot be opened, two are the same, or their models differ.
    pub fn open(dirs: &[PathBuf]) -> Result<(Self, Vec<Member>), OpenError> {
        ensure_different(dirs)?;
        let (mut directories, mut members, mut segments) = (Vec::new(), Vec::new(), HashMap::new());
        let (mut metas, mut merged): (Vec<Meta>, Option<Value>) = (Vec::new(), None);
        for (nth, dir) in dirs.iter().enumerate() {
            let Commit { directory, mut value, meta } = Commit::read(dir)?;
            let renamed = renamed(nth, &mut value, &mut segments);
            let start = members.last().map_or(0, |last: &Member| last.segments.end);
            members.push(Member { dir: dir.clone(), segments: start..start + renamed.len() });
            directories.push(directory);
            metas.push(meta);
            let into = merged.get_or_insert_with(|| {
                value["segments"] = Value::Array(Vec::new());
                value
            });
            into["segments"].as_array_mut().into_iter().for_each(|all| all.extend_from_slice(&renamed));
        }
        let meta = merged_meta(dirs, &metas)?;
        let mut commit = merged.unwrap_or_default();
        commit["payload"] = Value::String(serde_json::to_string(&meta).expect("the metadata is plain data"));
        let commit = serde_json::to_vec_pretty(&commit).expect("a JSON value can be written");
        Ok((
            Self { directories: directories.into(), segments: Arc::new(segments), commit: commit.into() },
            members,
        ))
    }

    /// The directory of the index that has a file, and the name of the file in it.
    fn find(&self, path: &Path) -> Option<(&ReadOnly, PathBuf)> {
        let (id, rest) = path.to_str()?.split_at_checked(ID)?;
        let (member, own) = self.segments.get(id)?;
        Some((&self.directories[*member], PathBuf::from(format!("{own}{rest}"))))
    }
}

/// The last commit of an index.
struct Commit {
    directory: ReadOnly,
    /// The file of the commit.
    value: Value,
    meta: Meta,
}

impl Commit {
    fn read(dir: &Path) -> Result<Self, OpenError> {
        let broken = |source| OpenError::broken(dir, source);
        ensure_commit(dir)?;
        let directory = ReadOnly::open(dir).map_err(|error| broken(error.into()))?;
        // This has the checks of the format.
        read_meta(&tantivy::Index::open(directory.clone()).map_err(broken)?, dir)?;
        let bytes = directory.atomic_read(Path::new(commit_file::NAME));
        let bytes = bytes.map_err(|error| broken(error.into()))?;
        let foreign = |_| OpenError::Foreign { dir: dir.to_owned() };
        let value: Value = serde_json::from_slice(&bytes).map_err(foreign)?;
        let meta = serde_json::from_str(value["payload"].as_str().unwrap_or_default()).map_err(foreign)?;
        Ok(Self { directory, value, meta })
    }
}

/// Gives the segments of an index other ids, and records the old ones.
fn renamed(nth: usize, commit: &mut Value, ids: &mut HashMap<String, (usize, String)>) -> Vec<Value> {
    let Some(Value::Array(segments)) = commit.get_mut("segments").map(Value::take) else {
        return Vec::new();
    };
    let rename = |mut segment: Value| {
        let own = segment["segment_id"].as_str().unwrap_or_default().replace('-', "");
        let id = format!("{:032x}", xxh3_128(format!("{nth} {own}").as_bytes()));
        segment["segment_id"] = Value::String(id.clone());
        ids.insert(id, (nth, own));
        segment
    };
    segments.into_iter().map(rename).collect()
}

/// # Errors
/// Two paths lead to the same directory.
fn ensure_different(dirs: &[PathBuf]) -> Result<(), OpenError> {
    let real: Vec<PathBuf> =
        dirs.iter().map(|dir| dir.canonicalize().unwrap_or_else(|_| dir.clone())).collect();
    match (1..real.len()).find(|nth| real[..*nth].contains(&real[*nth])) {
        Some(nth) => Err(OpenError::Twice { dir: dirs[nth].clone() }),
        None => Ok(()),
    }
}

/// The metadata of all questions. The weight and the spread are means of those that were tuned, weighted by the number of
/// questions that they were tuned on. A calibration is for one index and not kept.
fn merged_meta(dirs: &[PathBuf], metas: &[Meta]) -> Result<Meta, OpenError> {
    let model = |meta: &Meta| meta.model.as_ref().map(|model| model.spoken_name().to_string());
    for (dir, meta) in dirs.iter().zip(metas) {
        let is_same = match (&metas[0].model, &meta.model) {
            (None, None) => true,
            (Some(one), Some(other)) => one.is_same(other),
            _ => false,
        };
        if !is_same {
            let [first, second] =
                [(&dirs[0], &metas[0]), (dir, meta)].map(|(dir, meta)| (dir.clone(), model(meta)));
            return Err(OpenError::Models { first, second });
        }
    }
    let mean = |value: fn(&Meta) -> Option<f32>| {
        let tuned = metas.iter().filter_map(|meta| Some((value(meta)?, meta.tuned_on.max(1) as f32)));
        let (sum, weight) =
            tuned.fold((0.0, 0.0), |(sum, all), (value, weight)| (sum + value * weight, all + weight));
        (weight > 0.0).then(|| sum / weight)
    };
    Ok(Meta {
        semantic_weight: mean(|meta| meta.semantic_weight),
        spread: mean(|meta| meta.spread),
        tuned_on: metas.iter().map(|meta| meta.tuned_on).sum(),
        ..Meta::new(metas[0].model.clone())
    })
}

fn no_file(path: &Path) -> OpenReadError {
    OpenReadError::FileDoesNotExist(path.to_owned())
}

fn read_only() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "several indexes that are searched together cannot be written")
}

impl Directory for Union {
    /// Holds the locks of all indexes, so that no writer removes a file.
    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        let locks = self.directories.iter().map(|directory| directory.acquire_lock(lock));
        let locks: Vec<DirectoryLock> = locks.collect::<Result<_, _>>()?;
        Ok(DirectoryLock::from(Box::new(locks)))
    }

    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let (directory, own) = self.find(path).ok_or_else(|| no_file(path))?;
        directory.get_file_handle(&own)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        match self.find(path) {
            Some((directory, own)) => directory.exists(&own),
            None => Ok(path == commit_file::NAME),
        }
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        match path == commit_file::NAME {
            true => Ok(self.commit.to_vec()),
            false => Err(no_file(path)),
        }
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        Err(DeleteError::IoError { io_error: Arc::new(read_only()), filepath: path.to_owned() })
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        Err(OpenWriteError::wrap_io_error(read_only(), path.to_owned()))
    }

    fn atomic_write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(read_only())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn watch(&self, _: WatchCallback) -> tantivy::Result<WatchHandle> {
        Err(TantivyError::InternalError("several indexes are not watched".to_owned()))
    }
}
