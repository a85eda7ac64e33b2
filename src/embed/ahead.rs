//! Asks the endpoint of a model for a vector before the search starts.
//!
//! A server runs a limited number of searches at once. A search that waited for an endpoint would keep its
//! place, and searches that do not need the endpoint would wait behind it. Servers therefore ask the endpoint
//! first, with a limit of its own, and hand the vector to the search.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;

use super::{Embedder, ModelInfo, Role, Unavailable, delegate_to_model};

/// How many calls may wait for the endpoint at once.
const MOST_CALLS: usize = 32;

/// The limit of calls to an endpoint.
pub struct EndpointCalls {
    permits: Arc<Semaphore>,
}

impl Default for EndpointCalls {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(MOST_CALLS)) }
    }
}

impl EndpointCalls {
    /// Asks for the vector of a text and waits until `deadline`. If the caller stops waiting, the call ends at
    /// `deadline`.
    ///
    /// # Errors
    /// The endpoint does not answer in time, or fails.
    pub async fn ask(
        &self,
        model: &Arc<dyn Embedder>,
        text: &str,
        role: Role,
        deadline: Instant,
    ) -> Result<Vec<f32>, Unavailable> {
        let (model, text) = (Arc::clone(model), text.to_owned());
        let permits = Arc::clone(&self.permits);
        let call = async move {
            let permit = permits.acquire_owned().await.expect("the semaphore is never closed");
            let call = move || {
                let _permit = permit;
                model.embed_by(&text, role, deadline).map_err(Unavailable::new)
            };
            spawn_blocking(call).await.unwrap_or_else(|panic| {
                Err(Unavailable {
                    message: format!("the call of the endpoint failed: {panic}"),
                    hint: None,
                    timed_out: false,
                })
            })
        };
        timeout_at(deadline.into(), call).await.unwrap_or_else(|_| {
            Err(Unavailable {
                message: "the embedding endpoint did not answer in time".into(),
                hint: None,
                timed_out: true,
            })
        })
    }
}

/// A model and the vector of one text that was asked for ahead, or the reason why there is none.
pub struct Ahead<'a> {
    /// The model.
    pub model: &'a dyn Embedder,
    /// The text and its role.
    pub key: (Role, &'a str),
    /// The vector of the text.
    pub vector: &'a Result<Vec<f32>, Unavailable>,
}

impl Embedder for Ahead<'_> {
    delegate_to_model!();

    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>> {
        match self.key == (role, text) {
            true => Ok(self.vector.clone()?),
            false => self.model.embed(text, role),
        }
    }
}
