//! What the kinds of `rqsearch dups` share.

use crate::cli::outcome::Outcome;
use crate::cli::streams::say;
use crate::index::Index;

/// Says that paraphrases are not found, if the index has no vectors.
pub fn say_keywords_only(index: &Index) {
    if index.meta().model.is_none() {
        say(
            "rqsearch: the index has keywords only; paraphrases are not found\n  hint: `rqsearch index --model builtin` adds embeddings",
        );
    }
}

/// How the command ends, by whether there are duplicates.
pub fn outcome(is_empty: bool) -> Outcome {
    if is_empty { Outcome::Success } else { Outcome::Nothing }
}
