//! `remuda`: one local gateway for all of a person's coding-agent accounts.
//!
//! This binary parses, calls the control API and prints. What it shows and changes goes through
//! [`remuda_control`]; what it prints goes through `output`.

mod backend;
mod cli;
mod command;
mod config;
mod demo;
mod here;
mod instance;
mod launch;
mod logging;
mod notify;
mod output;
mod paths;
mod profiles;
mod project;
mod relay_use;
mod serve;
mod view;

use std::process::ExitCode;

use clap::FromArgMatches;
use remuda_control::{Code, Failure};

use crate::cli::Cli;
use crate::output::Out;

/// A request makes some two hundred small allocations; glibc's allocator spends a seventh of its time on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::from_arg_matches(&cli::command().get_matches()) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let out = Out::new(cli.json);
    let ended = runtime()
        .enable_all()
        .build()
        .map_err(|error| anyhow::Error::new(error).context("the asynchronous runtime cannot be started"))
        .and_then(|runtime| runtime.block_on(command::run(cli, out)));
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let failure = told(error);
            out.failure(&failure);
            ExitCode::from(failure.code.exit())
        }
    }
}

/// On a single core a second worker would only hand work to and fro.
fn runtime() -> tokio::runtime::Builder {
    match std::thread::available_parallelism() {
        Ok(cores) if cores.get() == 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    }
}

/// An error as a failure that can be shown: what it is already, or its chain of causes.
fn told(error: anyhow::Error) -> Failure {
    match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(error) => {
            let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
            let failure = Failure::new(Code::Internal, error.to_string());
            if causes.is_empty() { failure } else { failure.why(causes.join(": ")) }
        }
    }
}
