//! `rqsearch watch [PATH…]`

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};

use super::hints::{report, report_problem};
use super::index::{counted, progress_bar, show_progress};
use super::locate_index::BuildArgs;
use super::model::NetworkArgs;
use super::option_values::at_least_one;
use super::outcome::Outcome;
use super::streams::{data, say, write_json};
use crate::embed::{self, Loading, Prepare};
use crate::index::{Counts, Missing, Summary};
use crate::render::escape::escaped;
use crate::render::json::UpdateReply;
use crate::watch::{Control, Options, Status, Timing, Update, Watcher};

/// How often the status line is drawn.
const FRAME: Duration = Duration::from_millis(100);

/// How many changed files a line about an update names. The others are counted.
const FILES_NAMED: usize = 3;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The index is updated as `rqsearch index` does it. Searches see each update as soon as it is committed. \
                  Ctrl-C ends the command.\nExit status: 0 ended, 2 error."
)]
pub struct Args {
    /// Files and directories to index and to watch [default: those that the index was built from]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write one JSON object for each update on stdout
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    timing: TimingArgs,
    /// Keep the questions of files that no longer exist. Otherwise they are removed
    #[arg(long)]
    keep_missing: bool,
    /// Remove the questions of files that no longer exist, also if all files of a directory are gone. Without
    /// this option, the index is not changed then, since a disk may not be mounted
    #[arg(long, conflicts_with = "keep_missing")]
    remove_missing: bool,
    /// Use N threads [default: the number of processors]
    #[arg(short = 'j', long, value_name = "N", value_parser = at_least_one)]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    index: BuildArgs,
}

/// When an update starts.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct TimingArgs {
    /// Update the index when no file has changed for this time
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value_t = Timing::DEFAULT.quiet.as_secs_f32())]
    quiet_time: f32,
    /// Update the index this time after the first change at the latest, even if files change all the time
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value_t = Timing::DEFAULT.longest.as_secs_f32())]
    longest_wait: f32,
    /// Look for changes at this interval instead of being notified by the system. Use this for network file
    /// systems, or if the system does not watch that many directories
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    poll: Option<f32>,
}

impl TimingArgs {
    /// How long to wait for further changes.
    pub fn timing(&self) -> Timing {
        Timing {
            quiet: Duration::from_secs_f32(self.quiet_time),
            longest: Duration::from_secs_f32(self.longest_wait),
        }
    }

    /// The interval at which changes are looked for; `None` with notifications.
    pub fn poll(&self) -> Option<Duration> {
        self.poll.map(Duration::from_secs_f32)
    }
}

/// Parses a time.
pub fn seconds(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(seconds) if (0.01..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("must be a number of seconds from 0.01 to 86400".into()),
    }
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    let watcher = Watcher::new(args.options()?)?;
    say(&format!("rqsearch: {} (stop with Ctrl-C)", watching(&watcher)));
    let control = watcher.control();
    stop_on_signals(control.clone())?;
    let line = StatusLine::new();
    let report = |update: &Update| match args.json {
        true => write_update(update),
        false => {
            line.report(update, args.keep_missing);
            Ok(())
        }
    };
    thread::scope(|scope| {
        let watching = scope.spawn(|| watcher.run(report));
        while !line.bar.is_hidden() && !watching.is_finished() {
            thread::sleep(FRAME);
            line.draw(control.status());
        }
        watching.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    line.bar.finish_and_clear();
    Ok(Outcome::Success)
}

/// What is watched, for the user.
pub fn watching(watcher: &Watcher) -> String {
    let (files, directories) = watcher.counts();
    format!(
        "watching {} in {}",
        counted(files as u64, "file"),
        match directories {
            1 => "1 directory".to_owned(),
            count => format!("{count} directories"),
        }
    )
}

impl Args {
    fn options(&self) -> anyhow::Result<Options> {
        let missing = match (self.keep_missing, self.remove_missing) {
            (true, _) => Missing::Keep,
            (_, true) => Missing::RemoveAll,
            _ => Missing::Remove,
        };
        let dir = self.index.location().to_build()?;
        let defaults = Options::new(dir, self.paths.clone());
        let loading =
            Loading { threads: self.threads.map(Into::into), ..self.network.loading(Prepare::Many) };
        Ok(Options {
            missing,
            timing: self.timing.timing(),
            poll: self.timing.poll(),
            threads: self.threads.map_or(defaults.threads, Into::into),
            load: Box::new(move |model| embed::open(model, None, loading)),
            ..defaults
        })
    }
}

/// Ends watching on Ctrl-C and SIGTERM. A second signal ends the program at once, which does not harm the index.
#[cfg(unix)]
fn stop_on_signals(control: Control) -> io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::low_level::emulate_default_handler;

    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        let mut signals = signals.forever();
        signals.next();
        control.stop();
        if let Some(signal) = signals.next() {
            // An error cannot be reported any more.
            _ = emulate_default_handler(signal);
        }
    });
    Ok(())
}

/// Elsewhere, Ctrl-C ends the program at once, which does not harm the index.
#[cfg(not(unix))]
fn stop_on_signals(_: Control) -> io::Result<()> {
    Ok(())
}

fn write_update(update: &Update) -> anyhow::Result<()> {
    let time = humantime::format_rfc3339_millis(update.time).to_string();
    let took_ms = (update.took.as_secs_f64() * 1e6).round() / 1e3;
    let mut out = data();
    let reply = UpdateReply::new(time, took_ms, update.result.as_ref(), &update.problems);
    write_json(&mut out, &reply)?;
    Ok(out.flush()?)
}

/// The last line of the terminal. Without a terminal, each update is a line instead.
struct StatusLine {
    bar: ProgressBar,
    /// What the last update did.
    last: Mutex<String>,
    /// Whether the line shows an update that runs.
    is_updating: AtomicBool,
    waiting: ProgressStyle,
    updating: ProgressStyle,
}

impl StatusLine {
    fn new() -> Self {
        let bar = progress_bar();
        let waiting = ProgressStyle::with_template("{wide_msg}").expect("the template is valid");
        let (last, is_updating) = (Mutex::default(), AtomicBool::new(false));
        Self { updating: bar.style(), bar, waiting, last, is_updating }
    }

    fn report(&self, update: &Update, keeps_missing: bool) {
        let has_lines = self.bar.is_hidden();
        self.bar.suspend(|| {
            update.problems.iter().for_each(report_problem);
            match &update.result {
                Err(error) => {
                    report(error);
                    say("  (the update is tried again until it succeeds)");
                }
                Ok(summary) => {
                    super::index::report_missing(summary, keeps_missing);
                    if has_lines {
                        let time = humantime::format_rfc3339_seconds(update.time);
                        say(&format!("{time}  {}", described(summary, update.took)));
                    }
                }
            }
        });
        if let Ok(summary) = &update.result {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = described(summary, update.took);
        }
    }

    fn draw(&self, status: &Status) {
        let running = status.running();
        if self.is_updating.swap(running.is_some(), Ordering::Relaxed) != running.is_some() {
            self.bar.reset();
        }
        if let Some(progress) = running {
            self.bar.set_style(self.updating.clone());
            show_progress(&self.bar, &progress);
            return;
        }
        self.bar.set_style(self.waiting.clone());
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let age = status.last().and_then(|time| SystemTime::now().duration_since(time).ok());
        let age = age.map_or_else(String::new, |age| format!(", {} ago", HumanDuration(age)));
        let state = if status.failure().is_some() { "not current: " } else { "" };
        let message = escaped(&format!("{state}{last}{age}")).into_owned();
        if self.bar.message() != message {
            self.bar.set_message(message);
        }
    }
}

/// What an update did, and how long it took: `672 questions: 2 new or changed and 1 removed in faq.md; 1 file gone (0.3 s)`.
fn described(summary: &Summary, took: Duration) -> String {
    let changed = summary.files.iter().filter(|file| file.counts.added + file.counts.removed > 0);
    let changed: Vec<_> = changed.collect();
    let sum = |count: fn(&Counts) -> u64| changed.iter().map(|file| count(&file.counts)).sum::<u64>();
    let (added, removed) = (sum(|counts| counts.added), sum(|counts| counts.removed));
    let counts =
        [(added, "new or changed"), (removed, "removed")].into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, what)| format!("{} {what}", HumanCount(count))).collect();
    let mut parts = Vec::new();
    if !counts.is_empty() {
        let named: Vec<&str> = changed.iter().take(FILES_NAMED).map(|file| file.path.as_str()).collect();
        let more = match changed.len() - named.len() {
            0 => String::new(),
            more => format!(" and {}", counted(more as u64, "more file")),
        };
        parts.push(format!("{} in {}{more}", counts.join(" and "), named.join(", ")));
    }
    if summary.removed_files > 0 {
        parts.push(format!("{} gone", counted(summary.removed_files, "file")));
    }
    let questions = counted(summary.questions, "question");
    let changes = if parts.is_empty() { String::new() } else { format!(": {}", parts.join("; ")) };
    format!("{questions}{changes} ({:.1} s)", took.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::FileSummary;

    #[test]
    fn an_update_is_described_in_one_line() {
        let file = |path: &str, added, removed| FileSummary {
            path: path.to_owned(),
            format: None,
            counts: Counts { added, kept: 7, removed },
        };
        let summary = |files: Vec<FileSummary>, removed_files| Summary {
            files,
            removed_files,
            questions: 1_672,
            ..Summary::default()
        };
        for (summary, expected) in [
            (summary(vec![], 0), "1,672 questions (0.3 s)"),
            (summary(vec![file("a.md", 0, 0)], 2), "1,672 questions: 2 files gone (0.3 s)"),
            (
                summary(vec![file("a.md", 2, 1), file("b.md", 0, 0)], 1),
                "1,672 questions: 2 new or changed and 1 removed in a.md; 1 file gone (0.3 s)",
            ),
            (
                summary((0..5).map(|nth| file(&format!("{nth}.md"), 0, 1)).collect(), 0),
                "1,672 questions: 5 removed in 0.md, 1.md, 2.md and 2 more files (0.3 s)",
            ),
        ] {
            assert_eq!(described(&summary, Duration::from_millis(312)), expected);
        }
    }
}
