//! Spreadsheets, sheet by sheet and row by row: XLSX with `calamine`, ODS from its XML.
//!
//! A cell far away from the others takes no memory, in contrast to what `calamine` does with ranges and with ODS.

mod ods;
mod sheet;
mod xlsx;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use zip::ZipArchive;

use crate::read::emit::{Emit, invalid};
use crate::read::expand::{self, Compression};
use crate::read::mapping::Mapping;
use crate::read::office::{self, broken};
use crate::read::reader::Reader;
use crate::read::text::Text;
use sheet::KIND;

/// The extensions of spreadsheets, in lower case.
const EXTENSIONS: [&str; 3] = ["xlsx", "xlsm", "ods"];

/// The largest file, expanded, in bytes.
const LARGEST: u64 = 128 << 20;

/// Reads spreadsheets. The line of a question is its row.
pub struct Spreadsheet;

impl Reader for Spreadsheet {
    fn name(&self) -> &'static str {
        "spreadsheet"
    }

    fn fit(&self, extension: &str, _: &str) -> u8 {
        if EXTENSIONS.contains(&extension) { 100 } else { 0 }
    }

    fn read(&self, text: &mut Text, emit: &mut Emit<'_>) -> io::Result<()> {
        read(text.file()?, &text.mapping(), emit)
    }
}

fn read(file: File, mapping: &Mapping, emit: &mut Emit<'_>) -> io::Result<()> {
    let file = BufReader::new(expanded(file)?);
    let mut archive = office::open(file, KIND, "spreadsheet, or one of Excel 97")?;
    check_size(&mut archive)?;
    if archive.index_for_name("content.xml").is_some() {
        return ods::read(&mut archive, mapping, emit);
    }
    xlsx::read(archive.into_inner(), mapping, emit)
}

/// The file itself, or the content of a compressed one.
fn expanded(mut file: File) -> io::Result<File> {
    if Compression::of(&mut file)?.is_none() {
        return Ok(file);
    }
    let mut content = tempfile::tempfile()?;
    let bytes = io::copy(&mut expand::expanded(file)?.take(LARGEST + 1), &mut content)?;
    if bytes > LARGEST {
        return Err(too_large());
    }
    content.rewind()?;
    Ok(content)
}

fn too_large() -> io::Error {
    invalid(format!("a spreadsheet that expands to more than {} MiB", LARGEST >> 20))
}

/// The sizes that an archive declares may be wrong, so this expands it.
fn check_size<R: Read + Seek>(archive: &mut ZipArchive<R>) -> io::Result<()> {
    let mut rest = LARGEST;
    for index in 0..archive.len() {
        let bytes =
            io::copy(&mut archive.by_index(index).map_err(broken(KIND))?.take(rest + 1), &mut io::sink());
        rest = rest.checked_sub(bytes.map_err(broken(KIND))?).ok_or_else(too_large)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
