//! Turns the vocabulary of the built-in model into an automaton (`vocab.fst`), so that the
//! program has nothing to parse when it starts.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=models/vocab.txt");
    let vocabulary = fs::read_to_string("models/vocab.txt").expect("models/vocab.txt is committed");
    let ids: BTreeMap<&str, u64> = vocabulary.lines().zip(0..).collect();
    let map = fst::Map::from_iter(ids).expect("tokens are sorted and unique");
    let out = Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("vocab.fst");
    fs::write(out, map.as_fst().as_bytes()).expect("OUT_DIR is writable");
}
