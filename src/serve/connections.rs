//! The open connections, and their limits in total and per address.
//!
//! If a limit is reached, a new connection takes the place of the one that has been idle longest. A connection is
//! idle until all of a request has arrived. Silent or slow clients therefore cannot keep others out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::task::AbortHandle;

use super::attempts::network;

/// The open connections.
pub struct Connections {
    most: usize,
    most_per_address: usize,
    start: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number of the next connection.
    next: u64,
    open: HashMap<u64, Entry>,
    per_address: HashMap<IpAddr, usize>,
}

struct Entry {
    address: IpAddr,
    activity: Arc<Activity>,
    /// `None` until the task of the connection was started.
    task: Option<AbortHandle>,
}

/// What a connection does.
#[derive(Default)]
pub struct Activity {
    /// How many requests have arrived completely and are being answered.
    requests: AtomicUsize,
    /// When the connection was opened or answered a request last, in milliseconds since the start.
    last: AtomicU64,
}

/// An open connection. Dropping it removes the connection.
pub struct Place {
    connections: Arc<Connections>,
    number: u64,
    pub activity: Arc<Activity>,
}

/// A request, from its head to its reply.
pub struct Exchange {
    connections: Arc<Connections>,
    activity: Arc<Activity>,
    has_arrived: AtomicBool,
}

/// How a new connection was admitted.
pub enum Admitted {
    /// There was room.
    Free(Place),
    /// An idle connection was closed.
    Instead(Place),
    /// All connections are answering requests.
    Refused,
}

impl Connections {
    pub fn new(most: usize, most_per_address: usize) -> Arc<Self> {
        Arc::new(Self { most, most_per_address, start: Instant::now(), state: Mutex::default() })
    }

    /// Admits a new connection from an address.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Admitted {
        let address = network(address);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = state.per_address.get(&address).copied().unwrap_or(0);
        let has_room = if of_address >= self.most_per_address {
            Some(state.close_idle(Some(address)))
        } else if state.open.len() >= self.most {
            Some(state.close_idle(None))
        } else {
            None
        };
        if has_room == Some(false) {
            return Admitted::Refused;
        }
        let activity = Arc::new(Activity::default());
        activity.last.store(self.now(), Ordering::Relaxed);
        let number = state.next;
        state.next += 1;
        *state.per_address.entry(address).or_default() += 1;
        state.open.insert(number, Entry { address, activity: Arc::clone(&activity), task: None });
        let place = Place { connections: Arc::clone(self), number, activity };
        if has_room.is_some() { Admitted::Instead(place) } else { Admitted::Free(place) }
    }

    /// Names the task that serves a connection, so that it can be closed.
    pub fn started(&self, number: u64, task: AbortHandle) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // The connection may have ended already.
        if let Some(entry) = state.open.get_mut(&number) {
            entry.task = Some(task);
        }
    }

    /// Closes the connection that has been idle longest, if any is idle.
    pub fn close_idle(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).close_idle(None)
    }

    /// How many connections are open.
    pub fn count(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).open.len()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl State {
    fn close_idle(&mut self, address: Option<IpAddr>) -> bool {
        let idle = self.open.iter().filter(|(_, entry)| {
            address.is_none_or(|address| address == entry.address)
                && entry.task.is_some()
                && entry.activity.requests.load(Ordering::Relaxed) == 0
        });
        // Of connections that were opened in the same millisecond, the first is closed.
        let oldest =
            idle.min_by_key(|(number, entry)| (entry.activity.last.load(Ordering::Relaxed), **number));
        let Some(number) = oldest.map(|(number, _)| *number) else { return false };
        if let Some(Entry { task: Some(task), .. }) = self.remove(number) {
            task.abort();
        }
        true
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.open.remove(&number)?;
        if let Some(count) = self.per_address.get_mut(&entry.address) {
            *count -= 1;
            if *count == 0 {
                self.per_address.remove(&entry.address);
            }
        }
        Some(entry)
    }
}

impl Place {
    pub fn number(&self) -> u64 {
        self.number
    }

    /// A request whose head has arrived, until the returned value is dropped.
    pub fn exchange(&self) -> Exchange {
        Exchange {
            connections: Arc::clone(&self.connections),
            activity: Arc::clone(&self.activity),
            has_arrived: AtomicBool::new(false),
        }
    }
}

impl Exchange {
    /// Says that all of the request has arrived. From now on its connection is not idle.
    pub fn arrived(&self) {
        if !self.has_arrived.swap(true, Ordering::Relaxed) {
            self.activity.requests.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.activity.last.store(self.connections.now(), Ordering::Relaxed);
        if *self.has_arrived.get_mut() {
            self.activity.requests.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.state.lock().unwrap_or_else(PoisonError::into_inner).remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: [u8; 4] = [192, 0, 2, 1];
    const TWO: [u8; 4] = [192, 0, 2, 2];

    /// Opens a connection whose task never ends by itself. Returns its number, or `None` if it is refused.
    fn open(connections: &Arc<Connections>, address: [u8; 4], is_busy: bool) -> Option<u64> {
        let (Admitted::Free(place) | Admitted::Instead(place)) = connections.admit(IpAddr::from(address))
        else {
            return None;
        };
        let number = place.number();
        let task = tokio::spawn(async move {
            let exchange = place.exchange();
            if is_busy {
                exchange.arrived();
                exchange.arrived();
            }
            std::future::pending::<()>().await;
            drop(place);
        });
        connections.started(number, task.abort_handle());
        Some(number)
    }

    fn open_numbers(connections: &Connections) -> Vec<u64> {
        let state = connections.state.lock().unwrap();
        let mut numbers: Vec<u64> = state.open.keys().copied().collect();
        numbers.sort();
        assert_eq!(state.per_address.values().sum::<usize>(), numbers.len());
        numbers
    }

    #[tokio::test]
    async fn a_new_connection_replaces_the_one_that_is_idle_longest() {
        let connections = Connections::new(3, 2);
        for address in [ONE, ONE, TWO] {
            open(&connections, address, false).unwrap();
        }
        assert_eq!(open_numbers(&connections), [0, 1, 2]);
        assert_eq!(open(&connections, TWO, false), Some(3));
        assert_eq!(
            open_numbers(&connections),
            [1, 2, 3],
            "the total is reached: the oldest of all is closed"
        );
        assert_eq!(open(&connections, TWO, false), Some(4));
        assert_eq!(open_numbers(&connections), [1, 3, 4], "the address has two: its oldest is closed");
        tokio::task::yield_now().await;
        assert_eq!(open_numbers(&connections), [1, 3, 4], "the end of a closed connection changes nothing");
    }

    #[tokio::test]
    async fn connections_that_answer_a_request_are_not_closed() {
        let connections = Connections::new(2, 2);
        for _ in 0..2 {
            open(&connections, ONE, true).unwrap();
        }
        tokio::task::yield_now().await;
        assert_eq!(open(&connections, TWO, false), None);
        assert_eq!(open_numbers(&connections), [0, 1]);
    }
}
