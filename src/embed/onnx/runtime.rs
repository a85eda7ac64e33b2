//! Finds and loads ONNX Runtime, a shared library, when a model needs it.
//!
//! Loading a library runs its code, so the search must not depend on the current directory. Relative paths
//! are refused or skipped, wherever they come from. Python is started in a way that cannot import from the
//! current directory.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, bail};

use crate::embed::hub;
use crate::hint::hinted;

/// How to install the library.
pub const HINT: &str = "install it with `python3 -m pip install onnxruntime`, or set ORT_DYLIB_PATH to the \
                        library's absolute path";

/// The environment variable with the path of the library.
const VARIABLE: &str = "ORT_DYLIB_PATH";

/// The library's file name; version numbers may follow.
const NAME: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime"
} else {
    "libonnxruntime.so"
};

/// Loads ONNX Runtime, once per process. See `candidates` for the places that are searched and their order.
/// The first library that is new enough is used.
///
/// # Errors
/// No library was found, or none is new enough. The message contains the versions.
pub fn ensure() -> anyhow::Result<()> {
    static LOADED: Mutex<bool> = Mutex::new(false);
    let mut loaded = LOADED.lock().expect("nothing panics while it is locked");
    if !*loaded {
        let library = find()?;
        ort::init_from(&library)
            .with_context(|| hinted(format!("could not load {}", library.display()), HINT))?;
        *loaded = true;
    }
    Ok(())
}

/// The library that [`ensure`] would try first. It is not loaded, so its version is not checked. `None` if
/// there is none.
///
/// # Errors
/// `ORT_DYLIB_PATH` is set and is not the absolute path of a file.
pub fn locate() -> anyhow::Result<Option<PathBuf>> {
    match named()? {
        Some(path) if path.is_file() => Ok(Some(path)),
        Some(path) => {
            bail!(hinted(format!("{VARIABLE} names {}, which is not a file", path.display()), HINT))
        }
        None => Ok(candidates().next()),
    }
}

/// The library that [`ensure`] loads. Candidates are loaded to determine their version.
///
/// # Errors
/// Those of [`ensure`].
fn find() -> anyhow::Result<PathBuf> {
    if let Some(path) = named()? {
        return match fit(&path) {
            Fit::Fits => Ok(path),
            Fit::TooOld(version) => {
                bail!(hinted(
                    format!("{VARIABLE} names {}, which is {}", path.display(), too_old(version)),
                    HINT
                ))
            }
            Fit::NotALibrary => {
                bail!(hinted(format!("{VARIABLE} names {}, which cannot be loaded", path.display()), HINT))
            }
        };
    }
    let mut rejected = Vec::new();
    for candidate in candidates() {
        match fit(&candidate) {
            Fit::Fits => return Ok(candidate),
            Fit::TooOld(version) => rejected.push(format!("{} is {}", candidate.display(), too_old(version))),
            Fit::NotALibrary => rejected.push(format!("{} cannot be loaded", candidate.display())),
        }
    }
    match rejected.as_slice() {
        [] => bail!(hinted("this model needs ONNX Runtime, which was not found", HINT)),
        rejected => {
            let rejected = rejected.join("; ");
            let message =
                format!("this model needs ONNX Runtime, and no usable version was found: {rejected}");
            bail!(hinted(message, HINT))
        }
    }
}

/// The library that `ORT_DYLIB_PATH` names, if it is set.
fn named() -> anyhow::Result<Option<PathBuf>> {
    let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    if !path.is_absolute() {
        bail!(hinted(format!("{VARIABLE} names {}, which is not an absolute path", path.display()), HINT));
    }
    Ok(Some(path))
}

/// Whether a library can be used.
enum Fit {
    Fits,
    /// The minor version of the library.
    TooOld(u32),
    NotALibrary,
}

/// Loads a library to determine its version. This runs its code.
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
    // Environment variables can add relative directories. They are skipped.
    directories().filter(|directory| directory.is_absolute()).flat_map(|directory| libraries(&directory))
}

/// The directories to search, in this order:
///
/// 1. `lib` in the directory of the executable, and that directory
/// 2. `onnxruntime` in the cache directory
/// 3. the directories in `LD_LIBRARY_PATH`
/// 4. the library directories of the system
/// 5. the directory of the Python package `onnxruntime`; Python is started only if the search gets this far
fn directories() -> impl Iterator<Item = PathBuf> {
    let program = env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let program = program.into_iter().flat_map(|directory| [directory.join("lib"), directory]);
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
    program.chain(cache).chain(paths_in("LD_LIBRARY_PATH")).chain(system.map(PathBuf::from)).chain(python)
}

/// The absolute paths in a variable such as `PATH`. Relative and empty paths are skipped: they refer to the
/// current directory.
fn paths_in(variable: &str) -> Vec<PathBuf> {
    let list = env::var_os(variable).unwrap_or_default();
    env::split_paths(&list).filter(|path| path.is_absolute()).collect()
}

/// The libraries in a directory, newest first according to the versions in their file names.
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

/// The numbers in a file name.
fn version_of(path: &Path) -> Vec<u32> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// The directory of the library in the Python package `onnxruntime`.
///
/// Python determines the directory because it knows virtual environments. The package itself is not imported,
/// which would be slow. `-I` excludes the current directory, `PYTHONPATH` and other variables from Python's
/// import path. It also excludes the user's packages (`pip install --user`), so they are added by their
/// absolute path.
///
/// Python is started in its own directory, not in the current one: `python3` may be a launcher, such as
/// pyenv's, that reads files in the current directory.
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

/// The absolute path of a program in `PATH`. Unlike in a shell, the current directory is never searched.
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
