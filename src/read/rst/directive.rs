//! Directives of reStructuredText and Sphinx: `.. note:: text`.

use super::parser::{Parser, Within};
use super::syntax::field;
use crate::read::document::Kind;
use crate::read::document::inline_markup::code;
use crate::read::line::one_line;

/// What a directive does with its content.
enum Directive {
    Code,
    /// Nothing of it is read.
    Silent,
    /// A label is in front of it.
    Labelled(&'static str),
    /// Its arguments only say how it looks.
    Container,
    /// Its arguments are a title.
    Titled,
    Fold,
    Image,
    Other,
}

impl Directive {
    fn of(name: &str) -> Self {
        match name {
            "code-block" | "code" | "sourcecode" | "parsed-literal" | "literal" | "doctest" | "testcode"
            | "testoutput" | "testsetup" | "prompt" | "ipython" | "console" | "productionlist"
            | "mermaid" | "graphviz" | "math" => Self::Code,
            "contents" | "toctree" | "index" | "include" | "literalinclude" | "raw" | "meta"
            | "currentmodule" | "module" | "py:module" | "py:currentmodule" | "highlight" | "sectnum"
            | "section-numbering" | "default-role" | "role" | "tabularcolumns" | "target-notes"
            | "header" | "footer" | "default-domain" | "automodule" | "autoclass" | "autofunction"
            | "autosummary" | "moduleauthor" | "sectionauthor" | "todolist" => Self::Silent,
            "note" => Self::Labelled("Note"),
            "warning" => Self::Labelled("Warning"),
            "tip" => Self::Labelled("Tip"),
            "hint" => Self::Labelled("Hint"),
            "important" => Self::Labelled("Important"),
            "caution" => Self::Labelled("Caution"),
            "danger" => Self::Labelled("Danger"),
            "error" => Self::Labelled("Error"),
            "attention" => Self::Labelled("Attention"),
            "seealso" => Self::Labelled("See also"),
            "versionadded" => Self::Labelled("New in version"),
            "versionchanged" => Self::Labelled("Changed in version"),
            "deprecated" => Self::Labelled("Deprecated since version"),
            "todo" => Self::Labelled("To do"),
            "only" | "container" | "rst-class" | "cssclass" | "tabs" | "tab-set" | "grid" | "glossary"
            | "compound" => Self::Container,
            "rubric" | "topic" | "sidebar" | "admonition" | "card" | "tab" | "tab-item" | "group-tab"
            | "table" | "list-table" | "csv-table" | "centered" => Self::Titled,
            "dropdown" | "collapse" | "details" | "toggle" => Self::Fold,
            "image" | "figure" => Self::Image,
            _ => Self::Other,
        }
    }
}

impl<'t> Parser<'t> {
    /// Reads a directive whose block ends at `end`.
    pub fn directive(&mut self, at: usize, end: usize, name: &str, arguments: &'t str) -> usize {
        let line = self.lines[at];
        let options = self.lines[at + 1..end].iter().take_while(|line| field(line.text).is_some());
        let body = at + 1 + options.clone().count();
        let indent = self.indent();
        let directive = Directive::of(name);
        match directive {
            Directive::Code => {
                let is_language = matches!(name, "mermaid" | "graphviz" | "console");
                let language = if is_language { name } else { arguments };
                self.writer.code(line.number, indent, language, &self.lines[body..end]);
                return end;
            }
            Directive::Silent => return end,
            _ => {}
        }
        // A title or a text may go on in the next lines.
        let below = if body == at + 1 && !arguments.is_empty() {
            self.lines.end(at, |next| next.text.is_empty()).min(end)
        } else {
            body
        };
        let text = self.lines.joined(arguments, at + 1..if below > body { below } else { at + 1 });
        if matches!(directive, Directive::Fold) && !text.is_empty() {
            self.writer.mark(Kind::FoldStart, line.number);
            let markdown = self.inline(&text);
            self.writer.title(Kind::Summary, line.number, &one_line(&markdown));
            self.enter(line.indent, indent, Within::Fold);
            return below;
        }
        let alt = options.filter_map(|line| field(line.text)).find(|(name, _)| *name == "alt");
        let markdown = self.introduction(&directive, arguments, text, alt.map(|(_, alt)| alt));
        self.writer.paragraph(line.number, indent, None, &markdown);
        self.enter(line.indent, indent, Within::Directive);
        below.max(body)
    }

    /// What a directive shows before its content. `text` are its arguments on all of their lines.
    fn introduction(&self, kind: &Directive, arguments: &str, text: String, alt: Option<&str>) -> String {
        match kind {
            Directive::Image => {
                let image = |alt: &str| format!("![{}]({arguments})", alt.replace(['[', ']'], ""));
                alt.map(image).unwrap_or_default()
            }
            Directive::Labelled(label) => format!("{label}: {}", self.inline(&text)),
            Directive::Container => String::new(),
            _ if text.is_empty() => text,
            Directive::Titled => format!("**{}**", self.inline(&text)),
            _ if text.contains('(') || text.split_whitespace().nth(2).is_none() => code(&text),
            _ => self.inline(&text),
        }
    }
}
