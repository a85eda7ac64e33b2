//! Converts Mermaid diagrams to text.
//!
//! An answer may consist only of a diagram. The labels of a diagram become a list that can be searched,
//! embedded and read in a terminal. Layout, colours and identifiers are dropped. Syntax:
//! <https://mermaid.js.org/intro/syntax-reference.html>.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;

/// Replaces every fenced `mermaid` block in Markdown by its text ([`readable`]).
pub fn replace_diagrams(answer: &str) -> Cow<'_, str> {
    if !answer.contains("mermaid") {
        return Cow::Borrowed(answer);
    }
    let mut text = String::with_capacity(answer.len());
    let mut diagram: Option<(&str, String)> = None;
    for line in answer.split_inclusive('\n') {
        let bare = line.trim();
        match &mut diagram {
            Some((fence, source)) => {
                if bare.starts_with(*fence) && bare.trim_matches(['`', '~']).is_empty() {
                    text.push_str(&readable(source));
                    diagram = None;
                } else {
                    source.push_str(line);
                }
            }
            None => match opening_fence(bare) {
                Some(fence) => diagram = Some((fence, String::new())),
                None => text.push_str(line),
            },
        }
    }
    // A block without a closing fence ends with the text.
    if let Some((_, source)) = diagram {
        text.push_str(&readable(&source));
    }
    text.truncate(text.trim_end().len());
    Cow::Owned(text)
}

/// The fence characters of a line that opens a diagram.
fn opening_fence(line: &str) -> Option<&str> {
    let info = line.trim_start_matches(['`', '~']);
    let fence = &line[..line.len() - info.len()];
    let language = info.trim_start_matches([' ', '{', '.']);
    (fence.len() >= 3 && language.starts_with("mermaid")).then_some(fence)
}

/// Converts a diagram to Markdown, in source order: groups become paragraphs, and nodes and edges become list
/// items (`Cell<T> → one thread`).
pub fn readable(source: &str) -> String {
    let mut diagram = Diagram::default();
    for line in source.lines().map(str::trim) {
        diagram.read(line);
    }
    diagram.render()
}

/// The content of a diagram, line by line. The label of a node may come after an edge that uses the node, so
/// labels are inserted last.
#[derive(Default)]
struct Diagram {
    /// `flowchart`, `sequenceDiagram`, …: the first word of the first line.
    kind: Option<String>,
    labels: HashMap<String, String>,
    lines: Vec<Line>,
}

enum Line {
    /// The title of a subgraph, a section or the diagram.
    Group(String),
    /// A path of node names, each with its link to the next node.
    Path(Vec<(String, Link)>),
    /// Text without node names.
    Text(String),
}

enum Link {
    /// An edge, with its label.
    To(Option<String>),
    /// `A & B`: the next node is parallel to this one.
    And,
}

/// Statements that affect only the appearance of a diagram.
const STYLE_STATEMENTS: [&str; 18] = [
    "style",
    "classDef",
    "class",
    "linkStyle",
    "click",
    "direction",
    "end",
    "activate",
    "deactivate",
    "autonumber",
    "dateFormat",
    "axisFormat",
    "accTitle",
    "accDescr",
    "else",
    "hide",
    "tickInterval",
    "excludes",
];

impl Diagram {
    fn read(&mut self, line: &str) {
        if line.is_empty() || line.starts_with("%%") || line == "---" {
            return;
        }
        let first = line.split_whitespace().next().unwrap_or_default();
        let Some(kind) = &self.kind else {
            self.kind = Some(first.to_owned());
            // `pie title Shares of …`
            if let Some((_, title)) = line.split_once("title ") {
                self.lines.push(Line::Group(clean(title)));
            }
            return;
        };
        let is_class = kind.starts_with("classDiagram");
        if STYLE_STATEMENTS.contains(&first.trim_end_matches(';')) && !(is_class && first == "class") {
            return;
        }
        let rest = line[first.len()..].trim();
        match first {
            "subgraph" => self.lines.push(Line::Group(subgraph_title(rest))),
            "section" | "title" | "namespace" => self.lines.push(Line::Group(clean(rest))),
            "participant" | "actor" | "state" | "class" => self.declare(first, rest),
            _ if kind == "graph" || kind.starts_with("flowchart") => self.flow(line),
            _ => self.other(line),
        }
    }

    /// `participant A as Alice`, `state "Idle" as s1`, `class Shape {`.
    fn declare(&mut self, keyword: &str, rest: &str) {
        let rest = rest.trim_end_matches('{').trim();
        let (name, label) = match rest.split_once(" as ") {
            Some((label, name)) if keyword == "state" => (name, label),
            Some((name, label)) => (name, label),
            None => (rest, rest),
        };
        let label = clean(label);
        self.labels.insert(name.trim().to_owned(), label.clone());
        if matches!(keyword, "state" | "class") {
            self.lines.push(Line::Group(label));
        }
    }

    /// A line of a flowchart: nodes and edges, both with optional labels.
    fn flow(&mut self, line: &str) {
        for statement in line.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            let mut path = Vec::new();
            let mut rest = statement;
            while let Some((name, label, after)) = node(rest) {
                if let Some(label) = label {
                    self.labels.insert(name.to_owned(), clean(label));
                }
                let (edge, after) = edge(after);
                let link = match edge {
                    None if after.starts_with('&') => Link::And,
                    edge => Link::To(edge.map(clean).filter(|edge| !edge.is_empty())),
                };
                path.push((name.to_owned(), link));
                if after.len() >= rest.len() {
                    break;
                }
                rest = after;
            }
            if !path.is_empty() {
                self.lines.push(Line::Path(path));
            }
        }
    }

    /// A line of another diagram (messages, relations, slices, tasks, ideas): names with an arrow or a colon
    /// between them, or text.
    fn other(&mut self, line: &str) {
        if line == "}" || line == "{" {
            return;
        }
        let (head, label) = match line.split_once(": ").or_else(|| line.split_once(" : ")) {
            Some((head, label)) => (head.trim(), Some(clean(label))),
            None => (line, None),
        };
        match between_arrows(head) {
            Some((from, to)) => {
                self.lines.push(Line::Path(vec![(from, Link::To(label)), (to, Link::To(None))]))
            }
            None => {
                let words = clean(head.trim_start_matches("Note ").trim_start_matches(['+', '-', '#', '~']));
                self.lines.push(Line::Text(match label {
                    Some(label) => format!("{words}: {label}"),
                    None => words,
                }));
            }
        }
    }

    fn render(&self) -> String {
        let mut text = String::new();
        let mut listed: Vec<&str> = Vec::new();
        for line in &self.lines {
            match line {
                Line::Group(title) => {
                    if !text.is_empty() {
                        text.push('\n');
                    }
                    let _ = writeln!(text, "{title}:\n");
                }
                Line::Path(path) => self.render_path(path, &mut listed, &mut text),
                Line::Text(words) if words.trim().is_empty() => {}
                Line::Text(words) => {
                    let _ = writeln!(text, "- {words}");
                }
            }
        }
        text
    }

    fn render_path<'a>(&'a self, path: &'a [(String, Link)], listed: &mut Vec<&'a str>, text: &mut String) {
        let label = |name: &'a str| self.labels.get(name).map_or(name, String::as_str);
        let labels: Vec<&str> = path.iter().map(|(name, _)| label(name)).collect();
        // Skips nodes that are already listed, and paths of one-letter names.
        let nameless = labels.iter().all(|label| label.chars().count() < 2);
        if nameless || (labels.len() == 1 && listed.contains(&labels[0])) {
            return;
        }
        text.push_str("- ");
        for (at, (label, (_, edge))) in labels.iter().zip(path).enumerate() {
            text.push_str(label);
            if at + 1 < labels.len() {
                match edge {
                    Link::To(Some(edge)) => {
                        let _ = write!(text, " → {edge} → ");
                    }
                    Link::To(None) => text.push_str(" → "),
                    Link::And => text.push_str(", "),
                }
            }
            listed.push(label);
        }
        text.push('\n');
    }
}

/// `Types`, `one["Types of cells"]`, `"Types"`.
fn subgraph_title(rest: &str) -> String {
    match node(rest) {
        Some((_, Some(label), _)) => clean(label),
        _ => clean(rest),
    }
}

/// Parses the node at the beginning of `text`. Returns its name, its label and the rest.
fn node(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let text = text.trim_start().trim_start_matches('&').trim_start();
    let end = text
        .char_indices()
        .find(|(at, c)| {
            !(c.is_alphanumeric() || matches!(c, '_' | '.' | ':') || is_inner_dash(text, *at, *c))
        })
        .map_or(text.len(), |(at, _)| at);
    if end == 0 {
        return None;
    }
    let (name, rest) = text.split_at(end);
    let name = name.split(":::").next().unwrap_or(name);
    let Some((label, rest)) = shape(rest) else {
        return Some((name, None, rest));
    };
    // `A[label]:::class`
    let rest = rest.trim_start_matches(|c: char| c == ':' || c.is_alphanumeric() || c == '_');
    Some((name, Some(label), rest))
}

/// Whether a dash is part of a name (`my-node`), not of an edge (`a-->b`, `a---b`).
fn is_inner_dash(text: &str, at: usize, c: char) -> bool {
    c == '-'
        && at > 0
        && text[at + 1..].starts_with(|next: char| next.is_alphanumeric())
        && !text[..at].ends_with('-')
}

/// Parses the brackets of a node. Returns the label in them and the rest.
fn shape(text: &str) -> Option<(&str, &str)> {
    let open = text.chars().next().filter(|c| matches!(c, '[' | '(' | '{' | '>'))?;
    let inner = text.trim_start_matches(['[', '(', '{', '>', '/', '\\']);
    if let Some(quoted) = inner.strip_prefix('"') {
        let (label, rest) = quoted.split_once('"')?;
        return Some((label, rest.trim_start_matches([']', ')', '}', '/', '\\'])));
    }
    let close = match open {
        '(' => ')',
        '{' => '}',
        _ => ']',
    };
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                // `([round])`, `{{six}}`: strips the same number of brackets at both ends.
                let mut label = text[1..at].trim_start_matches('>');
                for (open, close) in [('[', ']'), ('(', ')'), ('{', '}'), ('/', '/'), ('\\', '\\')] {
                    let bare = label.strip_prefix(open).and_then(|label| label.strip_suffix(close));
                    label = bare.unwrap_or(label);
                }
                return Some((label, &text[at + c.len_utf8()..]));
            }
        }
    }
    None
}

/// Parses the edge at the beginning of `text`. Returns its label and the rest.
fn edge(text: &str) -> (Option<&str>, &str) {
    let text = text.trim_start();
    let signs = ['-', '=', '.', '<', '>', '~'];
    let after = text.trim_start_matches(signs);
    if after.len() == text.len() {
        return (None, text);
    }
    let sign = &text[..text.len() - after.len()];
    // An edge that ends in a circle or a cross: `A --o B`.
    let after = match after.strip_prefix(['o', 'x']) {
        Some(rest) if rest.starts_with(' ') => rest,
        _ => after,
    };
    let trimmed = after.trim_start();
    if let Some(inner) = trimmed.strip_prefix('|') {
        return inner.split_once('|').map_or((None, ""), |(label, rest)| (Some(label), rest));
    }
    // `A -- label --> B`: the first part has no arrowhead, and a second part follows.
    if !sign.contains('>') && sign.len() == 2 {
        let close = ["-->", "==>", ".->", "---", "==="].iter().filter_map(|sign| after.find(sign)).min();
        if let Some(at) = close {
            let rest = after[at..].trim_start_matches(signs);
            return (Some(after[..at].trim_matches(['.', ' '])), rest);
        }
    }
    (None, after)
}

/// The names on both sides of an arrow, in any kind of diagram: `A->>B`, `A <|-- B`, `A ||--o{ B`.
fn between_arrows(text: &str) -> Option<(String, String)> {
    let is_arrow = |c: char| "-<>|=.*o{}+)x".contains(c);
    let at = ["--", "->", "..", "=>"].iter().filter_map(|arrow| text.find(arrow)).min()?;
    let from = text[..at].trim_end_matches(|c: char| is_arrow(c) && c != 'o' && c != 'x' || c == ' ');
    let from = from.strip_suffix(" }o").or_else(|| from.strip_suffix(" |o")).unwrap_or(from);
    let to = text[at..].trim_start_matches(|c: char| "-<>|=.*{}+)".contains(c));
    // `--o{`, `--x`
    let to = to.strip_prefix(['o', 'x']).filter(|rest| rest.starts_with(['{', '|', ' '])).unwrap_or(to);
    let to = to.trim_start_matches(['{', '|', '>', '+', '-', ' ']);
    let (from, to) = (clean(from), clean(to));
    (!from.is_empty() && !to.is_empty()).then_some((from, to))
}

/// Removes quotes, line breaks and tags from a label.
fn clean(label: &str) -> String {
    let mut text = label.trim().trim_matches(['"', '`']).to_owned();
    for line_break in ["<br>", "<br/>", "<br />", "\\n", "<BR>"] {
        text = text.replace(line_break, " ");
    }
    for tag in ["<b>", "</b>", "<i>", "</i>", "<strong>", "</strong>", "<em>", "</em>", "**"] {
        text = text.replace(tag, "");
    }
    for (entity, sign) in [
        ("#quot;", "\""),
        ("&quot;", "\""),
        ("#lt;", "<"),
        ("&lt;", "<"),
        ("#gt;", ">"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, sign);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares the lines of the text, joined with `|`. Empty lines are left out.
    #[track_caller]
    fn check(source: &str, expected: &str) {
        let readable = readable(source);
        let lines: Vec<&str> = readable.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.join("|"), expected, "{source}");
    }

    #[test]
    fn flowcharts_become_paths() {
        check(
            "graph TD\n subgraph \"Kinds of rope\"\n  A[Twisted<br>rope] --> B[\"Hemp<T>\"]\n  C{Dry?}\n end\n A --> C\n style A fill:#fff",
            "Kinds of rope:|- Twisted rope → Hemp<T>|- Dry?|- Twisted rope → Dry?",
        );
        check(
            "flowchart LR\nA-->|wet|B[Rots]\nB -- in time --> C((Gone))",
            "- A → wet → Rots|- Rots → in time → Gone",
        );
        check("graph LR; A[one]-->B[two]-->C(three)", "");
        check("graph LR\nA[one]-->B[two] --> C(three) & D[four];", "- one → two → three, four");
    }

    #[test]
    fn a_label_may_come_after_the_first_use_of_its_node() {
        check("graph TD\nA --> B\nA[First]\nB[Second]", "- First → Second");
        check("graph TD\nA --> B", "");
        check("graph TD\nopen --> shut", "- open → shut");
    }

    #[test]
    fn brackets_within_labels_are_kept() {
        check("graph TD\nH[upgrade() → Option<Rc<T>>]", "- upgrade() → Option<Rc<T>>");
        check(
            "graph TD\nA([round]) --> B[(store)] --> C{{six}} --> D[/lean/]",
            "- round → store → six → lean",
        );
        check("graph TD\nA(call(x))", "- call(x)");
    }

    #[test]
    fn other_kinds_of_diagrams() {
        check(
            "sequenceDiagram\nparticipant C as Client\nC->>S: ask\nS-->>C: answer\nNote over C: waits",
            "- Client → ask → S|- S → answer → Client|- over C: waits",
        );
        check("stateDiagram-v2\n[*] --> Idle\nIdle --> Busy: work", "- [*] → Idle|- Idle → work → Busy");
        check(
            "classDiagram\nShape <|-- Circle\nclass Circle {\n +area() f64\n}",
            "- Shape → Circle|Circle:|- area() f64",
        );
        check("erDiagram\nBOOK ||--o{ PAGE : has", "- BOOK → has → PAGE");
        check("pie title Ropes\n\"Hemp\" : 42", "Ropes:|- Hemp: 42");
    }

    #[test]
    fn only_diagrams_are_replaced() {
        assert_eq!(
            replace_diagrams(
                "Before.\n\n```mermaid\ngraph TD\nA[One] --> B[Two]\n```\n\n```rust\nmermaid();\n```"
            ),
            "Before.\n\n- One → Two\n\n```rust\nmermaid();\n```"
        );
        assert!(matches!(replace_diagrams("plain"), Cow::Borrowed("plain")));
        assert_eq!(replace_diagrams("```mermaid\ngraph TD\nA[One]"), "- One");
    }

    #[test]
    fn no_input_panics() {
        proptest::proptest!(|(source in r#"(graph TD|sequenceDiagram|er)\n([A-Ca\[\](){}<>|."&;: \-=~\né]|-->|subgraph |--o\{){0,80}"#)| {
            readable(&source);
        });
    }
}
