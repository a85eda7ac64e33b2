//! Remembers that an endpoint does not answer, so that not every search waits for it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Unavailable;

/// How long calls fail at once after a failure. Each further failure doubles the time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The state of an endpoint. After a failure, calls fail at once for a while. Then one call may try the
/// endpoint again. The others fail at once until that call succeeds.
#[derive(Default)]
pub struct Outage(Mutex<Option<Failed>>);

struct Failed {
    error: Unavailable,
    pause: Duration,
    retry_at: Instant,
}

impl Outage {
    /// Whether a call may be made at `now`.
    ///
    /// # Errors
    /// The endpoint failed a short time ago.
    pub fn check(&self, now: Instant) -> Result<(), Unavailable> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(failed) if now < failed.retry_at => Err(failed.error.clone()),
            Some(failed) => {
                failed.retry_at = now + failed.pause;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Records how a call ended at `now`.
    pub fn record<T>(&self, result: &Result<T, Unavailable>, now: Instant) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Err(error) = result else {
            *state = None;
            return;
        };
        let pause = match &*state {
            // Calls that were made at the same time fail at the same time. They count as one failure.
            Some(failed) if now < failed.retry_at && failed.pause == FIRST_PAUSE => FIRST_PAUSE,
            Some(failed) => (failed.pause * 2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        *state = Some(Failed { error: error.clone(), pause, retry_at: now + pause });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Result<(), Unavailable> {
        Err(Unavailable { message: "no answer".into(), hint: None, timed_out: true })
    }

    #[test]
    fn calls_fail_at_once_until_one_succeeds() {
        let (outage, start) = (Outage::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert!(outage.check(at(0)).is_ok());
        outage.record(&failure(), at(0));
        assert_eq!(outage.check(at(999)), failure());
        assert!(outage.check(at(1_000)).is_ok(), "one call tries again");
        assert_eq!(outage.check(at(1_001)), failure(), "the others do not");
        outage.record(&Ok(()), at(1_100));
        assert!(outage.check(at(1_100)).is_ok() && outage.check(at(1_100)).is_ok());
    }

    #[test]
    fn the_pause_grows_up_to_its_limit() {
        let (outage, mut now) = (Outage::default(), Instant::now());
        for pause in [1, 2, 4, 8, 16, 30, 30] {
            assert!(outage.check(now).is_ok());
            outage.record(&failure(), now + Duration::from_secs(1_000));
            now += Duration::from_secs(1_000);
            assert!(outage.check(now + Duration::from_millis(pause * 1_000 - 1)).is_err(), "{pause}");
            now += Duration::from_secs(pause);
        }
    }

    #[test]
    fn failures_at_the_same_time_count_once() {
        let (outage, now) = (Outage::default(), Instant::now());
        for _ in 0..30 {
            outage.record(&failure(), now);
        }
        assert!(outage.check(now + FIRST_PAUSE).is_ok());
    }
}
