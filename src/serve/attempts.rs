//! Limits how fast a client can guess tokens.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;

use super::tokens::Digest;

/// How many wrong tokens in a row an address may send at once.
const AT_ONCE: u32 = 10;

/// How long it takes until an address may send one more.
pub const ONE_MORE_AFTER: Duration = Duration::from_secs(6);

/// How many addresses, and how many accepted tokens, are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// The wrong tokens of each address.
///
/// An address that has sent too many is refused before its next token is checked, so that it learns nothing.
/// Tokens that were accepted from the same address before are still accepted: clients behind one proxy share
/// an address.
pub struct Attempts {
    state: Mutex<State>,
}

struct State {
    /// For each address: how many wrong tokens it may still send, and since when.
    left: LruCache<IpAddr, (u32, Instant)>,
    accepted: LruCache<(IpAddr, Digest), ()>,
}

impl Attempts {
    pub fn new() -> Self {
        let state = State { left: LruCache::new(REMEMBERED), accepted: LruCache::new(REMEMBERED) };
        Self { state: Mutex::new(state) }
    }

    /// Whether a token from this address may be checked.
    pub fn may_check(&self, address: IpAddr, token: &Digest, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        state.accepted.get(&(address, *token)).is_some() || state.left(address, now) > 0
    }

    /// Records a token that was checked.
    pub fn checked(&self, address: IpAddr, token: &Digest, accepted: bool, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        if accepted {
            state.accepted.put((address, *token), ());
            return;
        }
        // A token that was accepted once may have been removed since.
        state.accepted.pop(&(address, *token));
        let left = state.left(address, now).saturating_sub(1);
        state.left.put(address, (left, now));
    }
}

impl State {
    fn left(&mut self, address: IpAddr, now: Instant) -> u32 {
        let Some((left, since)) = self.left.get(&address) else { return AT_ONCE };
        let more = now.saturating_duration_since(*since).as_secs() / ONE_MORE_AFTER.as_secs();
        left.saturating_add(u32::try_from(more).unwrap_or(AT_ONCE)).min(AT_ONCE)
    }
}

/// The network of an address that one client can control: for IPv6, the first 64 bits.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Digest = [1; 32];
    const WRONG: Digest = [2; 32];

    #[test]
    fn an_address_is_refused_after_too_many_wrong_tokens() {
        let (attempts, now) = (Attempts::new(), Instant::now());
        let [one, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
        attempts.checked(one, &GOOD, true, now);
        for _ in 0..AT_ONCE {
            assert!(attempts.may_check(one, &WRONG, now));
            attempts.checked(one, &WRONG, false, now);
        }
        assert!(!attempts.may_check(one, &WRONG, now));
        assert!(attempts.may_check(one, &GOOD, now), "a known token is not refused");
        assert!(attempts.may_check(other, &WRONG, now), "another address is not refused");
        let later = now + ONE_MORE_AFTER;
        assert!(attempts.may_check(one, &WRONG, later));
        attempts.checked(one, &WRONG, false, later);
        assert!(!attempts.may_check(one, &WRONG, later));
        attempts.checked(one, &GOOD, false, later);
        assert!(!attempts.may_check(one, &GOOD, later), "the token was removed");
    }

    #[test]
    fn an_ipv6_client_has_one_network() {
        let network = |ip: &str| network(ip.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
