//! `--accept GROUP[=QUESTION]`

/// The least number of digits of an id.
const SHORTEST_ID: usize = 4;

/// A group whose phrases become other ways to ask a question.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// The beginning of the id of the group.
    pub group: String,
    /// The id or key of the question, if it is not the suggested one.
    pub question: Option<String>,
}

/// Parses `GROUP` or `GROUP=QUESTION`.
pub fn acceptance(text: &str) -> Result<Acceptance, String> {
    let (group, question) = match text.split_once('=') {
        Some((group, question)) => (group, Some(question.to_owned())),
        None => (text, None),
    };
    let is_id = group.len() >= SHORTEST_ID && group.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_id || question.as_ref().is_some_and(String::is_empty) {
        return Err(format!(
            "must be the id of a group, or {SHORTEST_ID} or more digits of it, perhaps with = and the id of a question"
        ));
    }
    Ok(Acceptance { group: group.to_lowercase(), question })
}
