//! Questions that programs write into an index, without files.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Opened};
use crate::index::{Change, Commit, Prepared, Refused, WriteError, Written, guarded, merge_segments};
use crate::question::Question;
use crate::search::retune;

impl Engine {
    /// How long [`put`](Self::put) and [`delete`](Self::delete) wait for another process that writes the index.
    pub const WRITE_WAIT: Duration = Duration::from_secs(10);

    /// Adds questions that do not come from files to the index, or replaces those with the same
    /// [key](Question::key), in one commit. When this returns, the questions are on disk and searches of this engine
    /// find them.
    ///
    /// Updates from files, such as [`Engine::build`] and `rqsearch index`, keep these questions.
    /// [`Change::Put`] says what a key may contain. The results are in the order of the questions; a question that is
    /// refused does not affect the others.
    ///
    /// ```
    /// use rqsearch::{engine::Engine, index::Effect, question::Question, search::Query};
    ///
    /// # fn main() -> anyhow::Result<()> {
    /// # let dir = tempfile::tempdir()?;
    /// let engine = Engine::build(&dir.path().join("index"), &[], |_| {})?; // an empty index
    /// let question = Question {
    ///     key: Some("bread-7".into()),
    ///     answer: "Until it has doubled in size.".into(),
    ///     ..Question::new("How long must dough rise?", 1)
    /// };
    /// let written = engine.put(&[question])?;
    /// assert!(matches!(&written[0], Ok(written) if written.effect == Effect::Created));
    /// assert_eq!(engine.search(&Query::plain("dough"))?.hits[0].question.key.as_deref(), Some("bread-7"));
    ///
    /// engine.delete(&["bread-7"])?;
    /// assert!(engine.search(&Query::plain("dough"))?.hits.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`WriteError`]. Nothing was changed then, except after an error of merging, which says so.
    pub fn put(&self, questions: &[Question]) -> Result<Vec<Result<Written, Refused>>, WriteError> {
        let changes = questions.iter().map(|question| Change::Put(Box::new(question.clone())));
        self.change(&changes.collect::<Vec<_>>())
    }

    /// Deletes questions that were [put](Self::put) into the index, in one commit. Each is named by its key or its id.
    /// The results are in the order of the names.
    ///
    /// # Errors
    /// Those of [`put`](Self::put).
    pub fn delete(&self, ids: &[impl AsRef<str>]) -> Result<Vec<Result<Written, Refused>>, WriteError> {
        let changes = ids.iter().map(|id| Change::Delete(id.as_ref().to_owned()));
        self.change(&changes.collect::<Vec<_>>())
    }

    fn change(&self, changes: &[Change]) -> Result<Vec<Result<Written, Refused>>, WriteError> {
        let mut commit = self.write(changes, Self::WRITE_WAIT)?;
        let results = std::mem::take(&mut commit.results);
        commit.finish()?;
        Ok(results)
    }

    /// Makes changes in one commit, in their order. Waits at most `wait` for another process that writes the index.
    ///
    /// When this returns, the changes are on disk and searches of this engine see them. [`Commit::finish`] then does
    /// work that no client needs to wait for. Use this instead of [`put`](Self::put) to answer before it.
    ///
    /// # Errors
    /// See [`WriteError`]. Nothing was changed then.
    pub fn write(&self, changes: &[Change], wait: Duration) -> Result<Commit, WriteError> {
        self.dir().ok_or(WriteError::Fixed)?;
        let commit = match self.commit(&self.current()?, changes, wait) {
            // It was opened before the model was changed.
            Err(WriteError::ModelChanged) => self.commit(&self.renew()?, changes, wait),
            result => result,
        }?;
        // If the commit cannot be opened, `failure` says why, and a later search tries it again.
        if let Err(error) = self.renew() {
            self.record_failure(error, Vec::new());
        }
        Ok(commit)
    }

    /// Merges the segments of the index, and tunes the weight of semantic search if the number of questions has changed
    /// much, as an update from files does at its end. Call it after many changes, when the index is not needed for a
    /// while: other writers wait until the segments are merged, but searches do not. A model behind an endpoint is not
    /// asked.
    ///
    /// Does nothing for an index that does not change, or while another process writes the index.
    ///
    /// # Errors
    /// The index cannot be read or written, or the model fails.
    pub fn optimize(&self) -> anyhow::Result<()> {
        self.merge()?;
        self.tune()
    }

    /// Merges the segments of the index. Other writers wait.
    pub(crate) fn merge(&self) -> anyhow::Result<()> {
        self.dir().map_or(Ok(()), merge_segments)
    }

    /// Tunes the weight of semantic search, if it is time. Other writers only wait while the result is stored.
    pub(crate) fn tune(&self) -> anyhow::Result<()> {
        let Some(dir) = self.dir() else { return Ok(()) };
        let opened = self.renew()?;
        let model = opened.embedder.as_deref().filter(|model| model.is_local());
        model.map_or(Ok(()), |model| retune(dir, model))
    }

    fn commit(&self, opened: &Arc<Opened>, changes: &[Change], wait: Duration) -> Result<Commit, WriteError> {
        if let Some(reason) = &opened.not_approved {
            return Err(WriteError::NotApproved(reason.clone()));
        }
        let dir = opened.index.dir();
        let prepare = || Prepared::new(&opened.index, opened.embedder.as_deref(), changes);
        guarded(dir, || Ok(prepare()?.commit(dir, wait)))?
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;
    use crate::embed::{Embedder, ModelInfo, Origin, Role};
    use crate::index::{Build, Effect, Index, Missing, WRITTEN};

    fn question(key: &str, title: &str) -> Question {
        Question { key: Some(key.to_owned()), answer: "It lasts.".to_owned(), ..Question::new(title, 7) }
    }

    fn empty(dir: &Path) -> Engine {
        Build::new(dir, &[]).run().unwrap();
        Engine::open(dir).unwrap()
    }

    #[test]
    fn changes_are_seen_at_once_and_in_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let engine = empty(dir.path());
        let changes = [
            Change::Put(Box::new(question("a", "Why one?"))),
            Change::Delete("a".to_owned()),
            Change::Delete("a".to_owned()),
            Change::Put(Box::new(question("a", "Why two?"))),
            Change::Put(Box::new(question("a", "Why two?"))),
            Change::Put(Box::new(question("", "Why three?"))),
            Change::Put(Box::new(question("b", " "))),
        ];
        let commit = engine.write(&changes, Duration::ZERO).unwrap();
        let effects: Vec<_> =
            commit.results.iter().map(|result| result.as_ref().ok().map(|written| written.effect)).collect();
        let some = |effect| Some(effect);
        assert_eq!(
            effects,
            [
                some(Effect::Created),
                some(Effect::Deleted),
                None,
                some(Effect::Created),
                some(Effect::Unchanged),
                None,
                None
            ]
        );
        assert_eq!(commit.results[2], Err(Refused::NotFound { id: "a".to_owned() }));
        assert_eq!(commit.results[6], Err(Refused::NoTitle));
        commit.finish().unwrap();
        let questions = engine.current().unwrap().index.questions().unwrap();
        assert_eq!(questions.len(), 1);
        assert_eq!((questions[0].title.as_str(), questions[0].source.path.as_str()), ("Why two?", WRITTEN));
        assert_eq!(questions[0].source.to_string(), WRITTEN);
        // The id of the index names it as well, but is not a new key.
        let id = questions[0].id.clone();
        assert!(matches!(engine.put(&[question(&id, "Why?")]).unwrap()[0], Err(Refused::Taken { .. })));
        assert_eq!(engine.delete(&[&id]).unwrap()[0].as_ref().unwrap().key.as_deref(), Some("a"));
    }

    #[test]
    fn another_writer_and_an_index_in_memory_are_typed_errors() {
        let dir = tempfile::tempdir().unwrap();
        let engine = empty(dir.path());
        let held = std::fs::File::create(dir.path().join(".tantivy-writer.lock")).unwrap();
        held.lock().unwrap();
        let change = [Change::Delete("a".to_owned())];
        let error = engine.write(&change, Duration::from_millis(30)).err().unwrap();
        assert!(matches!(error, WriteError::Busy(_)), "{error}");
        drop(held);
        engine.write(&change, Duration::ZERO).unwrap().finish().unwrap();
        let fixed = Engine::fixed(Index::in_memory(&[], None).unwrap()).unwrap();
        assert!(matches!(fixed.put(&[]), Err(WriteError::Fixed)));
    }

    /// Embeds a text as (its length, 1) and counts the calls.
    struct Counting(ModelInfo, Arc<AtomicUsize>);

    impl Embedder for Counting {
        fn model(&self) -> &ModelInfo {
            &self.0
        }

        fn embed(&self, text: &str, _: Role) -> anyhow::Result<Vec<f32>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Ok(vec![text.len() as f32, 1.0])
        }

        fn count_tokens(&self, text: &str) -> usize {
            text.len()
        }
    }

    fn model(fingerprint: &str) -> ModelInfo {
        ModelInfo {
            name: "counting".into(),
            fingerprint: fingerprint.into(),
            dimensions: 2,
            window: 100,
            origin: Origin::Builtin,
            query_prefix: String::new(),
            passage_prefix: String::new(),
            pooling: None,
        }
    }

    #[test]
    fn only_new_texts_are_embedded_and_a_new_model_is_used_at_once() {
        let (dir, calls) = (tempfile::tempdir().unwrap(), Arc::new(AtomicUsize::new(0)));
        let build = |fingerprint: &str| {
            let embedder = Counting(model(fingerprint), Arc::default());
            let build =
                Build { embedder: Some(&embedder), switch_model: true, ..Build::new(dir.path(), &[]) };
            build.run().unwrap();
        };
        build("one");
        let counter = Arc::clone(&calls);
        let load = move |info: &ModelInfo| -> anyhow::Result<Box<dyn Embedder>> {
            Ok(Box::new(Counting(info.clone(), Arc::clone(&counter))))
        };
        let engine = Engine::open_with(dir.path(), load).unwrap();
        engine.put(&[question("a", "Why one?")]).unwrap()[0].as_ref().unwrap();
        let embedded = calls.load(Ordering::Relaxed);
        assert!(embedded > 0);
        let tagged = Question { tags: vec!["new".to_owned()], ..question("a", "Why one?") };
        let written = engine.put(&[tagged, question("b", "Why one?")]).unwrap();
        assert_eq!(written[0].as_ref().unwrap().effect, Effect::Replaced);
        assert_eq!(calls.load(Ordering::Relaxed), embedded, "the texts were not new");
        // The engine has the index with the old model open.
        build("two");
        engine.put(&[question("c", "Why two?")]).unwrap()[0].as_ref().unwrap();
        let index = Index::open(dir.path()).unwrap();
        assert_eq!((index.question_count().unwrap(), index.stats().unwrap().written), (3, 3));
        assert!(index.stats().unwrap().vectors >= 3);
    }

    /// In an index that is not small, a change does not merge everything, and segments do not become many either.
    #[test]
    fn many_commits_leave_few_segments() {
        let dir = tempfile::tempdir().unwrap();
        let engine = empty(dir.path());
        let many: Vec<Question> =
            (0..2_100).map(|nth| question(&nth.to_string(), &format!("Why is {nth} so?"))).collect();
        engine.put(&many).unwrap();
        for nth in 0..20 {
            engine.put(&[question(&nth.to_string(), &format!("Why is {nth} different?"))]).unwrap();
        }
        let opened = engine.current().unwrap();
        let segments = opened.index.vectors().len();
        assert!((2..=10).contains(&segments), "{segments} segments");
        let questions = opened.index.questions().unwrap();
        assert_eq!(questions.len(), 2_100);
        assert_eq!(questions.iter().filter(|one| one.title.ends_with("different?")).count(), 20);
        drop(opened);
        Build::new(dir.path(), &[]).run().unwrap();
        engine.put(&[question("x", "Why is it new?")]).unwrap()[0].as_ref().unwrap();
        engine.delete(&(0..300).map(|nth| nth.to_string()).collect::<Vec<_>>()).unwrap();
        engine.optimize().unwrap();
        let index = Index::open(dir.path()).unwrap();
        assert_eq!((index.vectors().len(), index.question_count().unwrap()), (1, 1_801));
    }

    /// A step of a history: a put of one of few titles, a deletion, or an update from files.
    #[derive(Clone, Debug)]
    enum Step {
        Put(u8, u8),
        Delete(u8),
        Index,
    }

    fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
        let step = prop_oneof![
            4 => (0..6_u8, 0..4_u8).prop_map(|(key, title)| Step::Put(key, title)),
            2 => (0..6_u8).prop_map(Step::Delete),
            1 => Just(Step::Index),
        ];
        prop::collection::vec(prop::collection::vec(step, 1..5), 1..6)
    }

    fn export(engine: &Engine) -> Vec<Question> {
        engine.current().unwrap().index.questions().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

        /// The index after any history is that of its final state.
        #[test]
        fn an_index_does_not_depend_on_its_history(history in steps()) {
            let dir = tempfile::tempdir().unwrap();
            let files = [dir.path().join("faq.md")];
            std::fs::write(&files[0], "## Why wax a rope?\n\nIt lasts.\n").unwrap();
            let index = |name: &str| {
                let dir = dir.path().join(name);
                Build { missing: Missing::RemoveAll, ..Build::new(&dir, &files) }.run().unwrap();
                Engine::open(&dir).unwrap()
            };
            let engine = index("grown");
            let mut last: BTreeMap<u8, u8> = BTreeMap::new();
            for batch in history {
                let mut changes = Vec::new();
                for step in batch {
                    match step {
                        Step::Put(key, title) => {
                            last.insert(key, title);
                            let question = question(&key.to_string(), &format!("Why {title}?"));
                            changes.push(Change::Put(Box::new(question)));
                        }
                        Step::Delete(key) => {
                            last.remove(&key);
                            changes.push(Change::Delete(key.to_string()));
                        }
                        Step::Index => drop(index("grown")),
                    }
                }
                engine.write(&changes, Duration::ZERO).unwrap().finish().unwrap();
            }
            let fresh = index("fresh");
            let questions: Vec<Question> =
                last.iter().map(|(key, title)| question(&key.to_string(), &format!("Why {title}?"))).collect();
            fresh.put(&questions).unwrap();
            prop_assert_eq!(export(&engine), export(&fresh));
        }
    }
}
