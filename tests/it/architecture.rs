//! Checks that the code and `docs/architecture.md` agree: the module table, the diagram of dependencies, and the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Files of `src/` that are not modules of the program: the crate's root, `main`, and the code of the corpus as tests.
const NO_MODULES: [&str; 3] = ["corpus", "lib", "main"];

/// The longest architecture page, in lines: two screens.
const TWO_SCREENS: usize = 120;

/// What each module uses.
type Graph = BTreeMap<String, BTreeSet<String>>;

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

/// The modules that a source file names after `crate::`, also in `use crate::{a, b::c}`.
fn used_by(code: &str) -> BTreeSet<String> {
    let name = |text: &str| {
        text.trim_start().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned()
    };
    let mut used = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        let rest = &code[at + start.len()..];
        match rest.strip_prefix('{') {
            Some(list) => used.extend(items(list).into_iter().map(name)),
            None => drop(used.insert(name(rest))),
        }
    }
    used.remove("");
    used
}

/// The items of a list up to its closing brace, split at the commas that are in no inner list.
fn items(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' | ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    items
}

/// What each module of the code uses. Types that the root of the crate re-exports are not modules.
fn code_graph() -> Graph {
    let mut graph = Graph::new();
    for (module, _, code) in modules() {
        if !NO_MODULES.contains(&module.as_str()) {
            let used = used_by(&code).into_iter().filter(|used| *used != module);
            graph.entry(module.clone()).or_default().extend(used);
        }
    }
    assert!(graph.len() > 20, "the sources were not found");
    let unknown: Vec<_> =
        graph.values().flatten().filter(|used| !graph.contains_key(*used)).cloned().collect();
    assert!(unknown.is_empty(), "these are not modules: {unknown:?}");
    graph
}

/// The modules that a module uses, directly or through others.
fn all_used<'a>(graph: &'a Graph, module: &str, found: &mut BTreeSet<&'a str>) {
    for used in graph.get(module).into_iter().flatten() {
        if found.insert(used) {
            all_used(graph, used, found);
        }
    }
}

/// The dependencies that do not follow from others.
fn essential(graph: &Graph) -> Graph {
    let below = |module: &str| {
        let mut found = BTreeSet::new();
        all_used(graph, module, &mut found);
        found
    };
    let of = |(module, used): (&String, &BTreeSet<String>)| {
        let implied: BTreeSet<&str> = used.iter().flat_map(|used| below(used)).collect();
        let kept = used.iter().filter(|used| !implied.contains(used.as_str())).cloned().collect();
        (module.clone(), kept)
    };
    graph.iter().map(of).collect()
}

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md")).unwrap()
}

/// The lines of the diagram of dependencies: `user --> used & used`.
fn diagram(graph: &Graph) -> String {
    let users = graph.iter().filter(|(_, used)| !used.is_empty());
    let line = |(user, used): (&String, &BTreeSet<String>)| {
        format!("    {user} --> {}\n", used.iter().map(String::as_str).collect::<Vec<_>>().join(" & "))
    };
    users.map(line).collect()
}

/// The arrows of the Mermaid block that follows the heading `Dependencies`.
fn drawn() -> Graph {
    let page = page();
    let section = page.split_once("\n## Dependencies\n").expect("the page has the section").1;
    let block = section.split("```").nth(1).expect("the section has a diagram");
    let arrows = block.lines().filter_map(|line| line.split_once("-->"));
    let names = |text: &str| text.split('&').map(|name| name.trim().to_owned()).collect::<BTreeSet<_>>();
    let mut graph = Graph::new();
    for (user, used) in arrows {
        graph.entry(user.trim().to_owned()).or_default().extend(names(used));
    }
    graph
}

#[test]
fn no_module_uses_itself_through_others() {
    let graph = code_graph();
    for module in graph.keys() {
        let mut found = BTreeSet::new();
        all_used(&graph, module, &mut found);
        assert!(!found.contains(module.as_str()), "{module} is in a cycle");
    }
}

/// The diagram has the dependencies that do not follow from others, so a module may use every module below it.
#[test]
fn the_diagram_shows_the_dependencies_of_the_code() {
    let (code, drawn) = (diagram(&essential(&code_graph())), diagram(&drawn()));
    assert!(
        code == drawn,
        "docs/architecture.md does not show what the modules use.\n\
         If the new dependency is right, replace the arrows of the diagram by these:\n\n{code}\n\
         The page has:\n\n{drawn}"
    );
}

#[test]
fn the_module_table_is_complete() {
    let page = page();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let named: BTreeSet<String> = rows
        .flat_map(|row| {
            let cell = row.split(" |").next().unwrap();
            cell.split(", `").map(|name| name.trim_matches('`').to_owned()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(named, code_graph().into_keys().collect(), "the module table and the directory src/ differ");
}

#[test]
fn the_page_fits_on_two_screens() {
    let lines = page().lines().count();
    assert!(lines <= TWO_SCREENS, "docs/architecture.md has {lines} lines, and {TWO_SCREENS} fit");
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

#[test]
fn dependencies_are_found_in_every_form() {
    let code = "use crate::a::B;\nuse crate::{c::{D, e}, f, g::H};\nfn i(_: crate::j::K) {}\nuse crate::{\n    l,\n    m,\n};";
    assert_eq!(used_by(code), ["a", "c", "f", "g", "j", "l", "m"].map(str::to_owned).into());
}

/// `a` uses `c` through `b`.
#[test]
fn implied_dependencies_are_left_out() {
    let graph = |lines: &[(&str, &[&str])]| -> Graph {
        let of = |(user, used): &(&str, &[&str])| {
            ((*user).to_owned(), used.iter().map(|used| (*used).to_owned()).collect())
        };
        lines.iter().map(of).collect()
    };
    let code = graph(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])]);
    assert_eq!(essential(&code), graph(&[("a", &["b"]), ("b", &["c"]), ("c", &[])]));
}
