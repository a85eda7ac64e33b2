//! The page: files that are compiled in, and nothing else.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

/// What a page of ours may do: run its own scripts, wear its own style, ask its own server. Text becomes
/// markup nowhere (`require-trusted-types-for`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// A file of the page.
pub struct File {
    /// Where it is asked for.
    pub path: &'static str,
    kind: &'static str,
    body: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const ICON: &str = "image/svg+xml";
const STYLE: &str = "text/css; charset=utf-8";

/// All of them.
pub static FILES: &[File] = &[
    File { path: "/", kind: HTML, body: include_str!("index.html") },
    File { path: "/app.js", kind: SCRIPT, body: include_str!("app.js") },
    File { path: "/dom.js", kind: SCRIPT, body: include_str!("dom.js") },
    File { path: "/markdown.js", kind: SCRIPT, body: include_str!("markdown.js") },
    File { path: "/results.js", kind: SCRIPT, body: include_str!("results.js") },
    File { path: "/style.css", kind: STYLE, body: include_str!("style.css") },
    File { path: "/docs", kind: HTML, body: include_str!("docs.html") },
    File { path: "/docs.js", kind: SCRIPT, body: include_str!("docs.js") },
    File { path: "/icon.svg", kind: ICON, body: include_str!("icon.svg") },
];

impl File {
    /// The file, or only that it is as it was.
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let tag = format!("\"{:016x}\"", xxh3_64(self.body.as_bytes()));
        let same = request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
        let headers = [
            (header::CONTENT_TYPE, self.kind.to_owned()),
            (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
            // Browsers look at the icon with every change of the address bar.
            (header::CACHE_CONTROL, if self.kind == ICON { "max-age=86400" } else { "no-cache" }.to_owned()),
            (header::ETAG, tag),
        ];
        match same {
            true => (StatusCode::NOT_MODIFIED, headers).into_response(),
            false => (headers, self.body).into_response(),
        }
    }
}

/// The policy of a page whose script and style stand in it: these very ones may be used.
pub fn inline_policy(page: &str) -> String {
    let hash = |tag: &str| {
        let inside =
            page.split_once(&format!("<{tag}>")).and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")));
        let (text, _) = inside.expect("the page has one of each");
        format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("script"),
        hash("style")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_load_nothing_from_elsewhere_and_nothing_inline() {
        for file in FILES {
            let foreign = file.body.replace("http://www.w3.org/2000/svg", "");
            assert!(!foreign.contains("//www.") && !foreign.contains("src=\"http"), "{}", file.path);
            if file.kind == HTML {
                assert!(!file.body.contains("<style") && !file.body.contains("style=\""), "{}", file.path);
                assert_eq!(
                    file.body.matches("<script").count(),
                    file.body.matches("<script src=\"/").count()
                        + file.body.matches("<script type=\"module\" src=\"/").count()
                );
            }
            assert!(!file.body.contains("innerHTML"), "{}", file.path);
        }
    }

    #[test]
    fn a_page_is_not_sent_twice() {
        let first = FILES[0].answer(&HeaderMap::new());
        let tag = first.headers()[header::ETAG].clone();
        let again = FILES[0].answer(&HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)]));
        assert_eq!((first.status(), again.status()), (StatusCode::OK, StatusCode::NOT_MODIFIED));
    }

    #[test]
    fn a_policy_names_the_very_script() {
        let policy = inline_policy("<style>a</style><script type=x>{}</script><script>b</script>");
        // printf b | openssl dgst -sha256 -binary | base64
        assert!(
            policy.contains("script-src 'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='"),
            "{policy}"
        );
    }
}
