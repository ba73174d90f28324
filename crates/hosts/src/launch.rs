//! The plan for one agent process: program, arguments, what its environment gains and loses. Pure; [`crate::run`] carries it out.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use remuda_core::Vendor;
use secrecy::{ExposeSecret, SecretString};

use crate::overlay::{Facts, PlanError, Start, ToldBy};
use crate::own_file::OwnFile;
use crate::spec::{HostSpec, Remove, Set, Value, Way};
use crate::{headers, no_proxy};

/// The environment that the agent would inherit. May hold secrets of the person: never print it.
pub type Environment = BTreeMap<OsString, OsString>;

/// Where the agent is sent.
pub struct Gateway {
    /// Its address without a path or a slash at the end: `http://127.0.0.1:4747`.
    pub base_url: String,
    /// The client key minted for this process.
    pub key: SecretString,
    /// Vendors of the accounts that can serve.
    pub served: Vec<Vendor>,
}

/// How client keys begin; a value like that comes from a `remuda run` around this one and is no credential of the person.
const KEY_PREFIX: &[u8] = b"rmd_";

/// A planned agent process. Its secrets are in its environment only, never in its arguments or files.
pub struct Launch {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) set: BTreeMap<&'static str, Setting>,
    pub(crate) removed: Vec<&'static str>,
    pub(crate) files: Vec<OwnFile>,
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
    /// Plans how `program` (from [`HostSpec::find`]) is started on the gateway with the person's own arguments. `files`: the
    /// directory in which the agent finds files of ours.
    ///
    /// # Errors
    /// The agent cannot use these accounts, or a configuration that must be kept beside ours cannot be read.
    pub fn plan(
        host: &HostSpec,
        program: PathBuf,
        args: Vec<OsString>,
        gateway: &Gateway,
        inherited: &Environment,
        facts: &Facts,
        files: &Path,
    ) -> Result<Self, PlanError> {
        let served = &gateway.served;
        let way = host.ways.iter().find(|way| served.contains(&way.vendor)).ok_or_else(|| PlanError::OtherVendor {
            agent: host.name,
            served: served.clone(),
            speaks: host.vendors().collect(),
        })?;
        let mut launch = Self::bare(program);
        for set in host.set.iter().chain(way.set) {
            launch.set(set, way, gateway, inherited);
        }
        for remove in host.remove {
            launch.remove(remove, inherited);
        }
        launch.filter_headers(host, inherited);
        launch.bypass_proxies(gateway, inherited);
        if !host.is_own_command(&args) {
            let start = Start { base_url: &gateway.base_url, served, args: &args, inherited, facts };
            launch.add(host, &start, files)?;
        }
        launch.args.extend(args);
        Ok(launch)
    }

    /// Plans how the agent is started without the gateway, with all that it keeps in `profile`.
    ///
    /// # Errors
    /// The agent has no way to keep accounts apart.
    pub fn direct(
        host: &HostSpec,
        program: PathBuf,
        args: Vec<OsString>,
        profile: &Path,
        inherited: &Environment,
    ) -> Result<Self, PlanError> {
        let how = host.profile.as_ref().ok_or(PlanError::NoProfile { agent: host.name })?;
        let mut launch = Self { args, ..Self::bare(program) };
        launch.set.insert(how.variable, Setting::Plain(profile.into()));
        let why = "the login of the account's own profile serves";
        for name in how.remove {
            launch.leave_out(name, why, "start the agent without --direct to use it", inherited);
        }
        Ok(launch)
    }

    fn bare(program: PathBuf) -> Self {
        Self {
            program,
            args: Vec::new(),
            set: BTreeMap::new(),
            removed: Vec::new(),
            files: Vec::new(),
            notes: Vec::new(),
        }
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

    fn set(&mut self, set: &Set, way: &Way, gateway: &Gateway, inherited: &Environment) {
        let own = inherited.get(OsStr::new(set.name)).filter(|own| !own.is_empty());
        let setting = match set.value {
            Value::Text(text) => Setting::Plain(text.into()),
            Value::BaseUrl => Setting::Plain(format!("{}{}", gateway.base_url, way.path).into()),
            Value::Gateway => Setting::Plain(gateway.base_url.clone().into()),
            Value::Served => {
                let names: Vec<&str> = gateway.served.iter().map(|vendor| vendor.as_str()).collect();
                Setting::Plain(names.join(",").into())
            }
            Value::Key => Setting::Secret(gateway.key.clone()),
        };
        let ours = |own: &OsString| own == setting.as_os_str() || own.as_encoded_bytes().starts_with(KEY_PREFIX);
        if own.is_some_and(|own| !ours(own)) && !set.instead.is_empty() {
            self.notes.push(format!("your {} does not apply in this process; {}", set.name, set.instead));
        }
        self.set.insert(set.name, setting);
    }

    fn remove(&mut self, remove: &Remove, inherited: &Environment) {
        for name in remove.names {
            self.leave_out(name, remove.why, remove.instead, inherited);
        }
    }

    fn leave_out(&mut self, name: &'static str, why: &str, instead: &str, inherited: &Environment) {
        let Some(own) = inherited.get(OsStr::new(name)).filter(|_| !self.set.contains_key(name)) else { return };
        self.removed.push(name);
        if !own.is_empty() && !own.as_encoded_bytes().starts_with(KEY_PREFIX) {
            self.notes.push(format!("your {name} is left out: {why}; {instead}"));
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

    fn add(&mut self, host: &HostSpec, start: &Start<'_>, files: &Path) -> Result<(), PlanError> {
        let additions = (host.overlay)(start)?;
        self.args.extend(additions.before);
        self.notes.extend(additions.notes);
        for (name, value) in additions.set {
            self.set.insert(name, Setting::Plain(value));
        }
        for file in additions.files {
            let told_by = file.told_by;
            let file = OwnFile::of(file, files);
            match told_by {
                ToldBy::Option(option) => self.args.extend([option.into(), file.path.clone().into()]),
                ToldBy::Variable(name) => {
                    self.set.insert(name, Setting::Plain(file.path.clone().into()));
                }
            }
            self.files.push(file);
        }
        Ok(())
    }
}

impl HostSpec {
    /// Is it a command of the agent that never asks a model? Those have no use for the overlay, and some refuse it.
    fn is_own_command(&self, args: &[OsString]) -> bool {
        args.first().is_some_and(|first| self.own_commands.iter().any(|own| first == *own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claude::CLAUDE;
    use crate::codex::CODEX;
    use crate::pi::PI;
    use crate::spec::HOSTS;

    const KEY: &str = "rmd_planted-client-key";

    fn plan(inherited: &[(&str, &str)]) -> Launch {
        planned(&CLAUDE, &[Vendor::Anthropic], &["-p", "hi"], inherited).unwrap()
    }

    fn planned(
        host: &HostSpec,
        served: &[Vendor],
        args: &[&str],
        inherited: &[(&str, &str)],
    ) -> Result<Launch, PlanError> {
        let base_url = "http://127.0.0.1:4747".to_owned();
        let gateway = Gateway { base_url, key: SecretString::from(KEY), served: served.to_vec() };
        let inherited = inherited.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let args = args.iter().map(OsString::from).collect();
        let (facts, files) = (Facts::default(), Path::new("/state/agents"));
        Launch::plan(host, PathBuf::from("/bin").join(host.program), args, &gateway, &inherited, &facts, files)
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

    #[test]
    fn no_agent_gets_the_key_in_an_argument_or_a_file() {
        for host in HOSTS {
            for vendor in host.vendors() {
                let launch = planned(host, &[vendor], &[], &[]).unwrap();
                let holders = launch.set.values().filter(|setting| setting.as_os_str() == KEY);
                assert!(holders.count() > 0, "{} on {vendor}", host.name);
                assert!(launch.args.iter().all(|arg| !arg.to_string_lossy().contains("rmd_")), "{:?}", launch.args);
                assert!(launch.files.iter().all(|file| !file.content.contains("rmd_")), "{}", host.name);
                assert_eq!(launch.notes(), [""; 0], "{} on {vendor}", host.name);
            }
        }
    }

    #[test]
    fn every_agent_leaves_out_what_would_lead_around_the_gateway() {
        for host in HOSTS {
            for name in host.remove.iter().flat_map(|remove| remove.names) {
                let launch = planned(host, &[host.ways[0].vendor], &[], &[(name, "planted-value")]).unwrap();
                assert_eq!(launch.removed, [*name], "{}", host.name);
                assert!(launch.notes()[0].contains(name) && !launch.notes()[0].contains("planted-value"));
            }
        }
    }

    #[test]
    fn an_account_whose_protocol_the_agent_does_not_speak_stops_the_start() {
        let error = planned(&CODEX, &[Vendor::Anthropic], &[], &[]).err().unwrap();
        assert_eq!(error.to_string(), "Codex CLI does not speak the protocol of anthropic");
    }

    #[test]
    fn claude_on_an_account_of_alibaba_goes_to_its_anthropic_path() {
        let launch = planned(&CLAUDE, &[Vendor::Qwen], &[], &[]).unwrap();
        assert_eq!(value(&launch, "ANTHROPIC_BASE_URL"), Some("http://127.0.0.1:4747/qwen/anthropic"));
    }

    #[test]
    fn arguments_of_ours_come_before_the_persons_own_and_not_before_commands_of_the_agent() {
        let launch = planned(&PI, &[Vendor::Anthropic], &["-p", "hi"], &[]).unwrap();
        let [option, file, rest @ ..] = &launch.args[..] else { panic!("{:?}", launch.args) };
        assert_eq!((option.to_str(), rest), (Some("-e"), &["-p".into(), "hi".into()][..]));
        assert_eq!(file, launch.files[0].path.as_os_str());
        assert_eq!(planned(&PI, &[Vendor::Anthropic], &["list"], &[]).unwrap().args, ["list"]);
    }

    #[test]
    fn directly_an_agent_has_its_profile_and_none_of_the_persons_keys() {
        let inherited = [("CLAUDE_CODE_OAUTH_TOKEN", "planted-value")];
        let inherited = inherited.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let launch = Launch::direct(&CLAUDE, "/bin/claude".into(), vec!["-c".into()], Path::new("/p/work"), &inherited);
        let launch = launch.unwrap();
        assert_eq!(launch.plain("CLAUDE_CONFIG_DIR"), Some(OsStr::new("/p/work")));
        assert_eq!((launch.set.len(), &launch.removed[..]), (1, &["CLAUDE_CODE_OAUTH_TOKEN"][..]));
        assert!(!launch.notes()[0].contains("planted-value"));
    }
}
