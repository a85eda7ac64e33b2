//! Opens a file at a line in the user's editor.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

/// The editor if neither `VISUAL` nor `EDITOR` is set.
const FALLBACK: &str = if cfg!(windows) { "notepad" } else { "vi" };

/// The command line that opens a file at a line (from 1). `editor` is the value of `VISUAL` or `EDITOR`,
/// which may include arguments. An unknown editor gets only the file.
///
/// # Errors
/// `editor` is empty or has an unclosed quote.
pub fn command_line(editor: &str, file: &Path, line: u64) -> anyhow::Result<Vec<OsString>> {
    let words = shell_words::split(editor)
        .with_context(|| format!("could not parse the editor command {editor:?}"))?;
    let Some(program) = words.first() else { bail!("the editor command is empty") };
    let name = Path::new(program).file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let with_line = || {
        let mut file_and_line = file.as_os_str().to_owned();
        file_and_line.push(format!(":{line}"));
        file_and_line
    };
    let arguments: Vec<OsString> = match name.as_str() {
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
    Ok(words.into_iter().map(OsString::from).chain(arguments).collect())
}

/// Opens a file at a line in the editor from the environment, on this terminal, and waits until the editor
/// exits.
///
/// # Errors
/// The file does not exist, the editor cannot be started, or it exits with an error.
pub fn open(file: &Path, line: u64, tty: &File) -> anyhow::Result<()> {
    ensure!(file.is_file(), "{} does not exist", file.display());
    let named = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
    let editor = named.into_iter().find(|editor| !editor.trim().is_empty());
    let words = command_line(editor.as_deref().unwrap_or(FALLBACK), file, line)?;
    // The standard streams may be pipes, as in `id=$(rqsearch -i)`.
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
    fn each_editor_gets_the_line_in_its_own_syntax() {
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
    fn an_invalid_editor_command_is_an_error() {
        for editor in ["", "  ", "vim 'unclosed"] {
            assert!(command_line(editor, Path::new("a"), 1).is_err(), "{editor:?}");
        }
    }
}
