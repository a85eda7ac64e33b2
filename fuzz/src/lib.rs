//! What the fuzz targets share: how an input is used, and what must hold.
//!
//! A target fails if the library panics, or breaks one of the promises that its module lists. `tests/it/fuzz.rs` of the
//! main crate includes this file, and runs the corpus of every target with it. The features have the names of the main
//! crate for that reason.

mod documents;
#[cfg(feature = "serve")]
mod http;
mod indexes;
mod judged;
pub mod material;
#[cfg(feature = "mcp")]
mod mcp;
mod model;
mod phrases;

use std::io::{Write, stderr};
use std::panic::set_hook;
use std::sync::{Mutex, PoisonError};
use std::thread;

use documents::Wrap;

/// A fuzz target.
pub struct Target {
    /// The name of `fuzz_targets/NAME.rs`, `corpus/NAME` and `dictionaries/NAME.dict`.
    pub name: &'static str,
    kind: Kind,
}

/// What is done with an input.
#[derive(Clone, Copy)]
enum Kind {
    /// It is read as files with these extensions.
    Document(&'static [&'static str], Wrap),
    /// It is given to this function.
    Other(fn(&[u8])),
}

/// All targets.
pub const TARGETS: &[Target] = {
    const fn document(name: &'static str, extensions: &'static [&'static str], wrap: Wrap) -> Target {
        Target { name, kind: Kind::Document(extensions, wrap) }
    }
    const fn other(name: &'static str, run: fn(&[u8])) -> Target {
        Target { name, kind: Kind::Other(run) }
    }
    &[
        document("markdown", &["md"], Wrap::No),
        document("mdx", &["mdx"], Wrap::No),
        document("html", &["html"], Wrap::No),
        document("page", &["txt"], Wrap::No),
        document("rst", &["rst"], Wrap::No),
        document("asciidoc", &["adoc"], Wrap::No),
        document("org", &["org"], Wrap::No),
        document("docx", &["docx"], Wrap::Zip),
        document("csv", &["csv", "tsv"], Wrap::No),
        document("json", &["json"], Wrap::No),
        document("jsonl", &["jsonl"], Wrap::No),
        document("yaml", &["yaml"], Wrap::No),
        document("toml", &["toml"], Wrap::No),
        document("anki", &["anki"], Wrap::No),
        document("stackexchange", &["xml"], Wrap::No),
        document("spreadsheet", &["xlsx"], Wrap::Zip),
        document("compressed", &["jsonl"], Wrap::Compressed),
        document("map", &["jsonl", "csv", "yaml"], Wrap::Map),
        document("finder", &["md"], Wrap::Lines),
        other("phrase", phrases::run),
        other("index_file", indexes::run_file),
        other("snapshot", indexes::run_snapshot),
        other("judged", judged::run),
        #[cfg(feature = "serve")]
        other("http", http::run),
        #[cfg(feature = "mcp")]
        other("mcp", mcp::run),
    ]
};

/// Runs the target of a name.
///
/// # Panics
/// There is none, or [`Target::run`] panics.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target has this name");
    target.run(data);
}

impl Target {
    /// Whether the inputs are the content of documents.
    pub fn is_document(&self) -> bool {
        matches!(self.kind, Kind::Document(..))
    }

    /// Runs the target with an input. Returns how many bytes of text were read from a document, and 0 for other targets.
    ///
    /// # Panics
    /// The library panics or breaks a promise.
    pub fn run(&self, data: &[u8]) -> usize {
        let _printed = PrintedIfPanicking;
        match self.kind {
            Kind::Document(extensions, wrap) => documents::run(extensions, wrap, data),
            Kind::Other(run) => {
                run(data);
                0
            }
        }
    }
}

/// The last panic, since [`allow_caught_panics`].
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Replaces the panic hook of the fuzzer, which ends the process before the library can catch the panic. It catches
/// those of tantivy on damaged files. A panic that leaves a target is printed, and the fuzzer then ends the process.
pub fn allow_caught_panics() {
    set_hook(Box::new(|panic| {
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string()
    }));
}

/// Prints the last panic if it is dropped by one.
struct PrintedIfPanicking;

impl Drop for PrintedIfPanicking {
    fn drop(&mut self) {
        if thread::panicking() {
            let panic = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
            // The panic goes on, whether it can be printed or not.
            _ = writeln!(stderr(), "{panic}");
        }
    }
}
