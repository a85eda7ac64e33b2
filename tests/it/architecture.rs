//! Checks that the code follows the module map in `docs/architecture.md`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Each module and the modules that it may use. `mermaid` belongs to `question`. `cli` may use all modules.
const DEPENDENCIES: [(&str, &[&str]); 28] = [
    ("mermaid", &[]),
    ("worker_threads", &[]),
    ("regular_file", &[]),
    ("question", &["mermaid"]),
    ("analyze", &[]),
    ("title", &["analyze"]),
    ("chunk", &["question"]),
    ("logistic", &[]),
    ("pair", &["analyze", "logistic", "title"]),
    ("embed", &["analyze"]),
    ("read", &["question"]),
    (
        "index",
        &[
            "analyze",
            "chunk",
            "embed",
            "logistic",
            "regular_file",
            "worker_threads",
            "question",
            "read",
            "title",
        ],
    ),
    ("same_question", &["chunk", "index", "logistic", "pair", "question", "title"]),
    (
        "search",
        &[
            "analyze",
            "chunk",
            "embed",
            "index",
            "logistic",
            "same_question",
            "worker_threads",
            "question",
            "title",
        ],
    ),
    (
        "duplicates",
        &["chunk", "embed", "index", "pair", "question", "regular_file", "same_question", "title"],
    ),
    ("related", &["duplicates", "embed", "index", "pair", "question", "same_question", "search", "title"]),
    (
        "gaps",
        &["duplicates", "embed", "index", "pair", "question", "read", "search", "title", "worker_threads"],
    ),
    ("line_file", &[]),
    ("feedback", &["line_file"]),
    ("query_log", &["line_file"]),
    ("engine", &["duplicates", "embed", "index", "regular_file", "related", "search"]),
    ("evaluate", &["embed", "feedback", "index", "logistic", "pair", "worker_threads", "question", "search"]),
    ("interactive", &["engine", "question", "render", "search"]),
    (
        "render",
        &[
            "analyze",
            "duplicates",
            "embed",
            "evaluate",
            "gaps",
            "index",
            "pair",
            "question",
            "read",
            "related",
            "same_question",
            "search",
        ],
    ),
    ("site", &["analyze", "index", "question", "search", "worker_threads"]),
    ("mcp", &["duplicates", "embed", "engine", "index", "question", "render", "search"]),
    ("watch", &["embed", "index", "read", "search"]),
    (
        "serve",
        &[
            "duplicates",
            "embed",
            "engine",
            "feedback",
            "gaps",
            "query_log",
            "question",
            "read",
            "regular_file",
            "render",
            "search",
            "watch",
        ],
    ),
];

fn sources(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The top-level module, path and code of every source file, without comments and unit tests.
fn modules() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    files
        .into_iter()
        .filter(|path| !path.ends_with("tests.rs") && !path.ends_with("testing.rs"))
        .map(|path| {
            let first = path.strip_prefix(&src).unwrap().components().next().unwrap();
            let module = first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            // Links in comments are not dependencies.
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().lines();
            let code = code.filter(|line| !line.trim_start().starts_with("//"));
            (module, path, code.collect::<Vec<_>>().join("\n"))
        })
        .collect()
}

/// The modules that a source file names after `crate::`.
fn used_by(code: &str) -> BTreeSet<String> {
    code.match_indices("crate::")
        .map(|(at, _)| &code[at + "crate::".len()..])
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn modules_use_only_the_modules_in_the_map() {
    let modules = modules();
    assert!(modules.len() > 40, "the sources were not found");
    for (module, path, code) in &modules {
        if matches!(module.as_str(), "cli" | "corpus" | "lib" | "main") {
            continue;
        }
        let allowed = DEPENDENCIES.iter().find(|(name, _)| name == module);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{module} is missing from the map"));
        for used in used_by(code) {
            assert!(
                used == *module || allowed.contains(&used.as_str()),
                "{} must not use {used}",
                path.display()
            );
        }
    }
}

#[test]
fn only_cli_render_and_main_write_to_streams() {
    for (module, path, code) in modules() {
        let writes = ["println!", "print!", "stdout()", "stderr()", "dbg!"];
        let found = writes.iter().find(|call| code.contains(**call));
        let is_allowed = matches!(module.as_str(), "cli" | "render" | "main");
        assert!(is_allowed || found.is_none(), "{} writes: {found:?}", path.display());
    }
}
