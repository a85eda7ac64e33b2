//! Styled text, measured, cut and wrapped by terminal columns.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::render::escape::escaped;

/// Text of one line in one style.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The text, without characters that control the terminal.
    pub text: String,
    /// The style of the text.
    pub style: Style,
}

impl Piece {
    /// Creates a piece from untrusted text. Escapes characters that can control the terminal, and replaces a
    /// tab by four spaces and a line feed by a space.
    pub fn new(text: &str, style: Style) -> Self {
        Self { text: escaped(text).replace('\t', "    ").replace('\n', " "), style }
    }
}

/// Text in one style, with `mark` added to the style of the marked ranges. The ranges must be in order and
/// must not overlap. Ranges that do not fit the text are ignored.
pub fn marked(text: &str, marks: &[Range<usize>], style: Style, mark: Style) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for range in marks {
        let (start, end) = (range.start.max(at), range.end.min(text.len()));
        if let (Some(before), Some(inside)) = (text.get(at..start), text.get(start..end)) {
            pieces.push(Piece::new(before, style));
            pieces.push(Piece::new(inside, style.patch(mark)));
            at = end;
        }
    }
    pieces.push(Piece::new(&text[at..], style));
    pieces.retain(|piece| !piece.text.is_empty());
    pieces
}

/// The width of the pieces in columns.
pub fn width(pieces: &[Piece]) -> usize {
    pieces.iter().map(|piece| piece.text.width()).sum()
}

/// One line of at most `columns` columns. If it was cut, it ends with "…".
pub fn cut(pieces: &[Piece], columns: usize) -> Line<'static> {
    if width(pieces) <= columns {
        return Cell::line(&cells(pieces));
    }
    let mut cells = cells(pieces);
    let mut wide = 0;
    let fits = |cell: &&Cell<'_>| {
        wide += cell.width;
        wide < columns
    };
    cells.truncate(cells.iter().take_while(fits).count());
    let mut line = Cell::line(&cells);
    if columns > 0 {
        line.push_span(Span::raw("…"));
    }
    line
}

/// Lines of at most `columns` columns, broken between words. A word wider than a line is split. `first` is
/// the prefix of the first line, `rest` that of the other lines.
pub fn wrap(pieces: &[Piece], columns: usize, first: &[Piece], rest: &[Piece]) -> Vec<Line<'static>> {
    wrap_cells(&cells(pieces), columns, first, rest, |cell| cell.text == " ")
}

/// Like [`wrap`], for code: lines break anywhere, and no space is dropped.
pub fn fold(pieces: &[Piece], columns: usize, first: &[Piece], rest: &[Piece]) -> Vec<Line<'static>> {
    wrap_cells(&cells(pieces), columns, first, rest, |_| false)
}

fn wrap_cells(
    cells: &[Cell<'_>],
    columns: usize,
    first: &[Piece],
    rest: &[Piece],
    is_break: impl Fn(&Cell<'_>) -> bool,
) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    let (mut start, mut wide, mut last_break) = (0, 0, None);
    let mut push = |cells: &[Cell<'_>]| {
        let before = if lines.is_empty() { first } else { rest };
        let mut line =
            Line::from_iter(before.iter().map(|piece| Span::styled(piece.text.clone(), piece.style)));
        Cell::line(cells).spans.into_iter().for_each(|span| line.push_span(span));
        lines.push(line);
    };
    let room = columns.saturating_sub(width(first).max(width(rest))).max(1);
    for (at, cell) in cells.iter().enumerate() {
        if wide + cell.width > room && at > start {
            let (end, next) = match last_break {
                _ if is_break(cell) => (at, at + 1),
                Some(space) if space > start => (space, space + 1),
                _ => (at, at),
            };
            push(&cells[start..end]);
            start = next;
            wide = cells[start.min(at)..at].iter().map(|cell| cell.width).sum();
            last_break = None;
        }
        if is_break(cell) {
            last_break = Some(at);
        }
        if at >= start {
            wide += cell.width;
        }
    }
    // Empty text is one empty line.
    if start < cells.len() || start == 0 {
        push(&cells[start..]);
    }
    lines
}

/// A grapheme cluster, which a terminal shows as one character.
struct Cell<'a> {
    text: &'a str,
    style: Style,
    width: usize,
}

impl Cell<'_> {
    /// Joins the cells to a line. Adjacent cells of the same style become one span.
    fn line(cells: &[Self]) -> Line<'static> {
        let same = |a: &Self, b: &Self| a.style == b.style;
        Line::from_iter(cells.chunk_by(same).map(|run| {
            let text: String = run.iter().map(|cell| cell.text).collect();
            Span::styled(text, run[0].style)
        }))
    }
}

fn cells(pieces: &[Piece]) -> Vec<Cell<'_>> {
    let mut cells = Vec::new();
    for Piece { text, style } in pieces {
        cells.extend(text.graphemes(true).map(|text| Cell { text, style: *style, width: text.width() }));
    }
    cells
}

#[cfg(test)]
mod tests {
    use ratatui::style::Modifier;

    use super::*;

    fn plain(text: &str) -> Vec<Piece> {
        vec![Piece::new(text, Style::new())]
    }

    #[track_caller]
    fn check(text: &str, columns: usize, expected: &[&str]) {
        let lines = wrap(&plain(text), columns, &plain("- "), &plain("  "));
        let lines: Vec<String> = lines.iter().map(Line::to_string).collect();
        assert_eq!(lines, expected, "{text:?} in {columns}");
    }

    #[test]
    fn lines_break_between_words_after_their_prefix() {
        check("one two three four", 11, &["- one two", "  three", "  four"]);
        check("one two", 9, &["- one two"]);
        check("one two ", 9, &["- one two"]);
        check("abcdefgh", 5, &["- abc", "  def", "  gh"]);
        check("ab 東京東京", 6, &["- ab", "  東京", "  東京"]);
        check("e\u{301}e\u{301}e\u{301}", 4, &["- e\u{301}e\u{301}", "  e\u{301}"]);
        check("", 9, &["- "]);
        check("no room", 1, &["- n", "  o", "  r", "  o", "  o", "  m"]);
    }

    #[test]
    fn spaces_in_code_are_kept() {
        let lines = fold(&plain("a  = b;"), 4, &[], &[]);
        assert_eq!(lines.iter().map(Line::to_string).collect::<Vec<_>>(), ["a  =", " b;"]);
    }

    #[test]
    fn long_lines_end_with_an_ellipsis() {
        let cut = |text: &str, columns| cut(&plain(text), columns).to_string();
        assert_eq!((cut("word", 4).as_str(), cut("words", 4).as_str()), ("word", "wor…"));
        assert_eq!(
            (cut("東京", 3).as_str(), cut("東京", 1).as_str(), cut("a", 0).as_str()),
            ("東…", "…", "")
        );
    }

    #[test]
    fn marks_are_added_to_the_style() {
        let dim = Style::new().add_modifier(Modifier::DIM);
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let pieces = marked("a lock held", &[2..6, 9..11], dim, bold);
        let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(texts, ["a ", "lock", " he", "ld"]);
        assert_eq!(pieces[1].style, dim.patch(bold));
        // Ranges that do not fit the text are ignored.
        assert_eq!(marked("é", &[0..1, 1..9], dim, bold), vec![Piece::new("é", dim)]);
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(Piece::new("a\x1b[2J\tb", Style::new()).text, "a\\u{1b}[2J    b");
    }
}
