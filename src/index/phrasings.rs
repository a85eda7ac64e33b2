//! The phrasings of an index (titles and alternative titles) as vectors: their centre, and the nearest ones.

use tantivy::DocAddress;

use super::centre::{Centre, SAMPLE};
use super::quantized::Quantized;
use super::reader::Index;
use crate::chunk::Passage;
use crate::question::Question;
use crate::title::title_key;

impl Index {
    /// The centre of the phrasings (titles and alternative titles), from a sample spread evenly over the
    /// index. It is computed on first use.
    pub fn centre(&self) -> &Centre {
        self.centre.get_or_init(|| {
            // Deleted questions must have no effect: the same questions have the same centre in any index.
            let phrasings = self.documents().flat_map(|DocAddress { segment_ord, doc_id }| {
                let at = segment_ord as usize;
                let vectors = &self.vectors()[at];
                let rows = vectors.rows_of(doc_id).filter(|row| vectors.passage(*row).asks());
                rows.map(move |row| (at, row))
            });
            let phrasings: Vec<(usize, usize)> = phrasings.collect();
            let sample = phrasings.iter().step_by(phrasings.len().div_ceil(SAMPLE).max(1));
            Centre::of(sample.map(|(segment, row)| self.vectors()[*segment].row(*row).values().collect()))
        })
    }

    /// The rows of the two nearest phrasings of two questions; `None` if either has no vectors.
    ///
    /// At least one of the two is a title. Two different questions about one error often both list its
    /// message as an alternative title.
    pub fn nearest_pair(&self, one: DocAddress, two: DocAddress) -> Option<(usize, usize)> {
        let [a, b] = [one, two].map(|address| &self.vectors()[address.segment_ord as usize]);
        let phrasings = |rows: std::ops::Range<usize>, vectors: &super::Vectors| -> Vec<usize> {
            rows.filter(|row| vectors.passage(*row).asks()).collect()
        };
        let (a_rows, b_rows) = (phrasings(a.rows_of(one.doc_id), a), phrasings(b.rows_of(two.doc_id), b));
        let pairs = a_rows.iter().flat_map(|a| b_rows.iter().map(move |b| (*a, *b)));
        let has_title = |(row, other): &(usize, usize)| {
            a.passage(*row) == Passage::Title || b.passage(*other) == Passage::Title
        };
        let near =
            pairs.filter(has_title).map(|(row, other)| ((row, other), a.view(row).cosine(&b.view(other))));
        near.max_by(|(_, x), (_, y)| x.total_cmp(y)).map(|(pair, _)| pair)
    }

    /// The vector of a question's title; `None` if it has no vector.
    pub fn title_vector(&self, address: DocAddress) -> Option<Vec<f32>> {
        let vectors = &self.vectors()[address.segment_ord as usize];
        let row = vectors.rows_of(address.doc_id).find(|row| vectors.passage(*row) == Passage::Title)?;
        Some(vectors.row(row).values().collect())
    }

    /// The questions whose title or alternative title has this [key](crate::title::title_key), in the order of
    /// the index.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn same_title(&self, key: &str) -> anyhow::Result<Vec<DocAddress>> {
        #[cfg(any(test, feature = "milvus"))]
        if let super::Store::Candidates(candidates) = self.store() {
            return Ok(candidates.same_title(key));
        }
        let mut found: Vec<DocAddress> = self.addresses(self.fields.title_key, key)?.into_iter().collect();
        found.sort();
        Ok(found)
    }

    /// The questions that have this title, as [`title_key`] compares titles. Alternative titles do not count.
    pub(crate) fn titled(&self, title: &str) -> anyhow::Result<Vec<Question>> {
        let key = title_key(title);
        let found = key.as_deref().map(|key| self.same_title(key)).transpose()?.unwrap_or_default();
        let mut questions =
            found.into_iter().map(|address| self.question(address)).collect::<anyhow::Result<Vec<_>>>()?;
        questions.retain(|question| title_key(&question.title) == key);
        Ok(questions)
    }

    /// The questions with a phrasing (title or alternative title) whose cosine with `vector` is at least
    /// `least`: nearest first, at most `limit`. Each is returned as its document, the row of the nearest
    /// phrasing, and the cosine.
    pub fn nearest_phrasings(
        &self,
        vector: &Quantized,
        limit: usize,
        least: f32,
    ) -> Vec<(DocAddress, usize, f32)> {
        let mut near = Vec::new();
        for address in self.documents() {
            let vectors = &self.vectors()[address.segment_ord as usize];
            let nearest = vectors.nearest_phrasing(address.doc_id, vector);
            near.extend(nearest.filter(|near| near.1 >= least).map(|(row, cosine)| (address, row, cosine)));
        }
        near.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
        near.truncate(limit);
        near
    }
}
