//! One line that may be a question: `12. How …`, `12How …`, `- 4How …?Senior`, `Q: …`.

use super::words::{ANSWER_LABELS, ASKING, ASKING_AT_END, ASKING_WITHIN, QUESTION_LABELS, same_word};

/// How a page marks its questions. A page keeps to one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Style {
    /// A list's bullet stands before the number.
    pub bullet: bool,
    /// `Q` or `Question` precedes the number.
    pub word: bool,
    /// White space stands before it all.
    pub indented: bool,
    /// What stands after the number.
    pub separator: Separator,
}

/// What stands between a number and the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Separator {
    /// `12. How`
    Dot,
    /// `12) How`
    Parenthesis,
    /// `12: How`, `12 - How`
    Colon,
    /// `12 How`
    Space,
    /// `12How`: the number was in an element of its own.
    Glued,
    /// The number is alone on its line; the question is on the next one.
    Alone,
}

/// A numbered line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// How it is marked.
    pub style: Style,
    /// Its number.
    pub number: u32,
    /// What stands behind the number; empty with [`Separator::Alone`].
    pub title: &'a str,
}

/// The longest title, in bytes: longer numbered lines are paragraphs.
const LONGEST_TITLE: usize = 400;

/// Takes a numbered line apart; `None` for any other line.
pub fn numbered(line: &str) -> Option<Item<'_>> {
    let rest = line.trim_start();
    let indented = rest.len() < line.len();
    let unbulleted = strip_bullet(rest);
    let bullet = unbulleted.is_some();
    let rest = unbulleted.unwrap_or(rest);
    let unworded = strip_word(rest);
    // `#12` is a number like any other.
    let word = unworded.is_some() && !rest.starts_with('#');
    let rest = unworded.unwrap_or(rest);
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 || digits > 4 {
        return None;
    }
    let number: u32 = rest[..digits].parse().ok()?;
    // `17a.` follows `17.`
    let is_letter = |text: &str| {
        let mut chars = text.chars();
        chars.next().is_some_and(|c| c.is_ascii_lowercase()) && matches!(chars.next(), Some('.' | ')' | ':'))
    };
    let digits = digits + usize::from(is_letter(&rest[digits..]));
    let (separator, title) = separated(&rest[digits..])?;
    let title = title.trim();
    let fits = match separator {
        Separator::Alone => !bullet,
        // Without a sign between, a number and a word are a question only if the word begins one.
        Separator::Glued | Separator::Space => title.starts_with(begins_title),
        Separator::Dot | Separator::Parenthesis | Separator::Colon => !title.is_empty(),
    };
    let style = Style { bullet, word, indented, separator };
    (fits && number > 0 && title.len() <= LONGEST_TITLE).then_some(Item { style, number, title })
}

/// The number of a title, if something more than white space follows it.
pub fn numbered_title(text: &str) -> Option<Item<'_>> {
    if let Some(item) = dotted(text) {
        return Some(item);
    }
    let item = numbered(text).filter(|item| !item.style.bullet && !item.title.is_empty())?;
    let sign = matches!(item.style.separator, Separator::Dot | Separator::Parenthesis | Separator::Colon);
    (sign || item.style.word).then_some(item)
}

/// Takes the title of a subsection apart: `2.3 Why wax?`. The number is the last one.
pub fn dotted(title: &str) -> Option<Item<'_>> {
    let (number, rest) = title.split_once(' ')?;
    let mut parts = number.trim_end_matches('.').split('.').rev();
    let last: u32 = parts.next()?.parse().ok()?;
    let is_number = |part: &str| part.len() <= 3 && part.parse::<u32>().is_ok();
    // `2.0 is here` names a version.
    let is_dotted = last > 0 && last < 1000 && parts.clone().next().is_some() && parts.all(is_number);
    let title = rest.trim();
    let style = Style { bullet: false, word: false, indented: false, separator: Separator::Dot };
    (is_dotted && title.starts_with(begins_title)).then_some(Item { style, number: last, title })
}

fn strip_bullet(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(['-', '*', '•', '·', '–', '▪', '◦', '‣'])?;
    rest.starts_with([' ', '\t']).then(|| rest.trim_start())
}

fn strip_word(text: &str) -> Option<&str> {
    ["Question", "QUESTION", "question", "Q.", "Q", "q", "#"].into_iter().find_map(|word| {
        let rest = text.strip_prefix(word)?;
        let rest = rest.trim_start_matches(['#', ' ']);
        rest.starts_with(|c: char| c.is_ascii_digit()).then_some(rest)
    })
}

fn separated(rest: &str) -> Option<(Separator, &str)> {
    // `Question 3 of 10`
    let rest =
        rest.strip_prefix(" of ").filter(|all| all.bytes().all(|b| b.is_ascii_digit())).map_or(rest, |_| "");
    let Some(first) = rest.chars().next() else {
        return Some((Separator::Alone, rest));
    };
    let after = &rest[first.len_utf8()..];
    let spaced = after.is_empty() || after.starts_with(char::is_whitespace);
    match first {
        '.' if after.trim().is_empty() => Some((Separator::Alone, "")),
        // `1.5` and `3.x` are no numbered lines.
        '.' if spaced || after.starts_with(begins_title) => Some((Separator::Dot, after)),
        ')' => Some((Separator::Parenthesis, after)),
        ':' if spaced => Some((Separator::Colon, after)),
        c if c.is_whitespace() => {
            let rest = rest.trim_start();
            match rest.strip_prefix(['-', '–', '—', '|']) {
                Some(after) if after.starts_with(' ') => Some((Separator::Colon, after)),
                _ => Some((Separator::Space, rest)),
            }
        }
        c if begins_title(c) => Some((Separator::Glued, rest)),
        _ => None,
    }
}

/// Whether a title may begin with this character when nothing else says that it is one.
fn begins_title(c: char) -> bool {
    c.is_uppercase()
        || matches!(c, '`' | '"' | '“' | '‘' | '\'' | '¿' | '[' | '&' | '#')
        || (c.is_alphabetic() && !c.is_lowercase())
}

/// Words for how hard a question is, as pages glue them to its end.
const LEVELS: [&str; 17] = [
    "Beginner",
    "Junior",
    "Entry-level",
    "Entry",
    "Easy",
    "Basic",
    "Mid-level",
    "Mid",
    "Medium",
    "Intermediate",
    "Advanced",
    "Senior",
    "Hard",
    "Expert",
    "Staff",
    "Principal",
    "Lead",
];

/// A line that says how hard a question is, and nothing else.
pub fn level_alone(line: &str) -> Option<&'static str> {
    let word = line.trim().trim_matches(['(', ')', '[', ']']);
    LEVELS.into_iter().find(|level| level.eq_ignore_ascii_case(word))
}

/// A title and the level glued to its end: `How …?Senior`, `Question 5 (Free)Intermediate`; in
/// brackets or behind a bar it may stand apart. A level that is the sentence's own last word (`… for
/// a Senior`) stays.
pub fn split_level(title: &str) -> (&str, Option<&'static str>) {
    let bare = title.trim_end().trim_end_matches([')', ']']).trim_end();
    let bracketed = bare.len() < title.trim_end().len();
    for level in LEVELS {
        let Some(before) = strip_suffix_ignore_case(bare, level) else {
            continue;
        };
        if bracketed {
            if let Some(before) = before.strip_suffix(['(', '[']) {
                return (before.trim_end(), Some(level));
            }
            continue;
        }
        let glued =
            before.chars().next_back().is_some_and(|c| !c.is_alphabetic() && !c.is_whitespace() && c != '-');
        let is_behind_bar = before.trim_end().ends_with(['|', '·', '•']);
        let capital = bare[before.len()..].starts_with(char::is_uppercase);
        if (glued || is_behind_bar) && capital {
            return (before.trim_end_matches(['|', '·', '•', '–', '—', ' ']), Some(level));
        }
    }
    (title.trim_end(), None)
}

fn strip_suffix_ignore_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    let end = text.get(at..)?;
    end.eq_ignore_ascii_case(suffix).then(|| &text[..at])
}

/// Whether a line ends in a question mark, quotes, brackets and emphasis around it aside.
pub fn ends_asking(title: &str) -> bool {
    title.trim_end_matches(['"', '”', '\'', '’', ')', '*', '_', ' ']).ends_with(['?', '？', '؟'])
}

/// Whether a line reads as a question or as an order to explain something.
pub fn is_question_like(title: &str) -> bool {
    if ends_asking(title) {
        return true;
    }
    let first =
        title.trim_start_matches(|c: char| !c.is_alphanumeric()).split(|c: char| !c.is_alphanumeric()).next();
    let begins = first.is_some_and(|first| {
        let first = first.to_lowercase();
        ASKING.iter().flat_map(|words| words.iter()).any(|word| *word == first)
    });
    begins && title.split_whitespace().nth(2).is_some() || !title.is_ascii() && asks_without_mark(title)
}

/// Whether a line is a question in a language that needs no question mark.
fn asks_without_mark(title: &str) -> bool {
    let is_thai_mark = |c: char| ('\u{E00}'..='\u{E7F}').contains(&c);
    let end = title.trim_end_matches(|c: char| !c.is_alphanumeric() && !is_thai_mark(c));
    ASKING_WITHIN.iter().any(|word| title.contains(word))
        || ASKING_AT_END.iter().any(|word| end.ends_with(word))
}

/// The phrase of a quiz: `The interviewer asks: "…" Which answer …` → what stands in the quotes.
pub fn asked(line: &str) -> Option<&str> {
    let (lead, rest) = line.trim().split_once(':')?;
    let last = lead.split_whitespace().next_back()?;
    let verb =
        ["asks", "asked", "ask", "question", "says"].iter().any(|word| last.eq_ignore_ascii_case(word));
    if !verb || lead.split_whitespace().nth(8).is_some() {
        return None;
    }
    let rest = rest.trim_start();
    let (close, inner) = [('"', '"'), ('“', '”'), ('«', '»')]
        .into_iter()
        .find_map(|(open, close)| Some((close, rest.strip_prefix(open)?)))?;
    // The last quote that closes: a question may quote something itself.
    let end = match inner.find("?\"").or_else(|| inner.find("?”")) {
        Some(at) => at + 1,
        None => inner.rfind(close)?,
    };
    Some(inner[..end].trim()).filter(|question| !question.is_empty())
}

/// `Q: What …` or `Question: What …` → what is asked.
pub fn labelled_question(line: &str) -> Option<&str> {
    if let Some(rest) = labelled(line, &QUESTION_LABELS) {
        return Some(rest);
    }
    // `Q. What is it?`, `Q) What is it?`, `Q. - What is it?`
    let (label, rest) = line.trim().split_once([' ', '\t'])?;
    let label = label.strip_suffix(['.', ')'])?;
    let rest = rest.trim_start_matches(['-', '–', ' ', '\t']);
    (QUESTION_LABELS.contains(&label) && rest.starts_with(begins_title)).then_some(rest)
}

/// `A: …` or `Answer: …` → the answer's first line.
pub fn labelled_answer(line: &str) -> Option<&str> {
    labelled(line, &ANSWER_LABELS)
}

fn labelled<'a>(line: &'a str, labels: &[&str]) -> Option<&'a str> {
    let line = line.trim();
    if let Some((label, rest)) = line.split_once([':', '：'])
        && labels.iter().any(|known| same_word(known, label.trim_end()))
    {
        return (!rest.starts_with(':')).then(|| rest.trim());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(u32, Separator, &str)>) {
        let found = numbered(line).map(|item| (item.number, item.style.separator, item.title));
        assert_eq!(found, expected, "{line:?}");
    }

    #[test]
    fn numbers_are_marked_in_many_ways() {
        check("12. How deep?", Some((12, Separator::Dot, "How deep?")));
        check("12) How deep?", Some((12, Separator::Parenthesis, "How deep?")));
        check("Q12: How deep?", Some((12, Separator::Colon, "How deep?")));
        check("Question 12 - How deep?", Some((12, Separator::Colon, "How deep?")));
        check("12How deep?", Some((12, Separator::Glued, "How deep?")));
        check("- 12How deep?", Some((12, Separator::Glued, "How deep?")));
        check("12 How deep?", Some((12, Separator::Space, "How deep?")));
        check("12a. How deep?", Some((12, Separator::Dot, "How deep?")));
        check("12", Some((12, Separator::Alone, "")));
        check("12.", Some((12, Separator::Alone, "")));
        check("Question 3 of 10", Some((3, Separator::Alone, "")));
        check("3`mut` means what?", Some((3, Separator::Glued, "`mut` means what?")));
    }

    #[test]
    fn other_numbers_are_no_items() {
        for line in [
            "1.5 litres",
            "2024-01-01",
            "12th of May",
            "3d printing",
            "12, 13",
            "",
            "abc",
            "12345. no",
            "0. no",
        ] {
            check(line, None);
        }
    }

    #[test]
    fn questions_of_many_languages_need_no_question_mark() {
        for title in [
            "Explain how rope is made",
            "Wie macht man ein Seil",
            "Pourquoi cirer une corde",
            "Cómo se hace una cuerda",
            "Как сделать верёвку",
            "绳子是用什么做的",
            "`rope`和`cord`的区别",
            "ロープとは",
            "밧줄은 어떻게 만드나요",
        ] {
            assert!(is_question_like(title), "{title}");
        }
        for title in ["Rope", "Die Seile", "La corde", "Верёвки", "绳子", "ロープ", "What", "Show"]
        {
            assert!(!is_question_like(title), "{title}");
        }
        assert_eq!(labelled_question("问：绳子是什么"), Some("绳子是什么"));
        assert_eq!(labelled_question("Вопрос: Зачем воск?"), Some("Зачем воск?"));
        assert_eq!(labelled_answer("答：麻。"), Some("麻。"));
        assert_eq!(labelled_answer("Antwort: Hanf."), Some("Hanf."));
    }

    #[test]
    fn subsections_have_dotted_numbers() {
        let of = |title| dotted(title).map(|item| (item.number, item.title));
        assert_eq!(of("2.3 Why wax?"), Some((3, "Why wax?")));
        assert_eq!(of("2.3.14. `wax` twice"), Some((14, "`wax` twice")));
        for title in ["2. Why wax?", "2.0 Why wax?", "2.3", "2.x Why wax?", "1.5.", "Why 2.3 ropes?", ""] {
            assert_eq!(of(title), None, "{title}");
        }
    }

    #[test]
    fn levels_are_glued_to_the_end() {
        assert_eq!(split_level("How deep?Senior"), ("How deep?", Some("Senior")));
        assert_eq!(split_level("Question 5 (Free)Intermediate"), ("Question 5 (Free)", Some("Intermediate")));
        assert_eq!(split_level("Question 9Senior"), ("Question 9", Some("Senior")));
        assert_eq!(split_level("How deep? (Hard)"), ("How deep?", Some("Hard")));
        assert_eq!(split_level("How deep? [easy]"), ("How deep?", Some("Easy")));
        assert_eq!(split_level("How deep? | Senior"), ("How deep?", Some("Senior")));
        assert_eq!(split_level("How deep? · Senior"), ("How deep?", Some("Senior")));
        assert_eq!(split_level("What is asked of a Senior"), ("What is asked of a Senior", None));
        assert_eq!(split_level("Is it hard"), ("Is it hard", None));
    }

    #[test]
    fn a_quiz_asks_in_quotes() {
        assert_eq!(asked("The interviewer asks: \"Why so?\" Which answer is best?"), Some("Why so?"));
        assert_eq!(asked("A customer asked: “Is it open?”"), Some("Is it open?"));
        assert_eq!(asked("Note: \"not asked\""), None);
    }

    #[test]
    fn the_style_says_what_is_before_the_number() {
        for (line, bullet, word, indented) in [
            ("12. How deep?", false, false, false),
            ("  12. How deep?", false, false, true),
            ("- 12. How deep?", true, false, false),
            ("Q12. How deep?", false, true, false),
            ("#12. How deep?", false, false, false),
        ] {
            let style = numbered(line).unwrap().style;
            assert_eq!((style.bullet, style.word, style.indented), (bullet, word, indented), "{line}");
        }
    }

    #[test]
    fn numbers_and_titles_have_a_longest_length() {
        let number = |line: &str| numbered(line).map(|item| item.number);
        assert_eq!(number("9999. How deep?"), Some(9999));
        assert_eq!(number(&format!("1. {}", "x".repeat(400))), Some(1));
        assert_eq!(number(&format!("1. {}", "x".repeat(401))), None);
        assert_eq!(number("1."), Some(1));
        for line in
            ["10000. How deep?", "- 1.", "17ab. How deep?", "17aHow deep?", "17 how deep?", "12)", "12:"]
        {
            assert_eq!(number(line), None, "{line}");
        }
    }

    #[test]
    fn a_title_has_a_number_with_a_sign_or_a_label() {
        let of = |title| numbered_title(title).map(|item| (item.number, item.title));
        for (title, expected) in [
            ("12. How deep?", Some((12, "How deep?"))),
            ("12) How deep?", Some((12, "How deep?"))),
            ("12: How deep?", Some((12, "How deep?"))),
            ("Q12 How deep?", Some((12, "How deep?"))),
            ("2.3 How deep?", Some((3, "How deep?"))),
            ("12 How deep?", None),
            ("- 12. How deep?", None),
            ("Q12", None),
        ] {
            assert_eq!(of(title), expected, "{title}");
        }
    }

    #[test]
    fn dotted_numbers_have_at_most_three_digits_each() {
        let of = |title| dotted(title).map(|item| item.number);
        assert_eq!(of("123.999 Why wax?"), Some(999));
        for title in ["2.1000 Why wax?", "1234.2 Why wax?", "2.3 why wax?"] {
            assert_eq!(of(title), None, "{title}");
        }
    }

    #[test]
    fn a_level_may_be_alone_in_brackets() {
        assert_eq!(level_alone(" (senior) "), Some("Senior"));
        assert_eq!(level_alone("[Hard]"), Some("Hard"));
        assert_eq!(level_alone("Senior cooks"), None);
        for title in ["Is it Post-Senior", "How deep?senior", "A knife (for a Senior)"] {
            assert_eq!(split_level(title), (title, None));
        }
        assert_eq!(split_level("How deep? |Senior"), ("How deep?", Some("Senior")));
    }

    #[test]
    fn an_order_has_at_least_three_words() {
        assert!(is_question_like("Explain the bowline") && is_question_like("\"Explain the bowline\""));
        assert!(!is_question_like("Explain bowline") && !is_question_like("Bowlines explain themselves"));
        assert!(ends_asking("**Why wax?** ") && !ends_asking("Why? Because."));
    }

    #[test]
    fn who_asks_is_said_in_at_most_eight_words() {
        let quoted = |lead: &str| format!("{lead}: \"Why so?\"");
        assert_eq!(asked(&quoted("one two three four five six seven asks")), Some("Why so?"));
        assert_eq!(asked(&quoted("one two three four five six seven eight asks")), None);
        assert_eq!(asked("He asks: \"Is \"wax\" a word?\" Or not?"), Some("Is \"wax\" a word?"));
        assert_eq!(asked("He says: \"Why \"wax\" it\" Or not?"), Some("Why \"wax\" it"));
    }

    #[test]
    fn labels_are_written_in_several_ways() {
        for (line, expected) in [
            ("Q: Why wax?", Some("Why wax?")),
            ("Q. Why wax?", Some("Why wax?")),
            ("Q) - Why wax?", Some("Why wax?")),
            ("Q. why wax?", None),
            ("Q Why wax?", None),
            ("q::Why", None),
            ("R. Why wax?", None),
        ] {
            assert_eq!(labelled_question(line), expected, "{line}");
        }
    }
}
