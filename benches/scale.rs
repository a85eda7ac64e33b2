//! Search and indexing with many questions.
//!
//!     cargo bench --bench scale -- [QUESTIONS]...
//!
//! The default is 30000 and 1000000 questions. 10000000 take an hour and 20 GB of disk.
//!
//! The questions are made up with a fixed seed. How often a word occurs follows Zipf's law, as in real text. A vector
//! is computed from the words of a text, so that texts with the same rare words are near to each other, and no time is
//! spent on a model. Each phrase consists of some words of a question and one other word.
//!
//! An index is kept in `target/scale` and used again; remove it after a change of the format. The result has
//!
//! - the time of indexing, and the peak memory of it: all of it, and what is not mapped from files;
//! - for each mode, the median and the 99th percentile of the time of a search whose files are in the page cache;
//! - the time of a hybrid search with facets, of the facets of all questions, and of suggestions for a part of a title;
//! - how many of the nearest questions a search finds that estimates cosines, compared with `--exact-vectors`;
//! - the time of the vector of a phrase, which is part of these times;
//! - the time of one pass over the bytes of the vectors on one thread, to compare machines;
//! - the time of an update after one of 1,000 files was changed;
//! - the time and the peak memory of the search for duplicates, and how many of the near titles it finds.
//!
//! With the feature `milvus` and an address such as `milvus://127.0.0.1:19530` in `RQSEARCH_BENCH_CLUSTER`, the index is
//! copied there and searched too.
//!
//! Searches and the search for duplicates run in processes of their own, so that their memory is not that of indexing.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use rqsearch::chunk::Passage;
use rqsearch::duplicates::{Cache, Options, duplicates, nearest_exact, nearest_probed};
use rqsearch::embed::{Builtin, Embedder, ModelInfo, Role, normalized};
use rqsearch::index::{Build, Index, RowView, text_hash};
#[cfg(feature = "milvus")]
use rqsearch::search::time_in_cluster;
use rqsearch::search::{Facet, Mode, Query, search, suggest};

/// How many phrases are searched for in each mode.
const PHRASES: usize = 200;

/// How many files the questions are in.
const FILES: usize = 1_000;

/// How many different words there are.
const VOCABULARY: usize = 60_000;

const DIMENSIONS: usize = 384;

/// Which part of the benchmark a process runs, followed by the number of questions.
const SEARCHES: &str = "--searches-of";
const DUPLICATES: &str = "--duplicates-of";

/// Titles with at least this cosine are near, and so many titles are compared with all others to count them.
const NEAR: f32 = 0.8;
const SAMPLED_TITLES: usize = 500;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let sizes: Vec<usize> = args.iter().filter_map(|arg| arg.parse().ok()).collect();
    let is_part = |name: &str| args.first().is_some_and(|arg| arg == name);
    if is_part(SEARCHES) {
        return sizes.into_iter().for_each(searches);
    }
    if is_part(DUPLICATES) {
        return sizes.into_iter().for_each(duplicate_titles);
    }
    println!("| questions | what | p50 | p99 |\n|---:|---|---:|---:|");
    let sizes = if sizes.is_empty() { vec![30_000, 1_000_000] } else { sizes };
    for size in sizes {
        indexing(size);
        in_own_process(SEARCHES, size);
        updates(size);
        in_own_process(DUPLICATES, size);
    }
}

fn in_own_process(part: &str, size: usize) {
    let program = std::env::current_exe().expect("the program has a path");
    let status = Command::new(program).args([part, &size.to_string()]).status().expect("the program starts");
    assert!(status.success(), "{part} {size} failed");
}

/// Prints a row of the table.
fn row(size: usize, what: &str, p50: &str, p99: &str) {
    println!("| {size} | {what} | {p50} | {p99} |");
}

/// Prints the median and the 99th percentile of times.
fn percentiles(size: usize, what: &str, mut times: Vec<Duration>) {
    times.sort();
    let [p50, p99] = [50, 99].map(|percent| milliseconds(times[times.len() * percent / 100]));
    row(size, what, &p50, &p99);
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn files_dir(size: usize) -> PathBuf {
    directory(size).join("questions")
}

fn index_dir(size: usize) -> PathBuf {
    directory(size).join(".rqsearch")
}

fn build(size: usize) {
    let (index_dir, files_dir) = (index_dir(size), files_dir(size));
    let model = WordVectors::new();
    let build = Build {
        embedder: Some(&model),
        problems: &|problem| panic!("{problem}"),
        ..Build::new(&index_dir, std::slice::from_ref(&files_dir))
    };
    build.run().expect("the target directory is writable");
}

/// Builds the index, unless there is one.
fn indexing(size: usize) {
    let dir = directory(size);
    if !dir.join("complete").exists() {
        fs::remove_dir_all(&dir).ok();
        fs::create_dir_all(files_dir(size)).expect("the target directory is writable");
        write_questions(&files_dir(size), size);
        reset_peak();
        let start = Instant::now();
        let allocated = peak_allocated(|| build(size));
        row(
            size,
            "build",
            &format!("{:.0} s", start.elapsed().as_secs_f64()),
            &format!("peak {} MB, {} MB without files", peak() >> 20, allocated >> 20),
        );
        File::create(dir.join("complete")).expect("the target directory is writable");
    }
    let bytes: u64 = files(&index_dir(size)).iter().map(|(_, bytes)| bytes).sum();
    let index = Index::open(&index_dir(size)).expect("the index was built");
    let segments = index.searcher().expect("the index is on this machine").segment_readers().len();
    row(size, "index", &format!("{} MB", bytes >> 20), &format!("{segments} segments"));
}

fn searches(size: usize) {
    let index = Index::open(&index_dir(size)).expect("the index was built");
    let model = WordVectors::new();
    let phrases = phrases(size);
    let times = |index: &Index, mode: Mode, phrases: &[String]| -> Vec<Duration> {
        let time = |phrase: &String| {
            let query = Query { mode, ..Query::plain(phrase) };
            let start = Instant::now();
            black_box(search(index, Some(&model), &query).expect("the search runs"));
            start.elapsed()
        };
        phrases.iter().map(time).collect()
    };
    for mode in [Mode::Keyword, Mode::Semantic, Mode::Hybrid] {
        times(&index, mode, &phrases[..20]);
        percentiles(size, &format!("{mode:?}, warm").to_lowercase(), times(&index, mode, &phrases));
    }
    #[cfg(feature = "milvus")]
    if let Ok(server) = std::env::var("RQSEARCH_BENCH_CLUSTER") {
        let address = PathBuf::from(format!("{server}/scale_{size}"));
        let start = Instant::now();
        if Index::open(&address).is_err() {
            rqsearch::index::copy(&index_dir(size), &address).expect("the cluster can be written");
            row(size, "copy to the cluster", &format!("{:.0} s", start.elapsed().as_secs_f64()), "");
        }
        let start = Instant::now();
        let remote = Index::open(&address).expect("the index was copied");
        row(size, "open in the cluster", &milliseconds(start.elapsed()), "");
        for mode in [Mode::Keyword, Mode::Semantic] {
            times(&remote, mode, &phrases[..5]);
            percentiles(
                size,
                &format!("{mode:?}, in the cluster").to_lowercase(),
                times(&remote, mode, &phrases),
            );
        }
        // Both are timed in turn, so that other work on the machine slows both down.
        let (mut all, mut found, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for phrase in &phrases {
            let query = Query::plain(phrase);
            found.push(time_in_cluster(&remote, Some(&model), &query).expect("the search runs"));
            all.extend(times(&remote, Mode::Hybrid, std::slice::from_ref(phrase)));
            rest.push(all[all.len() - 1].saturating_sub(found[found.len() - 1]));
        }
        percentiles(size, "hybrid, in the cluster", all);
        percentiles(size, "its two searches of the cluster", found);
        percentiles(size, "the difference", rest);
        let first = |index: &Index, phrase: &String| {
            let results = search(index, Some(&model), &Query::plain(phrase)).expect("the search runs");
            results.hits.first().map(|hit| hit.question.id.clone())
        };
        let same = phrases.iter().filter(|phrase| first(&index, phrase) == first(&remote, phrase)).count();
        row(size, "same first hit", &format!("{same} of {}", phrases.len()), "");
    }
    row(
        size,
        "resident",
        &format!("{} MB", status("VmRSS") >> 20),
        &format!("{} MB without files", status("RssAnon") >> 20),
    );
    let start = Instant::now();
    for phrase in &phrases {
        black_box(model.embed(phrase, Role::Query).expect("it cannot fail"));
    }
    row(size, "the vector of a phrase", &milliseconds(start.elapsed() / phrases.len() as u32), "");
    row(size, "recall@10 of the estimates", &format!("{:.4}", recall(&index, &model, &phrases)), "");
    facets_and_suggestions(size, &index, &model, &phrases);
    let vectors = files(&index_dir(size));
    let vectors = vectors.into_iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "rqsv"));
    let vectors: Vec<Vec<u8>> = vectors.map(|(path, _)| fs::read(path).expect("it is readable")).collect();
    let start = Instant::now();
    let sum: u64 = vectors
        .iter()
        .flat_map(|bytes| bytes.chunks_exact(8))
        .fold(0, |sum, bytes| sum ^ u64::from_le_bytes(bytes.try_into().expect("eight bytes")));
    black_box(sum);
    row(size, "pass over the vectors", &milliseconds(start.elapsed()), "");
}

fn facets_and_suggestions(size: usize, index: &Index, model: &WordVectors, phrases: &[String]) {
    let measure = |what: &str, run: &dyn Fn(&str)| {
        let time = |phrase: &String| {
            let start = Instant::now();
            run(phrase);
            start.elapsed()
        };
        phrases[..20].iter().for_each(|phrase| run(phrase));
        percentiles(size, what, phrases.iter().map(time).collect());
    };
    let count = |facets: &[Facet], phrase: &str| {
        let query = Query { facets: facets.into(), ..Query::plain(phrase) };
        black_box(search(index, Some(model), &query).expect("the search runs"));
    };
    let facets = [Facet::Section, Facet::Tag, Facet::Level, Facet::Language, Facet::Year];
    measure("hybrid with facets", &|phrase| count(&facets, phrase));
    measure("facets without a phrase", &|_| count(&facets, ""));
    measure("facet source without a phrase", &|_| count(&[Facet::Source], ""));
    let complete = |typed: &str| {
        black_box(suggest(index, typed, 8).expect("the index is sound"));
    };
    measure("suggestions", &|phrase| {
        let typed = phrase.rsplit_once(' ').map_or(phrase, |(first, _)| first);
        complete(&typed[..typed.len() - 2]);
    });
    measure("suggestions for one letter", &|phrase| complete(&phrase[..1]));
}

fn updates(size: usize) {
    let changed = files_dir(size).join("500.jsonl");
    let before = fs::read_to_string(&changed).expect("it is readable");
    // The second update restores the file and the index.
    for text in [format!("{before}{{\"question\":\"How is it changed?\",\"answer\":\"So.\"}}\n"), before] {
        fs::write(&changed, text).expect("the target directory is writable");
        let start = Instant::now();
        build(size);
        row(size, "update of one file", &milliseconds(start.elapsed()), "");
    }
}

fn duplicate_titles(size: usize) {
    let index = Index::open(&index_dir(size)).expect("the index was built");
    let titles: Vec<RowView<'_>> = index
        .vectors()
        .iter()
        .flat_map(|vectors| {
            let titles = (0..vectors.row_count()).filter(|row| vectors.passage(*row) == Passage::Title);
            titles.map(|row| vectors.view(row))
        })
        .collect();
    let start = Instant::now();
    let found = duplicates(&index, &Options::default(), &mut Cache::default()).expect("the index is sound");
    row(
        size,
        &format!("duplicates: {} pairs", found.pairs.len()),
        &format!("{:.1} s", start.elapsed().as_secs_f64()),
        &format!("peak {} MB", peak() >> 20),
    );
    drop(found);
    let step = (titles.len() / SAMPLED_TITLES).max(1);
    let sample: Vec<u32> = (0..titles.len() as u32).step_by(step).collect();
    let near = nearest_exact(&titles, &sample, NEAR);
    // Both titles of a pair are compared with others, as in a search for all duplicates.
    let mut both: Vec<u32> = near.iter().flat_map(|near| [near.one, near.two]).collect();
    both.sort_unstable();
    both.dedup();
    let found = nearest_probed(&titles, &both, NEAR);
    let hits =
        near.iter().filter(|near| found.iter().any(|found| (found.one, found.two) == (near.one, near.two)));
    let share = format!("{:.3}", hits.count() as f64 / near.len().max(1) as f64);
    row(size, &format!("titles with a cosine of at least {NEAR}, found of {}", near.len()), &share, "");
}

/// Runs `work`. Returns the peak of the memory that is not mapped from files in the meantime, in bytes.
fn peak_allocated(work: impl FnOnce()) -> u64 {
    let (peak, is_done) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Relaxed) {
                peak.fetch_max(status("RssAnon"), Relaxed);
                thread::sleep(Duration::from_millis(20));
            }
        });
        work();
        is_done.store(true, Relaxed);
    });
    peak.into_inner()
}

/// How many of the ten nearest questions are found if the phrase is compared with those whose estimated cosines are
/// highest, and not with all.
fn recall(index: &Index, model: &WordVectors, phrases: &[String]) -> f64 {
    let nearest = |phrase: &str, exact_vectors: bool| -> Vec<String> {
        let query = Query { mode: Mode::Semantic, exact_vectors, ..Query::plain(phrase) };
        let results = search(index, Some(model), &query).expect("the search runs");
        results.hits.into_iter().map(|hit| hit.question.id).collect()
    };
    let (mut found, mut all) = (0, 0);
    for phrase in phrases {
        let exact = nearest(phrase, true);
        let estimated = nearest(phrase, false);
        found += exact.iter().filter(|id| estimated.contains(id)).count();
        all += exact.len();
    }
    found as f64 / all as f64
}

/// Where the questions and the index of a size are.
fn directory(size: usize) -> PathBuf {
    let program = std::env::current_exe().expect("the program has a path");
    let target = program.ancestors().find(|dir| dir.ends_with("target")).map(Path::to_path_buf);
    target.unwrap_or_else(std::env::temp_dir).join("scale").join(size.to_string())
}

fn files(dir: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(dir).expect("the index was built").map(|entry| entry.expect("it is readable"));
    entries.map(|entry| (entry.path(), entry.metadata().expect("it is readable").len())).collect()
}

/// A generator of pseudorandom numbers: SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// In [0, 1).
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: usize) -> usize {
        (self.fraction() * end as f64) as usize
    }
}

/// The word of this rank by Zipf's law. It looks English, because the language of every text is detected.
fn word(rank: usize) -> String {
    const COMMON: &str = "how what why when which does can should use make get set find change work file error value \
        time name list data type code function class object string number line page user server client request \
        response message table column row query index key search text image color button window screen device \
        network address port password account email send receive open close start stop run build test install update \
        remove create delete add copy move read write print show hide load save import export convert format parse \
        between without before after every different same right wrong best better fast slow large small empty missing";
    const BEGINNINGS: &str =
        "re un de con pre dis in en over under sub inter trans per pro ex out fore counter self";
    const ROOTS: &str = "port form struct script press tract vent ject duct mit fer pose serve scribe spect cept tend \
        vert gress plic turn mark hand light water stone field ground board house work light book land side head \
        back ward point play walk break build cover draw drive fall hold keep lead mean paint plant reach rest rule";
    const ENDINGS: &str =
        "ing er able ment ness ful less ly ation ive al ish ward hood ship ism ist ity ous ance dom";
    let part = |parts: &'static str, nth: usize| {
        let parts: Vec<&str> = parts.split_whitespace().collect();
        (parts[nth % parts.len()], nth / parts.len())
    };
    let (common, rest) = part(COMMON, rank);
    if rest == 0 {
        return common.to_owned();
    }
    let (root, rest) = part(ROOTS, rank);
    let (ending, rest) = part(ENDINGS, rest);
    let (beginning, rest) = part(BEGINNINGS, rest);
    let (second, _) = part(ROOTS, rest);
    let second = if rest == 0 { "" } else { second };
    format!("{beginning}{root}{second}{ending}")
}

/// The rank of a random word: the probability of rank r is proportional to 1 / (r + 2.7), as Mandelbrot found.
fn rank(random: &mut Random) -> usize {
    let most = ((VOCABULARY as f64 + 2.7) / 2.7).ln();
    ((2.7 * (random.fraction() * most).exp() - 2.7) as usize).min(VOCABULARY - 1)
}

/// The title and the answer of the nth question. One in ten has the title of an earlier one with another frequent word.
fn question(nth: usize) -> (Vec<usize>, Vec<usize>) {
    let mut random = Random(nth as u64 + 1);
    let mut title: Vec<usize> = (0..6 + random.below(5)).map(|_| rank(&mut random)).collect();
    if nth % 10 == 9 {
        title = question(random.below(nth) / 10 * 10).0;
        let most_frequent = (0..title.len()).min_by_key(|at| title[*at]).unwrap_or(0);
        title[most_frequent] = random.below(100);
    }
    // An answer repeats some words of its title.
    let mut answer: Vec<usize> = (0..15 + random.below(15)).map(|_| rank(&mut random)).collect();
    answer.extend(title.iter().copied().filter(|word| word % 2 == 0));
    (title, answer)
}

fn text(ranks: &[usize]) -> String {
    ranks.iter().map(|rank| word(*rank)).collect::<Vec<_>>().join(" ")
}

/// Writes all questions to files in a directory.
fn write_questions(dir: &Path, size: usize) {
    for file in 0..FILES {
        let path = dir.join(format!("{file:03}.jsonl"));
        let mut out = BufWriter::new(File::create(path).expect("the target directory is writable"));
        for nth in size * file / FILES..size * (file + 1) / FILES {
            let (title, answer) = question(nth);
            let (title, answer) = (text(&title), text(&answer));
            let fields = format!(
                r#""section":"Section {}","tags":["tag {}","tag {}"],"level":"level {}","date":"{}-01-01""#,
                nth % 40,
                nth * 7 % 300,
                nth * 11 % 1_000,
                nth % 3,
                2010 + nth % 15
            );
            writeln!(out, r#"{{"question":"{title}?","answer":"{answer}.",{fields}}}"#)
                .expect("the disk has room");
        }
        out.flush().expect("the disk has room");
    }
}

/// Four words of a question and one other.
fn phrases(size: usize) -> Vec<String> {
    let mut random = Random(7);
    let phrase = |_| {
        let (title, _) = question(random.below(size));
        let mut words: Vec<usize> = title.iter().copied().step_by(2).take(4).collect();
        words.push(rank(&mut random));
        text(&words)
    };
    (0..PHRASES).map(phrase).collect()
}

/// A model whose vector of a text is the sum of the vectors of its words, of which rare ones are longer, and of one
/// vector that all texts have in common.
struct WordVectors(ModelInfo);

impl WordVectors {
    fn new() -> Self {
        Self(ModelInfo::new("word-vectors", "scale", DIMENSIONS, Builtin::info().window))
    }
}

impl Embedder for WordVectors {
    fn model(&self) -> &ModelInfo {
        &self.0
    }

    fn embed(&self, text: &str, _: Role) -> anyhow::Result<Vec<f32>> {
        let mut sum = vec![0.0_f32; DIMENSIONS];
        let mut add = |seed: u64, weight: f32| {
            let mut random = Random(seed);
            for four in sum.chunks_exact_mut(4) {
                let bits = random.next();
                for (nth, x) in four.iter_mut().enumerate() {
                    *x += weight * (f32::from((bits >> (16 * nth)) as u16) / 32_768.0 - 1.0);
                }
            }
        };
        add(1, 1.5);
        for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
            // Longer words are rarer.
            add(text_hash(word), (word.len() as f32 - 2.0) / 4.0);
        }
        add(text_hash(text), 0.7);
        Ok(normalized(sum))
    }

    fn count_tokens(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

/// A value of `/proc/self/status` in bytes; 0 if the system does not tell.
fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}

/// The peak of the resident memory, with mapped files.
fn peak() -> u64 {
    status("VmHWM")
}

fn reset_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}
