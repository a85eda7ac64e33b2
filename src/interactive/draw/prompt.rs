//! The input line, and the status line below it: the number of hits or a message, and the search settings.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;
use ratatui::widgets::Paragraph;

use super::text::{Piece, cut, width};
use super::theme::Theme;
use crate::interactive::state::{Corpus, State};
use crate::search::Mode;

/// The prompt before the phrase.
const PROMPT: &str = "› ";

/// Draws the phrase. A long phrase scrolls with the cursor.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let [prompt, field] = split(area, 2.min(area.width));
    frame.render_widget(Span::styled(PROMPT, theme.marker), prompt);
    // The last column is reserved for the cursor.
    let scroll = state.input.visual_scroll(usize::from(field.width.saturating_sub(1)));
    let text = Paragraph::new(state.input.value()).scroll((0, clamped(scroll)));
    frame.render_widget(text, field);
    if state.input.value().is_empty() {
        let hint = "type a question, keywords or code";
        frame.render_widget(Span::styled(format!(" {hint}"), theme.quiet), field);
    }
    let column = clamped(state.input.visual_cursor().saturating_sub(scroll));
    let x = (field.x + column).min(area.right() - 1);
    frame.set_cursor_position(Position { x, y: field.y });
}

/// Draws the status of the search on the left and its settings on the right.
pub fn draw_status(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let settings = [Piece::new(&settings(state), theme.quiet)];
    let left = usize::from(area.width).saturating_sub(2);
    let room = left.saturating_sub(width(&settings) + 2);
    let status = status(state, theme, room);
    let [_, inner] = split(area, 2.min(area.width));
    if room >= width(&status).min(20) {
        let columns = clamped(width(&settings));
        let x = inner.right().saturating_sub(columns + 1);
        frame.render_widget(cut(&settings, left), Rect { x, width: inner.right() - x, ..inner });
        frame.render_widget(cut(&status, room), inner);
    } else {
        frame.render_widget(cut(&status, left), inner);
    }
}

/// The status: a notice, progress, or the number of hits. On a narrow line, the text is shorter.
fn status(state: &State, theme: &Theme, columns: usize) -> Vec<Piece> {
    if let Some(notice) = &state.notice {
        return vec![Piece::new(notice, theme.warning)];
    }
    let Some(results) = &state.results else {
        let text = match (&state.corpus, state.is_waiting()) {
            (None, _) => "opening the index …".to_owned(),
            (Some(_), true) => "searching …".to_owned(),
            (Some(Corpus { name, questions }), false) => format!("{questions} questions in {name}"),
        };
        return vec![Piece::new(&text, theme.quiet)];
    };
    let mut pieces = Vec::new();
    if results.hits.is_empty() {
        pieces.push(Piece::new("no question matches", theme.warning));
    } else if state.is_answered() {
        let count = results.hits.len();
        let hits = if count == 1 { "1 hit".to_owned() } else { format!("{count} hits") };
        let took = format!("{hits} in {:.0} ms", (results.took.as_secs_f64() * 1e3).max(1.0));
        pieces.push(Piece::new(&took, theme.quiet));
    } else {
        pieces.push(Piece::new(no_answer(columns), theme.warning));
    }
    if !results.missing.is_empty() {
        let missing = format!(" · no question contains: {}", results.missing.join(", "));
        pieces.push(Piece::new(&missing, theme.quiet));
    }
    pieces
}

/// The message if no hit matches well enough.
fn no_answer(columns: usize) -> &'static str {
    const LONG: &str = "Nothing answers this. Closest questions:";
    if columns < LONG.len() { "No answer. Closest questions:" } else { LONG }
}

/// The search settings: `hybrid · async · F1 help`.
fn settings(state: &State) -> String {
    let request = &state.request;
    let mode = match request.mode {
        Mode::Hybrid => "hybrid",
        Mode::Keyword => "keyword",
        Mode::Semantic => "semantic",
    };
    let mut facts = vec![mode.to_owned()];
    if request.all {
        facts.push("all".to_owned());
    }
    let filters = [&request.source, &request.section, &request.level, &request.tag];
    facts.extend(filters.into_iter().filter(|values| !values.is_empty()).map(|values| values.join(" or ")));
    facts.push("F1 help".to_owned());
    facts.join(" · ")
}

/// Splits a line after its first columns.
fn split(area: Rect, first: u16) -> [Rect; 2] {
    [Rect { width: first, ..area }, Rect { x: area.x + first, width: area.width - first, ..area }]
}

fn clamped(columns: usize) -> u16 {
    u16::try_from(columns).unwrap_or(u16::MAX)
}
