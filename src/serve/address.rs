//! The address of the server, as the client of a request knows it.

use axum::http::HeaderMap;

use super::host_check::host;
use super::problem::Problem;

/// The header of a proxy that says how its client connected.
const FORWARDED_PROTOCOL: &str = "x-forwarded-proto";

/// The address of the server without a path, such as `http://127.0.0.1:7700`. The host check has accepted the host.
///
/// # Errors
/// The request has no valid `Host` header.
pub fn origin(headers: &HeaderMap) -> Result<String, Problem> {
    let is_secure = headers.get(FORWARDED_PROTOCOL).is_some_and(|protocol| protocol.as_bytes() == b"https");
    Ok(format!("{}://{}", if is_secure { "https" } else { "http" }, host(headers)?))
}

/// The address of a question: its own, or the search page with it open.
pub fn of_question(origin: &str, id: &str, title: &str, url: Option<&str>) -> String {
    let is_web = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
    match url.filter(is_web) {
        Some(url) => url.to_owned(),
        None => format!("{origin}/?q={}&open={}", encoded(title), encoded(id)),
    }
}

/// A text in a query string: all but letters, digits and a few marks of ASCII are percent-encoded.
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => encoded.push('+'),
            _ if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_says_whether_the_address_is_secure() {
        let of = |headers: &[(&'static str, &'static str)]| {
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            origin(&headers.collect()).ok()
        };
        assert_eq!(of(&[("host", "a.example:80")]).unwrap(), "http://a.example:80");
        assert_eq!(of(&[("host", "a"), ("x-forwarded-proto", "https")]).unwrap(), "https://a");
        assert_eq!(of(&[("host", "a"), ("x-forwarded-proto", "ftp")]).unwrap(), "http://a");
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_question_without_a_web_address_is_on_the_search_page() {
        assert_eq!(of_question("http://a", "1", "t", Some("https://b/c")), "https://b/c");
        let page = "http://a/?q=Is+%C3%A9+%26+b%3F&open=1%2F2";
        assert_eq!(of_question("http://a", "1/2", "Is é & b?", None), page);
        assert_eq!(of_question("http://a", "1/2", "Is é & b?", Some("javascript:x")), page);
    }
}
