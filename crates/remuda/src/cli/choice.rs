//! `use`, `next`, `fallback`, `pool`, `spend`, `reset`.

use clap::{Args, Subcommand, ValueEnum};
use remuda_control::types::ResetWhat;
use remuda_core::Class;
use remuda_core::snapshot::Strategy;

/// Choose the account that serves.
///
/// Without a label it shows what is chosen and lets you pick. The choice holds for every request that has no pin of
/// its own, from the next request on; a running agent need not be restarted.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda use                        what is chosen? pick another
  remuda use work                   from now on the account `work`
  remuda use @spare                 from now on the pool `spare`
  remuda use work --session 3431a7  only this conversation
  remuda use work --project         agents started in this directory (writes .remuda.toml)")]
pub(crate) struct UseArgs {
    /// Label of an account, or @pool
    pub(crate) target: Option<String>,
    /// Only this conversation: the agent's own session id, or the beginning of a known one
    #[arg(long, value_name = "S", requires = "target")]
    pub(crate) session: Option<String>,
    /// Only agents started in this directory and below (writes .remuda.toml)
    #[arg(long, conflicts_with = "session")]
    pub(crate) project: bool,
}

/// Move on to the next account.
///
/// The next one in your order that can serve now. Metered accounts are passed over: money is only spent on an account
/// that you name.
#[derive(Debug, Args)]
pub(crate) struct NextArgs {
    /// Only this conversation
    #[arg(long, value_name = "S")]
    pub(crate) session: Option<String>,
}

/// Say who may stand in for an account.
///
/// When SOURCE cannot serve, its requests move along this list, in order, before the first word reaches the screen. A
/// chain leads one way only: `fallback work personal` never sends anything of `personal` to `work`. The chain of a
/// stand-in is not followed. Without a chain an account stands alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda fallback                        list all chains
  remuda fallback work personal @spare   personal, then the pool `spare`, stand in for work
  remuda fallback work --clear           work stands alone")]
pub(crate) struct FallbackArgs {
    /// Label of the account that is stood in for
    pub(crate) source: Option<String>,
    /// Who stands in, in order: labels and @pools. None: clears the chain, after a question
    pub(crate) targets: Vec<String>,
    /// Clear the chain without a question
    #[arg(long, requires = "source", conflicts_with = "targets")]
    pub(crate) clear: bool,
}

/// How a pool chooses the member on which a new conversation begins.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StrategyArg {
    /// The first member that can serve
    Ordered,
    /// Untouched members first, then the one of whose fullest window least is used
    Headroom,
    /// Untouched members first, then the one whose weekly window starts anew first
    SoonestReset,
    /// The one with most left for each hour until its reset, work under way counted
    Balanced,
    /// One after the other
    RoundRobin,
}

impl From<StrategyArg> for Strategy {
    fn from(arg: StrategyArg) -> Self {
        match arg {
            StrategyArg::Ordered => Self::Ordered,
            StrategyArg::Headroom => Self::Headroom,
            StrategyArg::SoonestReset => Self::SoonestReset,
            StrategyArg::Balanced => Self::Balanced,
            StrategyArg::RoundRobin => Self::RoundRobin,
        }
    }
}

/// `remuda pool …`.
#[derive(Debug, Subcommand)]
pub(crate) enum PoolCommand {
    /// List all pools (the default)
    List,
    /// Make a pool
    #[command(after_help = "\
Examples:
  remuda pool create spare side-project old-key
  remuda pool create team work personal --strategy headroom
  remuda use @team")]
    Create {
        /// Its name
        pool: String,
        /// Labels of its members, in order
        #[arg(required = true)]
        members: Vec<String>,
        /// How a member is chosen
        #[arg(long, default_value = "ordered")]
        strategy: StrategyArg,
    },
    /// Change a pool
    #[command(after_help = "\
Example:
  remuda pool edit team --strategy soonest-reset --add side-project")]
    Edit {
        /// Its name
        pool: String,
        /// Replace its members by these, in order
        #[arg(conflicts_with_all = ["add", "remove"])]
        members: Vec<String>,
        /// Put a member at the end
        #[arg(long, value_name = "LABEL")]
        add: Vec<String>,
        /// Take a member out
        #[arg(long, value_name = "LABEL")]
        remove: Vec<String>,
        /// How a member is chosen
        #[arg(long)]
        strategy: Option<StrategyArg>,
    },
    /// Delete a pool; its accounts stay
    Remove {
        /// Its name
        pool: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// Reasons after which spending can be acceptable.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum AfterArg {
    /// A plan window is spent
    WindowExhausted,
    /// The model's own limit is spent
    ModelExhausted,
    /// Too many requests at once
    Burst,
    /// Money or credits of the other account are spent
    Billing,
    /// The other account needs a login
    CredentialDead,
    /// The vendor has closed the other account
    AccountDisabled,
    /// A passing server fault
    Transient,
}

impl From<AfterArg> for Class {
    fn from(arg: AfterArg) -> Self {
        match arg {
            AfterArg::WindowExhausted => Self::WindowExhausted,
            AfterArg::ModelExhausted => Self::ModelExhausted,
            AfterArg::Burst => Self::Burst,
            AfterArg::Billing => Self::Billing,
            AfterArg::CredentialDead => Self::CredentialDead,
            AfterArg::AccountDisabled => Self::AccountDisabled,
            AfterArg::Transient => Self::Transient,
        }
    }
}

/// Say when a metered account may stand in.
///
/// Standing on a chain is not consent to spend. A metered account stands in only when a rule names the reason why the
/// first account could not serve, and only up to the rule's daily ceiling (list prices, UTC days). An account that
/// you choose yourself (`remuda use`) needs no rule.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda spend                                    list all rules
  remuda spend key --daily 5                      key may stand in when a plan window is spent, for 5 USD a day
  remuda spend key --after window_exhausted --after burst --daily 10
  remuda spend key --clear                        key never stands in")]
pub(crate) struct SpendArgs {
    /// Label of a metered account
    pub(crate) account: Option<String>,
    /// Reason why another account could not serve that makes spending acceptable (may be given several times)
    /// [default: window_exhausted]
    #[arg(long, value_name = "VERDICT", requires = "account")]
    pub(crate) after: Vec<AfterArg>,
    /// Most US dollars a day
    #[arg(long, value_name = "USD", requires = "account")]
    pub(crate) daily: Option<f64>,
    /// Delete the rule
    #[arg(long, requires = "account", conflicts_with_all = ["after", "daily"])]
    pub(crate) clear: bool,
}

/// What to forget.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum ResetArg {
    /// Rests of accounts and models: each may be asked again at once
    #[default]
    Cooldowns,
    /// Session pins and homes: every conversation is placed anew
    Pins,
    /// Both
    All,
}

impl From<ResetArg> for ResetWhat {
    fn from(arg: ResetArg) -> Self {
        match arg {
            ResetArg::Cooldowns => Self::Cooldowns,
            ResetArg::Pins => Self::Pins,
            ResetArg::All => Self::All,
        }
    }
}

/// Forget cool-downs or pins.
///
/// Accounts, credentials, chains and pools stay as they are.
#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// What to forget
    #[arg(default_value = "cooldowns")]
    pub(crate) what: ResetArg,
}
