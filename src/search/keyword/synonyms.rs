//! Synonyms of the words of a phrase, as index terms.

use crate::analyze::{Language, Token, tokens_in};
use crate::curation::Expansion;

/// The weight of an occurrence of a synonym, relative to the word as written.
pub const SYNONYM: f32 = 0.8;

/// What a word of a phrase matches besides itself because of synonyms.
#[derive(Clone, Debug, Default)]
pub struct Forms {
    /// The expansions, as the file of synonyms writes them.
    pub texts: Vec<String>,
    /// The index terms of those with one word.
    pub terms: Vec<String>,
    /// The tokens of those with several words, in each language.
    pub sequences: Vec<Vec<Token>>,
}

impl Forms {
    /// Adds the terms that are not in a list.
    pub fn add_to(&self, matches: &mut Vec<String>) {
        for term in &self.terms {
            if !matches.contains(term) {
                matches.push(term.clone());
            }
        }
    }

    /// Adds an expansion that is not there yet.
    pub fn add(&mut self, expansion: &Expansion, languages: &[Language]) {
        if self.texts.contains(&expansion.text) {
            return;
        }
        self.texts.push(expansion.text.clone());
        let own = expansion.language.map(|language| [language]);
        for language in own.as_ref().map_or(languages, |own| own.as_slice()) {
            let tokens = tokens_in(&expansion.text, &[*language]);
            match tokens.as_slice() {
                [] => {}
                [first, ..] if is_all(first, &expansion.text) => self.add_terms(first),
                _ => {
                    let mut parts: Vec<Token> = tokens.into_iter().filter(|token| !token.whole).collect();
                    match parts.len() {
                        0 => {}
                        1 => self.add_terms(&parts.remove(0)),
                        _ => self.add_sequence(parts),
                    }
                }
            }
        }
    }

    fn add_terms(&mut self, token: &Token) {
        for term in token.terms() {
            if !self.terms.iter().any(|known| known == term) {
                self.terms.push(term.to_owned());
            }
        }
    }

    fn add_sequence(&mut self, parts: Vec<Token>) {
        let texts = |parts: &[Token]| parts.iter().map(|part| part.text.clone()).collect::<Vec<_>>();
        if self.sequences.iter().all(|known| texts(known) != texts(&parts)) {
            self.sequences.push(parts);
        }
    }
}

/// Whether a token is a whole text, as one word or piece of code.
fn is_all(token: &Token, text: &str) -> bool {
    !token.is_unspaced() && (token.start, token.end) == (0, text.len())
}

#[cfg(test)]
mod tests {
    use super::super::KeywordQuery;
    use crate::curation::{Curation, Pins, Synonyms};
    use crate::index::Index;
    use crate::question::Question;
    use crate::search::{Mode, Query, TitleMatch, search};

    const TITLES: [&str; 7] = [
        "k8s kubernetes pods",
        "k8s apples pods",
        "kubernetes apples pods",
        "oom apples killed",
        "out of memory apples",
        "memory apples out of office",
        "roses apples pruned",
    ];

    const FILE: &str = r#"
        same = [["k8s", "kubernetes"], ["oom", "out of memory"]]
        [expand]
        IT = "roses"
    "#;

    fn index() -> Index {
        let questions: Vec<Question> =
            (1..).zip(TITLES).map(|(line, title)| Question::new(title, line)).collect();
        let synonyms = Synonyms::parse("s.toml", FILE).unwrap();
        Index::in_memory(&questions, None).unwrap().with_curation(Curation::new(synonyms, Pins::default()))
    }

    /// The titles that a phrase finds with their scores, best first.
    fn found(phrase: &str, synonyms: bool) -> Vec<(String, f32, f32)> {
        let query = Query { mode: Mode::Keyword, synonyms, ..Query::plain(phrase) };
        let hits = search(&index(), None, &query).unwrap().hits;
        hits.into_iter().map(|hit| (hit.question.title, hit.scores.bm25, hit.scores.covered)).collect()
    }

    #[test]
    fn the_better_of_a_word_and_its_synonym_counts() {
        let with = found("k8s", true);
        let titles: Vec<&str> = with.iter().map(|(title, ..)| title.as_str()).collect();
        assert_eq!(titles, &TITLES[..3]);
        assert_eq!(with[0].1, with[1].1, "never both");
        assert!(with[2].1 < with[1].1, "a synonym counts less than the word: {with:?}");
        assert!(with.iter().all(|(.., covered)| *covered == 1.0), "the group is one word: {with:?}");
        assert_eq!(found("k8s", false).len(), 2);
    }

    #[test]
    fn several_words_match_in_their_order() {
        let titles = |phrase| found(phrase, true).into_iter().map(|(title, ..)| title).collect::<Vec<_>>();
        assert_eq!(titles("oom"), ["oom apples killed", "out of memory apples"]);
        let found = titles("out of memory");
        assert!(found.contains(&"oom apples killed".to_owned()), "{found:?}");
        assert_eq!(found[0], "out of memory apples");
    }

    #[test]
    fn a_synonym_of_several_words_covers_all_of_them() {
        let found = found("out of memory", true);
        let covered = |title: &str| found.iter().find(|found| found.0 == title).unwrap().2;
        assert!((covered("oom apples killed") - 1.0).abs() < 1e-6);
        assert!(covered("out of memory apples") >= covered("oom apples killed"));
    }

    #[test]
    fn a_name_like_a_stop_word_is_searched_for_if_it_is_meant() {
        assert_eq!(found("apples IT", true)[0].0, "roses apples pruned");
        assert_ne!(found("killed it", true)[0].0, "roses apples pruned");
    }

    #[test]
    fn a_word_with_a_synonym_is_not_missing_and_not_a_typo() {
        let index = index();
        let missing = |phrase: &str| {
            let fired = index.curation().fired(phrase, index.languages());
            KeywordQuery::new(&index, phrase, &fired).unwrap().missing
        };
        assert_eq!(missing("IT"), [""; 0]);
        assert_eq!(missing("helm"), ["helm"]);
    }

    #[test]
    fn a_title_through_a_synonym_is_nearly_exact() {
        let index = index();
        let best = |phrase: &str| {
            let query = Query { mode: Mode::Keyword, ..Query::plain(phrase) };
            let hit = search(&index, None, &query).unwrap().hits.remove(0);
            (hit.question.title, hit.title_match)
        };
        assert_eq!(best("Kubernetes apples pods?"), ("kubernetes apples pods".to_owned(), TitleMatch::Exact));
        assert_eq!(best("out of memory apples killed"), ("oom apples killed".to_owned(), TitleMatch::Near));
    }
}
