//! The vendor as tests hold it: start, add accounts, script, look, stop.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::{FakeAccount, Kind, Tokens};
use crate::anthropic::messages::Cache;
use crate::config::{AccountSpec, Browser, Config, Reply, Slots};
use crate::fault::{Fault, Who};
use crate::grants::SCOPES;
use crate::log::Seen;
use crate::mint::Mint;
use crate::openai::cache::Prefixes;
use crate::openai_auth::{CHATGPT_SCOPE, jwt};
use crate::press;
use crate::quota::buckets::Minute;
use crate::quota::windows::Windows;
use crate::quota::{Buckets, Reading, Window};
use crate::server;
use crate::site::{QwenPlan, Region, Site, Vendor};
use crate::state::{Account, State};

/// Why the vendor cannot open its doors.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Everything here is unprotected by design.
    #[error("{0} is not a loopback address; the vendor in miniature only serves this machine")]
    NotLoopback(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}; is something else running there?")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// No randomness.
    #[error("the system gives no randomness: {0}")]
    Random(getrandom::Error),
    /// Two accounts of one name.
    #[error(transparent)]
    Account(#[from] NameTaken),
}

/// Names are how scripts and logs tell accounts apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is already an account named {0:?}")]
pub struct NameTaken(pub String);

/// What connections and handles share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) base_url: String,
    pub(crate) mint: Mint,
    pub(crate) state: Mutex<State>,
}

/// A running vendor. Stops when it is shut down; dropped without that, its tasks end with their runtime or at once at
/// their next await.
pub struct Fake {
    shared: Arc<Shared>,
    address: SocketAddr,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Fake {
    /// Listens and serves. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let wanted = config.listen;
        if !wanted.ip().is_loopback() {
            return Err(StartError::NotLoopback(wanted));
        }
        let failed = |source| StartError::Listen { address: wanted, source };
        let listener = server::listen(wanted).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mint = Mint::new(config.seed).map_err(StartError::Random)?;
        let state = Mutex::new(State::new(&config));
        let shared = Arc::new(Shared { base_url: format!("http://{address}"), mint, state, config });
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(server::accept(listener, Arc::clone(&shared), tasks.clone(), stop.clone()));
        Ok(Self { shared, address, tasks, stop })
    }

    /// `http://127.0.0.1:PORT`: Anthropic, for inference, usage and profile alike. The same as
    /// [`Fake::url`]`(Site::Anthropic)`.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.shared.base_url.clone()
    }

    /// What stands in for [`Site::real_origin`], without a slash at the end: `http://127.0.0.1:PORT/chatgpt` for
    /// `https://chatgpt.com`. What follows is the real vendor's path: `…/backend-api/codex/responses`.
    #[must_use]
    pub fn url(&self, site: Site) -> String {
        format!("{}{}", self.shared.base_url, site.prefix())
    }

    /// The two bases of one of Alibaba's hosts: OpenAI-compatible (`…/compatible-mode/v1`, for the Coding Plan `…/v1`) and
    /// Anthropic-compatible (`…/apps/anthropic`).
    #[must_use]
    pub fn qwen_urls(&self, plan: QwenPlan, region: Region) -> (String, String) {
        let (host, (openai, anthropic)) = (self.url(Site::Qwen { plan, region }), Site::qwen_bases(plan));
        (format!("{host}{openai}"), format!("{host}{anthropic}"))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The page at which a person consents (`https://claude.ai/oauth/authorize` of the real vendor).
    #[must_use]
    pub fn authorize_url(&self) -> String {
        format!("{}/oauth/authorize", self.shared.base_url)
    }

    /// Where codes and refresh tokens are exchanged (`https://platform.claude.com/v1/oauth/token`).
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("{}/v1/oauth/token", self.shared.base_url)
    }

    /// The redirect address of the page that shows `code#state` for copying. The real vendor's
    /// (`https://platform.claude.com/oauth/code/callback`) is accepted too and leads to the same page here.
    #[must_use]
    pub fn copy_code_redirect(&self) -> String {
        format!("{}/oauth/code/callback", self.shared.base_url)
    }

    /// Adds an account, with its key or long-lived token. Subscriptions get token pairs by logging in or
    /// [`FakeAccount::issue_tokens`].
    ///
    /// # Errors
    /// The name is taken.
    pub fn add_account(&self, spec: AccountSpec) -> Result<FakeAccount, NameTaken> {
        let mint = &self.shared.mint;
        let mut state = self.shared.state.lock();
        if state.accounts.iter().any(|account| account.spec.name == spec.name) {
            return Err(NameTaken(spec.name));
        }
        let index = state.accounts.len();
        let mut key_of = |prefix: &str| {
            let key = mint.secret(prefix);
            state.grants.add_key(key.clone(), index);
            key
        };
        let key = match spec.kind {
            Kind::ApiKey => key_of("sk-ant-api03-"),
            Kind::OpenAiKey => key_of("sk-proj-"),
            Kind::Qwen(QwenPlan::Coding) => key_of("sk-sp-"),
            // Nothing tells these two apart by their looks.
            Kind::Qwen(QwenPlan::PayAsYouGo | QwenPlan::Token) => key_of("sk-"),
            Kind::ChatGpt => String::new(),
            Kind::Subscription | Kind::StaticToken => {
                let token = mint.secret("sk-ant-oat01-");
                let now = state.clock.now();
                state.grants.add_static(token.clone(), index, now);
                token
            }
        };
        let handle = FakeAccount {
            shared: Arc::clone(&self.shared),
            index,
            name: spec.name.clone(),
            email: spec.email.clone(),
            account_uuid: mint.uuid("account", &spec.email),
            organization_uuid: mint.uuid("organization", &spec.organization),
            key,
            site: site_of(&spec),
        };
        let account = Account {
            account_uuid: handle.account_uuid.clone(),
            organization_uuid: handle.organization_uuid.clone(),
            disabled: false,
            lapsed: false,
            windows: windows(&spec),
            minute: Minute::new(&buckets(&spec), state.clock.now_ms()),
            cache: Cache::default(),
            prefixes: Prefixes::default(),
            spec,
        };
        state.accounts.push(account);
        Ok(handle)
    }

    /// Adds an answer to particular prompts, before those that are there.
    pub fn reply(&self, reply: Reply) {
        self.shared.state.lock().replies.insert(0, reply);
    }

    /// Queues faults. See [`Fault`] for which requests they meet.
    pub fn script(&self, who: impl Into<Who>, faults: impl IntoIterator<Item = Fault>) {
        let who = who.into();
        self.shared.state.lock().faults.extend(faults.into_iter().map(|fault| (who.clone(), fault)));
    }

    /// How many scripted faults have not been met.
    #[must_use]
    pub fn pending_faults(&self) -> usize {
        self.shared.state.lock().faults.len()
    }

    /// Forgets all scripted faults that have not been met.
    pub fn clear_faults(&self) {
        self.shared.state.lock().faults.clear();
    }

    /// Sets a window of an account; see [`FakeAccount::set_window`].
    pub fn set_window(&self, account: &FakeAccount, window: Window, used_percent: f64, resets_in_s: i64) {
        account.set_window(window, used_percent, resets_in_s);
    }

    /// Who is signed in at the authorize page from now on.
    pub fn set_browser(&self, browser: Browser) {
        self.shared.state.lock().browser = browser;
    }

    /// The person of this account confirms a device code, as at the page `…/codex/device`. False: no such code waits.
    pub fn confirm_device(&self, user_code: &str, account: &FakeAccount) -> bool {
        let mut state = self.shared.state.lock();
        let now = state.clock.now();
        state.devices.confirm(user_code, account.index, now)
    }

    /// Unix seconds by the vendor's clock.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.shared.state.lock().clock.now()
    }

    /// Puts the vendor's clock forward.
    pub fn advance(&self, seconds: i64) {
        self.shared.state.lock().clock.advance(seconds);
    }

    /// Everything received, oldest first, within the bounds of [`crate::LogLimits`]. Requests to `/__fake/` are not in it.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.state.lock().log.all()
    }

    /// What a gateway did that it must never do, in words. Empty is right.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.shared.state.lock().violations.all()
    }

    /// Registers the body that an agent sends. From the first one on, every request that asks a model must carry one of the
    /// registered bodies, byte for byte as on the wire, else it is a violation.
    pub fn expect_body(&self, body: &[u8]) {
        self.shared.state.lock().expected_bodies.insert(Sha256::digest(body).into());
    }

    /// Stops listening, drops every connection and waits until all tasks have ended.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn site_of(spec: &AccountSpec) -> Site {
    match spec.kind {
        Kind::Subscription | Kind::ApiKey | Kind::StaticToken => Site::Anthropic,
        Kind::OpenAiKey => Site::OpenAi,
        Kind::ChatGpt => Site::ChatGpt,
        Kind::Qwen(plan) => Site::Qwen { plan, region: spec.region },
    }
}

/// OpenAI and Alibaba have one bucket for tokens.
fn buckets(spec: &AccountSpec) -> Buckets {
    let given = spec.buckets;
    match spec.kind.vendor() {
        Vendor::Anthropic => given,
        Vendor::OpenAi | Vendor::Qwen => {
            Buckets { input_tokens: given.input_tokens.saturating_add(given.output_tokens), ..given }
        }
    }
}

fn windows(spec: &AccountSpec) -> Windows {
    let mut windows = Windows::new(&spec.model_windows);
    match spec.kind {
        Kind::Qwen(QwenPlan::Coding) => windows.add(Window::Month),
        Kind::ChatGpt if spec.chatgpt.slots == Slots::WeekOnly => windows.remove(&Window::FiveHour),
        _ => {}
    }
    windows
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shared {
    pub(crate) fn issue_tokens(&self, index: usize) -> Tokens {
        self.login(index, "", None)
    }

    /// A login of this client without a page; without a scope with everything that such an account can be granted.
    pub(crate) fn login(&self, index: usize, client_id: &str, scope: Option<String>) -> Tokens {
        let mut state = self.state.lock();
        let now = state.clock.now();
        let State { grants, accounts, .. } = &mut *state;
        let account = accounts.get(index);
        let chatgpt = account.filter(|account| account.spec.kind == Kind::ChatGpt);
        let everything = || if chatgpt.is_some() { CHATGPT_SCOPE.to_owned() } else { SCOPES.join(" ") };
        let scope = scope.unwrap_or_else(everything);
        let press = |index, scope: &str| press::print(accounts, &self.config, &self.mint, now, index, scope);
        let pair = grants.login(client_id, index, &scope, &press, now);
        let id_token = chatgpt.map(|account| jwt::id_token(account, &self.mint, now));
        let expires_in = pair.life_s;
        Tokens {
            id_token,
            access_token: pair.access,
            refresh_token: pair.refresh,
            expires_in,
            expires_at: now + expires_in,
            scope: pair.scope,
        }
    }

    pub(crate) fn expire_access(&self, index: usize) {
        let mut state = self.state.lock();
        let now = state.clock.now();
        state.grants.expire_access(index, now);
    }

    pub(crate) fn revoke_access(&self, index: usize) {
        self.state.lock().grants.revoke_access(index);
    }

    pub(crate) fn revoke_all(&self, index: usize) {
        self.state.lock().grants.revoke_all(index);
    }

    pub(crate) fn set_disabled(&self, index: usize, disabled: bool) {
        if let Some(account) = self.state.lock().accounts.get_mut(index) {
            account.disabled = disabled;
        }
    }

    pub(crate) fn set_lapsed(&self, index: usize, lapsed: bool) {
        if let Some(account) = self.state.lock().accounts.get_mut(index) {
            account.lapsed = lapsed;
        }
    }

    pub(crate) fn set_window(&self, index: usize, window: &Window, used_percent: f64, resets_in_s: i64) {
        let mut state = self.state.lock();
        let resets_at = state.clock.now() + resets_in_s;
        if let Some(account) = state.accounts.get_mut(index) {
            account.windows.set(window, used_percent, resets_at);
        }
    }

    pub(crate) fn windows(&self, index: usize) -> Vec<Reading> {
        let mut state = self.state.lock();
        let now = state.clock.now();
        state.accounts.get_mut(index).map_or_else(Vec::new, |account| {
            account.windows.roll(now);
            account.windows.readings()
        })
    }
}
