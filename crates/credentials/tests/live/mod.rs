//! A store in a temporary directory, a keeper on real time, and the vendor in miniature over real HTTP.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use remuda_core::{Account, AccountId, AccountStatus, CostClass, CredentialKind, Label, Vendor};
use remuda_credentials::{Exchange, Https, Keeper, SystemClock};
use remuda_fake::{Endpoint, Fake, FakeAccount, Seen, Tokens};
use remuda_store::sqlite::{SqliteOptions, SqliteStore};
use remuda_store::{Credential, KeySource, NewAccount, OauthPair, Places, Profile, Store};
use remuda_vendors::anthropic::Endpoints;
use remuda_vendors::anthropic::profile::profile_call;
use secrecy::SecretString;
use uuid::Uuid;

pub const ACCOUNT: AccountId = AccountId(Uuid::from_u128(1));

pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

pub async fn open(home: &Path) -> SqliteStore {
    let options = SqliteOptions { key_source: KeySource::File, ..SqliteOptions::new(Places::in_home(home)) };
    SqliteStore::open(options, now()).await.unwrap()
}

/// The keeper as the daemon has it.
pub fn keeper(store: Arc<dyn Store>, token_url: &str) -> Keeper {
    let urls = BTreeMap::from([(Vendor::Anthropic, token_url.to_owned())]);
    Keeper::new(store, Arc::new(SystemClock), Arc::new(Https::new()), urls)
}

/// Stores a login of the vendor whose access token has run out by our clock.
pub async fn add_expired(store: &dyn Store, id: AccountId, label: &str, account: &FakeAccount) -> Tokens {
    let tokens = account.issue_tokens();
    let pair = OauthPair {
        access: SecretString::from(tokens.access_token.as_str()),
        refresh: SecretString::from(tokens.refresh_token.as_str()),
        expires_at: now() - 10,
        last_refresh_at: Some(now() - 28_810),
        earliest_refresh_at: None,
        client_id: None,
    };
    let label = Label::new(label).unwrap();
    let account = Account::new(id, label, Vendor::Anthropic, CredentialKind::Subscription, CostClass::Included);
    let new = NewAccount { account, profile: Profile::default(), credential: Credential::Oauth(pair) };
    store.add_account(new, now()).await.unwrap();
    tokens
}

pub fn refreshes(vendor: &Fake) -> Vec<Seen> {
    vendor.requests().into_iter().filter(|seen| seen.endpoint == Endpoint::Token).collect()
}

pub async fn stored_pair(store: &dyn Store, id: AccountId) -> (OauthPair, u64) {
    let stored = store.credential(id).await.unwrap();
    match stored.credential {
        Credential::Oauth(pair) => (pair, stored.generation),
        _ => panic!("no pair"),
    }
}

pub async fn status(store: &dyn Store, id: AccountId) -> AccountStatus {
    store.load(now()).await.unwrap().snapshot.accounts[&id].status
}

/// Where the vendor in miniature listens.
pub fn endpoints(vendor: &Fake) -> Endpoints {
    Endpoints {
        authorize: vendor.authorize_url(),
        token: vendor.token_url(),
        copy_code_redirect: vendor.copy_code_redirect(),
        api_base: vendor.base_url(),
    }
}

/// Does the vendor take this access token?
pub async fn works(vendor: &Fake, access: &SecretString) -> bool {
    let call = profile_call(&endpoints(vendor), access);
    Https::new().send(&call).await.unwrap().status == 200
}
