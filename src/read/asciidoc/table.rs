//! Tables of AsciiDoc.

use crate::read::document::writer::{Line, Row};

/// The rows of a table, with their lines. Its cells go from row to row, whatever lines they are on. Without `columns`,
/// the first line is the first row.
pub fn rows(delimiter: &str, lines: &[Line<'_>], columns: Option<usize>) -> Vec<Row> {
    let separator = delimiter.chars().next().filter(|sign| matches!(sign, ':' | ',')).unwrap_or('|');
    let mut cells: Vec<(u64, String)> = Vec::new();
    let mut in_first_line = 0;
    for line in lines.iter().filter(|line| !line.text.starts_with("//")) {
        if separator == '|' {
            add_cells(line, &mut cells);
        } else {
            let pieces = line.text.split(separator).map(|cell| cell.trim().trim_matches('"'));
            cells.extend(pieces.map(|cell| (line.number, cell.to_owned())));
        }
        if in_first_line == 0 {
            in_first_line = cells.len();
        }
    }
    let cell = |(_, cell): &(u64, String)| cell.trim().replace("\\|", "|");
    let row = |cells: &[(u64, String)]| (cells[0].0, cells.iter().map(cell).collect());
    cells.chunks(columns.unwrap_or(in_first_line).max(1)).map(row).collect()
}

/// Adds the cells of a line. What is before the first separator belongs to the cell of the line before.
fn add_cells(line: &Line<'_>, cells: &mut Vec<(u64, String)>) {
    let mut pieces = split_cells(line.text).into_iter();
    if let (Some(before), Some((_, last))) = (pieces.next(), cells.last_mut()) {
        last.push('\n');
        last.push_str(before);
    }
    cells.extend(pieces.map(|cell| (line.number, cell.to_owned())));
}

/// The cells of a row, without what specifies them (`2+^|cell`). The first one is what is before the first separator.
fn split_cells(text: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices('|').filter(|(at, _)| !text[..*at].ends_with('\\')) {
        let cell = &text[start..at];
        let bare = cell.trim_end_matches(|c: char| c.is_ascii_digit() || "+*.<^>aehlmsdv".contains(c));
        let is_specified = bare.len() < cell.len() && (bare.is_empty() || bare.ends_with(' '));
        let fits =
            cell.len() - bare.len() == 1 || cell[bare.len()..].contains(['+', '*', '.', '<', '^', '>']);
        cells.push(if is_specified && fits { bare } else { cell }.trim());
        start = at + 1;
    }
    cells.push(text[start..].trim());
    cells
}
