//! The line that is typed into, and the line below it: how many hits, what is wrong, how it is searched.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;
use ratatui::widgets::Paragraph;

use super::text::{Piece, cut, width};
use super::theme::Theme;
use crate::interactive::state::{Corpus, State};
use crate::search::Mode;

/// What stands before the phrase.
const SIGN: &str = "› ";

/// Draws the phrase; a long one is shown around the cursor.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let [sign, field] = split(area, 2.min(area.width));
    frame.render_widget(Span::styled(SIGN, theme.marker), sign);
    // The last column is the cursor's.
    let scroll = state.input.visual_scroll(usize::from(field.width.saturating_sub(1)));
    let text = Paragraph::new(state.input.value()).scroll((0, clamped(scroll)));
    frame.render_widget(text, field);
    if state.input.value().is_empty() {
        let hint = "what are you looking for?";
        frame.render_widget(Span::styled(format!(" {hint}"), theme.quiet), field);
    }
    let column = clamped(state.input.visual_cursor().saturating_sub(scroll));
    let x = (field.x + column).min(area.right() - 1);
    frame.set_cursor_position(Position { x, y: field.y });
}

/// Draws what there is to say of the results on the left, and how they were searched on the right.
pub fn draw_status(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let how = [Piece::new(&how(state), theme.quiet)];
    let left = usize::from(area.width).saturating_sub(2);
    let what = what(state, theme);
    let room = left.saturating_sub(width(&how) + 2);
    let [_, inner] = split(area, 2.min(area.width));
    if room >= width(&what).min(20) {
        let how_wide = clamped(width(&how));
        let x = inner.right().saturating_sub(how_wide + 1);
        frame.render_widget(cut(&how, left), Rect { x, width: inner.right() - x, ..inner });
        frame.render_widget(cut(&what, room), inner);
    } else {
        frame.render_widget(cut(&what, left), inner);
    }
}

fn what(state: &State, theme: &Theme) -> Vec<Piece> {
    if let Some(notice) = &state.notice {
        return vec![Piece::new(notice, theme.warning)];
    }
    let Some(results) = &state.results else {
        let text = match (&state.corpus, state.is_waiting()) {
            (None, _) => "opening …".to_owned(),
            (Some(_), true) => "searching …".to_owned(),
            (Some(Corpus { name, questions }), false) => format!("{questions} questions in {name}"),
        };
        return vec![Piece::new(&text, theme.quiet)];
    };
    let mut pieces = Vec::new();
    if results.hits.is_empty() {
        pieces.push(Piece::new("nothing found", theme.warning));
    } else if state.is_answered() {
        let count = results.hits.len();
        let hits = if count == 1 { "1 hit".to_owned() } else { format!("{count} hits") };
        let took = format!("{hits} in {:.0} ms", (results.took.as_secs_f64() * 1e3).max(1.0));
        pieces.push(Piece::new(&took, theme.quiet));
    } else {
        pieces.push(Piece::new("nothing here answers this; the nearest misses:", theme.warning));
    }
    if !results.missing.is_empty() {
        let missing = format!(" · no question has: {}", results.missing.join(", "));
        pieces.push(Piece::new(&missing, theme.quiet));
    }
    pieces
}

/// `hybrid · source: async · F1 help`.
fn how(state: &State) -> String {
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

/// The first columns of a line, and the others.
fn split(area: Rect, first: u16) -> [Rect; 2] {
    [Rect { width: first, ..area }, Rect { x: area.x + first, width: area.width - first, ..area }]
}

fn clamped(columns: usize) -> u16 {
    u16::try_from(columns).unwrap_or(u16::MAX)
}
