//! What elements and their classes mean.

use crate::read::document::Kind;

/// Elements that are part of a line of text. All others begin and end lines.
pub const INLINE: [&str; 40] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em",
    "font", "i", "img", "input", "ins", "kbd", "label", "mark", "meta", "q", "s", "samp", "small", "span",
    "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "link", "picture", "source",
];

/// Elements whose content is not text of the page.
pub const SILENT: [&str; 9] =
    ["script", "style", "noscript", "template", "svg", "nav", "form", "iframe", "title"];

/// `faq-question`, `question-title`, but not the box around a question and its answer.
pub fn is_question_class(class: &str) -> bool {
    let class = class.to_lowercase();
    let words: Vec<&str> = class.split(['-', '_']).collect();
    let last = words.last().copied().unwrap_or_default();
    let is_box = matches!(
        last,
        "item" | "items" | "wrapper" | "container" | "block" | "list" | "box" | "answer" | "answers"
    );
    words.contains(&"question") && !is_box || class == "accordion-header" || class == "faq-q" || class == "q"
}

/// Whether a title begins although the one that is open has not ended: its end tag was forgotten.
pub fn begins_another(open: &str, name: &str, kind: Option<Kind>) -> bool {
    match (open, kind) {
        ("dt", _) => matches!(name, "dt" | "dd"),
        (open, Some(Kind::Heading(_) | Kind::Term | Kind::Summary)) => open.starts_with('h'),
        _ => false,
    }
}

/// The language that a class of `<code>` names.
pub fn language_of(class: &str) -> String {
    let found = class.split_whitespace().find_map(|class| {
        ["language-", "lang-", "highlight-source-", "brush:"]
            .into_iter()
            .find_map(|prefix| class.strip_prefix(prefix))
    });
    found
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, '+' | '#' | '-'))
        .collect()
}
