//! A report on search quality, as a self-contained web page.
//!
//! The page (`report.html`) is one file without scripts that loads nothing. Phrases and titles are untrusted: they
//! are escaped.

mod calibration;
mod histogram;

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use super::html::{Escaped, write_around};
use crate::evaluate::{Change, Comparison, Failure, Measures, ModeReport, Ranked, SetReport};
use calibration::write_calibration;
use histogram::write_histogram;

/// The page without data.
const PAGE: &str = concat!(include_str!("../page_head.html"), include_str!("../report.html"));

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
    write_around(out, PAGE, "SETS", |out| out.write_all(body.as_bytes()))
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
        write_failure(out, failure)?;
    }
    out.write_str("</ol>\n")
}

fn write_failure(out: &mut String, failure: &Failure) -> fmt::Result {
    write!(
        out,
        "<li><p class=\"phrase\"><bdi>{}</bdi></p><dl><div><dt>Relevant</dt><dd>",
        Escaped(&failure.phrase)
    )?;
    for title in &failure.expected {
        write!(out, "<p><bdi>{}</bdi></p>", Escaped(title))?;
    }
    match failure.expected_count - failure.expected.len() {
        0 if failure.expected.is_empty() => out.write_str("<p>The index has no relevant question.</p>")?,
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
    out.write_str("</dd></div></dl></li>\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{Calibration, Estimate, Histogram, ListedHit, MetricChange};
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
}
