//! Snippets: excerpts of an answer with the phrase's words highlighted.
//!
//! An excerpt is either prose or code, and consists of whole sentences or whole lines. Every interface shows
//! the same excerpt.

mod sentences;
mod terms;
mod units;

use std::cell::LazyCell;
use std::ops::Range;

use crate::analyze::{Language, detect};
pub use terms::Terms;
use units::{Joint, Run, Unit, runs};

/// The maximum width of an excerpt of prose, in columns, unless its first sentence is wider. That is five lines
/// of a terminal with 60 columns.
const PROSE_COLUMNS: usize = 280;

/// The maximum width of a sentence. A wider one than an excerpt is shown alone, because half of a sentence reads
/// badly.
const SENTENCE_COLUMNS: usize = 450;

/// The maximum width of an excerpt of code, in columns, and its maximum number of lines.
const CODE_COLUMNS: usize = 400;
const CODE_LINES: usize = 5;

/// How much more a matching word counts in the passage that is nearest to the phrase.
const IN_PASSAGE: f32 = 1.25;

/// How much less a matching word counts in code: where prose and code have the same words, prose explains
/// more.
const IN_CODE: f32 = 0.8;

/// How much less a matching word counts in an excerpt that starts inside a sentence or line, which was too long to
/// show whole.
const CUT_START: f32 = 0.9;

/// Prose with fewer columns is a lead-in ("For example:"), not an answer, if no word matches.
const LEAD_IN: usize = 40;

/// An excerpt of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// Whole sentences of the [readable answer](crate::question::Question::readable_answer), as Markdown
    /// without block markup, or whole lines of one of its code blocks, without the fence and without common
    /// indentation. It never starts with a closing bracket, a rule or an empty list item. `…` marks code that
    /// was left out of prose, and the ends of sentences and lines that are too long to show whole. Empty only
    /// if the answer has no words.
    pub text: String,
    /// Byte ranges of `text` that match the phrase, in order and without overlaps.
    pub highlights: Vec<Range<usize>>,
    /// Whether `text` is prose or code.
    pub kind: SnippetKind,
}

/// Whether a snippet is text or code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SnippetKind {
    /// Markdown with inline markup only.
    #[default]
    Text,
    /// Lines of code.
    Code {
        /// The name of the language in lower case, as the answer writes it (`rust`, `c++`). `None` if it
        /// names none.
        language: Option<String>,
    },
}

/// The excerpt of an answer that shows best why it was found:
///
/// - If words of the phrase occur in the answer, the excerpt that contains most of them. Each different word
///   counts once, with its weight. Words in `passage` count more, and words in code less.
/// - Otherwise, the beginning of `passage`: the part of the answer that is nearest to the phrase, in bytes.
///   Prose is preferred. If `passage` is not a valid range, this is the beginning of the answer.
///
/// Of several excerpts that are equally good, the first is returned.
///
/// `terms` are those of the phrase.
pub fn snippet(answer: &str, passage: Range<usize>, terms: &Terms<'_>) -> Snippet {
    let passage = if answer.get(passage.clone()).is_some() { passage } else { 0..answer.len() };
    let mut runs = runs(answer, SENTENCE_COLUMNS, CODE_COLUMNS);
    let found: Vec<Vec<Found<'_>>> = runs.iter().map(|run| found_in(run, terms)).collect();
    for (run, found) in runs.iter_mut().zip(&found) {
        for (unit, found) in run.units.iter_mut().zip(found) {
            unit.starts |= unit.is_lead_in && !found.is_empty();
        }
    }
    let best = runs
        .iter()
        .zip(&found)
        .filter_map(|(run, found)| {
            best_window(run, found, &passage).map(|(score, window)| (score, run, window))
        })
        .reduce(|best, next| if next.0 > best.0 { next } else { best });
    let window = best.map(|(_, run, window)| (run, window)).or_else(|| beginning(&runs, &passage));
    let Some((run, window)) = window else {
        return Snippet::default();
    };
    let text = written(run, window);
    let kind = match &run.code {
        None => SnippetKind::Text,
        Some(language) => SnippetKind::Code { language: language.clone() },
    };
    Snippet { highlights: terms.highlights(&text), text, kind }
}

/// The runs of an answer as the script of a static search reads them, to choose the excerpts that [`snippet`] chooses. A
/// run is the language of its code, empty if it is not known, or 0 for prose; and its units. The first character of a unit
/// says what separates it from the unit before and whether an excerpt can start there.
pub fn excerpt_runs(answer: &str) -> Vec<serde_json::Value> {
    let run = |run: &Run| {
        let code = match &run.code {
            None => serde_json::json!(0),
            Some(language) => serde_json::json!(language.as_deref().unwrap_or_default()),
        };
        serde_json::json!([code, run.units.iter().map(marked).collect::<Vec<_>>()])
    };
    let runs = runs(answer, SENTENCE_COLUMNS, CODE_COLUMNS);
    runs.iter().filter(|run| !run.units.is_empty()).map(run).collect()
}

/// A unit with a character before it: see [`excerpt_runs`].
fn marked(unit: &Unit) -> String {
    let joint = match unit.joint {
        Joint::Space => 0,
        Joint::Nothing => 1,
        Joint::Cut(true) => 2,
        Joint::Cut(false) => 3,
        Joint::Line => 4,
        Joint::Paragraph => 5,
        Joint::Code => 6,
    };
    let mark = b'0' + 4 * joint + 2 * u8::from(unit.starts) + u8::from(unit.is_lead_in);
    format!("{}{}", char::from(mark), unit.text)
}

/// How many units of an answer are enough to detect its language.
const DETECTION_UNITS: usize = 20;

/// The terms of the phrase that a unit contains, with their weights.
type Found<'a> = Vec<(&'a str, f32)>;

/// The terms that each unit of a run contains.
fn found_in<'a>(run: &Run, terms: &Terms<'a>) -> Vec<Found<'a>> {
    // Detection takes longer than everything else here, and few runs contain a word of the phrase.
    let languages = LazyCell::new(|| {
        // A sentence alone is too short to tell its language.
        let texts = run.units.iter().take(DETECTION_UNITS).map(|unit| unit.text.as_str());
        terms.languages(|| match run.code {
            Some(_) => Language::English,
            None => detect(&texts.collect::<Vec<_>>().join("\n")),
        })
    });
    let of_unit = |unit: &Unit| match terms.may_occur(&unit.text) {
        true => terms.of(&unit.text, &languages),
        false => Vec::new(),
    };
    run.units.iter().map(of_unit).collect()
}

/// The window with the highest weight of different terms, and its score. `None` if no term occurs.
fn best_window(run: &Run, found: &[Found<'_>], passage: &Range<usize>) -> Option<(f32, Range<usize>)> {
    let mut best: Option<(f32, Range<usize>)> = None;
    for start in starts(run) {
        let window = window(run, start);
        let mut seen: Vec<&str> = Vec::new();
        let mut weight = 0.0;
        for (term, of_term) in found[window.clone()].iter().flatten() {
            if !seen.contains(term) {
                seen.push(term);
                weight += of_term;
            }
        }
        let in_passage = if passage.contains(&run.units[start].at) { IN_PASSAGE } else { 1.0 };
        let in_code = if run.code.is_some() { IN_CODE } else { 1.0 };
        let cut_start = if matches!(run.units[start].joint, Joint::Cut(_)) { CUT_START } else { 1.0 };
        let score = weight * in_passage * in_code * cut_start;
        if score > best.as_ref().map_or(0.0, |(best, _)| *best) {
            best = Some((score, window));
        }
    }
    best
}

/// The units of a run that an excerpt can start with.
fn starts(run: &Run) -> impl Iterator<Item = usize> + '_ {
    (0..run.units.len()).filter(|&at| run.units[at].starts)
}

/// The units of an excerpt that starts at `start`: as many as fit, but not a heading at the end.
fn window(run: &Run, start: usize) -> Range<usize> {
    let (max, max_lines) = match run.code {
        Some(_) => (CODE_COLUMNS, CODE_LINES),
        None => (PROSE_COLUMNS, usize::MAX),
    };
    let (mut columns, mut lines, mut end) = (0, 0, start);
    for unit in &run.units[start..] {
        columns += unit.columns();
        lines += usize::from(!unit.text.is_empty());
        if end > start && (columns > max || lines > max_lines) {
            break;
        }
        end += 1;
    }
    let is_loose = |unit: &Unit| unit.text.is_empty() || unit.is_lead_in && run.code.is_none();
    while end > start + 1 && is_loose(&run.units[end - 1]) {
        end -= 1;
    }
    start..end
}

/// The first excerpt of the passage, of prose if it has more than a lead-in; else the first excerpt of the
/// answer.
fn beginning<'a>(runs: &'a [Run], passage: &Range<usize>) -> Option<(&'a Run, Range<usize>)> {
    let starts = || runs.iter().flat_map(|run| starts(run).map(move |at| (run, at)));
    let in_passage = |(run, at): &(&Run, usize)| passage.contains(&run.units[*at].at);
    let is_long = |(run, at): &(&Run, usize)| {
        let columns = |range: Range<usize>| run.units[range].iter().map(Unit::columns).sum::<usize>();
        run.code.is_some() || columns(window(run, *at)) >= LEAD_IN
    };
    let (run, at) = starts()
        .find(|start| in_passage(start) && is_long(start))
        .or_else(|| starts().find(in_passage))
        .or_else(|| starts().find(is_long))
        .or_else(|| starts().next())?;
    Some((run, window(run, at)))
}

/// The text of a window.
fn written(run: &Run, window: Range<usize>) -> String {
    let units = &run.units[window.clone()];
    let indentation = |unit: &Unit| unit.text.len() - unit.text.trim_start_matches([' ', '\t']).len();
    let whole = |unit: &&Unit| !unit.text.is_empty() && !matches!(unit.joint, Joint::Cut(_));
    let margin = match run.code {
        Some(_) => units.iter().filter(whole).map(indentation).min().unwrap_or(0),
        None => 0,
    };
    let mut text = String::new();
    for (nth, unit) in units.iter().enumerate() {
        let is_cut = matches!(unit.joint, Joint::Cut(_));
        text.push_str(match (nth, unit.joint) {
            (0, Joint::Cut(true)) => "… ",
            (0, Joint::Cut(false)) => "…",
            (0, _) | (_, Joint::Nothing | Joint::Cut(false)) => "",
            (_, Joint::Space | Joint::Cut(true)) => " ",
            (_, Joint::Line) => "\n",
            (_, Joint::Paragraph) => "\n\n",
            (_, Joint::Code) => " …\n\n",
        });
        let from = if is_cut { 0 } else { margin.min(indentation(unit)) };
        text.push_str(&unit.text[from..]);
    }
    if let Some(Joint::Cut(spaced)) = run.units.get(window.end).map(|unit| unit.joint) {
        text.push_str(if spaced { " …" } else { "…" });
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::sentences::columns;
    use super::*;

    fn of(answer: &str, terms: &[(&'static str, f32)]) -> Snippet {
        snippet(answer, 0..answer.len(), &of_terms(terms))
    }

    fn of_terms<'a>(terms: &[(&'a str, f32)]) -> Terms<'a> {
        Terms::new(terms.iter().copied().collect(), None)
    }

    fn marked(snippet: &Snippet) -> Vec<&str> {
        snippet.highlights.iter().map(|range| &snippet.text[range.clone()]).collect()
    }

    #[track_caller]
    fn check(answer: &str, expected: &str) {
        let snippet = of(answer, &[("needl", 1.0)]);
        assert_eq!(snippet.text, expected, "{answer:?}");
        assert_eq!(snippet.kind, SnippetKind::Text, "{answer:?}");
    }

    #[track_caller]
    fn check_code(answer: &str, language: Option<&str>, expected: &str) {
        let snippet = of(answer, &[("needl", 1.0)]);
        assert_eq!(snippet.text, expected, "{answer:?}");
        assert_eq!(snippet.kind, SnippetKind::Code { language: language.map(str::to_owned) }, "{answer:?}");
    }

    /// Sentences without a term, together about `columns` columns wide.
    fn filler(columns: usize) -> String {
        "Nothing here is of use to anyone. ".repeat(columns.div_ceil(34))
    }

    #[test]
    fn a_short_answer_is_shown_whole() {
        let snippet = of("Locks are held. A lock blocks.", &[("lock", 1.0)]);
        assert_eq!(snippet.text, "Locks are held. A lock blocks.");
        assert_eq!(marked(&snippet), ["Locks", "lock"]);
    }

    #[test]
    fn an_excerpt_contains_the_words_with_the_highest_weight() {
        let filler = filler(600);
        let answer =
            format!("{filler}A mutex is common. {filler}The guard deadlocks the mutex here. {filler}");
        let snippet = of(&answer, &[("mutex", 1.0), ("deadlock", 3.0)]);
        assert!(snippet.text.contains("guard deadlocks the mutex"), "{snippet:?}");
        assert_eq!(marked(&snippet), ["deadlocks", "mutex"]);
    }

    #[test]
    fn words_outside_of_the_nearest_passage_are_found() {
        let answer = format!("{0}\n\nThe needle. More.\n\n{0}", filler(600));
        let terms = of_terms(&[("needl", 1.0)]);
        assert!(snippet(&answer, 0..50, &terms).text.contains("needle"));
        // In the passage, a word counts more.
        let answer = format!("A needle.\n\n{}\n\nOne more needle.", filler(600));
        let passage = answer.len() - 16..answer.len();
        assert_eq!(snippet(&answer, passage, &terms).text, "One more needle.");
    }

    #[test]
    fn without_a_word_the_excerpt_is_the_beginning_of_the_passage() {
        let answer = format!("First. {}\n\nSecond, which is nearer to the phrase. More.", filler(300));
        let at = answer.find("Second").unwrap();
        let of = |passage| snippet(&answer, passage, &of_terms(&[])).text;
        assert_eq!(of(at..answer.len()), "Second, which is nearer to the phrase. More.");
        // A passage can start inside a sentence.
        assert!(of(at - 20..answer.len()).starts_with("Second"));
        for whole in [0..answer.len(), 1..9_999, 0..0] {
            assert!(of(whole).starts_with("First. Nothing"));
        }
    }

    #[test]
    fn prose_starts_at_a_sentence() {
        check("# Heading\n\nThe needle.", "The needle.");
        check("# A needle\n\nThe rest.", "A needle\n\nThe rest.");
        check("---\n\n| a | b |\n|---|---|\n| needle | x \\| y |", "a · b\nneedle · x | y");
        check("- [ ] \n- [x] The needle\n* other\n2. third", "- The needle\n- other\n2. third");
        check("☐\n☐ a needle", "- a needle");
        check("> The needle\n> is here.", "The needle\nis here.");
        check("<details>\n<summary></summary>\n\nA needle.\n</details>", "A needle.");
        check("![needle](a.png)\n\n[needle]: https://a.example\nA needle.", "A needle.");
        check("    \n-\n*\n\nA needle.\n\n***", "A needle.");
    }

    #[test]
    fn lines_that_the_author_wrapped_are_joined() {
        let line = "This line has about sixty columns, as many as fit a narrow";
        check(&format!("{line}\npage. A needle."), &format!("{line} page. A needle."));
        check("A short line\nA needle", "A short line\nA needle");
    }

    #[test]
    fn code_is_shown_as_whole_lines_with_its_language() {
        let rust = "Text.\n\n```rust,ignore\nfn a() {\n    if b {\n        needle();\n    }\n}\n```\n";
        check_code(rust, Some("rust"), "fn a() {\n    if b {\n        needle();\n    }\n}");
        check_code("~~~\n}\n  needle();\n\n    x\n~~~", None, "needle();\n\n  x");
        check_code("> ```c++\n> needle;\n> ```\n\nText.", Some("c++"), "needle;");
        check_code("Text:\n\n    needle;\n    x;\n", None, "needle;\nx;");
        check_code("- Item:\n\n  ```text\n  needle\n  ```", None, "needle");
        // Imports come before what an excerpt is about, unless they are what matches.
        check_code("```\nimport a\nuse b\nc(needle)\n```", None, "c(needle)");
        check_code("```\nimport needle\nc()\n```", None, "import needle\nc()");
        // Prose with the same word is preferred.
        check("```rust\nneedle();\n```\n\nThe needle.", "The needle.");
        // So it is if no word matches, unless it is a mere lead-in.
        let of = |answer: &str| snippet(answer, 0..answer.len(), &of_terms(&[])).text;
        assert_eq!(of("Example:\n\n```\nlet a = 1;\n```"), "let a = 1;");
        let long = "A sentence that has more than forty columns.";
        assert_eq!(of(&format!("```\nlet a = 1;\n```\n\n{long}")), long);
    }

    #[test]
    fn code_between_prose_is_marked_as_left_out() {
        check("Write a needle:\n\n```\nx\n```\n\nIt works.", "Write a needle: …\n\nIt works.");
    }

    #[test]
    fn code_and_its_parts_are_one_highlight() {
        let snippet = of("Use Arc<Mutex<T>> here", &[("arc<mutex<t>>", 2.0), ("arc", 1.0), ("mutex", 1.0)]);
        assert_eq!(marked(&snippet), ["Arc<Mutex<T>>"]);
    }

    #[test]
    fn an_answer_without_words_has_no_excerpt() {
        for answer in ["", "---", "```rust\n```", "```\n}\n```", "- [ ]\n| - | - |", "# "] {
            assert_eq!(of(answer, &[]), Snippet::default(), "{answer}");
        }
        for (answer, expected) in [("`=>`", "`=>`"), ("# Only a heading", "Only a heading"), ("1", "1")] {
            assert_eq!(of(answer, &[]).text, expected);
        }
    }

    #[test]
    fn long_text_without_spaces_is_cut_at_characters() {
        let answer = format!("{}针{}", "一二三四五，".repeat(200), "六七八九十".repeat(200));
        let snippet = of(&answer, &[]);
        assert!(snippet.text.ends_with('…') && columns(&snippet.text) <= PROSE_COLUMNS + 8, "{snippet:?}");
        assert!(!of(&"é".repeat(1000), &[]).text.is_empty());
        let code = of(&format!("```\n{}\n```", "x".repeat(100_000)), &[]);
        assert!(code.text.ends_with('…') && code.text.len() <= CODE_COLUMNS + 8, "{code:?}");
        let words = of(&format!("{} needle {}", "word ".repeat(400), "word ".repeat(400)), &[("needl", 1.0)]);
        assert!(words.text.starts_with("… word") && words.text.ends_with("word …"), "{words:?}");
        assert_eq!(marked(&words), ["needle"]);
    }

    /// Whether an excerpt starts with a sentence or a line of code.
    fn starts_well(snippet: &Snippet) -> bool {
        let first = snippet.text.lines().next().unwrap_or_default();
        let is_fence = first.starts_with("```") || first.starts_with("~~~");
        first.contains(|c: char| c.is_alphanumeric() || c == '`')
            && !is_fence
            && !first.trim_start().starts_with(['}', ')', ']', '|', '#'])
            && !["- [", "[ ]", "> "].iter().any(|sign| first.starts_with(sign))
    }

    proptest! {
        #[test]
        fn excerpts_of_any_answer_are_valid(
            blocks in vec((0..11_usize, 1..30_usize), 0..12),
            noise in "[\\PC\n`#|>*\\-]{0,80}",
            from in 0..2_000_usize,
        ) {
            let block = |(kind, count): (usize, usize)| match kind {
                0 => format!("```rust\n{}}}\n```\n\n", "    needle(one, two);\n".repeat(count)),
                1 => format!("~~~\n{}~~~\n\n", "}\n".repeat(count)),
                2 => "---\n\n".repeat(count),
                3 => format!("| a | b |\n|---|---|\n{}\n", "| - | needle |\n".repeat(count)),
                4 => format!("{}\n\n", "Some words. ".repeat(4 * count)),
                5 => format!("{}\n", "- [ ] item\n- \n".repeat(count)),
                6 => format!("{}\n\n", "锁保护数据。针".repeat(3 * count)),
                7 => format!("{}\n\n", "é\u{301}🦀".repeat(20 * count)),
                8 => "## A needle\n\n".to_owned(),
                9 => format!("> {}\n\n", "quoted needle, ".repeat(count)),
                _ => format!("{}\n\n", "wordswithoutspaces".repeat(count)),
            };
            let answer = blocks.into_iter().map(block).collect::<String>();
            let terms = of_terms(&[("needl", 1.0), ("针", 1.0)]);
            for answer in [format!("{answer}{noise}"), noise.clone() + &answer] {
                let snippet = snippet(&answer, from..from + 200, &terms);
                let mut end = 0;
                for range in &snippet.highlights {
                    prop_assert!(end <= range.start && range.start < range.end);
                    prop_assert!(snippet.text.get(range.clone()).is_some());
                    end = range.end;
                }
                prop_assert!(columns(&snippet.text) <= SENTENCE_COLUMNS + 20);
            }
            let snippet = snippet(&answer, from..from + 200, &terms);
            prop_assert!(snippet.text.is_empty() || starts_well(&snippet), "{:?} of {:?}", snippet, answer);
            let code = answer.contains("needle(") || answer.contains("quoted needle") || answer.contains("## A");
            prop_assert!(!code || !snippet.highlights.is_empty(), "{:?} of {:?}", snippet, answer);
        }
    }
}
