//! How much the occurrences of a word in a question count: BM25 over several fields.

use tantivy::fieldnorm::FieldNormReader;

/// BM25's k1 (how much repeated occurrences of a word count) and b (how much a long field lowers the score).
/// Robertson and Zaragoza ("The Probabilistic Relevance Framework", 2009) found these values to work well
/// everywhere.
pub(crate) const K1: f32 = 1.2;
const B: f32 = 0.75;

/// The number of searched fields: title, alternative titles and answer.
pub(crate) const FIELDS: usize = 3;

/// The weights of the fields. BM25F adds the fields before saturation, so a word in both title and answer does not count
/// as two words.
const WEIGHTS: [f32; FIELDS] = [2.0, 1.0, 1.0];

/// How much an occurrence counts, by field and length of the field. Tantivy stores a length in one byte, so there are 256
/// different ones.
pub(crate) struct FieldWeights([[f32; 256]; FIELDS]);

impl FieldWeights {
    /// `mean_lengths` are those of the fields.
    pub fn new(mean_lengths: [f32; FIELDS]) -> Self {
        Self(std::array::from_fn(|field| {
            std::array::from_fn(|id| {
                let length = FieldNormReader::id_to_fieldnorm(id as u8) as f32;
                WEIGHTS[field] / (1.0 - B + B * length / mean_lengths[field])
            })
        }))
    }

    /// How much an occurrence in a field counts. `length` is that of the field, as tantivy stores it.
    pub fn of(&self, field: usize, length: u8) -> f32 {
        self.0[field][usize::from(length)]
    }
}

/// BM25's saturation: the first occurrence of a word counts most.
pub(crate) fn saturated(frequency: f32) -> f32 {
    frequency * (K1 + 1.0) / (frequency + K1)
}
