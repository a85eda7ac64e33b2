//! A bounded number of jobs at once, a bounded number that wait, and no more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::problem::Problem;

/// Where requests that take the processor line up, first come, first served.
pub struct ConcurrencyLimit {
    /// Those that run and those that wait.
    places: Arc<Semaphore>,
    /// Those that run.
    running: Arc<Semaphore>,
    threads: usize,
    capacity: usize,
    time: Duration,
}

/// A place in a limit. Whoever drops it, because the client hung up, leaves the queue.
pub struct Slot {
    place: Arc<OwnedSemaphorePermit>,
    running: Arc<Semaphore>,
    deadline: Instant,
}

impl ConcurrencyLimit {
    /// For `threads` jobs at once and `queue` that wait; each has `time` from its arrival.
    pub fn new(threads: usize, queue: usize, time: Duration) -> Self {
        let capacity = threads + queue;
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { places: semaphore(capacity), running: semaphore(threads), threads, capacity, time }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// All are taken.
    pub fn enter(&self) -> Result<Slot, Problem> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Problem::busy())?;
        Ok(Slot {
            place: Arc::new(place),
            running: Arc::clone(&self.running),
            deadline: Instant::now() + self.time,
        })
    }

    /// How many jobs run.
    pub fn running(&self) -> usize {
        self.threads - self.running.available_permits()
    }

    /// How many requests have a place and do not run.
    pub fn waiting(&self) -> usize {
        (self.capacity - self.places.available_permits()).saturating_sub(self.running())
    }
}

impl Slot {
    /// Waits for a turn and does the work on a blocking thread.
    ///
    /// A job that has begun runs to its end and keeps its place, whether anybody waits for it or not: so
    /// there are never more at work than there are threads.
    ///
    /// # Errors
    /// The time is up; the job panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (place, running) = (Arc::clone(&self.place), Arc::clone(&self.running));
        let work = async move {
            let turn = running.acquire_owned().await.expect("the semaphore is never closed");
            let job = move || {
                let _held = (turn, place);
                job()
            };
            spawn_blocking(job)
                .await
                .map_err(|_| Problem::internal("the search failed; the server's log says why"))
        };
        timeout_at(self.deadline, work).await.map_err(|_| Problem::too_late())?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use axum::http::StatusCode;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn the_queue_is_bounded_and_who_leaves_makes_room() {
        let limit = ConcurrencyLimit::new(1, 1, LONG);
        let (go, wait) = mpsc::channel::<()>();
        let first = limit.enter().unwrap();
        let running = tokio::spawn(async move { first.run(move || wait.recv().is_ok()).await });
        while limit.running() == 0 {
            tokio::task::yield_now().await;
        }
        let second = limit.enter().unwrap();
        assert_eq!((limit.running(), limit.waiting()), (1, 1));
        assert_eq!(limit.enter().err().unwrap().status, StatusCode::SERVICE_UNAVAILABLE);
        drop(second);
        assert_eq!(limit.waiting(), 0);
        let third = limit.enter().unwrap();
        go.send(()).unwrap();
        assert!(running.await.unwrap().unwrap());
        assert_eq!(third.run(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_job_that_nobody_waits_for_still_counts() {
        let limit = ConcurrencyLimit::new(1, 0, Duration::from_millis(20));
        let (go, wait) = mpsc::channel::<()>();
        let late = limit.enter().unwrap().run(move || wait.recv()).await;
        assert_eq!(late.err().unwrap().status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(limit.enter().is_err(), "the job goes on");
        go.send(()).unwrap();
        while limit.running() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(limit.enter().is_ok());
    }

    #[tokio::test]
    async fn a_job_that_panics_gives_its_place_back() {
        let limit = ConcurrencyLimit::new(1, 0, LONG);
        let failed = limit.enter().unwrap().run(|| panic!("as the test wants it")).await;
        assert_eq!(failed.err().unwrap().status, StatusCode::INTERNAL_SERVER_ERROR);
        while limit.running() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(limit.enter().is_ok());
    }
}
