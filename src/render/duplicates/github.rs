//! Annotations of GitHub Actions.

use std::io::{self, Write};

use super::{canonical, how};
use crate::duplicates::Duplicates;

/// Writes a workflow command for each duplicate: a warning, or a notice if it was decided to be the same.
///
/// # Errors
/// The stream cannot be written.
pub fn write_github(out: &mut impl Write, found: &Duplicates) -> io::Result<()> {
    for group in &found.groups {
        let keep = canonical(found, group);
        for member in &group.members {
            let question = &found.questions[member.question];
            let level = if member.is_decided { "notice" } else { "warning" };
            let asked = format!("{} asks the same: {} ({})", keep.source, keep.title, how(member));
            writeln!(
                out,
                "::{level} file={},line={},title=Duplicate question::{}",
                property(&question.source.path),
                question.source.line,
                data(&format!("{}\n{asked}", question.title))
            )?;
        }
    }
    Ok(())
}

/// Data of a workflow command: no line break may end it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, question};
    use super::*;
    use crate::decisions::Choice;

    #[test]
    fn titles_and_paths_cannot_end_a_command() {
        let questions = [
            question("a", "Is 100% enough?", "a.md", 1),
            question("b", "is 100% ENOUGH", "b,c:d%.md", 7),
            question("c", "IS 100% enough", "c.md", 2),
        ];
        let mut out = Vec::new();
        write_github(&mut out, &found(&questions, &[("a", "c", Choice::Same)])).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::warning file=b%2Cc%3Ad%25.md,line=7,title=Duplicate question::is 100%25 ENOUGH%0Aa.md:1 asks the same: \
             Is 100%25 enough? (the same words but for case, punctuation or markup)\n\
             ::notice file=c.md,line=2,title=Duplicate question::IS 100%25 enough%0Aa.md:1 asks the same: \
             Is 100%25 enough? (decided to be the same)\n"
        );
        assert_eq!(data("a\r\n::error::b"), "a%0D%0A::error::b");
    }
}
