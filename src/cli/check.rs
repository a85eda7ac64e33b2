//! `rqsearch check`

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use super::hints::report_problem;
use super::locate_index::BuildArgs;
use super::model::NetworkArgs;
use super::outcome::Outcome;
use super::streams::{say, stdout, write_json};
use super::text::{layout, plural};
use crate::duplicates::Cache;
use crate::embed::{self, Embedder, Prepare};
use crate::hint::hinted;
use crate::index::check::{AffectedQuestion, Damage, Report, by_path, check};
use crate::index::{Build, NeedsCopy, Problem, Repaired, read_roots};

/// How many titles of a file are listed. The others are counted.
const TITLES: usize = 3;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 the index is sound, or everything was restored; 2 it is damaged, or questions \
                        are lost; 2 also for other errors."
)]
pub struct Args {
    /// Drop the damaged parts, read the sources that exist again, and list what was restored and what is lost
    #[arg(long)]
    repair: bool,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    index: BuildArgs,
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let Some(dir) = args.index.location().find()? else {
        bail!(hinted("no index here", "--index names one; `rqsearch index PATH` creates one"));
    };
    NeedsCopy::ensure_directory(&dir, "`rqsearch check`")?;
    let cache = Cache::damaged_file(&dir);
    let (report, repaired) = match args.repair {
        false => (check(&dir)?, None),
        true => {
            let repaired = repair(args, &dir)?;
            if let Some(cache) = &cache {
                fs::remove_file(cache).with_context(|| format!("could not delete {}", cache.display()))?;
            }
            (repaired.report.clone(), Some(repaired))
        }
    };
    let mut report = report;
    report.damage.extend(cache.iter().map(|file| Damage {
        file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        segment: None,
        reason: "it is damaged; it is only a cache, and is computed again".to_owned(),
    }));
    let mut out = BufWriter::new(stdout());
    match args.json {
        true => {
            write_json(&mut out, &Reply::new(&report, repaired.as_ref()))?;
        }
        false => write_report(&mut out, &dir, &report, repaired.as_ref())?,
    }
    out.flush()?;
    if report.is_commit_damaged() {
        say(
            "hint: remove the directory and build the index again with `rqsearch index`, or restore a snapshot",
        );
    } else if repaired.is_none() && (cache.is_some() || !report.segments.is_empty()) {
        say("hint: `rqsearch check --repair` drops the damaged parts and reads the sources again");
    }
    let is_good = match &repaired {
        None => report.is_sound(),
        Some(repaired) => repaired.lost.is_empty() && repaired.unknown == 0,
    };
    Ok(if is_good { Outcome::Success } else { Outcome::Partial })
}

fn repair(args: &Args, dir: &Path) -> anyhow::Result<Repaired> {
    let (model, roots) = read_roots(dir)?;
    let load = || {
        embed::open(model.as_ref().expect("the index has a model"), None, args.network.loading(Prepare::Many))
    };
    let embedder: Option<Box<dyn Embedder>> = model.as_ref().map(|_| load()).transpose()?;
    let problems = |problem: &Problem| report_problem(problem);
    let offline = args.network.is_offline();
    Build { embedder: embedder.as_deref(), offline, problems: &problems, ..Build::new(dir, &roots) }.repair()
}

fn write_report(
    out: &mut impl Write,
    dir: &Path,
    report: &Report,
    repaired: Option<&Repaired>,
) -> io::Result<()> {
    let layout = layout();
    let dir = layout.shown(&dir.display().to_string()).into_owned();
    if report.is_sound() {
        let files = format!("{} {}", report.files, plural(report.files, "file"));
        return writeln!(out, "the index in {dir} is sound: {files}, {} verified", HumanBytes(report.bytes));
    }
    writeln!(out, "the index in {dir} {} damaged", if repaired.is_some() { "was" } else { "is" })?;
    for Damage { file, reason, .. } in &report.damage {
        writeln!(out, "  {}: {}", layout.shown(file), layout.shown(reason))?;
    }
    for segment in &report.segments {
        let counted = counted(segment.questions.len());
        match segment.is_complete {
            true => writeln!(out, "{counted} affected in segment {}", segment.id)?,
            false => writeln!(
                out,
                "up to {} records affected in segment {}; it is too damaged to name them",
                HumanCount(segment.documents),
                segment.id
            )?,
        }
        if repaired.is_none() {
            write_questions(out, &segment.questions)?;
        }
    }
    let Some(repaired) = repaired else { return Ok(()) };
    writeln!(out, "{} restored", counted(repaired.restored.len()))?;
    if repaired.lost.is_empty() {
        writeln!(out, "no question is known to be lost")?;
    } else {
        writeln!(out, "{} lost:", counted(repaired.lost.len()))?;
        write_questions(out, &repaired.lost)?;
    }
    if repaired.unknown > 0 {
        let unknown = HumanCount(repaired.unknown);
        writeln!(
            out,
            "up to {unknown} records were too damaged to name; those whose sources exist were read again"
        )?;
    }
    Ok(())
}

fn counted(count: usize) -> String {
    format!("{} {}", HumanCount(count as u64), plural(count as u64, "question"))
}

/// Lists questions by the file that they come from.
fn write_questions(out: &mut impl Write, questions: &[AffectedQuestion]) -> io::Result<()> {
    let layout = layout();
    for (path, questions) in by_path(questions) {
        let names = questions.iter().take(TITLES).map(|question| match question.title.is_empty() {
            true => question.id.clone(),
            false => format!("{:?}", question.title),
        });
        let names = names.collect::<Vec<_>>().join(", ");
        let more = match questions.len().saturating_sub(TITLES) {
            0 => String::new(),
            more => format!(" … and {more} more"),
        };
        let path = if path.is_empty() { "unknown file" } else { path };
        writeln!(
            out,
            "  {}: {}: {}{more}",
            layout.shown(path),
            counted(questions.len()),
            layout.shown(&names)
        )?;
    }
    Ok(())
}

/// The JSON object of `check --json`.
#[derive(Serialize)]
struct Reply<'a> {
    sound: bool,
    /// Number of files that were verified.
    files: u64,
    bytes: u64,
    damage: Vec<DamageReply<'a>>,
    segments: Vec<SegmentReply<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<RepairReply<'a>>,
}

#[derive(Serialize)]
struct DamageReply<'a> {
    file: &'a str,
    segment: Option<&'a str>,
    reason: &'a str,
}

#[derive(Serialize)]
struct SegmentReply<'a> {
    id: &'a str,
    documents: u64,
    /// Whether all affected questions are listed.
    complete: bool,
    questions: Vec<QuestionReply<'a>>,
}

#[derive(Serialize)]
struct QuestionReply<'a> {
    id: &'a str,
    /// Null if the records of the segment are damaged.
    path: Option<&'a str>,
    title: Option<&'a str>,
}

#[derive(Serialize)]
struct RepairReply<'a> {
    restored: Vec<QuestionReply<'a>>,
    lost: Vec<QuestionReply<'a>>,
    /// Number of records that were too damaged to name.
    unknown: u64,
}

impl<'a> Reply<'a> {
    fn new(report: &'a Report, repaired: Option<&'a Repaired>) -> Self {
        let damage = report.damage.iter().map(|damage| DamageReply {
            file: &damage.file,
            segment: damage.segment.as_deref(),
            reason: &damage.reason,
        });
        let segments = report.segments.iter().map(|segment| SegmentReply {
            id: &segment.id,
            documents: segment.documents,
            complete: segment.is_complete,
            questions: questions(&segment.questions),
        });
        Self {
            sound: report.is_sound(),
            files: report.files,
            bytes: report.bytes,
            damage: damage.collect(),
            segments: segments.collect(),
            repair: repaired.map(|repaired| RepairReply {
                restored: questions(&repaired.restored),
                lost: questions(&repaired.lost),
                unknown: repaired.unknown,
            }),
        }
    }
}

fn questions(questions: &[AffectedQuestion]) -> Vec<QuestionReply<'_>> {
    questions.iter().map(QuestionReply::from).collect()
}

impl<'a> From<&'a AffectedQuestion> for QuestionReply<'a> {
    fn from(AffectedQuestion { path, id, title }: &'a AffectedQuestion) -> Self {
        let known = |text: &'a String| Some(text.as_str()).filter(|text| !text.is_empty());
        Self { id, path: known(path), title: known(title) }
    }
}
