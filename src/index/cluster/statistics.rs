//! The statistics of all questions, as texts in the cluster.

use std::io::{Read, Write};

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::client::Client;
use super::entity::split;
use super::keys::STATISTICS;
use crate::hint::hinted;
use crate::index::corpus_counts::CorpusCounts;

/// The key of a part of the statistics of a generation.
pub fn key(generation: u64, part: usize) -> String {
    format!("{STATISTICS}{generation}/{part}")
}

/// The parts of statistics.
///
/// # Errors
/// None is known.
pub fn encode(counts: &CorpusCounts) -> anyhow::Result<Vec<String>> {
    let mut compressed = GzEncoder::new(Vec::new(), Compression::fast());
    compressed.write_all(&serde_json::to_vec(counts)?)?;
    Ok(split(&STANDARD.encode(compressed.finish()?)))
}

/// Statistics from their parts, in order.
///
/// # Errors
/// They are damaged.
pub fn decode(parts: &[String]) -> anyhow::Result<CorpusCounts> {
    let read = || -> anyhow::Result<CorpusCounts> {
        let mut text = Vec::new();
        GzDecoder::new(STANDARD.decode(parts.concat())?.as_slice()).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    };
    read().context(hinted(
        "the statistics in the cluster are damaged",
        "`rqsearch index --finish --index ADDRESS` counts again",
    ))
}

/// Reads the statistics of a generation.
///
/// # Errors
/// Those of a request; a part is missing.
pub fn read(client: &Client, generation: u64, parts: usize) -> anyhow::Result<CorpusCounts> {
    let keys: Vec<String> = (0..parts).map(|part| key(generation, part)).collect();
    let mut found = client.texts(&keys)?;
    let parts = keys.iter().map(|key| found.remove(key).context("a part of the statistics is missing"));
    decode(&parts.collect::<anyhow::Result<Vec<_>>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::field_words::FieldWords;
    use crate::question::Question;

    #[test]
    fn statistics_are_read_as_they_were_written() {
        let mut counts = CorpusCounts::default();
        for line in 0..3_000 {
            let question = Question::new(format!("What is term{line:x} or word{}?", line * 7_919), line);
            counts.add(&FieldWords::of(&question), &[], 1);
        }
        let mut parts = encode(&counts).unwrap();
        assert_eq!(decode(&parts).unwrap(), counts);
        parts[0].truncate(100);
        assert!(decode(&parts).unwrap_err().to_string().contains("damaged"));
    }
}
