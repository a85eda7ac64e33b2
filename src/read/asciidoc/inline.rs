//! Inline markup of AsciiDoc → inline Markdown.

use crate::read::document::inline_markup::{
    Mark, Markup, Rest, Substitutions, code, link, may_begin, push_text, to_markdown,
};

/// The inline markup of AsciiDoc.
pub struct Inline<'a> {
    /// What attributes stand for.
    pub attributes: &'a Substitutions,
    /// It is the text of a link or another construct.
    pub is_nested: bool,
}

/// The text of an attribute that every document has.
fn sign(name: &str) -> Option<&'static str> {
    Some(match name {
        "nbsp" | "sp" => " ",
        "empty" | "zwsp" | "wj" => "",
        "plus" => "+",
        "asterisk" => "*",
        "backtick" => "`",
        "tilde" => "~",
        "caret" => "^",
        "startsb" => "[",
        "endsb" => "]",
        "vbar" => "|",
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "cpp" => "C++",
        "quot" => "\"",
        "apos" => "'",
        "backslash" => "\\",
        _ => return None,
    })
}

impl Markup for Inline<'_> {
    const MARKS: &'static [Mark] = &[
        Mark { sign: "``", markdown: "`", anywhere: true },
        Mark::new("`", "`"),
        Mark { sign: "**", markdown: "**", anywhere: true },
        Mark::new("*", "**"),
        Mark { sign: "__", markdown: "*", anywhere: true },
        Mark::new("_", "*"),
        Mark { sign: "##", markdown: "", anywhere: true },
        Mark::new("#", ""),
        Mark { sign: "+++", markdown: "\\", anywhere: true },
        Mark::new("+", "\\"),
    ];

    fn special(&self, scan: &Rest<'_>, before: Option<char>, written: &mut String) -> Option<usize> {
        let rest = scan.text;
        let begins = may_begin(before);
        match rest.chars().next()? {
            '\\' => escaped(rest, written),
            ' ' if rest.starts_with(" +\n") || rest == " +" => Some(2),
            '{' => self.attribute(scan, written),
            '<' if rest.starts_with("<<") && !rest.starts_with("<< ") && !self.is_nested => {
                let (inner, used) = scan.until(2, ">>").filter(|(inner, _)| !inner.contains('<'))?;
                let (target, text) = inner.split_once(',').unwrap_or((inner, ""));
                written.push_str(&self.reference(target, text));
                Some(2 + used)
            }
            '[' if rest.starts_with("[[") => {
                scan.until(2, "]]").filter(|(id, _)| !id.contains(['[', ' '])).map(|(_, used)| 2 + used)
            }
            '[' if begins => role(scan),
            '(' if rest.starts_with("(((") => scan.until(3, ")))").map(|(_, used)| 3 + used),
            '(' if rest.starts_with("((") && begins => {
                let (text, used) = scan.until(2, "))").filter(|(text, _)| !text.contains(['(', ')']))?;
                push_text(text, written);
                Some(2 + used)
            }
            quote @ ('"' | '\'') if rest[1..].starts_with('`') && begins && !self.is_nested => {
                let (text, used) = scan.until(2, if quote == '"' { "`\"" } else { "`'" })?;
                written.push_str(&format!("{quote}{}{quote}", self.nested(text)));
                Some(2 + used)
            }
            '`' if rest.starts_with("`+") => {
                let (text, used) = scan.until(2, "+`")?;
                written.push_str(&code(text));
                Some(2 + used)
            }
            c if c.is_ascii_alphabetic() && begins && !self.is_nested => self.inline_macro(scan, written),
            _ => None,
        }
    }
}

/// A sign behind a backslash.
fn escaped(rest: &str, written: &mut String) -> Option<usize> {
    let is_escaped = |c: &char| matches!(c, '*' | '_' | '`' | '#' | '{' | '[' | '<' | '+' | 'h' | '\\');
    let next = rest[1..].chars().next().filter(is_escaped)?;
    written.extend(Some('\\').filter(|_| matches!(next, '*' | '_' | '`')));
    written.push(next);
    Some(2)
}

/// The role of the marked text that follows: `[.role]#text#`.
fn role(scan: &Rest<'_>) -> Option<usize> {
    let (role, used) = scan.until(1, "]").filter(|(role, _)| role.len() < 60 && !role.contains('['))?;
    let marks = scan.text[1 + used..].starts_with(['#', '*', '_', '`']);
    (marks && !role.is_empty()).then_some(1 + used)
}

impl Inline<'_> {
    fn nested(&self, text: &str) -> String {
        to_markdown(&Inline { attributes: self.attributes, is_nested: true }, text)
    }

    /// `{name}`.
    fn attribute(&self, scan: &Rest<'_>, written: &mut String) -> Option<usize> {
        let fits = |name: &str| name.len() < 60 && !name.contains(char::is_whitespace);
        let (name, used) = scan.until(1, "}").filter(|(name, _)| fits(name))?;
        if let Some(sign) = sign(name) {
            written.push_str(sign);
        } else if let Some(text) = self.attributes.get(name).filter(|_| !self.is_nested) {
            written.push_str(&self.nested(text));
        } else if !name.starts_with("counter") && !name.starts_with("set:") {
            return None;
        }
        Some(1 + used)
    }

    /// A link to a place in this document or in another one.
    fn reference(&self, target: &str, text: &str) -> String {
        let target = target.trim();
        let name =
            target.rsplit('#').next().unwrap_or(target).trim_start_matches('_').replace(['_', '-'], " ");
        let text = if text.trim().is_empty() { &name } else { text };
        let is_own = !target.contains(['#', '.', '/', ':']);
        link(&self.nested(text), &if is_own { format!("#{target}") } else { target.to_owned() })
    }

    /// `name:target[text]`.
    fn inline_macro(&self, scan: &Rest<'_>, written: &mut String) -> Option<usize> {
        let rest = scan.text;
        let width = rest.bytes().take(20).take_while(u8::is_ascii_alphanumeric).count();
        rest[width..].strip_prefix(':').filter(|after| !after.starts_with([' ', ':']))?;
        let (target, used) =
            scan.until(width + 1, "[").filter(|(target, _)| !target.contains(char::is_whitespace))?;
        let (text, end) = scan.until(width + 1 + used, "]")?;
        let all = width + 1 + used + end;
        // Attributes of a link follow its text.
        let words =
            text.split_once(',').filter(|(_, rest)| rest.contains('=')).map_or(text, |(words, _)| words);
        let words = words.trim_matches('"').trim_end_matches('^');
        let first = || text.split(',').next().unwrap_or_default().to_owned();
        let name = &rest[..width];
        let markdown = match name {
            "http" | "https" | "ftp" | "irc" if target.starts_with("//") => {
                link(&self.nested(words), &format!("{name}:{target}"))
            }
            "link" => link(&self.nested(words), target),
            "mailto" => link(&self.nested(words), &format!("mailto:{target}")),
            "xref" => self.reference(target, words),
            "image" | "icon" if first().is_empty() => String::new(),
            "image" | "icon" => format!("![{}]({target})", first()),
            "kbd" | "btn" => code(text),
            "menu" => format!("{target} > {text}").trim_end_matches([' ', '>']).to_owned(),
            "footnote" => format!(" ({})", self.nested(text)),
            "stem" | "latexmath" | "asciimath" => code(text),
            "pass" => text.to_owned(),
            "anchor" | "indexterm" | "indexterm2" => String::new(),
            "linkgit" | "man" | "manpage" => format!("{target}({text})"),
            _ => return None,
        };
        written.push_str(&markdown);
        Some(all)
    }
}
