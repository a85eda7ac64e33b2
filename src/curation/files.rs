//! Where the files of synonyms and pins are, and whether they have changed.

use std::io;
use std::path::{Path, PathBuf};

use super::{Curation, CurationError, Pins, Synonyms};
use crate::read::Stamp;
use crate::regular_file;

/// The names of the files in an index directory.
pub const SYNONYMS: &str = "synonyms.toml";
/// See [`SYNONYMS`].
pub const PINS: &str = "pins.toml";

/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// Which files of synonyms and pins an index uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurationFiles {
    /// The file of synonyms. `None` for [`SYNONYMS`] in the index directory, if it exists.
    pub synonyms: Option<PathBuf>,
    /// The file of pins. `None` for [`PINS`] in the index directory, if it exists.
    pub pins: Option<PathBuf>,
}

/// The state of the files when they were read.
#[derive(Clone, Debug)]
pub struct CurationStamp([Option<Stamp>; 2]);

impl CurationStamp {
    /// Whether the files may have another content than at an earlier stamp.
    pub fn may_differ(&self, earlier: &Self) -> bool {
        let differ = |now: &Option<Stamp>, before: &Option<Stamp>| match (now, before) {
            (Some(now), Some(before)) => !now.is_same(before) || !before.is_settled(),
            (None, None) => false,
            _ => true,
        };
        self.0.iter().zip(&earlier.0).any(|(now, before)| differ(now, before))
    }
}

/// A file to read.
struct Place {
    path: PathBuf,
    /// The user named it, so that it must exist.
    is_named: bool,
}

impl CurationFiles {
    /// Reads the files of the index in a directory. `None` for an index that is in no directory.
    ///
    /// # Errors
    /// A file cannot be read, or its content is not allowed; a file that is named does not exist.
    pub fn read(&self, dir: Option<&Path>) -> Result<Curation, CurationError> {
        let [synonyms, pins] = self.places(dir);
        let synonyms = synonyms.map_or_else(|| Ok(None), |place| place.read())?;
        let pins = pins.map_or_else(|| Ok(None), |place| place.read())?;
        let parse = |(file, text): &(String, String)| Synonyms::parse(file, text);
        let synonyms = synonyms.as_ref().map(parse).transpose()?.unwrap_or_default();
        let parse = |(file, text): &(String, String)| Pins::parse(file, text);
        let pins = pins.as_ref().map(parse).transpose()?.unwrap_or_default();
        Ok(Curation::new(synonyms, pins))
    }

    /// The state of the files. Take it before they are read.
    pub fn stamp(&self, dir: Option<&Path>) -> CurationStamp {
        let stamp = |place: Place| Some(Stamp::new(&place.path.metadata().ok()?));
        CurationStamp(self.places(dir).map(|place| place.and_then(stamp)))
    }

    /// The paths of the files of the index in a directory: of the synonyms and of the pins. They may not exist.
    pub fn paths(&self, dir: Option<&Path>) -> [Option<PathBuf>; 2] {
        self.places(dir).map(|place| place.map(|place| place.path))
    }

    fn places(&self, dir: Option<&Path>) -> [Option<Place>; 2] {
        [(&self.synonyms, SYNONYMS), (&self.pins, PINS)].map(|(named, name)| match named {
            Some(path) => Some(Place { path: path.clone(), is_named: true }),
            None => dir.map(|dir| Place { path: dir.join(name), is_named: false }),
        })
    }
}

impl Place {
    /// The name and the text of the file. `None` if it does not exist and need not.
    fn read(&self) -> Result<Option<(String, String)>, CurationError> {
        let file = self.path.display().to_string();
        let failed = |reason: String| CurationError { file: file.clone(), line: None, reason };
        if self.path.metadata().is_ok_and(|metadata| metadata.len() > LARGEST) {
            return Err(failed(format!("it has more than {} MiB, the limit", LARGEST >> 20)));
        }
        match regular_file::read(&self.path) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8 text".to_owned()))?;
                let text = text.strip_prefix('\u{FEFF}').map(str::to_owned).unwrap_or(text);
                Ok(Some((file, text)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.is_named => Ok(None),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_are_read_from_the_index_or_where_they_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let files = CurationFiles::default();
        assert!(files.read(Some(dir.path())).unwrap().is_empty());
        assert!(files.read(None).unwrap().is_empty());
        fs::write(dir.path().join(SYNONYMS), "same = [[\"a\", \"b\"]]").unwrap();
        fs::write(dir.path().join(PINS), "[[pin]]\nphrase = \"a\"\nids = \"b\"").unwrap();
        let found = files.read(Some(dir.path())).unwrap();
        assert_eq!((found.synonyms.entries().len(), found.pins.entries().len()), (1, 1));
        let other = dir.path().join("other.toml");
        let files = CurationFiles { synonyms: Some(other.clone()), pins: None };
        let error = files.read(Some(dir.path())).unwrap_err().to_string();
        assert!(error.starts_with(&format!("could not read {}: ", other.display())), "{error}");
        fs::write(&other, "").unwrap();
        assert!(files.read(Some(dir.path())).unwrap().synonyms.entries().is_empty());
    }

    #[test]
    fn a_change_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let files = CurationFiles::default();
        let stamp = || files.stamp(Some(dir.path()));
        let none = stamp();
        assert!(!stamp().may_differ(&none));
        fs::write(dir.path().join(PINS), "").unwrap();
        let fresh = stamp();
        assert!(fresh.may_differ(&none));
        assert!(stamp().may_differ(&fresh), "another change at the same time would not be seen");
        fs::write(dir.path().join(PINS), "# longer").unwrap();
        assert!(stamp().may_differ(&fresh));
    }
}
