//! Parse, run, report how it went.

use std::process::ExitCode;

use rqsearch::cli;

#[expect(clippy::print_stderr, reason = "talk for the person at the terminal")]
fn main() -> ExitCode {
    match cli::run(cli::parse(std::env::args_os())) {
        Ok(outcome) => outcome.into(),
        Err(error) if cli::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rqsearch: {error:#}");
            ExitCode::from(2)
        }
    }
}
