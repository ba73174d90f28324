//! The way of a browser into the dashboard.

use remuda_core::UnixSeconds;
use serde::{Deserialize, Serialize};

/// Header in which a page that came in by cookie repeats the value of its [`CSRF_COOKIE`] with everything that changes
/// something. A page of another site can make a browser send the cookie, but it can read no cookie and set no header.
pub const CSRF_HEADER: &str = "x-remuda-csrf";
/// Cookie that scripts of the dashboard can read.
pub const CSRF_COOKIE: &str = "remuda_csrf";
/// Cookie that opens the control API; no script can read it.
pub const SESSION_COOKIE: &str = "remuda_session";
/// Beginning of the paths of one-time links.
pub const OPEN_PATH: &str = "/open/";

/// A link that opens the dashboard once.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DashboardLink {
    /// The address. Whoever has it first comes in.
    pub url: super::SentSecret,
    /// It opens nothing from then on.
    pub ends_at: UnixSeconds,
}
