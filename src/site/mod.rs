//! A search for static sites: writes files that a script in a web page searches, without a server.
//!
//! Everything that needs the analysis is done here. The script gets the words of the questions with their terms, the
//! occurrences of each term with their final weights, and the excerpts of each answer cut into units. It splits a
//! phrase as [`analyze`](crate::analyze) does, looks its words up, and adds BM25 scores.
//!
//! The files are small parts, so that a phrase loads only what it needs. The name of a part contains the hash of its
//! content: a browser may keep it for ever, and after a change only the parts that changed have new names. That works
//! because nothing in a part depends on the number of questions or their order: see `documents::Numbers` and
//! `words::rounded`.

mod documents;
mod files;
mod headings;
mod link;
mod meaning;
mod parts;
mod postings;
mod words;

use std::path::{self, Path, PathBuf};

use anyhow::bail;
use serde_json::{Value, json};

use crate::analyze::{Language, site_rules};
use crate::hint::hinted;
use crate::index::Index;
use crate::search::keyword_rules;
use documents::{Documents, Facets};
pub use files::Written;
use files::{Files, Kind};
use link::Addresses;
pub use link::Link;
use words::Words;

/// The version of the files, which the script checks. Change it whenever the script cannot read older files.
const FORMAT: u32 = 1;

/// The file that lists the parts. It is the only one that a browser has to ask for again.
const MANIFEST: &str = "manifest.rq";

/// The scripts, in a directory whose name contains their hash.
const SCRIPTS: [(&str, &str); 11] = [
    ("analysis.js", include_str!("analysis.js")),
    ("dialog.css", include_str!("dialog.css")),
    ("dialog.js", include_str!("dialog.js")),
    ("dom.js", include_str!("../serve/page/dom.js")),
    ("excerpt.js", include_str!("excerpt.js")),
    ("hits.js", include_str!("hits.js")),
    ("meaning.js", include_str!("meaning.js")),
    ("markdown.js", include_str!("../serve/page/markdown.js")),
    ("parts.js", include_str!("parts.js")),
    ("search.js", include_str!("search.js")),
    ("sources.js", include_str!("sources.js")),
];

/// What [`write()`] makes of an index.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The address that a hit links to. `None`: the `url` of the question, or else its answer in the dialog.
    pub link: Option<Link>,
    /// The directory that the paths in addresses start at. `None`: the one that contains the index. A question of a file
    /// elsewhere has no address with its path.
    pub root: Option<PathBuf>,
}

/// Writes the files of the search into a directory, which is created if it does not exist. Files that are there already
/// and did not change are not written again, and parts of an earlier index are removed. Other files are not touched.
///
/// # Errors
/// - The directory is that of the index, or below it.
/// - The index is damaged.
/// - A file cannot be written.
pub fn write(index: &Index, out: &Path, options: &Options) -> anyhow::Result<Written> {
    ensure_outside(index, out)?;
    let mut files = Files::open(out)?;
    let documents = Documents::read(index)?;
    let words = Words::of(index, &documents)?;
    let manifest = manifest(index, options, &documents, &words, &mut files)?;
    files.named(MANIFEST, &files::compressed(manifest.to_string().as_bytes())?)?;
    scripts(&mut files)?;
    let written = files.finish(documents.questions.len() as u64)?;
    let has_path = options.root.is_none() && options.link.as_ref().is_some_and(Link::has_path);
    let absolute_path = has_path.then(|| documents.absolute_path().map(str::to_owned)).flatten();
    Ok(Written { absolute_path, ..written })
}

/// Refuses to write into an index.
fn ensure_outside(index: &Index, out: &Path) -> anyhow::Result<()> {
    let exists = path::absolute(out)?.ancestors().find_map(|path| path.canonicalize().ok());
    if let (Some(exists), Ok(index)) = (exists, index.dir().canonicalize())
        && exists.starts_with(index)
    {
        bail!(hinted(
            format!("{} is in the directory of the index", out.display()),
            "write to a directory of the web site, such as 'public/search'"
        ));
    }
    Ok(())
}

fn manifest(
    index: &Index,
    options: &Options,
    documents: &Documents,
    words: &Words,
    files: &mut Files,
) -> anyhow::Result<Value> {
    let facets = Facets::of(documents);
    let languages: Vec<&str> = index.languages().iter().map(|language| Language::code(*language)).collect();
    Ok(json!({
        "format": FORMAT,
        "questions": documents.questions.len(),
        "languages": languages,
        "analysis": site_rules(index.languages()),
        "keyword": keyword_rules(),
        "endings": words.endings(),
        "words": files.parts(Kind::Words, words.parts())?,
        "postings": files.parts(Kind::Postings, postings::parts(words, &facets))?,
        "documents": documents.write(files, Addresses::new(index, options)?)?,
        "meaning": meaning::write(index, documents, words, files)?,
        "facets": files.part(Kind::Facets, facets.to_json().to_string().as_bytes())?,
    }))
}

/// Writes the scripts and the page that shows how to use them.
fn scripts(files: &mut Files) -> anyhow::Result<()> {
    let directory = files.scripts(&SCRIPTS)?;
    let entry = include_str!("rqsearch.js").replace("./scripts/", &format!("./{directory}/"));
    files.named("rqsearch.js", entry.as_bytes())?;
    files.named("rqsearch.css", include_bytes!("rqsearch.css"))?;
    files.named("demo.html", include_bytes!("demo.html"))
}
