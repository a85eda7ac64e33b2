//! Snippets: excerpts of an answer with the phrase's words highlighted.

use std::collections::HashMap;
use std::ops::Range;

use crate::analyze::tokens_by_detection;
use crate::chunk::is_markup_only;

/// The maximum length of a snippet, in bytes.
const LENGTH: usize = 320;

/// An excerpt of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// A substring of the [readable answer](crate::question::Question::readable_answer): Markdown, including
    /// line breaks. Empty only if the answer is empty.
    pub text: String,
    /// Byte ranges of `text` that match the phrase, in order and without overlaps.
    pub highlights: Vec<Range<usize>>,
}

/// The excerpt of `answer[passage]` that matches the phrase best. Each different word counts once, with its
/// weight. If several excerpts match equally well, the first is returned. If the passage is not a valid range
/// or is markup only, the excerpt comes from the whole answer.
///
/// `weights` maps the terms to highlight, as [`tokens_by_detection`] writes them, to their weights.
pub fn snippet(answer: &str, passage: Range<usize>, weights: &HashMap<&str, f32>) -> Snippet {
    let passage = answer.get(passage).filter(|passage| !is_markup_only(passage)).unwrap_or(answer);
    let passage = passage.trim();
    let marks = marks(passage, weights);
    let window = best_window(passage, &marks);
    let text = &passage[window.clone()];
    let highlights = merged(
        marks
            .iter()
            .filter(|mark| window.start <= mark.range.start && mark.range.end <= window.end)
            .map(|mark| mark.range.start - window.start..mark.range.end - window.start),
    );
    Snippet { text: text.to_owned(), highlights }
}

/// The byte ranges of a text that match the phrase, in order and without overlaps.
pub fn highlights(text: &str, weights: &HashMap<&str, f32>) -> Vec<Range<usize>> {
    merged(marks(text, weights).into_iter().map(|mark| mark.range))
}

/// A token that matches a term.
struct Mark {
    range: Range<usize>,
    text: String,
    weight: f32,
}

fn marks(text: &str, weights: &HashMap<&str, f32>) -> Vec<Mark> {
    tokens_by_detection(text)
        .into_iter()
        .filter_map(|token| {
            let (text, weight) = token.terms().find_map(|term| weights.get_key_value(term))?;
            Some(Mark { range: token.start..token.end, text: (*text).to_owned(), weight: *weight })
        })
        .collect()
}

/// Sorts ranges by start and merges those that touch or overlap.
fn merged(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    let mut ranges: Vec<_> = ranges.collect();
    ranges.sort_by_key(|range| (range.start, range.end));
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// The window of at most [`LENGTH`] bytes that starts at a sentence or line and has the highest total weight
/// of different terms. It is never markup only if the text contains a word.
fn best_window(text: &str, marks: &[Mark]) -> Range<usize> {
    if text.len() <= LENGTH {
        return 0..text.len();
    }
    let windows = || sentence_starts(text).map(|start| start..window_end(text, start));
    let first = windows().find(|window| !is_markup_only(&text[window.clone()]));
    let mut best = (0.0_f32, first.unwrap_or_else(|| 0..window_end(text, 0)));
    for window in windows() {
        let start = window.start;
        let mut seen: Vec<&str> = Vec::new();
        let mut weight = 0.0;
        let first = marks.partition_point(|mark| mark.range.start < start);
        for mark in marks[first..].iter().take_while(|mark| mark.range.end <= window.end) {
            if !seen.contains(&mark.text.as_str()) {
                seen.push(&mark.text);
                weight += mark.weight;
            }
        }
        if weight > best.0 {
            best = (weight, window);
        }
    }
    best.1
}

/// The byte offsets at which sentences and lines start.
fn sentence_starts(text: &str) -> impl Iterator<Item = usize> + '_ {
    let bytes = text.as_bytes();
    (0..text.len()).filter(move |&at| {
        let begins = !bytes[at].is_ascii_whitespace() && text.is_char_boundary(at);
        begins
            && match at.checked_sub(1).map(|before| bytes[before]) {
                None | Some(b'\n') => true,
                Some(b' ') => at >= 2 && matches!(bytes[at - 2], b'.' | b'?' | b'!' | b':' | b';'),
                Some(_) => false,
            }
    })
}

/// The end of the window that starts at `start`: the last end of a sentence or line in its second half, else
/// the last end of a word.
fn window_end(text: &str, start: usize) -> usize {
    let mut limit = (start + LENGTH).min(text.len());
    while !text.is_char_boundary(limit) {
        limit -= 1;
    }
    if limit == text.len() {
        return limit;
    }
    let window = &text[start..limit];
    let enough = LENGTH / 2;
    let sentence = window
        .char_indices()
        .filter(|(at, c)| matches!(c, '.' | '?' | '!') && window[at + 1..].starts_with(char::is_whitespace))
        .map(|(at, _)| at + 1);
    let line = window.rfind('\n');
    let end = sentence.chain(line).filter(|end| *end >= enough).max();
    let end =
        end.or_else(|| window.rfind(char::is_whitespace)).filter(|end| *end > 0).unwrap_or(window.len());
    start + window[..end].trim_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(answer: &str, terms: &[(&'static str, f32)]) -> Snippet {
        snippet(answer, 0..answer.len(), &terms.iter().copied().collect())
    }

    fn marked(snippet: &Snippet) -> Vec<&str> {
        snippet.highlights.iter().map(|range| &snippet.text[range.clone()]).collect()
    }

    #[test]
    fn a_short_answer_is_shown_whole() {
        let snippet = of("Locks are held. A lock blocks.", &[("lock", 1.0)]);
        assert_eq!(snippet.text, "Locks are held. A lock blocks.");
        assert_eq!(marked(&snippet), ["Locks", "lock"]);
    }

    #[test]
    fn the_window_with_the_highest_weight_wins() {
        let filler = "Nothing here is of use to anyone at all. ".repeat(20);
        let answer =
            format!("{filler}A mutex is common. {filler}The guard deadlocks the mutex here. {filler}");
        let snippet = of(&answer, &[("mutex", 1.0), ("deadlock", 3.0)]);
        assert!(snippet.text.contains("guard deadlocks the mutex"), "{snippet:?}");
        assert!(snippet.text.len() <= LENGTH);
        assert!(marked(&snippet).contains(&"deadlocks"));
    }

    #[test]
    fn code_and_its_parts_are_one_highlight() {
        let snippet = of("Use Arc<Mutex<T>> here", &[("arc<mutex<t>>", 2.0), ("arc", 1.0), ("mutex", 1.0)]);
        assert_eq!(marked(&snippet), ["Arc<Mutex<T>>"]);
    }

    #[test]
    fn an_excerpt_is_never_markup_only() {
        let rule = "| - | - |\n".repeat(60);
        let answer = format!("{rule}Prune in March.\n{rule}");
        assert!(of(&answer, &[]).text.contains("Prune in March."), "{:?}", of(&answer, &[]));
        // An index can refer to a passage that contains nothing but a fence.
        let answer = "```rust\nlet rose = Rose::new();\n```";
        assert_eq!(snippet(answer, 0..7, &HashMap::new()).text, answer);
    }

    #[test]
    fn text_without_spaces_is_cut_at_a_character_boundary() {
        let snippet = of(&"é".repeat(1000), &[]);
        assert!(!snippet.text.is_empty() && snippet.text.len() <= LENGTH);
    }

    #[test]
    fn an_invalid_range_falls_back_to_the_whole_answer() {
        assert_eq!(snippet("été", 1..99, &HashMap::new()).text, "été");
    }
}
