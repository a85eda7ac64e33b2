//! The built-in model: all-MiniLM-L6-v2 with 8-bit weights.

use std::cell::OnceCell;
use std::panic::resume_unwind;
use std::sync::{Arc, LazyLock};
use std::thread;

use anyhow::Context;
use rten::{Model, ModelOptions, RunOptions, ShapeInferenceMode, ThreadPool};
use rten_tensor::NdTensor;
use xxhash_rust::xxh3::Xxh3Default;

use super::{Embedder, ModelInfo, Role, WordPiece, normalized};

/// The graph, 33 kB. It refers to its weights by offset.
static GRAPH: &[u8] = include_bytes!("../../models/minilm.onnx");

/// A third of the weights: a package on crates.io has 10 MB at most.
const PART: usize = 7_686_144;

/// The weights. The runtime reads them where they are, which takes this alignment.
#[repr(align(64))]
struct Weights([u8; 3 * PART]);

static WEIGHTS: Weights = Weights(joined());

/// The parts, joined by the compiler.
const fn joined() -> [u8; 3 * PART] {
    let mut weights = [0; 3 * PART];
    let (first, rest) = weights.split_at_mut(PART);
    let (second, last) = rest.split_at_mut(PART);
    first.copy_from_slice(rqsearch_minilm_1::WEIGHTS);
    second.copy_from_slice(rqsearch_minilm_2::WEIGHTS);
    last.copy_from_slice(rqsearch_minilm_3::WEIGHTS);
    weights
}

/// The checksums of the model's files. Their hash is the fingerprint of the model.
static CHECKSUMS: &str = include_str!("../../models/SHA256SUMS");

/// The number of tokens that the model was trained to read, including the start and end markers.
const WINDOW: usize = 256;

static INFO: LazyLock<ModelInfo> = LazyLock::new(|| {
    let mut hasher = Xxh3Default::new();
    hasher.update(CHECKSUMS.as_bytes());
    ModelInfo::new("all-MiniLM-L6-v2", format!("{:016x}", hasher.digest()), 384, WINDOW)
});

/// How to load a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepare {
    /// For one phrase. The weights of the built-in model are used as they are in the executable.
    Once,
    /// For many texts. The weights of the built-in model are first rearranged for the processor: loading
    /// takes about seven times as long, and embedding a text half as long.
    Many,
}

/// The built-in model, loaded.
pub struct Builtin {
    model: Model,
    tokenizer: WordPiece,
}

impl Builtin {
    /// Loads the model from the executable. Reads no files.
    ///
    /// # Errors
    /// The weights in the executable are damaged.
    pub fn load(prepare: Prepare) -> anyhow::Result<Self> {
        let mut options = ModelOptions::with_all_ops();
        options
            .external_data_static("minilm.data", &WEIGHTS.0)
            .shape_inference(ShapeInferenceMode::Off)
            .prepack_weights(prepare == Prepare::Many);
        Ok(Self {
            model: options.load_static_slice(GRAPH).context("could not load the built-in model")?,
            tokenizer: WordPiece::default(),
        })
    }

    /// The metadata that an index with this model stores.
    pub fn info() -> &'static ModelInfo {
        &INFO
    }
}

impl Embedder for Builtin {
    fn model(&self) -> &ModelInfo {
        &INFO
    }

    fn embed(&self, text: &str, _: Role) -> anyhow::Result<Vec<f32>> {
        // A rayon worker that waits for the model's thread pool starts other work, perhaps another text,
        // until its stack overflows. A plain thread only waits.
        if rayon::current_thread_index().is_some() {
            let here = thread::scope(|scope| scope.spawn(|| self.embed_here(text)).join());
            return here.unwrap_or_else(|panic| resume_unwind(panic));
        }
        self.embed_here(text)
    }

    fn can_read(&self, text: &str) -> bool {
        self.tokenizer.can_read(text)
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }
}

impl Builtin {
    fn embed_here(&self, text: &str) -> anyhow::Result<Vec<f32>> {
        thread_local! {
            // One thread per text: two texts on two threads are faster than each on both. The vector of a
            // text also does not depend on how the work is divided.
            static ONE_THREAD: OnceCell<Arc<ThreadPool>> = const { OnceCell::new() };
        }
        let ids = self.tokenizer.encode(text, WINDOW);
        let ids = NdTensor::from_data([ids.len()], ids);
        let mut options = RunOptions::default();
        options.thread_pool = Some(
            ONE_THREAD
                .with(|pool| Arc::clone(pool.get_or_init(|| Arc::new(ThreadPool::with_num_threads(1))))),
        );
        let output = self.model.run_one(ids.into(), Some(options)).context("the built-in model failed")?;
        let mean: NdTensor<f32, 1> = output.try_into().context("the built-in model returned no vector")?;
        Ok(normalized(mean.into_data()))
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Recorded {
        text: String,
        vector: Vec<f32>,
    }

    fn recorded() -> Vec<Recorded> {
        include_str!("../../models/reference.jsonl")
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn vectors_are_close_to_those_of_full_precision() {
        let model = Builtin::load(Prepare::Many).unwrap();
        let recorded = recorded();
        assert!(recorded.len() >= 50);
        let cosines: Vec<f32> = recorded
            .iter()
            .map(|recorded| cosine(&model.embed(&recorded.text, Role::Passage).unwrap(), &recorded.vector))
            .collect();
        let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
        let worst = cosines.iter().copied().fold(1.0, f32::min);
        assert!(mean >= 0.99, "mean cosine {mean}");
        assert!(worst >= 0.95, "worst cosine {worst}");
    }

    #[test]
    fn a_text_always_has_the_same_vector() {
        let (once, many) = (Builtin::load(Prepare::Once).unwrap(), Builtin::load(Prepare::Many).unwrap());
        let first = once.embed("one text", Role::Passage).unwrap();
        many.embed("something else of another length altogether", Role::Passage).unwrap();
        assert_eq!(first, many.embed("one text", Role::Passage).unwrap());
        assert_eq!(
            first,
            std::thread::spawn(move || many.embed("one text", Role::Passage).unwrap()).join().unwrap()
        );
        assert!((cosine(&first, &first) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn many_texts_on_rayon_do_not_overflow_the_stack() {
        let model = Builtin::load(Prepare::Once).unwrap();
        let texts: Vec<String> = (0..600).map(|number| format!("text {number}")).collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).stack_size(256 << 10).build().unwrap();
        let vectors: Vec<Vec<f32>> =
            pool.install(|| texts.par_iter().map(|text| model.embed(text, Role::Passage).unwrap()).collect());
        assert_eq!(vectors[7], model.embed("text 7", Role::Passage).unwrap());
    }

    #[test]
    fn the_empty_text_has_a_vector() {
        let vector = Builtin::load(Prepare::Once).unwrap().embed("", Role::Passage).unwrap();
        assert_eq!(vector.len(), Builtin::info().dimensions);
    }
}
