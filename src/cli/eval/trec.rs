//! TREC runs: rankings in the format of `trec_eval`.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};

use crate::cli::streams::say;
use crate::evaluate::{EarlierRun, Evaluation, Judged, Questions, significance};

/// The name of the system in a run.
const RUN: &str = "rqsearch";

/// Reads a TREC run, as `--run` writes it.
pub fn read(path: &Path) -> anyhow::Result<EarlierRun> {
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

/// Writes a TREC run, the format of `trec_eval`: `query Q0 document rank score run`.
pub fn write(evaluation: &Evaluation, path: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    for query in &evaluation.queries {
        for (rank, (document, score)) in (1..).zip(&query.ranking) {
            writeln!(out, "{} Q0 {document} {rank} {score:.6} {RUN}", query.id)?;
        }
    }
    out.flush()
}

/// Reports on stderr how the nDCG@10 of these rankings differs from that of an earlier run.
pub fn compare(
    evaluation: &Evaluation,
    judged: &Judged,
    questions: &Questions,
    earlier: &EarlierRun,
) -> anyhow::Result<()> {
    if !evaluation.queries.iter().any(|query| earlier.rankings.contains_key(&query.id)) {
        bail!("{} has no rankings for the queries of {}", earlier.name, judged.name);
    }
    let mut pairs = Vec::new();
    for (query, judged) in evaluation.queries.iter().zip(&judged.queries) {
        // A run has no lines for a query without hits.
        let ranking = earlier.rankings.get(&query.id).map_or(&[][..], Vec::as_slice);
        pairs.push((query.measures.ndcg_10, questions.measure(&judged.right, ranking).ndcg_10));
    }
    let (now, before): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    say(&format!(
        "nDCG@10 {:.4} compared with {:.4} in {}: {:+.4}, p = {:.4} (paired randomization test, {} queries)",
        mean(&now),
        mean(&before),
        earlier.name,
        mean(&now) - mean(&before),
        significance(&now, &before),
        now.len()
    ));
    Ok(())
}
