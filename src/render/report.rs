//! A report on search quality, as a self-contained web page.
//!
//! The page (`report.html`) is one file without scripts that loads nothing. Phrases and titles are untrusted: they
//! are escaped.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use super::html::Escaped;
use crate::evaluate::{
    Calibration, Change, Comparison, Failure, Histogram, Measures, ModeReport, Ranked, SetReport,
};

/// The page without data.
const PAGE: &str = include_str!("report.html");

/// The maximum number of failed phrases, and of changed phrases, that a page lists for a set.
const MOST_PHRASES: usize = 500;

/// Writes the page.
///
/// # Errors
/// The stream cannot be written.
pub fn write_report(out: &mut impl Write, sets: &[SetReport]) -> io::Result<()> {
    let mut body = String::new();
    for set in sets {
        write_set(&mut body, set).map_err(io::Error::other)?;
    }
    let (head, rest) = PAGE.split_once("VERSION").expect("the page has a placeholder for the version");
    let (middle, end) = rest.split_once("SETS").expect("the page has a placeholder for the sets");
    write!(out, "{head}{}{middle}{body}{end}", env!("CARGO_PKG_VERSION"))
}

fn write_set(out: &mut String, set: &SetReport) -> fmt::Result {
    write!(
        out,
        "<section>\n<h2><bdi>{}</bdi></h2>\n<p class=\"soft\">{}",
        Escaped(&set.set),
        phrases(set.queries)
    )?;
    if set.out_of_scope > 0 {
        write!(out, " with an answer, {} without", set.out_of_scope)?;
    }
    out.write_str(".</p>\n")?;
    write_modes(out, &set.modes)?;
    if let Some(comparison) = &set.comparison {
        write_comparison(out, comparison)?;
    }
    out.write_str("<div class=\"plots\">\n")?;
    if let Some(calibration) = &set.calibration {
        write_calibration(out, calibration)?;
    }
    write_histogram(out, &set.scores)?;
    out.write_str("</div>\n")?;
    write_failures(out, &set.failures, set.queries)?;
    out.write_str("</section>\n")
}

fn phrases(count: usize) -> String {
    if count == 1 { "1 phrase".into() } else { format!("{count} phrases") }
}

fn percent(fraction: f64) -> String {
    format!("{:.0} %", 100.0 * fraction)
}

/// Writes the start of a table, in a box that scrolls if the table is too wide.
fn start_table(out: &mut String, label: &str, columns: &[&str]) -> fmt::Result {
    write!(
        out,
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"{label}\"><table>\n<thead><tr>"
    )?;
    for column in columns {
        write!(out, "<th scope=\"col\">{}</th>", Escaped(column))?;
    }
    out.write_str("</tr></thead>\n<tbody>\n")
}

const END_OF_TABLE: &str = "</tbody></table></div>\n";

fn write_modes(out: &mut String, modes: &[ModeReport]) -> fmt::Result {
    out.write_str("<h3>Metrics</h3>\n")?;
    let names = modes.iter().map(|mode| mode.mode.as_str());
    start_table(out, "Metrics", &["metric"].into_iter().chain(names).collect::<Vec<_>>())?;
    for (nth, name) in Measures::NAMES.iter().enumerate() {
        write!(out, "<tr><th scope=\"row\">{name}</th>")?;
        for mode in modes {
            let metric = mode.metrics[nth];
            write!(out, "<td>{:.3}<small>{:.3}–{:.3}</small></td>", metric.mean, metric.low, metric.high)?;
        }
        out.write_str("</tr>\n")?;
    }
    out.write_str(END_OF_TABLE)
}

fn write_comparison(out: &mut String, comparison: &Comparison) -> fmt::Result {
    write!(
        out,
        "<h3>Compared with <bdi>{}</bdi></h3>\n<p class=\"soft small\">Hybrid rankings. p is the probability of \
         a difference at least as large by chance (paired randomization test).</p>\n",
        Escaped(&comparison.earlier)
    )?;
    start_table(out, "Comparison", &["metric", "earlier", "now", "difference", "p"])?;
    for (name, metric) in Measures::NAMES.iter().zip(&comparison.metrics) {
        writeln!(
            out,
            "<tr><th scope=\"row\">{name}</th><td>{:.3}</td><td>{:.3}</td><td>{:+.3}</td><td>{:.4}</td></tr>",
            metric.before,
            metric.now,
            metric.now - metric.before,
            metric.p
        )?;
    }
    out.write_str(END_OF_TABLE)?;
    let changed = &comparison.changed;
    write!(out, "<h3>Changed phrases</h3>\n<p class=\"soft\">{}", phrases(changed.len()))?;
    write_limit(out, changed.len())?;
    out.write_str(
        " with another first hit or another nDCG@10, the greatest loss first.</p>\n<ol class=\"cards\">\n",
    )?;
    for change in changed.iter().take(MOST_PHRASES) {
        write_change(out, change)?;
    }
    out.write_str("</ol>\n")
}

fn write_limit(out: &mut String, count: usize) -> fmt::Result {
    match count > MOST_PHRASES {
        true => write!(out, " (the first {MOST_PHRASES} are listed)"),
        false => Ok(()),
    }
}

fn write_change(out: &mut String, change: &Change) -> fmt::Result {
    let (class, word) = match change.now.ndcg_10.total_cmp(&change.before.ndcg_10) {
        std::cmp::Ordering::Less => ("worse", "worse"),
        std::cmp::Ordering::Equal => ("soft", "as good"),
        std::cmp::Ordering::Greater => ("better", "better"),
    };
    write!(
        out,
        "<li><p class=\"phrase\"><bdi>{}</bdi></p><p class=\"{class} small\">{word}: nDCG@10 {:.3} → {:.3}</p>\
         <div class=\"pair\">",
        Escaped(&change.phrase),
        change.before.ndcg_10,
        change.now.ndcg_10
    )?;
    write_ranked(out, "Earlier", &change.before)?;
    write_ranked(out, "Now", &change.now)?;
    out.write_str("</div></li>\n")
}

fn write_ranked(out: &mut String, when: &str, ranked: &Ranked) -> fmt::Result {
    write!(out, "<p><span class=\"soft\">{when}: {}.</span> ", relevant_at(ranked.rank))?;
    match &ranked.first {
        Some(title) => write!(out, "<bdi>{}</bdi></p>", Escaped(title)),
        None => out.write_str("No hits.</p>"),
    }
}

fn relevant_at(rank: Option<usize>) -> String {
    rank.map_or_else(|| "no relevant hit".into(), |rank| format!("first relevant hit at rank {rank}"))
}

fn write_failures(out: &mut String, failures: &[Failure], queries: usize) -> fmt::Result {
    write!(out, "<h3>Failed phrases</h3>\n<p class=\"soft\">{} of {queries}", failures.len())?;
    write_limit(out, failures.len())?;
    out.write_str(": the first hit is not relevant. Those without any relevant hit come first.</p>\n<ol class=\"cards\">\n")?;
    for failure in failures.iter().take(MOST_PHRASES) {
        write!(
            out,
            "<li><p class=\"phrase\"><bdi>{}</bdi></p><dl><div><dt>Relevant</dt><dd>",
            Escaped(&failure.phrase)
        )?;
        for title in &failure.expected {
            write!(out, "<p><bdi>{}</bdi></p>", Escaped(title))?;
        }
        match failure.expected_count - failure.expected.len() {
            0 if failure.expected.is_empty() => {
                out.write_str("<p>The index has no relevant question.</p>")?
            }
            0 => {}
            more => write!(out, "<p class=\"soft\">and {more} more</p>")?,
        }
        write!(
            out,
            "</dd></div><div><dt>Found</dt><dd>{}</dd></div><div><dt>Came first</dt><dd>",
            relevant_at(failure.rank)
        )?;
        for hit in &failure.hits {
            write!(
                out,
                "<p><bdi>{}</bdi> <span class=\"soft\">{:.2}</span></p>",
                Escaped(&hit.title),
                hit.score
            )?;
        }
        if failure.hits.is_empty() {
            out.write_str("<p>No hits.</p>")?;
        }
        out.write_str("</dd></div></dl></li>\n")?;
    }
    out.write_str("</ol>\n")
}

/// Writes a reliability diagram: for each tenth of confidence, the fraction of best hits that are relevant, and the
/// number of phrases. The coordinates of the plot are those of the `viewBox`.
fn write_calibration(out: &mut String, calibration: &Calibration) -> fmt::Result {
    const LEFT: f64 = 48.0;
    const TOP: f64 = 12.0;
    const SIDE: f64 = 270.0;
    const BARS: f64 = 360.0;
    write!(
        out,
        "<div>\n<h3>Reliability of the confidence</h3>\n<p class=\"soft small\">A point on the dashed line is well \
         calibrated. Vertical lines are 95 % intervals (Wilson). Bars: phrases per tenth. Expected calibration \
         error {:.3}.</p>\n<svg viewBox=\"0 0 340 400\" role=\"img\" aria-label=\"Reliability diagram; the table \
         below has its numbers\">\n",
        calibration.ece
    )?;
    let (x, y) = (|p: f64| LEFT + SIDE * p, |p: f64| TOP + SIDE * (1.0 - p));
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
    writeln!(out, "<path class=\"axis\" d=\"M{LEFT} {TOP}V{}H{}\"/>", y(0.0), x(1.0))?;
    let most = calibration.bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1) as f64;
    for (nth, bin) in calibration.bins.iter().enumerate().filter(|(_, bin)| bin.count > 0) {
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
    let middle = TOP + SIDE / 2.0;
    write!(
        out,
        "<path class=\"axis\" d=\"M{LEFT} {BARS}H{}\"/><text x=\"{}\" y=\"395\" text-anchor=\"middle\">Confidence in \
         the best hit</text><text transform=\"translate(11 {middle}) rotate(-90)\" text-anchor=\"middle\">Best hits \
         that are relevant</text>\n</svg>\n",
        x(1.0),
        x(0.5)
    )?;
    start_table(out, "Reliability", &["confidence", "phrases", "mean", "relevant"])?;
    for (nth, bin) in calibration.bins.iter().enumerate() {
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
    writeln!(out, "{END_OF_TABLE}</div>")
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

/// Writes one histogram for each kind of phrase, one below the other, with the same axes.
fn write_histogram(out: &mut String, scores: &Histogram) -> fmt::Result {
    const LEFT: f64 = 36.0;
    const WIDTH: f64 = 290.0;
    const PANEL: f64 = 132.0;
    const PLOT: f64 = 80.0;
    let panels = [
        ("right", "Relevant best hit", &scores.right),
        ("wrong", "Best hit that is not relevant", &scores.wrong),
        ("none", "Phrase that nothing answers", &scores.out_of_scope),
    ];
    let shown = panels.iter().filter(|(_, _, bins)| bins.iter().any(|count| *count > 0));
    let shown: Vec<_> = shown.collect();
    let most = shown.iter().flat_map(|panel| panel.2).max().copied().unwrap_or(0).max(1);
    let height = PANEL * shown.len() as f64 + 22.0;
    write!(
        out,
        "<div>\n<h3>Scores of the best hits</h3>\n<p class=\"soft small\">Phrases by the score of their best hit, without phrases that have no hits. All \
         panels have the same axes.</p>\n<svg viewBox=\"0 0 340 {height}\" role=\"img\" aria-label=\"Histograms; the \
         table below has their numbers\">\n"
    )?;
    for (nth, (class, label, bins)) in shown.iter().enumerate() {
        let base = PANEL * nth as f64 + 24.0 + PLOT;
        let width = WIDTH / bins.len() as f64;
        writeln!(
            out,
            "<text class=\"label\" x=\"{LEFT}\" y=\"{0}\">{label} ({1})</text><path class=\"grid\" d=\"M{LEFT} {2}H{3}\"/>\
             <text x=\"{4}\" y=\"{5}\" text-anchor=\"end\">{most}</text><text x=\"{4}\" y=\"{6}\" text-anchor=\"end\">0</text>",
            base - PLOT - 9.0,
            bins.iter().sum::<usize>(),
            base - PLOT,
            LEFT + WIDTH,
            LEFT - 5.0,
            base - PLOT + 4.0,
            base + 3.0
        )?;
        for (at, count) in bins.iter().enumerate().filter(|(_, count)| **count > 0) {
            // The smallest bar is still visible.
            let bar = (PLOT * *count as f64 / most as f64).max(1.0);
            writeln!(
                out,
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{bar:.1}\"/>",
                LEFT + width * at as f64 + 0.5,
                base - bar,
                width - 1.0
            )?;
        }
        writeln!(out, "<path class=\"axis\" d=\"M{LEFT} {base}H{}\"/>", LEFT + WIDTH)?;
        for step in 0..=4 {
            let share = f64::from(step) / 4.0;
            writeln!(
                out,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{:.2}</text>",
                LEFT + WIDTH * share,
                base + 13.0,
                f64::from(scores.top) * share
            )?;
        }
    }
    write!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">Score of the best hit (vertical: phrases)</text>\n</svg>\n",
        LEFT + WIDTH / 2.0,
        height - 4.0
    )?;
    start_table(out, "Scores", &["score", "relevant", "not relevant", "nothing answers"])?;
    // Two bins are one row.
    for (nth, pair) in scores.right.chunks(2).enumerate() {
        let sum = |bins: &[usize]| bins.iter().skip(2 * nth).take(2).sum::<usize>();
        let edge = |nth: usize| f64::from(scores.top) * nth as f64 * 2.0 / scores.right.len() as f64;
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
    writeln!(out, "{END_OF_TABLE}</div>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{Estimate, ListedHit, MetricChange};
    use crate::logistic::Bin;

    fn evil(name: &str) -> String {
        format!("<script>{name}</script>\" onload='x' &amp; \u{1b}")
    }

    fn report() -> SetReport {
        let ranked = |rank| Ranked { ndcg_10: 0.5, rank, first: Some(evil("first")) };
        let mut bins = vec![Bin::default(); 10];
        bins[9] = Bin { count: 12, confidence: 0.95, right: 0.75 };
        let mut right = vec![0; 20];
        right[19] = 7;
        SetReport {
            set: evil("set"),
            queries: 9,
            out_of_scope: 0,
            modes: vec![ModeReport {
                mode: "hybrid".into(),
                metrics: [Estimate { mean: 0.8125, low: 0.7, high: 0.9 }; 6],
            }],
            failures: vec![Failure {
                phrase: evil("phrase"),
                rank: Some(4),
                expected: vec![evil("expected")],
                expected_count: 3,
                hits: vec![ListedHit { title: evil("hit"), score: 0.25 }],
            }],
            calibration: Some(Calibration {
                bins,
                ece: 0.2,
                qualities: [crate::evaluate::QualityRate {
                    quality: crate::search::Quality::Weak,
                    count: 0,
                    right: 0.0,
                }; 3],
                rejected: 0.0,
                out_of_scope_rejected: None,
            }),
            scores: Histogram { top: 1.0, right, wrong: vec![0; 20], out_of_scope: vec![0; 20] },
            comparison: Some(Comparison {
                earlier: evil("run"),
                metrics: vec![MetricChange { before: 0.25, now: 0.5, p: 0.0125 }; 6],
                changed: vec![Change { phrase: evil("changed"), before: ranked(None), now: ranked(Some(2)) }],
            }),
        }
    }

    fn page(report: SetReport) -> String {
        let mut page = Vec::new();
        write_report(&mut page, &[report]).unwrap();
        String::from_utf8(page).unwrap()
    }

    #[test]
    fn the_page_has_the_numbers() {
        let page = page(report());
        for text in [
            "<th scope=\"row\">nDCG@10</th><td>0.812<small>0.700–0.900</small></td>",
            "<td>0.250</td><td>0.500</td><td>+0.250</td><td>0.0125</td>",
            "1 of 9: the first hit is not relevant",
            "first relevant hit at rank 4",
            "and 2 more",
            "<th scope=\"row\">90–100 %</th><td>12</td><td>95.0 %</td><td>75.0 %</td>",
            "<th scope=\"row\">0.9–1.0</th><td>7</td><td>0</td><td>0</td>",
            "Relevant best hit (7)",
            "no relevant hit",
        ] {
            assert!(page.contains(text), "{text} is missing: {page}");
        }
        assert!(!page.contains("Phrase that nothing answers"), "an empty panel is left out");
    }

    #[test]
    fn text_is_escaped_and_nothing_is_loaded() {
        let page = page(report());
        assert!(
            page.contains("&lt;script&gt;phrase&lt;/script&gt;&quot; onload=&#39;x&#39; &amp;amp;  "),
            "{page}"
        );
        for forbidden in
            ["<script", "onload='", "\u{1b}", "http:", "https:", "url(", "src=", "href=", "NaN", "inf"]
        {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
    }

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
