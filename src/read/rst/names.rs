//! Names of reStructuredText, and what they stand for.

use crate::read::document::inline_markup::Substitutions;
use crate::read::document::writer::Lines;

/// What names stand for.
pub struct Names {
    /// Addresses of targets (`.. _name: https://…`).
    targets: Substitutions,
    /// Texts of substitutions (`.. |name| replace:: text`).
    pub texts: Substitutions,
}

impl Names {
    /// Collects the names of a document of this length.
    pub fn collect(document: usize, lines: &Lines<'_>) -> Self {
        let mut names = Self { targets: Substitutions::new(document), texts: Substitutions::new(document) };
        for (at, line) in lines.iter().enumerate() {
            let Some(rest) = line.text.strip_prefix(".. ") else {
                continue;
            };
            // The value may go on in the next lines.
            let end = lines.end(at, |next| next.text.is_empty() || next.indent <= line.indent);
            let value = |first: &str| lines.joined(first, at + 1..end.min(at + 21)).replace('\n', " ");
            if let Some((name, first)) = rest.strip_prefix('_').and_then(named_target) {
                names.targets.insert(name, value(first).split_whitespace().collect::<String>());
            } else if let Some((name, rest)) = rest.strip_prefix('|').and_then(|rest| rest.split_once('|'))
                && let Some(first) = rest.trim().strip_prefix("replace::")
            {
                names.texts.insert(name, value(first.trim()).trim());
            }
        }
        names
    }

    /// The address of a target. A target may name another.
    pub fn target(&self, name: &str) -> Option<&str> {
        let target = self.targets.get(name)?;
        target.strip_suffix('_').and_then(|name| self.targets.get(name.trim_matches('`'))).or(Some(target))
    }
}

/// The name of a target and the beginning of its address: `name: https://…`, `` `a name`: https://… ``.
fn named_target(rest: &str) -> Option<(&str, &str)> {
    let quoted = rest.strip_prefix('`').and_then(|rest| rest.split_once("`:"));
    let ends = |at: usize| rest[at + 1..].is_empty() || rest[at + 1..].starts_with(' ');
    let split = || rest.match_indices(':').find(|(at, _)| ends(*at));
    quoted.or_else(|| split().map(|(at, _)| (&rest[..at], &rest[at + 1..])))
}
