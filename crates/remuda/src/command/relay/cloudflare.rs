//! A relay as a Worker in the user's Cloudflare account: made, brought up to date, given a new token, removed. Each step
//! looks first, so that doing it again changes nothing that is right.

use std::time::Duration;

use http::Method;
use remuda_control::{Code, Failure};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::api::{Api, Module};
use super::{one_word, place};
use crate::cli::CloudflareArgs;
use crate::command::Context;

/// Built from integrations/worker/src; `./test` checks that it is.
const MODULES: [Module; 13] = [
    module!("index.js"),
    module!("code.js"),
    module!("coding.js"),
    module!("conversation.js"),
    module!("delta.js"),
    module!("env.js"),
    module!("exchange.js"),
    module!("record.js"),
    module!("recording.js"),
    module!("request.js"),
    module!("settings.js"),
    module!("token.js"),
    module!("upstream.js"),
];
/// The runtime's behaviour that the Worker was tested with.
const COMPATIBILITY: &str = "2026-11-01";
/// The tag of the only migration so far: it makes the class of the conversations.
const MIGRATION: &str = "v1";
/// The variable by which a Worker of ours is known, and which build it is.
const BUILD: &str = "RELAY_BUILD";
/// How long a fresh address, or a changed secret, may take to be known everywhere.
const SPREADS_WITHIN: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(500);

/// A Worker and what is to be done for it.
pub(super) struct Cloudflare {
    api: Api,
    account: String,
    name: String,
    allow: Vec<String>,
    /// What is there now.
    found: Option<Found>,
    /// Its address at workers.dev.
    pub(super) url: String,
}

struct Found {
    build: Option<String>,
    allow: String,
    public: bool,
    secrets: Vec<String>,
}

/// What is to be done, in words, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Plan {
    /// Where.
    pub(crate) place: String,
    /// What; empty: all is as it should be.
    pub(crate) steps: Vec<String>,
}

impl Cloudflare {
    /// Looks at what is there. Changes nothing.
    pub(super) async fn look(context: &Context, args: &CloudflareArgs) -> anyhow::Result<Self> {
        let fits = (1..=63).contains(&args.name.len())
            && args.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !args.name.starts_with('-')
            && !args.name.ends_with('-');
        if !fits {
            return Err(Failure::invalid(format!("{:?} is no name for a Worker", args.name))
                .remedy("lower-case letters, digits and dashes, at most 63")
                .into());
        }
        place::check_origins(&args.allow)?;
        let api = Api::new(&args.api, api_token(context, args)?)?;
        let account = account(&api, args.account_id.as_deref()).await?;
        let base = format!("/accounts/{account}/workers");
        let subdomain = api.get(&format!("{base}/subdomain")).await?;
        let subdomain = subdomain.as_ref().and_then(|found| found["subdomain"].as_str()).ok_or_else(|| {
            Failure::new(Code::Conflict, "this Cloudflare account has no workers.dev name yet")
                .remedy("open Workers in the dashboard once and choose one, then do it again")
        })?;
        let url = format!("https://{}.{subdomain}.workers.dev", args.name);
        let mut allow = args.allow.clone();
        allow.sort();
        let (name, found) = (args.name.clone(), None);
        let mut this = Self { api, account, name, allow, found, url };
        this.found = this.find().await?;
        Ok(this)
    }

    async fn find(&self) -> Result<Option<Found>, Failure> {
        let Some(settings) = self.api.get(&self.path("/settings")).await? else { return Ok(None) };
        let text = |name: &str| {
            let bindings = settings["bindings"].as_array()?;
            bindings.iter().find(|b| b["name"] == name).and_then(|b| b["text"].as_str()).map(str::to_owned)
        };
        let public = self.api.get(&self.path("/subdomain")).await?;
        let secrets = self.api.get(&self.path("/secrets")).await?.unwrap_or(Value::Null);
        let names = secrets.as_array().into_iter().flatten().filter_map(|secret| secret["name"].as_str());
        Ok(Some(Found {
            build: text(BUILD),
            allow: text("ALLOW").unwrap_or_default(),
            public: public.is_some_and(|public| public["enabled"] == true),
            secrets: names.map(str::to_owned).collect(),
        }))
    }

    /// What has to be done so that the relay is as it should be. `known`: the token is known here.
    pub(super) fn plan(&self, known: bool) -> Result<Plan, Failure> {
        let mut steps = Vec::new();
        match &self.found {
            None => steps
                .push(format!("upload the Worker {} with its class of conversations (a Durable Object)", self.name)),
            Some(Found { build: None, .. }) => {
                return Err(Failure::new(Code::Conflict, format!("there is a Worker {} that is no relay", self.name))
                    .remedy("choose another name with --name; nothing was changed"));
            }
            Some(found) if !self.is_current(found) => {
                steps.push(format!("bring the Worker {} up to date", self.name));
            }
            Some(_) => {}
        }
        if !known || !self.has_secret() {
            steps.push("make a token and store it as the Worker's secret RELAY_TOKEN".to_owned());
        }
        if self.found.as_ref().is_none_or(|found| !found.public) {
            steps.push(format!("make it reachable at {}", self.url));
        }
        Ok(Plan { place: format!("Cloudflare account {}", self.account), steps })
    }

    fn is_current(&self, found: &Found) -> bool {
        found.build.as_deref() == Some(&build()) && found.allow == self.allow.join(",")
    }

    fn has_secret(&self) -> bool {
        self.found.as_ref().is_some_and(|found| found.secrets.iter().any(|name| name == "RELAY_TOKEN"))
    }

    /// Does what the plan says. Returns the token that is valid now.
    pub(super) async fn set_up(&mut self, known: Option<SecretString>) -> anyhow::Result<SecretString> {
        if self.found.as_ref().is_none_or(|found| !self.is_current(found)) {
            self.upload().await?;
        }
        let token = match known.filter(|_| self.has_secret()) {
            Some(token) => token,
            None => {
                let token = place::new_token()?;
                self.set_secret("RELAY_TOKEN", &token).await?;
                token
            }
        };
        if self.found.as_ref().is_none_or(|found| !found.public) {
            let on = json!({"enabled": true, "previews_enabled": false});
            self.api.send(Method::POST, &self.path("/subdomain"), &on).await?;
        }
        self.found = self.find().await?;
        Ok(token)
    }

    /// The token that is known here is not the relay's: the relay gets it.
    pub(super) async fn set_token(&self, token: &SecretString) -> Result<(), Failure> {
        self.set_secret("RELAY_TOKEN", token).await
    }

    async fn upload(&self) -> Result<(), Failure> {
        let mut metadata = json!({
            "main_module": MODULES[0].name,
            "compatibility_date": COMPATIBILITY,
            "bindings": [
                {"type": "durable_object_namespace", "name": "CONVERSATIONS", "class_name": "Conversation"},
                {"type": "plain_text", "name": BUILD, "text": build()},
                {"type": "plain_text", "name": "ALLOW", "text": self.allow.join(",")},
            ],
            "keep_bindings": ["secret_text"],
            "tags": ["remuda-relay"],
            // Nothing of what passes is to be logged.
            "observability": {"enabled": false},
            "logpush": false,
        });
        if self.found.is_none() {
            metadata["migrations"] = json!({"new_tag": MIGRATION, "new_sqlite_classes": ["Conversation"]});
        }
        self.api.upload(&self.path(""), &metadata, &MODULES).await
    }

    async fn set_secret(&self, name: &str, token: &SecretString) -> Result<(), Failure> {
        let secret = json!({"name": name, "text": token.expose_secret(), "type": "secret_text"});
        self.api.send(Method::PUT, &self.path("/secrets"), &secret).await.map(drop)
    }

    /// Makes a second token valid.
    pub(super) async fn add_token(&self, token: &SecretString) -> Result<(), Failure> {
        if !self.has_secret() {
            return Err(Failure::new(Code::Conflict, format!("there is no relay {} in this account", self.name))
                .remedy("remuda relay setup --cloudflare"));
        }
        self.set_secret("RELAY_TOKEN_NEXT", token).await
    }

    /// The second token becomes the only one.
    pub(super) async fn drop_old_token(&self, token: &SecretString) -> Result<(), Failure> {
        self.set_secret("RELAY_TOKEN", token).await?;
        self.api.remove(&self.path("/secrets/RELAY_TOKEN_NEXT")).await
    }

    /// What removing it takes.
    pub(super) fn removal(&self) -> Result<Plan, Failure> {
        let place = format!("Cloudflare account {}", self.account);
        let steps = match &self.found {
            None => Vec::new(),
            Some(Found { build: None, .. }) => {
                return Err(Failure::new(Code::Conflict, format!("the Worker {} is no relay of Remuda's", self.name))
                    .remedy("it was left alone; name the relay with --name"));
            }
            Some(_) => {
                vec![format!("remove the Worker {} with its secrets and all conversations that it holds", self.name)]
            }
        };
        Ok(Plan { place, steps })
    }

    /// Removes it.
    pub(super) async fn tear_down(&self) -> Result<(), Failure> {
        self.api.remove(&self.path("?force=true")).await
    }

    fn path(&self, rest: &str) -> String {
        format!("/accounts/{}/workers/scripts/{}{rest}", self.account, self.name)
    }
}

/// Tries until it holds or the time is over.
pub(super) async fn spreads<F: Future<Output = Option<T>>, T>(mut holds: impl FnMut() -> F) -> Option<T> {
    let deadline = tokio::time::Instant::now() + SPREADS_WITHIN;
    loop {
        if let Some(value) = holds().await {
            return Some(value);
        }
        if tokio::time::Instant::now() > deadline {
            return None;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Which build of the Worker this is.
fn build() -> String {
    let mut hash = Sha256::new();
    for Module { name, text } in &MODULES {
        hash.update(name.as_bytes());
        hash.update(text.as_bytes());
    }
    hash.update(COMPATIBILITY);
    remuda_relay::client::lane::hex(&hash.finalize()[..8])
}

fn api_token(context: &Context, args: &CloudflareArgs) -> anyhow::Result<SecretString> {
    match std::env::var(&args.api_token_env) {
        Ok(value) => Ok(one_word(&value, &args.api_token_env)?),
        Err(_) if context.out.can_ask() => {
            let typed = context.out.ask_secret("Cloudflare API token (not shown, not stored):")?;
            Ok(one_word(&typed.unwrap_or_default(), "your input")?)
        }
        Err(_) => Err(Failure::invalid(format!("there is no API token: {} is not set", args.api_token_env))
            .remedy("make one at dash.cloudflare.com/profile/api-tokens with the template \"Edit Cloudflare Workers\"")
            .into()),
    }
}

async fn account(api: &Api, wanted: Option<&str>) -> Result<String, Failure> {
    if let Some(id) = wanted {
        let fits = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
        return if fits { Ok(id.to_owned()) } else { Err(Failure::invalid(format!("{id:?} is no account id"))) };
    }
    let accounts = api.get("/accounts").await?.unwrap_or(Value::Null);
    let found: Vec<(&str, &str)> = accounts
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|account| Some((account["id"].as_str()?, account["name"].as_str().unwrap_or(""))))
        .collect();
    match &found[..] {
        [(id, _)] => Ok((*id).to_owned()),
        [] => Err(Failure::new(Code::Conflict, "the API token sees no account")
            .remedy("name it with --account-id, or make a token with the template \"Edit Cloudflare Workers\"")),
        several => {
            let names: Vec<String> = several.iter().map(|(id, name)| format!("{id} ({name})")).collect();
            Err(Failure::invalid("the API token sees several accounts")
                .why(names.join(", "))
                .remedy("choose one with --account-id"))
        }
    }
}
