//! The state opened by this very process: for the daemon, and for commands while no daemon runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use remuda_control::{Api, Failure, LoginEngine, Serve, Told};
use remuda_core::snapshot::Policy;
use remuda_core::{Protocol, UnixSeconds, Vendor};
use remuda_credentials::login::{LoginDesk, SystemEntropy};
use remuda_credentials::{Clock, Https, Keeper, SystemClock};
use remuda_gateway::{Herd, Journal};
use remuda_store::{KeySource, Places, Retention, SqliteOptions, SqliteStore, Store};
use remuda_vendors::anthropic::Endpoints;

use crate::config::Config;
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
        let engine = login_engine(keeper, config);
        let logins = engine.desk.clone();
        let api = Api::new(Arc::new(herd), engine, None);
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
        },
    }
}

/// Where the store's files are.
pub(crate) fn places(paths: &Paths) -> Places {
    Places::in_home(&paths.data_dir)
}

/// The numbers of routing.
pub(crate) fn policy(config: &Config) -> Policy {
    Policy { quota_max_age_s: i64::from(config.quota.max_age_s.get()), ..Policy::default() }
}

/// Token endpoints that the configuration names.
pub(crate) fn token_urls(config: &Config) -> BTreeMap<Vendor, String> {
    config.vendors.anthropic.token.iter().map(|url| (Vendor::Anthropic, url.clone())).collect()
}

/// What logging in needs.
pub(crate) fn login_engine(keeper: Keeper, config: &Config) -> LoginEngine {
    let desk = LoginDesk::new(keeper.clone(), Arc::new(SystemEntropy));
    LoginEngine { desk, keeper, anthropic: anthropic(config) }
}

/// Where accounts live that name no endpoint of their own, as far as the configuration says so.
pub(crate) fn bases(config: &Config) -> BTreeMap<(Vendor, Protocol), String> {
    let anthropic = config.vendors.anthropic.api.iter().map(|url| ((Vendor::Anthropic, Protocol::Messages), url));
    anthropic.map(|(what, url)| (what, url.trim_end_matches('/').to_owned())).collect()
}

/// Where Anthropic listens.
pub(crate) fn anthropic(config: &Config) -> Endpoints {
    let own = &config.vendors.anthropic;
    let known = Endpoints::default();
    let base = |url: &String| url.trim_end_matches('/').to_owned();
    Endpoints {
        authorize: own.authorize.clone().unwrap_or(known.authorize),
        token: own.token.clone().unwrap_or(known.token),
        copy_code_redirect: own.copy_code.clone().unwrap_or(known.copy_code_redirect),
        api_base: own.api.as_ref().map_or(known.api_base, base),
    }
}
