//! Limits how many jobs run at once and how many requests wait. Further requests are refused.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::problem::Problem;

/// A limit of concurrent jobs, with a bounded queue. Requests run in order of arrival.
pub struct ConcurrencyLimit {
    /// A permit for each request that runs or waits.
    slots: Arc<Semaphore>,
    /// A permit for each job that runs.
    running: Arc<Semaphore>,
    threads: usize,
    capacity: usize,
    time: Duration,
}

/// A request that runs or waits. Dropping it removes the request from the queue, for example when its client
/// disconnects.
pub struct Slot {
    permit: Arc<OwnedSemaphorePermit>,
    running: Arc<Semaphore>,
    deadline: Instant,
}

impl ConcurrencyLimit {
    /// Runs `threads` jobs at once and lets `queue` requests wait. Each request may take `time` from its
    /// arrival.
    pub fn new(threads: usize, queue: usize, time: Duration) -> Self {
        let capacity = threads + queue;
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { slots: semaphore(capacity), running: semaphore(threads), threads, capacity, time }
    }

    /// When the time of a request that arrives now is up.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.time
    }

    /// Adds a request to the queue.
    ///
    /// # Errors
    /// The queue is full.
    pub fn enter(&self, deadline: Instant) -> Result<Slot, Problem> {
        let permit = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| Problem::busy())?;
        Ok(Slot { permit: Arc::new(permit), running: Arc::clone(&self.running), deadline })
    }

    /// How many jobs run.
    pub fn running(&self) -> usize {
        self.threads - self.running.available_permits()
    }

    /// How many requests wait in the queue.
    pub fn waiting(&self) -> usize {
        (self.capacity - self.slots.available_permits()).saturating_sub(self.running())
    }
}

impl Slot {
    /// Waits until the job may run, and runs it on a blocking thread.
    ///
    /// A job that has started runs to its end, even if its client disconnects or its time is up. It counts
    /// against the limit until then, so there are never more running jobs than threads.
    ///
    /// # Errors
    /// The time is up, or the job panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let (permit, running) = (Arc::clone(&self.permit), Arc::clone(&self.running));
        let work = async move {
            let thread = running.acquire_owned().await.expect("the semaphore is never closed");
            let job = move || {
                let _permits = (thread, permit);
                job()
            };
            spawn_blocking(job).await.map_err(|panic| Problem::internal(format!("a job failed: {panic}")))
        };
        timeout_at(self.deadline, work).await.map_err(|_| Problem::timed_out())?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use axum::http::StatusCode;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// A place is free shortly after the job has ended.
    async fn wait_for_a_place(limit: &ConcurrencyLimit) {
        let is_free = async {
            while limit.enter(limit.deadline()).is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, is_free).await.expect("the place was not freed");
        assert_eq!(limit.running(), 0);
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_a_dropped_slot_frees_its_place() {
        let limit = ConcurrencyLimit::new(1, 1, LONG);
        let (go, wait) = mpsc::channel::<()>();
        let first = limit.enter(limit.deadline()).unwrap();
        let running = tokio::spawn(async move { first.run(move || wait.recv().is_ok()).await });
        while limit.running() == 0 {
            tokio::task::yield_now().await;
        }
        let second = limit.enter(limit.deadline()).unwrap();
        assert_eq!((limit.running(), limit.waiting()), (1, 1));
        assert_eq!(limit.enter(limit.deadline()).err().unwrap().status, StatusCode::SERVICE_UNAVAILABLE);
        drop(second);
        assert_eq!(limit.waiting(), 0);
        let third = limit.enter(limit.deadline()).unwrap();
        go.send(()).unwrap();
        assert!(running.await.unwrap().unwrap());
        assert_eq!(third.run(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_job_that_timed_out_counts_until_it_ends() {
        let limit = ConcurrencyLimit::new(1, 0, Duration::from_millis(20));
        let (go, wait) = mpsc::channel::<()>();
        let late = limit.enter(limit.deadline()).unwrap().run(move || wait.recv()).await;
        assert_eq!(late.err().unwrap().status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(limit.enter(limit.deadline()).is_err(), "the job still runs");
        go.send(()).unwrap();
        wait_for_a_place(&limit).await;
    }

    #[tokio::test]
    async fn a_job_that_panics_frees_its_place() {
        let limit = ConcurrencyLimit::new(1, 0, LONG);
        let failed = limit.enter(limit.deadline()).unwrap().run(|| panic!("expected by the test")).await;
        assert_eq!(failed.err().unwrap().status, StatusCode::INTERNAL_SERVER_ERROR);
        wait_for_a_place(&limit).await;
    }
}
