//! Who writes an index in a cluster.
//!
//! A cluster has no lock. A writer stores a lease under a key, reads it again a moment later, and goes on if it is still its
//! own. It renews the lease while it writes, and deletes it when it has committed. The lease of a writer that died ends by
//! itself; the next writer then counts all questions again, because the statistics do not include what the dead one wrote.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::bail;
use serde::{Deserialize, Serialize};

use super::client::Client;
use super::keys::{LEASE, shard_key};
use crate::hint::hinted;
use crate::index::{Busy, Shard};

/// How long a lease lasts after it was renewed, and how often it is.
const DURATION: Duration = Duration::from_secs(60);
const RENEWAL: Duration = Duration::from_secs(15);

/// How long a writer waits before it reads its own lease.
const SETTLED: Duration = Duration::from_millis(300);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    owner: u64,
    host: String,
    process: u32,
    /// In seconds since 1970.
    expires: u64,
}

impl Entry {
    fn is_live(&self) -> bool {
        let is_dead_here = self.host == host()
            && Path::new("/proc/self").exists()
            && !Path::new(&format!("/proc/{}", self.process)).exists();
        self.expires > now() && !is_dead_here
    }
}

/// The right to write an index, or a shard of it. When it is dropped without [`Lease::release`], the next writer counts all
/// questions again.
pub struct Lease {
    client: Client,
    key: String,
    entry: Entry,
    is_lost: Arc<AtomicBool>,
    keeper: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
    is_released: bool,
}

impl Lease {
    /// Takes the lease. Also returns whether a writer died before it had committed.
    ///
    /// # Errors
    /// [`Busy`] if another process is writing the index; those of a request.
    pub fn take(client: &Client, shard: Option<Shard>) -> anyhow::Result<(Self, bool)> {
        let key = format!("{LEASE}{}", shard.map_or_else(|| "all".to_owned(), shard_key));
        let is_other_shard = |other: &str| {
            let of = |key: &str| key.rsplit_once('-').map(|(_, of)| of.to_owned());
            shard.is_some() && other != key && of(other) == of(&key)
        };
        let mut has_died = false;
        let mut ended = Vec::new();
        for (other, text) in client.texts_with_prefix(LEASE)? {
            let entry: Option<Entry> = serde_json::from_str(&text).ok();
            let is_live = entry.as_ref().is_some_and(Entry::is_live);
            if is_other_shard(&other) {
                continue;
            }
            if let Some(entry) = entry.filter(|_| is_live) {
                let holder = format!(
                    "process {} on {}, whose lease ends in {} s if it is dead",
                    entry.process,
                    entry.host,
                    entry.expires.saturating_sub(now())
                );
                return Err(Busy { dir: address(client), holder: Some(holder) }.into());
            }
            has_died = true;
            ended.extend((other != key).then_some(other));
        }
        let owner = RandomState::new().build_hasher().finish() ^ u64::from(std::process::id());
        let entry = Entry { owner, host: host(), process: std::process::id(), expires: 0 };
        let mut lease = Self {
            client: client.clone(),
            key,
            entry,
            is_lost: Arc::default(),
            keeper: None,
            is_released: false,
        };
        store(&lease.client, &lease.key, &lease.entry, DURATION)?;
        thread::sleep(SETTLED);
        if !is_own(&lease.client, &lease.key, owner)? {
            lease.is_released = true;
            return Err(Busy { dir: address(client), holder: None }.into());
        }
        client.delete_texts(&ended)?;
        lease.keep();
        Ok((lease, has_died))
    }

    /// Renews the lease until it is released.
    fn keep(&mut self) {
        let (stop, stopped) = mpsc::channel::<()>();
        let (client, key, entry) = (self.client.clone(), self.key.clone(), self.entry.clone());
        let is_lost = Arc::clone(&self.is_lost);
        let keeper = thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(RENEWAL) {
                // A server that is away keeps the lease; others cannot take it either.
                match is_own(&client, &key, entry.owner) {
                    Ok(true) => drop(store(&client, &key, &entry, DURATION)),
                    Ok(false) => is_lost.store(true, Ordering::Relaxed),
                    Err(_) => {}
                }
            }
        });
        self.keeper = Some((stop, keeper));
    }

    /// # Errors
    /// Another process has taken the lease, because it was not renewed for a minute.
    pub fn ensure_own(&self) -> anyhow::Result<()> {
        if self.is_lost.load(Ordering::Relaxed) {
            bail!(hinted(
                format!(
                    "another process took over writing {}, because this one did not answer for {} s",
                    self.client.address(),
                    DURATION.as_secs()
                ),
                "run the command again"
            ));
        }
        Ok(())
    }

    /// Deletes the lease, after the commit.
    ///
    /// # Errors
    /// Those of a request.
    pub fn release(mut self) -> anyhow::Result<()> {
        self.stop();
        self.is_released = true;
        self.client.delete_texts(std::slice::from_ref(&self.key))
    }

    fn stop(&mut self) {
        if let Some((stop, keeper)) = self.keeper.take() {
            drop(stop);
            keeper.join().ok();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop();
        if !self.is_released {
            // The lease ends now, and the next writer counts all questions. If this fails, it ends in a minute.
            store(&self.client, &self.key, &self.entry, Duration::ZERO).ok();
        }
    }
}

/// Whether a writer of another shard is active, and whether one has died.
///
/// # Errors
/// Those of a request.
pub fn active_shards(client: &Client) -> anyhow::Result<Vec<(String, bool)>> {
    let leases = client.texts_with_prefix(LEASE)?;
    let shard = |(key, text): (String, String)| {
        let entry: Option<Entry> = serde_json::from_str(&text).ok();
        (key, entry.is_some_and(|entry| entry.is_live()))
    };
    Ok(leases.into_iter().map(shard).filter(|(key, _)| key.contains('-')).collect())
}

fn store(client: &Client, key: &str, entry: &Entry, duration: Duration) -> anyhow::Result<()> {
    let entry = Entry { expires: now() + duration.as_secs(), ..entry.clone() };
    client.put_texts([(key.to_owned(), serde_json::to_string(&entry)?)])
}

fn is_own(client: &Client, key: &str, owner: u64) -> anyhow::Result<bool> {
    let text = client.text(key)?;
    let entry: Option<Entry> = text.and_then(|text| serde_json::from_str(&text).ok());
    Ok(entry.is_some_and(|entry| entry.owner == owner))
}

fn address(client: &Client) -> PathBuf {
    client.address().to_string().into()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn host() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname");
    name.map_or_else(|_| std::env::var("HOSTNAME").unwrap_or_default(), |name| name.trim().to_owned())
}
