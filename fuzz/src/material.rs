//! What inputs are made of: the dictionary and the corpus of a target.

use std::fs;
use std::path::{Path, PathBuf};

/// A generator of pseudorandom numbers: xorshift. The seed must not be 0.
pub struct Random(pub u64);

impl Random {
    /// A number less than `end`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % end.max(1)
    }

    /// # Panics
    /// There are no items.
    pub fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// The dictionary and the corpus of a target.
pub struct Material {
    /// The tokens of the dictionary. If there is none, every byte.
    pub tokens: Vec<Vec<u8>>,
    /// The files of the corpus, ordered by name.
    pub corpus: Vec<Vec<u8>>,
}

impl Material {
    /// Reads the files of a target below `root`, the directory of the fuzz crate.
    ///
    /// # Panics
    /// The target has no corpus, or its dictionary is invalid.
    pub fn load(root: &Path, name: &str) -> Self {
        let dictionary = fs::read_to_string(root.join("dictionaries").join(format!("{name}.dict")));
        let mut tokens: Vec<Vec<u8>> = dictionary.unwrap_or_default().lines().map(token).collect();
        if tokens.is_empty() {
            tokens = (0..=u8::MAX).map(|byte| vec![byte]).collect();
        }
        let files = fs::read_dir(root.join("corpus").join(name)).expect("each target has a corpus");
        let mut paths: Vec<PathBuf> = files.map(|file| file.expect("it is readable").path()).collect();
        paths.sort();
        let corpus = paths.iter().map(|path| fs::read(path).expect("the corpus is readable")).collect();
        Self { tokens, corpus }
    }
}

/// A token of a line of a dictionary: `"a\x0A"`.
fn token(line: &str) -> Vec<u8> {
    let quoted = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).expect("a token is quoted");
    let mut parts = quoted.split("\\x");
    let mut token = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        token.push(u8::from_str_radix(code, 16).expect("two hexadecimal digits follow \\x"));
        token.extend(rest.as_bytes());
    }
    token
}
