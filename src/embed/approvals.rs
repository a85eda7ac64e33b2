//! The endpoints that the user allows rqsearch to send texts to, and the key of each.
//!
//! An index can come from anyone: a cloned repository can contain one. An endpoint named by an index is
//! therefore contacted only if the user has approved it. Approvals are stored outside of indexes, in the
//! user's configuration file:
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
use crate::hint::hinted;

/// The environment variable with the key of an endpoint that is named on the command line and has no approval
/// yet.
pub const KEY: &str = "RQSEARCH_API_KEY";

/// The environment variable with the path of the configuration file.
const VARIABLE: &str = "RQSEARCH_CONFIG";

/// The table in the configuration file.
const TABLE: &str = "endpoint";

/// The comment at the start of a new configuration file.
const HEADER: &str = "\
# Configuration of rqsearch. Each [[endpoint]] may receive texts and phrases for indexes that use it.
# Edit this file with `rqsearch models allow URL` and `rqsearch models deny URL`, or by hand.

";

/// An endpoint that may be contacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// The approved address. The approval includes all addresses below it.
    pub address: Address,
    /// The environment variable with the endpoint's key; `None` if no key is sent.
    pub key_env: Option<String>,
}

/// The user's configuration file.
pub struct Approvals {
    path: PathBuf,
    document: DocumentMut,
    /// The approvals, in the order of the file.
    endpoints: Vec<Approved>,
}

/// Approves an endpoint that the user named for an index, if no approval covers it yet. The approval uses the
/// key in [`KEY`] if that variable is set and not used by another endpoint. Returns the new approval and the
/// path of the configuration file; `None` if the endpoint was approved already.
///
/// # Errors
/// The address is not valid, or the configuration file cannot be read or written.
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

/// The path of the configuration file: `RQSEARCH_CONFIG`, or else `rqsearch/config.toml` in the platform's
/// configuration directory. The file may not exist.
///
/// # Errors
/// `RQSEARCH_CONFIG` is a relative path, which would name a different file in each directory; or the platform
/// has no configuration directory.
pub fn config_path() -> anyhow::Result<PathBuf> {
    let path = match env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => {
            let directory = dirs::config_dir().with_context(|| {
                hinted("could not find the configuration directory", format!("set {VARIABLE} to a file"))
            })?;
            directory.join("rqsearch").join("config.toml")
        }
    };
    ensure!(
        path.is_absolute(),
        hinted(
            format!("{VARIABLE} names {}, which is not an absolute path", path.display()),
            "set it to the absolute path of a file"
        )
    );
    Ok(path)
}

impl Approvals {
    /// Reads the configuration file. If it does not exist, no endpoint is approved.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, or contains an approval that this version does not understand.
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
            .with_context(|| format!("could not parse the configuration file {}", path.display()))?;
        Ok(Self { path, document, endpoints })
    }

    /// The path of the configuration file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The approved endpoints, in the order of the file.
    pub fn endpoints(&self) -> &[Approved] {
        &self.endpoints
    }

    /// The approval that covers an address. If several do, the one with the longest path.
    pub fn find(&self, address: &Address) -> Option<&Approved> {
        let covering = self.endpoints.iter().filter(|approved| approved.address.covers(address));
        covering.max_by_key(|approved| approved.address.depth())
    }

    /// The environment variable with the key for an endpoint that the user names on the command line: that of
    /// its approval. Without an approval it is [`KEY`], unless another endpoint uses that variable.
    pub fn key_env(&self, address: &Address) -> Option<String> {
        match self.find(address) {
            Some(approved) => approved.key_env.clone(),
            None => {
                let taken = self.endpoints.iter().any(|approved| approved.key_env.as_deref() == Some(KEY));
                (!taken).then(|| KEY.to_owned())
            }
        }
    }

    /// Approves an endpoint. Replaces an earlier approval of the same address.
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

    /// Removes every approval of an address, of an address above it, and of an address below it. Returns the
    /// removed approvals.
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

    /// Writes the configuration file atomically. Only the owner can read it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self) -> anyhow::Result<()> {
        self.write()
            .with_context(|| format!("could not write the configuration file {}", self.path.display()))
    }

    fn write(&self) -> anyhow::Result<()> {
        // If the path is a symbolic link, replace its target and keep the link.
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let directory = path.parent().context("it has no directory")?;
        fs::create_dir_all(directory)?;
        // The temporary file is created with mode 0600.
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
                None => bail!("`{name}` in [[endpoint]] must be a string"),
            },
        };
        // Refuse unknown keys: a misspelt `key_env` would silently send no key.
        if let Some((name, _)) = table.iter().find(|(name, _)| !matches!(*name, "url" | "key_env")) {
            bail!("unknown key `{name}` in [[endpoint]]: the keys are `url` and `key_env`");
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
    fn first_approval_creates_the_file() {
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
    fn comments_and_other_tables_are_preserved() {
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
    fn allow_replaces_and_deny_removes_approvals_above_and_below() {
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
    fn a_key_is_sent_only_to_its_endpoint() {
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
        assert_eq!(approvals.key_env(&url("https://c.org/v1")), None, "another endpoint uses the key");
    }

    #[test]
    fn invalid_configuration_is_an_error_that_names_the_file() {
        for (text, message) in [
            ("endpoint = 1", "[[endpoint]]"),
            ("[endpoint]\nurl = \"https://a.org\"", "[[endpoint]]"),
            ("[[endpoint]]\nkey_env = \"A\"", "needs a `url`"),
            ("[[endpoint]]\nurl = 1", "`url`"),
            ("[[endpoint]]\nurl = \"https://a.org\"\nkeyenv = \"A\"", "keyenv"),
            ("[[endpoint]]\nurl = \"https://me:x@a.org\"", "password"),
            ("[[endpoint]\n", "could not parse"),
        ] {
            let (_dir, approvals) = read(text);
            let error = format!("{:#}", approvals.err().unwrap());
            assert!(error.contains(message) && error.contains("config.toml"), "{text}: {error}");
        }
    }
}
