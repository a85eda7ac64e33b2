//! Keyword search if the endpoint of the model does not answer.

use super::query::{Mode, Query};
use super::results::Results;
use super::{joined_notices, search};
use crate::embed::{Embedder, Unavailable};
use crate::index::Index;

/// Like [`search`]. If the endpoint of the model does not answer, a query in [`Mode::Hybrid`] is searched by
/// keywords, and [`Results::notice`] has the reason.
///
/// # Errors
/// Those of [`search`]. [`Unavailable`] only in [`Mode::Semantic`].
pub fn search_or_fall_back(
    index: &Index,
    embedder: Option<&dyn Embedder>,
    query: &Query,
) -> anyhow::Result<Results> {
    let error = match search(index, embedder, query) {
        Err(error) if query.mode == Mode::Hybrid => error,
        other => return other,
    };
    let reason: Unavailable = error.downcast()?;
    let keyword = Query { mode: Mode::Keyword, ..query.clone() };
    let notice = format!("using keyword search only: {}", reason.message);
    let mut results = search(index, None, &keyword)?;
    results.notice = joined_notices([Some(notice), results.notice]);
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{Builtin, ModelInfo, Prepare, Role};
    use crate::question::Question;

    struct Failing;

    impl Embedder for Failing {
        fn model(&self) -> &ModelInfo {
            Builtin::info()
        }

        fn embed(&self, _: &str, _: Role) -> anyhow::Result<Vec<f32>> {
            Err(Unavailable { message: "no answer".into(), hint: Some("start it".into()), timed_out: true }
                .into())
        }

        fn count_tokens(&self, _: &str) -> usize {
            1
        }
    }

    #[test]
    fn only_hybrid_search_falls_back_to_keywords() {
        let questions = [Question::new("Why wax a rope?", 1), Question::new("How long must dough rise?", 2)];
        let index = Index::in_memory(&questions, Some(&Builtin::load(Prepare::Once).unwrap())).unwrap();
        let search =
            |mode| search_or_fall_back(&index, Some(&Failing), &Query { mode, ..Query::plain("rope") });
        let found = search(Mode::Hybrid).unwrap();
        assert_eq!(found.hits[0].question.title, "Why wax a rope?");
        assert_eq!(found.notice.unwrap(), "using keyword search only: no answer");
        assert_eq!(search(Mode::Keyword).unwrap().notice, None);
        assert!(search(Mode::Semantic).unwrap_err().is::<Unavailable>());
    }
}
