//! `relay`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What to do with the relay.
#[derive(Debug, Subcommand)]
pub(crate) enum RelayCommand {
    On(RelayOnArgs),
    /// Send everything directly again
    ///
    /// The relay, its address and its token stay known: `remuda relay on` switches it on again.
    #[command(after_help = "Example:\n  remuda relay off")]
    Off,
    /// Show the relay, whether it answers, and what it has saved
    #[command(after_help = "Example:\n  remuda relay status\n  remuda relay status --json")]
    Status,
    Serve(RelayServeArgs),
    Setup(RelaySetupArgs),
    Rotate(RelayRotateArgs),
    Teardown(RelayTeardownArgs),
}

/// Ways to speak to a relay.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RelayTransportArg {
    /// A POST per request
    Http,
    /// A WebSocket per conversation
    Websocket,
}

/// Send large requests through a relay of yours.
///
/// Only what changed since the last turn is uploaded; the relay rebuilds the exact body and calls the vendor. It sees
/// requests and answers in passing, the vendor's credential among them: use a relay that is yours. The relay must answer
/// before it is switched on. Holds at once, without a restart.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda relay on                                        the relay that is known already
  remuda relay on --url https://relay.example.com --token-stdin < token
  remuda relay on --account work --host claude           only for these

Which bodies: those of at least relay.min_bytes (32768). What the relay cannot take goes directly
(relay.fallback_to_direct). Both are keys of config.toml: see docs/relay.md.")]
pub(crate) struct RelayOnArgs {
    /// Where it is
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Read its token from standard input
    #[arg(long, conflicts_with = "token_env")]
    pub(crate) token_stdin: bool,
    /// Read its token from this environment variable
    #[arg(long, value_name = "VAR")]
    pub(crate) token_env: Option<String>,
    /// How it is spoken to
    #[arg(long, value_enum)]
    pub(crate) transport: Option<RelayTransportArg>,
    /// Only for this account (again for more); `all`: for all
    #[arg(long, value_name = "LABEL")]
    pub(crate) account: Vec<String>,
    /// Only for this agent (again for more); `all`: for all
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Vec<String>,
}

/// Run a relay on this machine.
///
/// For a server of yours: any VPS or container. It keeps no file. Conversations are in memory, sealed with keys that only
/// their clients have, and forgotten after an hour without use.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  remuda relay serve --token-file /etc/remuda/relay-token                     behind a proxy on this machine
  remuda relay serve --token-file t --listen 0.0.0.0:443 --tls-cert c.pem --tls-key k.pem

The token file has one token per line, two while they are changed; it is read again when it changes.
Without one, the token is taken from the environment variable REMUDA_RELAY_TOKEN.")]
pub(crate) struct RelayServeArgs {
    /// Where clients reach it
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4750")]
    pub(crate) listen: SocketAddr,
    /// Who may use it
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Other machines reach it only through a proxy that speaks TLS: listen without it
    #[arg(long, conflicts_with = "tls_cert")]
    pub(crate) behind_tls_proxy: bool,
    /// Also call this origin (again for more); the vendors' own are always allowed
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow: Vec<String>,
    /// Megabytes of conversations to keep
    #[arg(long, value_name = "MB", default_value_t = 256)]
    pub(crate) keep_mb: u32,
    /// Requests per minute and token
    #[arg(long, value_name = "N", default_value_t = 600)]
    pub(crate) per_minute: u32,
}

/// Set up a relay of yours.
///
/// Shows what it will do and asks before it does it. Doing it again brings the relay up to date and changes nothing else.
/// At the end the relay must answer; then it is switched on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  CLOUDFLARE_API_TOKEN=… remuda relay setup --cloudflare --dry-run
  remuda relay setup --cloudflare --name my-relay        asks for the API token; it is never stored
  remuda relay setup --ssh me@vps.example --url https://relay.example.com
  remuda relay setup --print                             what to do by hand: unit, Dockerfile, commands")]
#[command(group(clap::ArgGroup::new("place").required(true)))]
pub(crate) struct RelaySetupArgs {
    /// As a Worker in your Cloudflare account
    #[arg(long, group = "place")]
    pub(crate) cloudflare: bool,
    /// As a service of your user on this machine, reached by SSH
    #[arg(long, value_name = "HOST", group = "place", requires = "url")]
    pub(crate) ssh: Option<String>,
    /// Print how to do it by hand
    #[arg(long, group = "place")]
    pub(crate) print: bool,
    /// Where the relay will be reached (for --ssh: the address of the proxy with TLS in front of it)
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) account: CloudflareArgs,
    /// Only show what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Which Worker of which account.
#[derive(Debug, Args)]
pub(crate) struct CloudflareArgs {
    /// The Worker's name
    #[arg(long, value_name = "NAME", default_value = "remuda-relay")]
    pub(crate) name: String,
    /// Read the API token from this environment variable; without it a person is asked
    #[arg(long, value_name = "VAR", default_value = "CLOUDFLARE_API_TOKEN")]
    pub(crate) api_token_env: String,
    /// Which Cloudflare account, if the token has several
    #[arg(long, value_name = "ID", env = "CLOUDFLARE_ACCOUNT_ID")]
    pub(crate) account_id: Option<String>,
    /// Also call this origin (again for more); the vendors' own are always allowed
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow: Vec<String>,
    /// Another address of Cloudflare's API: for trials
    #[arg(long, value_name = "URL", hide = true, default_value = "https://api.cloudflare.com/client/v4")]
    pub(crate) api: String,
}

/// Give the relay a new token.
///
/// Both tokens are valid until the client uses the new one, so that no request fails; then the old one ends.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  remuda relay rotate --cloudflare\n  remuda relay rotate --ssh me@vps.example")]
#[command(group(clap::ArgGroup::new("place").required(true)))]
pub(crate) struct RelayRotateArgs {
    /// A Worker in your Cloudflare account
    #[arg(long, group = "place")]
    pub(crate) cloudflare: bool,
    /// A service on this machine
    #[arg(long, value_name = "HOST", group = "place")]
    pub(crate) ssh: Option<String>,
    #[command(flatten)]
    pub(crate) account: CloudflareArgs,
}

/// Remove the relay.
///
/// Switches it off here and removes it there, with all that it holds.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  remuda relay teardown --cloudflare")]
#[command(group(clap::ArgGroup::new("place").required(true)))]
pub(crate) struct RelayTeardownArgs {
    /// A Worker in your Cloudflare account
    #[arg(long, group = "place")]
    pub(crate) cloudflare: bool,
    /// A service on this machine
    #[arg(long, value_name = "HOST", group = "place")]
    pub(crate) ssh: Option<String>,
    #[command(flatten)]
    pub(crate) account: CloudflareArgs,
    /// Only show what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}
