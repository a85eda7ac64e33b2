//! Parse, run, report; nothing else.

fn main() {}
