//! The questions with the latest dates.

use tantivy::DocAddress;

use super::reader::Index;
use super::schema::DATE;
use crate::question::Question;

impl Index {
    /// At most `limit` questions with the latest dates, the latest first, each with its date in seconds since 1970 (UTC).
    /// Questions without a date are left out: the index does not record when a question was added.
    ///
    /// # Errors
    /// The index is damaged.
    pub fn newest(&self, limit: usize) -> anyhow::Result<Vec<(i64, Question)>> {
        let mut dated: Vec<(i64, DocAddress)> = Vec::new();
        for (ord, segment) in (0..).zip(self.searcher()?.segment_readers()) {
            let Some(dates) = segment.fast_fields().column_opt::<i64>(DATE)? else { continue };
            let date = |doc| Some((dates.first(doc)?, DocAddress::new(ord, doc)));
            dated.extend(segment.doc_ids_alive().filter_map(date));
        }
        let latest_first = |a: &(i64, DocAddress), b: &(i64, DocAddress)| b.0.cmp(&a.0).then(a.1.cmp(&b.1));
        if dated.len() > limit {
            dated.select_nth_unstable_by(limit, latest_first);
            dated.truncate(limit);
        }
        let read = |(date, address): (i64, DocAddress)| Ok((date, self.question(address)?));
        let mut newest: Vec<(i64, Question)> = dated.into_iter().map(read).collect::<anyhow::Result<_>>()?;
        newest.sort_by(|(a, one), (b, other)| {
            b.cmp(a).then_with(|| (&one.source, &one.id).cmp(&(&other.source, &other.id)))
        });
        Ok(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_dates_come_first() {
        let dates = [None, Some("2024-03-01"), Some("1999-12-31"), Some("2024-03-01T10:00:00Z"), None];
        let question = |(line, date): (u64, Option<&str>)| Question {
            date: date.map(str::to_owned),
            ..Question::new("Why?", line)
        };
        let index = Index::in_memory(&(1..).zip(dates).map(question).collect::<Vec<_>>(), None).unwrap();
        let lines = |limit| {
            let newest = index.newest(limit).unwrap();
            newest.into_iter().map(|(_, question)| question.source.line).collect::<Vec<_>>()
        };
        assert_eq!((lines(10), lines(2), lines(0)), (vec![4, 2, 3], vec![4, 2], vec![]));
        assert_eq!(index.newest(3).unwrap()[2].0, 946_598_400);
    }
}
