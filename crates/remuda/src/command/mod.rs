//! What each command does: ask the control API, show the answer, return the exit code.

mod account;
mod alert;
mod cache;
mod choice;
mod config_file;
mod daemon;
mod dashboard;
mod demo;
mod direct;
mod doctor;
mod fake;
mod import;
mod key;
mod limit;
mod login;
mod pool;
mod quota;
mod relay;
mod request;
mod run;
mod serve;
mod session;
mod setup;
mod since;
mod spend;
mod status;
mod statusline;
mod usage;

use remuda_control::{Failure, Serve};

use crate::backend::Backend;
use crate::cli::{Cli, Command};
use crate::config::{self, Config};
use crate::logging;
use crate::output::Out;
use crate::paths::Paths;
use crate::view;

pub(crate) use cache::CacheShown;
pub(crate) use config_file::{AllKeys, Checked, Shown};
pub(crate) use direct::LoggedIn;
pub(crate) use doctor::Examined;
pub(crate) use fake::FakeRuns;
pub(crate) use relay::{Answers, Planned, Saved, Serving, State};
pub(crate) use setup::SetUp;

/// Done.
const OK: u8 = 0;
/// Not as it should be.
const FAILED: u8 = 1;
/// An account needs a login.
const NEEDS_LOGIN: u8 = 3;
/// The daemon does not run.
const NOT_RUNNING: u8 = 4;

/// What every command works with.
pub(crate) struct Context {
    out: Out,
    paths: Paths,
    /// Only those who work on the state themselves need it: a running daemon has its own.
    config: Result<Config, Failure>,
}

impl Context {
    /// Finds the herd of this user.
    fn find(out: Out) -> Result<Self, Failure> {
        let paths = Paths::find(std::env::var_os("REMUDA_HOME"))?;
        let config = config::load(&paths.config());
        Ok(Self { out, paths, config })
    }

    /// The configuration.
    fn config(&self) -> Result<&Config, Failure> {
        self.config.as_ref().map_err(Clone::clone)
    }

    /// Whoever answers verbs.
    async fn backend(&self) -> Result<Backend, Failure> {
        let backend = Backend::open(&self.paths, self.config()).await?;
        if let (Backend::Daemon(_), Err(refused)) = (&backend, &self.config) {
            let kept = format!("{}; the daemon keeps the last good configuration", refused.message);
            self.out.note(&view::note(&kept));
        }
        Ok(backend)
    }

    /// Asks one verb and shows its answer.
    async fn show<V: Serve>(&self, input: V::Input, text: impl FnOnce(&V::Answer) -> String) -> anyhow::Result<u8> {
        let answer = self.ask::<V>(input).await?;
        self.out.answer(answer, text)?;
        Ok(OK)
    }

    /// Asks one verb.
    async fn ask<V: Serve>(&self, input: V::Input) -> Result<V::Answer, Failure> {
        let backend = self.backend().await?;
        let answer = backend.call::<V>(input).await;
        backend.close().await;
        answer
    }

    /// Has the person agreed? Where nobody can be asked, `instead` says how to agree beforehand.
    fn agreed(&self, question: &str, instead: &str) -> anyhow::Result<bool> {
        if !self.out.can_ask() {
            return Err(Failure::invalid("this needs a yes, and nobody can be asked here").remedy(instead).into());
        }
        let answer = self.out.ask(&format!("{question} [y/N]"))?;
        Ok(answer.is_some_and(|answer| matches!(answer.to_lowercase().as_str(), "y" | "yes")))
    }
}

/// Carries out a command. Returns the exit code.
pub(crate) async fn run(cli: Cli, out: Out) -> anyhow::Result<u8> {
    // The daemon and the vendor in miniature tell what they do, other commands only what is wrong.
    logging::start(if matches!(cli.command, Command::Serve(_) | Command::Fake(_)) { "info" } else { "error" });
    let context = || Context::find(out);
    match cli.command {
        Command::Run(args) if args.direct => direct::run(&context()?, args).await,
        Command::Run(args) => run::run(&context()?, args).await,
        Command::Setup(args) => setup::setup(&context()?, args).await,
        Command::Undo(args) => setup::undo(&context()?, args).await,
        Command::Serve(args) => serve::serve(&context()?, args).await,
        Command::Stop => daemon::stop(&context()?).await,
        Command::Login(args) => login::login(&context()?, args).await,
        Command::Import(args) => import::import(&context()?, args).await,
        Command::Accounts { command } => account::accounts(&context()?, command).await,
        Command::Use(args) => choice::use_target(&context()?, args).await,
        Command::Next(args) => choice::next(&context()?, args).await,
        Command::Fallback(args) => choice::fallback(&context()?, args).await,
        Command::Pool { command } => pool::pool(&context()?, command).await,
        Command::Spend(args) => spend::spend(&context()?, args).await,
        Command::Limit(args) => limit::limit(&context()?, args).await,
        Command::Cache(args) => cache::cache(&context()?, args),
        Command::Hold { command } => limit::hold(&context()?, command).await,
        Command::Status(args) => status::status(&context()?, args).await,
        Command::StatusLine(args) => statusline::statusline(out, args).await,
        Command::Quota(args) => quota::quota(&context()?, args).await,
        Command::Minimum(args) => quota::minimum(&context()?, args).await,
        Command::KillSwitch(args) => quota::kill_switch(&context()?, args).await,
        Command::Explain(args) => request::explain(&context()?, args).await,
        Command::Log(args) => request::log(&context()?, args).await,
        Command::Dashboard(args) => dashboard::dashboard(&context()?, args).await,
        Command::Alerts { command } => alert::alerts(&context()?, command).await,
        Command::Usage(args) => usage::usage(&context()?, args).await,
        Command::Live { command } => session::live(&context()?, command).await,
        Command::Sessions { command } => session::sessions(&context()?, command).await,
        Command::Reset(args) => choice::reset(&context()?, args).await,
        Command::Key { command } => key::key(&context()?, command).await,
        Command::Relay { command } => relay::relay(&context()?, command).await,
        Command::Config { command } => config_file::config(out, command),
        Command::Fake(args) => fake::fake(out, args).await,
        Command::Doctor(args) => doctor::doctor(&context()?, args).await,
        Command::Demo => demo::demo(out).await,
        Command::Completions { shell } => completions(out, shell),
    }
}

fn completions(out: Out, shell: clap_complete::Shell) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::cli::command(), "remuda", &mut script);
    out.print(&String::from_utf8_lossy(&script))?;
    Ok(OK)
}
