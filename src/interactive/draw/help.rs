//! The help screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::text::{Piece, cut, width};
use super::theme::Theme;
use crate::interactive::keys::HELP;

/// Draws the list of keys and what they do.
pub fn draw(frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    draw_keys(frame, area, HELP, theme);
}

/// Draws keys and what they do.
pub fn draw_keys(frame: &mut Frame<'_>, area: Rect, help: &[(&str, &str)], theme: &Theme) {
    let piece = |text: &str| Piece::new(text, theme.title);
    let widest = help.iter().map(|(keys, _)| width(&[piece(keys)])).max().unwrap_or(0);
    // On a narrow terminal, the descriptions move closer to the keys.
    let column = widest.min(usize::from(area.width) / 2);
    for ((keys, what), y) in help.iter().zip(area.y..area.bottom()) {
        let keys = piece(keys);
        let space = " ".repeat(column.saturating_sub(width(std::slice::from_ref(&keys))) + 2);
        let line = [Piece::new("  ", Style::new()), keys, Piece::new(&(space + what), Style::new())];
        frame.render_widget(cut(&line, usize::from(area.width)), Rect { y, height: 1, ..area });
    }
}
