//! `rqsearch eval --report FILE`

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};

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

/// Writes the page. A page that exists is replaced when the new one is complete.
pub fn write(path: &Path, sets: &[SetReport]) -> anyhow::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> anyhow::Result<()> {
        let mut builder = tempfile::Builder::new();
        // The permissions of any other file: those of a temporary file are for its owner only.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut out = BufWriter::new(builder.tempfile_in(parent)?);
        write_report(&mut out, sets)?;
        out.flush()?;
        out.into_inner()?.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("could not write {}", path.display()))
}
