//! Identifies the questions of files.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::question::{Question, Source};

/// The id of a question: twelve hexadecimal digits of a hash of its file and its key, or else its title as
/// written.
///
/// If a file has several questions with one name, the second and later ones are also named by their answer,
/// so they keep their ids when others are added or removed. Only equal answers are numbered.
pub fn id_of(source: &Source, question: &Question, same_name: &mut HashMap<u64, u32>) -> String {
    let mut earlier = |name: &str| {
        let count = same_name.entry(xxh3_64(name.as_bytes())).or_default();
        *count += 1;
        *count - 1
    };
    let mut name = question.key.as_ref().unwrap_or(&question.title).clone();
    if earlier(&name) > 0 {
        name = format!("{name}\0{}", question.answer);
        name = format!("{name}\0{}", earlier(&name));
    }
    format!("{:012x}", xxh3_64(format!("{}\0{name}", source.path).as_bytes()) >> 16)
}

/// The hash of the record of a question.
pub fn question_hash(question: &Question) -> u64 {
    xxh3_64(serde_json::to_string(question).expect("a question is plain data").as_bytes())
}
