//! A line of text: its white space, and whether it is a rule.

/// A text on one line, with single spaces.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Columns of white space before a line's text. A tab advances to the next multiple of four.
pub fn columns(line: &str) -> usize {
    let mut columns = 0;
    for c in line.chars() {
        match c {
            ' ' => columns += 1,
            '\t' => columns += 4 - columns % 4,
            _ => break,
        }
    }
    columns
}

/// A line without its first `columns` columns of white space, or without as many as it has.
pub fn dedented(line: &str, columns: usize) -> &str {
    let mut passed = 0;
    for (at, c) in line.char_indices() {
        match c {
            ' ' if passed < columns => passed += 1,
            '\t' if passed < columns => passed += 4 - passed % 4,
            _ => return &line[at..],
        }
    }
    ""
}

/// Whether a line is three or more of one of the signs `*`, `_`, `-`, with or without space between.
pub fn is_rule(text: &str) -> bool {
    let mut signs = text.chars().filter(|c| !c.is_whitespace());
    let Some(first) = signs.next().filter(|c| matches!(c, '*' | '_' | '-')) else {
        return false;
    };
    signs.clone().count() >= 2 && signs.all(|c| c == first)
}
