//! `rqsearch eval --report FILE`

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, bail};

use crate::cli::write_file;
use crate::evaluate::{EarlierRun, SetReport};
use crate::render::report::write_report;

/// Reads a TREC run, as `--run` writes it.
pub fn read_run(path: &Path) -> anyhow::Result<EarlierRun> {
    let file = File::open(path).with_context(|| format!("could not open {}", path.display()))?;
    let mut rankings: HashMap<String, Vec<String>> = HashMap::new();
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = line.with_context(|| format!("could not read {}", path.display()))?;
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [query, _, document, _, _, _] = columns.as_slice() else {
            bail!("{}:{number}: expected the six columns of a TREC run", path.display());
        };
        rankings.entry((*query).to_owned()).or_default().push((*document).to_owned());
    }
    Ok(EarlierRun { name: path.display().to_string(), rankings })
}

/// Writes the page.
pub fn write(path: &Path, sets: &[SetReport]) -> anyhow::Result<()> {
    write_file(path, |out| write_report(out, sets))
}
