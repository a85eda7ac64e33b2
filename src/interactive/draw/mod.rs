//! Draws a [`State`] as a frame.

mod code;
mod help;
mod list;
mod markdown;
mod preview;
mod prompt;
mod review;
mod text;
mod theme;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Borders};

use super::state::{Seen, State};
pub use review::draw_review;
pub use theme::Theme;

/// With at least this many columns, the answer is to the right of the list.
const WIDE: u16 = 100;

/// With at least this many lines, the answer is below the list.
const TALL: u16 = 20;

/// The areas of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Areas {
    prompt: Rect,
    status: Rect,
    list: Rect,
    /// The area of the answer, and the side with a line between it and the list.
    preview: Option<(Rect, Borders)>,
}

/// Draws a frame. Stores in `state.seen` how much of the list and the answer was shown.
pub fn draw(frame: &mut Frame<'_>, state: &mut State, theme: &Theme) {
    let areas = areas(frame.area(), state.preview);
    prompt::draw(frame, areas.prompt, state, theme);
    prompt::draw_status(frame, areas.status, state, theme);
    if state.help {
        state.seen = Seen { preview: areas.preview.is_some(), ..Seen::default() };
        let below = Rect { height: frame.area().height.saturating_sub(areas.list.y), ..frame.area() };
        help::draw(frame, Rect { y: areas.list.y, ..below }, theme);
        return;
    }
    let hits = list::draw(frame, areas.list, state, theme, areas.preview.is_none());
    let (answer, answer_lines) = match areas.preview {
        Some((area, border)) => {
            let area = divided(frame, area, border, theme);
            preview::draw(frame, area, state, theme)
        }
        None => (0, 0),
    };
    state.seen = Seen { hits, answer, answer_lines, preview: areas.preview.is_some() };
}

/// Divides the screen. On a small terminal, the answer is hidden by default. If the user shows it (`preview`
/// is `Some(true)`), it replaces the list.
fn areas(whole: Rect, preview: Option<bool>) -> Areas {
    let row = |nth: u16| Rect {
        y: whole.y + nth.min(whole.height),
        height: 1.min(whole.height.saturating_sub(nth)),
        ..whole
    };
    let status_rows = u16::from(whole.height > 2);
    let head = 1 + status_rows;
    let status = Rect { height: status_rows, ..row(1) };
    let body =
        Rect { y: whole.y + head.min(whole.height), height: whole.height.saturating_sub(head), ..whole };
    let (list, preview) = match preview {
        Some(false) => (body, None),
        _ if whole.width >= WIDE => {
            let left = (whole.width * 9 / 20).min(76);
            let right = Rect { x: body.x + left, width: body.width - left, ..body };
            (Rect { width: left, ..body }, Some((right, Borders::LEFT)))
        }
        _ if whole.height >= TALL => {
            let above = (body.height * 2 / 5).max(6);
            let below = Rect { y: body.y + above, height: body.height - above, ..body };
            (Rect { height: above, ..body }, Some((below, Borders::TOP)))
        }
        Some(true) => (Rect { height: 0, ..body }, Some((body, Borders::NONE))),
        None => (body, None),
    };
    Areas { prompt: row(0), status, list, preview }
}

/// Draws the line between the list and the answer. Returns the rest of the area.
fn divided(frame: &mut Frame<'_>, area: Rect, border: Borders, theme: &Theme) -> Rect {
    let block = Block::new().borders(border).border_style(theme.quiet);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    // A margin of one column on both sides, if the area is wide enough.
    let margin = u16::from(inner.width > 20);
    Rect { x: inner.x + margin, width: inner.width - 2 * margin, ..inner }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(size: (u16, u16), wanted: Option<bool>, list: (u16, u16), preview: Option<(u16, u16)>) {
        let areas = areas(Rect::new(0, 0, size.0, size.1), wanted);
        let size_of = |area: Rect| (area.width, area.height);
        assert_eq!(size_of(areas.list), list, "the list in {size:?}");
        assert_eq!(areas.preview.map(|(area, _)| size_of(area)), preview, "the answer in {size:?}");
    }

    #[test]
    fn the_answer_is_shown_if_there_is_room() {
        check((120, 30), None, (54, 28), Some((66, 28)));
        check((80, 30), None, (80, 11), Some((80, 17)));
        check((80, 12), None, (80, 10), None);
        check((80, 12), Some(true), (80, 0), Some((80, 10)));
        check((120, 30), Some(false), (120, 28), None);
    }

    #[test]
    fn all_areas_are_on_the_screen_at_any_size() {
        for (width, height) in [(0, 0), (1, 1), (3, 2), (100, 1), (100, 2), (20, 20), (300, 3)] {
            for wanted in [None, Some(true), Some(false)] {
                let whole = Rect::new(0, 0, width, height);
                let areas = areas(whole, wanted);
                let all = [
                    Some(areas.prompt),
                    Some(areas.status),
                    Some(areas.list),
                    areas.preview.map(|(area, _)| area),
                ];
                for area in all.into_iter().flatten() {
                    assert_eq!(area.intersection(whole).area(), area.area(), "{area} in {whole}");
                }
            }
        }
    }
}
