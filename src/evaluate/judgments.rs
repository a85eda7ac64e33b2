//! What people judged right.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

/// Queries, and what answers them.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What to call it in a table: the folder's or the file's name.
    pub name: String,
    /// The documents to search, where the set brings its own.
    pub corpus: Option<PathBuf>,
    /// The queries that somebody judged something for, in order of the file.
    pub queries: Vec<JudgedQuery>,
    /// Queries that nothing answers, where the set has such: those of
    /// `queries_out_of_scope.jsonl`, or phrases without titles.
    pub out_of_scope: Vec<JudgedQuery>,
}

/// One query.
#[derive(Clone, Debug)]
pub struct JudgedQuery {
    /// Its name in the set; a line number where it has none.
    pub id: String,
    /// The phrase.
    pub text: String,
    /// What answers it.
    pub right: Right,
}

/// What answers a query.
#[derive(Clone, Debug)]
pub enum Right {
    /// Documents by key, with how right each is (above 0).
    Keys(HashMap<String, u32>),
    /// Every document whose title contains one of these, case ignored.
    Titles(Vec<String>),
}

impl Judged {
    /// Reads a judged set: a folder with `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`, or a
    /// file with a phrase, a tab and parts of the right titles (`|` between) on each line; nothing
    /// behind the tab says that nothing answers the phrase.
    ///
    /// # Errors
    /// A file is missing or a line broken (named); a judgment names a document or query that does
    /// not exist; nothing is judged.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let judged = if path.is_dir() { read_folder(path, name)? } else { read_phrases(path, name)? };
        if judged.queries.is_empty() {
            bail!("{} holds no judged queries", path.display());
        }
        Ok(judged)
    }
}

/// A line of `corpus.jsonl` or `queries.jsonl`; what else it holds does not matter here.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    text: String,
}

fn read_folder(dir: &Path, name: String) -> anyhow::Result<Judged> {
    let corpus = dir.join("corpus.jsonl");
    let documents: HashSet<String> = entries(&corpus)?.into_iter().map(|entry| entry.id).collect();
    let queries = entries(&dir.join("queries.jsonl"))?;
    let names: HashSet<&str> = queries.iter().map(|query| query.id.as_str()).collect();
    let qrels = dir.join("qrels").join("test.tsv");
    let mut judgments: HashMap<String, HashMap<String, u32>> = HashMap::new();
    for (number, line) in numbered_lines(&qrels)? {
        let mut columns = line.split('\t');
        let (Some(query), Some(document), Some(judgment), None) =
            (columns.next(), columns.next(), columns.next(), columns.next())
        else {
            bail!("{}:{number}: expected query, document and judgment with tabs between", qrels.display());
        };
        let Ok(judgment) = judgment.trim().parse::<i64>() else {
            // The usual head line.
            if number == 1 {
                continue;
            }
            bail!("{}:{number}: {judgment:?} is no judgment", qrels.display());
        };
        if !names.contains(query) {
            bail!("{}:{number}: no query is called {query:?}", qrels.display());
        }
        if !documents.contains(document) {
            bail!("{}:{number}: no document is called {document:?}", qrels.display());
        }
        if let Some(judgment) = u32::try_from(judgment).ok().filter(|judgment| *judgment > 0) {
            judgments.entry(query.to_owned()).or_default().insert(document.to_owned(), judgment);
        }
    }
    let judged = queries.into_iter().filter_map(|query| {
        let right = Right::Keys(judgments.remove(&query.id)?);
        Some(JudgedQuery { id: query.id, text: query.text, right })
    });
    let out_of_scope = match dir.join("queries_out_of_scope.jsonl") {
        file if file.is_file() => entries(&file)?,
        _ => Vec::new(),
    };
    let nothing =
        |entry: Entry| JudgedQuery { id: entry.id, text: entry.text, right: Right::Keys(HashMap::new()) };
    let out_of_scope = out_of_scope.into_iter().map(nothing).collect();
    Ok(Judged { name, corpus: Some(corpus), queries: judged.collect(), out_of_scope })
}

fn entries(path: &Path) -> anyhow::Result<Vec<Entry>> {
    numbered_lines(path)?
        .into_iter()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            serde_json::from_str(&line)
                .with_context(|| format!("{}:{number}: not a record with _id", path.display()))
        })
        .collect()
}

fn read_phrases(path: &Path, name: String) -> anyhow::Result<Judged> {
    let (mut queries, mut out_of_scope) = (Vec::new(), Vec::new());
    for (number, line) in numbered_lines(path)? {
        if line.trim().is_empty() || line.starts_with("# ") {
            continue;
        }
        let Some((text, titles)) = line.split_once('\t') else {
            bail!("{}:{number}: expected a phrase, a tab and parts of the right titles", path.display());
        };
        let titles = titles.split('|').map(|part| part.trim().to_lowercase()).filter(|part| !part.is_empty());
        let titles: Vec<String> = titles.collect();
        let set = if titles.is_empty() { &mut out_of_scope } else { &mut queries };
        set.push(JudgedQuery {
            id: number.to_string(),
            text: text.trim().to_owned(),
            right: Right::Titles(titles),
        });
    }
    Ok(Judged { name, corpus: None, queries, out_of_scope })
}

fn numbered_lines(path: &Path) -> anyhow::Result<Vec<(usize, String)>> {
    let file = File::open(path).with_context(|| format!("could not open {}", path.display()))?;
    let lines = BufReader::new(file).lines().collect::<Result<Vec<_>, _>>();
    let lines = lines.with_context(|| format!("could not read {}", path.display()))?;
    Ok((1..).zip(lines).collect())
}
