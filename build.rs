//! Generates two files that are compiled into the program:
//!
//! - `vocab.fst`: the vocabulary of the built-in model as an automaton, so that the program does not parse it
//!   when it starts
//! - `builtin_index.rs`: the list of the files of the built-in index

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    vocabulary(&out.join("vocab.fst"));
    index(&out.join("builtin_index.rs"));
}

fn vocabulary(out: &Path) {
    println!("cargo::rerun-if-changed=models/vocab.txt");
    let vocabulary = fs::read_to_string("models/vocab.txt").expect("models/vocab.txt is committed");
    let ids: BTreeMap<&str, u64> = vocabulary.lines().zip(0..).collect();
    let map = fst::Map::from_iter(ids).expect("tokens are sorted and unique");
    fs::write(out, map.as_fst().as_bytes()).expect("OUT_DIR is writable");
}

/// Writes an array of file names and contents. It is empty if `index/` does not exist: the program that
/// builds the index has to be compiled first.
fn index(out: &Path) {
    println!("cargo::rerun-if-changed=index");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let mut names: Vec<String> = fs::read_dir("index")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.ends_with(".lock") && name != "README.md")
        .collect();
    names.sort();
    let mut list = String::from("[\n");
    for name in names {
        let path = Path::new(&root).join("index").join(&name);
        writeln!(list, "    ({name:?}, include_bytes!({path:?}).as_slice()),")
            .expect("strings can be written");
    }
    list.push_str("]\n");
    fs::write(out, list).expect("OUT_DIR is writable");
}
