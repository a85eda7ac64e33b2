//! The reliability diagram of a set.

use std::fmt::{self, Write as _};

use super::{END_OF_TABLE, start_table};
use crate::evaluate::Calibration;
use crate::logistic::Bin;

/// The left and the upper edge of the plot, the length of its sides, and the line that the bars stand on. The
/// coordinates are those of the `viewBox`.
const LEFT: f64 = 48.0;
const TOP: f64 = 12.0;
const SIDE: f64 = 270.0;
const BARS: f64 = 360.0;

/// Writes a reliability diagram: for each tenth of confidence, the fraction of best hits that are relevant, and the
/// number of phrases.
pub fn write_calibration(out: &mut String, calibration: &Calibration) -> fmt::Result {
    write!(
        out,
        "<div>\n<h3>Reliability of the confidence</h3>\n<p class=\"soft small\">A point on the dashed line is well \
         calibrated. Vertical lines are 95 % intervals (Wilson). Bars: phrases per tenth. Expected calibration \
         error {:.3}.</p>\n<svg viewBox=\"0 0 340 400\" role=\"img\" aria-label=\"Reliability diagram; the table \
         below has its numbers\">\n",
        calibration.ece
    )?;
    write_grid(out)?;
    write_points(out, &calibration.bins)?;
    write_labels(out)?;
    write_table(out, &calibration.bins)?;
    out.write_str("</div>\n")
}

/// The coordinates of a probability.
fn x(probability: f64) -> f64 {
    LEFT + SIDE * probability
}

fn y(probability: f64) -> f64 {
    TOP + SIDE * (1.0 - probability)
}

fn write_grid(out: &mut String) -> fmt::Result {
    for step in 0..=5 {
        let p = f64::from(step) / 5.0;
        writeln!(
            out,
            "<path class=\"grid\" d=\"M{LEFT} {0}H{1}\"/><text x=\"{2}\" y=\"{3}\" text-anchor=\"end\">{4}</text>\
             <text x=\"{5}\" y=\"{6}\" text-anchor=\"middle\">{4}</text>",
            y(p),
            x(1.0),
            LEFT - 6.0,
            y(p) + 4.0,
            percent(p),
            x(p),
            BARS + 14.0
        )?;
    }
    writeln!(out, "<path class=\"ideal\" d=\"M{} {}L{} {}\"/>", x(0.0), y(0.0), x(1.0), y(1.0))?;
    writeln!(out, "<path class=\"axis\" d=\"M{LEFT} {TOP}V{}H{}\"/>", y(0.0), x(1.0))
}

/// A point with its interval and a bar for each tenth.
fn write_points(out: &mut String, bins: &[Bin]) -> fmt::Result {
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1) as f64;
    for (nth, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.count > 0) {
        let (low, high) = wilson(bin.right, bin.count);
        let height = 40.0 * bin.count as f64 / most;
        writeln!(
            out,
            "<path class=\"spread\" d=\"M{0:.1} {1:.1}V{2:.1}\"/><circle class=\"point\" cx=\"{0:.1}\" cy=\"{3:.1}\" \
             r=\"4\"/><rect class=\"count\" x=\"{4:.1}\" y=\"{5:.1}\" width=\"{6:.1}\" height=\"{height:.1}\"/>\
             <text x=\"{7:.1}\" y=\"{8:.1}\" text-anchor=\"middle\">{9}</text>",
            x(bin.confidence),
            y(low),
            y(high),
            y(bin.right),
            x(nth as f64 / 10.0) + 2.0,
            BARS - height,
            SIDE / 10.0 - 4.0,
            x((nth as f64 + 0.5) / 10.0),
            BARS - height - 3.0,
            bin.count
        )?;
    }
    Ok(())
}

fn write_labels(out: &mut String) -> fmt::Result {
    let middle = TOP + SIDE / 2.0;
    write!(
        out,
        "<path class=\"axis\" d=\"M{LEFT} {BARS}H{}\"/><text x=\"{}\" y=\"395\" text-anchor=\"middle\">Confidence in \
         the best hit</text><text transform=\"translate(11 {middle}) rotate(-90)\" text-anchor=\"middle\">Best hits \
         that are relevant</text>\n</svg>\n",
        x(1.0),
        x(0.5)
    )
}

fn write_table(out: &mut String, bins: &[Bin]) -> fmt::Result {
    start_table(out, "Reliability", &["confidence", "phrases", "mean", "relevant"])?;
    for (nth, bin) in bins.iter().enumerate() {
        write!(out, "<tr><th scope=\"row\">{}–{} %</th><td>{}</td>", nth * 10, nth * 10 + 10, bin.count)?;
        match bin.count {
            0 => out.write_str("<td>–</td><td>–</td></tr>\n")?,
            _ => writeln!(
                out,
                "<td>{:.1} %</td><td>{:.1} %</td></tr>",
                100.0 * bin.confidence,
                100.0 * bin.right
            )?,
        }
    }
    out.write_str(END_OF_TABLE)
}

fn percent(fraction: f64) -> String {
    format!("{:.0} %", 100.0 * fraction)
}

/// The 95 % interval of a fraction of `count` (Wilson, 1927).
fn wilson(fraction: f64, count: usize) -> (f64, f64) {
    const Z: f64 = 1.96;
    let n = count as f64;
    let centre = fraction + Z * Z / (2.0 * n);
    let half = Z * (fraction * (1.0 - fraction) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_intervals_match_published_values() {
        #[track_caller]
        fn check(fraction: f64, count: usize, low: f64, high: f64) {
            let found = wilson(fraction, count);
            assert!((found.0 - low).abs() < 1e-3 && (found.1 - high).abs() < 1e-3, "{found:?}");
        }
        check(0.5, 10, 0.237, 0.763);
        check(0.0, 10, 0.0, 0.278);
        check(1.0, 10, 0.722, 1.0);
    }
}
