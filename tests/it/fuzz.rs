//! The corpus of every fuzz target, including the inputs that once made one fail.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs};

use self::targets::material::{Material, Random};
use self::targets::{TARGETS, allow_caught_panics, run};

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

/// Runs mutations of the corpus for `RQSEARCH_FUZZ` seconds (60 by default) for each target, or for the target that
/// `RQSEARCH_FUZZ_TARGET` names. It needs no instrumented build, and finds less than a fuzzer that is guided by
/// coverage. Inputs that fail are written to `fuzz/artifacts/TARGET`, and so are the slowest one and, in case that the process
/// ends, the last one.
#[test]
#[ignore = "takes a minute for each target; CONTRIBUTING.md says how to run it"]
#[expect(clippy::print_stdout, reason = "shows the progress")]
fn mutated_inputs_pass() {
    let seconds = env::var("RQSEARCH_FUZZ").map_or(60, |seconds| seconds.parse().unwrap());
    let wanted = env::var("RQSEARCH_FUZZ_TARGET").ok();
    allow_caught_panics();
    let mut failed = 0;
    for target in TARGETS.iter().filter(|target| wanted.as_deref().is_none_or(|name| name == target.name)) {
        let (material, artifacts) =
            (Material::load(&root(), target.name), root().join("artifacts").join(target.name));
        fs::create_dir_all(&artifacts).unwrap();
        let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_micros();
        let (mut random, start, mut inputs) = (Random(u64::from(seed) | 1), Instant::now(), 0_u64);
        let mut slowest = Duration::ZERO;
        while start.elapsed() < Duration::from_secs(seconds) {
            let input = mutated(&material, &mut random);
            fs::write(artifacts.join("last"), &input).unwrap();
            let began = Instant::now();
            let passed = catch_unwind(|| run(target.name, &input));
            let took = began.elapsed();
            if took > slowest {
                slowest = took;
                fs::write(artifacts.join("slowest"), &input).unwrap();
            }
            inputs += 1;
            if passed.is_err() {
                failed += 1;
                let path = artifacts.join(format!("failed-{seed}-{inputs}"));
                fs::write(&path, &input).unwrap();
                println!("{}", path.display());
            }
        }
        println!("{}: {inputs} inputs in {seconds} s, the slowest took {slowest:?}", target.name);
    }
    assert_eq!(failed, 0);
}

/// An input of the corpus after a few changes, often small ones.
fn mutated(material: &Material, random: &mut Random) -> Vec<u8> {
    let mut input = random.one_of(&material.corpus).clone();
    for _ in 0..=random.below(6) {
        let at = random.below(input.len() + 1);
        let length = random.below(16);
        let end = input.len().min(at + length);
        match random.below(8) {
            0 => drop(input.drain(at..end)),
            1 => input.truncate(at),
            2 => input[at..end].iter_mut().take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
            3 => input[at..end].iter_mut().take(3).for_each(|byte| *byte = random.below(256) as u8),
            4 => {
                let part = input[at..end].repeat(1 + random.below(64));
                drop(input.splice(at..at, part));
            }
            5 => {
                let other = random.one_of(&material.corpus);
                let (from, to) = (random.below(other.len()), random.below(input.len() + 1));
                input.truncate(to);
                input.extend(&other[from..]);
            }
            6 => drop(input.splice(at..end, random.one_of(&material.tokens).iter().copied())),
            _ => drop(input.splice(at..at, random.one_of(&material.tokens).iter().copied())),
        }
    }
    input
}
