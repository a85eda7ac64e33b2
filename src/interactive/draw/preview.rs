//! The preview: the selected question in full.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::markdown;
use super::text::{Piece, marked, wrap};
use super::theme::Theme;
use crate::interactive::state::State;
use crate::search::{Hit, Results};

/// Draws the visible part of the question. Returns how many lines are visible and how many there are.
pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &mut State, theme: &Theme) -> (usize, usize) {
    let shown = usize::from(area.height);
    let Some(results) = &state.results else { return (shown, 0) };
    let Some(hit) = results.hits.get(state.selected) else { return (shown, 0) };
    let lines = lines(results, hit, usize::from(area.width), theme);
    let count = lines.len();
    state.scroll = state.scroll.min(count.saturating_sub(shown));
    let visible: Vec<Line<'_>> = lines.into_iter().skip(state.scroll).take(shown).collect();
    frame.render_widget(Paragraph::new(visible), area);
    draw_more(frame, area, count.saturating_sub(state.scroll + shown), theme);
    (shown, count)
}

/// Shows on the last line how many lines follow.
pub fn draw_more(frame: &mut Frame<'_>, area: Rect, left: usize, theme: &Theme) {
    if left == 0 || area.height < 3 {
        return;
    }
    let text = format!(" ↓ {left} more ");
    let wide = u16::try_from(text.chars().count()).unwrap_or(u16::MAX).min(area.width);
    let corner = Rect { x: area.right() - wide, y: area.bottom() - 1, width: wide, height: 1 };
    frame.render_widget(Line::styled(text, theme.quiet), corner);
}

/// All lines of a question: title, location, answer and other fields.
fn lines(results: &Results, hit: &Hit, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let question = &hit.question;
    let wrapped = |pieces: &[Piece]| wrap(pieces, columns, &[], &[]);
    let title = marked(&question.title, &hit.title_highlights, theme.title, theme.matched);
    let mut lines = wrapped(&title);
    let mut location = vec![Piece::new(&question.source.to_string(), theme.location)];
    for fact in [&question.section, &question.level].into_iter().flatten() {
        location.push(Piece::new(&format!(" · {fact}"), Style::new()));
    }
    location.push(Piece::new(&format!(" · {}", question.id), theme.quiet));
    lines.extend(wrapped(&location));
    let answer = question.readable_answer();
    if !answer.trim().is_empty() {
        lines.push(Line::default());
        lines.extend(markdown::render(&answer, &results.highlights(&answer), columns, theme));
    }
    let facts = facts(hit);
    if !facts.is_empty() {
        lines.push(Line::default());
    }
    for fact in facts {
        lines.extend(wrapped(&[Piece::new(&fact, theme.quiet)]));
    }
    lines
}

fn facts(hit: &Hit) -> Vec<String> {
    let question = &hit.question;
    let mut facts: Vec<String> = question.also.iter().map(|also| format!("also asked as: {also}")).collect();
    let duplicates = hit.also_asked.iter().map(|asked| &asked.question);
    facts.extend(
        duplicates.map(|question| format!("also asked as: {} ({})", question.title, question.source)),
    );
    if !question.tags.is_empty() {
        facts.push(format!("tags: {}", question.tags.join(", ")));
    }
    facts.extend(question.url.iter().map(|url| format!("url: {url}")));
    facts.extend(question.date.iter().map(|date| format!("date: {date}")));
    facts
}
