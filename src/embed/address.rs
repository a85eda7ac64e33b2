//! Addresses of endpoints.
//!
//! Addresses are parsed by the parser of the HTTP client that sends the requests. The address that is checked
//! is therefore the address that is contacted.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use anyhow::{bail, ensure};
use ureq::http::Uri;

use crate::hint::hinted;

/// A hint with an example of a valid address.
const EXAMPLE: &str = "an address looks like http://localhost:11434/v1";

/// The normalized address of an endpoint, such as `https://api.example.org/v1`.
///
/// Two spellings of one address are equal. The host is lower case. The default port of the scheme, a trailing
/// slash, and `/embeddings`, which every request appends, are removed.
///
/// An address contains no user, password or query, because it is stored and shown. It contains only
/// characters that have no special meaning in a shell, because hints repeat it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    scheme: &'static str,
    /// In lower case; an IPv6 address is in brackets.
    host: String,
    port: u16,
    /// Empty, or a `/` followed by at least one segment.
    path: String,
}

impl Address {
    /// The URL for embedding requests.
    pub fn embeddings(&self) -> String {
        format!("{self}/embeddings")
    }

    /// Whether the address is on this machine: `localhost`, or an IP address of the loopback interface.
    pub fn is_loopback(&self) -> bool {
        let ip = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost" || ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    /// Whether requests are encrypted (`https`).
    pub fn is_encrypted(&self) -> bool {
        self.scheme == "https"
    }

    /// Whether `other` is this address or below it: it has the same scheme, host and port, and its path is
    /// this path or starts with it.
    pub fn covers(&self, other: &Self) -> bool {
        let same_origin = (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port);
        let rest = other.path.strip_prefix(&self.path);
        same_origin && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The length of the path. If two addresses cover a third, the one with the longer path applies.
    pub fn depth(&self) -> usize {
        self.path.len()
    }
}

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        // This message does not repeat the address, because it may contain a secret.
        let secret = hinted(
            "an endpoint address must not contain a user, password or query: it is stored and shown",
            "put a key into the environment variable RQSEARCH_API_KEY",
        );
        ensure!(!text.contains(['@', '?', '\\']), secret);
        let invalid =
            || anyhow::Error::from(hinted(format!("{text:?} is not a valid endpoint address"), EXAMPLE));
        // The parser silently drops a fragment.
        ensure!(!text.contains('#'), invalid());
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let (scheme, default_port) = match uri.scheme_str() {
            Some("http") => ("http", 80),
            Some("https") => ("https", 443),
            _ => return Err(invalid()),
        };
        let authority = uri.authority().ok_or_else(invalid)?;
        let host = authority.host().to_ascii_lowercase();
        let is_plain =
            |text: &str, more: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
        let is_ip6 = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_host = match is_ip6 {
            Some(ip) => is_plain(ip, ":."),
            None => !host.is_empty() && is_plain(&host, "-._"),
        };
        let port = match authority.as_str()[host.len()..].strip_prefix(':') {
            None if authority.as_str().len() == host.len() => default_port,
            Some("") => default_port,
            Some(port) => port.parse().map_err(|_| invalid())?,
            None => return Err(invalid()),
        };
        let path = uri.path().trim_end_matches('/');
        let path = path.strip_suffix("/embeddings").unwrap_or(path).trim_end_matches('/');
        if !is_host || !is_plain(path, "-._~/:+=,%") {
            return Err(invalid());
        }
        // A server may resolve such segments, and the path would no longer be the one that was approved.
        let is_relative = |segment: &str| {
            let segment = segment.to_ascii_lowercase().replace("%2e", ".");
            matches!(segment.as_str(), "." | "..") || segment.contains("%2f") || segment.contains("%5c")
        };
        if path.split('/').any(is_relative) {
            bail!("{text:?} is not a valid endpoint address: its path contains `.` or `..`\n  {EXAMPLE}");
        }
        Ok(Self { scheme, host, port, path: path.to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        if !matches!((self.scheme, self.port), ("http", 80) | ("https", 443)) {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hinted;

    fn address(text: &str) -> Address {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn addresses_are_normalized() {
        for (text, expected) in [
            ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
            ("http://localhost:11434/v1/embeddings", "http://localhost:11434/v1"),
            ("HTTPS://API.Example.ORG:443/V1", "https://api.example.org/V1"),
            ("http://example.org", "http://example.org"),
            ("http://example.org:/", "http://example.org"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("https://example.org:80/a/b", "https://example.org:80/a/b"),
        ] {
            assert_eq!(address(text).to_string(), expected);
            assert_eq!(address(expected), address(text));
        }
    }

    #[test]
    fn ambiguous_hosts_and_relative_paths_are_refused() {
        for text in [
            "http://localhost:x@evil.example:18999/v1",
            "http://localhost@evil.example/v1",
            "http://localhost\\@evil.example/v1",
            "http://evil.example\\.localhost/v1",
            "http://localhost:99999/v1",
            "http://localhost:-1/v1",
            "http://localhost:80:90/v1",
            "http://local host/v1",
            "http://localhost/v1?key=x",
            "http://localhost/v1#name",
            "http:///v1",
            "http://",
            "localhost:11434/v1",
            "ftp://localhost/v1",
            "http://localhost/v1/../admin",
            "http://localhost/v1/%2E%2e/admin",
            "http://localhost/v1/..%2fadmin",
            "http://localhost/v1/$(id)",
            "http://localhost/v1;id",
            "http://local$(id)/v1",
            "http://localhost/v1\u{1b}[2J",
            "http://exämple.org/v1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?} became {}", address(text));
        }
    }

    #[test]
    fn errors_do_not_repeat_secrets() {
        for text in ["https://me:secret@host/v1", "https://host/v1?key=secret"] {
            let error = text.parse::<Address>().unwrap_err();
            let shown = format!("{error:#}\n{}", Hinted::of(&error).unwrap());
            assert!(shown.contains("RQSEARCH_API_KEY") && !shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn only_addresses_on_this_machine_are_loopback() {
        for text in [
            "http://localhost:1/v1",
            "http://LOCALHOST",
            "http://127.0.0.1/v1",
            "http://127.9.9.9",
            "http://[::1]:8080/v1",
        ] {
            assert!(address(text).is_loopback(), "{text}");
        }
        for text in [
            "https://api.example.org/v1",
            "http://localhost.example.org",
            "http://10.0.0.1:1/v1",
            "http://0.0.0.0/v1",
            "http://127.0.0.1.example.org/v1",
            "http://[::ffff:10.0.0.1]/v1",
        ] {
            assert!(!address(text).is_loopback(), "{text}");
        }
    }

    #[test]
    fn an_address_covers_addresses_below_it() {
        let covers = |one: &str, other: &str| address(one).covers(&address(other));
        assert!(covers("https://a.org", "https://a.org/v1"));
        assert!(covers("https://a.org/v1", "https://a.org/v1/embeddings"));
        assert!(covers("https://a.org/v1", "https://a.org/v1/x"));
        for (one, other) in [
            ("https://a.org/v1", "https://a.org"),
            ("https://a.org/v1", "https://a.org/v10"),
            ("https://a.org/v1", "http://a.org/v1"),
            ("https://a.org/v1", "https://a.org:8443/v1"),
            ("https://a.org", "https://a.org.evil.example/v1"),
            ("https://a.org", "https://b.a.org/v1"),
        ] {
            assert!(!covers(one, other), "{one} {other}");
        }
    }
}
