//! `GET /openapi.json`: the routes, with the JSON types as schemas.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::response::Response;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::changes::MOST_RECORDS;
use super::search::{self, GREATEST_OFFSET, LONGEST_PHRASE, MOST_HITS, MOST_HITS_OF_BATCH, MOST_REQUESTS};
use crate::render::json::{
    AnySearchRequest, ChangeReply, ChangesReply, CheckReply, CheckRequest, ClickRequest, DecisionRequest,
    DuplicatesReply, DuplicatesRequest, FeedbackRequest, GapsReply, GapsRequest, HealthReply, IndexRequest,
    ProblemReply, QuestionRecord, QuestionReply, RelatedReply, RelatedRequest, SearchReply, SearchRequest,
    SearchesReply, StatsReply, SuggestRequest, SuggestionReply,
};

static DOCUMENT: LazyLock<Vec<u8>> =
    LazyLock::new(|| serde_json::to_vec(&document()).expect("a JSON value can be written"));

pub async fn get() -> Response {
    search::json(DOCUMENT.clone())
}

/// The JSON pointer to the schemas of the document.
const SCHEMAS: &str = "/components/schemas";

/// The OpenAPI 3.1 document. Its schemas are plain JSON Schema.
pub fn document() -> Value {
    let mut api = Api::new();
    api.search();
    api.searches();
    api.questions();
    api.changes();
    api.suggestions();
    api.feeds();
    api.duplicates();
    api.decisions();
    api.feedback();
    api.query_log();
    api.about();
    api.finish()
}

struct Api {
    /// The schemas of requests: keys with a default are optional.
    requests: SchemaGenerator,
    /// The schemas of replies: all keys are required.
    replies: SchemaGenerator,
    paths: Map<String, Value>,
}

impl Api {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = SCHEMAS.into();
            settings.meta_schema = None;
        });
        Self {
            requests: settings.clone().for_deserialize().into_generator(),
            replies: settings.for_serialize().into_generator(),
            paths: Map::new(),
        }
    }

    fn search(&mut self) {
        let parameters = self.query::<SearchRequest>();
        let reply = self.replies.subschema_for::<SearchReply<'_>>();
        self.add(
            "/search",
            "get",
            "Search for the questions that a phrase is about",
            |operation| {
                operation.insert("parameters".into(), parameters);
                operation.insert(
                    "description".into(),
                    format!(
                        "Returns at most {MOST_HITS} hits. A phrase has at most {LONGEST_PHRASE} characters. \
                 Repeat `source`, `section`, `level` or `tag` to accept any of several values, and `exact` or \
                 `without` to require or exclude each. `facets` counts all questions that match: those whose cosine is \
                 at least half of that of the best question, and those with at least three quarters of what the best \
                 question contains of the phrase. `next` of the reply is the `offset` of the next page, \
                 up to {GREATEST_OFFSET}. If the embedding endpoint does not answer, a hybrid search uses \
                 keywords only, and `notice` says why; a semantic one gets status 502 or 504."
                    )
                    .into(),
                );
            },
            json_answer(&reply),
            &[400, 401, 403, 422, 429, 502, 503, 504],
        );
    }

    fn searches(&mut self) {
        let reply = self.replies.subschema_for::<SearchReply<'_>>();
        let several = self.replies.subschema_for::<SearchesReply<'_>>();
        let body = body(&self.requests.subschema_for::<AnySearchRequest>());
        self.add(
            "/search",
            "post",
            "Search for one phrase, or for several",
            |operation| {
                operation.insert("requestBody".into(), body);
                operation.insert("description".into(), format!(
                "The body is an object with the parameters of GET, or an object with the key `requests` and \
                 at most {MOST_REQUESTS} such objects, whose limits sum up to at most {MOST_HITS_OF_BATCH} hits. \
                 If one of them is not valid, the error names it, and no search runs."
            ).into());
            },
            json_answer(&json!({"anyOf": [reply, several]})),
            &[400, 401, 403, 408, 413, 415, 422, 429, 502, 503, 504],
        );
    }

    fn questions(&mut self) {
        let question = self.replies.subschema_for::<QuestionReply<'_>>();
        let id = json!([{
            "name": "id", "in": "path", "required": true, "schema": {"type": "string"},
            "description": "The question's id, the first 4 or more characters of its id, or its own key.",
        }]);
        let index = self.query::<IndexRequest>();
        let parameters = [&id, &index].into_iter().filter_map(Value::as_array).flatten().cloned().collect();
        self.add(
            "/questions/{id}",
            "get",
            "Get a whole question",
            |operation| {
                operation.insert("parameters".into(), parameters);
            },
            json_answer(&question),
            &[400, 401, 403, 404, 409, 422, 429, 503],
        );
        let related = self.replies.subschema_for::<RelatedReply<'_>>();
        let limit = self.query::<RelatedRequest>();
        let parameters = [id, limit].iter().filter_map(Value::as_array).flatten().cloned().collect();
        self.add(
            "/questions/{id}/related",
            "get",
            "Find questions on the same subject that ask something else",
            |operation| {
                operation.insert("parameters".into(), parameters);
            },
            json_answer(&related),
            &[400, 401, 403, 404, 408, 409, 422, 429, 503],
        );
    }

    fn changes(&mut self) {
        let record = self.requests.subschema_for::<QuestionRecord>();
        let reply = self.replies.subschema_for::<ChangeReply>();
        let several = self.replies.subschema_for::<ChangesReply>();
        let many = json!({"type": "array", "items": record, "maxItems": MOST_RECORDS});
        let lines = json!({"schema": {"type": "string", "description": "One record per line."}});
        let content = json!({
            "application/json": {"schema": {"anyOf": [record, many]}},
            "application/x-ndjson": lines,
        });
        let refused = [400, 401, 403, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504];
        let about = "Needs a token of `--admin-token-file` with the right `admin`; a server without it replies 403. The reply is \
             sent when the change is on disk and searches of this server find it. Updates from files keep these questions.";
        let post = format!(
            "The body is a record, a list of at most {MOST_RECORDS} records, or as many as JSON Lines; at most 8 MiB. A \
             record replaces the one with the same id. The reply to a list has a result or an error for each record. {about}"
        );
        self.add(
            "/questions",
            "post",
            "Write one question, or several",
            |operation| {
                operation.insert("requestBody".into(), json!({"required": true, "content": content}));
                operation.insert("description".into(), post.into());
            },
            json_answer(&json!({"anyOf": [reply, several]})),
            &refused,
        );
        let id = |description: &str| {
            json!([{
                "name": "id", "in": "path", "required": true, "schema": {"type": "string"}, "description": description,
            }])
        };
        self.add(
            "/questions/{id}",
            "put",
            "Write a question, or replace it",
            |operation| {
                let name =
                    "The id that its writer gives the question: 1 to 200 bytes without control characters.";
                operation.insert("parameters".into(), id(name));
                operation.insert("requestBody".into(), body(&record));
                operation.insert("description".into(), about.into());
            },
            json_answer(&reply),
            &refused,
        );
        self.add(
            "/questions/{id}",
            "delete",
            "Delete a written question",
            |operation| {
                let name = "The id that its writer gave the question, or the one that the index gave it.";
                operation.insert("parameters".into(), id(name));
                operation.insert("description".into(), about.into());
            },
            json_answer(&reply),
            &[400, 401, 403, 404, 409, 422, 429, 500, 503],
        );
    }

    fn suggestions(&mut self) {
        let parameters = self.query::<SuggestRequest>();
        let reply = self.replies.subschema_for::<Vec<SuggestionReply<'_>>>();
        let opensearch = json!({"application/x-suggestions+json": {"schema": {"type": "array"}}});
        for (path, summary, content, description) in [
            (
                "/suggest",
                "Find questions while a phrase is typed",
                json_answer(&reply),
                "Finds the questions whose title, or an alternative title, has all words of the text, of which the last \
                 may be incomplete. The best titles come first.",
            ),
            (
                "/suggest/opensearch",
                "Find questions for the address bar of a browser",
                opensearch,
                "Returns the same in the format of OpenSearch suggestions: an array of the text, the titles, the \
                 sections and the addresses.",
            ),
        ] {
            self.add(
                path,
                "get",
                summary,
                with_parameters(&parameters, description),
                content,
                &[400, 401, 403, 422, 429, 503],
            );
        }
        let xml = json!({"application/opensearchdescription+xml": {"schema": {"type": "string"}}});
        let summary = "Describe the search for browsers (OpenSearch)";
        self.add("/opensearch.xml", "get", summary, without_token, xml, &[400]);
    }

    fn feeds(&mut self) {
        for (path, summary, description) in [
            (
                "/feed.atom",
                "Get the newest questions as an Atom feed",
                "The 50 questions with the latest dates. A question without a date is not in the feed. The reply has an \
                 `ETag`, and is 304 if the client has it already.",
            ),
            (
                "/gaps/feed.atom",
                "Get the newest gaps as an Atom feed",
                "The 50 gaps whose most frequent phrases were asked first most recently. Like `/gaps`, it needs a query \
                 log and the right `admin`, and the first request takes long.",
            ),
        ] {
            let content = json!({"application/atom+xml": {"schema": {"type": "string"}}});
            self.add(
                path,
                "get",
                summary,
                |operation| {
                    operation.insert("description".into(), description.into());
                    let responses =
                        operation["responses"].as_object_mut().expect("an operation has responses");
                    responses
                        .insert("304".into(), json!({"description": "The client has the feed already."}));
                },
                content,
                &[400, 401, 403, 404, 422, 429, 503],
            );
        }
    }

    fn duplicates(&mut self) {
        let parameters = self.query::<DuplicatesRequest>();
        let reply = self.replies.subschema_for::<DuplicatesReply<'_>>();
        self.add(
            "/duplicates",
            "get",
            "Find all duplicate questions",
            |operation| {
                operation.insert("parameters".into(), parameters.clone());
                operation.insert(
                    "description".into(),
                    "The first request takes long in a large index. If it exceeds the time limit, the work \
                 continues, and a later request gets the result."
                        .into(),
                );
            },
            json_answer(&reply),
            &[400, 401, 403, 422, 429, 503],
        );
        self.add(
            "/duplicates/map",
            "get",
            "Show all duplicate questions as a map",
            |operation| {
                operation.insert("parameters".into(), parameters);
            },
            json!({"text/html": {"schema": {"type": "string"}}}),
            &[400, 401, 403, 422, 429, 503],
        );
        let body = body(&self.requests.subschema_for::<CheckRequest>());
        let reply = self.replies.subschema_for::<CheckReply<'_>>();
        self.add(
            "/duplicates/check",
            "post",
            "Find the questions that a new question duplicates",
            |operation| {
                operation.insert("requestBody".into(), body);
            },
            json_answer(&reply),
            &[400, 401, 403, 408, 413, 415, 422, 429, 502, 503, 504],
        );
    }

    fn decisions(&mut self) {
        let body = body(&self.requests.subschema_for::<DecisionRequest>());
        self.add(
            "/duplicates/decisions",
            "post",
            "Decide whether two questions ask the same",
            |operation| {
                let description = format!(
                    "The decision is saved in the file that the server was started with (`--decisions FILE`), with the name \
                     of the token as the author. It replaces an earlier one about both questions. Later requests for \
                     duplicates apply it. A server without that option has no such path; `decisions` of `/health` says so. \
                     A note has at most {LONGEST_PHRASE} characters."
                );
                operation.insert("description".into(), description.into());
                operation.insert("requestBody".into(), body);
                let responses = operation["responses"].as_object_mut().expect("an operation has responses");
                responses.remove("200");
                responses.insert("204".into(), json!({"description": "The decision is saved."}));
            },
            json!({}),
            &[400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503],
        );
    }

    fn feedback(&mut self) {
        let body = body(&self.requests.subschema_for::<FeedbackRequest>());
        self.add(
            "/feedback",
            "post",
            "Say whether a hit is useful for a phrase",
            |operation| {
                let description = format!(
                    "The judgement is appended to the file that the server was started with (`--feedback FILE`). \
                     A server without that option has no such path; `feedback` of `/health` says so. A phrase \
                     has at most {LONGEST_PHRASE} characters."
                );
                operation.insert("description".into(), description.into());
                operation.insert("requestBody".into(), body);
                let responses = operation["responses"].as_object_mut().expect("an operation has responses");
                responses.remove("200");
                responses.insert("204".into(), json!({"description": "The judgement is saved."}));
            },
            json!({}),
            &[400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503],
        );
    }

    fn query_log(&mut self) {
        let parameters = self.query::<GapsRequest>();
        let reply = self.replies.subschema_for::<GapsReply<'_>>();
        for (path, summary, content) in [
            ("/gaps", "Find what people ask and nothing answers", json_answer(&reply)),
            (
                "/gaps/page",
                "Show what people ask and nothing answers",
                json!({"text/html": {"schema": {"type": "string"}}}),
            ),
        ] {
            let description = "Reads the query log of the server (`--query-log FILE`). A server without that option has no \
                such path. Needs the right `admin`. The first request takes long. If it exceeds the time limit, the work \
                continues, and a later request gets the result, which is returned for a while.";
            self.add(
                path,
                "get",
                summary,
                with_parameters(&parameters, description),
                content,
                &[400, 401, 403, 404, 422, 429, 503],
            );
        }
        let body = body(&self.requests.subschema_for::<ClickRequest>());
        self.add(
            "/clicks",
            "post",
            "Say that a user opened a hit",
            |operation| {
                let description = format!(
                    "The click is appended to the query log of the server (`--query-log FILE`). A server without that \
                     option has no such path; `query_log` of `/health` says so. A phrase has at most \
                     {LONGEST_PHRASE} characters."
                );
                operation.insert("description".into(), description.into());
                operation.insert("requestBody".into(), body);
                let responses = operation["responses"].as_object_mut().expect("an operation has responses");
                responses.remove("200");
                responses.insert("204".into(), json!({"description": "The click will be written."}));
            },
            json!({}),
            &[400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503],
        );
    }

    fn about(&mut self) {
        let stats = self.replies.subschema_for::<StatsReply<'_>>();
        let health = self.replies.subschema_for::<HealthReply<'_>>();
        self.add(
            "/stats",
            "get",
            "Get statistics of the index",
            |_| {},
            json_answer(&stats),
            &[401, 403, 429, 503],
        );
        self.add(
            "/health",
            "get",
            "Check what works",
            |operation| {
                without_token(operation);
                let description = "The status code is 200 as long as searches are possible.";
                operation.insert("description".into(), description.into());
            },
            json_answer(&health),
            &[503],
        );
        let text = json!({"text/plain": {"schema": {"type": "string"}}});
        self.add("/metrics", "get", "Get metrics for Prometheus", |_| {}, text, &[401, 403, 429]);
        let document = json_answer(&json!({"type": "object"}));
        self.add("/openapi.json", "get", "Get this document", without_token, document, &[]);
    }

    /// The properties of a type as query parameters.
    fn query<T: JsonSchema>(&mut self) -> Value {
        let reference = self.requests.subschema_for::<T>();
        let name = reference.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
        // Query parameters contain their schemas. They do not refer to the schema of the whole type.
        let schema =
            name.and_then(|name| self.requests.definitions_mut().get(name).cloned()).unwrap_or_default();
        let required = |name: &str| {
            schema["required"].as_array().is_some_and(|required| required.iter().any(|one| one == name))
        };
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        let parameter = |(name, mut schema): (String, Value)| {
            let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            json!({"name": name, "in": "query", "required": required(&name), "description": description, "schema": schema})
        };
        properties.into_iter().map(parameter).collect()
    }

    /// Adds an operation. `extend` adds keys that only some operations have.
    fn add(
        &mut self,
        path: &str,
        method: &str,
        summary: &str,
        extend: impl FnOnce(&mut Map<String, Value>),
        content: Value,
        problems: &[u16],
    ) {
        let mut responses = Map::new();
        responses.insert("200".into(), json!({"description": "The reply.", "content": content}));
        for status in problems {
            let reason = StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason());
            responses.insert(status.to_string(), problem(reason.unwrap_or_default()));
        }
        responses.insert("default".into(), problem("Any other error."));
        let mut operation = Map::new();
        operation.insert("summary".into(), summary.into());
        operation.insert("operationId".into(), operation_id(method, path).into());
        operation.insert("responses".into(), responses.into());
        extend(&mut operation);
        let methods = self.paths.entry(path).or_insert_with(|| json!({}));
        methods[method] = operation.into();
    }

    fn finish(mut self) -> Value {
        self.replies.subschema_for::<ProblemReply<'_>>();
        let mut schemas = self.requests.take_definitions(true);
        schemas.extend(self.replies.take_definitions(true));
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "rqsearch",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Finds the question that any phrase is about. Replies always have all keys, \
                    unless the schema says otherwise. Offsets are in bytes of UTF-8.",
            },
            "paths": self.paths,
            // The token is optional: a server may run without one. `/metrics` needs the right `admin`, and changes a token of
            // `--admin-token-file`.
            "security": [{"token": []}, {}],
            "components": {
                "schemas": schemas,
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
        })
    }
}

/// Gives an operation its parameters and a description.
fn with_parameters<'a>(
    parameters: &'a Value,
    description: &'a str,
) -> impl FnOnce(&mut Map<String, Value>) + 'a {
    |operation| {
        operation.insert("parameters".into(), parameters.clone());
        operation.insert("description".into(), description.into());
    }
}

fn without_token(operation: &mut Map<String, Value>) {
    operation.insert("security".into(), json!([]));
}

/// The id of an operation: `getQuestionsId` for `GET /questions/{id}`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |id, word| {
        let (first, rest) = word.split_at(1);
        id + &first.to_uppercase() + rest
    })
}

fn json_answer(schema: &(impl serde::Serialize + ?Sized)) -> Value {
    json!({"application/json": {"schema": schema}})
}

fn body(schema: &Schema) -> Value {
    json!({"required": true, "content": {"application/json": {"schema": schema}}})
}

fn problem(description: &str) -> Value {
    let schema = json!({"$ref": format!("#{SCHEMAS}/ProblemReply")});
    json!({"description": description, "content": {"application/problem+json": {"schema": schema}}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_resolves() {
        let document = document();
        let text = document.to_string();
        let references: Vec<&str> =
            text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(references.len() > 20, "{text}");
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn the_query_has_the_search_options_of_the_command_line() {
        let document = document();
        let parameters = document["paths"]["/search"]["get"]["parameters"].as_array().unwrap().clone();
        let required: Vec<(&str, bool)> = parameters
            .iter()
            .map(|one| (one["name"].as_str().unwrap(), one["required"].as_bool().unwrap()))
            .collect();
        for name in [
            "limit",
            "offset",
            "sort",
            "exact",
            "without",
            "since",
            "until",
            "mode",
            "source",
            "section",
            "level",
            "tag",
            "semantic_weight",
            "min_confidence",
            "all",
            "explain",
            "synonyms",
            "pins",
        ] {
            assert!(required.contains(&(name, false)), "{name}: {required:?}");
        }
        assert!(required.contains(&("q", true)), "{required:?}");
        assert_eq!(operation_id("get", "/questions/{id}"), "getQuestionsId");
    }
}
