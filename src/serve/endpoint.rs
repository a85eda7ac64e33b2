//! Vectors from the endpoint of a model: asked for before a search takes a thread.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::log::Log;
use crate::embed::ahead::EndpointCalls;
use crate::embed::{Role, Unavailable};

/// The calls of the endpoint, and whether the last one failed.
#[derive(Default)]
pub struct Endpoint {
    pub calls: EndpointCalls,
    failure: Mutex<Option<String>>,
}

impl Endpoint {
    /// Whether the endpoint failed when it was called last.
    pub fn has_failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Logs the first failure of the endpoint, and its end.
    pub fn report(&self, error: Option<&Unavailable>, log: &Log) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*failure, error) {
            (None, Some(error)) => {
                log.event(&format!(
                    "the embedding endpoint is not available; hybrid searches use keywords only: {error}"
                ));
                *failure = Some(error.message.clone());
            }
            (Some(_), None) => {
                log.event("the embedding endpoint is available again");
                *failure = None;
            }
            _ => {}
        }
    }
}

/// The vector of a text that was asked for before the search, or the reason why there is none.
pub struct Asked {
    pub text: String,
    pub role: Role,
    pub vector: Result<Vec<f32>, Unavailable>,
}

impl Asked {
    /// The same value, if the endpoint answered.
    ///
    /// # Errors
    /// The endpoint did not answer.
    pub fn available(self) -> Result<Self, Unavailable> {
        match self.vector {
            Ok(_) => Ok(self),
            Err(error) => Err(error),
        }
    }
}

/// How much of the remaining time an endpoint may take.
#[derive(Clone, Copy)]
pub enum Share {
    /// Half of it: without the vector, the search needs the other half.
    Half,
    /// Nearly all of it: without the vector, there is only an error to send.
    Most,
}

impl Share {
    /// When the endpoint must have answered.
    pub fn deadline(self, deadline: Instant) -> Instant {
        let now = Instant::now();
        let left = deadline.saturating_duration_since(now);
        now + match self {
            Self::Half => left / 2,
            Self::Most => left - (left / 10).min(Duration::from_millis(500)),
        }
    }
}
