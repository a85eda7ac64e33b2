//! Addresses of indexes in a cluster: `milvus://HOST:PORT/COLLECTION`.

use std::env;
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use crate::hint::hinted;

/// The environment variable with the credentials: a token, or USER:PASSWORD.
pub const TOKEN: &str = "RQSEARCH_MILVUS_TOKEN";

/// The environment variable with the path of a file that contains the credentials.
pub const TOKEN_FILE: &str = "RQSEARCH_MILVUS_TOKEN_FILE";

const PORT: u16 = 19530;
const LONGEST: usize = 200;

/// The address of an index in a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
    /// The name of the collection with the questions. Those of the other collections begin with it.
    pub collection: String,
    pub is_encrypted: bool,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_encrypted { "milvuss" } else { "milvus" };
        write!(f, "{scheme}://{}:{}/{}", self.host, self.port, self.collection)
    }
}

impl Address {
    /// Parses an address.
    ///
    /// # Errors
    /// It has another form, or contains credentials.
    pub fn parse(name: &Path) -> anyhow::Result<Self> {
        let text = name.to_str().unwrap_or_default();
        let malformed = || {
            hinted(
                format!("{text} is not the address of an index in a cluster"),
                "write milvus://HOST:PORT/COLLECTION",
            )
        };
        let (scheme, rest) = text.split_once("://").with_context(malformed)?;
        let (server, collection) = rest.split_once('/').with_context(malformed)?;
        if server.contains('@') {
            bail!(hinted(
                "an address must not contain credentials, which other users of the machine could see",
                format!("set {TOKEN}, or {TOKEN_FILE} to the path of a file with them")
            ));
        }
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && !host.ends_with(':') => {
                (host, port.parse().ok().with_context(malformed)?)
            }
            _ => (server, PORT),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        ensure!(!host.is_empty() && !host.contains(['/', '?', '#']), malformed());
        ensure!(
            collection.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && collection.chars().all(is_name)
                && collection.len() <= LONGEST,
            hinted(
                format!("{collection:?} is not the name of a collection"),
                format!("use at most {LONGEST} letters, digits and underscores, and no digit first")
            )
        );
        let (host, collection) = (host.to_owned(), collection.to_owned());
        Ok(Self { host, port, collection, is_encrypted: scheme == "milvuss" })
    }

    /// The address of the server, as the client takes it.
    pub fn server(&self) -> String {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }
}

/// The credentials of the environment. `None` if there are none.
///
/// # Errors
/// The file with them cannot be read.
pub fn token() -> anyhow::Result<Option<String>> {
    let given = env::var(TOKEN).ok().filter(|token| !token.trim().is_empty());
    let file = env::var_os(TOKEN_FILE).filter(|file| !file.is_empty());
    let read = |file| {
        let text = fs::read_to_string(&file);
        text.with_context(|| {
            format!("could not read {}, which {TOKEN_FILE} names", Path::new(&file).display())
        })
    };
    let token = match given {
        Some(token) => Some(token),
        None => file.map(read).transpose()?,
    };
    Ok(token.map(|token| token.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hinted;
    use crate::index::is_cluster_address;

    #[test]
    fn addresses_are_parsed_and_written_back() {
        for (text, expected) in [
            ("milvus://localhost:19530/faq", "milvus://localhost:19530/faq"),
            ("milvuss://db.example.com/faq_2", "milvuss://db.example.com:19530/faq_2"),
            ("milvus://[::1]:7/a", "milvus://[::1]:7/a"),
        ] {
            assert!(is_cluster_address(Path::new(text)));
            assert_eq!(Address::parse(Path::new(text)).unwrap().to_string(), expected);
        }
        assert!(!is_cluster_address(Path::new("milvus")) && !is_cluster_address(Path::new("./milvus:/a")));
    }

    #[test]
    fn other_addresses_are_refused() {
        for (text, expected) in [
            ("milvus://localhost:19530", "HOST:PORT/COLLECTION"),
            ("milvus://localhost:port/a", "HOST:PORT/COLLECTION"),
            ("milvus:///a", "HOST:PORT/COLLECTION"),
            ("milvus://root:secret@localhost/a", "RQSEARCH_MILVUS_TOKEN"),
            ("milvus://localhost/a-b", "not the name of a collection"),
            ("milvus://localhost/1", "not the name of a collection"),
            ("milvus://localhost/", "not the name of a collection"),
        ] {
            let error = Address::parse(Path::new(text)).unwrap_err();
            let error = format!("{error:#} {}", Hinted::of(&error).unwrap_or_default());
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("secret"));
        }
    }
}
