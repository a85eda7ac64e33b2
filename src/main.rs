//! Parses the arguments, runs the command, and reports how it ended.

use std::process::ExitCode;

use rqsearch::cli;

fn main() -> ExitCode {
    match cli::run(cli::parse(std::env::args_os())) {
        Ok(outcome) => outcome.into(),
        Err(error) if cli::is_stdout_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            cli::report(&error);
            ExitCode::from(2)
        }
    }
}
