//! The agent programs: how each is started on the gateway without touching a file of its owner.
//!
//! What is particular to an agent is a table ([`HostSpec`]); the code that reads the tables is the same for all. Called by
//! the `run` command:
//!
//! ```
//! use remuda_hosts::{Environment, Gateway, Launch, spec};
//! use secrecy::SecretString;
//!
//! let claude = spec(remuda_core::Host::Claude).ok_or("no such host")?;
//! let inherited = Environment::from([("HTTPS_PROXY".into(), "http://proxy.corp:3128".into())]);
//! let gateway = Gateway { base_url: "http://127.0.0.1:4747".to_owned(), key: SecretString::from("rmd_…") };
//! let launch = Launch::plan(claude, "/usr/bin/claude".into(), vec!["-p".into(), "hello".into()], &gateway, &inherited);
//! assert_eq!(launch.plain("ANTHROPIC_BASE_URL"), Some("http://127.0.0.1:4747/anthropic".as_ref()));
//! assert_eq!(launch.plain("NO_PROXY"), Some("127.0.0.1".as_ref()));
//! # Ok::<(), &str>(())
//! ```

mod claude;
mod find;
mod headers;
mod launch;
mod no_proxy;
mod process;
mod spec;

pub use find::FindError;
pub use launch::{Environment, Gateway, Launch};
pub use process::{RunError, exit_code, run};
pub use spec::{Cost, HostSpec, Remove, Set, Value, spec};
