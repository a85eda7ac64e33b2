//! Completions, tested in real shells, and man pages, tested with `man` and `mandoc`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::util::{Dir, tools};

/// Runs a script in a shell, with the program in `PATH`. Returns the lines of stdout; `None` if the shells
/// are not installed.
fn shell(shell: &[&str], script: &str) -> Option<Vec<String>> {
    tools("shells")?;
    let dir = Dir::new();
    let program = Path::new(env!("CARGO_BIN_EXE_rqsearch"));
    let paths = std::env::var_os("PATH").unwrap();
    let paths = std::iter::once(program.parent().unwrap().to_owned()).chain(std::env::split_paths(&paths));
    let output = Command::new(shell[0])
        .args(&shell[1..])
        .arg(script)
        .current_dir(dir.path())
        .env("HOME", dir.path())
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("TERM", "dumb")
        .env_remove("RQSEARCH_INDEX")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && stderr.is_empty(), "{shell:?} {script}\n{stdout}{stderr}");
    Some(stdout.lines().map(str::to_owned).collect())
}

/// The completions that bash offers for the last of these words.
fn bash(words: &[&str]) -> Option<Vec<String>> {
    let typed: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    // compopt works only during completion, so it is replaced.
    let script = format!(
        "compopt() {{ :; }} && source <(rqsearch completions bash) && complete -p rqsearch >/dev/null && COMP_WORDS=({}) && COMP_CWORD={} \
         && _rqsearch rqsearch {} {} && printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        typed.join(" "),
        words.len() - 1,
        typed[words.len() - 1],
        typed[words.len() - 2],
    );
    shell(&["bash", "--norc", "-c"], &script)
}

#[test]
fn bash_completes() {
    let Some(offered) = bash(&["rqsearch", "ind"]) else { return };
    assert_eq!(offered, ["index"]);
    let offers = |words: &[&str]| bash(words).unwrap();
    for option in ["--limit", "--mode", "--index", "--builtin", "--explain"] {
        assert!(offers(&["rqsearch", "--"]).contains(&option.to_owned()), "{option}");
    }
    assert_eq!(offers(&["rqsearch", "--mode", ""]), ["hybrid", "keyword", "semantic"]);
    assert_eq!(offers(&["rqsearch", "dups", "--ac"]), ["--across"]);
    assert_eq!(offers(&["rqsearch", "completions", "f"]), ["fish"]);
    let everything = offers(&["rqsearch", ""]);
    assert!(!everything.iter().any(|word| word.contains('[') || word.contains('…')), "{everything:?}");
}

#[test]
fn fish_completes() {
    let offers = |typed: &str| {
        let script = format!("rqsearch completions fish | source; complete -C '{typed}'");
        shell(&["fish", "--no-config", "-c"], &script)
    };
    let Some(offered) = offers("rqsearch ind") else { return };
    assert!(offered.len() == 1 && offered[0].starts_with("index\tCreate or update"), "{offered:?}");
    assert!(offers("rqsearch --mo").unwrap()[0].starts_with("--mode"));
    assert!(offers("rqsearch dups --ac").unwrap()[0].starts_with("--across"));
    assert_eq!(offers("rqsearch --mode k").unwrap(), ["keyword\tKeyword search only"]);
}

/// Types into zsh on a pseudo-terminal, presses Tab, and makes the line editor print its line.
#[test]
fn zsh_completes() {
    let completed = |typed: &str| {
        let script = format!(
            r#"mkdir functions && rqsearch completions zsh > functions/_rqsearch
            zmodload zsh/zpty
            zpty shell zsh -f -i
            zpty -w shell 'fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D'
            zpty -w shell 'tell() {{ zle -I; print -r -- "<$BUFFER>" }}; zle -N tell; bindkey "^T" tell'
            zpty -w shell 'print re""ady'
            zpty -r shell started '*ready*'
            zpty -w -n shell $'{typed}\t\x14'
            zpty -r shell line '*<*>*'
            print -r -- "${{${{line##*<}}%%>*}}""#
        );
        shell(&["zsh", "-f", "-c"], &script)
    };
    let Some(line) = completed("rqsearch inde") else { return };
    assert_eq!(line, ["rqsearch index "]);
    for (typed, expected) in [
        ("rqsearch dups --acr", "rqsearch dups --across "),
        ("rqsearch --mode key", "rqsearch --mode keyword "),
        ("rqsearch --expl", "rqsearch --explain "),
        ("rqsearch completions fi", "rqsearch completions fish "),
    ] {
        assert_eq!(completed(typed).unwrap(), [expected]);
    }
}

#[test]
fn powershell_and_elvish_completions_are_generated() {
    let dir = Dir::new();
    for shell in ["powershell", "elvish"] {
        let script = dir.run(&["completions", shell]).success().stdout;
        assert!(script.contains("dups") && script.contains("--across"), "{shell}: {script}");
    }
    dir.run(&["completions", "tcsh"]).exits(2).says("possible values: bash");
}

/// Writes the man pages of all commands to a directory, and returns their paths.
fn pages(dir: &Dir) -> Vec<PathBuf> {
    dir.run(&["man", "--dir", "man/man1"]).success();
    let entries = dir.path().join("man/man1").read_dir().unwrap();
    let mut pages: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    pages
}

#[test]
fn every_command_has_a_man_page_that_can_be_printed() {
    let dir = Dir::new();
    let pages = pages(&dir);
    let names: Vec<_> = pages.iter().map(|page| page.file_name().unwrap().to_str().unwrap()).collect();
    for name in ["rqsearch.1", "rqsearch-index.1", "rqsearch-dups.1", "rqsearch-man.1"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    for page in &pages {
        let name = page.file_stem().unwrap().to_str().unwrap();
        let args = ["man", name.strip_prefix("rqsearch-").unwrap_or_default()];
        let args = if name == "rqsearch" { &args[..1] } else { &args };
        assert_eq!(dir.run(args).success().stdout, std::fs::read_to_string(page).unwrap(), "{name}");
    }
}

#[test]
fn man_and_mandoc_report_no_warnings() {
    if tools("shells").is_none() {
        return;
    }
    let dir = Dir::new();
    for page in pages(&dir) {
        let lint = Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).arg(&page).output().unwrap();
        let lint = String::from_utf8(lint.stdout).unwrap();
        // Known warnings: the pages have no date, and lists of values have an extra line break.
        let known = ["missing date", "skipping paragraph macro: br"];
        let warnings: Vec<&str> =
            lint.lines().filter(|line| !known.iter().any(|known| line.contains(known))).collect();
        assert!(warnings.is_empty(), "{warnings:?}");
        let read = Command::new("man")
            .args(["--warnings", "-l"])
            .arg(&page)
            .env("MANPAGER", "cat")
            .env("MANWIDTH", "100")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&read.stderr);
        assert!(read.status.success() && stderr.is_empty(), "{}: {stderr}", page.display());
        let text = String::from_utf8(read.stdout).unwrap();
        assert!(text.contains("SYNOPSIS") && text.contains("--color"), "{text}");
    }
}

#[test]
fn a_flag_in_a_phrase_has_a_hint() {
    let dir = Dir::new();
    for args in [&["what", "does", "-Wall", "do"][..], &["--no-verify"]] {
        let hint = "put '--' before the phrase: rqsearch -- what does -Wall do";
        dir.run(args).exits(2).says(hint);
        let searched = dir.run(&[&["--"], args].concat());
        assert!(matches!(searched.code, Some(0 | 1)), "{searched:?}");
    }
    // A known option with a typo is no phrase.
    dir.run(&["any", "phrase", "--limt", "3"]).exits(2).says("'--limit'");
}

#[test]
fn a_phrase_that_starts_like_a_command_has_a_hint() {
    let dir = Dir::indexed();
    for (typed, hint) in [
        ("man overboard", "`rqsearch search man …`"),
        ("mcp protocol", "'rqsearch search mcp protocol'"),
        ("completions of the square", "'rqsearch search completions of the square'"),
        ("stats of bread", "'rqsearch search stats of bread'"),
        ("show me how", "'rqsearch search show me how'"),
    ] {
        if typed.starts_with("mcp") && !cfg!(feature = "mcp") {
            continue;
        }
        let words: Vec<&str> = typed.split(' ').collect();
        dir.run(&words).exits(2).says(hint);
        let searched = dir.run(&[&["search"], words.as_slice()].concat());
        assert!(matches!(searched.code, Some(0 | 1)), "{searched:?}");
    }
    let option = dir.run(&["stats", "--limit", "3"]).exits(2);
    assert!(!option.stderr.contains("rqsearch search"), "{option:?}");
}

#[test]
fn version_shows_model_format_and_features() {
    let dir = Dir::new();
    let long = dir.run(&["--version"]).success().stdout;
    let lines: Vec<&str> = long.lines().collect();
    assert_eq!(lines[0], concat!("rqsearch ", env!("CARGO_PKG_VERSION")));
    assert!(lines[1].starts_with("model: all-MiniLM-L6-v2 ("), "{long}");
    assert_eq!(lines[2], format!("index format: {}", rqsearch::index::FORMAT));
    assert_eq!(lines[3].contains("mcp"), cfg!(feature = "mcp"), "{long}");
    assert_eq!(dir.run(&["-V"]).success().stdout.lines().count(), 1);
}

#[test]
fn a_closed_pipe_is_not_an_error_for_completions_and_man_pages() {
    let dir = Dir::new();
    for args in [&["completions", "bash"][..], &["man"]] {
        let mut child = dir.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()), "{args:?}");
    }
}
