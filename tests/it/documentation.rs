//! The documentation for people who build: every internal link leads somewhere, and every file, test and constant that a
//! page names exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Directories whose Markdown is input of tests, was installed, or was built.
const NOT_PAGES: [&str; 5] = ["target", "corpus", "testdata", "node_modules", ".git"];

/// The pages that name files and tests of the repository.
const FOR_BUILDERS: [&str; 5] =
    ["CONTRIBUTING.md", "docs/architecture.md", "docs/decisions", "docs/library.md", "tests/README.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files below a directory, or the file itself.
fn pages(at: &Path) -> Vec<PathBuf> {
    if at.is_file() {
        return vec![at.to_owned()];
    }
    let entries = std::fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let is_kept = |path: &PathBuf| !NOT_PAGES.contains(&path.file_name().unwrap().to_str().unwrap());
    let mut pages: Vec<PathBuf> = files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.extend(directories.iter().filter(|path| is_kept(path)).flat_map(|path| self::pages(path)));
    pages.sort();
    pages
}

/// What the tests look at in a page.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    /// The ids of the headings, as GitHub makes them.
    anchors: BTreeSet<String>,
    /// Code in running text.
    code: Vec<String>,
    /// The cells of the tables, row by row.
    rows: Vec<Vec<String>>,
    is_in_cell: bool,
}

impl Page {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut page = Self::default();
        let mut heading: Option<String> = None;
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => page.add_anchor(&heading.take().unwrap()),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.to_string());
                }
                Event::Start(Tag::TableRow) => page.rows.push(Vec::new()),
                Event::Start(Tag::TableCell) => page.start_cell(),
                Event::End(TagEnd::TableCell) => page.is_in_cell = false,
                Event::Text(text) | Event::Code(text) if heading.is_some() => {
                    heading.as_mut().unwrap().push_str(&text);
                }
                Event::Code(code) => {
                    page.add_to_cell(&code);
                    page.code.push(code.to_string());
                }
                Event::Text(text) => page.add_to_cell(&text),
                _ => {}
            }
        }
        page
    }

    fn add_anchor(&mut self, heading: &str) {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let id: String = kept.collect::<String>().trim().to_lowercase().replace(' ', "-");
        let copies = (1..).map(|copy| format!("{id}-{copy}"));
        let mut ids = std::iter::once(id.clone()).chain(copies);
        let id = ids.find(|id| !self.anchors.contains(id)).unwrap();
        self.anchors.insert(id);
    }

    /// Cells of the heading of a table are in no row.
    fn start_cell(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.push(String::new());
        }
        self.is_in_cell = true;
    }

    fn add_to_cell(&mut self, text: &str) {
        if let Some(cell) = self.rows.last_mut().and_then(|row| row.last_mut()).filter(|_| self.is_in_cell) {
            cell.push_str(text);
        }
    }
}

fn all_pages() -> BTreeMap<PathBuf, Page> {
    let pages: BTreeMap<PathBuf, Page> =
        pages(root()).into_iter().map(|path| (path.clone(), Page::read(&path))).collect();
    assert!(pages.len() > 20, "the pages were not found");
    pages
}

/// The file and the heading that a link leads to. `None` if it leads to another site.
fn target(page: &Path, link: &str) -> Option<(PathBuf, Option<String>)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let path = match file {
        "" => page.to_owned(),
        file => page.parent().unwrap().join(file),
    };
    Some((path, anchor.map(str::to_owned)))
}

#[test]
fn every_internal_link_leads_somewhere() {
    let pages = all_pages();
    let mut broken = Vec::new();
    let mut checked = 0;
    for (path, page) in &pages {
        for link in &page.links {
            let Some((file, anchor)) = target(path, link) else { continue };
            checked += 1;
            let Ok(file) = file.canonicalize() else {
                broken.push(format!("{}: {link}", path.display()));
                continue;
            };
            let has = |anchor: &String| pages.get(&file).is_none_or(|page| page.anchors.contains(anchor));
            if !anchor.is_none_or(|anchor| has(&anchor)) {
                broken.push(format!("{}: {link} (no such heading)", path.display()));
            }
        }
    }
    assert!(checked > 50, "the links were not found");
    assert!(broken.is_empty(), "links lead nowhere:\n{}", broken.join("\n"));
}

/// The file that a piece of code names, if it does, and the test in it: `tests/it/eval.rs::NAME`. Placeholders such as
/// `NAME` and `*` name no file.
fn named_file(code: &str) -> Option<(PathBuf, Option<&str>)> {
    let (path, test) = code.split_once("::").map_or((code, None), |(path, test)| (path, Some(test)));
    let is_placeholder = |part: &str| {
        part.contains('*') || part.len() > 1 && part.chars().all(|c| c.is_ascii_uppercase() || c == '_')
    };
    let first = path.split_once('/')?.0;
    let is_path = !path.contains([' ', '<', '$', '{']) && !path.split('/').any(is_placeholder);
    // What is built is not always there.
    let is_ours = !matches!(first, "" | "target") && root().join(first).is_dir();
    (is_path && is_ours).then(|| (root().join(path), test))
}

/// Whether a file declares a function with this name.
fn declares(file: &Path, function: &str) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    ["fn ", "def ", "test('", "function "].iter().any(|start| text.contains(&format!("{start}{function}")))
}

#[test]
fn files_and_tests_that_the_pages_name_exist() {
    let mut named = 0;
    for path in FOR_BUILDERS.iter().flat_map(|page| pages(&root().join(page))) {
        for code in Page::read(&path).code {
            let Some((file, test)) = named_file(&code) else { continue };
            named += 1;
            assert!(file.exists(), "{} names {code}, which does not exist", path.display());
            if let Some(test) = test {
                assert!(
                    declares(&file, test),
                    "{} names {code}, and the file has no such test",
                    path.display()
                );
            }
        }
    }
    assert!(named > 100, "the names were not found");
}

/// Each of the tasks in CONTRIBUTING.md names the first file to open and the test that shows that it works.
#[test]
fn the_tasks_name_the_first_file_and_a_test() {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let (_, tasks) = text.split_once("\n## Where to start\n").expect("CONTRIBUTING.md has the section");
    let tasks = tasks.split("\n## ").next().unwrap();
    let tasks: Vec<&str> = tasks.split("\n### ").skip(1).collect();
    assert!(tasks.len() >= 12, "{} tasks", tasks.len());
    for task in tasks {
        for part in ["- **Open first:** `", "- **Then:** ", "- **Test:** ", "- **Together with it:** "] {
            assert!(task.contains(part), "the task has no line {part:?}: {task}");
        }
    }
}

fn records() -> Vec<PathBuf> {
    let mut records = pages(&root().join("docs/decisions"));
    records.retain(|path| !path.ends_with("README.md"));
    assert!(records.len() > 10, "the records were not found");
    records
}

#[test]
fn decision_records_have_a_number_their_sections_and_a_line_in_the_index() {
    let index = std::fs::read_to_string(root().join("docs/decisions/README.md")).unwrap();
    for (number, path) in (1..).zip(records()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(name.starts_with(&format!("{number:04}-")), "{name} does not have the number {number}");
        assert!(text.starts_with(&format!("# {number}. ")), "{name}: the title has another number");
        for section in ["Context", "Decision", "Figures", "What would change it"] {
            assert!(text.contains(&format!("\n## {section}\n")), "{name} has no section {section:?}");
        }
        assert!(index.contains(&format!("]({name})")), "the index of the decisions does not list {name}");
    }
}

/// A row of the tables of constants: `| NAME | value and meaning | file |`.
#[test]
fn constants_in_the_decision_records_have_the_values_of_the_code() {
    let mut checked = 0;
    for path in records() {
        for row in Page::read(&path).rows {
            let [name, value, file] = row.as_slice() else { continue };
            let is_constant = name.contains('_') || name.chars().all(|c| c.is_ascii_uppercase());
            if !is_constant || !file.starts_with("src/") {
                continue;
            }
            checked += 1;
            let value = value.split(' ').next().unwrap().replace(',', "");
            let code = std::fs::read_to_string(root().join(file)).unwrap_or_default().replace('_', "");
            let declared = format!("const {}:", name.replace('_', ""));
            let found = code.lines().find(|line| line.contains(&declared));
            let found = found.unwrap_or_else(|| panic!("{}: {file} has no constant {name}", path.display()));
            let numbers: Vec<&str> = found.split(|c: char| !c.is_ascii_digit() && c != '.').collect();
            let has = numbers.iter().any(|number| number.parse::<f64>().ok() == value.parse().ok());
            assert!(has, "{}: {name} is not {value}: {found}", path.display());
        }
    }
    assert!(checked > 20, "the constants were not found");
}

/// Every module of the integration tests is in tests/README.md.
#[test]
fn the_page_on_tests_lists_every_module() {
    let page = std::fs::read_to_string(root().join("tests/README.md")).unwrap();
    let names = |directory: &str| -> Vec<String> {
        let entries = std::fs::read_dir(root().join(directory)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let sources = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
        sources.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let modules = [names("tests/it"), names("tests/it/serve")].concat();
    let is_support = |name: &str| matches!(name, "main" | "mod" | "util");
    for module in modules.iter().filter(|name| !is_support(name)) {
        assert!(page.contains(&format!("`{module}`")), "tests/README.md does not list the module {module}");
    }
}
