//! Code and tables: blocks of several lines.

use super::Parser;
use crate::read::document::{Inline, Kind};
use crate::read::line::one_line;

impl Parser {
    pub fn end_pre(&mut self) {
        let Some((code, language)) = self.pre.take() else {
            return;
        };
        let fence = if code.contains("```") { "~~~" } else { "```" };
        let indent = if self.lists.is_empty() { String::new() } else { " ".repeat(self.column() + 3) };
        let lines = code.trim_matches(['\n', '\r']).trim_end().lines();
        let first = format!("{fence}{language}");
        for line in [first.as_str()].into_iter().chain(lines).chain([fence]) {
            let source = self.page.document.write_line(&format!("{indent}{line}"));
            self.page.document.push(Kind::Code, self.line, source, Inline::default());
        }
        self.blank();
    }

    pub fn end_cell(&mut self) {
        let Some(row) = &mut self.row else {
            return self.break_paragraph();
        };
        let cell = std::mem::take(&mut self.markdown);
        self.plain.push(' ');
        if !cell.trim().is_empty() || !row.is_empty() {
            row.push(one_line(&cell).replace('|', "\\|"));
        }
    }

    pub fn end_row(&mut self) {
        self.end_cell();
        let Some(cells) = self.row.take().filter(|cells| !cells.is_empty()) else {
            return;
        };
        self.markdown = format!("| {} |", cells.join(" | "));
        self.marks.clear();
        self.flush();
        self.rows += 1;
        if self.rows == 1 {
            let source = self.page.document.write_line(&format!("|{}", "---|".repeat(cells.len())));
            self.page.document.push(Kind::Text, self.line, source, Inline::default());
        }
    }
}
