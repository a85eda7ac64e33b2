//! A file at a line, in the editor that somebody uses.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

/// What is used where neither `VISUAL` nor `EDITOR` is set.
const FALLBACK: &str = if cfg!(windows) { "notepad" } else { "vi" };

/// The command line that opens a file at a line (from 1): `editor` is what `VISUAL` or `EDITOR` says,
/// arguments included. An editor nobody knows gets the file alone.
///
/// # Errors
/// `editor` has a quote that is not closed, or is empty.
pub fn command_line(editor: &str, file: &Path, line: u64) -> anyhow::Result<Vec<OsString>> {
    let words = shell_words::split(editor).with_context(|| format!("could not read {editor:?}"))?;
    let Some(program) = words.first() else { bail!("the editor's command is empty") };
    let name = Path::new(program).file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let with_line = || {
        let mut place = file.as_os_str().to_owned();
        place.push(format!(":{line}"));
        place
    };
    let place: Vec<OsString> = match name.as_str() {
        "vi" | "vim" | "nvim" | "view" | "gvim" | "mvim" | "nano" | "pico" | "emacs" | "emacsclient"
        | "micro" | "kak" | "joe" | "jed" | "mg" | "ne" | "gedit" => {
            vec![format!("+{line}").into(), file.into()]
        }
        "code" | "code-insiders" | "codium" | "vscodium" | "cursor" => vec!["--goto".into(), with_line()],
        "hx" | "helix" | "zed" | "zeditor" | "subl" | "sublime_text" => vec![with_line()],
        "mate" | "kate" | "idea" | "rustrover" => {
            vec!["--line".into(), line.to_string().into(), file.into()]
        }
        _ => vec![file.into()],
    };
    Ok(words.into_iter().map(OsString::from).chain(place).collect())
}

/// Opens a file at a line in the editor that the environment names, on this terminal, and waits for it.
///
/// # Errors
/// The file is not there; the editor cannot be started, or says that it failed.
pub fn open(file: &Path, line: u64, tty: &File) -> anyhow::Result<()> {
    ensure!(file.is_file(), "{} is not there", file.display());
    let named = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
    let editor = named.into_iter().find(|editor| !editor.trim().is_empty());
    let words = command_line(editor.as_deref().unwrap_or(FALLBACK), file, line)?;
    // Our own streams may be a pipe: `id=$(rqsearch -i)`.
    let stream = || tty.try_clone().map(Stdio::from);
    let stdin = if cfg!(windows) { Stdio::inherit() } else { stream()? };
    let status = Command::new(&words[0])
        .args(&words[1..])
        .stdin(stdin)
        .stdout(stream()?)
        .stderr(stream()?)
        .status()
        .with_context(|| format!("could not start {}", words[0].to_string_lossy()))?;
    ensure!(status.success(), "{}: {status}", words[0].to_string_lossy());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(editor: &str, expected: &[&str]) {
        assert_eq!(command_line(editor, Path::new("/a b/faq.md"), 12).unwrap(), expected, "{editor}");
    }

    #[test]
    fn every_editor_is_told_the_line_its_own_way() {
        check("vi", &["vi", "+12", "/a b/faq.md"]);
        check("/usr/bin/nvim -u NONE", &["/usr/bin/nvim", "-u", "NONE", "+12", "/a b/faq.md"]);
        check("emacsclient -nw", &["emacsclient", "-nw", "+12", "/a b/faq.md"]);
        check("code --wait", &["code", "--wait", "--goto", "/a b/faq.md:12"]);
        check("hx", &["hx", "/a b/faq.md:12"]);
        check("'/my apps/subl' -w", &["/my apps/subl", "-w", "/a b/faq.md:12"]);
        check("kate", &["kate", "--line", "12", "/a b/faq.md"]);
        check("ed", &["ed", "/a b/faq.md"]);
    }

    #[test]
    fn a_command_that_is_none_is_refused() {
        for editor in ["", "  ", "vim 'unclosed"] {
            assert!(command_line(editor, Path::new("a"), 1).is_err(), "{editor:?}");
        }
    }
}
