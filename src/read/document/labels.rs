//! Lines that say something about a question: `**Level**: senior · **Tags**: a, b`.

use super::words;
use crate::question::Question;
use crate::read::date;

/// Headings and labels that introduce an answer's parts, not a question or a section.
const PARTS: &str = "answers|solution|explanation|example|examples|code|code example|example code|\
    short answer|long answer|detailed answer|show answer|view answer|click to expand|\
    click to see the answer|reveal answer|see answer|output|response";

/// [`is_answer_label`] with nothing behind the label.
pub fn is_bare_answer_label(text: &str) -> bool {
    is_answer_label(text) && text.split_once([':', '：']).is_none_or(|(_, rest)| rest.trim().is_empty())
}

/// Labels that go, besides [`words::ANSWER_LABELS`]: what stands behind them is the answer's beginning.
const PLAIN_LABELS: [&str; 3] = ["explanation", "solution", "response"];

/// Whether a heading or a `<summary>` only says that an answer follows (`Answer`, `Answer: B`).
pub fn is_answer_label(text: &str) -> bool {
    let label = text.split([':', '：']).next().unwrap_or_default();
    let plain = label.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    PARTS.split('|').any(|part| part == plain)
        || words::ANSWER_LABELS.iter().any(|known| words::same_word(known, &plain))
}

/// A line without the label that says that it is an answer: `**Answer:** It …` → `It …`.
pub fn without_label(line: &str) -> &str {
    let text = line.trim_start_matches(['*', '_', '>', ' ', '#']);
    let marked = text.len() < line.trim_start().len();
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let (label, rest) = text.split_at(end);
    let mut known = PLAIN_LABELS.iter().chain(&words::ANSWER_LABELS);
    if !known.any(|known| words::same_word(known, label)) {
        return line;
    }
    let after = rest.trim_start_matches(['*', '_', ':', '：', ' ', '.']);
    let sign = &rest[..rest.len() - after.len()];
    let ends = sign.contains([':', '：']) || (marked && after.is_empty());
    if ends { after } else { line }
}

/// Front matter's `title:`, which may be a question.
pub fn front_matter_title(line: &str) -> Option<&str> {
    let (key, value) = line.split_once(':')?;
    let is_title = ["title", "question"].iter().any(|known| known.eq_ignore_ascii_case(key.trim()));
    let value = value.trim().trim_matches(['"', '\'']);
    (is_title && !value.is_empty()).then_some(value)
}

/// Takes what a line says about `question`; false where it says nothing.
///
/// A line may hold several pairs with `·` or `|` between. Known keys need no emphasis; others do,
/// and a short value, else they are an answer's words.
pub fn take(line: &str, question: &mut Question) -> bool {
    let line = line.trim().trim_start_matches(['>', '-', '+', ' ']);
    let line = line.strip_prefix("* ").unwrap_or(line);
    // A sign without space around it is part of a value.
    let mut pieces = vec![line];
    for sign in [" · ", " | ", " • "] {
        pieces = pieces.into_iter().flat_map(|piece| piece.split(sign)).collect();
    }
    let pairs: Option<Vec<(Key<'_>, &str)>> =
        pieces.into_iter().filter(|piece| !piece.trim().is_empty()).map(pair).collect();
    match pairs {
        Some(pairs) if !pairs.is_empty() => {
            for (key, value) in pairs {
                assign(question, key, value);
            }
            true
        }
        _ => false,
    }
}

/// A longer value of front matter is left out, in bytes. It would be repeated with every question.
const LONGEST_COMMON: usize = 1000;

/// Takes one line of front matter.
pub fn take_front_matter(line: &str, question: &mut Question) {
    if front_matter_title(line).is_some() {
        return;
    }
    if let Some((name, value)) = line.split_once(':') {
        let value = value.trim().trim_matches(['"', '\'', '[', ']']);
        let fits = !value.is_empty() && value.len() <= LONGEST_COMMON;
        if let Some(key) = Key::known(name.trim()).filter(|_| fits) {
            assign(question, key, value);
            for list in [&mut question.tags, &mut question.also] {
                let mut bytes = 0;
                list.retain(|item| {
                    bytes += item.len();
                    bytes <= LONGEST_COMMON
                });
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key<'a> {
    Level,
    Tags,
    Also,
    Id,
    Url,
    Score,
    Section,
    Date,
    Other(&'a str),
}

impl<'a> Key<'a> {
    fn known(name: &str) -> Option<Self> {
        Some(match name.to_lowercase().as_str() {
            "level" | "difficulty" | "seniority" | "difficulty level" => Key::Level,
            "tags" | "tag" | "topics" | "topic" | "keywords" | "labels" => Key::Tags,
            "also asked" | "aka" | "also" | "aliases" | "also known as" | "other ways to ask" => Key::Also,
            "id" | "_id" | "key" => Key::Id,
            "url" | "link" | "permalink" => Key::Url,
            "score" | "votes" | "rating" => Key::Score,
            "category" | "section" | "categories" => Key::Section,
            "date" | "updated" | "last updated" | "last modified" | "lastmod" | "last_modified" => Key::Date,
            _ => return None,
        })
    }
}

/// `**Key**: value`, `**Key:** value`, `*Key: value*`, `Key: value`.
fn pair(piece: &str) -> Option<(Key<'_>, &str)> {
    let piece = piece.trim();
    let bold = piece.starts_with("**") || piece.starts_with("__");
    let signs = ['*', '_', '`', ' '];
    let (name, value) = piece.split_once(':')?;
    let (name, value) = (name.trim_matches(signs), value.trim_start_matches(signs));
    let value = if piece.ends_with(['*', '_', '`']) { value.trim_end_matches(signs) } else { value };
    let value = value.trim();
    if value.is_empty() {
        return None;
    }
    if let Some(key) = Key::known(name) {
        // A level is a word or two; a sentence that begins `Level:` is an answer.
        let fits = match key {
            Key::Level => value.split_whitespace().count() <= 4,
            Key::Date => date::normalized(value).is_some(),
            _ => true,
        };
        return fits.then_some((key, value));
    }
    let name_fits = !name.is_empty() && name.split_whitespace().count() <= 3 && !is_answer_label(name);
    let words = value.split_whitespace().count();
    let value_fits = words <= 3 && !value.ends_with(['.', ':', '?', ';', ',']) && !value.contains('`');
    (bold && name_fits && value_fits).then_some((Key::Other(name), value))
}

fn assign(question: &mut Question, key: Key<'_>, value: &str) {
    let list = |separators: &[char]| {
        value
            .split(|c| separators.contains(&c))
            .map(|part| part.trim().trim_matches(['`', '#', '"', '\'']).to_owned())
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
    };
    match key {
        Key::Level => question.level = Some(value.to_owned()),
        Key::Tags => question.tags.extend(list(&[',', ';'])),
        Key::Also => question.also.extend(list(&[';'])),
        Key::Id => question.key = Some(value.to_owned()),
        Key::Url => question.url = Some(value.trim_matches(['<', '>']).to_owned()),
        Key::Section => question.section = Some(value.to_owned()),
        Key::Date => question.date = date::normalized(value).or(question.date.take()),
        Key::Score => match value.parse() {
            Ok(score) => question.score = Some(score),
            Err(_) => {
                question.fields.insert("score".to_owned(), value.to_owned());
            }
        },
        Key::Other(name) => {
            question.fields.insert(name.to_lowercase(), value.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(line: &str) -> Option<Question> {
        let mut question = Question::default();
        take(line, &mut question).then_some(question)
    }

    #[test]
    fn known_keys_fill_their_fields() {
        let question =
            taken("**Level**: senior · **Tags**: drop, E0040 · **Also asked**: who frees it; when").unwrap();
        assert_eq!(question.level.as_deref(), Some("senior"));
        assert_eq!(question.tags, ["drop", "E0040"]);
        assert_eq!(question.also, ["who frees it", "when"]);
        assert_eq!(taken("**Also asked**: use || here; a|b").unwrap().also, ["use || here", "a|b"]);
        assert_eq!(taken("*Difficulty: Easy*").unwrap().level.as_deref(), Some("Easy"));
        assert_eq!(taken("> Difficulty: Hard").unwrap().level.as_deref(), Some("Hard"));
        assert_eq!(taken("- **Score:** 4.5").unwrap().score, Some(4.5));
    }

    #[test]
    fn other_keys_are_kept_by_name() {
        assert_eq!(taken("**Probability**: 92").unwrap().fields["probability"], "92");
        assert_eq!(taken("**Asked At:** Initech").unwrap().fields["asked at"], "Initech");
    }

    #[test]
    fn an_answer_is_no_metadata() {
        for line in [
            "**Answer**: 92",
            "**Note**: it depends on what you do.",
            "Probability: 92",
            "Level: it is a matter of taste and of what you want",
            "It is `a: b`.",
            "",
            "**Strategy**:",
        ] {
            assert_eq!(taken(line), None, "{line:?}");
        }
    }

    #[test]
    fn labels_before_answers_go() {
        assert_eq!(without_label("**Answer:** It is."), "It is.");
        assert_eq!(without_label("**Answer**: It is."), "It is.");
        assert_eq!(without_label("A: It is."), "It is.");
        assert_eq!(without_label("> **Answer**"), "");
        assert_eq!(without_label("A thing."), "A thing.");
        assert_eq!(without_label("Answer the phone."), "Answer the phone.");
        assert_eq!(without_label("*A*nswer"), "*A*nswer");
    }
}
