//! `rqsearch models allow`, `rqsearch models deny`

use std::env;

use anyhow::ensure;

use crate::cli::option_values::parsed;
use crate::cli::outcome::Outcome;
use crate::cli::streams::say;
use crate::embed::address::Address;
use crate::embed::approvals::{Approvals, Approved};
use crate::hint::hinted;

#[derive(Debug, clap::Args)]
pub struct AllowArgs {
    /// The address, for example http://localhost:11434/v1; everything below it is approved as well
    #[arg(value_name = "URL", value_parser = address)]
    address: Address,
    /// Send it the key in this environment variable [default: no key]
    #[arg(long, value_name = "VARIABLE")]
    key_env: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct DenyArgs {
    /// The address
    #[arg(value_name = "URL", value_parser = address)]
    address: Address,
}

/// An address, or what `--model` takes: an address with the name of a model.
fn address(text: &str) -> Result<Address, String> {
    parsed(text.split_once('#').map_or(text, |(url, _)| url))
}

pub fn allow(args: &AllowArgs) -> anyhow::Result<Outcome> {
    let AllowArgs { address, key_env } = args;
    if let Some(variable) = key_env {
        let is_name = variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        ensure!(
            is_name && !variable.is_empty(),
            hinted(
                "--key-env takes the name of an environment variable, not a key",
                "--key-env RQSEARCH_API_KEY"
            )
        );
    }
    let mut approvals = Approvals::load()?;
    approvals.allow(Approved { address: address.clone(), key_env: key_env.clone() });
    approvals.save()?;
    say(&match key_env {
        None => {
            format!("rqsearch: approved {address} without a key; recorded in {}", approvals.path().display())
        }
        Some(variable) => {
            let unset = if env::var_os(variable).is_none() { ", which is not set" } else { "" };
            let path = approvals.path().display();
            format!("rqsearch: approved {address} with the key in {variable}{unset}; recorded in {path}")
        }
    });
    if !address.is_encrypted() && !address.is_loopback() {
        say("rqsearch: http:// is not encrypted: others on the network can read what is sent");
    }
    Ok(Outcome::Success)
}

pub fn deny(args: &DenyArgs) -> anyhow::Result<Outcome> {
    let mut approvals = Approvals::load()?;
    let removed = approvals.deny(&args.address);
    if removed.is_empty() {
        say(&format!("rqsearch: {} was not approved", args.address));
        return Ok(Outcome::Nothing);
    }
    approvals.save()?;
    for Approved { address, .. } in removed {
        say(&format!(
            "rqsearch: {address} is no longer approved; removed from {}",
            approvals.path().display()
        ));
    }
    Ok(Outcome::Success)
}
