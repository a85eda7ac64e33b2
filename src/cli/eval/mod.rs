//! `rqsearch eval SET…`

mod pairs;
mod report;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;

use super::locate_index::IndexArgs;
use super::model::{NetworkArgs, SettingsArgs};
use super::streams::data;
use super::{IndexLocation, Outcome, plural, say};
use crate::embed::{self, Embedder, ModelSpec, Prepare};
use crate::evaluate::{
    Calibration, EarlierRun, Evaluation, FittedScaling, Judged, Measures, Questions, calibrate, evaluate,
    fit, fit_scaling, from_feedback, mode_report, set_report, significance,
};
use crate::feedback;
use crate::index::{Build, Index, Problem, store_calibration};
use crate::search::{FITTED, Mode, spread, tune};

/// The name of the system in a TREC run.
const RUN: &str = "rqsearch";

/// The row with the hybrid hits that users see: questions that ask the same are one hit.
const COLLAPSED: &str = "collapsed";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Judged queries: a directory with corpus.jsonl, queries.jsonl and qrels/test.tsv (BEIR), or a file with
    /// a phrase, a tab, and parts of the relevant titles on each line
    #[arg(value_name = "SET", required_unless_present_any = ["pairs", "from_feedback"])]
    sets: Vec<PathBuf>,
    /// Judged queries from users: the file that `rqsearch serve --feedback FILE` writes. A hit is relevant if more
    /// users found it useful than not
    #[arg(long, value_name = "FILE")]
    from_feedback: Option<PathBuf>,
    /// Measure duplicate detection instead, on labelled pairs: files with a header line and, on each line,
    /// a label (0 or 1), an id and two texts, separated by tabs
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["sets", "from_feedback", "report", "run", "compare", "semantic_weight", "model", "index", "builtin"])]
    pairs: Vec<PathBuf>,
    /// Weight of semantic against keyword search, 0 to 1 [default: tuned for each corpus]
    #[arg(long, value_name = "WEIGHT", value_parser = crate::cli::search::weight)]
    semantic_weight: Option<f32>,
    /// Write the hybrid rankings of one set to a file, as a TREC run
    #[arg(long, value_name = "FILE")]
    run: Option<PathBuf>,
    /// Compare the hybrid rankings of one set with those of an earlier --run. With --report, the page lists the
    /// phrases that changed
    #[arg(long, value_name = "RUN")]
    compare: Option<PathBuf>,
    /// Write a page for a web browser: metrics with confidence intervals, failed phrases, and diagrams
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Fit the model of confidence (with --pairs, of duplicates) to these sets and write it to FILE. The
    /// table then shows each set with the model fitted to the others
    #[arg(long, value_name = "FILE")]
    fit: Option<PathBuf>,
    /// Calibrate the confidence on a set of at least 50 phrases and store the result in the index. From then on, hits
    /// have a probability
    #[arg(long, conflicts_with_all = ["pairs", "fit", "semantic_weight", "model"])]
    calibrate: bool,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    /// Index and search the sets' own corpora with this model instead of the built-in one
    #[arg(long, value_name = "MODEL")]
    model: Option<ModelSpec>,
    #[command(flatten)]
    index: IndexArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

/// A row of the table.
#[derive(Serialize)]
struct Row {
    set: String,
    mode: &'static str,
    queries: usize,
    #[serde(flatten)]
    measures: Measures,
    /// The weight of semantic search, in hybrid mode only.
    semantic_weight: Option<f32>,
    seconds: f64,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let location = args.index.location();
    if !args.pairs.is_empty() {
        return pairs::run(&args.pairs, args.fit.as_deref(), args.json);
    }
    let sets: Vec<Set<'_>> = args
        .sets
        .iter()
        .map(|path| Set::Judged(path))
        .chain(args.from_feedback.as_deref().map(Set::Feedback))
        .collect();
    if sets.len() > 1 && (args.run.is_some() || args.compare.is_some()) {
        bail!("--run and --compare accept only one set\n  hint: evaluate one set at a time");
    }
    if args.calibrate && sets.len() > 1 {
        bail!("--calibrate accepts only one set\n  hint: write all phrases about the index into one file");
    }
    let spec = args.model.as_ref().unwrap_or(&ModelSpec::Builtin);
    let loading = args.network.loading(Prepare::Many);
    let embedder = embed::load(spec, &(&args.settings).into(), loading)?;
    let mut rows = Vec::new();
    let mut hybrids: Vec<(String, Evaluation)> = Vec::new();
    let mut scaling = None;
    let earlier = args.compare.as_deref().map(report::read_run).transpose()?;
    let mut reports = Vec::new();
    let mut outcome = Outcome::Success;
    for set in &sets {
        let temporary = tempfile::tempdir().context("could not create a temporary directory")?;
        let (judged, index) = match set {
            Set::Judged(path) => {
                let judged = Judged::read(path)?;
                let index = open(&judged, location, temporary.path(), embedder.as_ref())?;
                (judged, index)
            }
            Set::Feedback(path) => {
                let index = location.open()?;
                let (judged, is_complete) = read_feedback(path, &index)?;
                if !is_complete {
                    outcome = Outcome::Partial;
                }
                (judged, index)
            }
        };
        if args.calibrate {
            ensure_can_calibrate(&judged, &index, temporary.path())?;
        }
        let mut mode_reports = Vec::new();
        let mut best = None;
        let modes = [("keyword", Mode::Keyword), ("semantic", Mode::Semantic), ("hybrid", Mode::Hybrid)];
        for (name, mode) in modes {
            if mode != Mode::Keyword && index.meta().model.is_none() {
                continue;
            }
            let evaluation = evaluate(&index, Some(embedder.as_ref()), &judged, mode, args.semantic_weight)?;
            rows.push(Row {
                set: judged.name.clone(),
                mode: name,
                queries: evaluation.queries.len(),
                measures: evaluation.mean(),
                semantic_weight: (mode == Mode::Hybrid)
                    .then(|| args.semantic_weight.or(index.meta().semantic_weight))
                    .flatten(),
                seconds: evaluation.took.as_secs_f64(),
            });
            if let Some(measures) = evaluation.mean_collapsed() {
                rows.push(Row {
                    set: judged.name.clone(),
                    mode: COLLAPSED,
                    queries: evaluation.queries.len(),
                    measures,
                    semantic_weight: None,
                    seconds: evaluation.collapsed_took.as_secs_f64(),
                });
            }
            mode_reports.push(mode_report(name, evaluation.queries.iter().map(|query| &query.measures)));
            if mode == Mode::Hybrid {
                let collapsed = evaluation.queries.iter().filter_map(|query| query.collapsed.as_ref());
                mode_reports.push(mode_report(COLLAPSED, collapsed));
                if let Some(earlier) = &earlier {
                    compare(&evaluation, &judged, &Questions::of(&index)?, earlier)?;
                }
                if args.calibrate {
                    let fitted = fit_scaling(&evaluation);
                    store_calibration(index.dir(), Some(fitted.scaling))?;
                    scaling = Some(fitted);
                }
                if let Some(path) = &args.run {
                    write_run(&evaluation, path)
                        .with_context(|| format!("could not write {}", path.display()))?;
                }
            }
            best = Some((mode, evaluation));
        }
        if let Some((mode, best)) = best {
            let is_hybrid = mode == Mode::Hybrid;
            if args.report.is_some() {
                reports.push(set_report(
                    &judged,
                    &best,
                    &Questions::of(&index)?,
                    mode_reports,
                    is_hybrid.then(|| calibrate(&best, &FITTED)),
                    earlier.as_ref().filter(|_| is_hybrid),
                ));
            }
            if is_hybrid {
                hybrids.push((judged.name, best));
            }
        }
    }
    if sets.len() > 1 {
        rows.extend(means(&rows));
    }
    let calibrations = calibrations(&hybrids, args.fit.is_some());
    if let Some(path) = &args.fit {
        let evaluations: Vec<Evaluation> = hybrids.into_iter().map(|(_, evaluation)| evaluation).collect();
        let mut fitted = serde_json::to_string_pretty(&fit(&evaluations, &FITTED))?;
        fitted.push('\n');
        std::fs::write(path, fitted).with_context(|| format!("could not write {}", path.display()))?;
    }
    if let Some(path) = &args.report {
        report::write(path, &reports)?;
    }
    let mut out = data();
    if args.json {
        let report = serde_json::json!({ "rows": rows, "calibration": calibrations, "scaling": scaling });
        serde_json::to_writer(&mut out, &report).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        write_table(&mut out, &rows)?;
        if !calibrations.is_empty() {
            write_calibrations(&mut out, &calibrations)?;
            write_qualities(&mut out, &calibrations)?;
        }
        if let Some(fitted) = &scaling {
            write_scaling(&mut out, fitted)?;
        }
    }
    Ok(outcome)
}

/// Where judged queries come from.
enum Set<'a> {
    Judged(&'a Path),
    Feedback(&'a Path),
}

/// Reads judged queries from a file of feedback, and reports on stderr what is left out. The second value is
/// `false` if lines are not valid.
fn read_feedback(path: &Path, index: &Index) -> anyhow::Result<(Judged, bool)> {
    let (feedback, invalid) = feedback::read(path)?;
    for line in &invalid {
        say(&format!("rqsearch: {}:{}: {}", path.display(), line.number, line.reason));
    }
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    let found = from_feedback(&name, &feedback, &index.questions()?);
    if found.unknown > 0 {
        say(&format!(
            "rqsearch: {}: {} {} left out, because the index has neither the id nor the title",
            path.display(),
            found.unknown,
            plural(found.unknown as u64, "judgement")
        ));
    }
    if found.without_useful > 0 {
        say(&format!(
            "rqsearch: {}: {} {} left out, because no judged hit is useful",
            path.display(),
            found.without_useful,
            plural(found.without_useful as u64, "phrase")
        ));
    }
    if found.judged.queries.is_empty() {
        bail!(
            "{} contains no phrase with a useful hit of this index\n  \
             hint: name the index of the server with --index",
            path.display()
        );
    }
    Ok((found.judged, invalid.is_empty()))
}

/// The fewest phrases that an index is calibrated on.
const MIN_CALIBRATION: usize = 50;

/// Makes sure that the result of a calibration can be stored and means something.
fn ensure_can_calibrate(judged: &Judged, index: &Index, temporary: &Path) -> anyhow::Result<()> {
    let phrases = judged.queries.len() + judged.out_of_scope.len();
    if phrases < MIN_CALIBRATION {
        bail!(
            "--calibrate needs at least {MIN_CALIBRATION} judged phrases, and {} has {phrases}",
            judged.name
        );
    }
    if index.dir().starts_with(temporary) {
        bail!("{} has a corpus of its own\n  hint: name the index to calibrate with --index", judged.name);
    }
    if !index.dir().is_dir() {
        bail!("the built-in index cannot be changed\n  hint: name the index to calibrate with --index");
    }
    if index.meta().model.is_none() {
        bail!(
            "the index has keywords only, so its hits have no confidence\n  hint: `rqsearch index --model builtin` adds embeddings"
        );
    }
    Ok(())
}

/// The index to search: the set's own corpus, indexed in a temporary directory, or an existing index.
fn open(
    judged: &Judged,
    location: IndexLocation<'_>,
    temporary: &Path,
    embedder: &dyn Embedder,
) -> anyhow::Result<Index> {
    let Some(corpus) = judged.corpus.as_ref().filter(|_| matches!(location, IndexLocation::Nearest)) else {
        return location.open();
    };
    let dir = temporary.join("index");
    let build = Build {
        embedder: Some(embedder),
        problems: &|problem: &Problem| say(&format!("rqsearch: {problem}")),
        ..Build::new(&dir, std::slice::from_ref(corpus))
    };
    build.run()?;
    let mut index = Index::open(&dir)?;
    let (weight, spread) = (tune(&index, embedder)?, spread(&index, embedder)?);
    index.set_tuning(weight, spread);
    Ok(index)
}

/// Measures the calibration of the confidence on each set. The model is that of this program or, if
/// `left_out`, one fitted to all the other sets. Empty if there are no other sets.
fn calibrations(hybrids: &[(String, Evaluation)], left_out: bool) -> Vec<SetCalibration> {
    if left_out && hybrids.len() < 2 {
        say(
            "rqsearch: the confidence is fitted to this set only, and no other set shows how good the fit is",
        );
        return Vec::new();
    }
    let calibration = |(at, (set, evaluation)): (usize, &(String, Evaluation))| {
        let others = || hybrids.iter().enumerate().filter(|(other, _)| *other != at);
        let model = match left_out {
            true => {
                fit(&others().map(|(_, (_, evaluation))| evaluation.clone()).collect::<Vec<_>>(), &FITTED)
            }
            false => FITTED.clone(),
        };
        SetCalibration { set: set.clone(), calibration: calibrate(evaluation, &model) }
    };
    hybrids.iter().enumerate().map(calibration).collect()
}

/// The calibration of the confidence on one set.
#[derive(Serialize)]
struct SetCalibration {
    set: String,
    #[serde(flatten)]
    calibration: Calibration,
}

/// Writes one line per set: for each tenth of confidence, the fraction of best hits that are relevant.
fn write_calibrations(out: &mut impl Write, calibrations: &[SetCalibration]) -> io::Result<()> {
    let widest = calibrations.iter().map(|set| set.set.chars().count()).max().unwrap_or(0).max(10);
    write!(out, "\n{:<widest$} ", "confidence")?;
    for tenth in 0..10 {
        write!(out, "  .{tenth}–{}", if tenth == 9 { "1 ".to_owned() } else { format!(".{}", tenth + 1) })?;
    }
    writeln!(out, "    ECE   unanswered  out of scope")?;
    for SetCalibration { set, calibration } in calibrations {
        write!(out, "{set:<widest$} ")?;
        for bin in &calibration.bins {
            match bin.count {
                0 => write!(out, "      –")?,
                _ => write!(out, " {:>6.2}", bin.right)?,
            }
        }
        write!(out, " {:>6.3}  {:>10.1}%", calibration.ece, 100.0 * calibration.rejected)?;
        match calibration.out_of_scope_rejected {
            Some(rate) => writeln!(out, "  {:>11.1}%", 100.0 * rate)?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

/// Writes one line per set: how often the word for the confidence of a best hit is right.
fn write_qualities(out: &mut impl Write, calibrations: &[SetCalibration]) -> io::Result<()> {
    let widest = calibrations.iter().map(|set| set.set.chars().count()).max().unwrap_or(0).max(12);
    writeln!(out, "\n{:<widest$}  {:>14}  {:>14}  {:>14}", "right if best", "strong", "likely", "weak")?;
    for SetCalibration { set, calibration } in calibrations {
        write!(out, "{set:<widest$} ")?;
        for rate in &calibration.qualities {
            match rate.count {
                0 => write!(out, "  {:>14}", "–")?,
                count => write!(out, "  {:>14}", format!("{:.0} % of {count}", 100.0 * rate.right))?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_scaling(out: &mut impl Write, fitted: &FittedScaling) -> io::Result<()> {
    let FittedScaling { scaling, ece_before, ece } = fitted;
    writeln!(
        out,
        "\nThe index is calibrated on {} phrases. Expected calibration error: {ece:.3} on phrases that were left out, \
         {ece_before:.3} before.",
        scaling.examples
    )
}

/// The mean of each mode over the sets.
fn means(rows: &[Row]) -> Vec<Row> {
    let mean = |mode: &'static str| {
        let of_mode: Vec<&Row> = rows.iter().filter(|row| row.mode == mode).collect();
        Row {
            set: "mean".into(),
            mode,
            queries: of_mode.iter().map(|row| row.queries).sum(),
            measures: Measures::mean(of_mode.iter().map(|row| &row.measures)),
            semantic_weight: None,
            seconds: of_mode.iter().map(|row| row.seconds).sum(),
        }
    };
    ["keyword", "semantic", "hybrid", COLLAPSED].map(mean).into()
}

fn write_table(out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
    let widest = rows.iter().map(|row| row.set.chars().count()).max().unwrap_or(0).max(3);
    write!(out, "{:<widest$}  {:<9} {:>7}", "set", "mode", "queries")?;
    for name in Measures::NAMES {
        write!(out, " {name:>10}")?;
    }
    writeln!(out, " {:>7} {:>8}", "weight", "seconds")?;
    for row in rows {
        write!(out, "{:<widest$}  {:<9} {:>7}", row.set, row.mode, row.queries)?;
        for value in row.measures.values() {
            write!(out, " {value:>10.4}")?;
        }
        let weight = row.semantic_weight.map_or_else(String::new, |weight| format!("{weight:.2}"));
        writeln!(out, " {weight:>7} {:>8.2}", row.seconds)?;
    }
    Ok(())
}

/// Writes a TREC run, the format of `trec_eval`: `query Q0 document rank score run`.
fn write_run(evaluation: &Evaluation, path: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    for query in &evaluation.queries {
        for (rank, (document, score)) in (1..).zip(&query.ranking) {
            writeln!(out, "{} Q0 {document} {rank} {score:.6} {RUN}", query.id)?;
        }
    }
    out.flush()
}

/// Reports on stderr how the nDCG@10 of these rankings differs from that of an earlier run.
fn compare(
    evaluation: &Evaluation,
    judged: &Judged,
    questions: &Questions,
    earlier: &EarlierRun,
) -> anyhow::Result<()> {
    if !evaluation.queries.iter().any(|query| earlier.rankings.contains_key(&query.id)) {
        bail!("{} has no rankings for the queries of {}", earlier.name, judged.name);
    }
    let mut pairs = Vec::new();
    for (query, judged) in evaluation.queries.iter().zip(&judged.queries) {
        // A run has no lines for a query without hits.
        let ranking = earlier.rankings.get(&query.id).map_or(&[][..], Vec::as_slice);
        pairs.push((query.measures.ndcg_10, questions.measure(&judged.right, ranking).ndcg_10));
    }
    let (now, before): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    say(&format!(
        "nDCG@10 {:.4} compared with {:.4} in {}: {:+.4}, p = {:.4} (paired randomization test, {} queries)",
        mean(&now),
        mean(&before),
        earlier.name,
        mean(&now) - mean(&before),
        significance(&now, &before),
        now.len()
    ));
    Ok(())
}
