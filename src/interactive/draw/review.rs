//! Draws a review: two questions, and why they may be duplicates.

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Borders, Paragraph};
use unicode_segmentation::UnicodeSegmentation;

use super::help::draw_keys;
use super::text::{Piece, cut, marked, wrap};
use super::theme::Theme;
use super::{divided, markdown};
use crate::decisions::{Choice, Decision};
use crate::duplicates::Kind;
use crate::interactive::review::keys::HELP;
use crate::interactive::review::state::{Item, State};
use crate::question::Question;
use crate::render::duplicate_reasons::duplicate_reasons;

/// With at least this many columns, the questions are side by side.
const WIDE: u16 = 80;

/// With at least this many lines, the last one names the keys.
const TALL: u16 = 6;

/// How many lines the reasons have at most.
const REASON_LINES: usize = 3;

/// Texts with more tokens are not compared.
const COMPARED: usize = 400;

/// Draws a frame. Stores in `state.seen` how much of the answers was shown.
pub fn draw_review(frame: &mut Frame<'_>, state: &mut State<'_>, theme: &Theme) {
    let whole = frame.area();
    let columns = usize::from(whole.width);
    let row = |y: u16| Rect { y: whole.y + y, height: 1.min(whole.height.saturating_sub(y)), ..whole };
    frame.render_widget(cut(&status(state, theme), columns), row(0));
    let keys = u16::from(whole.height >= TALL);
    let mut body =
        Rect { y: whole.y + 1, height: whole.height.saturating_sub(1 + keys), ..whole }.intersection(whole);
    if keys > 0 {
        frame.render_widget(
            cut(&[Piece::new(key_line(columns), theme.quiet)], columns),
            row(whole.height - 1),
        );
    }
    if state.help {
        draw_keys(frame, body, HELP, theme);
        return;
    }
    let Some(item) = state.current() else {
        let text = "No further pair. q exits, u takes the last decision back, ↑ shows the last pair.";
        frame.render_widget(Paragraph::new(wrap(&[Piece::new(text, Style::new())], columns, &[], &[])), body);
        return;
    };
    let reasons = reasons(state, item, columns, theme);
    let lines = u16::try_from(reasons.len()).unwrap_or(0).min(body.height);
    frame.render_widget(Paragraph::new(reasons), Rect { height: lines, ..body });
    body = Rect { y: body.y + lines, height: body.height - lines, ..body };
    draw_questions(frame, body, state, item, theme);
}

/// The position, what was decided, and a message if there is one.
fn status(state: &State<'_>, theme: &Theme) -> Vec<Piece> {
    if let Some(notice) = &state.notice {
        return vec![Piece::new(notice, theme.warning)];
    }
    let [(pair, pairs), (group, groups)] = state.position();
    let progress = state.progress();
    vec![
        Piece::new(&format!("pair {pair} of {pairs}"), theme.title),
        Piece::new(&format!(" · group {group} of {groups} · {} decided", progress.decided), theme.quiet),
    ]
}

/// The keys, shorter on a narrow terminal.
fn key_line(columns: usize) -> &'static str {
    const LONG: &str = "s same  d different  k keep this one  u undo  Space next  Tab select  ? help  q quit";
    if columns < LONG.len() { "s same d different k keep u undo ? q" } else { LONG }
}

/// The probability and the reasons, or what was decided.
fn reasons(state: &State<'_>, item: Item, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let pair = state.pair(item);
    let percent = format!("{:.0} %", 100.0 * pair.probability);
    let label = match pair.kind {
        Kind::Paraphrase => percent,
        kind => kind.name().to_owned(),
    };
    let mut pieces = vec![Piece::new(&label, theme.title)];
    if let Some(decision) = state.decision(item) {
        pieces.push(Piece::new(&format!(" · decided: {}", decided(state, item, decision)), theme.warning));
    }
    pieces.push(Piece::new(&format!(" · {}", duplicate_reasons(&pair).join("; ")), theme.quiet));
    let mut lines = wrap(&pieces, columns, &[], &[]);
    lines.truncate(REASON_LINES);
    lines
}

fn decided(state: &State<'_>, item: Item, decision: &Decision) -> &'static str {
    match (decision.choice, decision.kept()) {
        (Choice::Different, _) => "different",
        (_, None) => "same",
        (_, Some(kept)) if kept.id == state.question(item.one).id => "keep the first",
        (_, Some(_)) => "keep the second",
    }
}

/// Draws both questions side by side, or one above the other.
fn draw_questions(frame: &mut Frame<'_>, area: Rect, state: &mut State<'_>, item: Item, theme: &Theme) {
    let (first, second, border) = if area.width >= WIDE {
        let left = area.width / 2;
        let right = Rect { x: area.x + left, width: area.width - left, ..area };
        (Rect { width: left, ..area }, right, Borders::LEFT)
    } else {
        let above = area.height / 2;
        let below = Rect { y: area.y + above, height: area.height - above, ..area };
        (Rect { height: above, ..area }, below, Borders::TOP)
    };
    let second = divided(frame, second, border, theme);
    let [one, two] = [item.one, item.two].map(|nth| state.question(nth));
    let sides = [(first, one, two, !state.is_second_selected), (second, two, one, state.is_second_selected)];
    let columns = |area: Rect| usize::from(area.width.saturating_sub(2));
    let lines = sides.map(|(area, question, other, _)| lines(question, other, columns(area), theme));
    let shown = usize::from(first.height.min(second.height));
    let longest = lines.iter().map(Vec::len).max().unwrap_or(0);
    state.seen = (shown, longest);
    state.scroll = state.scroll.min(longest.saturating_sub(shown));
    for ((area, .., is_selected), lines) in sides.into_iter().zip(lines) {
        draw_side(frame, area, lines, state.scroll, is_selected, theme);
    }
}

/// Draws the visible lines of a question, with a mark beside them if it is selected.
fn draw_side(
    frame: &mut Frame<'_>,
    area: Rect,
    lines: Vec<Line<'static>>,
    scroll: usize,
    is_selected: bool,
    theme: &Theme,
) {
    let text = Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(2), ..area };
    let shown = usize::from(area.height);
    let left = lines.len().saturating_sub(scroll + shown);
    if is_selected {
        let count = lines.len().saturating_sub(scroll).min(shown);
        let bar = vec![Line::styled("▌", theme.marker); count];
        frame.render_widget(Paragraph::new(bar), Rect { width: 1.min(area.width), ..area });
    }
    let visible: Vec<Line<'_>> = lines.into_iter().skip(scroll).take(shown).collect();
    frame.render_widget(Paragraph::new(visible), text);
    super::preview::draw_more(frame, text, left, theme);
}

/// All lines of a question: title, location and answer. What the other question does not have is highlighted.
fn lines(question: &Question, other: &Question, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let title = marked(&question.title, &unlike(&question.title, &other.title), theme.title, theme.matched);
    let mut lines = wrap(&title, columns, &[], &[]);
    let mut location = vec![Piece::new(&question.source.to_string(), theme.location)];
    location
        .extend(question.section.iter().map(|section| Piece::new(&format!(" · {section}"), Style::new())));
    location.push(Piece::new(&format!(" · {}", question.id), theme.quiet));
    lines.extend(wrap(&location, columns, &[], &[]));
    let (answer, other) = (question.readable_answer(), other.readable_answer());
    if !answer.trim().is_empty() {
        lines.push(Line::default());
        // An answer beside none differs as a whole.
        let marks = if other.trim().is_empty() { Vec::new() } else { unlike(&answer, &other) };
        lines.extend(markdown::render(&answer, &marks, columns, theme));
    }
    lines
}

/// The parts of a text that another text does not have: what is left of its words and symbols without the longest common
/// subsequence of both. Nothing if one of the texts is long.
fn unlike(text: &str, other: &str) -> Vec<Range<usize>> {
    let tokens = |text: &str| -> Vec<(Range<usize>, String)> {
        let words = text.split_word_bound_indices().filter(|(_, word)| !word.trim().is_empty());
        words.map(|(at, word)| (at..at + word.len(), word.to_lowercase())).take(COMPARED + 1).collect()
    };
    let (one, two) = (tokens(text), tokens(other));
    if one.len().max(two.len()) > COMPARED {
        return Vec::new();
    }
    // The length of the longest common subsequence of what follows each pair of positions.
    let mut longest = vec![vec![0_u16; two.len() + 1]; one.len() + 1];
    for at in (0..one.len()).rev() {
        for to in (0..two.len()).rev() {
            longest[at][to] = match one[at].1 == two[to].1 {
                true => longest[at + 1][to + 1] + 1,
                false => longest[at + 1][to].max(longest[at][to + 1]),
            };
        }
    }
    let (mut at, mut to, mut marks) = (0, 0, Vec::new());
    while at < one.len() {
        if to < two.len() && one[at].1 == two[to].1 {
            (at, to) = (at + 1, to + 1);
        } else if to < two.len() && longest[at][to + 1] > longest[at + 1][to] {
            to += 1;
        } else {
            marks.push(one[at].0.clone());
            at += 1;
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, other: &str, expected: &[&str]) {
        let marks: Vec<&str> = unlike(text, other).into_iter().map(|mark| &text[mark]).collect();
        assert_eq!(marks, expected, "{text} / {other}");
    }

    #[test]
    fn what_the_other_text_does_not_have_is_marked() {
        check("How do I get a refund?", "How do I request a refund?", &["get"]);
        check("What does => do", "what does -> do?", &["="]);
        check("Can I import contacts?", "Can I export all contacts?", &["import"]);
        check("Same", "same", &[]);
        check("Anything", "", &["Anything"]);
        check("", "Anything", &[]);
        check(&"x ".repeat(COMPARED + 1), "y", &[]);
    }
}
