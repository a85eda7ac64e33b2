//! `rqsearch eval --pairs FILE…`

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;

use crate::cli::outcome::Outcome;
use crate::cli::streams::write_json;
use crate::embed::{Builtin, Prepare};
use crate::evaluate::{PairMeasures, Pairs, fit_pairs};
use crate::logistic::Model;
use crate::pair::FITTED;

/// The output of `--json`.
#[derive(Serialize)]
struct Report {
    /// The mean over the sets.
    metrics: Metrics,
    sets: Vec<SetReport>,
}

#[derive(Serialize)]
struct SetReport {
    set: String,
    pairs: usize,
    metrics: PairMeasures,
    /// The metrics of the cosine alone.
    cosine: PairMeasures,
}

#[derive(Serialize)]
struct Metrics {
    average_precision: f64,
    best_f1: f64,
    recall_at_95_precision: f64,
    /// At the threshold of the model; `null` for the cosine.
    precision: Option<f64>,
    /// At the threshold of the model; `null` for the cosine.
    recall: Option<f64>,
    ece: f64,
}

impl Metrics {
    fn mean(measures: &[&PairMeasures]) -> Self {
        let mean = |of: fn(&PairMeasures) -> f64| {
            measures.iter().map(|measures| of(measures)).sum::<f64>() / measures.len() as f64
        };
        let mean_of_some = |of: fn(&PairMeasures) -> Option<f64>| {
            let sum: Option<f64> = measures.iter().map(|measures| of(measures)).sum();
            sum.map(|sum| sum / measures.len() as f64)
        };
        Self {
            precision: mean_of_some(|measures| measures.precision),
            recall: mean_of_some(|measures| measures.recall),
            average_precision: mean(|measures| measures.average_precision),
            best_f1: mean(|measures| measures.best_f1),
            recall_at_95_precision: mean(|measures| measures.recall_at_95_precision),
            ece: mean(|measures| measures.ece),
        }
    }
}

/// Measures the program's model of duplicates on labelled sets. With `fit`, fits a model to all sets and
/// writes it to that file; each set is then measured with a model fitted to the other sets.
pub fn run(paths: &[PathBuf], fit: Option<&Path>, json: bool) -> anyhow::Result<Outcome> {
    let embedder = Builtin::load(Prepare::Many)?;
    let sets = paths.iter().map(|path| Pairs::read(path, &embedder)).collect::<anyhow::Result<Vec<_>>>()?;
    if let Some(path) = fit {
        let fitted = fit_pairs(&sets.iter().collect::<Vec<_>>(), &FITTED);
        let mut fitted = serde_json::to_string_pretty(&fitted)?;
        fitted.push('\n');
        fs::write(path, fitted).with_context(|| format!("could not write {}", path.display()))?;
    }
    let model = |at: usize| -> Model {
        let others: Vec<&Pairs> =
            (0..).zip(&sets).filter(|(other, _)| *other != at).map(|(_, set)| set).collect();
        if fit.is_some() { fit_pairs(&others, &FITTED) } else { FITTED.clone() }
    };
    let reports = sets.iter().enumerate().map(|(at, set)| SetReport {
        set: set.name.clone(),
        pairs: set.examples.len(),
        metrics: set.measure(&model(at)),
        cosine: set.measure_cosine(),
    });
    let sets: Vec<SetReport> = reports.collect();
    let report =
        Report { metrics: Metrics::mean(&sets.iter().map(|set| &set.metrics).collect::<Vec<_>>()), sets };
    let mut out = crate::cli::streams::data();
    if json {
        write_json(&mut out, &report)?;
    } else {
        write_table(&mut out, &report)?;
    }
    Ok(Outcome::Success)
}

fn write_table(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let widest = report.sets.iter().map(|set| set.set.chars().count()).max().unwrap_or(0).max(4);
    writeln!(
        out,
        "{:<widest$}  {:<6} {:>7} {:>17} {:>8} {:>14} {:>9} {:>6} {:>6}",
        "set", "by", "pairs", "average precision", "best F1", "recall at 95 %", "precision", "recall", "ECE"
    )?;
    let mut row = |set: &str, by: &str, pairs: usize, metrics: &Metrics| {
        let or_dash = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
        let (precision, recall) = (or_dash(metrics.precision), or_dash(metrics.recall));
        let ece = if by == "cosine" { "–".to_owned() } else { format!("{:.3}", metrics.ece) };
        writeln!(
            out,
            "{set:<widest$}  {by:<6} {pairs:>7} {:>17.4} {:>8.4} {:>14.4} {precision:>9} {recall:>6} {ece:>6}",
            metrics.average_precision, metrics.best_f1, metrics.recall_at_95_precision
        )
    };
    for set in &report.sets {
        row(&set.set, "cosine", set.pairs, &Metrics::mean(&[&set.cosine]))?;
        row(&set.set, "model", set.pairs, &Metrics::mean(&[&set.metrics]))?;
    }
    if report.sets.len() > 1 {
        let pairs = report.sets.iter().map(|set| set.pairs).sum();
        row(
            "mean",
            "cosine",
            pairs,
            &Metrics::mean(&report.sets.iter().map(|set| &set.cosine).collect::<Vec<_>>()),
        )?;
        row("mean", "model", pairs, &report.metrics)?;
    }
    Ok(())
}
