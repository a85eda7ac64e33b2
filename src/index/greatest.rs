//! The greatest of many items.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

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
