//! What `rqsearch gaps` writes.

use std::io::{BufWriter, Write};

use indicatif::HumanCount;

use super::args::Args;
use crate::cli::streams::{say, stdout, write_json};
use crate::cli::text::{cell, layout, plural};
use crate::cli::write_file::write_file;
use crate::gaps::{Group, Phrase, Report};
use crate::render::gaps::write_page;
use crate::render::{json, terminal};

/// Writes the groups or questions to stdout, or a page, and says what was found.
pub fn write(args: &Args, report: &Report) -> anyhow::Result<()> {
    if let Some(path) = &args.html {
        write_file(path, |out| write_page(out, report, args.examples()))?;
        say(&format!("the page is in {}", path.display()));
    }
    let mut out = BufWriter::new(stdout());
    let unasked = &report.unasked[..report.unasked.len().min(args.limit().unwrap_or(usize::MAX))];
    match (args.json, args.csv, args.unasked) {
        (true, ..) => {
            let reply = json::GapsReply::new(report, args.examples(), args.unasked.then_some(unasked));
            write_json(&mut out, &reply)?;
        }
        (_, true, true) => write_questions(&mut out, unasked)?,
        (_, true, false) => write_csv(&mut out, &report.groups, args.examples())?,
        (.., true) => terminal::write_titles(&mut out, unasked, layout())?,
        _ if args.html.is_some() => {}
        _ => terminal::write_gaps(&mut out, &report.groups, args.examples(), layout())?,
    }
    out.flush()?;
    say(&summary(args, report, unasked.len()));
    Ok(())
}

fn summary(args: &Args, report: &Report, unasked: usize) -> String {
    let counted = |count: u64, noun| format!("{} {}", HumanCount(count), plural(count, noun));
    let phrases = report.answered.phrases + report.unanswered.phrases;
    let asked = report.answered.asked + report.unanswered.asked;
    let times = if asked == 1 { "once".to_owned() } else { format!("{} times", HumanCount(asked)) };
    let all = format!("{} (asked {times})", counted(phrases, "phrase"));
    if args.unasked {
        let questions = report.unasked.len() as u64;
        let listed =
            if unasked < report.unasked.len() { format!(", {unasked} listed") } else { String::new() };
        return format!("{} asked by none of {all}{listed}", counted(questions, "question"));
    }
    let listed = match report.groups.len() {
        listed if listed < report.found => format!(", {listed} listed (--limit N lists more)"),
        _ => String::new(),
    };
    let small = match report.small.phrases {
        0 => String::new(),
        few => format!("; {few} in smaller groups (--min-size 1 lists them)"),
    };
    format!(
        "{all}, {} without an answer; {}{listed}{small}",
        HumanCount(report.unanswered.phrases),
        counted(report.found as u64, "group"),
    )
}

fn write_csv(out: &mut impl Write, groups: &[Group], examples: usize) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    let columns = "group,group_asked,phrase,asked,suggestion,id,title,path,line,confidence,reason";
    table.write_record(columns.split(','))?;
    for group in groups {
        let nearest = group.nearest.as_ref().map(json::NearestReply::from);
        let question = nearest.as_ref().map(|nearest| &nearest.question);
        let rest = [
            json::suggestion_name(group.suggestion).to_owned(),
            question.map(|question| question.id.to_owned()).unwrap_or_default(),
            question.map(|question| cell(question.title)).unwrap_or_default(),
            question.map(|question| cell(question.source.path)).unwrap_or_default(),
            question.map(|question| question.source.line.to_string()).unwrap_or_default(),
            nearest.as_ref().map(|nearest| format!("{:.4}", nearest.confidence)).unwrap_or_default(),
            nearest.as_ref().map(|nearest| cell(&nearest.reason)).unwrap_or_default(),
        ];
        for Phrase { text, count } in group.phrases.iter().take(examples) {
            let first = [group.id.clone(), group.count.to_string(), cell(text), count.to_string()];
            table.write_record(first.iter().chain(&rest))?;
        }
    }
    table.flush()?;
    Ok(())
}

fn write_questions(out: &mut impl Write, questions: &[crate::question::Question]) -> anyhow::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    table.write_record(["id", "title", "path", "line"])?;
    for question in questions {
        let line = question.source.line.to_string();
        table.write_record([&question.id, &cell(&question.title), &cell(&question.source.path), &line])?;
    }
    table.flush()?;
    Ok(())
}
