//! Compressed files (`.gz`, `.zst`) as a stream, and the files of an archive (`.7z`), with limits against files that
//! expand without end.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use sevenz_rust2::{Archive, ArchiveEntry, BlockDecoder, Error as ArchiveError, Password};

use super::emit::invalid;

/// The largest size that a compressed file, or the files that are read in an archive, may have when they are expanded:
/// 4 GiB.
pub const MAX_EXPANDED: u64 = 4 << 30;

/// How many times its size a compressed file or an archive may expand to. Text seldom reaches 50 times, a file that was
/// made to fill memory or disk more than 1,000 times.
pub const MAX_RATIO: u64 = 250;

/// Up to this size in bytes, a file may expand to any multiple of its size.
const SMALL: u64 = 64 << 20;

/// The memory in KiB that the decoder of an archive may use: 256 MiB.
const MAX_DECODER_KIB: usize = 256 << 10;

/// How a file is compressed, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// `.gz`.
    Gzip,
    /// `.zst`.
    Zstd,
    /// `.7z`: any number of files.
    SevenZip,
}

impl Compression {
    /// The compression of a file, which is left at its beginning.
    ///
    /// # Errors
    /// The file cannot be read, or is a pipe.
    pub fn of(file: &mut File) -> io::Result<Option<Self>> {
        let mut start = Vec::new();
        file.rewind()?;
        file.take(6).read_to_end(&mut start)?;
        file.rewind()?;
        let known: [(&[u8], _); 3] = [
            (b"\x1f\x8b\x08", Self::Gzip),
            (b"\x28\xb5\x2f\xfd", Self::Zstd),
            (b"7z\xbc\xaf\x27\x1c", Self::SevenZip),
        ];
        Ok(known.into_iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, kind)| kind))
    }
}

/// The content of a file from its beginning, expanded if it is compressed. An archive is given as it is.
///
/// # Errors
/// The file cannot be read. Reading fails if the compressed data is broken, or expands beyond the limits.
pub fn expanded(mut file: File) -> io::Result<Box<dyn Read>> {
    let compression = Compression::of(&mut file)?;
    let size = file.metadata()?.len();
    let input: Box<dyn Read> = match compression {
        Some(Compression::Gzip) => Box::new(MultiGzDecoder::new(BufReader::new(file))),
        Some(Compression::Zstd) => Box::new(Frames::new(BufReader::new(file))),
        Some(Compression::SevenZip) | None => return Ok(Box::new(file)),
    };
    Ok(Box::new(Limited { input, size, expanded: 0 }))
}

/// Whether a size is within the limits.
fn check_expanded(size: u64, expanded: u64) -> io::Result<()> {
    if expanded > MAX_EXPANDED {
        let limit = MAX_EXPANDED >> 30;
        return Err(invalid(format!("expands to more than {limit} GiB, the limit for compressed files")));
    }
    if expanded > SMALL && expanded / MAX_RATIO > size {
        let limit = format!("{MAX_RATIO} times its size, the limit for compressed files");
        return Err(invalid(format!("expands to more than {limit}")));
    }
    Ok(())
}

/// A decoder that stops at the limits.
struct Limited<R> {
    input: R,
    /// Of the compressed file.
    size: u64,
    /// So far.
    expanded: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = self.input.read(buf).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            io::ErrorKind::UnexpectedEof => invalid("the compressed data is cut off"),
            _ => invalid(format!("the compressed data is broken: {error}")),
        })?;
        self.expanded += len as u64;
        check_expanded(self.size, self.expanded)?;
        Ok(len)
    }
}

/// The frames of a Zstandard file, one after another.
struct Frames<R> {
    decoder: FrameDecoder,
    source: R,
    within: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(source: R) -> Self {
        Self { decoder: FrameDecoder::new(), source, within: false }
    }

    /// Reads the header of the next frame; false at the end of the file.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                // Not data.
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut (&mut self.source).take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while !buf.is_empty() {
            if !self.within && !self.begin()? {
                return Ok(0);
            }
            self.within = true;
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, one).map_err(io::Error::other)?;
            }
            let len = self.decoder.read(buf)?;
            if len > 0 {
                return Ok(len);
            }
            self.within = false;
            let (stored, computed) =
                (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
            if stored.is_some() && stored != computed {
                return Err(io::Error::other("the checksum differs"));
            }
        }
        Ok(0)
    }
}

/// Extracts the files of an archive that are wanted by their names, one after another, each to a temporary file in a
/// folder. Names have `/` between folders. Stops when `each` says so.
///
/// # Errors
/// The archive is broken or encrypted, or its files exceed the limits. What was extracted before is valid.
pub fn extract(
    mut archive: File,
    folder: &Path,
    wanted: impl Fn(&str) -> bool,
    each: &mut dyn FnMut(&str, File) -> ControlFlow<()>,
) -> io::Result<()> {
    let password = Password::empty();
    let listing =
        Archive::read_with_memory_limit(&mut archive, &password, MAX_DECODER_KIB).map_err(archive_error)?;
    let is_wanted =
        |entry: &ArchiveEntry| entry.has_stream() && !entry.is_directory() && wanted(&name(entry));
    let blocks = wanted_blocks(&mut archive, &listing, is_wanted)?;
    let mut flow = ControlFlow::Continue(());
    let mut names = HashSet::new();
    let mut failure = None;
    for (block, last) in blocks {
        let mut nth = 0..=last;
        let mut take = |entry: &ArchiveEntry, input: &mut dyn Read| {
            let is_last = nth.next() == Some(last);
            if is_wanted(entry) {
                let mut file = tempfile::tempfile_in(folder)?;
                io::copy(input, &mut file)?;
                file.rewind()?;
                if names.insert(name(entry)) {
                    flow = each(&name(entry), file);
                } else {
                    return Err(ArchiveError::Other("it has two files of the same name".into()));
                }
            }
            Ok(!is_last && flow.is_continue())
        };
        let decoder =
            BlockDecoder::new_with_memory_limit(1, MAX_DECODER_KIB, block, &listing, &password, &mut archive);
        if let Err(error) = decoder.for_each_entries(&mut take) {
            // Other blocks do not depend on this one.
            failure.get_or_insert(archive_error(error));
        }
        if flow.is_break() {
            return Ok(());
        }
    }
    failure.map_or(Ok(()), Err)
}

/// The blocks with wanted files, and the last wanted one in each.
fn wanted_blocks(
    archive: &mut File,
    listing: &Archive,
    is_wanted: impl Fn(&ArchiveEntry) -> bool,
) -> io::Result<Vec<(usize, usize)>> {
    let size = archive.metadata()?.len();
    // What stands before a wanted file in its block is expanded too.
    let (mut blocks, mut expanded, password) = (Vec::new(), 0, Password::empty());
    for block in 0..listing.blocks.len() {
        let decoder = BlockDecoder::new(1, block, listing, &password, archive);
        if let Some(last) = decoder.entries().iter().rposition(&is_wanted) {
            let sizes = decoder.entries()[..=last].iter().map(ArchiveEntry::size);
            expanded = sizes.fold(expanded, u64::saturating_add);
            blocks.push((block, last));
        }
    }
    check_expanded(size, expanded).map(|()| blocks)
}

fn name(entry: &ArchiveEntry) -> String {
    entry.name().replace('\\', "/")
}

/// An error of an archive in words. Those of the crate are only meant for debugging.
fn archive_error(error: ArchiveError) -> io::Error {
    let reason = match error {
        ArchiveError::PasswordRequired => "it is encrypted".to_owned(),
        ArchiveError::UnsupportedCompressionMethod(method) => {
            format!("it uses {method}, which is not supported")
        }
        ArchiveError::MaxMemLimited { actaul_kb, .. } => {
            let limit = MAX_DECODER_KIB >> 10;
            format!("it needs {} MiB of memory to expand, and the limit is {limit} MiB", actaul_kb >> 10)
        }
        ArchiveError::ChecksumVerificationFailed | ArchiveError::NextHeaderCrcMismatch => {
            "it is broken: a checksum differs".to_owned()
        }
        ArchiveError::Io(error, _) | ArchiveError::MaybeBadPassword(error) => {
            format!("it is broken: {error}")
        }
        ArchiveError::Other(reason) | ArchiveError::Unsupported(reason) => format!("it is broken: {reason}"),
        _ => "it is broken".to_owned(),
    };
    invalid(format!("could not read the archive to its end: {reason}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;
    use crate::read::{Options, testing};

    const LINE: &[u8] = b"{\"question\":\"Why wax?\",\"answer\":\"It lasts.\"}\n";

    /// A solid block of `logo.png`, `dump\Posts.xml`, `faq.jsonl` and `notes.bin`.
    const ARCHIVE: &[u8] = include_bytes!("testdata/dump.7z");

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(content: &[u8]) -> Vec<u8> {
        compress_to_vec(content, CompressionLevel::Fastest)
    }

    #[track_caller]
    fn check(name: &str, content: &[u8], expected: &str) {
        assert_eq!(testing::read_named(name, content, &Options::default()), expected, "{name}");
    }

    /// The names and contents of the wanted files, and the error if there is one.
    fn extracted(archive: &[u8], wanted: impl Fn(&str) -> bool) -> (Vec<(String, String)>, String) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(archive).unwrap();
        file.rewind().unwrap();
        let mut found = Vec::new();
        let mut each = |name: &str, file: File| {
            found.push((name.to_owned(), io::read_to_string(file).unwrap()));
            ControlFlow::Continue(())
        };
        let result = extract(file, &std::env::temp_dir(), wanted, &mut each);
        (found, result.map_or_else(|error| error.to_string(), |()| String::new()))
    }

    #[test]
    fn compressed_files_are_read_by_their_inner_extension() {
        let expected = "1 Why wax? = It lasts.\n";
        check("faq.jsonl.gz", &gzip(LINE), expected);
        check("faq.jsonl.zst", &zstd(LINE), expected);
        // By content, where the name says nothing or the wrong thing.
        check("faq", &gzip(&LINE.repeat(2)), &format!("{expected}2 Why wax? = It lasts.\n"));
        check("faq.jsonl.gz", LINE, expected);
        // A file may be several files one after another, and Zstandard has frames without data.
        let twice = format!("{expected}2 Why wax? = It lasts.\n");
        check("faq.jsonl.gz", &[gzip(LINE), gzip(LINE)].concat(), &twice);
        let skipped = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc";
        check("faq.jsonl.zst", &[&zstd(LINE)[..], skipped, &zstd(LINE), skipped].concat(), &twice);
        check("a.md.gz", &gzip(b"\x00\x01"), "! binary file\n");
        check("a.md.zst", &zstd(b""), "! empty file\n");
    }

    #[test]
    fn damage_is_reported() {
        let content: Vec<u8> =
            (0..9000).flat_map(|n| format!("{{\"q\":\"Why {n}?\"}}\n").into_bytes()).collect();
        for (name, mut bytes) in [("a.jsonl.gz", gzip(&content)), ("a.jsonl.zst", zstd(&content))] {
            let half = testing::read_named(name, &bytes[..bytes.len() / 2], &Options::default());
            assert!(half.contains("! the compressed data is "), "{half}");
            let end = bytes.len() - 6;
            bytes[end] ^= 0x55;
            let damaged = testing::read_named(name, &bytes, &Options::default());
            assert!(damaged.contains("the compressed data is broken"), "{damaged}");
        }
    }

    #[test]
    fn a_file_that_expands_without_end_is_refused() {
        let line = format!("{{\"q\":\"Why wax?\",\"a\":\"{}\"}}\n", "x".repeat(1 << 20));
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
        (0..80).for_each(|_| encoder.write_all(line.as_bytes()).unwrap());
        let bomb = encoder.finish().unwrap();
        let shown = testing::read_named("bomb.jsonl.gz", &bomb, &Options::default());
        assert!(shown.lines().count() > 50);
        assert!(
            shown.ends_with("\n! expands to more than 250 times its size, the limit for compressed files\n"),
            "{}",
            shown.lines().last().unwrap()
        );
        let mut large = Limited { input: io::repeat(b'x'), size: 1 << 40, expanded: MAX_EXPANDED - 1000 };
        let error = io::copy(&mut large, &mut io::sink()).unwrap_err();
        assert_eq!(error.to_string(), "expands to more than 4 GiB, the limit for compressed files");
    }

    #[test]
    fn wanted_files_of_an_archive() {
        let text = |name: &str| name.ends_with(".xml") || name.ends_with(".jsonl");
        let (found, error) = extracted(ARCHIVE, text);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!((names, error.as_str()), (vec!["dump/Posts.xml", "faq.jsonl"], ""));
        assert_eq!(found[1].1, "{\"question\":\"Who ties knots?\",\"answer\":\"Sailors.\"}\n");
        assert_eq!(extracted(ARCHIVE, |_| false), (Vec::new(), String::new()));
        for at in 0..ARCHIVE.len() {
            let mut damaged = ARCHIVE.to_vec();
            damaged[at] ^= 0x10;
            extracted(&damaged, |_| true);
            extracted(&ARCHIVE[..at], |_| true);
        }
        let mut damaged = ARCHIVE.to_vec();
        damaged[60] ^= 1;
        let (found, error) = extracted(&damaged, text);
        assert!(found.is_empty());
        assert!(error.starts_with("could not read the archive to its end: it is broken"), "{error}");
    }
}
