//! The tables of `rqsearch eval`.

use std::io::{self, Write};

use serde::Serialize;

use crate::evaluate::{Calibration, FittedScaling, Measures};

/// The row with the hybrid hits that users see: questions that ask the same are one hit.
pub const COLLAPSED: &str = "collapsed";

/// A row of the table.
#[derive(Serialize)]
pub struct Row {
    pub set: String,
    pub mode: &'static str,
    pub queries: usize,
    #[serde(flatten)]
    pub measures: Measures,
    /// The weight of semantic search, in hybrid mode only.
    pub semantic_weight: Option<f32>,
    pub seconds: f64,
}

/// The calibration of the confidence on one set.
#[derive(Serialize)]
pub struct SetCalibration {
    pub set: String,
    #[serde(flatten)]
    pub calibration: Calibration,
}

/// Writes one line per set: for each tenth of confidence, the fraction of best hits that are relevant.
pub fn write_calibrations(out: &mut impl Write, calibrations: &[SetCalibration]) -> io::Result<()> {
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
pub fn write_qualities(out: &mut impl Write, calibrations: &[SetCalibration]) -> io::Result<()> {
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

pub fn write_scaling(out: &mut impl Write, fitted: &FittedScaling) -> io::Result<()> {
    let FittedScaling { scaling, ece_before, ece } = fitted;
    writeln!(
        out,
        "\nThe index is calibrated on {} phrases. Expected calibration error: {ece:.3} on phrases that were left out, \
         {ece_before:.3} before.",
        scaling.examples
    )
}

/// The mean of each mode over the sets.
pub fn means(rows: &[Row]) -> Vec<Row> {
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

pub fn write_table(out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
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
