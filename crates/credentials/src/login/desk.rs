//! The logins under way: at most [`MAX_PENDING`], each for at most [`PATIENCE_S`] seconds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use remuda_core::{AccountId, CredentialKind, Label, Protocol, UnixSeconds, Vendor};
use remuda_store::{Credential, Endpoint};
use remuda_vendors::login::{Code, Flow as OauthFlow, Login, LoginError, Redirect};
use remuda_vendors::openai::{self, Installation, device::DeviceCode};
use remuda_vendors::{Addresses, anthropic};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::entropy::Entropy;
use super::failure::LoginFailure;
use super::finish::{Obtained, account_id, keep, redeem};
use super::loopback::{Callback, Loopback, Page};
use super::secret::examine;
use super::{Compatible, LoggedIn, LoginRequest, Place, Way, device};
use crate::keeper::Keeper;

/// Logins under way at once. One more ends the oldest.
pub const MAX_PENDING: usize = 50;

/// A login that nobody finishes ends after this many seconds; one by device code when the vendor's code ends.
pub const PATIENCE_S: i64 = 600;

/// Names a login under way. Cannot be guessed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoginId(pub String);

impl fmt::Display for LoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a login stands.
#[derive(Clone, Debug)]
pub enum Stage {
    /// For the browser, or for a code.
    Waiting {
        /// The page to open.
        url: String,
        /// What to type there (device login).
        user_code: Option<String>,
        /// Then it ends.
        ends_at: UnixSeconds,
    },
    /// Stored, and read back.
    Done(Box<LoggedIn>),
    /// It ended otherwise.
    Failed(LoginFailure),
}

/// Where people log in.
#[derive(Clone)]
pub struct LoginDesk {
    inner: Arc<Inner>,
}

struct Inner {
    keeper: Keeper,
    entropy: Arc<dyn Entropy>,
    /// At most [`MAX_PENDING`], finished ones included until their time is over.
    flows: Mutex<BTreeMap<LoginId, Arc<Flow>>>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

/// One login that waits.
struct Flow {
    login: Login,
    request: LoginRequest,
    began: u64,
    ends_at: UnixSeconds,
    stage: watch::Sender<Stage>,
    /// A code can be redeemed once; the browser and a person who pastes may come at the same time.
    redeeming: tokio::sync::Mutex<()>,
    ended: CancellationToken,
}

impl LoginDesk {
    /// A desk whose logins go to the keeper's store.
    #[must_use]
    pub fn new(keeper: Keeper, entropy: Arc<dyn Entropy>) -> Self {
        let inner = Inner {
            keeper,
            entropy,
            flows: Mutex::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Begins a login. With a key or token it is done when this returns; otherwise it waits for the browser or a code.
    ///
    /// # Errors
    /// [`LoginFailure`].
    pub async fn start(&self, mut request: LoginRequest) -> Result<(LoginId, Stage), LoginFailure> {
        let inner = &self.inner;
        if request.base_url.is_none() {
            inner.stay(&mut request).await?;
        }
        if let Some(base_url) = &mut request.base_url {
            *base_url = usable_url(base_url)?;
        }
        let id = LoginId(inner.random_text()?);
        match request.way.clone() {
            Way::Key(secret) | Way::Token(secret) => {
                // In a task: a caller that goes away does not leave half a login.
                let task = inner.clone();
                let done = inner.owned(async move {
                    let obtained = examine(&request, &secret, &*task.keeper.inner().exchange).await?;
                    task.keep(&request, obtained).await
                });
                Ok((id, Stage::Done(Box::new(done.await?))))
            }
            Way::Paste => {
                let login = inner.login(&request, Redirect::CopyCode).await?;
                let flow = inner.add(&id, login, request, None)?;
                let stage = flow.stage.borrow().clone();
                inner.tasks.spawn(inner.clone().end_in_time(flow));
                Ok((id, stage))
            }
            Way::Browser => {
                let mut login = inner.login(&request, Redirect::CopyCode).await?;
                let opened = Loopback::open(login.flow.ports(), login.flow.callback_path()).await;
                let loopback = opened.map_err(|e| LoginFailure::NoPort(e.to_string()))?;
                login.redirect = Redirect::Loopback(loopback.port);
                let flow = inner.add(&id, login, request, None)?;
                let stage = flow.stage.borrow().clone();
                inner.tasks.spawn(inner.clone().end_in_time(flow.clone()));
                inner.tasks.spawn(inner.clone().listen(flow, loopback));
                Ok((id, stage))
            }
            Way::Device => {
                let login = inner.login(&request, Redirect::Device).await?;
                let OauthFlow::Codex(at) = login.flow.clone() else {
                    return Err(LoginFailure::NoSuchWay(
                        "only ChatGPT plans have a login by device code; use the browser, or --paste",
                    ));
                };
                let code = device::begin(&at, &*inner.keeper.inner().exchange).await?;
                let flow = inner.add(&id, login, request, Some((&at, &code)))?;
                let stage = flow.stage.borrow().clone();
                inner.tasks.spawn(inner.clone().end_in_time(flow.clone()));
                inner.tasks.spawn(inner.clone().ask(flow, at, code));
                Ok((id, stage))
            }
        }
    }

    /// Asks Anthropic whose this access token is. `None`: it does not say, or could not be asked. Changes nothing.
    pub async fn whose(&self, addresses: &Addresses, access: &SecretString) -> Option<remuda_vendors::Profile> {
        let call = anthropic::profile::profile_call(&addresses.anthropic, access);
        let answer = self.inner.keeper.inner().exchange.send(&call).await.ok().filter(|answer| answer.status == 200)?;
        serde_json::from_slice(&answer.body).ok().map(|json| anthropic::profile::from_json(&json))
    }

    /// Finds out where a key is at home, as a login with it would, and stores nothing.
    ///
    /// # Errors
    /// [`LoginFailure`].
    pub async fn home_of(
        &self,
        request: &LoginRequest,
    ) -> Result<(CredentialKind, Endpoint, Vec<String>), LoginFailure> {
        let (Way::Key(secret) | Way::Token(secret)) = &request.way else {
            return Err(LoginFailure::BadSecret("this is no key".to_owned()));
        };
        let found = examine(request, secret, &*self.inner.keeper.inner().exchange).await?;
        Ok((found.kind, found.endpoint, found.notes))
    }

    /// A new account's id.
    ///
    /// # Errors
    /// [`LoginFailure::NoEntropy`].
    pub fn new_id(&self) -> Result<AccountId, LoginFailure> {
        account_id(&*self.inner.keeper.inner().clock, &*self.inner.entropy)
    }

    /// Waits at most this long for the login to end, and says where it stands.
    ///
    /// # Errors
    /// [`LoginFailure::Unknown`]. How the login itself failed is in [`Stage::Failed`].
    pub async fn wait(&self, id: &LoginId, at_most: Duration) -> Result<Stage, LoginFailure> {
        let flow = self.inner.flow(id)?;
        let mut stage = flow.stage.subscribe();
        tokio::select! {
            _ = stage.wait_for(|stage| !matches!(stage, Stage::Waiting { .. })) => {}
            () = self.inner.keeper.inner().clock.sleep(at_most) => {}
        }
        Ok(stage.borrow().clone())
    }

    /// Brings what a person pasted: `code#state`, the whole address of the last page, a query string, or the bare code.
    /// Also finishes a browser login whose browser could not reach this machine.
    ///
    /// # Errors
    /// [`LoginFailure`]; while [`LoginFailure::can_go_on`] the login goes on waiting.
    pub async fn paste(&self, id: &LoginId, text: &SecretString) -> Result<LoggedIn, LoginFailure> {
        let flow = self.inner.flow(id)?;
        let (task, text) = (self.inner.clone(), text.clone());
        self.inner.owned(async move { task.answer(&flow, text.expose_secret()).await }).await
    }

    /// Ends a login that waits. `false`: there was none.
    #[must_use]
    pub fn cancel(&self, id: &LoginId) -> bool {
        let flow = self.inner.flows.lock().remove(id);
        flow.inspect(|flow| flow.fail(LoginFailure::Cancelled)).is_some()
    }

    /// Ends all logins that wait and lets those that are being stored finish, at most this long.
    pub async fn shutdown(&self, deadline: Duration) {
        let inner = &self.inner;
        inner.closing.cancel();
        for flow in std::mem::take(&mut *inner.flows.lock()).values() {
            flow.fail(LoginFailure::Cancelled);
        }
        inner.tasks.close();
        tokio::select! {
            () = inner.tasks.wait() => {}
            () = inner.keeper.inner().clock.sleep(deadline) => {}
        }
    }
}

impl Inner {
    /// Runs something to its end, whether or not anybody waits for it.
    async fn owned<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, LoginFailure>> + Send + 'static,
    ) -> Result<T, LoginFailure> {
        if self.closing.is_cancelled() {
            return Err(LoginFailure::Cancelled);
        }
        self.tasks.spawn(work).await.unwrap_or(Err(LoginFailure::Cancelled))
    }

    /// An account of a compatible endpoint stays there when its key is renewed.
    async fn stay(&self, request: &mut LoginRequest) -> Result<(), LoginFailure> {
        let Some(label) = &request.label else { return Ok(()) };
        let effects = self.keeper.inner();
        let herd = effects.store.load(effects.clock.now()).await.map_err(|e| LoginFailure::NotStored(e.to_string()))?;
        let account = herd.snapshot.accounts.values().find(|account| account.label.matches(label.as_str()));
        let Some(account) = account.filter(|account| account.vendor == request.vendor) else { return Ok(()) };
        let Some(Endpoint { bases, models, .. }) = herd.profiles.get(&account.id).map(|held| held.endpoint.clone())
        else {
            return Ok(());
        };
        match (request.vendor, &request.place) {
            // Alibaba's endpoints are found out anew: the key may be another one.
            (Vendor::Qwen, _) | (_, Place::SharedPlan(_)) => {}
            (Vendor::Anthropic, Place::Vendor) if models.is_empty() && bases.len() < 2 => {
                request.base_url = bases.get(&Protocol::Messages).cloned();
            }
            _ => {
                if let Some(base) = bases.values().next() {
                    request.base_url = Some(base.clone());
                    let speaks = bases.keys().copied().collect();
                    request.place = Place::Compatible(Compatible { speaks, models });
                }
            }
        }
        Ok(())
    }

    /// A login at the vendor's page.
    async fn login(&self, request: &LoginRequest, redirect: Redirect) -> Result<Login, LoginFailure> {
        let at = &request.addresses;
        let flow = match (request.vendor, &request.place) {
            (_, Place::Compatible(_)) => {
                return Err(LoginFailure::NoSuchWay(
                    "a compatible endpoint has no login page; bring a key (--key-stdin)",
                ));
            }
            (Vendor::Anthropic, _) => OauthFlow::Claude(at.anthropic.clone()),
            (Vendor::OpenAi, Place::Vendor) => OauthFlow::Codex(at.openai.clone()),
            (Vendor::OpenAi, Place::SharedPlan(id)) => {
                let client_id = self.issued_client_id(request.label.as_ref()).await?;
                let nonce = self.random_text()?;
                OauthFlow::SharedPlan(at.openai.clone(), Installation { id: id.clone(), nonce, client_id })
            }
            (Vendor::Qwen, _) => {
                return Err(LoginFailure::NoSuchWay(
                    "Qwen's own login ended on 2026-04-15; bring a key of Alibaba Cloud Model Studio (--key-stdin)",
                ));
            }
        };
        Ok(Login { flow, redirect, verifier: SecretString::from(self.random_text()?), state: self.random_text()? })
    }

    /// The client id that the vendor issued when this account logged in before.
    async fn issued_client_id(&self, label: Option<&Label>) -> Result<Option<String>, LoginFailure> {
        let effects = self.keeper.inner();
        let herd = effects.store.load(effects.clock.now()).await.map_err(|e| LoginFailure::NotStored(e.to_string()))?;
        let is_it = |account: &&remuda_core::Account| {
            account.kind == CredentialKind::SharedPlan
                && label.is_some_and(|label| account.label.matches(label.as_str()))
        };
        let Some(account) = herd.snapshot.accounts.values().find(is_it) else { return Ok(None) };
        Ok(match effects.store.credential(account.id).await.map(|stored| stored.credential) {
            Ok(Credential::Oauth(pair)) => pair.client_id,
            _ => None,
        })
    }

    fn flow(&self, id: &LoginId) -> Result<Arc<Flow>, LoginFailure> {
        self.flows.lock().get(id).cloned().ok_or(LoginFailure::Unknown)
    }

    fn add(
        &self,
        id: &LoginId,
        login: Login,
        request: LoginRequest,
        device: Option<(&openai::Endpoints, &DeviceCode)>,
    ) -> Result<Arc<Flow>, LoginFailure> {
        let now = self.keeper.inner().clock.now();
        let waiting = match device {
            Some((at, code)) => Stage::Waiting {
                url: at.device_page(),
                user_code: Some(code.user_code.clone()),
                ends_at: now + openai::device::LIFE_S,
            },
            None => Stage::Waiting { url: login.authorize_url(), user_code: None, ends_at: now + PATIENCE_S },
        };
        let ends_at = match &waiting {
            Stage::Waiting { ends_at, .. } => *ends_at,
            Stage::Done(_) | Stage::Failed(_) => now,
        };
        let stage = watch::Sender::new(waiting);
        let mut flows = self.flows.lock();
        let began = flows.values().map(|flow| flow.began + 1).max().unwrap_or_default();
        while flows.len() >= MAX_PENDING {
            let Some(oldest) = flows.iter().min_by_key(|(_, flow)| flow.began).map(|(id, _)| id.clone()) else { break };
            if let Some(flow) = flows.remove(&oldest) {
                flow.fail(LoginFailure::Cancelled);
            }
        }
        let ended = CancellationToken::new();
        let flow = Arc::new(Flow { login, request, began, ends_at, stage, redeeming: Default::default(), ended });
        flows.insert(id.clone(), flow.clone());
        Ok(flow)
    }

    /// Forgets the login when its time is over. A result that nobody fetched is forgotten then too.
    async fn end_in_time(self: Arc<Self>, flow: Arc<Flow>) {
        let clock = &self.keeper.inner().clock;
        let left = u64::try_from(flow.ends_at - clock.now()).unwrap_or_default();
        tokio::select! {
            () = clock.sleep(Duration::from_secs(left)) => {}
            () = self.closing.cancelled() => {}
        }
        // One that is just being stored is not torn off.
        let _no_longer_redeeming = flow.redeeming.lock().await;
        flow.fail(LoginFailure::TimedOut);
        self.flows.lock().retain(|_, other| !Arc::ptr_eq(other, &flow));
    }

    /// Asks until the person has entered the code.
    async fn ask(self: Arc<Self>, flow: Arc<Flow>, at: openai::Endpoints, code: DeviceCode) {
        let effects = self.keeper.inner();
        let asked = device::wait(&at, code, &*effects.exchange, &*effects.clock);
        let Some(entered) = flow.ended.run_until_cancelled(asked).await else { return };
        let _redeeming = flow.redeeming.lock().await;
        let mut outcome = match entered {
            Ok(code) => self.redeem(&flow, &code).await,
            Err(error) => Err(error.into()),
        };
        if let Err(LoginFailure::Unreachable { spent, .. }) = &mut outcome {
            // Nobody can bring this code a second time.
            *spent = true;
        }
        match outcome {
            Ok(done) => flow.end(Stage::Done(Box::new(done))),
            Err(failure) => flow.fail(failure),
        }
    }

    /// Takes the browser's answer.
    async fn listen(self: Arc<Self>, flow: Arc<Flow>, loopback: Loopback) {
        let (sender, mut callbacks) = mpsc::channel::<Callback>(1);
        let serve = loopback.serve(sender, self.keeper.inner().clock.clone(), flow.ended.clone());
        let hear = async {
            while let Some(Callback { address, answer }) = callbacks.recv().await {
                let page = match self.answer(&flow, &address).await {
                    Ok(_) => Page::Done,
                    Err(failure) if failure.can_go_on() => Page::NotThis,
                    Err(_) => Page::Failed,
                };
                let _ = answer.send(page);
            }
        };
        let both = async { tokio::join!(serve, hear) };
        tokio::pin!(both);
        tokio::select! {
            _ = &mut both => {}
            () = flow.ended.cancelled() => {
                // The page that tells so is still on its way to the browser, which may hold further connections open.
                tokio::select! {
                    _ = &mut both => {}
                    () = self.keeper.inner().clock.sleep(Duration::from_secs(1)) => {}
                }
            }
        }
    }

    /// Redeems a code and keeps what it brings.
    async fn answer(&self, flow: &Flow, text: &str) -> Result<LoggedIn, LoginFailure> {
        let _redeeming = flow.redeeming.lock().await;
        match &*flow.stage.borrow() {
            Stage::Waiting { .. } => {}
            Stage::Done(done) => return Ok((**done).clone()),
            Stage::Failed(failure) => return Err(failure.clone()),
        }
        let outcome = match flow.login.read_code(text) {
            // A device login's code is typed on the vendor's page, not here.
            Ok(_) if flow.login.redirect == Redirect::Device => Err(LoginError::NoCode.into()),
            Ok(code) => self.redeem(flow, &code).await,
            Err(error) => Err(error.into()),
        };
        match &outcome {
            Ok(done) => flow.end(Stage::Done(Box::new(done.clone()))),
            Err(failure) if failure.can_go_on() => {}
            Err(failure) => flow.end(Stage::Failed(failure.clone())),
        }
        outcome
    }

    async fn redeem(&self, flow: &Flow, code: &Code) -> Result<LoggedIn, LoginFailure> {
        let effects = self.keeper.inner();
        let obtained = redeem(&flow.login, code, &*effects.exchange, &*effects.clock).await?;
        self.keep(&flow.request, obtained).await
    }

    async fn keep(&self, request: &LoginRequest, obtained: Obtained) -> Result<LoggedIn, LoginFailure> {
        let effects = self.keeper.inner();
        let done = keep(request, obtained, &*effects.store, &*effects.clock, &*self.entropy).await?;
        if let Err(error) = self.keeper.adopt(done.account).await {
            tracing::warn!(account = %done.label, %error, "the new login is stored but could not be taken into memory");
        }
        Ok(done)
    }

    /// 32 random bytes as text: fit for a PKCE verifier, a state, an id.
    fn random_text(&self) -> Result<String, LoginFailure> {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes)?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl Flow {
    fn fail(&self, failure: LoginFailure) {
        if matches!(*self.stage.borrow(), Stage::Waiting { .. }) {
            self.end(Stage::Failed(failure));
        }
    }

    fn end(&self, stage: Stage) {
        self.stage.send_replace(stage);
        self.ended.cancel();
    }
}

/// A base address without a slash at its end, to which paths are added.
fn usable_url(text: &str) -> Result<String, LoginFailure> {
    let url = reqwest::Url::parse(text.trim()).map_err(|_| LoginFailure::BadUrl("is not an address"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(LoginFailure::BadUrl("must begin with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(LoginFailure::BadUrl("must not contain a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(LoginFailure::BadUrl("must not contain ? or #"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
