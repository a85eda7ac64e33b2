//! A thread that searches, so that typing never waits.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;

use anyhow::bail;

use crate::engine::Engine;
use crate::render::json::SearchRequest;
use crate::search::Results;

/// What the thread sends.
pub enum Answer {
    /// The index is open, its model loaded.
    Opened(Arc<Engine>),
    /// There is no index to search; nothing follows.
    Failed(anyhow::Error),
    /// What the search of this number found.
    Found(u64, anyhow::Result<Results>),
}

/// The near end of the thread. It ends when this is dropped.
pub struct Searcher {
    asks: Sender<(u64, SearchRequest)>,
    answers: Receiver<Answer>,
}

impl Searcher {
    /// Starts the thread, which opens the index first.
    pub fn start(open: impl FnOnce() -> anyhow::Result<Engine> + Send + 'static) -> Self {
        let (asks, asked) = channel();
        let (answer, answers) = channel();
        thread::spawn(move || serve(open, &asked, &answer));
        Self { asks, answers }
    }

    /// Asks for a search. Of several that wait, only the last is made.
    ///
    /// # Errors
    /// The thread is gone.
    pub fn ask(&self, number: u64, request: SearchRequest) -> anyhow::Result<()> {
        match self.asks.send((number, request)) {
            Ok(()) => Ok(()),
            Err(_) => bail!("the search has stopped"),
        }
    }

    /// What has arrived, if anything.
    ///
    /// # Errors
    /// The thread is gone.
    pub fn answer(&self) -> anyhow::Result<Option<Answer>> {
        match self.answers.try_recv() {
            Ok(answer) => Ok(Some(answer)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => bail!("the search has stopped"),
        }
    }
}

/// Answers until nobody asks or listens any more.
fn serve(
    open: impl FnOnce() -> anyhow::Result<Engine>,
    asked: &Receiver<(u64, SearchRequest)>,
    answer: &Sender<Answer>,
) {
    let engine = match open() {
        Ok(engine) => Arc::new(engine),
        Err(error) => {
            // Whoever does not listen any more does not need to know.
            let _ = answer.send(Answer::Failed(error));
            return;
        }
    };
    let mut listens = answer.send(Answer::Opened(Arc::clone(&engine))).is_ok();
    while let Ok(first) = asked.recv()
        && listens
    {
        let (number, request) = asked.try_iter().last().unwrap_or(first);
        let found = request.query().and_then(|query| engine.search(&query));
        listens = answer.send(Answer::Found(number, found)).is_ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Index;
    use crate::question::Question;

    #[test]
    fn of_several_that_wait_the_last_is_searched() {
        let (asks, asked) = channel();
        let (answer, answers) = channel();
        for (number, phrase) in [(1, "rope"), (2, "-dough"), (3, "dough")] {
            asks.send((number, SearchRequest::new(phrase))).unwrap();
        }
        drop(asks);
        let questions = [Question::new("Why wax a rope?", 1), Question::new("How long must dough rise?", 2)];
        serve(|| Engine::fixed(Index::in_memory(&questions, None)?), &asked, &answer);
        drop(answer);
        let found: Vec<(u64, String)> = answers
            .iter()
            .filter_map(|answer| match answer {
                Answer::Found(number, found) => Some((number, found.unwrap().hits[0].question.title.clone())),
                _ => None,
            })
            .collect();
        assert_eq!(found, [(3, "How long must dough rise?".to_owned())]);
    }

    #[test]
    fn an_index_that_does_not_open_is_told() {
        let searcher = Searcher::start(|| bail!("no index"));
        let answer = loop {
            if let Some(answer) = searcher.answer().unwrap() {
                break answer;
            }
            thread::yield_now();
        };
        assert!(matches!(answer, Answer::Failed(error) if error.to_string() == "no index"));
    }
}
