//! The list of hits. A hit has two lines; one if the list is short; three, with an excerpt, if no answer is shown.

use std::path::Path;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::text::{Piece, cut, marked, width};
use super::theme::Theme;
use crate::interactive::state::State;
use crate::question::Source;
use crate::search::{Hit, Quality, SnippetKind, percent};

/// If the list has fewer lines than this, each hit is shown on one line.
const SHORT: u16 = 8;

/// If the list has fewer columns than this, a hit on one line has no word for its quality.
const NARROW: usize = 40;

/// How the quality of a hit is written.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// `90 %` if the index is calibrated, otherwise `strong`.
    Short,
    /// `strong 90 %` if the index is calibrated, otherwise `strong`.
    Word,
    /// A bar, and the same.
    Bar,
}

/// Draws the hits around the selected one, with an excerpt of each if `excerpts`. Returns the number of hits
/// that fit.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &mut State, theme: &Theme, excerpts: bool) -> usize {
    let lines_each = match excerpts {
        _ if area.height < SHORT => 1,
        false => 2,
        true => 3,
    };
    let shown = usize::from(area.height / lines_each);
    state.first = first(state.first, state.selected, shown, state.hits().len());
    let answered = state.is_answered();
    let rows = state.hits().iter().enumerate().skip(state.first).take(shown);
    for ((nth, hit), y) in rows.zip((area.y..).step_by(lines_each.into())) {
        let row = Row { hit, selected: nth == state.selected, answered, theme };
        for (line, y) in row.lines(usize::from(area.width), lines_each).into_iter().zip(y..) {
            frame.render_widget(line, Rect { y, height: 1, ..area });
        }
    }
    shown
}

/// The first hit to show, so that the selected hit is visible and the list scrolls as little as possible.
fn first(before: usize, selected: usize, shown: usize, count: usize) -> usize {
    let lowest = (selected + 1).saturating_sub(shown.max(1));
    before.clamp(lowest, selected).min(count.saturating_sub(shown).max(lowest))
}

struct Row<'a> {
    hit: &'a Hit,
    selected: bool,
    answered: bool,
    theme: &'a Theme,
}

impl Row<'_> {
    fn lines(&self, columns: usize, count: u16) -> Vec<Line<'static>> {
        let columns = columns.saturating_sub(1);
        let single = count == 1;
        let marker = || Piece::new(if self.selected { "▌ " } else { "  " }, self.theme.marker);
        let mut first = vec![marker()];
        if single {
            first.extend(self.quality(if columns < NARROW { Form::Short } else { Form::Word }));
            first.push(Piece::new("  ", Style::new()));
        }
        first.extend(self.title());
        let mut lines = vec![cut(&first, columns)];
        if !single {
            let mut second = vec![marker()];
            second.extend(self.quality(Form::Bar));
            second.push(Piece::new("  ", Style::new()));
            second.extend(self.location(columns.saturating_sub(width(&second))));
            lines.push(cut(&second, columns));
        }
        if count > 2 {
            let mut third = vec![marker()];
            third.extend(self.excerpt());
            lines.push(cut(&third, columns));
        }
        lines
    }

    /// The excerpt. The caller cuts it to one line.
    fn excerpt(&self) -> Vec<Piece> {
        let snippet = &self.hit.snippet;
        let style = match snippet.kind {
            SnippetKind::Text => Style::new(),
            SnippetKind::Code { .. } => self.theme.code,
        };
        marked(&snippet.text, &snippet.highlights, style, self.theme.matched)
    }

    fn title(&self) -> Vec<Piece> {
        let style = match (self.selected, self.answered) {
            (true, _) => self.theme.title,
            (false, true) => Style::new(),
            (false, false) => self.theme.quiet,
        };
        let mut title =
            marked(&self.hit.question.title, &self.hit.title_highlights, style, self.theme.matched);
        title.extend(self.hit.pinned.then(|| Piece::new("  pinned", self.theme.matched)));
        title.extend(
            self.hit.distinction.iter().map(|line| Piece::new(&format!("  {line}"), self.theme.quiet)),
        );
        title
    }

    /// The quality, and the probability if the index is calibrated. Without a confidence, the score.
    fn quality(&self, form: Form) -> Vec<Piece> {
        const CELLS: usize = 5;
        let Some(confidence) = self.hit.confidence else {
            return vec![Piece::new(&format!("{:5.2}", self.hit.score), self.theme.quiet)];
        };
        let quality = Quality::of(confidence);
        let style = match quality {
            Quality::Weak => self.theme.quality[0],
            Quality::Likely => self.theme.quality[1],
            Quality::Strong => self.theme.quality[2],
        };
        let percent = self.hit.probability.map(|probability| format!("{:>2} %", percent(probability)));
        let label = match (form, percent) {
            (Form::Short, Some(percent)) => percent,
            (_, Some(percent)) => format!("{:<6} {percent}", quality.name()),
            (_, None) => format!("{:<6}", quality.name()),
        };
        let label = Piece::new(&label, style);
        if form != Form::Bar {
            return vec![label];
        }
        let full = ((confidence * CELLS as f32).round() as usize).clamp(1, CELLS);
        let empty = "─".repeat(CELLS - full);
        vec![Piece::new(&"━".repeat(full), style), Piece::new(&format!("{empty} "), self.theme.quiet), label]
    }

    /// `docs/async.md:287 · Async · 2 duplicates`. Shows only the file name if the path is too long.
    fn location(&self, room: usize) -> Vec<Piece> {
        let question = &self.hit.question;
        let mut after = String::new();
        for fact in [&question.section, &question.level].into_iter().flatten() {
            after += &format!(" · {fact}");
        }
        match self.hit.also_asked.len() {
            0 => {}
            1 => after += " · 1 duplicate",
            count => after += &format!(" · {count} duplicates"),
        }
        let mut location = Piece::new(&question.source.to_string(), self.theme.location);
        if width(std::slice::from_ref(&location)) > room
            && let Some(name) = Path::new(&question.source.path).file_name()
        {
            let path = name.to_string_lossy().into_owned();
            let short = Source { path, ..question.source };
            location = Piece::new(&short.to_string(), self.theme.location);
        }
        vec![location, Piece::new(&after, self.theme.quiet)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_scrolls_as_little_as_possible() {
        for (before, selected, shown, count, expected) in [
            (0, 3, 5, 9, 0),
            (0, 5, 5, 9, 1),
            (4, 2, 5, 9, 2),
            (4, 8, 5, 9, 4),
            // The terminal is larger now: no empty lines at the end.
            (7, 8, 5, 9, 4),
            (0, 0, 0, 0, 0),
            (0, 2, 0, 9, 2),
        ] {
            assert_eq!(first(before, selected, shown, count), expected, "{before} {selected} {shown}");
        }
    }
}
