//! `rqsearch gaps FILE… --accept GROUP`

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::acceptance::Acceptance;
use super::args::Args;
use crate::cli::locate_index::IndexLocation;
use crate::cli::streams::{say, stdout};
use crate::cli::text::{layout, plural};
use crate::gaps::{Group, Report, Suggestion, group_id};
use crate::hint::hinted;
use crate::index::Index;
use crate::question::Question;
use crate::read::{self, PHRASINGS, Phrasing};
use crate::regular_file::directory_of;

/// The phrases of a group, and the question that they ask.
struct Accepted<'a> {
    group: &'a Group,
    question: Question,
    /// The index that has the question.
    index: PathBuf,
}

/// Writes the phrases of the accepted groups to files of phrasings. Nothing is written if one of them cannot be accepted.
pub fn run(args: &Args, index: &Index, report: &Report) -> anyhow::Result<()> {
    if !index.dir().is_dir() && index.members().next().is_none() {
        bail!(hinted(
            "the built-in questions cannot be changed",
            "`rqsearch index PATH` creates an index of your own"
        ));
    }
    let accepted = args.accept.iter().map(|acceptance| accepted(args, index, report, acceptance));
    let accepted: Vec<Accepted<'_>> = accepted.collect::<anyhow::Result<_>>()?;
    let mut dirs: Vec<&Path> = accepted.iter().map(|accepted| accepted.index.as_path()).collect();
    dirs.sort();
    dirs.dedup();
    let targets = dirs.iter().map(|dir| Target::new(args, dir)).collect::<anyhow::Result<Vec<_>>>()?;
    if let (Some(file), [_, _, ..]) = (&args.phrasings, dirs.as_slice()) {
        bail!(hinted(
            format!("the questions are in several indexes, and {} is one file", file.display()),
            "without --phrasings, each index gets its own"
        ));
    }
    for target in targets {
        let own: Vec<&Accepted<'_>> =
            accepted.iter().filter(|accepted| accepted.index == target.index.dir()).collect();
        target.add(&own, args)?;
    }
    Ok(())
}

/// The group of an acceptance and its question.
fn accepted<'a>(
    args: &Args,
    index: &Index,
    report: &'a Report,
    acceptance: &Acceptance,
) -> anyhow::Result<Accepted<'a>> {
    let matching: Vec<&Group> =
        report.groups.iter().filter(|group| group.id.starts_with(&acceptance.group)).collect();
    let group = match matching.as_slice() {
        [group] => *group,
        [] => return Err(no_group(args, index, &acceptance.group)),
        several => {
            let ids: Vec<&str> = several.iter().map(|group| group.id.as_str()).collect();
            bail!("several groups have an id that begins with {}: {}", acceptance.group, ids.join(", "));
        }
    };
    let question = match &acceptance.question {
        Some(name) => named_question(index, name)?,
        None => suggested_question(group)?,
    };
    let member = index.address(&question.id)?.and_then(|address| index.member(address));
    let index = member.unwrap_or(index.dir()).to_owned();
    Ok(Accepted { group, question, index })
}

/// Why there is no group with an id: it is accepted already, or it never was one.
fn no_group(args: &Args, index: &Index, id: &str) -> anyhow::Error {
    let mut files: Vec<PathBuf> = args.phrasings.iter().cloned().collect();
    files.extend(index.phrasing_files().unwrap_or_default());
    let has_it = |file: &&PathBuf| {
        let phrasings = read::phrasings(file).unwrap_or_default().into_iter().flatten();
        phrasings.into_iter().any(|(_, phrasing)| group_id(&phrasing.phrase).starts_with(id))
    };
    if let Some(file) = files.iter().find(has_it) {
        return anyhow::anyhow!(
            "no group has the id {id}, because its phrase is accepted and answered: it is in {}",
            file.display()
        );
    }
    anyhow::Error::from(hinted(
        format!("no group has the id {id}"),
        "`rqsearch gaps FILE` lists the groups of FILE with their ids; use the same files \
         and the same --similarity",
    ))
}

fn named_question(index: &Index, name: &str) -> anyhow::Result<Question> {
    let mut found = index.find(name)?;
    match found.len() {
        0 => bail!(hinted(format!("no question has the id {name:?}"), "a search shows the ids of questions")),
        1 => Ok(found.remove(0)),
        _ => {
            let ids: Vec<&str> = found.iter().map(|question| question.id.as_str()).collect();
            bail!(hinted(
                format!("several questions have the id {name:?}"),
                format!("name one of {}", ids.join(", "))
            ));
        }
    }
}

/// The question that the phrases of a group ask by the suggestion.
fn suggested_question(group: &Group) -> anyhow::Result<Question> {
    let Group { id, nearest, suggestion, .. } = group;
    let phrase = &group.representative().text;
    match nearest {
        Some(nearest) if *suggestion == Suggestion::AnotherWay => Ok(nearest.question.clone()),
        Some(nearest) => bail!(hinted(
            format!("{id} “{phrase}” needs a new question: the closest is “{}”", nearest.question.title),
            format!(
                "write a question with an answer into one \
             of your files, or name the question that it asks: --accept {id}={}",
                nearest.question.id
            )
        )),
        None => bail!(hinted(
            format!("{id} “{phrase}” needs a new question: no question is related"),
            format!(
                "write a question with an answer into \
             one of your files, or name the question that it asks: --accept {id}=QUESTION"
            )
        )),
    }
}

/// A file of phrasings of an index.
struct Target {
    file: PathBuf,
    index: Index,
}

impl Target {
    fn new(args: &Args, dir: &Path) -> anyhow::Result<Self> {
        let index = Index::open(dir)?;
        let file = match &args.phrasings {
            Some(file) if !read::is_phrasings(file) => bail!(hinted(
                format!("{} does not have the name of a file of phrasings", file.display()),
                format!(
                    "name it {PHRASINGS}, or end its name with \
                 .{PHRASINGS}"
                )
            )),
            Some(file) => file.clone(),
            None => default_file(&index)?,
        };
        Ok(Self { file, index })
    }

    /// Adds the phrases of groups to the file, and says what to do next.
    fn add(&self, accepted: &[&Accepted<'_>], args: &Args) -> anyhow::Result<()> {
        let shown = args.examples();
        let mut phrasings = Vec::new();
        for Accepted { group, question, .. } in accepted {
            let title = self.is_only_title(question)?.then(|| question.title.clone());
            phrasings.extend(group.phrases.iter().take(shown).map(|phrase| Phrasing {
                phrase: phrase.text.clone(),
                id: Some(question.id.clone()),
                title: title.clone(),
            }));
        }
        let added = read::append_phrasings(&self.file, &phrasings)
            .with_context(|| format!("could not write {}", self.file.display()))?;
        let mut states = phrasings.iter().zip(&added);
        let mut out = stdout();
        for Accepted { group, question, .. } in accepted {
            writeln!(out, "{}", layout().shown(&question.title))?;
            for (phrasing, is_new) in states.by_ref().take(group.phrases.len().min(shown)) {
                let known = if *is_new { "" } else { "  (it is in the file already)" };
                writeln!(out, "  {}{known}", layout().shown(&phrasing.phrase))?;
            }
        }
        out.flush()?;
        let count = added.iter().filter(|is_new| **is_new).count() as u64;
        let file = display(&self.file);
        say(&format!("{count} {} added to {file}; next: {}", plural(count, "phrase"), self.command(args)?));
        Ok(())
    }

    /// Whether no other question of the index has this title.
    fn is_only_title(&self, question: &Question) -> anyhow::Result<bool> {
        Ok(self.index.titled(&question.title)?.len() == 1)
    }

    /// The command that reads the file into the index.
    fn command(&self, args: &Args) -> anyhow::Result<String> {
        let dir = match args.index.location() {
            IndexLocation::Named(_) | IndexLocation::Several(_) => {
                format!(" --index {}", self.index.dir().display())
            }
            _ => String::new(),
        };
        let file =
            self.file.canonicalize().with_context(|| format!("could not find {}", self.file.display()))?;
        let is_read = self.index.roots()?.iter().any(|root| file.starts_with(root));
        let path = if is_read { String::new() } else { format!(" {}", display(&self.file)) };
        Ok(format!("rqsearch index{dir}{path}"))
    }
}

/// A path as the user would write it: relative if it is below the current directory.
fn display(path: &Path) -> String {
    let here = std::env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

/// The file of phrasings that an index was built from, or else a new one beside its first file or in its first directory.
fn default_file(index: &Index) -> anyhow::Result<PathBuf> {
    if let Some(file) = index.phrasing_files()?.into_iter().find(|file| file.is_file()) {
        return Ok(file);
    }
    let roots = index.roots()?;
    let root = roots.iter().find(|root| root.exists());
    let dir = match root {
        Some(root) if root.is_dir() => root,
        Some(root) => directory_of(root),
        // Questions from the web, from standard input or from programs.
        None => directory_of(index.dir()),
    };
    Ok(dir.join(PHRASINGS))
}
