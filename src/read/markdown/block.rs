//! What each line of a Markdown file is, told line by line.

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block<'a> {
    /// Part of fenced code, its fences included.
    Code,
    /// Between the `---` at the top of the file.
    FrontMatter(&'a str),
    /// Inside `<!-- … -->`.
    Comment,
    /// Nothing but white space.
    Blank,
    /// `## title`
    Heading {
        /// 1 to 6.
        level: u8,
        /// Without the signs around it.
        title: &'a str,
    },
    /// A list item's first line.
    Item {
        /// Columns before the marker.
        indent: usize,
        /// Columns before the text.
        content: usize,
        /// The number, where it has one.
        number: Option<u32>,
        /// What stands behind the marker.
        title: &'a str,
    },
    /// `===` or `---`: the line before is a heading of this level, or this is a rule.
    Underline(u8),
    /// `***`, `___`
    Rule,
    /// Anything else.
    Text(&'a str),
}

/// Tells what lines are, one after another from a file's beginning.
#[derive(Debug, Default)]
pub struct Blocks {
    fence: Option<Fence>,
    comment: bool,
    front_matter: bool,
    line: u64,
    unclosed: Vec<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Fence {
    sign: char,
    len: usize,
    line: u64,
}

impl Blocks {
    /// As [`default`](Self::default), taking for text the fences on these lines, which never close.
    pub fn with_unclosed(unclosed: Vec<u64>) -> Self {
        Self { unclosed, ..Self::default() }
    }

    /// At the end of the file: the line of a fence that is still open.
    pub fn open_fence(&self) -> Option<u64> {
        self.fence.map(|fence| fence.line)
    }

    /// The next line, without its line end.
    pub fn next<'a>(&mut self, line: &'a str) -> Block<'a> {
        let text = line.trim();
        self.line += 1;
        if self.front_matter {
            self.front_matter = !matches!(text, "---" | "...");
            return Block::FrontMatter(text);
        }
        if self.line == 1 && text == "---" {
            self.front_matter = true;
            return Block::FrontMatter(text);
        }
        if let Some(open) = self.fence {
            let closes = text.len() >= open.len && text.chars().all(|c| c == open.sign);
            if closes {
                self.fence = None;
            }
            return Block::Code;
        }
        if self.comment {
            self.comment = !text.contains("-->");
            return Block::Comment;
        }
        if text.is_empty() {
            return Block::Blank;
        }
        if let Some((sign, len)) = fence(text).filter(|_| !self.unclosed.contains(&self.line)) {
            self.fence = Some(Fence { sign, len, line: self.line });
            return Block::Code;
        }
        if text.starts_with("<!--") {
            self.comment = !text.contains("-->");
            return Block::Comment;
        }
        let indent = columns(line);
        if indent < 4 {
            if let Some((level, title)) = heading(text) {
                return Block::Heading { level, title };
            }
            if text.chars().all(|c| c == '=') {
                return Block::Underline(1);
            }
            if text.len() > 1 && text.chars().all(|c| c == '-') {
                return Block::Underline(2);
            }
        }
        if is_rule(text) {
            return Block::Rule;
        }
        match item(text) {
            Some((marker, number, title)) => Block::Item { indent, content: indent + marker, number, title },
            None => Block::Text(text),
        }
    }
}

/// Columns of white space before a line's text; a tab goes to the next multiple of four.
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

/// The sign of a fence, and how many there are.
fn fence(text: &str) -> Option<(char, usize)> {
    let sign = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let len = text.chars().take_while(|c| *c == sign).count();
    // Backticks behind backticks are code within a line; a semicolon is code on the fence's own
    // line, which no closing fence need follow.
    let info = &text[len..];
    (len >= 3 && !(sign == '`' && info.contains(['`', ';']))).then_some((sign, len))
}

fn heading(text: &str) -> Option<(u8, &str)> {
    let level = text.bytes().take_while(|b| *b == b'#').count();
    let title = &text[level..];
    if level == 0 || level > 6 || !(title.is_empty() || title.starts_with([' ', '\t'])) {
        return None;
    }
    let title = title.trim();
    let bare = title.trim_end_matches('#');
    // Signs at the end close the heading; `C#` has a sign of its own.
    let title = if bare.is_empty() || bare.ends_with([' ', '\t']) { bare.trim_end() } else { title };
    Some((level as u8, title))
}

/// Three or more of one sign, with or without space between.
pub fn is_rule(text: &str) -> bool {
    let mut signs = text.chars().filter(|c| !c.is_whitespace());
    let Some(first) = signs.next().filter(|c| matches!(c, '*' | '_' | '-')) else {
        return false;
    };
    signs.clone().count() >= 2 && signs.all(|c| c == first)
}

/// The width of a list marker with the space behind it, its number, and the text.
fn item(text: &str) -> Option<(usize, Option<u32>, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = match digits {
        0 => (None, text.strip_prefix(['-', '*', '+', '•'])?),
        1..=4 => (Some(text[..digits].parse().ok()?), text[digits..].strip_prefix(['.', ')'])?),
        _ => return None,
    };
    let title = rest.trim_start();
    if !rest.starts_with([' ', '\t']) || title.is_empty() {
        return None;
    }
    let marker = text.len() - rest.len();
    // Space beyond four columns belongs to the text.
    let space = (rest.len() - title.len()).min(4);
    Some((marker + space, number, title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Block<'_>]) {
        let mut blocks = Blocks::default();
        let found: Vec<Block<'_>> = text.lines().map(|line| blocks.next(line)).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn lines_are_told_apart() {
        check(
            "# One #\n\ntext\n===\n---\n* * *\n- item\n12) item\n**bold**\n####### no",
            &[
                Block::Heading { level: 1, title: "One" },
                Block::Blank,
                Block::Text("text"),
                Block::Underline(1),
                Block::Underline(2),
                Block::Rule,
                Block::Item { indent: 0, content: 2, number: None, title: "item" },
                Block::Item { indent: 0, content: 4, number: Some(12), title: "item" },
                Block::Text("**bold**"),
                Block::Text("####### no"),
            ],
        );
    }

    #[test]
    fn code_is_code_until_its_fence_closes() {
        check(
            "~~~~rust\n# no\n~~~\n```\n~~~~\n```in`line```",
            &[Block::Code, Block::Code, Block::Code, Block::Code, Block::Code, Block::Text("```in`line```")],
        );
    }

    #[test]
    fn comments_and_front_matter_say_nothing() {
        check(
            "---\ntags: a\n---\n<!-- # no\nno -->\nyes",
            &[
                Block::FrontMatter("---"),
                Block::FrontMatter("tags: a"),
                Block::FrontMatter("---"),
                Block::Comment,
                Block::Comment,
                Block::Text("yes"),
            ],
        );
    }

    #[test]
    fn headings_may_end_in_a_sign_of_their_own() {
        check("## Why C#", &[Block::Heading { level: 2, title: "Why C#" }]);
        check("##", &[Block::Heading { level: 2, title: "" }]);
        check("#[derive]", &[Block::Text("#[derive]")]);
    }

    #[test]
    fn white_space_goes_by_columns() {
        assert_eq!(dedented("\t  code", 4), "  code");
        assert_eq!(dedented("  code", 4), "code");
        assert_eq!(dedented("   ", 4), "");
        assert_eq!(columns(" \tx"), 4);
    }
}
