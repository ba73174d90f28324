//! The plan for one agent process: program, arguments, what its environment gains and loses. Pure; [`crate::run`] carries it out.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use crate::spec::{HostSpec, Remove, Set, Value};
use crate::{headers, no_proxy};

/// The environment that the agent would inherit. May hold secrets of the person: never print it.
pub type Environment = BTreeMap<OsString, OsString>;

/// Where the agent is sent.
pub struct Gateway {
    /// Its address without a path or a slash at the end: `http://127.0.0.1:4747`.
    pub base_url: String,
    /// The client key minted for this process.
    pub key: SecretString,
}

/// How client keys begin; a value like that comes from a `remuda run` around this one and is no credential of the person.
const KEY_PREFIX: &[u8] = b"rmd_";

/// A planned agent process. Its secrets are in its environment only, never in its arguments.
pub struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) set: BTreeMap<&'static str, Setting>,
    pub(crate) removed: Vec<&'static str>,
    notes: Vec<String>,
}

pub(crate) enum Setting {
    Plain(OsString),
    Secret(SecretString),
}

impl Setting {
    pub(crate) fn as_os_str(&self) -> &OsStr {
        match self {
            Self::Plain(text) => text,
            Self::Secret(key) => OsStr::new(key.expose_secret()),
        }
    }
}

impl Launch {
    /// Plans how `program` (from [`HostSpec::find`]) is started on the gateway with the person's own arguments.
    #[must_use]
    pub fn plan(
        host: &HostSpec,
        program: PathBuf,
        args: Vec<OsString>,
        gateway: &Gateway,
        inherited: &Environment,
    ) -> Self {
        let mut launch = Self { program, args, set: BTreeMap::new(), removed: Vec::new(), notes: Vec::new() };
        for set in host.set {
            launch.set(set, host, gateway, inherited);
        }
        for remove in host.remove {
            launch.remove(remove, inherited);
        }
        launch.filter_headers(host, inherited);
        launch.bypass_proxies(gateway, inherited);
        launch
    }

    /// What the person should know before the agent starts: which of their variables do not apply, and what to do instead.
    /// Holds names, never values.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The value that the agent's process gets for a variable, unless it is a secret.
    #[must_use]
    pub fn plain(&self, name: &str) -> Option<&OsStr> {
        match self.set.get(name)? {
            Setting::Plain(text) => Some(text),
            Setting::Secret(_) => None,
        }
    }

    fn set(&mut self, set: &Set, host: &HostSpec, gateway: &Gateway, inherited: &Environment) {
        let own = inherited.get(OsStr::new(set.name)).filter(|own| !own.is_empty());
        let setting = match set.value {
            Value::Text(text) => Setting::Plain(text.into()),
            Value::BaseUrl => Setting::Plain(format!("{}{}", gateway.base_url, host.path).into()),
            Value::Key => Setting::Secret(gateway.key.clone()),
        };
        let ours = |own: &OsString| own == setting.as_os_str() || own.as_encoded_bytes().starts_with(KEY_PREFIX);
        if own.is_some_and(|own| !ours(own)) && !set.instead.is_empty() {
            self.notes.push(format!("your {} does not apply in this process; {}", set.name, set.instead));
        }
        self.set.insert(set.name, setting);
    }

    fn remove(&mut self, remove: &Remove, inherited: &Environment) {
        for &name in remove.names {
            let Some(own) = inherited.get(OsStr::new(name)) else { continue };
            self.removed.push(name);
            if !own.is_empty() {
                self.notes.push(format!("your {name} is left out: {}; {}", remove.why, remove.instead));
            }
        }
    }

    fn filter_headers(&mut self, host: &HostSpec, inherited: &Environment) {
        let Some(name) = host.headers_variable else { return };
        let own = inherited.get(OsStr::new(name)).and_then(|own| own.to_str());
        if let Some((kept, out)) = own.and_then(headers::without_credentials) {
            self.notes.push(format!("left out of your {name}: {}; the gateway adds the credential", out.join(", ")));
            self.set.insert(name, Setting::Plain(kept.into()));
        }
    }

    fn bypass_proxies(&mut self, gateway: &Gateway, inherited: &Environment) {
        let own = |name: &str| inherited.get(OsStr::new(name)).and_then(|own| own.to_str());
        if let Some(list) = no_proxy::exceptions(&gateway.base_url, own("NO_PROXY"), own("no_proxy")) {
            self.set.insert("NO_PROXY", Setting::Plain(list.clone().into()));
            self.set.insert("no_proxy", Setting::Plain(list.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claude::CLAUDE;

    const KEY: &str = "rmd_planted-client-key";

    fn plan(inherited: &[(&str, &str)]) -> Launch {
        let gateway = Gateway { base_url: "http://127.0.0.1:4747".to_owned(), key: SecretString::from(KEY) };
        let inherited = inherited.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Launch::plan(&CLAUDE, "/bin/claude".into(), vec!["-p".into(), "hi".into()], &gateway, &inherited)
    }

    fn value<'a>(launch: &'a Launch, name: &str) -> Option<&'a str> {
        launch.set.get(name).and_then(|setting| setting.as_os_str().to_str())
    }

    #[test]
    fn claude_gets_the_address_and_the_key_and_nothing_to_say() {
        let launch = plan(&[("PATH", "/bin"), ("HOME", "/home/me"), ("ANTHROPIC_MODEL", "opus")]);
        assert_eq!(value(&launch, "ANTHROPIC_BASE_URL"), Some("http://127.0.0.1:4747/anthropic"));
        assert_eq!(value(&launch, "ANTHROPIC_AUTH_TOKEN"), Some(KEY));
        assert_eq!(value(&launch, "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"), Some("1"));
        assert_eq!(value(&launch, "NO_PROXY"), Some("127.0.0.1"));
        assert_eq!(value(&launch, "no_proxy"), Some("127.0.0.1"));
        assert_eq!(launch.set.len(), 5);
        assert!(launch.removed.is_empty());
        assert_eq!(launch.notes(), [""; 0]);
    }

    #[test]
    fn the_arguments_are_the_persons_own_and_hold_no_key() {
        let launch = plan(&[]);
        assert_eq!(launch.args, ["-p", "hi"]);
        assert_eq!(launch.plain("ANTHROPIC_AUTH_TOKEN"), None);
    }

    #[test]
    fn every_way_around_the_gateway_is_left_out_with_a_note() {
        for name in CLAUDE.remove.iter().flat_map(|remove| remove.names) {
            let launch = plan(&[(name, "planted-value")]);
            assert_eq!(launch.removed, [*name]);
            let [note] = launch.notes() else { panic!("{name}: {:?}", launch.notes()) };
            assert!(note.contains(name) && !note.contains("planted-value"), "{note}");
        }
    }

    #[test]
    fn an_empty_variable_is_left_out_without_a_word() {
        let launch = plan(&[("ANTHROPIC_API_KEY", "")]);
        assert_eq!(launch.removed, ["ANTHROPIC_API_KEY"]);
        assert_eq!(launch.notes(), [""; 0]);
    }

    #[test]
    fn an_endpoint_of_the_person_is_replaced_with_a_note() {
        let launch = plan(&[("ANTHROPIC_BASE_URL", "https://llm.corp"), ("ANTHROPIC_AUTH_TOKEN", "planted-value")]);
        assert_eq!(value(&launch, "ANTHROPIC_BASE_URL"), Some("http://127.0.0.1:4747/anthropic"));
        assert_eq!(value(&launch, "ANTHROPIC_AUTH_TOKEN"), Some(KEY));
        assert_eq!(launch.notes().len(), 2);
        assert!(launch.notes().iter().all(|note| note.contains("remuda login") && !note.contains("planted-value")));
    }

    #[test]
    fn a_run_inside_a_run_has_nothing_to_say() {
        let inherited = [
            ("ANTHROPIC_BASE_URL", "http://127.0.0.1:4747/anthropic"),
            ("ANTHROPIC_AUTH_TOKEN", "rmd_of-the-outer-run"),
        ];
        let launch = plan(&inherited);
        assert_eq!(value(&launch, "ANTHROPIC_AUTH_TOKEN"), Some(KEY));
        assert_eq!(launch.notes(), [""; 0]);
    }

    #[test]
    fn a_proxy_keeps_its_exceptions_and_gains_the_gateway() {
        let launch = plan(&[("HTTPS_PROXY", "http://proxy.corp:3128"), ("no_proxy", "git.corp")]);
        assert_eq!(value(&launch, "NO_PROXY"), Some("git.corp,127.0.0.1"));
        assert_eq!(value(&launch, "HTTPS_PROXY"), None, "inherited as it is");
    }

    #[test]
    fn credential_headers_of_the_person_are_left_out_by_name() {
        let launch = plan(&[("ANTHROPIC_CUSTOM_HEADERS", "X-Team: blue\nx-api-key: planted-value")]);
        assert_eq!(value(&launch, "ANTHROPIC_CUSTOM_HEADERS"), Some("X-Team: blue"));
        let [note] = launch.notes() else { panic!("{:?}", launch.notes()) };
        assert!(note.contains("x-api-key") && !note.contains("planted-value"), "{note}");
    }
}
