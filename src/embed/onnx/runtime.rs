//! Finding ONNX Runtime, a shared library, when a model needs it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, bail};

use crate::embed::hub;

/// How to get the library, where there is none that fits.
const HINT: &str =
    "hint: `python3 -m pip install onnxruntime` is enough, or name the library in ORT_DYLIB_PATH";

/// The library as it is called here, version numbers behind it left out.
const NAME: &str = if cfg!(windows) {
    "onnxruntime.dll"
} else if cfg!(target_os = "macos") {
    "libonnxruntime"
} else {
    "libonnxruntime.so"
};

/// Loads ONNX Runtime, once in the life of the process: the first that fits of `ORT_DYLIB_PATH`, beside the
/// program, in our cache, in the system's folders, in an installed Python `onnxruntime`.
///
/// # Errors
/// There is none, or none that fits: the versions are named.
pub fn ensure() -> anyhow::Result<()> {
    static LOADED: Mutex<bool> = Mutex::new(false);
    let mut loaded = LOADED.lock().expect("nothing panics while it is locked");
    if !*loaded {
        let library = find()?;
        ort::init_from(&library).with_context(|| format!("could not use {}\n  {HINT}", library.display()))?;
        *loaded = true;
    }
    Ok(())
}

/// Where the library is that [`ensure`] loads.
///
/// # Errors
/// Those of [`ensure`].
pub fn find() -> anyhow::Result<PathBuf> {
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        return match fit(&path) {
            Fit::Fits => Ok(path),
            Fit::TooOld(version) => {
                bail!("ORT_DYLIB_PATH names {}, which is {}\n  {HINT}", path.display(), too_old(version))
            }
            Fit::NoLibrary => {
                bail!("ORT_DYLIB_PATH names {}, which cannot be loaded\n  {HINT}", path.display())
            }
        };
    }
    let mut unfit = Vec::new();
    for candidate in folders().flat_map(libraries) {
        match fit(&candidate) {
            Fit::Fits => return Ok(candidate),
            Fit::TooOld(version) => unfit.push(format!("{} is {}", candidate.display(), too_old(version))),
            Fit::NoLibrary => {}
        }
    }
    match unfit.as_slice() {
        [] => bail!("this model needs ONNX Runtime, which was not found\n  {HINT}"),
        unfit => bail!("this model needs another ONNX Runtime: {}\n  {HINT}", unfit.join("; ")),
    }
}

enum Fit {
    Fits,
    /// Its minor version.
    TooOld(u32),
    NoLibrary,
}

fn fit(path: &Path) -> Fit {
    match ort::util::probe(path) {
        Some(minor) if minor >= ort::MINOR_VERSION => Fit::Fits,
        Some(minor) => Fit::TooOld(minor),
        None => Fit::NoLibrary,
    }
}

fn too_old(minor: u32) -> String {
    format!("version 1.{minor}, where 1.{} or later is needed", ort::MINOR_VERSION)
}

/// The folders to look in, each looked for when those before it had nothing.
fn folders() -> impl Iterator<Item = PathBuf> {
    let beside = env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let beside = beside.into_iter().flat_map(|folder| [folder.join("lib"), folder]);
    let cache = hub::cache().ok().map(|cache| cache.join("onnxruntime"));
    let named = env::var_os("LD_LIBRARY_PATH")
        .into_iter()
        .flat_map(|list| env::split_paths(&list).collect::<Vec<_>>());
    let system = [
        "/usr/local/lib",
        "/usr/lib",
        "/usr/lib64",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/opt/homebrew/lib",
    ];
    let python = std::iter::once_with(python_folder).flatten();
    beside.chain(cache).chain(named).chain(system.map(PathBuf::from)).chain(python)
}

/// The libraries in a folder, newest first by their names.
fn libraries(folder: PathBuf) -> Vec<PathBuf> {
    let entries = folder.read_dir().into_iter().flatten().filter_map(Result::ok);
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

/// Where Python's `onnxruntime` keeps the library. Python is asked, not searched for: it knows of virtual
/// environments. The package itself is not imported, which would take long.
fn python_folder() -> Option<PathBuf> {
    const ASK: &str = "import importlib.util as u\n\
                       s = u.find_spec('onnxruntime')\n\
                       print(s.submodule_search_locations[0] if s else '')";
    let pythons = if cfg!(windows) { ["python", "py"] } else { ["python3", "python"] };
    pythons.into_iter().find_map(|python| {
        let output = Command::new(python).args(["-c", ASK]).output().ok()?;
        let folder = String::from_utf8(output.stdout).ok()?;
        (!folder.trim().is_empty()).then(|| Path::new(folder.trim()).join("capi"))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_newest_library_of_a_folder_comes_first_and_providers_are_none() {
        let dir = tempfile::tempdir().unwrap();
        for version in ["1.9.0", "1.31.1", "1.24.0"] {
            fs::write(dir.path().join(format!("{NAME}.{version}.dylib")), "").unwrap();
        }
        fs::write(dir.path().join(format!("{NAME}_providers_shared.so")), "").unwrap();
        let found = libraries(dir.path().to_owned());
        assert_eq!(found.iter().map(|path| version_of(path)[1]).collect::<Vec<_>>(), [31, 24, 9]);
        assert!(libraries(dir.path().join("nothing")).is_empty());
    }

    #[test]
    fn what_is_no_library_does_not_fit() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(fit(file.path()), Fit::NoLibrary));
    }
}
