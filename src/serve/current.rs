//! The index at its last commit, for all requests.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::app::App;
use super::problem::Problem;
use crate::engine::Opened;

/// The last commit that could be opened, and whether a later one could not.
pub struct Current {
    opened: Mutex<Arc<Opened>>,
    failure: Mutex<Option<String>>,
}

impl Current {
    pub fn new(opened: Arc<Opened>) -> Self {
        Self { opened: Mutex::new(opened), failure: Mutex::new(None) }
    }

    /// Whether the last commit cannot be opened.
    pub fn has_failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn opened(&self) -> Arc<Opened> {
        Arc::clone(&self.opened.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl App {
    /// The index at its last commit. A commit that cannot be opened is reported, and the one before it is
    /// used.
    ///
    /// # Errors
    /// The time is up.
    pub async fn opened(self: &Arc<Self>, deadline: Instant) -> Result<Arc<Opened>, Problem> {
        let app = Arc::clone(self);
        // A new commit can have another model, which takes long to load.
        let opened = spawn_blocking(move || app.renew());
        let opened = timeout_at(deadline, opened).await.map_err(|_| Problem::timed_out())?;
        opened.map_err(|panic| Problem::internal(format!("could not open the index: {panic}")))
    }

    fn renew(&self) -> Arc<Opened> {
        match self.engine.current() {
            Ok(opened) => {
                let mut current = self.current.opened.lock().unwrap_or_else(PoisonError::into_inner);
                if !Arc::ptr_eq(&current, &opened) {
                    *current = Arc::clone(&opened);
                    drop(current);
                    // The results of the old commit are of no use any more.
                    self.stats.clear();
                    self.duplicates.clear();
                    self.set_failure(None);
                }
                opened
            }
            Err(error) => {
                self.set_failure(Some(format!("{error:#}")));
                self.current.opened()
            }
        }
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
}
