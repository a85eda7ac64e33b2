//! A report for a pull request.

use std::io::{self, Write};

use super::uri::uri;
use super::{canonical, how};
use crate::decisions::Decisions;
use crate::duplicates::{Chosen, Duplicates, Group, Kind, Member};
use crate::question::Question;
use crate::render::duplicate_reasons::duplicate_reasons;

/// Writes a report in Markdown: a checklist for each group, the open groups first. `decisions` has the notes. `link_base` is the
/// address before the path of each file; if it is empty, links are relative.
///
/// # Errors
/// The stream cannot be written.
pub fn write_markdown(
    out: &mut impl Write,
    found: &Duplicates,
    decisions: &Decisions,
    link_base: &str,
) -> io::Result<()> {
    let report = Report { found, decisions, link_base };
    let (open, decided): (Vec<&Group>, Vec<&Group>) = found.groups.iter().partition(|group| group.is_open());
    writeln!(out, "# Duplicate questions\n")?;
    writeln!(
        out,
        "Questions: {}. Open groups: {}. Decided groups: {}.",
        found.questions.len(),
        open.len(),
        decided.len()
    )?;
    for (title, groups) in [("Open", open), ("Decided", decided)] {
        if !groups.is_empty() {
            writeln!(out, "\n## {title}")?;
        }
        for (nth, group) in (1..).zip(groups) {
            report.write_group(out, nth, group)?;
        }
    }
    if !found.unapplied.is_empty() {
        writeln!(out, "\n## Decisions that were not applied\n")?;
    }
    for unapplied in &found.unapplied {
        let [one, two] =
            [&unapplied.decision.one, &unapplied.decision.two].map(|decided| escaped(&decided.title));
        writeln!(out, "- “{one}” and “{two}”: {}", escaped(&unapplied.reason.to_string()))?;
    }
    Ok(())
}

struct Report<'a> {
    found: &'a Duplicates,
    decisions: &'a Decisions,
    link_base: &'a str,
}

impl Report<'_> {
    fn write_group(&self, out: &mut impl Write, nth: usize, group: &Group) -> io::Result<()> {
        let keep = canonical(self.found, group);
        let by = if group.chosen == Chosen::Decided { " (decided)" } else { "" };
        writeln!(out, "\n### {nth}. {}\n", escaped(&keep.title))?;
        writeln!(out, "Keep{by}: {}\n", self.place(keep))?;
        for member in &group.members {
            let question = &self.found.questions[member.question];
            let mark = if member.is_decided { "x" } else { " " };
            let why = self.why(group, member);
            writeln!(out, "- [{mark}] {}: {}, {why}", escaped(&question.title), self.place(question))?;
        }
        Ok(())
    }

    /// A link to a question, and its id.
    fn place(&self, question: &Question) -> String {
        let source = &question.source;
        let mut address = uri(&source.path);
        if !address.contains("://") {
            address = format!("{}{address}#L{}", self.link_base, source.line);
        }
        format!("[{}]({address}) `{}`", escaped(&source.to_string()), question.id)
    }

    /// How a question duplicates the one to keep, the reasons, and the note of the decision.
    fn why(&self, group: &Group, member: &Member) -> String {
        let found = self.found;
        let both = [group.canonical.min(member.question), group.canonical.max(member.question)];
        let pair = found.pairs.iter().find(|pair| [pair.one, pair.two] == both);
        let mut why = Vec::new();
        // Of repeats, the reasons say as much.
        if member.is_decided || member.kind == Kind::Paraphrase || pair.is_none() {
            why.push(how(member));
        }
        why.extend(pair.map(duplicate_reasons).unwrap_or_default());
        let [one, two] = both.map(|question| found.questions[question].id.as_str());
        let note = self.decisions.get(one, two).map(|decision| decision.note.as_str());
        why.extend(note.filter(|note| !note.is_empty()).map(|note| format!("note: {note}")));
        escaped(&why.join("; "))
    }
}

/// Text that Markdown, HTML and GitHub (mentions, numbers of issues) give no meaning to, on one line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => escaped.push(' '),
            '&' | '<' | '>' | '|' | '`' | '[' | ']' | '*' | '_' | '@' | '#' | '!' | '~' | '\\' | '$' => {
                escaped.push_str(&format!("&#{};", u32::from(c)));
            }
            // An address is not a link.
            '/' if escaped.ends_with(':') => escaped.push_str("&#47;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, question};
    use super::*;
    use crate::decisions::{Choice, Decided, Decision};

    #[test]
    fn open_groups_come_first_and_decided_questions_are_checked() {
        let questions = [
            question("a", "Which saw?", "a.md", 1),
            question("b", "which SAW", "b c.md", 2),
            question("c", "Why *bold* @all?", "a.md", 5),
            question("d", "why bold @all", "d.md", 6),
        ];
        let keep = Decision::new(Decided::from(&questions[1]), Decided::from(&questions[0]), Choice::KeepOne);
        let keep = Decision { note: "shorter\n# not a title".into(), ..keep };
        let duplicates = found(&questions, &[("b", "a", Choice::KeepOne)]);
        let mut out = Vec::new();
        write_markdown(&mut out, &duplicates, &[keep].into_iter().collect(), "").unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "# Duplicate questions\n\
             \n\
             Questions: 4. Open groups: 1. Decided groups: 1.\n\
             \n\
             ## Open\n\
             \n\
             ### 1. Why &#42;bold&#42; &#64;all?\n\
             \n\
             Keep: [a.md:5](a.md#L5) `c`\n\
             \n\
             - [ ] why bold &#64;all: [d.md:6](d.md#L6) `d`, the same words except for case, punctuation or markup\n\
             \n\
             ## Decided\n\
             \n\
             ### 1. which SAW\n\
             \n\
             Keep (decided): [b c.md:2](b%20c.md#L2) `b`\n\
             \n\
             - [x] Which saw?: [a.md:1](a.md#L1) `a`, decided to be the same; the same words except for case, \
             punctuation or markup; note: shorter &#35; not a title\n"
        );
    }

    #[test]
    fn links_can_be_absolute() {
        let questions =
            [question("a", "Which saw?", "a.md", 1), question("b", "Which saw?", "https://e.org/b", 2)];
        let mut out = Vec::new();
        let base = "https://github.com/o/r/blob/main/";
        write_markdown(&mut out, &found(&questions, &[]), &Decisions::default(), base).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("(https://github.com/o/r/blob/main/a.md#L1)"), "{text}");
        assert!(text.contains("(https://e.org/b)"), "{text}");
    }
}
