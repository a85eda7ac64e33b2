//! ZIP archives and XML of office documents: DOCX, XLSX, ODS.

use std::io::{self, Read, Seek};

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use super::emit::invalid;

/// Opens an archive. `kind` says what it should be (`DOCX file`), and `old` the document of an older program that it may
/// be instead (`document, or one of Word 97`).
///
/// # Errors
/// The file cannot be read, is encrypted, or is not a ZIP archive.
pub fn open<R: Read + Seek>(mut file: R, kind: &str, old: &str) -> io::Result<ZipArchive<R>> {
    file.rewind()?;
    let mut magic = [0; 4];
    let magic = file.read_exact(&mut magic).map(|()| magic);
    file.rewind()?;
    match magic {
        Ok([b'P', b'K', ..]) => ZipArchive::new(file).map_err(broken(kind)),
        // An OLE container: Office puts encrypted files into one.
        Ok([0xd0, 0xcf, 0x11, 0xe0]) => Err(invalid(format!("an encrypted {old}"))),
        _ => Err(invalid(format!("not a {kind}: no ZIP archive"))),
    }
}

/// Converts the error of a broken archive. One of the file system stays as it is.
pub fn broken<E: Into<ZipError>>(kind: &str) -> impl Fn(E) -> io::Error {
    move |error| match error.into() {
        ZipError::Io(error) if error.kind() != io::ErrorKind::InvalidData => error,
        error => invalid(format!("broken {kind}: {error}")),
    }
}

/// The value of an attribute, whatever its prefix.
pub fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let is_named = |key: &str| key.rsplit(':').next() == Some(name);
    // The check for attributes that are there twice compares each with all others.
    let mut attributes = element.attributes();
    let found = attributes.with_checks(false).flatten().find(|attribute| is_named(attribute.key.as_ref()))?;
    Some(found.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
}

/// Adds the text of an event, if it is text.
pub fn push_text(event: &Event<'_>, text: &mut String) {
    match event {
        Event::Text(piece) => text.push_str(&piece.xml10_content()),
        Event::CData(piece) => text.push_str(&piece.xml10_content()),
        Event::GeneralRef(entity) => {
            text.extend(entity.resolve_char_ref().ok().flatten());
            text.push_str(resolve_xml_entity(entity).unwrap_or_default());
        }
        _ => {}
    }
}
