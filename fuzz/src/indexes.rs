//! Files of an index, and snapshots.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use flate2::Crc;
use rqsearch::duplicates::{Cache, Options, duplicates};
use rqsearch::engine::Engine;
use rqsearch::index::check::check;
use rqsearch::index::{Build, Index, guarded, restore_snapshot, write_snapshot};
use rqsearch::question::Question;
use rqsearch::search::{Filters, Hit, Mode, Query};
use xxhash_rust::xxh3::xxh3_64;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::model::Remembering;

/// The questions of the sound index.
const QUESTIONS: &str = "\
# Baking

## How long must dough rise?

Until it has doubled in size. `date` and `yeast --fresh` do not count.

## How long does dough have to rise?

Until it has doubled.

## Why is bread sour?

Tags: starter

The sourdough starter has *acid* of two kinds.

## Was ist ein Vorteig?

Ein Teig, der vor dem Backen ruht, und dann unter den anderen Teig gemischt wird.
";

/// The file that names the commit, and the manifest of a snapshot.
const COMMIT: &str = "meta.json";
const MANIFEST: &str = "rqsearch-snapshot.json";

/// The extensions of the files of an index. The first byte of an input is the position of one, as a digit.
const FILES: [&str; 8] = ["json", "term", "idx", "pos", "fast", "fieldnorm", "store", "rqsv"];

/// An index, and what it returns.
struct Sound {
    /// The files of a commit, in the order of [`FILES`].
    files: Vec<File>,
    snapshot: Vec<u8>,
    answers: Answers,
}

#[derive(Clone)]
struct File {
    name: String,
    content: Vec<u8>,
}

/// What an index returns.
#[derive(Debug, PartialEq)]
struct Answers {
    hits: Vec<Vec<Hit>>,
    known: Vec<Question>,
    questions: Vec<Question>,
    pairs: usize,
}

static SOUND: LazyLock<Sound> = LazyLock::new(|| Sound::new().expect("an index is built"));

impl Sound {
    fn new() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let (source, index, snapshot) =
            (dir.path().join("faq.md"), dir.path().join("index"), dir.path().join("snapshot.zip"));
        fs::write(&source, QUESTIONS)?;
        let sources = [source];
        Build { embedder: Some(&Remembering), threads: 1, ..Build::new(&index, &sources) }.run()?;
        write_snapshot(&index, &snapshot, false)?;
        let content: Vec<PathBuf> =
            fs::read_dir(&index)?.map(|file| Ok(file?.path())).collect::<anyhow::Result<_>>()?;
        let file = |extension: &&str| -> anyhow::Result<File> {
            let is_it = |path: &&PathBuf| match *extension {
                "json" => path.ends_with(COMMIT),
                extension => path.extension().is_some_and(|found| found == extension),
            };
            let path = content.iter().find(is_it).ok_or_else(|| anyhow::anyhow!("no file .{extension}"))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok(File { name, content: fs::read(path)? })
        };
        let files = FILES.iter().map(file).collect::<anyhow::Result<_>>()?;
        Ok(Self { files, snapshot: fs::read(snapshot)?, answers: Answers::of(&index)? })
    }

    /// Writes the index to a directory.
    fn write(&self, dir: &Path) {
        fs::create_dir(dir).expect("the directory of temporary files is writable");
        self.files.iter().for_each(|file| file.write(dir));
    }
}

impl File {
    fn write(&self, dir: &Path) {
        fs::write(dir.join(&self.name), &self.content).expect("the directory of temporary files is writable");
    }

    /// The content without the footer, which has the checksum.
    fn body(&self) -> &[u8] {
        if self.name == COMMIT {
            // After `{"rqsearch_checksum":"0123456789abcdef",`.
            return &self.content[40..];
        }
        let length = self.content.len() - 8;
        let footer = u32::from_le_bytes(self.content[length..length + 4].try_into().expect("four bytes"));
        &self.content[..length - footer as usize]
    }

    /// The file with another content and the checksum of it.
    fn with_body(&self, body: &[u8]) -> Self {
        let content = if self.name == COMMIT {
            let checksum = format!(r#"{{"rqsearch_checksum":"{:016x}","#, xxh3_64(body));
            [checksum.as_bytes(), body].concat()
        } else {
            let footer = &self.content[self.body().len()..];
            let (text, end) = footer.split_at(footer.len() - 8);
            let text = std::str::from_utf8(text).expect("a footer is text");
            let (version, _) = text.split_once(r#""crc":"#).expect("a footer has the checksum");
            let mut crc = Crc::new();
            crc.update(body);
            let text = format!(r#"{version}"crc":{}}}"#, crc.sum());
            let length = (text.len() as u32).to_le_bytes();
            [body, text.as_bytes(), &length, &end[4..]].concat()
        };
        Self { name: self.name.clone(), content }
    }
}

impl Answers {
    fn of(dir: &Path) -> anyhow::Result<Self> {
        let engine = Engine::open_with(dir, |_| Ok(Box::new(Remembering)))?;
        let opened = engine.current()?;
        let filters = Filters {
            exact: vec!["doubled in size".to_owned()],
            without: vec!["acid".to_owned()],
            sources: vec!["faq".to_owned()],
            ..Filters::default()
        };
        let queries = [
            Query { explain: true, collapse: true, ..Query::plain("how long must dough rise") },
            Query { filters, ..Query::plain("\"doubled in size\" yeasts") },
            Query { mode: Mode::Keyword, limit: 2, offset: 1, ..Query::plain("sour doug teig") },
            Query { mode: Mode::Semantic, ..Query::plain("Why is bread sour?") },
        ];
        let hits = |query| Ok(opened.search(query)?.hits);
        let hits = queries.iter().map(hits).collect::<anyhow::Result<_>>()?;
        let found = opened.check("Why is bread sour?", 0.0)?;
        let (questions, pairs) = guarded(dir, || {
            let index = &opened.index;
            index.stats()?;
            index.question_count()?;
            if let Some(question) = index.any_question()? {
                index.find(question.id.get(..6).unwrap_or_default())?;
            }
            let found = duplicates(index, &Options::default(), &mut Cache::default())?;
            Ok((index.questions()?, found.pairs.len()))
        })?;
        Ok(Self { hits, known: found.into_iter().map(|found| found.question).collect(), questions, pairs })
    }
}

/// Damages a file of an index, and searches. The first byte of an input picks the file, and the second one how it is
/// damaged, both as digits: see [`FILES`] and [`damaged`].
///
/// # Panics
/// A panic leaves the library, or
///
/// - the check of the index does not report a file that changed, unless its checksum was corrected;
/// - an error has no reason.
pub fn run_file(data: &[u8]) {
    let [which, how, rest @ ..] = data else { return };
    let sound = &SOUND.files[digit(*which, FILES.len())];
    let (file, is_corrected) = damaged(sound, digit(*how, 4), rest);
    let dir = tempfile::tempdir().expect("the directory of temporary files is writable");
    let index = dir.path().join("index");
    SOUND.write(&index);
    file.write(&index);
    let answers = Answers::of(&index);
    if let Err(error) = &answers {
        assert!(!error.to_string().is_empty(), "an error without a reason");
    }
    let is_reported = check(&index).map_or(true, |report| !report.is_sound());
    // A file of the commit that was written by a version without checksums begins like this.
    let has_checksum = !(file.name == COMMIT && file.content.starts_with(b"{\n"));
    if is_corrected || !has_checksum {
        return;
    }
    assert_eq!(is_reported, file.content != sound.content, "the check of {}", file.name);
    if !is_reported {
        assert_eq!(answers.expect("a sound index can be searched"), SOUND.answers);
    }
}

/// A damaged file, and whether its checksum is that of its content.
fn damaged(file: &File, how: usize, rest: &[u8]) -> (File, bool) {
    match how {
        // Other bytes.
        0 => (File { content: patched(&file.content, rest), ..file.clone() }, false),
        // Other bytes, with the right checksum.
        1 => (file.with_body(&patched(file.body(), rest)), true),
        // Another content, with the right checksum.
        2 => (file.with_body(rest), true),
        // The end is missing.
        _ => {
            let length = rest.first_chunk().map_or(0, |length| usize::from(u16::from_le_bytes(*length)));
            let content = file.content[..length.min(file.content.len())].to_vec();
            (File { content, ..file.clone() }, false)
        }
    }
}

/// Bytes of which some are replaced. Three bytes are a patch: where, little-endian, and the new value.
fn patched(bytes: &[u8], patches: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let length = bytes.len();
    for patch in patches.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([patch[0], patch[1]]));
        if length > 0 {
            bytes[at % length] = patch[2];
        }
    }
    bytes
}

fn digit(byte: u8, end: usize) -> usize {
    usize::from(byte.wrapping_sub(b'0')) % end
}

/// Restores a snapshot. An input is
///
/// - a snapshot, if it begins with `PK`;
/// - the manifest of a sound snapshot, if it begins with `{`: `<store>` is replaced by the entry of that file, and
///   `<all>` by those of all files;
/// - or patches of a sound snapshot after the digit 0, or, after 1 and another digit, patches of one of its files with
///   the checksums of the patched file.
///
/// # Panics
/// A panic leaves the library, or
///
/// - a failed restore leaves a directory, or changes the index that it should replace;
/// - a restored index is damaged, unless checksums were corrected.
pub fn run_snapshot(data: &[u8]) {
    let Some((snapshot, is_corrected)) = snapshot(data) else { return };
    let dir = tempfile::tempdir().expect("the directory of temporary files is writable");
    let (file, new, old) =
        (dir.path().join("snapshot.zip"), dir.path().join("new").join("index"), dir.path().join("old"));
    fs::write(&file, snapshot).expect("the directory of temporary files is writable");
    match restore_snapshot(&file, &new, false) {
        Ok(_) if is_corrected => _ = Answers::of(&new),
        Ok(_) => {
            assert!(check(&new).expect("there is an index").is_sound(), "the restored index is damaged");
            assert!(Index::open(&new).is_ok());
        }
        Err(error) => {
            assert!(!error.to_string().is_empty(), "an error without a reason");
            assert!(!new.exists() && !dir.path().join("new").exists(), "a directory was left: {error:#}");
            SOUND.write(&old);
            // It succeeds if the snapshot lacks files that the old index has.
            if restore_snapshot(&file, &old, true).is_ok() && is_corrected {
                return;
            }
            assert!(
                check(&old).expect("there is an index").is_sound(),
                "the old index was damaged: {error:#}"
            );
            assert_eq!(Answers::of(&old).expect("it can be searched"), SOUND.answers, "{error:#}");
        }
    }
}

/// The snapshot of an input, and whether it has the checksums of changed files.
fn snapshot(data: &[u8]) -> Option<(Vec<u8>, bool)> {
    match data {
        [b'P', b'K', ..] => Some((data.to_vec(), false)),
        [b'{', ..] => {
            let mut manifest = String::from_utf8_lossy(data).into_owned();
            let entries: Vec<String> = SOUND.files.iter().map(entry).collect();
            for (extension, entry) in FILES.iter().zip(&entries) {
                manifest = manifest.replace(&format!("<{extension}>"), entry);
            }
            Some((archive(&SOUND.files, &manifest.replace("<all>", &entries.join(","))), false))
        }
        [b'1', which, patches @ ..] => {
            let mut files = SOUND.files.clone();
            let file = &mut files[digit(*which, FILES.len())];
            file.content = patched(&file.content, patches);
            let entries: Vec<String> = files.iter().map(entry).collect();
            let manifest = format!(r#"{{"snapshot":1,"rqsearch":"0.1.0","files":[{}]}}"#, entries.join(","));
            Some((archive(&files, &manifest), true))
        }
        [_, patches @ ..] => Some((patched(&SOUND.snapshot, patches), false)),
        [] => None,
    }
}

/// The entry of a file in a manifest.
fn entry(file: &File) -> String {
    let File { name, content } = file;
    format!(r#"{{"name":"{name}","bytes":{},"xxh3":"{:016x}"}}"#, content.len(), xxh3_64(content))
}

/// A snapshot with this manifest.
fn archive(files: &[File], manifest: &str) -> Vec<u8> {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, content: &[u8]| {
        archive.start_file(name, stored).expect("the names differ");
        archive.write_all(content).expect("memory is writable");
    };
    files.iter().for_each(|file| add(&file.name, &file.content));
    add(MANIFEST, manifest.as_bytes());
    archive.finish().expect("memory is writable").into_inner()
}
