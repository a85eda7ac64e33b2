//! What a page holds beside its questions: adverts, buttons, footers.

/// Lines that are buttons or counters wherever they stand.
const BUTTONS: [&str; 29] = [
    "show answer",
    "hide answer",
    "view answer",
    "see answer",
    "reveal answer",
    "answer",
    "copy",
    "copied",
    "copied!",
    "copy code",
    "read more",
    "show more",
    "load more",
    "share",
    "share this",
    "save",
    "bookmark",
    "print",
    "edit",
    "reply",
    "report",
    "like",
    "upvote",
    "downvote",
    "advertisement",
    "sponsored",
    "ad",
    "back to top",
    "user check",
];

/// Words that begin the line a footer begins with.
const FOOTERS: [&str; 40] = [
    "get ",
    "find ",
    "explore ",
    "browse ",
    "join ",
    "book ",
    "sign up",
    "subscribe",
    "related ",
    "share ",
    "follow ",
    "complete your",
    "ready to",
    "about the author",
    "about us",
    "more ",
    "next:",
    "next article",
    "next steps",
    "previous",
    "still ",
    "download ",
    "contact",
    "frequently asked",
    "faq",
    "©",
    "copyright",
    "privacy",
    "terms",
    "newsletter",
    "read more",
    "read next",
    "see also",
    "further reading",
    "conclusion",
    "summary",
    "or browse",
    "references",
    "start matching",
    "comments",
];

/// Whether a line is a button or a counter (`3 / 10`, `0 / 5 completed`, `12 votes`).
pub fn is_button(line: &str) -> bool {
    let line = line.trim();
    let plain = line.to_lowercase();
    BUTTONS.contains(&plain.as_str()) || is_progress(&plain)
}

/// `3 / 10`, `3 of 10`, `0/5 completed`.
fn is_progress(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let Some(rest) = rest.trim_start().strip_prefix('/').or_else(|| rest.strip_prefix(" of ")) else {
        return false;
    };
    let rest = rest.trim_start();
    let words = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < line.len()
        && words.len() < rest.len()
        && matches!(words.trim(), "" | "completed" | "answered" | "done" | "questions")
}

/// Whether a line counts the questions of a section: `8 questions`.
pub fn is_question_count(line: &str) -> bool {
    let line = line.trim().trim_matches(['(', ')', '~']).to_lowercase();
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < line.len()
        && matches!(rest.trim(), "questions" | "question" | "q&as" | "items" | "exercises" | "q&a")
}

/// The title of a section that counts its own questions: `Joins (3)`, `Joins (3 questions)`.
pub fn counted_heading(line: &str) -> Option<&str> {
    let (title, count) = line.trim().strip_suffix(')')?.rsplit_once('(')?;
    let count = count.trim_end_matches(|c: char| c.is_alphabetic() || c == ' ' || c == '&');
    let counts = !count.is_empty() && count.len() <= 3 && count.bytes().all(|b| b.is_ascii_digit());
    let title = title.trim_end();
    (counts && is_heading_like(title)).then_some(title)
}

/// Whether a line asks whether an answer was any good; what follows are buttons.
fn asks_for_applause(line: &str) -> bool {
    let plain = line.trim().to_lowercase();
    plain.starts_with("was this ") && plain.contains("helpful") || plain.starts_with("did this answer")
}

/// Whether a line could be the title of a section: short, one line, no sentence.
pub fn is_heading_like(line: &str) -> bool {
    let line = line.trim();
    let words = line.split_whitespace().count();
    (1..=8).contains(&words)
        && line.chars().count() <= 70
        && line.starts_with(|c: char| c.is_uppercase() || c.is_numeric() || !c.is_ascii())
        && !line.ends_with(['.', ',', ';', ':', '?', '!', '{', '}', '(', ')', '=', '>', ']'])
        && !line.contains(['{', '}', ';', '=', '`', '"'])
        && !line.contains("//")
        && !line.contains("::")
        && !line.starts_with(['•', '-', '*', '#', '/'])
}

/// Whether an answer's line is where the page's footer begins.
pub fn begins_footer(line: &str) -> bool {
    let plain = line.trim().to_lowercase();
    plain.chars().count() <= 80
        && !plain.ends_with([':', ';', '{', '}', ','])
        && FOOTERS.iter().any(|words| plain.starts_with(words) || plain == words.trim())
}

/// An answer's lines without furniture around and between them.
///
/// Blocks that begin with a line the page repeats (`repeated`) end where prose goes on; blank lines
/// at both ends go.
pub fn cleaned(lines: &[String], repeated: impl Fn(&str) -> bool) -> String {
    let end = lines.iter().position(|line| asks_for_applause(line)).unwrap_or(lines.len());
    let kept: Vec<&str> =
        lines[..end].iter().map(String::as_str).filter(|line| !is_button(line) && !repeated(line)).collect();
    let from = kept.iter().position(|line| !line.trim().is_empty()).unwrap_or(kept.len());
    let to = kept.iter().rposition(|line| !line.trim().is_empty()).map_or(from, |at| at + 1);
    let mut text = String::new();
    let mut blank = 0;
    for line in &kept[from..to] {
        if line.trim().is_empty() {
            blank += 1;
            // What was taken away leaves no hole behind.
            if blank > 1 {
                continue;
            }
        } else {
            blank = 0;
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_and_counters_are_furniture() {
        for line in ["Show answer", "1 / 5", "0 / 5 completed", "3 of 10", "  Copy "] {
            assert!(is_button(line), "{line:?}");
        }
        for line in ["Copy the file.", "1 / 5 of the cake", "and/or", "/", "1 /"] {
            assert!(!is_button(line), "{line:?}");
        }
    }

    #[test]
    fn sections_count_their_questions() {
        assert!(is_question_count("8 questions") && is_question_count("(12 Questions)"));
        assert!(!is_question_count("questions") && !is_question_count("8 hard questions"));
    }

    #[test]
    fn a_heading_may_count_its_own_questions() {
        assert_eq!(counted_heading("Joins (3)"), Some("Joins"));
        assert_eq!(counted_heading("Joins (12 questions)"), Some("Joins"));
        assert_eq!(counted_heading("Joins (inner)"), None);
    }

    #[test]
    fn what_follows_a_plea_for_applause_is_no_answer() {
        let lines = ["It is.", "Was this helpful?", "Yes", "No"].map(str::to_owned);
        assert_eq!(cleaned(&lines, |_| false), "It is.");
    }

    #[test]
    fn headings_are_short_and_no_sentences() {
        for line in ["Lifetimes", "Ownership & Borrowing", "AI / ML with Rust"] {
            assert!(is_heading_like(line), "{line:?}");
        }
        for line in ["}", "let x = 1;", "It ends here.", "• point", "use std::fmt", ""] {
            assert!(!is_heading_like(line), "{line:?}");
        }
    }
}
