//! Titles without numbers, labels and signs around them.

use super::question_line::{labelled_question, numbered_title, split_level};
use crate::read::line::one_line;

/// Signs around a title: folds show one that turns, links to the top and to the heading itself show arrows and paragraph
/// signs. The last two are invisible parts of emoji.
const SIGNS: &str = "▶▸▼►›»⬆↥↑🔝¶🔗\u{fe0f}\u{200d}";

/// Emoji and stars that mark how hard a question is, and the invisible parts of emoji.
const LEVEL_MARKS: &str = "⭐★☆🌟👶🚀🔥💡🟢🟡🟠🔴🧠👨🎓💪\u{fe0f}\u{200d}";

/// A title without its number or label, and the level at its end.
pub fn clean_title(text: &str) -> (String, Option<String>) {
    let mut title = text;
    // `12. Q. What`, `Q. 12) What`
    for _ in 0..2 {
        if let Some(item) = numbered_title(title) {
            title = item.title;
        }
        if let Some(label) = labelled_question(title).filter(|label| !label.is_empty()) {
            title = label;
        }
    }
    // `{#anchor}` names the heading for links.
    if let Some((before, _)) = title.split_once(" {#") {
        title = before;
    }
    let (title, emoji) = split_emoji(title);
    let (title, level) = split_level(title);
    (trimmed_title(title), level.map(str::to_owned).or(emoji))
}

/// A title without the signs that a page shows around it.
pub fn trimmed_title(title: &str) -> String {
    let is_sign = |c: char| c.is_whitespace() || SIGNS.contains(c);
    let title = title.trim_matches(is_sign).trim_end_matches(" +").trim_matches('*').trim();
    one_line(title)
}

/// Emoji and stars at the end of a title mark how hard a question is.
pub fn split_emoji(title: &str) -> (&str, Option<String>) {
    let bare = title.trim_end_matches(|c: char| LEVEL_MARKS.contains(c) || c.is_whitespace());
    let marks: String = title[bare.len()..]
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '\u{fe0f}' | '\u{200d}'))
        .collect();
    let level = match marks.as_str() {
        "" => return (title, None),
        "🟢" => "Easy".to_owned(),
        "🟡" | "🟠" => "Medium".to_owned(),
        "🔴" => "Hard".to_owned(),
        _ => marks,
    };
    (bare, Some(level))
}

/// A section's title without links to the top and the anchor signs around it.
pub fn section_title(text: &str) -> String {
    let bare = text.trim_start_matches(|c: char| {
        !c.is_alphanumeric() && !matches!(c, '`' | '"' | '<' | '.' | '#' | '(' | '¿')
    });
    let bare = if text.starts_with(['[', '⬆', '↑', '↥']) { bare } else { text };
    trimmed_title(bare.trim_start_matches(['#', ' '])).trim_end_matches(':').to_owned()
}
