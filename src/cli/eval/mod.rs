//! `rqsearch eval SET…`

mod pairs;
mod set;
mod table;
mod trec;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::curation::CurationArgs;
use super::locate_index::IndexesArgs;
use super::model::{NetworkArgs, SettingsArgs};
use super::option_values::{parsed, weight};
use super::outcome::Outcome;
use super::streams::{data, say, write_json};
use super::write_file::write_file;
use crate::curation::{Curation, Pins, Synonyms};
use crate::embed::{self, Embedder, ModelSpec, Prepare};
use crate::evaluate::{
    EarlierRun, Evaluation, FittedScaling, Judged, ModeReport, Questions, SetReport, calibrate, evaluate,
    fit, fit_scaling, mode_report, set_report,
};
use crate::hint::hinted;
use crate::index::{Index, store_calibration};
use crate::render::report::write_report;
use crate::search::{FITTED, Mode};
use set::{Opened, Set};
use table::{
    COLLAPSED, Row, SetCalibration, means, write_calibrations, write_qualities, write_scaling, write_table,
};

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
    #[arg(long, value_name = "WEIGHT", value_parser = weight)]
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
    #[arg(long, value_name = "MODEL", value_parser = parsed::<ModelSpec>)]
    model: Option<ModelSpec>,
    /// Use the pins of the index. Without this option, eval measures the ranking without them
    #[arg(long)]
    with_pins: bool,
    /// Do not use the synonyms of the index
    #[arg(long)]
    no_synonyms: bool,
    #[command(flatten)]
    curation: CurationArgs,
    #[command(flatten)]
    index: IndexesArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

/// What the command has measured.
#[derive(Default)]
struct Measured {
    rows: Vec<Row>,
    /// The hybrid evaluation of each set, with its name.
    hybrids: Vec<(String, Evaluation)>,
    reports: Vec<SetReport>,
    /// The calibration that was stored.
    scaling: Option<FittedScaling>,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    if !args.pairs.is_empty() {
        return pairs::run(&args.pairs, args.fit.as_deref(), args.json);
    }
    let sets = args.sets()?;
    if args.calibrate {
        // The calibration is stored in one index.
        args.index.location().find()?;
    }
    let spec = args.model.as_ref().unwrap_or(&ModelSpec::Builtin);
    let embedder = embed::load(spec, &(&args.settings).into(), args.network.loading(Prepare::Many))?;
    let earlier = args.compare.as_deref().map(trec::read).transpose()?;
    let mut measured = Measured::default();
    let mut outcome = Outcome::Success;
    for set in &sets {
        let mut opened = set.open(args.index.location(), embedder.as_ref(), args.calibrate)?;
        opened.index = args.curated(opened.index)?;
        if !opened.is_complete {
            outcome = Outcome::Partial;
        }
        measured.add(args, &opened, embedder.as_ref(), earlier.as_ref())?;
    }
    if sets.len() > 1 {
        let means = means(&measured.rows);
        measured.rows.extend(means);
    }
    measured.write(args)?;
    Ok(outcome)
}

impl Args {
    /// Adds the synonyms of an index, and its pins if they are asked for.
    fn curated(&self, index: Index) -> anyhow::Result<Index> {
        let index = self.curation.apply(index)?;
        let Curation { synonyms, pins, .. } = index.curation().as_ref();
        let synonyms = if self.no_synonyms { Synonyms::default() } else { synonyms.clone() };
        let pins = if self.with_pins { pins.clone() } else { Pins::default() };
        Ok(index.with_curation(Curation::new(synonyms, pins)))
    }

    /// The sets to evaluate.
    fn sets(&self) -> anyhow::Result<Vec<Set<'_>>> {
        let judged = self.sets.iter().map(|path| Set::Judged(path));
        let sets: Vec<Set<'_>> = judged.chain(self.from_feedback.as_deref().map(Set::Feedback)).collect();
        ensure!(
            sets.len() <= 1 || self.run.is_none() && self.compare.is_none(),
            hinted("--run and --compare accept only one set", "evaluate one set at a time")
        );
        ensure!(
            sets.len() <= 1 || !self.calibrate,
            hinted("--calibrate accepts only one set", "write all phrases about the index into one file")
        );
        Ok(sets)
    }
}

impl Measured {
    /// Evaluates a set in each mode that its index supports.
    fn add(
        &mut self,
        args: &Args,
        Opened { judged, index, .. }: &Opened,
        embedder: &dyn Embedder,
        earlier: Option<&EarlierRun>,
    ) -> anyhow::Result<()> {
        let search = |mode| evaluate(index, Some(embedder), judged, mode, args.semantic_weight);
        let mut reports = Vec::new();
        let keyword = search(Mode::Keyword)?;
        self.add_mode(&judged.name, "keyword", None, &keyword, &mut reports);
        if index.meta().model.is_none() {
            return self.report(args, &keyword, judged, index, reports, None);
        }
        self.add_mode(&judged.name, "semantic", None, &search(Mode::Semantic)?, &mut reports);
        let hybrid = search(Mode::Hybrid)?;
        let weight = args.semantic_weight.or(index.meta().semantic_weight);
        self.add_mode(&judged.name, "hybrid", weight, &hybrid, &mut reports);
        if let Some(earlier) = earlier {
            trec::compare(&hybrid, judged, &Questions::of(index)?, earlier)?;
        }
        if args.calibrate {
            let fitted = fit_scaling(&hybrid);
            store_calibration(index.dir(), Some(fitted.scaling))?;
            self.scaling = Some(fitted);
        }
        if let Some(path) = &args.run {
            trec::write(&hybrid, path).with_context(|| format!("could not write {}", path.display()))?;
        }
        self.report(args, &hybrid, judged, index, reports, earlier)?;
        self.hybrids.push((judged.name.clone(), hybrid));
        Ok(())
    }

    /// Adds the rows of an evaluation, and what the report says about its mode.
    fn add_mode(
        &mut self,
        set: &str,
        mode: &'static str,
        semantic_weight: Option<f32>,
        evaluation: &Evaluation,
        reports: &mut Vec<ModeReport>,
    ) {
        let mut add = |mode, measures, semantic_weight, took: Duration| {
            let (queries, seconds) = (evaluation.queries.len(), took.as_secs_f64());
            self.rows.push(Row { set: set.to_owned(), mode, queries, measures, semantic_weight, seconds });
        };
        add(mode, evaluation.mean(), semantic_weight, evaluation.took);
        reports.push(mode_report(mode, evaluation.queries.iter().map(|query| &query.measures)));
        if let Some(measures) = evaluation.mean_collapsed() {
            add(COLLAPSED, measures, None, evaluation.collapsed_took);
            let collapsed = evaluation.queries.iter().filter_map(|query| query.collapsed.as_ref());
            reports.push(mode_report(COLLAPSED, collapsed));
        }
    }

    /// Adds what the report says about a set, if there is a report.
    fn report(
        &mut self,
        args: &Args,
        best: &Evaluation,
        judged: &Judged,
        index: &Index,
        modes: Vec<ModeReport>,
        earlier: Option<&EarlierRun>,
    ) -> anyhow::Result<()> {
        if args.report.is_some() {
            let calibration = index.meta().model.is_some().then(|| calibrate(best, &FITTED));
            let questions = Questions::of(index)?;
            self.reports.push(set_report(judged, best, &questions, modes, calibration, earlier));
        }
        Ok(())
    }

    /// Writes the files and the tables.
    fn write(self, args: &Args) -> anyhow::Result<()> {
        let Self { rows, hybrids, reports, scaling } = self;
        let calibrations = calibrations(&hybrids, args.fit.is_some());
        if let Some(path) = &args.fit {
            let evaluations: Vec<Evaluation> =
                hybrids.into_iter().map(|(_, evaluation)| evaluation).collect();
            let mut fitted = serde_json::to_string_pretty(&fit(&evaluations, &FITTED))?;
            fitted.push('\n');
            std::fs::write(path, fitted).with_context(|| format!("could not write {}", path.display()))?;
        }
        if let Some(path) = &args.report {
            write_file(path, |out| write_report(out, &reports))?;
        }
        let mut out = data();
        if args.json {
            let report = serde_json::json!({ "rows": rows, "calibration": calibrations, "scaling": scaling });
            write_json(&mut out, &report)?;
            return Ok(());
        }
        write_table(&mut out, &rows)?;
        if !calibrations.is_empty() {
            write_calibrations(&mut out, &calibrations)?;
            write_qualities(&mut out, &calibrations)?;
        }
        if let Some(fitted) = &scaling {
            write_scaling(&mut out, fitted)?;
        }
        Ok(())
    }
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
