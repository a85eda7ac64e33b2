//! Models behind an HTTP endpoint of OpenAI's kind: `POST …/embeddings`.

use std::env;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use ureq::Agent;
use ureq::config::Config;
use xxhash_rust::xxh3::xxh3_64;

use super::{Embedder, Loading, ModelInfo, Origin, Prepare, Role, Settings, WordPiece, truncated};

/// Where the endpoint's key is, if it wants one. It is sent to the endpoint and goes nowhere else.
const KEY: &str = "RQSEARCH_API_KEY";

/// How many texts go into one request: what every server of this kind takes.
const BATCH: usize = 32;

/// What a model behind an endpoint reads of a text, where it does not say.
const WINDOW: usize = 512;

/// How long one request may take when many follow, and when a person waits.
const PATIENCE: Duration = Duration::from_secs(120);
const IMPATIENCE: Duration = Duration::from_secs(20);

/// How often a request is made anew, and the longest wait before it.
const RETRIES: u32 = 5;
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// How much of an endpoint's own message is repeated.
const MESSAGE: usize = 300;

/// A model behind an endpoint.
pub struct Endpoint {
    info: ModelInfo,
    agent: Agent,
    address: String,
    key: Option<String>,
    retries: u32,
    /// Estimates the number of tokens: the model's own tokenizer is out of reach.
    tokens: OnceLock<WordPiece>,
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

impl Endpoint {
    /// Makes the connection's settings, and asks the endpoint how many dimensions its vectors have where
    /// nobody says it.
    ///
    /// # Errors
    /// It does not answer, has no such model, or wants a key; the network is forbidden.
    pub fn open(url: &str, model: &str, settings: &Settings, loading: Loading) -> anyhow::Result<Self> {
        if loading.offline && !is_here(url) {
            bail!("{url} is not on this machine, and --offline forbids the network");
        }
        let (patience, retries) = match loading.prepare {
            Prepare::Many => (PATIENCE, RETRIES),
            Prepare::Once => (IMPATIENCE, 1),
        };
        let config = Config::builder()
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_global(Some(patience))
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("rqsearch/", env!("CARGO_PKG_VERSION")))
            .build();
        let address = match url.ends_with("/embeddings") {
            true => url.to_owned(),
            false => format!("{url}/embeddings"),
        };
        let mut endpoint = Self {
            info: ModelInfo {
                name: model.to_owned(),
                fingerprint: String::new(),
                dimensions: settings.dimensions.unwrap_or(0),
                window: WINDOW,
                origin: Origin::Endpoint(url.to_owned()),
                query_prefix: settings.query_prefix.clone().unwrap_or_default(),
                passage_prefix: settings.passage_prefix.clone().unwrap_or_default(),
                pooling: None,
            },
            agent: config.into(),
            address,
            key: env::var(KEY).ok().map(|key| key.trim().to_owned()).filter(|key| !key.is_empty()),
            retries,
            tokens: OnceLock::new(),
        };
        if settings.pooling.is_some() {
            bail!("the endpoint pools by itself\n  hint: --pooling is for models in a folder");
        }
        if endpoint.info.dimensions == 0 {
            let vectors = endpoint.request(&["dimensions"])?;
            endpoint.info.dimensions = vectors[0].len();
        }
        let used = ModelInfo { origin: Origin::Builtin, ..endpoint.info.clone() };
        endpoint.info.fingerprint = format!("{:016x}", xxh3_64(&serde_json::to_vec(&used)?));
        Ok(endpoint)
    }

    /// Asks for the vectors of some texts, again and later where that may help.
    fn request(&self, texts: &[&str]) -> anyhow::Result<Vec<Vec<f32>>> {
        let mut attempt = 0;
        loop {
            match self.try_request(texts) {
                Ok(vectors) => return Ok(vectors),
                Err(Refused { error, again: false, .. }) => return Err(error),
                Err(Refused { error, .. }) if attempt >= self.retries => {
                    return Err(error.context(format!("gave up after {} attempts", attempt + 1)));
                }
                Err(Refused { wait, .. }) => {
                    let own = Duration::from_millis(250 << attempt);
                    std::thread::sleep(wait.unwrap_or(own).min(LONGEST_WAIT));
                    attempt += 1;
                }
            }
        }
    }

    fn try_request(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Refused> {
        let mut request = self.agent.post(&self.address);
        if let Some(key) = &self.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let body = Request { model: &self.info.name, input: texts, encoding_format: "float" };
        let mut response = request.send_json(&body).map_err(|error| Refused {
            // A server that starts, or one that is busy: both may answer in a moment.
            again: matches!(
                &error,
                ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed
            ),
            wait: None,
            error: anyhow!("{error}").context(format!("could not reach {}", self.address)),
        })?;
        let status = response.status();
        if !status.is_success() {
            let header = response.headers().get("retry-after").and_then(|seconds| seconds.to_str().ok());
            let wait = header.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
            let said = response.body_mut().read_to_string().unwrap_or_default();
            return Err(Refused {
                again: matches!(status.as_u16(), 408 | 429 | 500..=599),
                wait,
                error: anyhow!(
                    "{} answers {status}: {}{}",
                    self.address,
                    self.message(&said),
                    self.hint(status.as_u16())
                ),
            });
        }
        // ureq's own limit of 10 MB would be met by a batch of long vectors.
        let reply: Result<Reply, _> = response.body_mut().with_config().limit(256 << 20).read_json();
        let reply = reply.map_err(|error| {
            Refused::forever(anyhow!(
                "{} does not answer as an embedding endpoint does: {error}",
                self.address
            ))
        })?;
        self.vectors(reply, texts.len()).map_err(Refused::forever)
    }

    fn vectors(&self, reply: Reply, texts: usize) -> anyhow::Result<Vec<Vec<f32>>> {
        let mut vectors = vec![Vec::new(); texts];
        for Item { index, embedding } in reply.data {
            *vectors.get_mut(index).context("the endpoint sent more vectors than it was sent texts")? =
                embedding;
        }
        let least = self.info.dimensions.max(1);
        for vector in &vectors {
            if vector.len() < least {
                bail!(
                    "{} sent a vector of {} dimensions, where {least} are needed",
                    self.address,
                    vector.len()
                );
            }
            if vector.iter().any(|x| !x.is_finite()) {
                bail!("{} sent a vector that is none", self.address);
            }
        }
        Ok(vectors)
    }

    /// What the endpoint says went wrong: the beginning, on one line, without the key, which some repeat.
    fn message(&self, body: &str) -> String {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Said {
            Error { error: Message },
            Detail { detail: String },
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Message {
            Text(String),
            Object { message: String },
        }
        let said = match serde_json::from_str(body) {
            Ok(Said::Error { error: Message::Text(text) | Message::Object { message: text } }) => text,
            Ok(Said::Detail { detail }) => detail,
            Err(_) => body.to_owned(),
        };
        let said = match &self.key {
            Some(key) => said.replace(key.as_str(), "…"),
            None => said,
        };
        said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MESSAGE).collect()
    }

    fn hint(&self, status: u16) -> String {
        match status {
            401 | 403 if self.key.is_none() => format!("\n  hint: put its key into {KEY}"),
            401 | 403 => format!("\n  hint: is the key in {KEY} the right one?"),
            404 => {
                "\n  hint: an address ends like http://localhost:11434/v1, and the model must be there".into()
            }
            _ => String::new(),
        }
    }
}

/// Why there was no answer.
struct Refused {
    error: anyhow::Error,
    /// Whether another attempt may do, and how long the endpoint wants us to wait before it.
    again: bool,
    wait: Option<Duration>,
}

impl Refused {
    fn forever(error: anyhow::Error) -> Self {
        Self { error, again: false, wait: None }
    }
}

impl Embedder for Endpoint {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn embed(&self, text: &str, role: Role) -> anyhow::Result<Vec<f32>> {
        let mut vectors = self.embed_all(&[text], role)?;
        vectors.pop().context("the endpoint sent no vector")
    }

    fn embed_all(&self, texts: &[&str], role: Role) -> anyhow::Result<Vec<Vec<f32>>> {
        let prefixed: Vec<_> = texts.iter().map(|text| self.info.prefixed(text, role)).collect();
        let prefixed: Vec<&str> = prefixed.iter().map(AsRef::as_ref).collect();
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in prefixed.chunks(BATCH) {
            // Some servers refuse a text without anything in it.
            let batch: Vec<&str> =
                batch.iter().map(|text| if text.is_empty() { " " } else { *text }).collect();
            vectors.extend(self.request(&batch)?);
        }
        Ok(vectors.into_iter().map(|vector| truncated(vector, self.info.dimensions)).collect())
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokens.get_or_init(WordPiece::default).count(text)
    }
}

/// Whether an address is this machine's own.
fn is_here(url: &str) -> bool {
    let authority = url.split('/').nth(2).unwrap_or("");
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => authority.split(':').next().unwrap_or(""),
    };
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_here() {
        for url in ["http://localhost:1/v1", "http://127.0.0.1/v1", "http://[::1]:8080/v1"] {
            assert!(is_here(url), "{url}");
        }
        for url in ["https://api.example.org/v1", "http://localhost.example.org", "http://10.0.0.1:1/v1"] {
            assert!(!is_here(url), "{url}");
        }
    }
}
