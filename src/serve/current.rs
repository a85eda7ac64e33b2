//! The index at its last commit, for all requests.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::log::Log;
use crate::engine::{Engine, Opened};

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

    /// The index at its last commit, and whether it is another one than before. A commit that cannot be opened is reported,
    /// and the one before it is used.
    ///
    /// # Errors
    /// No commit can be opened.
    pub fn renew(&self, engine: &Engine, log: &Log) -> anyhow::Result<(Arc<Opened>, bool)> {
        let opened = engine.current()?;
        self.set_failure(engine.failure().map(|failure| format!("{:#}", failure.error)), log);
        self.set_curation_failure(engine.curation_failure().map(|error| error.to_string()), log);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = last.as_ptr() != Arc::as_ptr(&opened);
        if is_new {
            *last = Arc::downgrade(&opened);
        }
        Ok((opened, is_new))
    }

    /// Records that the last commit can or cannot be opened, and reports the change.
    fn set_failure(&self, failure: Option<String>, log: &Log) {
        let mut known = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*known, &failure) {
            (None, None) => {}
            (Some(_), None) => log.event("the last commit of the index is open"),
            (known, Some(error)) if known.as_ref() != Some(error) => log.event(&format!(
                "could not open the last commit of the index; the one before it is searched: {error}"
            )),
            (_, Some(_)) => {}
        }
        *known = failure;
    }

    /// The same for the synonyms and pins.
    fn set_curation_failure(&self, failure: Option<String>, log: &Log) {
        let mut known = self.curation_failure.lock().unwrap_or_else(PoisonError::into_inner);
        match &failure {
            _ if *known == failure => {}
            None => log.event("the synonyms and pins are read again"),
            Some(error) => {
                log.event(&format!("{error}\n  (the synonyms and pins that were read before are used)"));
            }
        }
        *known = failure;
    }
}
