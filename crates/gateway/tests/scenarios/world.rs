//! A gateway to ask, and accounts to put into it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use remuda_core::poll::PollPolicy;
use remuda_core::record::Record;
use remuda_core::snapshot::{ChainStep, Policy, Pool, SpendRule, Strategy, Target};
use remuda_core::{
    Account, AccountId, AccountLimits, Class, CostClass, CredentialKind, Host, Label, Protocol, Protocols, Vendor,
};
use remuda_credentials::{Clock, Https, SystemClock};
use remuda_fake::{AccountSpec, Config, Fake, FakeAccount, QwenPlan, Region, Site};
use remuda_gateway::gateway::Fallback;
use remuda_gateway::keep_alive::KeepAlive;
use remuda_gateway::{BoxFuture, ClientBody, Daemon, Doors, Guard, Parts, Peer, Settings, keys};
use remuda_store::sqlite::{SqliteOptions, SqliteStore};
use remuda_store::{
    AuthHeader, ClientKey, Credential, Edit, Endpoint, KeyId, KeyScope, NewAccount, OauthPair, Places, Profile,
    RecordQuery,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) struct World {
    pub(crate) vendor: Fake,
    pub(crate) daemon: Daemon,
    pub(crate) url: String,
    pub(crate) key: SecretString,
    pub(crate) http: reqwest::Client,
    server: Doors,
    ids: BTreeMap<String, AccountId>,
    _home: tempfile::TempDir,
}

/// There is no control API here.
pub(crate) struct Nothing;

impl Fallback for Nothing {
    fn call(&self, _: http::Request<hyper::body::Incoming>, _: Peer) -> BoxFuture<'_> {
        let mut response = http::Response::new(ClientBody::empty());
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        Box::pin(std::future::ready(response))
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default(), Host::Claude).await
    }

    pub(crate) async fn with(config: Config, host: Host) -> Self {
        Self::keeping(config, host, remuda_gateway::keep_alive::of).await
    }

    /// Where agents wait as long as the test says.
    pub(crate) async fn keeping(config: Config, host: Host, keep_alive: fn(Host, Protocols) -> KeepAlive) -> Self {
        Self::at(config, host, keep_alive, Arc::new(SystemClock), Policy::default()).await
    }

    /// On a clock of its own, with numbers of its own.
    pub(crate) async fn at(
        config: Config,
        host: Host,
        keep_alive: fn(Host, Protocols) -> KeepAlive,
        clock: Arc<dyn Clock>,
        policy: Policy,
    ) -> Self {
        let home = tempfile::tempdir().unwrap();
        let now = clock.now();
        let vendor = Fake::start(config).await.unwrap();
        let store = SqliteStore::open(SqliteOptions::new(Places::in_home(home.path())), now).await.unwrap();
        let daemon = Daemon::start(Parts {
            store: Arc::new(store),
            clock,
            exchange: Arc::new(Https::new()),
            token_urls: BTreeMap::from([
                (Vendor::Anthropic, vendor.token_url()),
                (Vendor::OpenAi, format!("{}/oauth/token", vendor.url(Site::OpenAiAuth))),
            ])
            .into(),
            client: remuda_upstream::Client::new(remuda_upstream::Config::default()).unwrap(),
            policy,
            settings: Settings {
                bases: bases(&vendor),
                deadline: Duration::from_secs(60),
                // What is asked is part of what these scenarios look at.
                poll: PollPolicy { enabled: false, ..PollPolicy::default() },
                keep_alive,
                ..Settings::default()
            },
        })
        .await
        .unwrap();
        let server = Doors::new(Arc::clone(&daemon.gateway), Nothing);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        server.listen_tcp(listener, Guard::tcp(port, &[]));
        // reqwest asks for one, although nothing here speaks TLS; another test of this process may have been first.
        let _installed_already = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut world = Self {
            vendor,
            daemon,
            url: format!("http://127.0.0.1:{port}"),
            key: SecretString::from(""),
            http,
            server,
            ids: BTreeMap::new(),
            _home: home,
        };
        world.key = world.client_key(host, None).await;
        world
    }

    /// Another client key.
    pub(crate) async fn client_key(&self, host: Host, pin: Option<Target>) -> SecretString {
        let (text, hash, prefix) = keys::mint().unwrap();
        let key = ClientKey {
            id: KeyId(Uuid::now_v7()),
            hash,
            prefix,
            purpose: "test".to_owned(),
            scope: KeyScope::Agent,
            host,
            pin,
            pinned_by_project: false,
            project: None,
            hold_s: None,
            expires_at: None,
            created_at: 0,
            last_used_at: None,
        };
        self.daemon.herd.add_key(key).await.unwrap();
        text
    }

    /// A subscription at the vendor, logged in here under its name. The first account becomes the active one.
    pub(crate) async fn subscription(&mut self, name: &str) -> FakeAccount {
        self.subscription_of(AccountSpec::subscription(name)).await
    }

    pub(crate) async fn subscription_of(&mut self, spec: AccountSpec) -> FakeAccount {
        let name = spec.name.clone();
        let at_vendor = self.vendor.add_account(spec).unwrap();
        let tokens = at_vendor.issue_tokens();
        let pair = OauthPair {
            access: SecretString::from(tokens.access_token),
            refresh: SecretString::from(tokens.refresh_token),
            expires_at: tokens.expires_at,
            last_refresh_at: None,
            earliest_refresh_at: None,
            client_id: None,
        };
        let profile = Profile { account_uuid: Some(at_vendor.account_uuid().to_owned()), ..Profile::default() };
        let included = (CredentialKind::Subscription, CostClass::Included);
        self.add(&name, included, Credential::Oauth(pair), profile).await;
        at_vendor
    }

    /// An API key at the vendor.
    pub(crate) async fn api_key(&mut self, name: &str, cost: CostClass) -> FakeAccount {
        let at_vendor = self.vendor.add_account(AccountSpec::api_key(name)).unwrap();
        let key = Credential::Key { key: SecretString::from(at_vendor.key().to_owned()) };
        let endpoint = Endpoint { auth_header: AuthHeader::XApiKey, ..Endpoint::default() };
        let profile = Profile { endpoint, ..Profile::default() };
        self.add(name, (CredentialKind::ApiKey, cost), key, profile).await;
        at_vendor
    }

    /// A ChatGPT subscription, for the Codex backend.
    pub(crate) async fn chatgpt(&mut self, name: &str) -> FakeAccount {
        let at_vendor = self.vendor.add_account(AccountSpec::chatgpt(name)).unwrap();
        let tokens = at_vendor.issue_tokens();
        let pair = OauthPair {
            access: SecretString::from(tokens.access_token),
            refresh: SecretString::from(tokens.refresh_token),
            expires_at: tokens.expires_at,
            last_refresh_at: Some(jiff::Timestamp::now().as_second()),
            earliest_refresh_at: None,
            client_id: None,
        };
        let organisation_uuid = Some(at_vendor.chatgpt_account_id().to_owned());
        let profile = Profile { organisation_uuid, ..Profile::default() };
        let included = (CredentialKind::Subscription, CostClass::Included);
        self.add_of(Vendor::OpenAi, name, included, Credential::Oauth(pair), profile).await;
        at_vendor
    }

    /// An API key of OpenAI.
    pub(crate) async fn openai_key(&mut self, name: &str) -> FakeAccount {
        let at_vendor = self.vendor.add_account(AccountSpec::openai_key(name)).unwrap();
        let key = Credential::Key { key: SecretString::from(at_vendor.key().to_owned()) };
        let included = (CredentialKind::ApiKey, CostClass::Included);
        self.add_of(Vendor::OpenAi, name, included, key, Profile::default()).await;
        at_vendor
    }

    /// A key of one of Alibaba's plans, with the endpoints that a login would have found.
    pub(crate) async fn qwen(&mut self, name: &str, plan: QwenPlan) -> FakeAccount {
        let at_vendor = self.vendor.add_account(AccountSpec::qwen(name, plan)).unwrap();
        let key = Credential::Key { key: SecretString::from(at_vendor.key().to_owned()) };
        let (openai, anthropic) = self.vendor.qwen_urls(plan, Region::China);
        let bases = BTreeMap::from([
            (Protocol::Messages, anthropic),
            (Protocol::Chat, openai.clone()),
            (Protocol::Responses, openai),
        ]);
        let profile = Profile { endpoint: Endpoint { bases, ..Endpoint::default() }, ..Profile::default() };
        let plan = (CredentialKind::PlanKey, CostClass::Included);
        self.add_of(Vendor::Qwen, name, plan, key, profile).await;
        at_vendor
    }

    /// An API key at some endpoint.
    pub(crate) async fn key_at(&mut self, name: &str, base_url: &str) {
        let key = Credential::Key { key: SecretString::from("sk-ant-api03-scripted") };
        let bases = [(Protocol::Messages, base_url.to_owned())].into();
        let endpoint = Endpoint { bases, auth_header: AuthHeader::XApiKey, ..Endpoint::default() };
        let profile = Profile { endpoint, ..Profile::default() };
        self.add(name, (CredentialKind::ApiKey, CostClass::Included), key, profile).await;
    }

    async fn add(&mut self, name: &str, kind: (CredentialKind, CostClass), credential: Credential, profile: Profile) {
        self.add_of(Vendor::Anthropic, name, kind, credential, profile).await;
    }

    pub(crate) async fn add_of(
        &mut self,
        vendor: Vendor,
        name: &str,
        (kind, cost): (CredentialKind, CostClass),
        credential: Credential,
        profile: Profile,
    ) {
        let id = AccountId(Uuid::now_v7());
        let account = Account::new(id, Label::new(name).unwrap(), vendor, kind, cost);
        self.daemon.herd.add_account(NewAccount { account, profile, credential }).await.unwrap();
        if self.ids.is_empty() {
            self.edit(Edit::Active(Some(Target::Account(id)))).await;
        }
        self.ids.insert(name.to_owned(), id);
    }

    pub(crate) fn id(&self, name: &str) -> AccountId {
        self.ids[name]
    }

    pub(crate) fn knows(&mut self, name: &str, id: AccountId) {
        self.ids.insert(name.to_owned(), id);
    }

    pub(crate) fn name(&self, id: AccountId) -> &str {
        self.ids.iter().find(|(_, i)| **i == id).map(|(n, _)| n.as_str()).unwrap()
    }

    pub(crate) async fn edit(&self, edit: Edit) {
        self.daemon.herd.edit(vec![edit]).await.unwrap();
    }

    pub(crate) async fn activate(&self, name: &str) {
        self.edit(Edit::Active(Some(Target::Account(self.id(name))))).await;
    }

    pub(crate) async fn chain(&self, source: &str, targets: &[&str]) {
        let steps = targets.iter().map(|t| ChainStep { target: Target::Account(self.id(t)), model: None }).collect();
        self.edit(Edit::Chain(self.id(source), steps)).await;
    }

    pub(crate) async fn pool(&self, name: &str, members: &[&str]) {
        let pool = Pool { strategy: Strategy::Ordered, members: members.iter().map(|m| self.id(m)).collect() };
        self.edit(Edit::Pool(name.to_owned(), pool)).await;
    }

    /// What may be done with an account; without a name: with any.
    pub(crate) async fn limits(&self, name: Option<&str>, limits: AccountLimits) {
        self.edit(Edit::Limits(name.map(|name| self.id(name)), limits)).await;
    }

    pub(crate) async fn spend(&self, name: &str, after: Vec<Class>, daily_limit_usd: f64) {
        let rule = SpendRule { after, daily_limit_usd, spent_today_usd: 0.0 };
        self.edit(Edit::SpendRule(self.id(name), Some(rule))).await;
    }

    /// A turn of a conversation, streamed.
    pub(crate) fn ask(&self, session: &str, prompt: &str) -> reqwest::RequestBuilder {
        self.post(session, &body(prompt, true))
    }

    pub(crate) fn post(&self, session: &str, body: &Value) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}/anthropic/v1/messages", self.url))
            .bearer_auth(self.key.expose_secret())
            .header("anthropic-version", "2023-06-01")
            .header("x-claude-code-session-id", session)
            .json(body)
    }

    /// A call of any path with the client key.
    pub(crate) fn call(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        self.http.post(format!("{}{path}", self.url)).bearer_auth(self.key.expose_secret()).json(body)
    }

    /// Asks and reads the answer's text.
    pub(crate) async fn answer(&self, session: &str, prompt: &str) -> String {
        let response = self.ask(session, prompt).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, 200, "{text}");
        spoken(&text)
    }

    /// The decision record of the newest request.
    pub(crate) async fn record(&self) -> Record {
        // The record is written when the connection's task drops the answer, which may be a moment after the client has
        // read it.
        for _ in 0..200 {
            self.daemon.herd.flush().await;
            let query = RecordQuery { limit: 1, ..RecordQuery::default() };
            let page = self.daemon.herd.store().records(query).await.unwrap();
            if let Some(record) = page.records.into_iter().next() {
                return record;
            }
            tokio::task::yield_now().await;
        }
        panic!("no record was written");
    }

    /// Names of the accounts that the vendor saw requests of, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.vendor.requests().into_iter().filter(|r| r.endpoint.is_inference()).filter_map(|r| r.account).collect()
    }

    /// Ends everything and looks whether the vendor complains.
    pub(crate) async fn end(self) {
        assert!(self.server.drain(Duration::from_secs(10)).await, "nothing had to be cut");
        self.daemon.stop().await;
        let violations = self.vendor.violations();
        assert!(violations.is_empty(), "{violations:#?}");
        self.vendor.shutdown().await;
    }
}

/// Where the vendors in miniature listen.
pub(crate) fn bases(vendor: &Fake) -> BTreeMap<(Vendor, Protocol), String> {
    let api = format!("{}/v1", vendor.url(Site::OpenAi));
    let codex = format!("{}/backend-api/codex", vendor.url(Site::ChatGpt));
    BTreeMap::from([
        ((Vendor::Anthropic, Protocol::Messages), vendor.base_url()),
        ((Vendor::OpenAi, Protocol::Responses), api.clone()),
        ((Vendor::OpenAi, Protocol::Chat), api),
        ((Vendor::OpenAi, Protocol::Codex), codex),
    ])
}

pub(crate) fn body(prompt: &str, stream: bool) -> Value {
    json!({
        "model": "claude-sonnet-4-6",
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": prompt}],
        "stream": stream,
    })
}

/// The text deltas of a stream, joined.
pub(crate) fn spoken(stream: &str) -> String {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter_map(|data| serde_json::from_str::<Value>(data).ok())
        .filter_map(|event| event.pointer("/delta/text").and_then(Value::as_str).map(str::to_owned))
        .collect()
}
