//! Whom a request is addressed to.
//!
//! A page of somebody else's can have its own name resolve to this machine (DNS rebinding); the browser then
//! takes us for that page's server and lets it read answers. The `Host` header gives such a request away.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

/// The names that we answer to.
pub struct AllowedHosts {
    listen: IpAddr,
    names: Vec<String>,
}

impl AllowedHosts {
    /// Those of this machine, of the address that is listened on, and some more. The port does not matter:
    /// it may be forwarded.
    pub fn new(listen: IpAddr, names: &[String]) -> Self {
        Self { listen, names: names.iter().map(|name| name.to_lowercase()).collect() }
    }

    fn allows(&self, authority: &Authority) -> bool {
        let host = authority.host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match address {
            // No name, so nothing that could be rebound: any of this machine's, where all are listened on.
            Ok(ip) if ip.is_loopback() || ip == self.listen || self.listen.is_unspecified() => true,
            _ => {
                let host = host.trim_end_matches('.').to_lowercase();
                host == "localhost" || host.ends_with(".localhost") || self.names.contains(&host)
            }
        }
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        let named = named(request.headers())?;
        match [Some(&named), request.uri().authority()].into_iter().flatten().find(|name| !self.allows(name))
        {
            None => Ok(()),
            Some(other) => Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                format!(
                    "this server is not {:?}; start it with --allow-host to answer to that name",
                    other.host()
                ),
            )),
        }
    }
}

/// The one `Host` of a request.
fn named(headers: &HeaderMap) -> Result<Authority, Problem> {
    let bad = || Problem::new(StatusCode::BAD_REQUEST, "a request needs one Host header");
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(bad()) };
    host.to_str().ok().and_then(|host| host.parse().ok()).ok_or_else(bad)
}

/// Turns away what is meant for another server.
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
        let hosts = AllowedHosts::new(listen.parse().unwrap(), &["Search.example.org".to_owned()]);
        hosts.allows(&host.parse().unwrap())
    }

    #[test]
    fn this_machine_and_what_was_allowed() {
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
    fn the_address_that_is_listened_on() {
        assert!(check("192.168.0.7", "192.168.0.7:7700") && !check("192.168.0.7", "192.168.0.8"));
        assert!(check("0.0.0.0", "192.168.0.7") && !check("0.0.0.0", "evil.example"));
    }
}
