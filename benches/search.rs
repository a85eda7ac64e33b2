//! The time of a search, and the time of indexing compared with the model alone.
//!
//!     cargo bench --bench search
//!
//! The questions are made up with a fixed seed, so no data is needed. Each result is the median of several
//! runs:
//!
//! - `cold`: the time of a process, `rqsearch PHRASE` on an index of 400 questions, with a breakdown;
//! - `scan`: the time to scan all vectors, in total and per row;
//! - `index`: the tokens per second of a build, and of the model alone on as many threads.
//!
//! Results are in the README.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rqsearch::chunk::chunks;
use rqsearch::embed::{Builtin, Embedder, Prepare, Role};
use rqsearch::index::{Build, Index};
use rqsearch::question::Question;
use rqsearch::search::{Query, search};
use rqsearch::worker_threads;

const PHRASE: &str = "holding a lock while waiting for something else";

fn main() {
    let dir = tempfile::tempdir().expect("a temporary directory can be created");
    let questions = made_up(400);
    index(dir.path(), &questions);
    cold(&dir.path().join(".rqsearch"));
    scan();
}

/// Makes up questions with answers of about 150 words from the model's vocabulary.
fn made_up(count: usize) -> Vec<Question> {
    const WORDS: &str = "lock thread value type memory error borrow move loop channel future trait generic string \
        slice vector map file path test crate module macro closure iterator pointer stack heap frame signal";
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut seed = 42_u64;
    let mut word = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        words[(seed >> 33) as usize % words.len()]
    };
    (0..count)
        .map(|nth| {
            let mut question =
                Question::new(format!("Why does the {} {} the {}, case {nth}?", word(), word(), word()), 1);
            let sentence = |words: Vec<&str>| format!("The {}.", words.join(" "));
            question.answer =
                (0..15).map(|_| sentence((0..10).map(|_| word()).collect())).collect::<Vec<_>>().join(" ");
            question
        })
        .collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn median_time(times: usize, mut work: impl FnMut()) -> Duration {
    work();
    median(
        (0..times)
            .map(|_| {
                let start = Instant::now();
                work();
                start.elapsed()
            })
            .collect(),
    )
}

fn index(dir: &Path, questions: &[Question]) {
    let lines: String = questions
        .iter()
        .map(|question| {
            serde_json::json!({"question": question.title, "answer": question.answer}).to_string() + "\n"
        })
        .collect();
    let file = dir.join("questions.jsonl");
    std::fs::write(&file, lines).expect("the temporary directory is writable");
    let model = Builtin::load(Prepare::Many).expect("the model is in the binary");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);

    let texts: Vec<String> = questions
        .iter()
        .flat_map(|question| chunks(question, |text| model.count_tokens(text), model.model().window))
        .map(|chunk| chunk.text)
        .collect();
    let tokens: usize = texts.iter().map(|text| model.count_tokens(text)).sum();
    let rate = |took: Duration| tokens as f64 / took.as_secs_f64();
    let (mut alone, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let start = Instant::now();
        worker_threads::map(&texts, |text| {
            black_box(model.embed(text, Role::Passage).expect("the model runs"));
        });
        alone.push(start.elapsed());
        let at = dir.join(".rqsearch");
        std::fs::remove_dir_all(&at).ok();
        let start = Instant::now();
        Build {
            embedder: Some(&model),
            threads,
            problems: &|problem| panic!("{problem}"),
            ..Build::new(&at, std::slice::from_ref(&file))
        }
        .run()
        .expect("the temporary directory is writable");
        whole.push(start.elapsed());
    }
    let (alone, whole) = (rate(median(alone)), rate(median(whole)));
    println!(
        "index: {whole:.0} tokens/s; model alone on {threads} threads: {alone:.0} tokens/s; ratio {:.2}",
        whole / alone
    );
}

fn cold(index: &Path) {
    let run = |args: &[&str]| {
        let status = Command::new(env!("CARGO_BIN_EXE_rqsearch"))
            .arg("--index")
            .arg(index)
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("the program starts");
        // Exit status 1 (no answer) is expected, because the questions are made up.
        assert!(matches!(status.code(), Some(0 | 1)));
    };
    let hybrid = median_time(25, || run(&[PHRASE]));
    let keyword = median_time(25, || run(&["--mode", "keyword", PHRASE]));
    println!(
        "cold: {:.1} ms per process; {:.1} ms with --mode keyword",
        milliseconds(hybrid),
        milliseconds(keyword)
    );
    let load = median_time(25, || {
        black_box(Builtin::load(Prepare::Once).expect("the model is in the binary"));
    });
    let model = Builtin::load(Prepare::Once).expect("the model is in the binary");
    let embed = median_time(25, || {
        black_box(model.embed(PHRASE, Role::Query).expect("the model runs"));
    });
    let open = median_time(25, || {
        black_box(Index::open(index).expect("the index was just built"));
    });
    let index = Index::open(index).expect("the index was just built");
    let query = Query::plain(PHRASE);
    let searching = median_time(25, || {
        black_box(search(&index, Some(&model), &query).expect("the search runs"));
    });
    println!(
        "breakdown: model load {:.1} ms, open {:.1} ms, search {:.1} ms, including {:.1} ms for the embedding of the phrase",
        milliseconds(load),
        milliseconds(open),
        milliseconds(searching),
        milliseconds(embed)
    );
}

fn scan() {
    /// A model that takes no time, so that only the scan is measured.
    struct RandomModel(rqsearch::embed::ModelInfo);
    impl Embedder for RandomModel {
        fn model(&self) -> &rqsearch::embed::ModelInfo {
            &self.0
        }
        fn embed(&self, text: &str, _: Role) -> anyhow::Result<Vec<f32>> {
            let seed = rqsearch::index::text_hash(text);
            let vector =
                (1..=384_u64).map(|nth| (seed.wrapping_mul(nth * 2 + 1) >> 40) as f32 / 8_388_608.0 - 1.0);
            let vector: Vec<f32> = vector.collect();
            let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            Ok(vector.into_iter().map(|x| x / length).collect())
        }
        fn count_tokens(&self, text: &str) -> usize {
            text.split_whitespace().count()
        }
    }
    let model = RandomModel(Builtin::info().clone());
    let questions: Vec<Question> =
        (0..50_000).map(|nth| Question::new(format!("Question {nth}?"), 1)).collect();
    let index = Index::in_memory(&questions, Some(&model)).expect("the index fits into memory");
    let vector =
        rqsearch::index::Quantized::from(model.embed("x", Role::Passage).expect("the model runs").as_slice());
    let rows: usize = index.vectors().iter().map(|vectors| vectors.row_count()).sum();
    let took = median_time(15, || {
        for vectors in index.vectors() {
            black_box(vectors.nearest(200, |_| true, |row| vectors.row_cosine(row, &vector)));
        }
    });
    println!(
        "scan: {rows} rows in {:.2} ms, {:.0} ns per row",
        milliseconds(took),
        took.as_nanos() as f64 / rows as f64
    );
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
