//! Inline markup of reStructuredText → inline Markdown.

use super::names::Names;
use super::syntax::is_name_byte;
use crate::read::document::inline_markup::{
    Mark, Markup, Rest, anchor, code, link, may_begin, push_text, to_markdown,
};

/// The inline markup of reStructuredText.
pub struct Inline<'n> {
    /// What names stand for.
    pub names: &'n Names,
    /// It is the text of a link or another construct.
    pub is_nested: bool,
}

/// Whether the text of a role is code. So is that of the roles of a domain, such as `py:func`.
fn is_code(role: &str, name: &str) -> bool {
    match name {
        "code" | "literal" | "func" | "class" | "meth" | "mod" | "attr" | "data" | "const" | "exc"
        | "obj" | "envvar" | "option" | "file" | "command" | "program" | "kbd" | "samp" | "keyword"
        | "regexp" | "token" | "makevar" | "mailheader" | "mimetype" | "cmdoption" | "setting" | "sig"
        | "math" | "cfunc" | "ctype" | "macro" => true,
        name => role.contains(':') && !matches!(name, "ref" | "doc" | "term"),
    }
}

/// The longest name of a role that is looked at, in bytes.
const LONGEST_ROLE: usize = 60;

impl Markup for Inline<'_> {
    const MARKS: &'static [Mark] =
        &[Mark { sign: "``", markdown: "`", anywhere: false }, Mark::new("**", "**"), Mark::new("*", "*")];

    fn special(&self, scan: &Rest<'_>, before: Option<char>, written: &mut String) -> Option<usize> {
        let rest = scan.text;
        let begins = may_begin(before);
        match rest.chars().next()? {
            '\\' => escaped(rest, written),
            ':' if begins && !self.is_nested => self.role_before(scan, written),
            '`' if !rest.starts_with("``") && begins && !self.is_nested => self.interpreted(scan, written),
            '|' if begins && !self.is_nested => self.substitution(scan, written),
            '[' => {
                let fits = |label: &str| label.len() < 40 && !label.contains(['[', ' ']);
                let (label, used) = scan.until(1, "]_").filter(|(label, _)| fits(label))?;
                written.push_str(&format!("[{label}]"));
                Some(1 + used)
            }
            '_' if before.is_some_and(char::is_alphanumeric) && !self.is_nested => {
                self.named_reference(rest, written)
            }
            '_' if rest.starts_with("_`") && begins => {
                let (text, used) = scan.until(2, "`")?;
                push_text(text, written);
                Some(2 + used)
            }
            _ => None,
        }
    }
}

/// A sign behind a backslash. Escaped white space is nothing.
fn escaped(rest: &str, written: &mut String) -> Option<usize> {
    let next = rest[1..].chars().next()?;
    match next {
        '*' | '_' | '`' | '\\' => written.extend(['\\', next]),
        next => written.extend(Some(next).filter(|c| !c.is_whitespace())),
    }
    Some(1 + next.len_utf8())
}

/// How many bytes of a text may be the name of a role.
fn name_width(text: &str) -> usize {
    text.bytes().take(LONGEST_ROLE).take_while(|byte| is_name_byte(*byte)).count()
}

/// How many underscores of a reference a text begins with.
fn underscores(text: &str) -> usize {
    text.bytes().take(2).take_while(|byte| *byte == b'_').count()
}

impl Inline<'_> {
    fn nested(&self, text: &str) -> String {
        to_markdown(&Inline { names: self.names, is_nested: true }, text)
    }

    /// `` :role:`text` ``.
    fn role_before(&self, scan: &Rest<'_>, written: &mut String) -> Option<usize> {
        let rest = &scan.text[1..];
        let width = name_width(rest);
        let role = rest[..width].strip_suffix(':')?;
        if role.is_empty() || !rest[width..].starts_with('`') {
            return None;
        }
        let (text, used) = scan.until(2 + width, "`")?;
        written.push_str(&self.role(role, text));
        Some(2 + width + used)
    }

    /// `` `text`:role: ``, `` `reference`_ ``, or `` `text` `` alone.
    fn interpreted(&self, scan: &Rest<'_>, written: &mut String) -> Option<usize> {
        let (text, used) = scan.until(1, "`").filter(|(text, _)| !text.starts_with(char::is_whitespace))?;
        let after = &scan.text[1 + used..];
        if after.starts_with('_') {
            written.push_str(&self.reference(text));
            return Some(1 + used + underscores(after));
        }
        let width = name_width(after);
        let role = after[..width].strip_prefix(':').and_then(|role| role.strip_suffix(':'));
        if let Some(role) = role.filter(|role| !role.is_empty()) {
            written.push_str(&self.role(role, text));
            return Some(1 + used + width);
        }
        // Many mean code.
        if text.contains(char::is_whitespace) {
            push_text(text, written);
        } else {
            written.push_str(&code(text));
        }
        Some(1 + used)
    }

    /// `|name|`, which may be a reference as well (`|name|_`).
    fn substitution(&self, scan: &Rest<'_>, written: &mut String) -> Option<usize> {
        let fits = |name: &str| !name.is_empty() && name.len() < 80 && name.trim() == name;
        let (name, used) = scan.until(1, "|").filter(|(name, _)| fits(name))?;
        written.push_str(&self.nested(self.names.texts.get(name).unwrap_or(name)));
        Some(1 + used + underscores(&scan.text[1 + used..]))
    }

    /// The underscores behind a name that was already written as text: `name_` refers to a target.
    fn named_reference(&self, rest: &str, written: &mut String) -> Option<usize> {
        let used = underscores(rest);
        let ends = Self::may_end(rest[used..].chars().next());
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.');
        let start = written.trim_end_matches(is_name).len();
        let first = written[start..].chars().next().filter(|c| !c.is_alphanumeric());
        let start = start + first.map_or(0, char::len_utf8);
        let name = written[start..].to_owned();
        let target = self.names.target(&name).filter(|_| ends && !name.is_empty())?;
        let target = if target.is_empty() { anchor(&name) } else { target.to_owned() };
        written.truncate(start);
        written.push_str(&link(&name, &target));
        Some(used)
    }

    /// `:role:`text``, `:role:`text <target>``.
    fn role(&self, role: &str, text: &str) -> String {
        let name = role.rsplit(':').next().unwrap_or(role);
        let titled = text
            .strip_suffix('>')
            .and_then(|text| text.rsplit_once('<'))
            .filter(|(title, _)| !title.trim().is_empty());
        let text = titled.map_or(text, |(title, _)| title.trim()).trim_start_matches('!');
        match name {
            "pep" | "rfc" if titled.is_none() => format!("{} {text}", name.to_uppercase()),
            _ if is_code(role, name) => {
                let short = text.strip_prefix('~').filter(|_| titled.is_none());
                code(short.map_or(text, |path| path.rsplit('.').next().unwrap_or(path)))
            }
            _ => self.nested(text.trim_start_matches('~')),
        }
    }

    /// `` `text <address>`_ `` or `` `name`_ ``.
    fn reference(&self, text: &str) -> String {
        let (text, target) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((text, target)) => (
                text.trim(),
                target
                    .strip_suffix('_')
                    .and_then(|name| self.names.target(name))
                    .unwrap_or(target)
                    .to_owned(),
            ),
            None => match self.names.target(text) {
                Some(target) if !target.is_empty() => (text, target.to_owned()),
                _ => (text, anchor(text)),
            },
        };
        link(&self.nested(text), &target)
    }
}
