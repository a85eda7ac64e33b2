//! The list of models.
//!
//! Listing never loads a library, and never contacts an endpoint.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::cli::outcome::Outcome;
use crate::cli::streams::say;
use crate::cli::text::layout;
use crate::embed::Builtin;

/// How the name of what can be used at once is shown.
const READY: Style = AnsiColor::Green.on_default();

#[derive(Debug, clap::Args)]
pub struct Args {
    /// List only models with TEXT in their name, kind, language or licence
    #[arg(value_name = "TEXT")]
    contains: Option<String>,
    /// Write one JSON object per line
    #[arg(long)]
    json: bool,
}

/// A model, or an approved endpoint. Every key is always there in JSON.
#[derive(Debug, Serialize)]
struct Row {
    /// The model's name, or the endpoint's address.
    name: String,
    kind: Kind,
    /// The length of a vector; `null` for rerankers and endpoints.
    dimensions: Option<usize>,
    /// The size of the weights, a few per cent off at most; `null` for endpoints.
    megabytes: Option<u64>,
    /// `null` for endpoints.
    languages: Option<&'static str>,
    /// Of the weights, as the model's card says; `null` for endpoints.
    licence: Option<&'static str>,
    /// Whether it is on this machine or inside the program; `null` for endpoints.
    installed: Option<bool>,
    /// The model's directory; `null` if there is none.
    path: Option<String>,
    /// The environment variable with an endpoint's key; `null` if it gets none.
    key_env: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Embedding,
    Reranker,
    Endpoint,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Embedding => "embedding",
            Self::Reranker => "reranker",
            Self::Endpoint => "endpoint",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Embedding => "Embedding models (--model NAME)",
            Self::Reranker => "Rerankers (--rerank NAME)",
            Self::Endpoint => "Approved endpoints (--model URL#NAME)",
        }
    }
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let wanted = args.contains.as_deref().map(str::to_lowercase);
    let mut rows = vec![builtin()];
    rows.extend(catalogue());
    rows.extend(endpoints()?);
    rows.retain(|row| wanted.as_ref().is_none_or(|wanted| row.contains(wanted)));
    let mut out = crate::cli::streams::stdout();
    if args.json {
        for row in &rows {
            writeln!(out, "{}", serde_json::to_string(row)?)?;
        }
    } else {
        write_table(&mut out, &rows, layout().width.unwrap_or(usize::MAX))?;
    }
    out.flush()?;
    if rows.is_empty() {
        say(
            "rqsearch: no model has this in its name, kind, language or licence\n  hint: `rqsearch models` lists all",
        );
        return Ok(Outcome::Nothing);
    }
    if !args.json {
        say_requirements();
    }
    Ok(Outcome::Success)
}

fn builtin() -> Row {
    Row {
        name: Builtin::info().name.clone(),
        kind: Kind::Embedding,
        dimensions: Some(Builtin::info().dimensions),
        megabytes: Some(23),
        languages: Some("English"),
        licence: Some("Apache-2.0"),
        installed: Some(true),
        path: None,
        key_env: None,
    }
}

#[cfg(feature = "fastembed")]
fn catalogue() -> impl Iterator<Item = Row> {
    use crate::embed::{catalogue, hub};

    catalogue::CATALOGUE.iter().map(|entry| {
        let path = hub::find(entry).map(|path| path.display().to_string());
        Row {
            name: entry.name.to_owned(),
            kind: match entry.kind {
                catalogue::Kind::Embedding => Kind::Embedding,
                catalogue::Kind::Reranker => Kind::Reranker,
            },
            dimensions: entry.dimensions,
            megabytes: Some(entry.megabytes),
            languages: Some(entry.languages),
            licence: Some(entry.licence),
            installed: Some(path.is_some()),
            path,
            key_env: None,
        }
    })
}

#[cfg(not(feature = "fastembed"))]
fn catalogue() -> impl Iterator<Item = Row> {
    std::iter::empty()
}

#[cfg(feature = "remote")]
fn endpoints() -> anyhow::Result<Vec<Row>> {
    let approvals = crate::embed::approvals::Approvals::load()?;
    let row = |approved: &crate::embed::approvals::Approved| Row {
        name: approved.address.to_string(),
        kind: Kind::Endpoint,
        dimensions: None,
        megabytes: None,
        languages: None,
        licence: None,
        installed: None,
        path: None,
        key_env: approved.key_env.clone(),
    };
    Ok(approvals.endpoints().iter().map(row).collect())
}

#[cfg(not(feature = "remote"))]
fn endpoints() -> anyhow::Result<Vec<Row>> {
    Ok(Vec::new())
}

impl Row {
    /// `part` is lower case.
    fn contains(&self, part: &str) -> bool {
        let texts = [
            self.name.as_str(),
            self.kind.name(),
            self.languages.unwrap_or_default(),
            self.licence.unwrap_or_default(),
        ];
        texts.iter().any(|text| text.to_lowercase().contains(part))
    }

    fn status(&self) -> &'static str {
        match (self.installed, &self.path) {
            (Some(true), None) => "built in",
            (Some(true), Some(_)) => "installed",
            _ => "",
        }
    }

    fn dimensions(&self) -> String {
        self.dimensions.map_or_else(String::new, |dimensions| dimensions.to_string())
    }

    fn size(&self) -> String {
        match self.megabytes {
            None => String::new(),
            Some(megabytes) if megabytes < 1000 => format!("{megabytes} MB"),
            Some(megabytes) => format!("{:.1} GB", megabytes as f64 / 1000.0),
        }
    }
}

/// Writes a line per model, or two if one does not fit into the width.
fn write_table(out: &mut impl Write, rows: &[Row], width: usize) -> io::Result<()> {
    let table = Table::new(rows, width);
    let mut kind = None;
    for row in rows {
        if kind != Some(row.kind) {
            if kind.is_some() {
                writeln!(out)?;
            }
            kind = Some(row.kind);
            table.write_heading(out, row.kind)?;
        }
        match row.kind {
            Kind::Endpoint => write_endpoint(out, row)?,
            _ => table.write_model(out, row)?,
        }
    }
    Ok(())
}

fn write_endpoint(out: &mut impl Write, row: &Row) -> io::Result<()> {
    let key = row.key_env.as_ref();
    let key = key.map_or_else(|| "no key".to_owned(), |variable| format!("key in {variable}"));
    writeln!(out, "  {}  {key}", row.name)
}

/// The layout of the table of models.
struct Table {
    name_width: usize,
    licence_width: usize,
    /// Whether each model fits into a line.
    one_line: bool,
}

impl Table {
    const STATUS: usize = "installed".len();

    fn new(rows: &[Row], width: usize) -> Self {
        let longest = |text: fn(&Row) -> &str| rows.iter().map(|row| text(row).len()).max().unwrap_or(0);
        let name_width = longest(|row| match row.kind {
            Kind::Endpoint => "",
            _ => &row.name,
        });
        let licence_width = longest(|row| row.licence.unwrap_or_default());
        let table = Self { name_width, licence_width, one_line: true };
        let needed = rows.iter().map(|row| table.indent() + table.details(row).len()).max().unwrap_or(0);
        Self { one_line: needed <= width, ..table }
    }

    /// The width of what is before the details, in one line.
    fn indent(&self) -> usize {
        self.name_width + Self::STATUS + 6
    }

    fn details(&self, row: &Row) -> String {
        let licence_width = self.licence_width;
        format!(
            "{:>4}  {:>7}  {:<licence_width$}  {}",
            row.dimensions(),
            row.size(),
            row.licence.unwrap_or_default(),
            row.languages.unwrap_or_default()
        )
    }

    fn write_heading(&self, out: &mut impl Write, kind: Kind) -> io::Result<()> {
        let (title, indent, licence_width) = (kind.title(), self.indent(), self.licence_width);
        match kind {
            Kind::Endpoint => writeln!(out, "{title}"),
            _ if self.one_line => {
                writeln!(out, "{title:<indent$} dim     size  {:<licence_width$}  languages", "licence")
            }
            _ => {
                let (dim, size) = ("dim", "size");
                writeln!(out, "{title}")?;
                writeln!(out, "    {dim:>4}  {size:>7}  {:<licence_width$}  languages", "licence")
            }
        }
    }

    fn write_model(&self, out: &mut impl Write, row: &Row) -> io::Result<()> {
        let (name, status) = (&row.name, row.status());
        let gap = " ".repeat(self.name_width - name.len() + 2);
        let padding = " ".repeat(Self::STATUS - status.len());
        let status = if status.is_empty() { String::new() } else { format!("{READY}{status}{READY:#}") };
        if self.one_line {
            let line = format!("  {name}{gap}{status}{padding}  {}", self.details(row));
            return writeln!(out, "{}", line.trim_end());
        }
        writeln!(out, "{}", format!("  {name}{gap}{status}").trim_end())?;
        writeln!(out, "    {}", self.details(row).trim_end())
    }
}

/// What each kind of model needs, and what of that is on this machine.
fn say_requirements() {
    say(&format!("\n{} is inside the program and needs nothing else.", Builtin::info().name));
    #[cfg(feature = "fastembed")]
    {
        use crate::cli::hints::explained;
        use crate::embed::onnx::runtime;

        say("The other models must be installed: rqsearch models fetch NAME");
        let found = match runtime::locate() {
            Ok(Some(library)) => format!("found {}", library.display()),
            Ok(None) => format!("not found\n  hint: {}", runtime::HINT),
            Err(error) => explained(&error),
        };
        say(&format!("They need ONNX Runtime as well: {found}"));
        say("--model and --rerank also take a directory with an ONNX model.");
    }
    #[cfg(feature = "remote")]
    say("--model also takes an endpoint, after rqsearch models allow URL.");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let mut rows = vec![builtin()];
        rows.extend(catalogue());
        rows.push(Row {
            name: "https://api.example.org/v1".to_owned(),
            kind: Kind::Endpoint,
            key_env: Some("EXAMPLE_KEY".to_owned()),
            path: None,
            installed: None,
            dimensions: None,
            megabytes: None,
            languages: None,
            licence: None,
        });
        rows
    }

    fn table(width: usize) -> Vec<String> {
        let mut out = anstream::StripStream::new(Vec::new());
        write_table(&mut out, &rows(), width).unwrap();
        String::from_utf8(out.into_inner()).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_list_fits_into_sixty_columns() {
        for line in table(60) {
            assert!(line.chars().count() <= 60, "{line:?}");
        }
    }

    #[test]
    fn a_wide_list_has_one_aligned_line_per_model() {
        let lines = table(120);
        let models =
            |lines: &[String]| lines.iter().filter(|line| line.contains("MB") || line.contains("GB")).count();
        assert_eq!(models(&lines), rows().len() - 1);
        let header = lines[0].find("size").unwrap() + "size".len();
        for line in lines.iter().filter(|line| line.contains(" MB")) {
            assert_eq!(line.find(" MB").unwrap() + " MB".len(), header, "{line:?}");
        }
        assert!(lines[1].contains("built in"), "{}", lines[1]);
        assert!(lines.last().unwrap().contains("key in EXAMPLE_KEY"));
    }
}
