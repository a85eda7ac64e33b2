//! The corpus of every fuzz target, including the inputs that once made one fail.

use std::fs;
use std::path::{Path, PathBuf};

use self::targets::{TARGETS, run};

#[path = "../../fuzz/src/lib.rs"]
#[expect(dead_code, reason = "some functions are used by the programs of the fuzz crate only")]
mod targets;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

#[test]
#[expect(clippy::print_stdout, reason = "shows which file made a target fail")]
fn every_input_of_the_corpus_passes() {
    for target in TARGETS {
        let corpus = root().join("corpus").join(target.name);
        let mut files = 0;
        for file in fs::read_dir(&corpus).unwrap() {
            let path = file.unwrap().path();
            println!("{}", path.display());
            run(target.name, &fs::read(&path).unwrap());
            files += 1;
        }
        assert!(files > 0, "{} is empty", corpus.display());
    }
}

#[test]
fn every_target_can_be_run() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for target in TARGETS {
        let program = format!("fuzz_targets/{}.rs", target.name);
        assert!(manifest.contains(&format!("name = \"{}\"\npath = \"{program}\"", target.name)), "{program}");
        let source = fs::read_to_string(root().join(program)).unwrap();
        assert!(source.contains(&format!("run(\"{}\", data)", target.name)), "{source}");
    }
}
