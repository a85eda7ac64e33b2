//! Models behind an HTTP endpoint that is compatible with OpenAI's: `POST …/embeddings`.

use std::env;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use ureq::config::Config;
use ureq::http::Response;
use ureq::{Agent, Body, Proxy};
use xxhash_rust::xxh3::xxh3_64;

use super::address::Address;
use super::approvals::{Approvals, KEY};
use super::info::printable;
use super::outage::Outage;
use super::{
    Embedder, Loading, ModelInfo, NotApproved, Origin, Patience, Role, Settings, Unavailable, WordPiece,
    truncated,
};
use crate::hint::{hinted, with_hint};

/// The number of texts in one request. All servers of this kind accept this many.
const BATCH: usize = 32;

/// The assumed maximum number of tokens that the model reads: endpoints do not report it.
const WINDOW: usize = 512;

/// The timeout of one request, including the connection, and the timeout of the connection.
const REQUEST: Duration = Duration::from_secs(120);
const CONNECT: Duration = Duration::from_secs(5);

/// The maximum number of retries of a request, and the longest pause before a retry.
const RETRIES: u32 = 5;
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// The maximum number of retries while a user is waiting.
const RETRIES_WAITING: u32 = 1;

/// The number of characters of an endpoint's error message that are shown.
const MESSAGE: usize = 300;

/// A model behind an endpoint.
pub struct Endpoint {
    info: ModelInfo,
    agent: Agent,
    address: Address,
    key: Key,
    patience: Patience,
    outage: Outage,
    /// Estimates the number of tokens: the tokenizer of the model is not available.
    tokens: OnceLock<WordPiece>,
}

/// The key that is sent to an endpoint, and only to that endpoint.
#[derive(Default)]
struct Key {
    /// The environment variable that contains the key; `None` if no key is sent.
    variable: Option<String>,
    /// `None` if the variable is not set.
    value: Option<String>,
}

impl Key {
    fn new(variable: Option<String>) -> Self {
        let value = variable.as_ref().and_then(|variable| env::var(variable).ok());
        let value = value.map(|key| key.trim().to_owned()).filter(|key| !key.is_empty());
        Self { variable, value }
    }
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [&'a str],
    encoding_format: &'a str,
}

#[derive(Deserialize)]
struct Reply {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

/// Sends requests to an endpoint.
fn agent(is_loopback: bool) -> Agent {
    let config = Config::builder()
        .timeout_connect(Some(CONNECT))
        .http_status_as_error(false)
        // A redirect could send the texts, and maybe the key, to another address.
        .max_redirects(0)
        // A proxy cannot reach this machine's loopback interface, and must not see the texts.
        .proxy(if is_loopback { None } else { Proxy::try_from_env() })
        .user_agent(concat!("rqsearch/", env!("CARGO_PKG_VERSION")))
        .build();
    config.into()
}

impl Endpoint {
    /// Uses an endpoint that the user names. Naming it is consent for this process. See
    /// [`Approvals::key_env`] for the key that is sent.
    ///
    /// # Errors
    /// See [`open`](Self::open). Also, the configuration file cannot be read.
    pub fn named(url: &str, model: &str, settings: &Settings, loading: Loading) -> anyhow::Result<Self> {
        let address = url.parse()?;
        let key = Key::new(Approvals::load()?.key_env(&address));
        Self::open(address, model, settings, loading, key)
    }

    /// Uses an endpoint that an index names, if the user has approved it.
    ///
    /// # Errors
    /// [`NotApproved`] if the user has not approved it. See [`open`](Self::open). Also, the configuration
    /// file cannot be read.
    pub fn of_index(url: &str, model: &str, settings: &Settings, loading: Loading) -> anyhow::Result<Self> {
        let address: Address =
            url.parse().context("the index uses an endpoint whose address is not valid")?;
        let Some(key_env) = Approvals::load()?.find(&address).map(|approved| approved.key_env.clone()) else {
            return Err(NotApproved::new(address.to_string(), model).into());
        };
        Self::open(address, model, settings, loading, Key::new(key_env))
    }

    /// Prepares requests. If the settings do not contain the number of dimensions, one request determines it.
    ///
    /// # Errors
    /// The endpoint does not answer, does not have the model, or requires a key. Also, the endpoint is not on
    /// this machine and the network is forbidden.
    fn open(
        address: Address,
        model: &str,
        settings: &Settings,
        loading: Loading,
        key: Key,
    ) -> anyhow::Result<Self> {
        let is_loopback = address.is_loopback();
        if loading.offline && !is_loopback {
            bail!(hinted(
                format!(
                    "{address} is not on this machine, and --offline (or HF_HUB_OFFLINE) forbids the network"
                ),
                "--mode keyword searches without the model"
            ));
        }
        if settings.pooling.is_some() {
            bail!(hinted("--pooling is for ONNX models only: an endpoint pools by itself", "omit --pooling"));
        }
        let mut endpoint = Self {
            info: ModelInfo {
                name: model.to_owned(),
                fingerprint: String::new(),
                dimensions: settings.dimensions.unwrap_or(0),
                window: WINDOW,
                origin: Origin::Endpoint(address.to_string()),
                query_prefix: settings.query_prefix.clone().unwrap_or_default(),
                passage_prefix: settings.passage_prefix.clone().unwrap_or_default(),
                pooling: None,
            },
            agent: agent(is_loopback),
            address,
            key,
            patience: loading.patience,
            outage: Outage::default(),
            tokens: OnceLock::new(),
        };
        if endpoint.info.dimensions == 0 {
            let vectors = endpoint.request(&["dimensions"], None)?;
            endpoint.info.dimensions = vectors[0].len();
        }
        let used = ModelInfo { origin: Origin::Builtin, ..endpoint.info.clone() };
        endpoint.info.fingerprint = format!("{:016x}", xxh3_64(&serde_json::to_vec(&used)?));
        Ok(endpoint)
    }

    /// Requests the vectors of texts. Fails at once if the endpoint failed a short time ago and a user is
    /// waiting. `deadline` can only shorten the time that [`Patience`] allows.
    fn request(&self, texts: &[&str], deadline: Option<Instant>) -> Result<Vec<Vec<f32>>, Unavailable> {
        let limit = match self.patience {
            Patience::Batch => None,
            Patience::Waiting(time) => Some(Instant::now() + time),
        };
        let Some(deadline) = [limit, deadline].into_iter().flatten().min() else {
            return self.attempts(texts, RETRIES, None);
        };
        self.outage.check(Instant::now())?;
        let result = self.attempts(texts, RETRIES_WAITING, Some(deadline));
        self.outage.record(&result, Instant::now());
        result
    }

    /// Sends a request. Sends it again if that may help and there is time.
    fn attempts(
        &self,
        texts: &[&str],
        retries: u32,
        deadline: Option<Instant>,
    ) -> Result<Vec<Vec<f32>>, Unavailable> {
        let left = || deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let mut attempt = 0;
        loop {
            let failure = match self.try_request(texts, left().unwrap_or(REQUEST).min(REQUEST)) {
                Ok(vectors) => return Ok(vectors),
                Err(failure) => failure,
            };
            let pause = failure.pause.unwrap_or(Duration::from_millis(250 << attempt)).min(LONGEST_PAUSE);
            let in_time = left().is_none_or(|left| pause < left);
            if !failure.is_transient {
                return Err(failure.unavailable());
            }
            if attempt >= retries || !in_time {
                let attempts = if attempt == 0 { "1 attempt" } else { &format!("{} attempts", attempt + 1) };
                let error = failure.error.context(format!("gave up after {attempts}"));
                return Err(Failure { error, ..failure }.unavailable());
            }
            std::thread::sleep(pause);
            attempt += 1;
        }
    }

    fn try_request(&self, texts: &[&str], timeout: Duration) -> Result<Vec<Vec<f32>>, Failure> {
        let request = self.agent.post(self.address.embeddings());
        let mut request = request.config().timeout_global(Some(timeout)).build();
        if let Some(key) = &self.key.value {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let body = Request { model: &self.info.name, input: texts, encoding_format: "float" };
        let mut response = request.send_json(&body).map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(&mut response));
        }
        // A batch of long vectors can exceed ureq's default limit of 10 MB.
        let reply: Result<Reply, _> = response.body_mut().with_config().limit(256 << 20).read_json();
        let reply = reply.map_err(|error| self.unreadable(&error))?;
        self.vectors(reply, texts.len()).map_err(Failure::permanent)
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        use ureq::Error::{ConnectionFailed, Io, Timeout};
        Failure {
            timed_out: matches!(error, Timeout(_)),
            // A server that is starting or busy may answer a little later.
            is_transient: matches!(error, Io(_) | Timeout(_) | ConnectionFailed),
            pause: None,
            error: anyhow!(hinted(
                format!(
                    "could not reach {} for the model {}: {error}",
                    self.address,
                    printable(&self.info.name)
                ),
                "check that the server is running; --mode keyword searches without the model"
            )),
        }
    }

    /// The failure of a request that was answered with an error.
    fn refused(&self, response: &mut Response<Body>) -> Failure {
        let status = response.status();
        let header = response.headers().get("retry-after").and_then(|seconds| seconds.to_str().ok());
        let pause = header.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let body = response.body_mut().read_to_string().unwrap_or_default();
        let error = anyhow!("{} returned {status}: {}", self.address, self.message(&body));
        Failure {
            timed_out: false,
            is_transient: matches!(status.as_u16(), 408 | 429 | 500..=599),
            pause,
            error: match self.hint(status.as_u16()) {
                Some(hint) => with_hint(error, hint).into(),
                None => error,
            },
        }
    }

    fn unreadable(&self, error: &ureq::Error) -> Failure {
        match error {
            ureq::Error::Timeout(_) => Failure {
                timed_out: true,
                ..Failure::permanent(anyhow!("{} did not send its whole reply in time", self.address))
            },
            error => Failure::permanent(anyhow!(hinted(
                format!("the reply of {} is not that of an embedding endpoint: {error}", self.address),
                "check the address; it usually ends like http://localhost:11434/v1"
            ))),
        }
    }

    fn vectors(&self, reply: Reply, texts: usize) -> anyhow::Result<Vec<Vec<f32>>> {
        let mut vectors = vec![Vec::new(); texts];
        for Item { index, embedding } in reply.data {
            *vectors
                .get_mut(index)
                .context("the endpoint returned a vector for a text that was not sent")? = embedding;
        }
        let least = self.info.dimensions.max(1);
        for vector in &vectors {
            if vector.len() < least {
                bail!(
                    "{} returned a vector of {} dimensions, but at least {least} are needed",
                    self.address,
                    vector.len()
                );
            }
            if vector.iter().any(|x| !x.is_finite()) {
                bail!("{} returned a vector with NaN or infinite values", self.address);
            }
        }
        Ok(vectors)
    }

    /// The start of the endpoint's error message, on one line. The key is removed: some endpoints repeat it.
    fn message(&self, body: &str) -> String {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum ErrorBody {
            Error { error: Message },
            Detail { detail: String },
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Message {
            Text(String),
            Object { message: String },
        }
        let message = match serde_json::from_str(body) {
            Ok(ErrorBody::Error { error: Message::Text(text) | Message::Object { message: text } }) => text,
            Ok(ErrorBody::Detail { detail }) => detail,
            Err(_) => body.to_owned(),
        };
        let message = match &self.key.value {
            Some(key) => message.replace(key.as_str(), "…"),
            None => message,
        };
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        printable(&message).chars().take(MESSAGE).collect()
    }

    /// What to try after a reply with this status.
    fn hint(&self, status: u16) -> Option<String> {
        let hint = match (status, &self.key.variable, &self.key.value) {
            (401 | 403, Some(variable), None) => format!("set {variable} to the endpoint's key"),
            (401 | 403, Some(variable), Some(_)) => format!("check the key in {variable}"),
            (401 | 403, None, _) => format!(
                "no key was sent; `rqsearch models allow {} --key-env {KEY}` sends the key in {KEY}",
                self.address
            ),
            (300..=399, ..) => {
                "redirects are not followed; use the address that the endpoint redirects to".to_owned()
            }
            (404, ..) => {
                "check the address, which usually ends like http://localhost:11434/v1, and the model's name"
                    .to_owned()
            }
            _ => return None,
        };
        Some(hint)
    }
}

/// Why a request failed.
struct Failure {
    error: anyhow::Error,
    /// Whether another attempt may succeed.
    is_transient: bool,
    /// Whether the time of the attempt ran out.
    timed_out: bool,
    /// The pause before another attempt that the endpoint asks for.
    pause: Option<Duration>,
}

impl Failure {
    fn permanent(error: anyhow::Error) -> Self {
        Self { error, is_transient: false, timed_out: false, pause: None }
    }

    fn unavailable(self) -> Unavailable {
        Unavailable { timed_out: self.timed_out, ..Unavailable::new(self.error) }
    }
}

impl Endpoint {
    fn one(&self, text: &str, role: Role, deadline: Option<Instant>) -> anyhow::Result<Vec<f32>> {
        let mut vectors = self.many(&[text], role, deadline)?;
        vectors.pop().context("the endpoint returned no vector")
    }

    fn many(&self, texts: &[&str], role: Role, deadline: Option<Instant>) -> anyhow::Result<Vec<Vec<f32>>> {
        let prefixed: Vec<_> = texts.iter().map(|text| self.info.prefixed(text, role)).collect();
        let prefixed: Vec<&str> = prefixed.iter().map(AsRef::as_ref).collect();
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in prefixed.chunks(BATCH) {
            // Some servers refuse an empty text.
            let batch: Vec<&str> =
                batch.iter().map(|text| if text.is_empty() { " " } else { *text }).collect();
            vectors.extend(self.request(&batch, deadline)?);
        }
        Ok(vectors.into_iter().map(|vector| truncated(vector, self.info.dimensions)).collect())
    }
}

impl Embedder for Endpoint {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>> {
        self.one(text, role, None)
    }

    fn embed_by(&self, text: &str, role: Role, deadline: Instant) -> anyhow::Result<Vec<f32>> {
        self.one(text, role, Some(deadline))
    }

    fn embed_all(&self, texts: &[&str], role: Role) -> anyhow::Result<Vec<Vec<f32>>> {
        self.many(texts, role, None)
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn is_local(&self) -> bool {
        false
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokens.get_or_init(WordPiece::default).count(text)
    }
}
