//! A file that arrives from the hub, and can be continued.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Watcher;
use super::failure::Failure;

/// The length of a file; 0 if there is none.
pub fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Removes a file.
///
/// # Errors
/// [`Failure::Permanent`] if it cannot be removed.
pub fn remove(path: &Path) -> Result<(), Failure> {
    fs::remove_file(path).map_err(|error| {
        Failure::Permanent(anyhow::Error::new(error).context(format!("could not remove {}", path.display())))
    })
}

/// Appends a download to the first `have` bytes of a file. Returns the size of the file in bytes and its
/// SHA-256.
///
/// # Errors
/// [`Failure::Transient`] if the network fails or nothing arrives for `silence`; [`Failure::Permanent`] if the
/// disk fails.
pub fn append(
    from: impl Read + Send + 'static,
    path: &Path,
    have: u64,
    silence: Duration,
    watcher: &dyn Watcher,
) -> Result<(u64, String), Failure> {
    let disk = |error: io::Error| {
        Failure::Permanent(anyhow::Error::new(error).context(format!("could not write {}", path.display())))
    };
    let (mut file, mut hasher) = resumed(path, have).map_err(disk)?;
    let mut bytes = have;
    let received = receive(from);
    loop {
        let piece = received.recv_timeout(silence).map_err(|_| {
            Failure::Transient(anyhow::anyhow!("nothing arrived for {} seconds", silence.as_secs()))
        })?;
        let piece = piece.map_err(|error| Failure::Transient(error.into()))?;
        if piece.is_empty() {
            file.sync_all().map_err(disk)?;
            return Ok((bytes, hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()));
        }
        file.write_all(&piece).map_err(disk)?;
        hasher.update(&piece);
        bytes += piece.len() as u64;
        watcher.more(piece.len() as u64);
    }
}

/// Opens a file to continue after its first `have` bytes, and hashes these.
fn resumed(path: &Path, have: u64) -> io::Result<(File, Sha256)> {
    let mut file = File::options().create(true).read(true).write(true).truncate(false).open(path)?;
    file.set_len(have)?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((file, hasher)),
            length => hasher.update(&buffer[..length]),
        }
    }
}

/// Reads on a thread of its own, because a read cannot be given a time limit. The last piece is empty. If the
/// receiver is dropped, the thread ends with its next read.
fn receive(mut from: impl Read + Send + 'static) -> Receiver<io::Result<Vec<u8>>> {
    let (piece, received) = sync_channel(4);
    std::thread::spawn(move || {
        loop {
            let mut buffer = vec![0; 64 << 10];
            let read = from.read(&mut buffer).map(|length| {
                buffer.truncate(length);
                buffer
            });
            let is_last = read.as_ref().map_or(true, Vec::is_empty);
            if piece.send(read).is_err() || is_last {
                return;
            }
        }
    });
    received
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    struct Silent;

    impl Watcher for Silent {
        fn begins(&self, _: &str, _: Option<u64>) {}

        fn more(&self, _: u64) {}
    }

    /// Returns one piece, and then waits until the sender of the channel is dropped.
    struct Stalling(Option<&'static [u8]>, Receiver<()>);

    impl Read for Stalling {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some(piece) = self.0.take() else {
                _ = self.1.recv();
                return Ok(0);
            };
            buffer[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    fn stalling(piece: &'static [u8]) -> (Sender<()>, Stalling) {
        let (go, wait) = std::sync::mpsc::channel();
        (go, Stalling(Some(piece), wait))
    }

    #[test]
    fn a_download_that_stalls_ends_and_is_resumed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.onnx.partial");
        let (_go, body) = stalling(b"first ");
        let stalled = append(body, &path, 0, Duration::from_millis(500), &Silent);
        assert!(
            matches!(stalled, Err(Failure::Transient(error)) if error.to_string().contains("nothing arrived"))
        );
        assert_eq!(length(&path), 6);
        let (bytes, sha256) = append(&b"second"[..], &path, 6, Duration::from_secs(9), &Silent).ok().unwrap();
        assert_eq!((bytes, fs::read_to_string(&path).unwrap().as_str()), (12, "first second"));
        let expected = Sha256::digest("first second");
        assert_eq!(sha256, expected.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        // A server that ignores the range sends the whole file.
        append(&b"all"[..], &path, 0, Duration::from_secs(9), &Silent).ok().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "all");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_not_tried_again() {
        let full = append(&b"x"[..], Path::new("/dev/full"), 0, Duration::from_secs(9), &Silent);
        assert!(matches!(full, Err(Failure::Permanent(_))));
    }
}
