//! The index at its last commit, for all requests.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::app::App;
use super::problem::Problem;
use crate::engine::Opened;

/// The commit that was used last, and whether a later one cannot be used.
#[derive(Default)]
pub struct Current {
    /// It is referred to weakly, so that an old index does not stay open.
    last: Mutex<Weak<Opened>>,
    failure: Mutex<Option<String>>,
    curation_failure: Mutex<Option<String>>,
}

impl Current {
    /// Whether the last commit cannot be opened.
    pub fn has_failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether the synonyms or pins cannot be read.
    pub fn has_curation_failed(&self) -> bool {
        self.curation_failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl App {
    /// The index at its last commit. A commit that cannot be opened is reported, and the one before it is
    /// used.
    ///
    /// # Errors
    /// The time is up, or the index cannot be opened.
    pub async fn opened(self: &Arc<Self>, deadline: Instant) -> Result<Arc<Opened>, Problem> {
        let app = Arc::clone(self);
        // A new commit can have another model, which takes long to load.
        let opened = spawn_blocking(move || app.renew());
        let opened = timeout_at(deadline, opened).await.map_err(|_| Problem::timed_out())?;
        opened
            .map_err(|panic| Problem::internal(format!("could not open the index: {panic}")))?
            .map_err(|error| Problem::no_index(&error))
    }

    fn renew(&self) -> anyhow::Result<Arc<Opened>> {
        let opened = self.engine.current()?;
        self.set_failure(self.engine.failure().map(|failure| format!("{:#}", failure.error)));
        self.set_curation_failure(self.engine.curation_failure().map(|error| error.to_string()));
        let mut last = self.current.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ptr() != Arc::as_ptr(&opened) {
            *last = Arc::downgrade(&opened);
            drop(last);
            // The results of the old commit are of no use any more.
            self.stats.clear();
            self.newest.clear();
            self.duplicates.clear();
        }
        Ok(opened)
    }

    /// Records that the last commit can or cannot be opened, and reports the change.
    fn set_failure(&self, failure: Option<String>) {
        let mut known = self.current.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*known, &failure) {
            (None, None) => {}
            (Some(_), None) => self.log.event("the last commit of the index is open"),
            (known, Some(error)) if known.as_ref() != Some(error) => self.log.event(&format!(
                "could not open the last commit of the index; the one before it is searched: {error}"
            )),
            (_, Some(_)) => {}
        }
        *known = failure;
    }

    /// The same for the synonyms and pins.
    fn set_curation_failure(&self, failure: Option<String>) {
        let mut known = self.current.curation_failure.lock().unwrap_or_else(PoisonError::into_inner);
        match &failure {
            _ if *known == failure => {}
            None => self.log.event("the synonyms and pins are read again"),
            Some(error) => {
                self.log.event(&format!("{error}\n  (the synonyms and pins that were read before are used)"));
            }
        }
        *known = failure;
    }
}
