//! `rqsearch models`

#[cfg(feature = "remote")]
mod endpoints;
#[cfg(feature = "fastembed")]
mod fetch;
mod list;

use clap::Subcommand;

use super::outcome::Outcome;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exit status: 0 done, 1 no model has TEXT or the endpoint was not approved, 2 error."
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: list::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Download a model and check it: nothing is downloaded without this command
    #[cfg(feature = "fastembed")]
    Fetch(fetch::FetchArgs),
    /// Print the directory of an installed model; without NAME, the directory of all of them
    #[cfg(feature = "fastembed")]
    Path(fetch::PathArgs),
    /// Let indexes use an endpoint: it is sent the texts to index, and every phrase you search for
    #[cfg(feature = "remote")]
    Allow(endpoints::AllowArgs),
    /// Let no index use an endpoint any more
    #[cfg(feature = "remote")]
    Deny(endpoints::DenyArgs),
}

pub fn run(args: &Args) -> anyhow::Result<Outcome> {
    match &args.command {
        None => list::run(&args.list),
        #[cfg(feature = "fastembed")]
        Some(Command::Fetch(args)) => fetch::fetch(args),
        #[cfg(feature = "fastembed")]
        Some(Command::Path(args)) => fetch::path(args),
        #[cfg(feature = "remote")]
        Some(Command::Allow(args)) => endpoints::allow(args),
        #[cfg(feature = "remote")]
        Some(Command::Deny(args)) => endpoints::deny(args),
    }
}
