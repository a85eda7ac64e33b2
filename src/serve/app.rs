//! The state that all requests share.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::attempts::Attempts;
use super::cache::{CommitCache, DuplicatesCache};
use super::change_queue::ChangeQueue;
use super::concurrency::ConcurrencyLimit;
use super::connections::Connections;
use super::current::Current;
use super::embedding_cache::EmbeddingCache;
use super::endpoint::{Asked, Endpoint, Share};
use super::found_gaps::GapsCache;
use super::log::Log;
use super::metrics::Metrics;
use super::options::Limits;
use super::problem::Problem;
use super::query_log::QueryLogWriter;
use super::tokens::Tokens;
use crate::decisions::DecisionFile;
use crate::embed::ahead::Ahead;
use crate::embed::{Embedder, Role};
use crate::engine::{Engine, Opened};
use crate::feedback::FeedbackFile;
use crate::query_log::QueryLog;
use crate::question::Question;
use crate::watch;

/// The state that all requests share.
pub type Shared = Arc<App>;

pub struct App {
    pub engine: Engine,
    pub current: Current,
    pub endpoint: Endpoint,
    /// The limit of searches, and of other short requests.
    pub search_limit: ConcurrencyLimit,
    /// The limit of searches for all duplicates or gaps of an index. They run one at a time, because each uses all
    /// processors.
    pub duplicates_limit: ConcurrencyLimit,
    pub connections: Arc<Connections>,
    pub embeddings: EmbeddingCache,
    pub metrics: Metrics,
    pub log: Log,
    /// `None` accepts every client.
    pub tokens: Option<Tokens>,
    /// `None` accepts no changes.
    pub admin_tokens: Option<Tokens>,
    /// The changes that wait for their commit. `None` if the server accepts none.
    pub changes: Option<ChangeQueue>,
    pub attempts: Attempts,
    /// `None` accepts no judgements of users.
    pub feedback: Option<FeedbackFile>,
    /// `None` applies and accepts no decisions about duplicates.
    pub decisions: Option<DecisionFile>,
    /// `None` if the index is not kept current by this process.
    pub watch: Option<Arc<watch::Status>>,
    /// `None` records no searches.
    pub query_log: Option<QueryLogWriter>,
    pub duplicates: DuplicatesCache,
    pub gaps: GapsCache,
    /// The body of `/stats`.
    pub stats: CommitCache<(), Vec<u8>>,
    /// The questions of `/feed.atom` with their dates.
    pub newest: CommitCache<(), Vec<(i64, Question)>>,
}

/// The options of the state.
pub struct AppOptions {
    pub tokens: Option<Tokens>,
    pub admin_tokens: Option<Tokens>,
    pub feedback: Option<FeedbackFile>,
    pub decisions: Option<DecisionFile>,
    pub query_log: Option<QueryLog>,
    pub watch: Option<Arc<watch::Status>>,
    pub log: Log,
    pub limits: Limits,
}

impl App {
    /// The state of a server with these options.
    pub fn new(engine: Engine, options: AppOptions) -> Self {
        let AppOptions { tokens, admin_tokens, feedback, decisions, query_log, watch, log, limits } = options;
        Self {
            engine,
            current: Current::default(),
            endpoint: Endpoint::default(),
            search_limit: ConcurrencyLimit::new(limits.threads.get(), limits.queue, limits.time),
            duplicates_limit: ConcurrencyLimit::new(1, limits.queue, limits.time),
            connections: Connections::new(limits.connections.get(), limits.connections_per_address.get()),
            embeddings: EmbeddingCache::new(),
            metrics: Metrics::new(),
            query_log: query_log.map(|file| QueryLogWriter::new(file, log.clone())),
            log,
            tokens,
            changes: admin_tokens.as_ref().map(|_| ChangeQueue::new(limits.queue, limits.time / 2)),
            admin_tokens,
            attempts: Attempts::new(),
            feedback,
            decisions,
            watch,
            duplicates: DuplicatesCache::new(),
            gaps: GapsCache::new(),
            stats: CommitCache::new(),
            newest: CommitCache::new(),
        }
    }

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
        let (opened, is_new) = self.current.renew(&self.engine, &self.log)?;
        if is_new {
            // The results of the old commit are of no use any more.
            self.stats.clear();
            self.newest.clear();
            self.duplicates.clear();
        }
        Ok(opened)
    }

    /// The vector of a text, if the model is behind an endpoint: from the cache, or from the endpoint. `None`
    /// if the search computes it itself.
    pub async fn ask(
        &self,
        opened: &Opened,
        text: &str,
        role: Role,
        deadline: std::time::Instant,
        share: Share,
    ) -> Option<Asked> {
        let model = opened.embedder.as_ref().filter(|model| model.model().is_remote())?;
        let asked = |vector| Some(Asked { text: text.to_owned(), role, vector });
        if let Some(vector) = self.embeddings.get(model.model(), text, role) {
            self.metrics.phrase_cached();
            return asked(Ok(vector));
        }
        let start = std::time::Instant::now();
        let vector = self.endpoint.calls.ask(model, text, role, share.deadline(deadline)).await;
        match &vector {
            Ok(vector) => {
                self.metrics.phrase_embedded(start.elapsed());
                self.embeddings.put(model.model(), text, role, vector);
            }
            Err(_) => self.metrics.endpoint_failed(),
        }
        self.endpoint.report(vector.as_ref().err(), &self.log);
        asked(vector)
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
