//! The search thread, so that searches do not block typing.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;

use anyhow::bail;

use crate::engine::Engine;
use crate::render::json::SearchRequest;
use crate::search::Results;

/// A message from the search thread.
pub enum Answer {
    /// The index is open and its model is loaded.
    Opened(Arc<Engine>),
    /// The index cannot be opened. No message follows.
    Failed(anyhow::Error),
    /// The results of the search with this number.
    Found(u64, anyhow::Result<Box<Results>>),
}

/// A handle to the search thread. Dropping it ends the thread.
pub struct Searcher {
    requests: Sender<(u64, SearchRequest)>,
    answers: Receiver<Answer>,
}

impl Searcher {
    /// Starts the thread. It opens the index first.
    pub fn start(open: impl FnOnce() -> anyhow::Result<Engine> + Send + 'static) -> Self {
        let (requests, received) = channel();
        let (answer, answers) = channel();
        thread::spawn(move || serve(open, &received, &answer));
        Self { requests, answers }
    }

    /// Requests a search. If several requests are waiting, only the last one is searched.
    ///
    /// # Errors
    /// The thread has ended.
    pub fn ask(&self, number: u64, request: SearchRequest) -> anyhow::Result<()> {
        match self.requests.send((number, request)) {
            Ok(()) => Ok(()),
            Err(_) => bail!("the search thread has ended"),
        }
    }

    /// The next message, if one has arrived. Does not wait.
    ///
    /// # Errors
    /// The thread has ended.
    pub fn answer(&self) -> anyhow::Result<Option<Answer>> {
        match self.answers.try_recv() {
            Ok(answer) => Ok(Some(answer)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => bail!("the search thread has ended"),
        }
    }
}

/// Answers requests until the handle is dropped.
fn serve(
    open: impl FnOnce() -> anyhow::Result<Engine>,
    requests: &Receiver<(u64, SearchRequest)>,
    answer: &Sender<Answer>,
) {
    let engine = match open() {
        Ok(engine) => Arc::new(engine),
        Err(error) => {
            // If the handle was dropped, the error is not needed.
            let _ = answer.send(Answer::Failed(error));
            return;
        }
    };
    let mut is_connected = answer.send(Answer::Opened(Arc::clone(&engine))).is_ok();
    while let Ok(first) = requests.recv()
        && is_connected
    {
        let (number, request) = requests.try_iter().last().unwrap_or(first);
        let found = request.query().and_then(|query| engine.search(&query));
        is_connected = answer.send(Answer::Found(number, found.map(Box::new))).is_ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Index;
    use crate::question::Question;

    #[test]
    fn only_the_last_waiting_request_is_searched() {
        let (requests, received) = channel();
        let (answer, answers) = channel();
        for (number, phrase) in [(1, "rope"), (2, "wax"), (3, "dough")] {
            requests.send((number, SearchRequest::new(phrase))).unwrap();
        }
        drop(requests);
        let questions = [Question::new("Why wax a rope?", 1), Question::new("How long must dough rise?", 2)];
        serve(|| Engine::fixed(Index::in_memory(&questions, None)?), &received, &answer);
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
    fn an_index_that_cannot_be_opened_is_reported() {
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
