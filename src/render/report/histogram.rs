//! Histograms of the scores of the best hits.

use std::fmt::{self, Write as _};

use super::{END_OF_TABLE, start_table};
use crate::evaluate::Histogram;

/// The left edge of a panel, the width of its bars, the height of a panel, and that of its bars. The coordinates are
/// those of the `viewBox`.
const LEFT: f64 = 36.0;
const WIDTH: f64 = 290.0;
const PANEL: f64 = 132.0;
const PLOT: f64 = 80.0;

/// The phrases of one kind.
struct Panel<'a> {
    class: &'static str,
    label: &'static str,
    bins: &'a [usize],
}

/// Writes one histogram for each kind of phrase, one below the other, with the same axes.
pub fn write_histogram(out: &mut String, scores: &Histogram) -> fmt::Result {
    let panels = [
        Panel { class: "right", label: "Relevant best hit", bins: &scores.right },
        Panel { class: "wrong", label: "Best hit that is not relevant", bins: &scores.wrong },
        Panel { class: "none", label: "Phrase that nothing answers", bins: &scores.out_of_scope },
    ];
    let shown = panels.iter().filter(|panel| panel.bins.iter().any(|count| *count > 0));
    let shown: Vec<&Panel<'_>> = shown.collect();
    let most = shown.iter().flat_map(|panel| panel.bins).max().copied().unwrap_or(0).max(1);
    let height = PANEL * shown.len() as f64 + 22.0;
    write!(
        out,
        "<div>\n<h3>Scores of the best hits</h3>\n<p class=\"soft small\">Phrases by the score of their best hit, \
         without phrases that have no hits. All panels have the same axes.</p>\n<svg viewBox=\"0 0 340 {height}\" \
         role=\"img\" aria-label=\"Histograms; the table below has their numbers\">\n"
    )?;
    for (nth, panel) in shown.iter().enumerate() {
        write_panel(out, panel, PANEL * nth as f64 + 24.0 + PLOT, most, scores.top)?;
    }
    write!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">Score of the best hit (vertical: phrases)</text>\n</svg>\n",
        LEFT + WIDTH / 2.0,
        height - 4.0
    )?;
    write_table(out, scores)?;
    out.write_str("</div>\n")
}

/// Writes a panel whose bars stand on the line `base`. The highest bar of all panels has `most` phrases, and the scores
/// end at `top`.
fn write_panel(out: &mut String, panel: &Panel<'_>, base: f64, most: usize, top: f32) -> fmt::Result {
    writeln!(
        out,
        "<text class=\"label\" x=\"{LEFT}\" y=\"{0}\">{label} ({1})</text><path class=\"grid\" d=\"M{LEFT} {2}H{3}\"/>\
         <text x=\"{4}\" y=\"{5}\" text-anchor=\"end\">{most}</text><text x=\"{4}\" y=\"{6}\" text-anchor=\"end\">0</text>",
        base - PLOT - 9.0,
        panel.bins.iter().sum::<usize>(),
        base - PLOT,
        LEFT + WIDTH,
        LEFT - 5.0,
        base - PLOT + 4.0,
        base + 3.0,
        label = panel.label,
    )?;
    write_bars(out, panel, base, most)?;
    writeln!(out, "<path class=\"axis\" d=\"M{LEFT} {base}H{}\"/>", LEFT + WIDTH)?;
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{:.2}</text>",
            LEFT + WIDTH * share,
            base + 13.0,
            f64::from(top) * share
        )?;
    }
    Ok(())
}

fn write_bars(out: &mut String, panel: &Panel<'_>, base: f64, most: usize) -> fmt::Result {
    let width = WIDTH / panel.bins.len() as f64;
    for (at, count) in panel.bins.iter().enumerate().filter(|(_, count)| **count > 0) {
        // The smallest bar is still visible.
        let bar = (PLOT * *count as f64 / most as f64).max(1.0);
        writeln!(
            out,
            "<rect class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{bar:.1}\"/>",
            panel.class,
            LEFT + width * at as f64 + 0.5,
            base - bar,
            width - 1.0
        )?;
    }
    Ok(())
}

/// Writes the numbers. Two bins are one row.
fn write_table(out: &mut String, scores: &Histogram) -> fmt::Result {
    start_table(out, "Scores", &["score", "relevant", "not relevant", "nothing answers"])?;
    let edge = |nth: usize| f64::from(scores.top) * nth as f64 * 2.0 / scores.right.len() as f64;
    for (nth, pair) in scores.right.chunks(2).enumerate() {
        let sum = |bins: &[usize]| bins.iter().skip(2 * nth).take(2).sum::<usize>();
        writeln!(
            out,
            "<tr><th scope=\"row\">{:.1}–{:.1}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            edge(nth),
            edge(nth + 1),
            pair.iter().sum::<usize>(),
            sum(&scores.wrong),
            sum(&scores.out_of_scope)
        )?;
    }
    out.write_str(END_OF_TABLE)
}
