//! The attributes of a block: `[source,rust]`.

/// The attributes of a block.
#[derive(Default)]
pub struct Attributes<'t> {
    /// The style, then what follows the commas.
    pub positional: Vec<&'t str>,
    /// The language of code.
    pub language: Option<&'t str>,
    /// How many columns a table has.
    pub columns: Option<usize>,
    /// The block can be folded.
    pub is_fold: bool,
}

impl<'t> Attributes<'t> {
    /// The style (`source`, `NOTE`), or an empty text.
    pub fn style(&self) -> &'t str {
        self.positional.first().copied().unwrap_or_default()
    }

    /// Adds the attributes of a line in brackets.
    pub fn add(&mut self, inner: &'t str) {
        let mut is_quoted = false;
        let separates = |c: char| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        };
        for (nth, part) in inner.split_terminator(separates).map(str::trim).enumerate() {
            self.is_fold |= part.contains("collapsible");
            match part.split_once('=') {
                Some(("language" | "lang", value)) => self.language = Some(value.trim_matches('"')),
                Some(("cols", value)) => self.columns = Some(count_columns(value.trim_matches('"'))),
                Some(_) => {}
                None if nth == 0 => {
                    let style = part.split(['#', '.', '%']).next().unwrap_or_default();
                    if !style.is_empty() || inner.starts_with(',') {
                        self.positional = vec![style];
                    }
                }
                None => self.positional.push(part.trim_matches('"')),
            }
        }
    }
}

/// How many columns `1,2` or `3*,1` are.
fn count_columns(spec: &str) -> usize {
    let count =
        |part: &str| part.split_once('*').and_then(|(count, _)| count.trim().parse().ok()).unwrap_or(1usize);
    let parts = spec.split([',', ';']).filter(|part| !part.trim().is_empty());
    parts.map(count).fold(0usize, usize::saturating_add).clamp(1, 1000)
}
