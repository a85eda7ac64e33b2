//! Vectors from the endpoint of a model: asked for before a search takes a thread.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::app::App;
use crate::embed::ahead::{Ahead, EndpointCalls};
use crate::embed::{Embedder, Role, Unavailable};
use crate::engine::Opened;

/// The calls of the endpoint, and whether the last one failed.
#[derive(Default)]
pub struct Endpoint {
    calls: EndpointCalls,
    failure: Mutex<Option<String>>,
}

impl Endpoint {
    /// Whether the endpoint failed when it was called last.
    pub fn has_failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

/// The vector of a text that was asked for before the search, or the reason why there is none.
pub struct Asked {
    text: String,
    role: Role,
    vector: Result<Vec<f32>, Unavailable>,
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
    fn deadline(self, deadline: Instant) -> Instant {
        let now = Instant::now();
        let left = deadline.saturating_duration_since(now);
        now + match self {
            Self::Half => left / 2,
            Self::Most => left - (left / 10).min(Duration::from_millis(500)),
        }
    }
}

impl App {
    /// The vector of a text, if the model is behind an endpoint: from the cache, or from the endpoint. `None`
    /// if the search computes it itself.
    pub async fn ask(
        &self,
        opened: &Opened,
        text: &str,
        role: Role,
        deadline: Instant,
        share: Share,
    ) -> Option<Asked> {
        let model = opened.embedder.as_ref().filter(|model| model.model().is_remote())?;
        let asked = |vector| Some(Asked { text: text.to_owned(), role, vector });
        if let Some(vector) = self.embeddings.get(model.model(), text, role) {
            self.metrics.phrase_cached();
            return asked(Ok(vector));
        }
        let start = Instant::now();
        let vector = self.endpoint.calls.ask(model, text, role, share.deadline(deadline)).await;
        match &vector {
            Ok(vector) => {
                self.metrics.phrase_embedded(start.elapsed());
                self.embeddings.put(model.model(), text, role, vector);
            }
            Err(_) => self.metrics.endpoint_failed(),
        }
        self.report_endpoint(vector.as_ref().err());
        asked(vector)
    }

    /// Logs the first failure of the endpoint, and its end.
    fn report_endpoint(&self, error: Option<&Unavailable>) {
        let mut failure = self.endpoint.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*failure, error) {
            (None, Some(error)) => {
                self.log.event(&format!(
                    "the embedding endpoint is not available; hybrid searches use keywords only: {error}"
                ));
                *failure = Some(error.message.clone());
            }
            (Some(_), None) => {
                self.log.event("the embedding endpoint is available again");
                *failure = None;
            }
            _ => {}
        }
    }

    /// Calls a function with the model of the index: with the vector that was asked for, or with the embedding
    /// cache.
    pub fn with_model<T>(
        &self,
        opened: &Opened,
        asked: Option<&Asked>,
        work: impl FnOnce(Option<&dyn Embedder>) -> T,
    ) -> T {
        let Some(model) = opened.embedder.as_deref() else { return work(None) };
        match asked {
            Some(Asked { text, role, vector }) => work(Some(&Ahead { model, key: (*role, text), vector })),
            None => work(Some(&self.embeddings.wrap(model, &self.metrics))),
        }
    }
}
