//! `config.toml`: the numbers and addresses of one installation. It belongs to the user: every key has a default, an
//! unknown key is a mistake and is named with its line, and what commands write into it leaves comments alone.
//!
//! One file per section: its keys, their defaults, their bounds, and which of them hold without a restart. A new section
//! is a file, a field of [`Config`], and a line in `docs/configuration.md`. What a person says of accounts (chains,
//! minimums, rules) is no configuration: it lives in the store.

mod alerts;
mod bounded;
mod cache;
mod edit;
mod effective;
mod live;
mod quota;
mod read;
mod records;
mod refusals;
mod relay;
mod routing;
mod statusline;
mod vendors;

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use alerts::Alerts;
pub(crate) use bounded::Bounded;
pub(crate) use cache::{Cache, CacheMode};
pub(crate) use edit::{Edited, set, unset, write_whole};
pub(crate) use effective::{Effective, effective};
pub(crate) use live::{LOOK_EVERY, Live, follow};
pub(crate) use quota::Quota;
pub(crate) use read::{load, parse_toml};
pub(crate) use records::Records;
pub(crate) use refusals::Refusal;
pub(crate) use relay::{Relay, RelayHost, RelayTransport};
pub(crate) use routing::Routing;
pub(crate) use statusline::{Field, Share, StatusLine};
pub(crate) use vendors::{Endpoints, QwenBase, QwenKey, Vendors};

/// Settings of one installation of Remuda. Every key may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "config.toml of Remuda")]
pub(crate) struct Config {
    /// Where agents reach the gateway. Loopback only. Holds from the next start.
    #[schemars(with = "String")]
    pub(crate) listen: SocketAddr,
    /// Names besides `localhost` and the address itself under which it may be addressed (the `Host` header). Holds from
    /// the next start.
    pub(crate) hosts: Vec<String>,
    /// What is worth an alert, and where it goes.
    pub(crate) alerts: Alerts,
    /// What is left of the plans: how it is found out.
    pub(crate) quota: Quota,
    /// What is done with Anthropic's prompt-cache marks.
    pub(crate) cache: Cache,
    /// How long decision records stay, for `explain` and `log`. Holds from the next start.
    pub(crate) records: Records,
    /// How far routing goes for one request.
    pub(crate) routing: Routing,
    /// What refusals of vendors mean, where you know it better. Hold from the next start.
    pub(crate) refusals: Vec<Refusal>,
    /// A relay on the way to the vendors, for slow or metered uplinks.
    pub(crate) relay: Relay,
    /// What `remuda statusline` shows.
    pub(crate) statusline: StatusLine,
    /// Other endpoints than the vendors' own. Hold from the next start.
    pub(crate) vendors: Vendors,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4747)),
            hosts: Vec::new(),
            alerts: Alerts::default(),
            quota: Quota::default(),
            cache: Cache::default(),
            records: Records::default(),
            routing: Routing::default(),
            refusals: Vec::new(),
            relay: Relay::default(),
            statusline: StatusLine::default(),
            vendors: Vendors::default(),
        }
    }
}

impl Config {
    /// The keys in which another configuration differs that a running daemon cannot take over.
    pub(crate) fn needs_restart(&self, other: &Self) -> Vec<&'static str> {
        let differs = [
            ("listen", self.listen != other.listen),
            ("hosts", self.hosts != other.hosts),
            ("records", self.records != other.records),
            ("refusals", self.refusals != other.refusals),
            ("vendors", self.vendors != other.vendors),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }
}

/// The JSON Schema of the file, for editors and for whoever writes one by program.
pub(crate) fn schema() -> schemars::Schema {
    schemars::schema_for!(Config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_running_daemon_cannot_take_over_is_named() {
        let config = Config::default();
        assert!(config.needs_restart(&config).is_empty());
        let other = Config { hosts: vec!["herd.lan".to_owned()], ..Config::default() };
        assert_eq!(config.needs_restart(&other), ["hosts"]);
        let quota = Quota { poll: false, ..Quota::default() };
        assert!(config.needs_restart(&Config { quota, ..Config::default() }).is_empty(), "holds at once");
    }

    #[test]
    fn the_schema_knows_every_key_its_meaning_and_its_bounds() {
        let schema = serde_json::to_value(schema()).unwrap();
        assert_eq!(schema["additionalProperties"], false);
        assert!(schema["properties"]["listen"]["description"].as_str().unwrap().contains("Loopback"));
        let quota = &schema["$defs"]["Quota"];
        assert_eq!(quota["additionalProperties"], false);
        assert_eq!(quota["properties"]["poll_every_s"]["minimum"], 60, "{quota}");
        assert_eq!(quota["properties"]["poll_every_s"]["default"], 300);
    }
}
