//! Finding and loading ONNX Runtime, a shared library, when a model needs it.
//!
//! A library that is loaded runs code, so nothing here depends on the current directory: relative paths are
//! refused or skipped, wherever they come from, and Python is asked in a way that cannot import from there.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, bail};

use crate::embed::hub;

/// How to install the library.
pub const HINT: &str = "hint: install it with `python3 -m pip install onnxruntime`, or set ORT_DYLIB_PATH to the \
                        library's absolute path";

/// The variable that names the library.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// The library's file name; version numbers may follow.
const NAME: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime"
} else {
    "libonnxruntime.so"
};

/// Loads ONNX Runtime, once per process. [`candidates`] says where it is looked for, and in which order; the
/// first library that is new enough is used.
///
/// # Errors
/// No library was found, or none is new enough: the message names the versions.
pub fn ensure() -> anyhow::Result<()> {
    static LOADED: Mutex<bool> = Mutex::new(false);
    let mut loaded = LOADED.lock().expect("nothing panics while it is locked");
    if !*loaded {
        let library = find()?;
        ort::init_from(&library)
            .with_context(|| format!("could not load {}\n  {HINT}", library.display()))?;
        *loaded = true;
    }
    Ok(())
}

/// The library that [`ensure`] would try first, without loading it: its version is not checked. `None` if
/// there is none.
///
/// # Errors
/// `ORT_DYLIB_PATH` does not name a file by its absolute path.
pub fn locate() -> anyhow::Result<Option<PathBuf>> {
    match named()? {
        Some(path) if path.is_file() => Ok(Some(path)),
        Some(path) => bail!("{VARIABLE} names {}, which is not a file\n  {HINT}", path.display()),
        None => Ok(candidates().next()),
    }
}

/// The library that [`ensure`] loads. Candidates are loaded to learn their version.
///
/// # Errors
/// Those of [`ensure`].
fn find() -> anyhow::Result<PathBuf> {
    if let Some(path) = named()? {
        return match fit(&path) {
            Fit::Fits => Ok(path),
            Fit::TooOld(version) => {
                bail!("{VARIABLE} names {}, which is {}\n  {HINT}", path.display(), too_old(version))
            }
            Fit::NotALibrary => {
                bail!("{VARIABLE} names {}, which cannot be loaded\n  {HINT}", path.display())
            }
        };
    }
    let mut unfit = Vec::new();
    for candidate in candidates() {
        match fit(&candidate) {
            Fit::Fits => return Ok(candidate),
            Fit::TooOld(version) => unfit.push(format!("{} is {}", candidate.display(), too_old(version))),
            Fit::NotALibrary => unfit.push(format!("{} cannot be loaded", candidate.display())),
        }
    }
    match unfit.as_slice() {
        [] => bail!("this model needs ONNX Runtime, which was not found\n  {HINT}"),
        unfit => bail!(
            "this model needs ONNX Runtime, and none that fits was found: {}\n  {HINT}",
            unfit.join("; ")
        ),
    }
}

/// The library that the user names in `ORT_DYLIB_PATH`.
fn named() -> anyhow::Result<Option<PathBuf>> {
    let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    if !path.is_absolute() {
        bail!("{VARIABLE} names {}, which is not an absolute path\n  {HINT}", path.display());
    }
    Ok(Some(path))
}

enum Fit {
    Fits,
    /// Its minor version.
    TooOld(u32),
    NotALibrary,
}

/// Loads a library to learn its version. This runs its code.
fn fit(path: &Path) -> Fit {
    match ort::util::probe(path) {
        Some(minor) if minor >= ort::MINOR_VERSION => Fit::Fits,
        Some(minor) => Fit::TooOld(minor),
        None => Fit::NotALibrary,
    }
}

fn too_old(minor: u32) -> String {
    format!("version 1.{minor}, but version 1.{} or later is needed", ort::MINOR_VERSION)
}

/// The libraries in [`directories`], in the order in which they are tried.
fn candidates() -> impl Iterator<Item = PathBuf> {
    // Whatever the environment holds, what is below the current directory only by a relative path is not ours.
    directories().filter(|directory| directory.is_absolute()).flat_map(|directory| libraries(&directory))
}

/// The directories to look in, in order: beside the program (`lib` first), in our cache, `LD_LIBRARY_PATH`, the
/// system's, and that of an installed Python package `onnxruntime`. Python is only started when it is reached.
fn directories() -> impl Iterator<Item = PathBuf> {
    let beside = env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let beside = beside.into_iter().flat_map(|directory| [directory.join("lib"), directory]);
    let cache = hub::cache().ok().map(|cache| cache.join("onnxruntime"));
    let system = [
        "/usr/local/lib",
        "/usr/lib",
        "/usr/lib64",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/opt/homebrew/lib",
    ];
    let python = std::iter::once_with(python_directory).flatten();
    beside.chain(cache).chain(paths_in("LD_LIBRARY_PATH")).chain(system.map(PathBuf::from)).chain(python)
}

/// The absolute paths in a variable such as `PATH`. A relative or empty one would mean the current directory.
fn paths_in(variable: &str) -> Vec<PathBuf> {
    let list = env::var_os(variable).unwrap_or_default();
    env::split_paths(&list).filter(|path| path.is_absolute()).collect()
}

/// The libraries in a directory, newest first by their file names.
fn libraries(directory: &Path) -> Vec<PathBuf> {
    let entries = directory.read_dir().into_iter().flatten().filter_map(Result::ok);
    let is_library = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(NAME)
            && !name.contains("providers")
            && (!cfg!(target_os = "macos") || name.ends_with(".dylib"))
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_library).collect();
    found.sort_by_key(|path| std::cmp::Reverse(version_of(path)));
    found
}

/// The numbers in a file's name.
fn version_of(path: &Path) -> Vec<u32> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// The directory in which the Python package `onnxruntime` keeps the library.
///
/// Python is asked because it knows virtual environments; the package itself is not imported, which would be
/// slow. `-I` keeps the current directory, `PYTHONPATH` and other variables out of Python's import path. It also
/// leaves out the user's own packages (`pip install --user`), so those are added by their absolute path.
///
/// Python is started in its own directory, not in the current one: `python3` may be a launcher, such as
/// pyenv's, that reads files of the current directory.
fn python_directory() -> Option<PathBuf> {
    const ASK: &str = "\
import os, site, sys
from importlib.machinery import PathFinder
places = [p for p in [*sys.path, site.getusersitepackages()] if os.path.isabs(p)]
found = PathFinder.find_spec('onnxruntime', places)
print(found.submodule_search_locations[0] if found and found.submodule_search_locations else '')";
    let names = if cfg!(windows) { ["python.exe", "py.exe"] } else { ["python3", "python"] };
    names.into_iter().filter_map(|name| executable(name.as_ref())).find_map(|python| {
        let mut command = Command::new(&python);
        command.args(["-I", "-c", ASK]).current_dir(python.parent()?).stdin(Stdio::null());
        let output = command.output().ok()?;
        let directory = String::from_utf8(output.stdout).ok()?;
        Some(Path::new(directory.trim()).join("capi")).filter(|directory| directory.is_absolute())
    })
}

/// The absolute path of a program: what the shell would start, but never from the current directory.
fn executable(name: &OsStr) -> Option<PathBuf> {
    paths_in("PATH").into_iter().map(|directory| directory.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn libraries_are_listed_newest_first_without_providers() {
        let dir = tempfile::tempdir().unwrap();
        for version in ["1.9.0", "1.31.1", "1.24.0"] {
            fs::write(dir.path().join(format!("{NAME}.{version}.dylib")), "").unwrap();
        }
        fs::write(dir.path().join(format!("{NAME}_providers_shared.so")), "").unwrap();
        let found = libraries(dir.path());
        assert_eq!(found.iter().map(|path| version_of(path)[1]).collect::<Vec<_>>(), [31, 24, 9]);
        assert!(libraries(&dir.path().join("nothing")).is_empty());
    }

    #[test]
    fn an_empty_file_is_not_a_library() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(fit(file.path()), Fit::NotALibrary));
    }
}
