//! Things to store.

use std::sync::Arc;

use remuda_core::record::{RECORD_VERSION, Record, SourceReason, Tokens};
use remuda_core::request::Home;
use remuda_core::route::Outcome;
use remuda_core::{
    Account, AccountId, Capabilities, Class, Cooldown, CostClass, CredentialKind, Host, Identity, Label, Protocol,
    Reading, ReadingSource, RequestId, RequestKind, SessionKey, UnixSeconds, Vendor,
};
use remuda_store::{
    Acknowledgement, Credential, Endpoint, HostGrant, NewAccount, OauthPair, Profile, Store, StoredCredential,
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

pub(crate) const NOW: UnixSeconds = 1_795_168_800;

pub(crate) fn id(n: u128) -> AccountId {
    AccountId(Uuid::from_u128(n))
}

pub(crate) fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

pub(crate) fn home(n: u128) -> Home {
    Home { account: id(n), pool: None }
}

pub(crate) fn session(text: &str) -> SessionKey {
    SessionKey(text.to_owned())
}

pub(crate) fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

/// `at1`, `rt1` for 1.
pub(crate) fn pair(n: u32) -> OauthPair {
    OauthPair {
        access: secret(&format!("at{n}")),
        refresh: secret(&format!("rt{n}")),
        expires_at: NOW + i64::from(n) * 3600,
        last_refresh_at: Some(NOW),
        earliest_refresh_at: None,
        client_id: None,
    }
}

/// Account `n` with pair 1.
pub(crate) fn account(n: u128) -> NewAccount {
    let account = Account::new(
        id(n),
        label(&format!("account {n}")),
        Vendor::Anthropic,
        CredentialKind::Subscription,
        CostClass::Included,
    );
    NewAccount { account, profile: Profile::default(), credential: Credential::Oauth(pair(1)) }
}

/// With every field filled.
pub(crate) fn full_account(n: u128) -> NewAccount {
    let mut new = account(n);
    new.account.identity = Some(Identity(format!("person {n} at org")));
    new.account.min_remaining =
        [("five_hour".to_owned().try_into().unwrap(), 12.5), ("model:opus".to_owned().try_into().unwrap(), 3.0)].into();
    new.profile = Profile {
        endpoint: Endpoint {
            bases: [
                (Protocol::Messages, "https://example.test".to_owned()),
                (Protocol::Chat, "https://example.test/v1".to_owned()),
            ]
            .into(),
            auth_header: remuda_store::AuthHeader::XApiKey,
            models: [("claude-x".to_owned(), "own-x".to_owned())].into(),
            capabilities: Some(Capabilities { cache_ttl: false, betas: true, count_tokens: false }),
        },
        email: Some("a@example.test".to_owned()),
        name: Some("Ada".to_owned()),
        organisation: Some("Example".to_owned()),
        plan: Some("max".to_owned()),
        organisation_uuid: Some("org-1".to_owned()),
        account_uuid: Some("acc-1".to_owned()),
        added_at: 0,
        last_login_at: 0,
        terms: Some(Acknowledgement { text_version: "2026-11".to_owned(), at: NOW }),
        grants: vec![grant(Host::Pi, NOW)],
        borrowed: Some(remuda_store::Borrowed {
            program: "codex".to_owned(),
            file: "/home/ann/.codex/auth.json".to_owned(),
            slot: String::new(),
        }),
    };
    new.account.speaks = new.profile.endpoint.speaks(new.account.vendor, new.account.kind);
    new
}

pub(crate) fn grant(host: Host, at: UnixSeconds) -> HostGrant {
    HostGrant { host, acknowledged: Acknowledgement { text_version: "2026-11".to_owned(), at } }
}

pub(crate) fn cooldown(until: UnixSeconds) -> Cooldown {
    Cooldown {
        until,
        reason: Class::WindowExhausted,
        stated: true,
        since: NOW,
        evidence: "429".to_owned(),
        probing_until: None,
    }
}

pub(crate) fn reading(used_percent: f64, read_at: UnixSeconds) -> Reading {
    Reading { used_percent, resets_at: Some(NOW + 600), source: ReadingSource::Headers, read_at }
}

pub(crate) fn record(n: u128, at: UnixSeconds) -> Record {
    Record {
        version: RECORD_VERSION,
        id: RequestId(Uuid::from_u128(n)),
        at,
        host: Host::Claude,
        kind: RequestKind::Main,
        vendor: Vendor::Anthropic,
        protocol: Protocol::Messages.into(),
        path: "/v1/messages".to_owned(),
        session: Some(session("claude:s1")),
        project: None,
        model: "claude-x".to_owned(),
        source: Some(id(1)),
        source_label: Some("one".to_owned()),
        source_reason: SourceReason::Active,
        source_pool: None,
        placed: None,
        weighed: None,
        skipped: Vec::new(),
        attempts: Vec::new(),
        remembered: Vec::new(),
        outcome: Outcome::Served { account: id(1), model: None },
        client_status: 200,
        first_byte_ms: Some(12),
        longest_gap_ms: None,
        total_ms: 34,
        held_ms: 0,
        request_bytes: 5_000,
        response_bytes: 700,
        tokens: Tokens::default(),
        cost_usd: Some(0.25),
        cache_saved_usd: None,
        prices: None,
        cost_class: Some(CostClass::Included),
        truncated: false,
        stopped: false,
    }
}

/// Adds accounts 1 to `n`.
pub(crate) async fn herd_of(store: &Arc<dyn Store>, n: u128) {
    for n in 1..=n {
        store.add_account(account(n), NOW).await.unwrap();
    }
}

/// What is stored, in words: `at2 rt2 generation 2`.
pub(crate) fn told(stored: &StoredCredential) -> String {
    let secret = match &stored.credential {
        Credential::Oauth(pair) => format!("{} {}", pair.access.expose_secret(), pair.refresh.expose_secret()),
        Credential::Static { token } => format!("static {}", token.expose_secret()),
        Credential::Key { key } => format!("key {}", key.expose_secret()),
        Credential::Borrowed { access, expires_at, source } => {
            format!("borrowed {} {expires_at:?} {source}", access.expose_secret())
        }
    };
    format!("{secret} generation {}", stored.generation)
}

pub(crate) async fn stored(store: &Arc<dyn Store>, n: u128) -> String {
    told(&store.credential(id(n)).await.unwrap())
}
