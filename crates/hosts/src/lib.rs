//! The agent programs: how each is started on the gateway without touching a file of its owner.
//!
//! What is particular to an agent is a table ([`HostSpec`]); the code that reads the tables is the same for all. Called by
//! the `run` command:
//!
//! ```
//! use remuda_core::{Host, Vendor};
//! use remuda_hosts::{Environment, Facts, Gateway, Launch, spec};
//! use secrecy::SecretString;
//!
//! let claude = spec(Host::Claude).ok_or("no such host")?;
//! let inherited = Environment::from([("HTTPS_PROXY".into(), "http://proxy.corp:3128".into())]);
//! let (base_url, key) = ("http://127.0.0.1:4747".to_owned(), SecretString::from("rmd_…"));
//! let gateway = Gateway { base_url, key, served: vec![Vendor::Anthropic] };
//! let (args, facts) = (vec!["-p".into(), "hello".into()], Facts::default());
//! let files = "/state/agents".as_ref();
//! let launch = Launch::plan(claude, "/usr/bin/claude".into(), args, &gateway, &inherited, &facts, files)?;
//! assert_eq!(launch.plain("ANTHROPIC_BASE_URL"), Some("http://127.0.0.1:4747/anthropic".as_ref()));
//! assert_eq!(launch.plain("NO_PROXY"), Some("127.0.0.1".as_ref()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod claude;
mod codex;
mod find;
mod headers;
pub mod import;
mod jsonc;
mod launch;
mod look;
mod no_proxy;
mod opencode;
mod overlay;
mod own_file;
mod pi;
mod process;
mod profile;
mod qwen;
pub mod setup;
mod spec;

pub use find::FindError;
pub use launch::{Environment, Gateway, Launch};
pub use overlay::{Additions, Facts, File, Overlay, PlanError, Start, ToldBy};
pub use process::{RunError, exit_code, run};
pub use profile::{OwnLogin, Profile};
pub use spec::{Cost, HOSTS, HostSpec, Remove, Set, Value, Way, spec};
