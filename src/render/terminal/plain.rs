//! Prose without the marks of Markdown that a terminal does not need.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

/// Removes the marks of emphasis and the targets of links from prose with inline markup, and adjusts the byte ranges of
/// the highlights. Code spans keep their backticks, because they tell code from words.
pub fn plain(text: &str, highlights: &[Range<usize>]) -> (String, Vec<Range<usize>>) {
    let marks = marks(text);
    let mut plain = String::with_capacity(text.len());
    let mut at = 0;
    for mark in &marks {
        plain.push_str(&text[at..mark.start]);
        at = mark.end;
    }
    plain.push_str(&text[at..]);
    // Where a position is when the marks before it are removed.
    let moved = |position: usize| {
        let before = marks.iter().take_while(|mark| mark.start < position);
        position - before.map(|mark| mark.end.min(position) - mark.start).sum::<usize>()
    };
    let highlights = highlights.iter().map(|range| moved(range.start)..moved(range.end));
    (plain, highlights.filter(|range| !range.is_empty()).collect())
}

/// The byte ranges to remove, in order and without overlaps.
fn marks(text: &str) -> Vec<Range<usize>> {
    let mut marks: Vec<Range<usize>> = Vec::new();
    // The end of what was read last: where the text of a link ends.
    let mut read = 0;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH).into_offset_iter() {
        let around = |marker: usize| [range.start..range.start + marker, range.end - marker..range.end];
        match event {
            Event::Start(Tag::Emphasis) => marks.extend(around(1)),
            Event::Start(Tag::Strong) => marks.extend(around(2)),
            Event::Start(Tag::Strikethrough) => {
                let marker = text[range.clone()].bytes().take_while(|byte| *byte == b'~').count();
                marks.extend(around(marker));
            }
            Event::Start(Tag::Link { link_type: LinkType::Inline, .. }) => {
                marks.push(range.start..range.start + 1);
                read = range.start + 1;
            }
            Event::End(TagEnd::Link) if text[range.clone()].starts_with('[') => marks.push(read..range.end),
            Event::Start(_) => {}
            _ => read = range.end,
        }
    }
    marks.sort_by_key(|mark| mark.start);
    let mut end = 0;
    marks.retain(|mark| {
        let follows = mark.start >= end;
        end = end.max(mark.end);
        follows
    });
    marks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(plain(text, &[]).0, expected, "{text}");
    }

    #[test]
    fn emphasis_and_targets_of_links_are_removed() {
        for (text, expected) in [
            ("**Never** wax a *wet* rope, ~~ever~~.", "Never wax a wet rope, ever."),
            ("a ***very* long** __rope__", "a very long rope"),
            ("see [the *manual*](https://example.org/a_b) first", "see the manual first"),
            ("`**p` and `a*b*c`", "`**p` and `a*b*c`"),
            ("2 * 3 * 4, snake_case_name, Vec<T>, **open", "2 * 3 * 4, snake_case_name, Vec<T>, **open"),
            ("[1], a [note] and <https://example.org>", "[1], a [note] and <https://example.org>"),
            ("", ""),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn highlights_move_with_their_words() {
        let text = "**Never** wax [a rope](x).";
        let at = |word: &str| text.find(word).map(|start| start..start + word.len()).unwrap();
        let (shown, highlights) = plain(text, &[at("Never"), at("wax"), at("rope"), at("(x)")]);
        let words: Vec<&str> = highlights.into_iter().map(|range| &shown[range]).collect();
        assert_eq!(words, ["Never", "wax", "rope"]);
    }

    proptest! {
        #[test]
        fn any_text_has_valid_highlights(text in "[*_~`\\[\\]()<>a é\n-]{0,40}", start in 0..40_usize, length in 0..9_usize) {
            let is_border = |at: &usize| text.is_char_boundary(*at);
            let borders: Vec<usize> = (0..=text.len()).filter(is_border).collect();
            let start = borders[start % borders.len()];
            let end = borders.iter().copied().find(|at| *at >= start + length).unwrap_or(text.len());
            let (shown, highlights) = plain(&text, std::slice::from_ref(&(start..end)));
            for range in highlights {
                prop_assert!(shown.get(range).is_some());
            }
        }
    }
}
