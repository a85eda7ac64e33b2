//! What a person at the terminal can do about an error.
//!
//! Messages of the library name no commands and options of this program. The advice for errors with a type is here; other
//! errors carry theirs ([`Hinted`]).

use super::streams::say;
use crate::embed::{NotApproved, Unavailable, WrongModel};
use crate::hint::Hinted;
use crate::index::{Busy, NeedsCopy, OpenError, Problem, WriteError};

/// Reports an error on stderr.
pub fn report(error: &anyhow::Error) {
    say(&format!("rqsearch: {}", explained(error)));
}

/// Reports on stderr what was skipped.
pub fn report_problem(problem: &Problem) {
    say(&format!("rqsearch: {}", explained_problem(problem)));
}

/// The message of an error with its causes, and a line with the hint if there is one.
pub fn explained(error: &anyhow::Error) -> String {
    match hint(error) {
        Some(hint) => format!("{error:#}\n  hint: {hint}"),
        None => format!("{error:#}"),
    }
}

/// What was skipped, and a line with the hint if there is one.
pub fn explained_problem(problem: &Problem) -> String {
    match &problem.hint {
        Some(hint) => format!("{problem}\n  hint: {hint}"),
        None => problem.to_string(),
    }
}

/// Why an index is searched by keywords only, and how to use its model.
pub fn keywords_only(reason: &NotApproved) -> String {
    explained(&anyhow::Error::from(reason.clone()).context("using keyword search only"))
}

/// What to do about an error.
pub fn hint(error: &anyhow::Error) -> Option<String> {
    let carried = Hinted::of(error).map(str::to_owned);
    carried.or_else(|| error.chain().find_map(hint_of_type))
}

fn hint_of_type(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<OpenError>() {
        return hint_of_opening(error);
    }
    if let Some(error) = error.downcast_ref::<WriteError>() {
        return hint_of_writing(error);
    }
    if error.is::<Busy>() {
        return Some("wait until it has finished; you can search the index in the meantime".to_owned());
    }
    if error.is::<WrongModel>() {
        return Some("search with that model, or rebuild the index".to_owned());
    }
    if let Some(NotApproved { url, .. }) = error.downcast_ref() {
        return Some(format!(
            "approve it with `rqsearch models allow {url}`; your phrases are then sent to it"
        ));
    }
    if let Some(NeedsCopy { address, .. }) = error.downcast_ref() {
        let address = address.display();
        return Some(format!("`rqsearch copy {address} DIR` copies it to a directory, for which it is"));
    }
    #[cfg(feature = "milvus")]
    if let Some(away) = error.downcast_ref::<crate::index::ClusterAway>() {
        return Some(hint_of_cluster(away).to_owned());
    }
    error.downcast_ref::<Unavailable>().and_then(|error| error.hint.clone())
}

fn hint_of_opening(error: &OpenError) -> Option<String> {
    Some(match error {
        OpenError::Missing { dir } => {
            format!("create one with `rqsearch index --index {} PATH…`", dir.display())
        }
        OpenError::Foreign { .. } => {
            "pass a directory that `rqsearch index` created, with --index".to_owned()
        }
        OpenError::Format { .. } | OpenError::Analysis { .. } => {
            "remove the directory and rebuild the index with `rqsearch index`".to_owned()
        }
        OpenError::Twice { .. } => "name each index once".to_owned(),
        OpenError::Models { second: (dir, _), .. } => {
            format!("`rqsearch index --index {} --model MODEL` changes the model of an index", dir.display())
        }
        OpenError::Broken { .. } => {
            "`rqsearch check` names the damaged files, and `rqsearch check --repair` reads the lost questions from \
             their sources again"
                .to_owned()
        }
        OpenError::Cluster { source, .. } => return hint(source),
    })
}

fn hint_of_writing(error: &WriteError) -> Option<String> {
    match error {
        WriteError::Busy(error) => hint_of_type(error),
        WriteError::Open(error) => hint_of_opening(error),
        WriteError::NotApproved(error) => hint_of_type(error),
        WriteError::Failed(error) => hint(error),
        WriteError::Fixed | WriteError::ModelChanged => None,
    }
}

/// The client does not tell a handshake that failed from a server that is away.
#[cfg(feature = "milvus")]
fn hint_of_cluster(away: &crate::index::ClusterAway) -> &'static str {
    match away.is_encrypted {
        true => {
            "check the address, that the server is running with TLS, and that the system trusts its certificate; \
             SSL_CERT_FILE names the certificate of another authority"
        }
        false => {
            "check the address, and that the server is running; if it uses TLS, begin the address with milvuss://"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::io;
    use std::path::PathBuf;

    use anyhow::{Context, anyhow};
    use tantivy::TantivyError;

    use super::*;
    use crate::embed::{Builtin, ModelInfo};
    use crate::hint::{hinted, with_hint};
    use crate::index::Refused;
    use crate::question::Source;

    fn dir() -> PathBuf {
        PathBuf::from("faq")
    }

    /// Checks the message of an error, its first cause and its hint.
    #[track_caller]
    fn check(
        error: impl Error + Send + Sync + 'static,
        message: &str,
        cause: Option<&str>,
        advice: Option<&str>,
    ) {
        assert_eq!(error.to_string(), message);
        assert_eq!(error.source().map(ToString::to_string).as_deref(), cause, "{message}");
        let error = anyhow!(error).context("could not answer");
        let advised = hint(&error);
        assert_eq!(advised.is_some(), advice.is_some(), "{message}: {advised:?}");
        if let Some(advice) = advice {
            assert!(advised.as_ref().unwrap().contains(advice), "{message}: {advised:?}");
        }
        let chain: String = error.chain().skip(1).map(|cause| format!(": {cause}")).collect();
        let line = advised.map_or_else(String::new, |advised| format!("\n  hint: {advised}"));
        assert_eq!(explained(&error), format!("could not answer{chain}{line}"));
    }

    #[test]
    fn errors_of_opening_have_a_message_a_cause_and_a_hint() {
        let broken = TantivyError::SystemError("gone".to_owned());
        let text = broken.to_string();
        let model = |name: &str| (dir(), Some(name.to_owned()));
        let cluster = || OpenError::Cluster { address: "milvus://a:1/b".into(), source: anyhow!("away") };
        check(OpenError::Missing { dir: dir() }, "no index in faq", None, Some("rqsearch index --index faq"));
        check(OpenError::Foreign { dir: dir() }, "faq is not an rqsearch index", None, Some("with --index"));
        check(
            OpenError::Format { dir: dir(), found: 1 },
            &format!(
                "index format 1 in faq is not readable by this version (reads {})",
                crate::index::FORMAT
            ),
            None,
            Some("rebuild the index"),
        );
        check(OpenError::Twice { dir: dir() }, "the index in faq is named twice", None, Some("once"));
        check(
            OpenError::Models { first: model("a"), second: (dir(), None) },
            "indexes with different models cannot be searched together: the index in faq has vectors of a, and the \
             index in faq has keywords only",
            None,
            Some("--model MODEL"),
        );
        check(
            OpenError::Broken { dir: dir(), source: broken },
            "the index in faq cannot be read",
            Some(&text),
            Some("rqsearch check"),
        );
        check(cluster(), "cannot open milvus://a:1/b", Some("away"), None);
    }

    #[test]
    fn errors_of_writing_are_those_that_they_contain() {
        let disk = || anyhow!(hinted("could not commit", "free some space")).context("could not write");
        let missing = || OpenError::Missing { dir: dir() };
        let fixed = "the built-in index, an index in memory, and several indexes cannot be changed";
        check(
            WriteError::Failed(disk()),
            "could not write",
            Some("could not commit"),
            Some("free some space"),
        );
        check(WriteError::Open(missing()), "no index in faq", None, Some("rqsearch index --index faq"));
        check(WriteError::Fixed, fixed, None, None);
        let busy = || Busy { dir: dir(), holder: None };
        let message = "another process is writing the index in faq";
        check(busy(), message, None, Some("wait until"));
        check(WriteError::Busy(busy()), message, None, Some("wait until"));
        let refused =
            Refused::FromFile { id: "a".to_owned(), source: Source { path: "faq.md".to_owned(), line: 3 } };
        check(refused, "the question \"a\" comes from faq.md:3; change that file instead", None, None);
        let copy = NeedsCopy { what: "this", address: "milvus://a:1/b".into() };
        let message = "this is not supported with an index in a cluster yet";
        check(copy, message, None, Some("rqsearch copy milvus://a:1/b DIR"));
    }

    #[test]
    fn errors_of_models_have_a_message_and_a_hint() {
        let model =
            ModelInfo { name: "m".to_owned(), fingerprint: "1".to_owned(), ..Builtin::info().clone() };
        let message = "the index was built with m (1), and a semantic search needs that model";
        check(WrongModel { made_with: model, given: None }, message, None, Some("rebuild the index"));
        let not_approved = NotApproved::new("http://a/v1".to_owned(), "m");
        let message = "the index uses the model m at http://a/v1, an endpoint that you have not approved";
        check(not_approved.clone(), message, None, Some("rqsearch models allow http://a/v1"));
        check(
            WriteError::NotApproved(not_approved),
            message,
            None,
            Some("rqsearch models allow http://a/v1"),
        );
        let cause = anyhow!(hinted("no answer", "start it"));
        check(Unavailable::new(cause), "no answer", None, Some("start it"));
    }

    #[test]
    fn the_hint_of_the_outermost_context_is_shown_after_all_causes() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let shown = |error: anyhow::Error| explained(&error).replace(&full().to_string(), "FULL");
        let context: anyhow::Result<()> = Err(full()).context(hinted("could not save", "free some space"));
        assert_eq!(shown(context.unwrap_err()), "could not save: FULL\n  hint: free some space");
        let inner = with_hint(anyhow!(full()).context("could not save"), "free some space");
        assert_eq!(shown(inner.into()), "could not save: FULL\n  hint: free some space");
        let both = anyhow!(hinted("no b", "name b")).context(hinted("no a", "name a")).context("failed");
        assert_eq!(shown(both), "failed: no a: no b\n  hint: name a");
        assert_eq!(shown(anyhow!("no a")), "no a");
    }
}
