//! The greatest of many items.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A score that an item needs to be among the greatest, as far as it is known. Threads that search several ranges share
/// it.
#[derive(Default)]
pub struct Threshold(AtomicU32);

impl Threshold {
    /// The highest score that it was raised to. `None` if there was no positive one.
    pub fn get(&self) -> Option<f32> {
        let score = f32::from_bits(self.0.load(Relaxed));
        (score > 0.0).then_some(score)
    }

    /// Raises it to a score. Scores that are not positive have no effect.
    pub fn raise(&self, score: f32) {
        if score > 0.0 {
            // The bits of positive numbers are in the order of the numbers.
            self.0.fetch_max(score.to_bits(), Relaxed);
        }
    }
}

/// The greatest of the items that were pushed, at most `limit`, in a heap with the least of them on top.
#[derive(Clone)]
pub struct Greatest<T> {
    limit: usize,
    heap: BinaryHeap<Reverse<T>>,
}

impl<T: Ord> Greatest<T> {
    pub fn new(limit: usize) -> Self {
        Self { limit, heap: BinaryHeap::with_capacity(limit.min(1024) + 1) }
    }

    pub fn push(&mut self, item: T) {
        if self.heap.len() < self.limit {
            self.heap.push(Reverse(item));
        } else if let Some(mut least) = self.heap.peek_mut()
            && item > least.0
        {
            least.0 = item;
        }
    }

    /// The greatest items of both.
    pub fn joined(mut self, other: Self) -> Self {
        other.heap.into_iter().for_each(|item| self.push(item.0));
        self
    }

    /// What an item must exceed to be added; `None` as long as there are fewer than `limit`.
    pub fn least(&self) -> Option<&T> {
        self.heap.peek().filter(|_| self.heap.len() == self.limit).map(|least| &least.0)
    }

    /// The items, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.heap.iter().map(|item| &item.0)
    }

    /// The items, greatest first.
    pub fn into_sorted(self) -> Vec<T> {
        self.heap.into_sorted_vec().into_iter().map(|item| item.0).collect()
    }
}
