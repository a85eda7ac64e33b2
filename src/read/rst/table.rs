//! Tables of reStructuredText.

use crate::read::document::writer::{Line, Lines, Row};

/// More columns of a table are left out.
const MOST_COLUMNS: usize = 100;

/// A simple table that does not end within as many lines is none.
const MOST_ROWS: usize = 500;

/// The rows of a grid table (`+---+`) or a simple one (`=== ===`), with their lines, and where it ends.
pub fn rows(lines: &Lines<'_>, at: usize) -> (Vec<Row>, usize) {
    let border = lines[at];
    let is_grid = border.text.starts_with('+');
    let end = if is_grid {
        lines.end(at, |next| !next.text.starts_with(['+', '|']))
    } else {
        simple_table_end(lines, at)
    };
    let starts = column_starts(border.text, is_grid);
    let mut rows: Vec<Row> = Vec::new();
    let mut begins = true;
    for line in &lines[at..end] {
        let is_between = line.text.chars().all(|c| matches!(c, '+' | '-' | '=' | '|' | ' '));
        if line.text.is_empty() || is_between {
            begins |= is_grid && line.text.starts_with('+');
            continue;
        }
        let cells = cells(line.from(border.indent), &starts);
        begins |= !is_grid && cells.first().is_some_and(|first| !first.is_empty());
        match rows.last_mut().filter(|_| !begins) {
            Some((_, last)) => continue_row(last, &cells),
            None => rows.push((line.number, cells)),
        }
        begins = false;
    }
    (rows, end)
}

/// Behind the last border that a blank line follows, or else at the first blank line.
fn simple_table_end(lines: &Lines<'_>, at: usize) -> usize {
    let is_border =
        |line: &Line<'_>| line.text.starts_with('=') && line.text.chars().all(|c| matches!(c, '=' | ' '));
    let is_last = |at: &usize| is_border(&lines[*at]) && lines.is_blank(at + 1);
    let last = (at + 1..lines.len().min(at + MOST_ROWS)).find(is_last);
    last.map_or_else(|| lines.end(at, |next| next.text.is_empty()), |last| last + 1)
}

/// The columns of a border where cells begin.
fn column_starts(border: &str, is_grid: bool) -> Vec<usize> {
    let signs: Vec<char> = border.chars().collect();
    let begins_cell = |at: &usize| match is_grid {
        true => *at > 0 && signs[at - 1] == '+',
        false => signs[*at] == '=' && (*at == 0 || signs[at - 1] == ' '),
    };
    (0..signs.len()).filter(begins_cell).take(MOST_COLUMNS).collect()
}

/// The cells of a line that begin in these columns.
fn cells(line: &str, starts: &[usize]) -> Vec<String> {
    let signs: Vec<char> = line.chars().collect();
    let cell = |(at, start): (usize, &usize)| {
        let end = starts.get(at + 1).map_or(signs.len(), |next| next - 1).min(signs.len());
        let cell: String = signs.get(*start..end).unwrap_or_default().iter().collect();
        cell.trim().trim_end_matches('|').trim().to_owned()
    };
    starts.iter().enumerate().map(cell).collect()
}

/// Adds a line of cells to the row that it continues.
fn continue_row(row: &mut [String], cells: &[String]) {
    for (last, cell) in row.iter_mut().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        last.push(' ');
        last.push_str(cell);
    }
}
