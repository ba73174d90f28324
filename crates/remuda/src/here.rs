//! The state opened by this very process: for the daemon, and for commands while no daemon runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use remuda_control::{Api, Failure, Installation, LoginEngine, Serve, Told};
use remuda_core::poll::PollPolicy;
use remuda_core::snapshot::Policy;
use remuda_core::{Protocol, UnixSeconds, Vendor};
use remuda_credentials::login::{LoginDesk, SystemEntropy};
use remuda_credentials::{Clock, Https, Keeper, SystemClock};
use remuda_gateway::{Herd, Journal, Poller};
use remuda_store::{KeySource, Places, Retention, SqliteOptions, SqliteStore, Store};
use remuda_vendors::refresh::TokenUrls;
use remuda_vendors::{Addresses, OwnRows, qwen};

use crate::config::{Config, QwenBase, QwenKey};
use crate::instance::{Holder, Instance, Role};
use crate::paths::Paths;

/// Longest wait for the last page of a login to reach the browser.
const LOGINS_END_WITHIN: Duration = Duration::from_secs(2);

/// The verbs on a state that nobody else works on.
pub(crate) struct Here {
    api: Api,
    logins: LoginDesk,
    store: Arc<dyn Store>,
    // Last, so that the lock is held until everything else is gone.
    _instance: Instance,
}

impl Here {
    /// Opens the state if nobody works on it. `None`: somebody does.
    pub(crate) async fn open(paths: &Paths, config: &Config) -> Result<Option<Self>, Failure> {
        paths.create()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let holder =
            Holder { role: Role::Command, pid: std::process::id(), started_at: clock.now(), url: None, socket: None };
        let Some(instance) = Instance::take(paths, &holder)? else { return Ok(None) };
        let store = store(paths, config, clock.now()).await?;
        let journal = Arc::new(Journal::new(Arc::clone(&store), Arc::clone(&clock)));
        let herd = Herd::load(Arc::clone(&store), journal, Arc::clone(&clock), policy(config)).await.told()?;
        let keeper = Keeper::new(Arc::clone(&store), clock, Arc::new(Https::new()), token_urls(config));
        let herd = Arc::new(herd);
        let poller =
            Poller::new(Arc::clone(&herd), keeper.clone(), Arc::new(Https::new()), bases(config), poll(config));
        let engine = login_engine(keeper, config, paths);
        let logins = engine.desk.clone();
        let api = Api::new(herd, engine, Arc::new(poller), None);
        Ok(Some(Self { api, logins, store, _instance: instance }))
    }

    /// Answers a verb.
    pub(crate) async fn call<V: Serve>(&self, input: V::Input) -> Result<V::Answer, Failure> {
        V::answer(&self.api, input).await
    }

    /// Lets go of the state.
    pub(crate) async fn close(self) {
        // The browser still waits for the page that says how the login went.
        self.logins.shutdown(LOGINS_END_WITHIN).await;
        self.store.close().await;
    }
}

/// The numbers of alerts.
pub(crate) fn alert_rules(config: &Config) -> remuda_control::AlertRules {
    let alerts = &config.alerts;
    remuda_control::AlertRules {
        window_percent: alerts.window_percent.get().into(),
        spending_percent: alerts.spending_percent.get().into(),
        tokens_per_hour: alerts.tokens_per_hour,
        repeats: alerts.repeats,
    }
}

/// Opens the store.
pub(crate) async fn store(paths: &Paths, config: &Config, now: UnixSeconds) -> Result<Arc<dyn Store>, Failure> {
    Ok(Arc::new(SqliteStore::open(store_options(paths, config), now).await.told()?))
}

/// How the store is opened.
pub(crate) fn store_options(paths: &Paths, config: &Config) -> SqliteOptions {
    SqliteOptions {
        places: places(paths),
        // A home of its own is whole: it can be copied and thrown away without a trace in the keyring.
        key_source: if paths.is_home { KeySource::File } else { KeySource::Auto },
        retention: Retention {
            max_records: config.records.keep,
            max_age_s: i64::from(config.records.keep_days) * 86_400,
            ..Retention::default()
        },
    }
}

/// Where the store's files are.
pub(crate) fn places(paths: &Paths) -> Places {
    Places::in_home(&paths.data_dir)
}

/// The numbers of routing.
pub(crate) fn policy(config: &Config) -> Policy {
    config.routing.policy(Policy { quota_max_age_s: i64::from(config.quota.max_age_s.get()), ..Policy::default() })
}

/// How often vendors are asked what is left.
pub(crate) fn poll(config: &Config) -> PollPolicy {
    PollPolicy { enabled: config.quota.poll, every_s: i64::from(config.quota.poll_every_s.get()) }
}

/// The person's own rows for judging refusals.
pub(crate) fn own_rows(config: &Config) -> OwnRows {
    OwnRows(config.refusals.iter().map(|row| row.0.clone()).collect())
}

/// Token endpoints that the configuration names.
pub(crate) fn token_urls(config: &Config) -> TokenUrls {
    let mut urls = TokenUrls::default();
    urls.own.extend(config.vendors.anthropic.token.iter().map(|url| (Vendor::Anthropic, url.clone())));
    if config.vendors.openai.issuer.is_some() {
        let openai = addresses(config).openai;
        urls.own.insert(Vendor::OpenAi, openai.token());
        urls.shared = Some(openai.shared_token());
    }
    urls
}

/// What logging in needs.
pub(crate) fn login_engine(keeper: Keeper, config: &Config, paths: &Paths) -> LoginEngine {
    let desk = LoginDesk::new(keeper.clone(), Arc::new(SystemEntropy));
    let installation = Installation::at(paths.data_dir.join("installation"));
    LoginEngine { desk, keeper, addresses: addresses(config), installation }
}

/// Where accounts live that name no endpoint of their own, as far as the configuration says so.
pub(crate) fn bases(config: &Config) -> BTreeMap<(Vendor, Protocol), String> {
    let (anthropic, openai) = (&config.vendors.anthropic, &config.vendors.openai);
    let named = [
        (Vendor::Anthropic, Protocol::Messages, anthropic.api.clone()),
        (Vendor::OpenAi, Protocol::Responses, openai.api.clone()),
        (Vendor::OpenAi, Protocol::Chat, openai.api.clone()),
        (Vendor::OpenAi, Protocol::Codex, openai.backend.as_ref().map(|backend| format!("{}/codex", trimmed(backend)))),
    ];
    named.into_iter().filter_map(|(vendor, protocol, url)| Some(((vendor, protocol), trimmed(&url?)))).collect()
}

/// Where the vendors listen.
pub(crate) fn addresses(config: &Config) -> Addresses {
    let mut at = Addresses::default();
    let replace = |known: &mut String, own: &Option<String>| {
        if let Some(url) = own {
            *known = trimmed(url);
        }
    };
    let own = &config.vendors.anthropic;
    replace(&mut at.anthropic.authorize, &own.authorize);
    replace(&mut at.anthropic.token, &own.token);
    replace(&mut at.anthropic.copy_code_redirect, &own.copy_code);
    replace(&mut at.anthropic.api_base, &own.api);
    let own = &config.vendors.openai;
    replace(&mut at.openai.issuer, &own.issuer);
    replace(&mut at.openai.api_base, &own.api);
    replace(&mut at.openai.backend, &own.backend);
    if !config.vendors.qwen.bases.is_empty() {
        at.qwen.bases = config.vendors.qwen.bases.iter().map(qwen_base).collect();
    }
    at
}

fn qwen_base(own: &QwenBase) -> qwen::Base {
    qwen::Base {
        kind: match own.kind {
            QwenKey::PayAsYouGo => qwen::KeyKind::PayAsYouGo,
            QwenKey::CodingPlan => qwen::KeyKind::CodingPlan,
            QwenKey::TokenPlan => qwen::KeyKind::TokenPlan,
        },
        region: own.region.clone(),
        openai: trimmed(&own.openai),
        anthropic: own.anthropic.as_deref().map(trimmed),
    }
}

fn trimmed(url: impl AsRef<str>) -> String {
    url.as_ref().trim_end_matches('/').to_owned()
}
