//! The files of the web page. They are compiled into the program; no files are served from the disk.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

/// The content security policy of the pages. They may load scripts, styles and images from this server, and
/// send requests to it. They cannot create markup from strings (`require-trusted-types-for`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// A file of the page.
pub struct File {
    /// The path of its URL.
    pub path: &'static str,
    kind: &'static str,
    body: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const ICON: &str = "image/svg+xml";
const STYLE: &str = "text/css; charset=utf-8";

/// All files of the web page.
pub static FILES: &[File] = &[
    File { path: "/", kind: HTML, body: include_str!("index.html") },
    File { path: "/app.js", kind: SCRIPT, body: include_str!("app.js") },
    File { path: "/facets.js", kind: SCRIPT, body: include_str!("facets.js") },
    File { path: "/dom.js", kind: SCRIPT, body: include_str!("dom.js") },
    File { path: "/markdown.js", kind: SCRIPT, body: include_str!("markdown.js") },
    File { path: "/results.js", kind: SCRIPT, body: include_str!("results.js") },
    File { path: "/style.css", kind: STYLE, body: include_str!("style.css") },
    File { path: "/docs", kind: HTML, body: include_str!("docs.html") },
    File { path: "/docs.js", kind: SCRIPT, body: include_str!("docs.js") },
    File { path: "/icon.svg", kind: ICON, body: include_str!("icon.svg") },
];

impl File {
    /// The reply with the file, or status 304 if the client has it already.
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let tag = format!("\"{:016x}\"", xxh3_64(self.body.as_bytes()));
        let same = has_tag(request, &tag);
        let headers = [
            (header::CONTENT_TYPE, self.kind.to_owned()),
            (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
            // Browsers request the icon whenever the address bar changes, so it may be cached.
            (header::CACHE_CONTROL, if self.kind == ICON { "max-age=86400" } else { "no-cache" }.to_owned()),
            (header::ETAG, tag),
        ];
        match same {
            true => (StatusCode::NOT_MODIFIED, headers).into_response(),
            false => (headers, self.body).into_response(),
        }
    }
}

/// Whether the client of a request has the content with a tag already.
pub fn has_tag(request: &HeaderMap, tag: &str) -> bool {
    let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    known.flat_map(|known| known.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    })
}

/// The content security policy of a page with at most one inline script and one inline style. It allows their hashes.
pub fn inline_policy(page: &str) -> String {
    let hash = |tag: &str| {
        let inside =
            page.split_once(&format!("<{tag}>")).and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")));
        let hashed = |(text, _)| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
        inside.map_or("'none'".to_owned(), hashed)
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
    fn pages_have_no_foreign_and_no_inline_resources() {
        for file in FILES {
            let body = file.body.replace("http://www.w3.org/2000/svg", "");
            assert!(!body.contains("//www.") && !body.contains("src=\"http"), "{}", file.path);
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
    fn an_unchanged_file_is_not_sent_again() {
        let first = FILES[0].answer(&HeaderMap::new());
        let tag = first.headers()[header::ETAG].clone();
        let again = FILES[0].answer(&HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)]));
        assert_eq!((first.status(), again.status()), (StatusCode::OK, StatusCode::NOT_MODIFIED));
    }

    #[test]
    fn an_inline_policy_has_the_hash_of_the_script() {
        let policy = inline_policy("<style>a</style><script type=x>{}</script><script>b</script>");
        // printf b | openssl dgst -sha256 -binary | base64
        assert!(
            policy.contains("script-src 'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='"),
            "{policy}"
        );
        assert!(inline_policy("<style>a</style>").contains("script-src 'none'; style-src 'sha256-"));
    }
}
