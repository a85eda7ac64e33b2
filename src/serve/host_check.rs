//! Checks that the `Host` header of a request names this server.
//!
//! This prevents DNS rebinding. The owner of a foreign web page can let its host name resolve to this
//! machine. The browser then takes this server for the server of that page, and lets the page read replies.
//! The `Host` header of such a request has the name of the foreign page.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::hint::hinted;

/// The hosts that a request may name.
pub struct AllowedHosts {
    listen: IpAddr,
    names: Vec<String>,
}

impl AllowedHosts {
    /// Allows `localhost`, loopback addresses, the address that the server listens on, and `names`. The port
    /// is ignored, because it may be forwarded.
    ///
    /// # Errors
    /// A name is not a host.
    pub fn new(listen: IpAddr, names: &[String]) -> anyhow::Result<Self> {
        Ok(Self { listen, names: names.iter().map(|name| host_name(name)).collect::<anyhow::Result<_>>()? })
    }

    fn allows(&self, authority: &Authority) -> bool {
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match address {
            // An address cannot be rebound. If the server listens on all addresses, any address is allowed.
            Ok(ip) if ip.is_loopback() || ip == self.listen || self.listen.is_unspecified() => true,
            _ => {
                let host = host.trim_end_matches('.').to_lowercase();
                host == "localhost" || host.ends_with(".localhost") || self.names.contains(&host)
            }
        }
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        let host = host(request.headers())?;
        match [Some(&host), request.uri().authority()].into_iter().flatten().find(|host| !self.allows(host)) {
            None => Ok(()),
            Some(other) => Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                format!(
                    "{:?} is not a name of this server; to accept it, start the server with --allow-host",
                    other.host()
                ),
            )),
        }
    }
}

/// The host in a name that the user gives: in lower case, without the port and a trailing dot.
fn host_name(name: &str) -> anyhow::Result<String> {
    let invalid = || {
        hinted(
            format!("{name:?} is not a host name"),
            "give only the name, as in --allow-host faq.example.org",
        )
    };
    let authority: Authority = name.parse().map_err(|_| invalid())?;
    let host = authority.host();
    let is_name =
        |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let is_address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    let has_user = authority.as_str().contains('@');
    anyhow::ensure!(!host.is_empty() && !has_user && (is_name(host) || is_address), invalid());
    Ok(host.trim_end_matches('.').to_lowercase())
}

/// The value of the `Host` header.
///
/// # Errors
/// There is none, more than one, or its value is not a host.
pub fn host(headers: &HeaderMap) -> Result<Authority, Problem> {
    let bad = || Problem::new(StatusCode::BAD_REQUEST, "a request must have exactly one Host header");
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(bad()) };
    host.to_str().ok().and_then(|host| host.parse().ok()).ok_or_else(bad)
}

/// Refuses requests for other hosts.
pub async fn check_host(State(hosts): State<Arc<AllowedHosts>>, request: Request, next: Next) -> Response {
    match hosts.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(listen: &str, host: &str) -> bool {
        let hosts =
            AllowedHosts::new(listen.parse().unwrap(), &["Search.example.org:8443".to_owned()]).unwrap();
        hosts.allows(&host.parse().unwrap())
    }

    #[test]
    fn loopback_and_allowed_names_pass() {
        for host in [
            "localhost",
            "LOCALHOST:7700",
            "localhost.",
            "me.localhost",
            "127.0.0.1:1",
            "127.1.2.3",
            "[::1]:7700",
            "search.example.org",
            "SEARCH.example.org:80",
        ] {
            assert!(check("127.0.0.1", host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "evillocalhost",
            "192.168.0.7",
            "127.0.0.1.evil.example",
            "example.org",
            "search.example.org.evil.example",
        ] {
            assert!(!check("127.0.0.1", host), "{host}");
        }
    }

    #[test]
    fn a_name_that_no_request_can_have_is_refused() {
        for name in [
            "",
            "https://faq.example.org",
            "a b",
            "me@faq.example.org",
            "faq.example.org/path",
            "*.example.org",
        ] {
            assert!(host_name(name).is_err(), "{name:?}");
        }
        for (name, host) in [("FAQ.example.org.", "faq.example.org"), ("[2001:db8::1]:80", "[2001:db8::1]")] {
            assert_eq!(host_name(name).unwrap(), host);
        }
    }

    #[test]
    fn the_listen_address_passes() {
        assert!(check("192.168.0.7", "192.168.0.7:7700") && !check("192.168.0.7", "192.168.0.8"));
        assert!(check("0.0.0.0", "192.168.0.7") && !check("0.0.0.0", "evil.example"));
    }
}
