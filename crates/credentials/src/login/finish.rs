//! The second half of every login: who is it, is it here already, store it, read it back.

use remuda_core::{Account, AccountId, AccountStatus, CostClass, CredentialKind, Identity, Label, Protocol, Vendor};
use remuda_store::{
    AuthHeader, Credential, Edit, Endpoint, Herd, Login, NewAccount, OauthPair, Profile, Store, StoreError,
};
use remuda_vendors::anthropic;
use remuda_vendors::anthropic::profile::profile_call;
use secrecy::{ExposeSecret, SecretString};

use super::entropy::Entropy;
use super::failure::LoginFailure;
use super::naming::free_label;
use super::{LoggedIn, LoginRequest};
use crate::clock::Clock;
use crate::exchange::{Exchange, SendError};

/// A secret, and what the vendor says of it.
pub(super) struct Obtained {
    pub(super) credential: Credential,
    pub(super) kind: CredentialKind,
    pub(super) auth_header: AuthHeader,
    pub(super) profile: anthropic::Profile,
    pub(super) notes: Vec<String>,
}

/// Turns a code into a token pair and asks whose it is.
pub(super) async fn redeem(
    login: &anthropic::Login,
    code: &SecretString,
    exchange: &dyn Exchange,
    clock: &dyn Clock,
) -> Result<Obtained, LoginFailure> {
    let answer = exchange.send(&login.exchange(code)).await.map_err(|error| match error {
        SendError::NotSent(why) => LoginFailure::Unreachable { why, spent: false },
        SendError::MaybeSent(why) => LoginFailure::Unreachable { why, spent: true },
    })?;
    let now = clock.now();
    let tokens = anthropic::Login::read_tokens(answer.status, &answer.body, now)?;
    let refresh = tokens.refresh.ok_or(LoginFailure::NoRefreshToken)?;
    let mut notes = Vec::new();
    // From here on nothing may cost the person the tokens: a profile that does not come is only noted.
    let mut profile = match exchange.send(&profile_call(&login.endpoints, &tokens.access)).await {
        Ok(answer) if answer.status == 200 => {
            serde_json::from_slice(&answer.body).map(|json| anthropic::Profile::from_json(&json)).unwrap_or_default()
        }
        Ok(answer) => {
            notes.push(format!("the vendor answered {} when asked for the profile", answer.status));
            anthropic::Profile::default()
        }
        Err(error) => {
            notes.push(format!("the profile could not be read ({error})"));
            anthropic::Profile::default()
        }
    };
    complete(&mut profile, tokens.profile);
    if profile.identity().is_none() {
        notes.push("the vendor does not tell whose login this is, so a duplicate cannot be noticed".to_owned());
    }
    let pair = OauthPair {
        access: tokens.access,
        refresh,
        expires_at: tokens.expires_at,
        last_refresh_at: Some(now),
        earliest_refresh_at: None,
        client_id: None,
    };
    Ok(Obtained {
        credential: Credential::Oauth(pair),
        kind: CredentialKind::Subscription,
        auth_header: AuthHeader::Bearer,
        profile,
        notes,
    })
}

/// Fills what the profile endpoint left out with what the token answer said.
fn complete(profile: &mut anthropic::Profile, from: anthropic::Profile) {
    let fields = [
        (&mut profile.person, from.person),
        (&mut profile.organisation, from.organisation),
        (&mut profile.email, from.email),
        (&mut profile.name, from.name),
        (&mut profile.organisation_name, from.organisation_name),
        (&mut profile.plan, from.plan),
    ];
    for (field, value) in fields {
        if field.is_none() {
            *field = value;
        }
    }
}

/// Stores what was obtained under the right account and reads it back.
pub(super) async fn keep(
    request: &LoginRequest,
    obtained: Obtained,
    store: &dyn Store,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<LoggedIn, LoginFailure> {
    let now = clock.now();
    let Obtained { credential, kind, auth_header, profile: said, notes } = obtained;
    let identity = said.identity();
    let profile = profile(request, auth_header, said);
    let herd = store.load(now).await.map_err(not_stored)?;
    let same_secret = holder_of(&herd, &credential, store).await?;
    let target = target(&herd, request.label.as_ref(), identity.as_ref(), &profile, same_secret)?;

    let logged_in = if let Some(account) = target {
        let usual = if kind == account.kind { account.cost } else { usual_cost(kind) };
        let cost = request.cost.unwrap_or(usual);
        let edit = || store.edit(vec![Edit::Cost(account.id, cost)], now);
        // In this order a key is never, not even for a moment, an account that costs nothing.
        if cost == CostClass::Metered && account.cost != cost {
            edit().await.map_err(not_stored)?;
        }
        let login =
            Login { credential: credential.clone(), kind, identity: identity.clone(), profile: profile.clone() };
        store.login(account.id, login, now).await.map_err(not_stored)?;
        if cost != CostClass::Metered && account.cost != cost {
            edit().await.map_err(not_stored)?;
        }
        LoggedIn {
            account: account.id,
            label: account.label.clone(),
            kind,
            cost,
            identity,
            profile,
            updated: true,
            notes,
        }
    } else {
        let taken = |text: &str| herd.snapshot.accounts.values().any(|account| account.label.matches(text));
        let label = match &request.label {
            Some(label) => label.clone(),
            None => free_label(Vendor::Anthropic, &profile, taken)
                .ok_or_else(|| LoginFailure::NotStored("no free label was found; give one with --label".to_owned()))?,
        };
        let cost = request.cost.unwrap_or(usual_cost(kind));
        let id = account_id(clock, entropy)?;
        let mut account = Account::new(id, label.clone(), Vendor::Anthropic, kind, cost);
        account.status = AccountStatus::Ready;
        account.identity.clone_from(&identity);
        let new = NewAccount { account, profile: profile.clone(), credential: credential.clone() };
        store.add_account(new, now).await.map_err(not_stored)?;
        LoggedIn { account: id, label, kind, cost, identity, profile, updated: false, notes }
    };

    let stored = store.credential(logged_in.account).await.map_err(not_stored)?;
    if same(&stored.credential, &credential) { Ok(logged_in) } else { Err(LoginFailure::ReadBack) }
}

fn usual_cost(kind: CredentialKind) -> CostClass {
    match kind {
        CredentialKind::Subscription
        | CredentialKind::StaticToken
        | CredentialKind::PlanKey
        | CredentialKind::SharedPlan => CostClass::Included,
        CredentialKind::ApiKey => CostClass::Metered,
    }
}

/// The account that is renewed; `None`: a new one is made.
fn target<'a>(
    herd: &'a Herd,
    label: Option<&Label>,
    identity: Option<&Identity>,
    profile: &Profile,
    same_secret: Option<AccountId>,
) -> Result<Option<&'a Account>, LoginFailure> {
    let accounts = &herd.snapshot.accounts;
    let labelled = label.and_then(|label| accounts.values().find(|account| account.label.matches(label.as_str())));
    let same = accounts
        .values()
        .find(|account| {
            account.vendor == Vendor::Anthropic && identity.is_some() && account.identity.as_ref() == identity
        })
        .or_else(|| accounts.get(&same_secret?));
    match (labelled, same) {
        (None, None) => Ok(None),
        (None, Some(same)) if label.is_none() => Ok(Some(same)),
        (Some(labelled), None) => {
            let known = labelled.identity.is_some() && identity.is_some();
            if labelled.vendor != Vendor::Anthropic || known {
                let holder = herd.profiles.get(&labelled.id).map_or_else(
                    || labelled.vendor.to_string(),
                    |held| {
                        if labelled.vendor == Vendor::Anthropic { who(held) } else { labelled.vendor.to_string() }
                    },
                );
                return Err(LoginFailure::OtherIdentity {
                    label: labelled.label.clone(),
                    holder,
                    newcomer: who(profile),
                });
            }
            Ok(Some(labelled))
        }
        (Some(labelled), Some(same)) if labelled.id == same.id => Ok(Some(labelled)),
        (_, Some(same)) => Err(LoginFailure::Duplicate { label: same.label.clone() }),
    }
}

fn who(profile: &Profile) -> String {
    match (&profile.email, &profile.organisation) {
        (Some(email), Some(organisation)) => format!("{email} ({organisation})"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => "somebody else".to_owned(),
    }
}

/// The account that holds this key or token already. Keys have no identity, but they can be compared.
async fn holder_of(herd: &Herd, credential: &Credential, store: &dyn Store) -> Result<Option<AccountId>, LoginFailure> {
    if matches!(credential, Credential::Oauth(_) | Credential::Borrowed { .. }) {
        return Ok(None);
    }
    for account in herd.snapshot.accounts.values().filter(|account| account.vendor == Vendor::Anthropic) {
        match store.credential(account.id).await {
            Ok(stored) if same(&stored.credential, credential) => return Ok(Some(account.id)),
            Ok(_) | Err(StoreError::UnknownAccount(_) | StoreError::CredentialUnreadable(_)) => {}
            Err(error) => return Err(not_stored(error)),
        }
    }
    Ok(None)
}

fn profile(request: &LoginRequest, auth_header: AuthHeader, said: anthropic::Profile) -> Profile {
    let bases = request.base_url.iter().map(|url| (Protocol::Messages, url.clone())).collect();
    Profile {
        endpoint: Endpoint { bases, auth_header, ..Endpoint::default() },
        email: said.email,
        name: said.name,
        organisation: said.organisation_name,
        plan: said.plan,
        organisation_uuid: said.organisation,
        account_uuid: said.person,
        terms: request.terms.clone(),
        grants: request.grants.clone(),
        ..Profile::default()
    }
}

/// Is every secret of it the same? Both are ours, so no constant time is needed.
fn same(a: &Credential, b: &Credential) -> bool {
    let equal = |a: &SecretString, b: &SecretString| a.expose_secret() == b.expose_secret();
    match (a, b) {
        (Credential::Oauth(a), Credential::Oauth(b)) => equal(&a.access, &b.access) && equal(&a.refresh, &b.refresh),
        (Credential::Static { token: a }, Credential::Static { token: b })
        | (Credential::Key { key: a }, Credential::Key { key: b })
        | (Credential::Borrowed { access: a, .. }, Credential::Borrowed { access: b, .. }) => equal(a, b),
        _ => false,
    }
}

/// A UUIDv7 of this moment.
fn account_id(clock: &dyn Clock, entropy: &dyn Entropy) -> Result<AccountId, LoginFailure> {
    let mut random = [0; 10];
    entropy.fill(&mut random)?;
    let millis = u64::try_from(clock.now()).unwrap_or_default().saturating_mul(1000);
    Ok(AccountId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()))
}

fn not_stored(error: StoreError) -> LoginFailure {
    match error {
        StoreError::IdentityTaken { label } => LoginFailure::Duplicate { label },
        other => LoginFailure::NotStored(other.to_string()),
    }
}
