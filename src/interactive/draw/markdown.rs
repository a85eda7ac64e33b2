//! Renders Markdown as wrapped lines, with indented lists, highlighted code and marked matches.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;

use super::code::{self, Token};
use super::text::{Piece, fold, marked, width, wrap};
use super::theme::Theme;

/// Renders Markdown, wrapped at `columns`. `marks` are the byte ranges that match the phrase.
pub fn render(markdown: &str, marks: &[Range<usize>], columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut page = Page {
        theme,
        marks,
        columns,
        lines: Vec::new(),
        pieces: Vec::new(),
        styles: vec![Style::new()],
        containers: Vec::new(),
        lists: Vec::new(),
        code: None,
        table: None,
        link: None,
    };
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        page.on(event, range);
    }
    page.flush();
    page.lines
}

/// A block quote or list item: the prefix of its first line, and the prefix of its other lines.
struct Container {
    first: Piece,
    rest: Piece,
    is_begun: bool,
}

/// A code block, with the ranges that match the phrase.
struct Code {
    language: String,
    text: String,
    marks: Vec<Range<usize>>,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<Vec<Piece>>>,
}

struct Page<'a> {
    theme: &'a Theme,
    marks: &'a [Range<usize>],
    columns: usize,
    lines: Vec<Line<'static>>,
    /// The text of the current block.
    pieces: Vec<Piece>,
    /// The nested styles, outermost first.
    styles: Vec<Style>,
    containers: Vec<Container>,
    /// The number of each list's next item; `None` for a list with bullets.
    lists: Vec<Option<u64>>,
    code: Option<Code>,
    table: Option<Table>,
    /// The URL of the current link.
    link: Option<String>,
}

impl Page<'_> {
    fn on(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text, range),
            Event::Code(code) => {
                // The marks are ranges of the source, where the code is between backticks.
                let before = range.len().saturating_sub(code.len()) / 2;
                let inner = range.start + before..range.start + before + code.len();
                self.words(&code, inner, self.theme.code);
            }
            Event::InlineHtml(html) | Event::Html(html) if is_break(&html) => self.flush(),
            Event::InlineHtml(html) | Event::Html(html) => {
                self.words(html.trim_end(), range, self.theme.quiet)
            }
            Event::SoftBreak => self.pieces.push(Piece::new(" ", self.style())),
            Event::HardBreak => self.flush(),
            Event::Rule => {
                self.gap();
                let rule = "─".repeat(self.columns.min(24));
                self.push(vec![Piece::new(&rule, self.theme.quiet)]);
            }
            Event::TaskListMarker(done) => {
                let sign = if done { "[x] " } else { "[ ] " };
                self.pieces.push(Piece::new(sign, self.theme.quiet));
            }
            Event::FootnoteReference(_) | Event::InlineMath(_) | Event::DisplayMath(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.gap(),
            Tag::Heading { .. } => {
                self.gap();
                self.styles.push(self.theme.heading);
            }
            Tag::BlockQuote(_) => {
                self.gap();
                let bar = Piece::new("│ ", self.theme.quiet);
                self.containers.push(Container { first: bar.clone(), rest: bar, is_begun: false });
            }
            Tag::CodeBlock(kind) => {
                self.gap();
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some(Code { language, text: String::new(), marks: Vec::new() });
            }
            Tag::List(first) => {
                if self.lists.is_empty() {
                    self.gap();
                }
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => self.start_item(),
            Tag::Table(_) => {
                self.gap();
                self.table = Some(Table::default());
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::Emphasis => self.restyle(Style::new().add_modifier(Modifier::ITALIC)),
            Tag::Strong => self.restyle(Style::new().add_modifier(Modifier::BOLD)),
            Tag::Strikethrough => self.restyle(Style::new().add_modifier(Modifier::CROSSED_OUT)),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.restyle(self.theme.link);
                self.link = Some(dest_url.into_string());
            }
            _ => {}
        }
    }

    fn start_item(&mut self) {
        self.flush();
        let sign = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => "• ".to_owned(),
        };
        let rest = Piece::new(&" ".repeat(width(&[Piece::new(&sign, Style::new())])), Style::new());
        let first = Piece::new(&sign, self.theme.quiet);
        self.containers.push(Container { first, rest, is_begun: false });
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.flush(),
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.pop();
            }
            TagEnd::BlockQuote(_) | TagEnd::Item => {
                self.flush();
                self.containers.pop();
            }
            TagEnd::CodeBlock => {
                if let Some(code) = self.code.take() {
                    self.push_code(&code);
                }
            }
            TagEnd::List(_) => _ = self.lists.pop(),
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.pieces);
                if let Some(row) = self.table.as_mut().and_then(|table| table.rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.push_table(table);
                }
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => _ = self.styles.pop(),
            TagEnd::Link | TagEnd::Image => {
                self.styles.pop();
                self.end_link();
            }
            _ => {}
        }
    }

    /// Adds the URL of the link if the text of the link does not contain it.
    fn end_link(&mut self) {
        let Some(url) = self.link.take() else { return };
        let shown = self.pieces.iter().any(|piece| piece.text.contains(url.trim_end_matches('/')));
        if !shown && url.starts_with("http") {
            self.pieces.push(Piece::new(&format!(" ({url})"), self.theme.quiet));
        }
    }

    fn restyle(&mut self, style: Style) {
        self.styles.push(self.style().patch(style));
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or_default()
    }

    fn text(&mut self, text: &str, range: Range<usize>) {
        let marks = self.marks_in(text, range.clone());
        match &mut self.code {
            Some(code) => {
                let before = code.text.len();
                code.marks.extend(marks.into_iter().map(|mark| mark.start + before..mark.end + before));
                code.text.push_str(text);
            }
            None => self.words(text, range, Style::new()),
        }
    }

    fn words(&mut self, text: &str, range: Range<usize>, style: Style) {
        let marks = self.marks_in(text, range);
        let pieces = marked(text, &marks, self.style().patch(style), self.theme.matched);
        self.pieces.extend(pieces);
    }

    /// The marks in a text, as offsets into it. Empty if the source has escapes, so that the offsets differ.
    fn marks_in(&self, text: &str, source: Range<usize>) -> Vec<Range<usize>> {
        if source.len() != text.len() {
            return Vec::new();
        }
        let clipped = |mark: &Range<usize>| {
            let (start, end) = (mark.start.max(source.start), mark.end.min(source.end));
            (start < end).then(|| start - source.start..end - source.start)
        };
        self.marks.iter().filter_map(clipped).collect()
    }

    /// Adds an empty line before a block, unless the block is the first.
    fn gap(&mut self) {
        self.flush();
        let begins = self.containers.last().is_some_and(|container| !container.is_begun);
        if !self.lines.is_empty() && !begins {
            let (_, rest) = self.prefixes();
            self.lines.extend(wrap(&[], self.columns, &rest, &rest));
        }
    }

    /// Writes the pending text.
    fn flush(&mut self) {
        if !self.pieces.is_empty() {
            let pieces = std::mem::take(&mut self.pieces);
            self.push(pieces);
        }
    }

    fn push(&mut self, pieces: Vec<Piece>) {
        let (first, rest) = self.prefixes();
        self.lines.extend(wrap(&pieces, self.columns, &first, &rest));
        self.begin_containers();
    }

    fn begin_containers(&mut self) {
        self.containers.iter_mut().for_each(|container| container.is_begun = true);
    }

    /// The prefix of the next line, and the prefix of the lines after it.
    fn prefixes(&self) -> (Vec<Piece>, Vec<Piece>) {
        let first = |container: &Container| {
            if container.is_begun { container.rest.clone() } else { container.first.clone() }
        };
        let rest = self.containers.iter().map(|container| container.rest.clone());
        (self.containers.iter().map(first).collect(), rest.collect())
    }

    fn push_code(&mut self, code: &Code) {
        let bar = Piece::new("▏ ", self.theme.quiet);
        let text = code.text.trim_end();
        let tokens = code::tokens(text, &code.language);
        let mut start = 0;
        for line in text.split('\n') {
            let (mut first, mut rest) = self.prefixes();
            first.push(bar.clone());
            rest.push(bar.clone());
            let pieces = self.code_line(text, start..start + line.len(), &tokens, &code.marks);
            self.lines.extend(fold(&pieces, self.columns, &first, &rest));
            self.begin_containers();
            start += line.len() + 1;
        }
    }

    fn code_line(
        &self,
        text: &str,
        line: Range<usize>,
        tokens: &[(Range<usize>, Token)],
        marks: &[Range<usize>],
    ) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut at = line.start;
        let mut push = |range: Range<usize>, style: Style| {
            let shift = |mark: &Range<usize>| {
                let (start, end) = (mark.start.max(range.start), mark.end.min(range.end));
                (start < end).then(|| start - range.start..end - range.start)
            };
            let marks: Vec<_> = marks.iter().filter_map(shift).collect();
            pieces.extend(marked(&text[range], &marks, style, self.theme.matched));
        };
        for (token, kind) in tokens {
            let (start, end) = (token.start.clamp(at, line.end), token.end.min(line.end));
            if start < end {
                push(at..start, Style::new());
                push(start..end, self.token_style(*kind));
                at = end;
            }
        }
        push(at..line.end, Style::new());
        pieces
    }

    fn token_style(&self, token: Token) -> Style {
        match token {
            Token::Keyword => self.theme.keyword,
            Token::String => self.theme.string,
            Token::Comment => self.theme.comment,
            Token::Number => self.theme.number,
            Token::Type => self.theme.type_name,
        }
    }

    /// Writes a table in aligned columns if it fits. Otherwise each row is a line of its own.
    fn push_table(&mut self, table: Table) {
        const GAP: usize = 2;
        let count = table.rows.iter().map(Vec::len).max().unwrap_or(0);
        let wide = |column: usize| {
            let cells = table.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| width(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..count).map(wide).collect();
        let (_, rest) = self.prefixes();
        let fits = widths.iter().sum::<usize>() + GAP * count <= self.columns.saturating_sub(width(&rest));
        for (nth, row) in table.rows.into_iter().enumerate() {
            let mut line = Vec::new();
            for (cell, wide) in row.into_iter().zip(&widths) {
                let missing = wide - width(&cell);
                line.extend(cell.into_iter().map(|piece| match nth {
                    0 => Piece { style: piece.style.add_modifier(Modifier::BOLD), ..piece },
                    _ => piece,
                }));
                let between = if fits { " ".repeat(missing + GAP) } else { " · ".to_owned() };
                line.push(Piece::new(&between, self.theme.quiet));
            }
            line.pop();
            self.push(line);
            if nth == 0 && fits {
                let rule = "─".repeat(widths.iter().sum::<usize>() + GAP * count.saturating_sub(1));
                self.push(vec![Piece::new(&rule, self.theme.quiet)]);
            }
        }
    }
}

fn is_break(html: &str) -> bool {
    let name = html.trim().trim_start_matches('<').trim_end_matches('>').trim_end_matches('/');
    name.trim().eq_ignore_ascii_case("br")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(markdown: &str, columns: usize, expected: &[&str]) {
        let lines = render(markdown, &[], columns, &Theme::plain());
        let lines: Vec<String> = lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect();
        assert_eq!(lines, expected, "{markdown:?}");
    }

    #[test]
    fn blocks_are_separated_and_lines_are_wrapped() {
        check(
            "# A head\n\nSome *words*\nand `code`.\n\n---\n\nMore.",
            14,
            &["A head", "", "Some words and", "code.", "", "──────────────", "", "More."],
        );
        check("one<br>two  \nthree", 20, &["one", "two", "three"]);
        check(
            "See [the book](https://a.example/b) and <https://c.example>.",
            70,
            &["See the book (https://a.example/b) and https://c.example."],
        );
    }

    #[test]
    fn list_items_are_indented() {
        check(
            "Words:\n\n- one two three\n- four\n  1. deep\n  2. more\n\nEnd.",
            10,
            &["Words:", "", "• one two", "  three", "• four", "  1. deep", "  2. more", "", "End."],
        );
        check("1. a\n\n   b\n\n   ```\n   c\n   ```\n2. d", 20, &["1. a", "", "   b", "", "   ▏ c", "2. d"]);
        check("> quoted words", 9, &["│ quoted", "│ words"]);
        check("- [x] done", 20, &["• [x] done"]);
    }

    #[test]
    fn code_lines_are_not_joined() {
        check("```rust\nfn f() {\n\n    1\n}\n```", 30, &["▏ fn f() {", "▏", "▏     1", "▏ }"]);
        check("```\nunclosed", 30, &["▏ unclosed"]);
    }

    #[test]
    fn tables_are_aligned_if_they_fit() {
        let table = "| a | bcd |\n|---|---|\n| ef | g |\n";
        check(table, 20, &["a   bcd", "───────", "ef  g"]);
        check(table, 7, &["a · bcd", "ef · g"]);
    }

    #[test]
    fn matches_are_marked_in_text_and_code() {
        let markdown = "A lock, `a lock`.\n\n```rust\nlet lock = 1; lock\n```\n";
        let marks: Vec<Range<usize>> =
            markdown.match_indices("lock").map(|(at, word)| at..at + word.len()).collect();
        let theme = Theme::coloured();
        let lines = render(markdown, &marks, 40, &theme);
        let is_marked = |style: Style| style.fg == theme.matched.fg;
        let spans = lines.iter().flat_map(|line| &line.spans);
        let marked: Vec<&str> =
            spans.filter(|span| is_marked(span.style)).map(|span| span.content.as_ref()).collect();
        assert_eq!(marked, ["lock"; 4]);
        assert!(lines[2].spans.iter().any(|span| span.content == "let" && span.style == theme.keyword));
    }

    #[test]
    fn control_characters_are_escaped() {
        check("a\u{1b}[2Jb", 30, &["a\\u{1b}[2Jb"]);
        check("```\n\u{9b}x\n```", 30, &["▏ \\u{9b}x"]);
    }
}
