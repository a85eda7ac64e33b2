//! Which endpoints the user lets rqsearch send texts to, and which key each of them gets.
//!
//! An index may come from anybody: a cloned repository can hold one. So what an index says is never enough to
//! contact an endpoint. The user's consent is kept outside of every index, in a file of the user's own:
//!
//! ```toml
//! [[endpoint]]
//! url = "https://api.example.org/v1"   # this address and everything below it
//! key_env = "EXAMPLE_API_KEY"          # optional: the environment variable with its key
//! ```

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::address::Address;

/// The variable with the key of an endpoint that was named on the command line before any was bound to it.
pub const KEY: &str = "RQSEARCH_API_KEY";

/// The variable that names the configuration file.
const VARIABLE: &str = "RQSEARCH_CONFIG";

/// The table of the configuration file that this module reads and writes.
const TABLE: &str = "endpoint";

/// What a new configuration file begins with.
const HEADER: &str = "\
# Configuration of rqsearch. Each [[endpoint]] may be contacted for indexes that name it, with texts and phrases.
# `rqsearch models allow URL` and `rqsearch models deny URL` edit this file, and so may you.

";

/// An endpoint that may be contacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// This address, and everything below it.
    pub address: Address,
    /// The environment variable with the endpoint's key; `None` if it gets no key.
    pub key_env: Option<String>,
}

/// The user's configuration file.
pub struct Approvals {
    path: PathBuf,
    document: DocumentMut,
    /// In the order of the file.
    endpoints: Vec<Approved>,
}

/// Approves an endpoint that the user named for an index, if no approval covers it yet: with [`KEY`] if that is
/// set and not bound to another endpoint. Returns the new approval, and the file it is in.
///
/// # Errors
/// The configuration cannot be read or written.
pub fn remember(url: &str) -> anyhow::Result<Option<(Approved, PathBuf)>> {
    let address: Address = url.parse()?;
    let mut approvals = Approvals::load()?;
    if approvals.find(&address).is_some() {
        return Ok(None);
    }
    let is_set = |variable: &String| env::var_os(variable).is_some_and(|key| !key.is_empty());
    let key_env = approvals.key_env(&address).filter(is_set);
    let approved = Approved { address, key_env };
    approvals.allow(approved.clone());
    approvals.save()?;
    Ok(Some((approved, approvals.path)))
}

/// Where the configuration file is: `RQSEARCH_CONFIG`, or `rqsearch/config.toml` in the platform's directory for
/// configuration. It need not exist.
///
/// # Errors
/// `RQSEARCH_CONFIG` is a relative path, which would mean another file in each directory; or the platform names
/// no directory.
pub fn config_path() -> anyhow::Result<PathBuf> {
    let path = match env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => {
            let directory = dirs::config_dir().with_context(|| {
                format!("could not find the directory for configuration\n  hint: name a file in {VARIABLE}")
            })?;
            directory.join("rqsearch").join("config.toml")
        }
    };
    ensure!(
        path.is_absolute(),
        "the configuration file {} is not an absolute path\n  hint: set {VARIABLE} to one",
        path.display()
    );
    Ok(path)
}

impl Approvals {
    /// Reads the configuration file. Without one, no endpoint is approved.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or says something that this version does not understand.
    pub fn load() -> anyhow::Result<Self> {
        Self::read(config_path()?)
    }

    fn read(path: PathBuf) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("could not read {}", path.display())),
        };
        let parsed = text.parse::<DocumentMut>().map_err(anyhow::Error::from);
        let (document, endpoints) = parsed
            .and_then(|document| Ok((endpoints(&document)?, document)))
            .map(|(endpoints, document)| (document, endpoints))
            .with_context(|| format!("could not understand the configuration file {}", path.display()))?;
        Ok(Self { path, document, endpoints })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The approved endpoints, in the order of the file.
    pub fn endpoints(&self) -> &[Approved] {
        &self.endpoints
    }

    /// The approval that covers an address: the one with the longest path if several do.
    pub fn find(&self, address: &Address) -> Option<&Approved> {
        let covering = self.endpoints.iter().filter(|approved| approved.address.covers(address));
        covering.max_by_key(|approved| approved.address.depth())
    }

    /// The variable with the key that an endpoint gets when the user names it on the command line: the one it
    /// is bound to. An endpoint without an approval gets [`KEY`], unless that is bound to another endpoint.
    pub fn key_env(&self, address: &Address) -> Option<String> {
        match self.find(address) {
            Some(approved) => approved.key_env.clone(),
            None => {
                let taken = self.endpoints.iter().any(|approved| approved.key_env.as_deref() == Some(KEY));
                (!taken).then(|| KEY.to_owned())
            }
        }
    }

    /// Approves an endpoint, in place of an earlier approval of the same address.
    pub fn allow(&mut self, approved: Approved) {
        let mut entry = Table::new();
        entry["url"] = value(approved.address.to_string());
        if let Some(variable) = &approved.key_env {
            entry["key_env"] = value(variable.as_str());
        }
        let tables = self.document.entry(TABLE).or_insert_with(|| ArrayOfTables::new().into());
        let tables = tables.as_array_of_tables_mut().expect("checked when the file was read");
        match self.endpoints.iter().position(|other| other.address == approved.address) {
            Some(at) => {
                let old = tables.get_mut(at).expect("an approval is a table of the file");
                old.remove("key_env");
                for (name, item) in entry {
                    old[name.as_str()] = item;
                }
                self.endpoints[at] = approved;
            }
            None => {
                tables.push(entry);
                self.endpoints.push(approved);
            }
        }
    }

    /// Removes every approval that covers an address, or an address below it, and returns them.
    pub fn deny(&mut self, address: &Address) -> Vec<Approved> {
        let covers =
            |approved: &Approved| approved.address.covers(address) || address.covers(&approved.address);
        if let Some(tables) = self.document.get_mut(TABLE).and_then(Item::as_array_of_tables_mut) {
            let mut nth = 0;
            tables.retain(|_| {
                nth += 1;
                !covers(&self.endpoints[nth - 1])
            });
        }
        let (removed, left) = self.endpoints.drain(..).partition(covers);
        self.endpoints = left;
        removed
    }

    /// Writes the file, as a whole or not at all. Only its owner may read it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self) -> anyhow::Result<()> {
        self.write()
            .with_context(|| format!("could not write the configuration file {}", self.path.display()))
    }

    fn write(&self) -> anyhow::Result<()> {
        // A link stays a link: its target is replaced.
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let directory = path.parent().context("it has no directory")?;
        fs::create_dir_all(directory)?;
        // Created with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        let text = self.document.to_string();
        let header = if path.exists() { "" } else { HEADER };
        file.write_all(format!("{header}{text}").as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    }
}

fn endpoints(document: &DocumentMut) -> anyhow::Result<Vec<Approved>> {
    let Some(item) = document.get(TABLE) else {
        return Ok(Vec::new());
    };
    let tables = item.as_array_of_tables().context("`endpoint` must be written as [[endpoint]]")?;
    let endpoint = |table: &Table| {
        let text = |name: &str| match table.get(name) {
            None => Ok(None),
            Some(item) => match item.as_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => bail!("`{name}` of an [[endpoint]] must be a text in quotes"),
            },
        };
        // A misspelt key must not change what is sent where.
        if let Some((name, _)) = table.iter().find(|(name, _)| !matches!(*name, "url" | "key_env")) {
            bail!("an [[endpoint]] has `url` and `key_env`, not `{name}`");
        }
        let address = text("url")?.context("an [[endpoint]] needs a `url`")?.parse()?;
        Ok(Approved { address, key_env: text("key_env")? })
    };
    tables.iter().map(endpoint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approved(url: &str, key_env: Option<&str>) -> Approved {
        Approved { address: url.parse().unwrap(), key_env: key_env.map(str::to_owned) }
    }

    fn read(text: &str) -> (tempfile::TempDir, anyhow::Result<Approvals>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, text).unwrap();
        (dir, Approvals::read(path))
    }

    #[test]
    fn without_a_file_nothing_is_approved_and_the_first_approval_creates_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/config.toml");
        let mut approvals = Approvals::read(path.clone()).unwrap();
        assert!(approvals.endpoints().is_empty() && !path.exists());
        approvals.allow(approved("https://a.org/v1", Some("A_KEY")));
        approvals.save().unwrap();
        let again = Approvals::read(path.clone()).unwrap();
        assert_eq!(again.endpoints(), [approved("https://a.org/v1", Some("A_KEY"))]);
        assert!(fs::read_to_string(&path).unwrap().starts_with("# Configuration"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn comments_and_other_tables_are_kept() {
        let text = "# mine\n[other]\nx = 1\n\n# why\n[[endpoint]]\nurl = \"https://a.org/v1\" # here\n";
        let (_dir, approvals) = read(text);
        let mut approvals = approvals.unwrap();
        approvals.allow(approved("https://b.org", None));
        approvals.save().unwrap();
        let written = fs::read_to_string(approvals.path()).unwrap();
        assert!(written.starts_with(text.trim_end()), "{written}");
        assert_eq!(approvals.deny(&"https://b.org/v1".parse().unwrap()), [approved("https://b.org", None)]);
        approvals.save().unwrap();
        assert_eq!(fs::read_to_string(approvals.path()).unwrap(), text);
    }

    #[test]
    fn an_approval_of_the_same_address_is_replaced_and_denied_with_all_that_cover_it() {
        let (_dir, approvals) = read("");
        let mut approvals = approvals.unwrap();
        approvals.allow(approved("https://a.org", None));
        approvals.allow(approved("https://a.org/v1", Some("ONE")));
        approvals.allow(approved("https://a.org/v1/", None));
        approvals.allow(approved("https://b.org", Some("B")));
        assert_eq!(approvals.endpoints().len(), 3);
        assert_eq!(approvals.find(&"https://a.org/v1/x".parse().unwrap()).unwrap().address.depth(), 3);
        assert_eq!(approvals.deny(&"https://a.org/v1".parse().unwrap()).len(), 2);
        assert_eq!(approvals.endpoints(), [approved("https://b.org", Some("B"))]);
        approvals.save().unwrap();
        let again = Approvals::read(approvals.path().to_owned()).unwrap();
        assert_eq!(again.endpoints(), approvals.endpoints());
        assert!(approvals.deny(&"https://a.org/v1".parse().unwrap()).is_empty());
        approvals.allow(approved("https://a.org/v1", None));
        assert_eq!(approvals.deny(&"https://a.org".parse().unwrap()).len(), 1, "it is below the address");
    }

    #[test]
    fn a_key_goes_to_the_endpoint_it_is_bound_to() {
        let url = |text: &str| text.parse::<Address>().unwrap();
        let (_dir, approvals) = read("");
        let mut approvals = approvals.unwrap();
        assert_eq!(approvals.key_env(&url("https://a.org/v1")).as_deref(), Some(KEY));
        approvals.allow(approved("https://a.org/v1", Some(KEY)));
        approvals.allow(approved("http://localhost:11434/v1", None));
        approvals.allow(approved("https://b.org", Some("B_KEY")));
        assert_eq!(approvals.key_env(&url("https://a.org/v1")).as_deref(), Some(KEY));
        assert_eq!(approvals.key_env(&url("http://localhost:11434/v1")), None);
        assert_eq!(approvals.key_env(&url("https://b.org/v1")).as_deref(), Some("B_KEY"));
        assert_eq!(approvals.key_env(&url("https://c.org/v1")), None, "the key is another endpoint's");
    }

    #[test]
    fn what_is_not_understood_is_an_error_that_names_the_file() {
        for (text, message) in [
            ("endpoint = 1", "[[endpoint]]"),
            ("[endpoint]\nurl = \"https://a.org\"", "[[endpoint]]"),
            ("[[endpoint]]\nkey_env = \"A\"", "needs a `url`"),
            ("[[endpoint]]\nurl = 1", "`url`"),
            ("[[endpoint]]\nurl = \"https://a.org\"\nkeyenv = \"A\"", "keyenv"),
            ("[[endpoint]]\nurl = \"https://me:x@a.org\"", "password"),
            ("[[endpoint]\n", "could not understand"),
        ] {
            let (_dir, approvals) = read(text);
            let error = format!("{:#}", approvals.err().unwrap());
            assert!(error.contains(message) && error.contains("config.toml"), "{text}: {error}");
        }
    }
}
