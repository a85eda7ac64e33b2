//! Copies of indexes: between a directory and a cluster, and in memory.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use tantivy::IndexWriter;
use tantivy::directory::RamDirectory;

use super::build::file_record::{FileRecord, file_records};
use super::build::output::{Output, Segments};
use super::cluster::{Cluster, Writer};
use super::cluster_address::is_cluster_address;
use super::commit::{MEMORY, THREADS, commit, writer};
use super::lock::WriteLock;
use super::merge::merge;
use super::open_error::OpenError;
use super::reader::Index;
use super::rows::Row;
use super::schema::schema;
use super::tantivy_index::create;
use crate::hint::hinted;
use crate::question::Question;

/// Copies an index with its vectors: from a directory to a cluster or back. Returns the number of questions.
///
/// A copy that was interrupted is continued by the next one.
///
/// # Errors
/// There is an index at the target already; one of the two cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<u64> {
    match Index::open(to) {
        Ok(_) => bail!(hinted(
            format!("there is an index at {} already", to.display()),
            "copy to another place, or remove it first"
        )),
        Err(OpenError::Missing { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let source = Index::open(from)?;
    if is_cluster_address(to) { copy_to_cluster(&source, to) } else { copy_to_directory(&source, to) }
}

fn copy_to_cluster(source: &Index, to: &Path) -> anyhow::Result<u64> {
    let writer = Writer::open(to, source.meta().model.as_ref(), None)?;
    *writer.meta() = source.meta().clone();
    let mut hashes = writer.all_hashes()?;
    each_question(source, |question, rows| {
        let record = serde_json::to_string(&question)?;
        let is_there = hashes.remove(&question.id) == Some(xxhash_rust::xxh3::xxh3_64(record.as_bytes()));
        if is_there { Ok(()) } else { writer.add(&question, rows) }
    })?;
    hashes.keys().for_each(|id| writer.remove(id));
    for record in records_of(source)? {
        writer.put_file(&record.path, serde_json::to_string(&record)?);
    }
    writer.finish()
}

fn copy_to_directory(source: &Index, to: &Path) -> anyhow::Result<u64> {
    ensure!(
        !to.exists() || to.read_dir().is_ok_and(|mut files| files.next().is_none()),
        "{} is not empty",
        to.display()
    );
    let lock = WriteLock::take(to)?;
    let index =
        create(lock.clone(), source.meta()).with_context(|| format!("could not create {}", to.display()))?;
    let writer = writer(&index, THREADS, MEMORY)?;
    let (writer, questions) = write_all(source, writer)?;
    merge(&index, writer, questions, true)?;
    Ok(questions)
}

/// A copy of an index in a cluster, in memory.
pub fn copy_in_memory(source: &Index) -> anyhow::Result<Index> {
    const BUDGET: usize = 64 << 20;
    let directory = RamDirectory::create();
    let index = create(directory.clone(), source.meta())?;
    let (writer, _) = write_all(source, index.writer_with_num_threads(1, BUDGET)?)?;
    writer.wait_merging_threads()?;
    Ok(Index::open_directory(directory, source.dir())?)
}

fn write_all(source: &Index, mut writer: IndexWriter) -> anyhow::Result<(IndexWriter, u64)> {
    let output = Output::Segments(Segments::new(&writer, schema().1, None));
    let mut questions = 0;
    each_question(source, |question, rows| {
        questions += 1;
        output.add(&question, rows)
    })?;
    for record in records_of(source)? {
        output.put_file(&record)?;
    }
    commit(&mut writer, source.meta())?;
    Ok((writer, questions))
}

fn each_question(
    source: &Index,
    mut each: impl FnMut(Question, Vec<Row>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    match source.cluster() {
        Some(cluster) => cluster.each_question(each),
        None => source
            .question_addresses()?
            .into_iter()
            .try_for_each(|address| each(source.question(address)?, source.rows(address))),
    }
}

fn records_of(source: &Index) -> anyhow::Result<Vec<FileRecord>> {
    match source.cluster() {
        Some(cluster) => {
            let records = Cluster::file_records(cluster)?;
            records.iter().map(|record| Ok(serde_json::from_str(record)?)).collect()
        }
        None => file_records(source),
    }
}
