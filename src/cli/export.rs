//! `rqsearch export`

use std::io::{self, BufWriter, Write};

use super::{IndexLocation, Outcome};
use crate::render::json;

pub fn run(location: IndexLocation<'_>) -> anyhow::Result<Outcome> {
    let index = location.open()?;
    let mut out = BufWriter::new(io::stdout().lock());
    let questions = index.questions()?;
    for question in &questions {
        serde_json::to_writer(&mut out, &json::QuestionReply::from(question)).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(if questions.is_empty() { Outcome::Nothing } else { Outcome::Success })
}
