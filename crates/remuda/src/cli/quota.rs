//! `quota`, `minimum`, `killswitch`.

use clap::{Args, ValueEnum};
use remuda_control::types::UnknownSaid;

/// Show what is left of each account.
///
/// Every window that a vendor reports, with what is left of it, when it starts anew, how it is used in comparison with an
/// even burn, when it will give out at this rate, and how old the reading is. Readings come with the answers to your own
/// requests and cost nothing; vendors' usage endpoints are asked only where that is not enough.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda quota                  what is known
  remuda quota --refresh        ask the vendors first (not one that has asked for patience)
  remuda quota work --refresh   one account")]
pub(crate) struct QuotaArgs {
    /// Only this account
    pub(crate) account: Option<String>,
    /// Ask the vendors first
    #[arg(long)]
    pub(crate) refresh: bool,
}

/// What an unknown quota means.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum UnknownArg {
    /// The account may serve
    Open,
    /// It may not
    Closed,
    /// As for everyone; for everyone: closed
    Default,
}

impl From<UnknownArg> for UnknownSaid {
    fn from(arg: UnknownArg) -> Self {
        match arg {
            UnknownArg::Open => Self::Open,
            UnknownArg::Closed => Self::Closed,
            UnknownArg::Default => Self::Default,
        }
    }
}

/// Say how much of an account shall remain.
///
/// An account with less than that left stands behind everybody else: it is no stand-in, and as the account that a request
/// is meant for it gives way to its stand-ins, but serves when there is nobody else. What never gives way is the kill
/// switch. What is said of an account goes before what is said of everyone, window by window.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda minimum                       what holds for each account, and why
  remuda minimum 5h=10 7d=20           every account keeps 10% of five hours and 20% of a week
  remuda minimum work 5h=30            this account more
  remuda minimum work model:opus=15    for requests that name that model
  remuda minimum key 5h=0              this one need not keep anything
  remuda minimum work 5h=default       again as for everyone
  remuda minimum work --unknown open   it may serve while nothing is known of its quota
  remuda minimum work --clear          take back all that was said of it

Windows: 5h, 7d (or 1w), any other length such as 30d, and model:NAME.")]
pub(crate) struct MinimumArgs {
    /// Label of an account (none: everyone), then WINDOW=PERCENT as often as you like
    #[arg(value_name = "ACCOUNT|WINDOW=PERCENT")]
    pub(crate) words: Vec<String>,
    /// The account, if its label could be taken for something else
    #[arg(long, value_name = "LABEL")]
    pub(crate) account: Option<String>,
    /// What it means when a window's quota is not known, or known too long ago
    #[arg(long)]
    pub(crate) unknown: Option<UnknownArg>,
    /// First take back whatever was said
    #[arg(long)]
    pub(crate) clear: bool,
}

/// Keep a hard reserve that nothing breaks.
///
/// While it is on, an account with less than its reserve left serves nobody: not by failover, not by choice, not as the
/// only one. For accounts whose last part you need for yourself.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda killswitch                    is it on, and what holds for each account?
  remuda killswitch on 5h=5 7d=10      on, for every account
  remuda killswitch work 7d=25         this account keeps more
  remuda killswitch model:opus=10      for requests that name that model
  remuda killswitch work --clear       this account as everyone
  remuda killswitch off

What a quota that is not known means is said with `remuda minimum --unknown`.")]
pub(crate) struct KillSwitchArgs {
    /// on or off; label of an account (none: everyone); WINDOW=PERCENT as often as you like
    #[arg(value_name = "on|off|ACCOUNT|WINDOW=PERCENT")]
    pub(crate) words: Vec<String>,
    /// The account, if its label could be taken for something else
    #[arg(long, value_name = "LABEL")]
    pub(crate) account: Option<String>,
    /// First take back whatever was said
    #[arg(long)]
    pub(crate) clear: bool,
}
