//! Judged queries (qrels).

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

/// A set of queries and the questions that were judged relevant for them.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The name of the set: the name of its directory or file, without the extension.
    pub name: String,
    /// The file with the documents to search. `None` if the set has no corpus of its own.
    pub corpus: Option<PathBuf>,
    /// The queries with judgments, in file order.
    pub queries: Vec<JudgedQuery>,
    /// The queries without an answer, from `queries_out_of_scope.jsonl` or from lines without titles. They
    /// may be missing.
    pub out_of_scope: Vec<JudgedQuery>,
}

/// A query and its judgments.
#[derive(Clone, Debug)]
pub struct JudgedQuery {
    /// The id of the query in its set, or its line number.
    pub id: String,
    /// The phrase.
    pub text: String,
    /// The relevant questions.
    pub right: Right,
}

/// The questions that are relevant for a query.
#[derive(Clone, Debug)]
pub enum Right {
    /// The keys of relevant documents, with their relevance grades (above 0).
    Keys(HashMap<String, u32>),
    /// The ids of relevant questions.
    Ids(HashSet<String>),
    /// Every document whose title contains one of these, ignoring case, is relevant.
    Titles(Vec<String>),
}

impl Judged {
    /// Reads judged queries from a directory or a file:
    ///
    /// - A directory in BEIR layout contains `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`. It can
    ///   also contain `queries_out_of_scope.jsonl`. A query can be a document, with the same id. It is not
    ///   an answer to itself.
    /// - A file contains one query per line: the phrase, a tab, and parts of the relevant titles, separated
    ///   by `|`. If nothing follows the tab, the phrase has no answer. Empty lines and lines that start with
    ///   `# ` are ignored.
    ///
    /// # Errors
    /// - A file is missing or cannot be read.
    /// - A line is malformed. The error names the file and the line.
    /// - A judgment refers to a document or query that does not exist.
    /// - There are no judged queries.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let judged = if path.is_dir() { read_directory(path, name)? } else { read_phrases(path, name)? };
        if judged.queries.is_empty() {
            bail!("{} contains no judged queries", path.display());
        }
        Ok(judged)
    }
}

/// A line of `corpus.jsonl` or `queries.jsonl`. Other fields are ignored.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    text: String,
}

fn read_directory(dir: &Path, name: String) -> anyhow::Result<Judged> {
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
            bail!(
                "{}:{number}: expected query id, document id and judgment, separated by tabs",
                qrels.display()
            );
        };
        let Ok(judgment) = judgment.trim().parse::<i64>() else {
            // The first line is usually a header.
            if number == 1 {
                continue;
            }
            bail!("{}:{number}: invalid judgment {judgment:?}, expected an integer", qrels.display());
        };
        if !names.contains(query) {
            bail!("{}:{number}: query id {query:?} is not in queries.jsonl", qrels.display());
        }
        if !documents.contains(document) {
            bail!("{}:{number}: document id {document:?} is not in corpus.jsonl", qrels.display());
        }
        if let Some(judgment) = u32::try_from(judgment).ok().filter(|judgment| *judgment > 0) {
            judgments.entry(query.to_owned()).or_default().insert(document.to_owned(), judgment);
        }
    }
    let judged = queries.into_iter().filter_map(|query| {
        let mut right = judgments.remove(&query.id)?;
        // A query that is a document as well never counts as its own answer.
        right.remove(&query.id);
        (!right.is_empty()).then_some(JudgedQuery {
            id: query.id,
            text: query.text,
            right: Right::Keys(right),
        })
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
                .with_context(|| format!("{}:{number}: expected a JSON object with `_id`", path.display()))
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
            bail!("{}:{number}: expected a phrase, a tab, and parts of relevant titles", path.display());
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
