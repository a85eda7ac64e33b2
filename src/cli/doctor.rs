//! `rqsearch doctor`

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::hints::explained;
use super::locate_index::{IndexArgs, IndexLocation};
use super::outcome::Outcome;
use super::shell::features;
use super::streams::stdout;
use super::text::{layout, plural};
use crate::embed::{self, Loading, Prepare};
use crate::index::{FORMAT, Index};

/// Environment variables that change what the program does. The values of those that hold keys are not
/// shown.
const VARIABLES: [&str; 17] = [
    "RQSEARCH_INDEX",
    "RQSEARCH_CONFIG",
    "RQSEARCH_CACHE",
    "RQSEARCH_API_KEY",
    "HF_HOME",
    "HF_HUB_OFFLINE",
    "HF_HUB_CACHE",
    "HF_TOKEN",
    "ORT_DYLIB_PATH",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "EDITOR",
    "VISUAL",
    "NO_COLOR",
    "TERM",
];

/// Variables whose values are secrets, or may contain some.
const SECRET: [&str; 4] = ["RQSEARCH_API_KEY", "HF_TOKEN", "HTTPS_PROXY", "ALL_PROXY"];

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0 the index can be searched, 1 it cannot, 2 error.")]
pub struct Args {
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub index: IndexArgs,
}

/// What the program finds on this machine. Every key is always there in JSON.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    features: Vec<&'static str>,
    index_format: u32,
    /// Operating system and processor: `linux x86_64`.
    system: String,
    processors: usize,
    /// The path of the program.
    program: Option<PathBuf>,
    index: IndexReport,
    /// The library that runs models other than the built-in one; `null` in a build without `fastembed`.
    onnx_runtime: Option<Finding>,
    directories: Vec<Directory>,
    terminal: Terminal,
    /// Variables that are set, with their values.
    environment: Vec<(&'static str, String)>,
}

#[derive(Debug, Serialize)]
struct IndexReport {
    /// `null` for the built-in one.
    path: Option<PathBuf>,
    /// Why it is the one that a search uses.
    reason: String,
    questions: Option<u64>,
    /// `null` if the index cannot be opened or has keywords only.
    model: Option<String>,
    /// Why the index or its model cannot be used; `null` if both can.
    error: Option<String>,
}

/// Something that is there, or the reason why it is not.
#[derive(Debug, Serialize)]
struct Finding {
    path: Option<PathBuf>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Directory {
    name: &'static str,
    path: Option<PathBuf>,
    exists: bool,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Terminal {
    stdin: bool,
    stdout: bool,
    stderr: bool,
    columns: Option<u16>,
    rows: Option<u16>,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let report = Report::new(args.index.location());
    let mut out = stdout();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        write_report(&mut out, &report)?;
    }
    out.flush()?;
    Ok(if report.index.error.is_none() { Outcome::Success } else { Outcome::Nothing })
}

impl Report {
    fn new(location: IndexLocation<'_>) -> Self {
        let size = terminal_size::terminal_size();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            features: features(),
            index_format: FORMAT,
            system: format!("{} {}", env::consts::OS, env::consts::ARCH),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            program: env::current_exe().ok(),
            index: IndexReport::new(location),
            onnx_runtime: onnx_runtime(),
            directories: directories(),
            terminal: Terminal {
                stdin: io::stdin().is_terminal(),
                stdout: io::stdout().is_terminal(),
                stderr: io::stderr().is_terminal(),
                columns: size.map(|(columns, _)| columns.0),
                rows: size.map(|(_, rows)| rows.0),
            },
            environment: environment(),
        }
    }
}

impl IndexReport {
    fn new(location: IndexLocation<'_>) -> Self {
        let mut report =
            Self { path: None, reason: location.reason(), questions: None, model: None, error: None };
        report.error = report.fill(location).err().as_ref().map(explained);
        report
    }

    /// Opens the index and loads its model, and takes down what is found until something fails.
    fn fill(&mut self, location: IndexLocation<'_>) -> anyhow::Result<()> {
        self.path = location.find()?;
        let index = match &self.path {
            Some(dir) => Index::open(dir)?,
            None => Index::builtin()?,
        };
        self.questions = Some(index.question_count()?);
        if let Some(model) = &index.meta().model {
            self.model = Some(model.label());
            embed::open(model, None, Loading { offline: true, ..Loading::new(Prepare::Once) })?;
        }
        Ok(())
    }
}

#[cfg(feature = "fastembed")]
fn onnx_runtime() -> Option<Finding> {
    use crate::embed::onnx::runtime;

    Some(match runtime::locate() {
        Ok(path) => Finding { error: path.is_none().then(|| runtime::HINT.to_owned()), path },
        Err(error) => Finding { path: None, error: Some(explained(&error)) },
    })
}

#[cfg(not(feature = "fastembed"))]
fn onnx_runtime() -> Option<Finding> {
    None
}

fn directories() -> Vec<Directory> {
    let found: &[(&str, anyhow::Result<PathBuf>)] = &[
        #[cfg(feature = "fastembed")]
        ("models", embed::hub::cache()),
        #[cfg(feature = "remote")]
        ("approved endpoints", embed::approvals::config_path()),
    ];
    let directory = |(name, path): &(&'static str, anyhow::Result<PathBuf>)| Directory {
        name,
        path: path.as_ref().ok().cloned(),
        exists: path.as_ref().is_ok_and(|path| path.exists()),
        error: path.as_ref().err().map(explained),
    };
    found.iter().map(directory).collect()
}

fn environment() -> Vec<(&'static str, String)> {
    let value = |name: &'static str| {
        let value = env::var_os(name)?;
        let value = if SECRET.contains(&name) { "(set)".into() } else { value.to_string_lossy() };
        Some((name, value.into_owned()))
    };
    VARIABLES.into_iter().filter_map(value).collect()
}

fn write_report(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let layout = layout();
    let mut line = |name: &str, value: &str| writeln!(out, "{name:<20} {}", layout.shown(value));
    let path = |path: &Path| path.display().to_string();
    line("rqsearch", report.version)?;
    line("features", &report.features.join(", "))?;
    line("index format", &report.index_format.to_string())?;
    let processors = plural(report.processors as u64, "processor");
    line("system", &format!("{}, {} {processors}", report.system, report.processors))?;
    line("program", &report.program.as_deref().map_or("unknown".to_owned(), path))?;
    let index = &report.index;
    let name = index.path.as_deref().map_or("built-in Rust questions".to_owned(), path);
    line("index", &format!("{name} ({})", index.reason))?;
    if let Some(questions) = index.questions {
        line("questions", &questions.to_string())?;
        line("model", index.model.as_deref().unwrap_or("none (keyword search only)"))?;
    }
    line("index status", index.error.as_deref().unwrap_or("ok"))?;
    if let Some(found) = &report.onnx_runtime {
        let found = match (&found.path, &found.error) {
            (Some(library), _) => path(library),
            (None, error) => format!("not found ({})", error.as_deref().unwrap_or("not needed")),
        };
        line("ONNX Runtime", &found)?;
    }
    for directory in &report.directories {
        let found = match (&directory.path, &directory.error) {
            (Some(found), _) if directory.exists => path(found),
            (Some(found), _) => format!("{} (does not exist)", path(found)),
            (None, error) => error.clone().unwrap_or_default(),
        };
        line(directory.name, &found)?;
    }
    let terminal = &report.terminal;
    let is = |is: bool| if is { "terminal" } else { "redirected" };
    let size = match (terminal.columns, terminal.rows) {
        (Some(columns), Some(rows)) => format!(", {columns} × {rows}"),
        _ => String::new(),
    };
    line(
        "terminal",
        &format!(
            "stdin {}, stdout {}, stderr {}{size}",
            is(terminal.stdin),
            is(terminal.stdout),
            is(terminal.stderr)
        ),
    )?;
    for (name, value) in &report.environment {
        line(name, value)?;
    }
    Ok(())
}
