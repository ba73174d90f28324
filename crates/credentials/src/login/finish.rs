//! The second half of every login: who is it, is it here already, store it, read it back.

use remuda_core::snapshot::Target;
use remuda_core::{Account, AccountId, AccountStatus, CostClass, CredentialKind, Identity, Label, Vendor};
use remuda_store::{Credential, Edit, Endpoint, Herd, Login, NewAccount, OauthPair, Profile, Store, StoreError};
use remuda_vendors::login::Code;
use remuda_vendors::{self as vendors, login};
use secrecy::{ExposeSecret, SecretString};

use super::entropy::Entropy;
use super::failure::LoginFailure;
use super::naming::free_label;
use super::{LoggedIn, LoginRequest};
use crate::clock::Clock;
use crate::exchange::{Exchange, SendError};

/// A secret, and what the vendor says of it.
pub(super) struct Obtained {
    pub(super) vendor: Vendor,
    pub(super) credential: Credential,
    pub(super) kind: CredentialKind,
    pub(super) endpoint: Endpoint,
    pub(super) profile: vendors::Profile,
    pub(super) notes: Vec<String>,
}

/// Turns a code into a token pair and asks whose it is.
pub(super) async fn redeem(
    login: &login::Login,
    code: &Code,
    exchange: &dyn Exchange,
    clock: &dyn Clock,
) -> Result<Obtained, LoginFailure> {
    let answer = exchange.send(&login.exchange(code)).await.map_err(|error| match error {
        SendError::NotSent(why) => LoginFailure::Unreachable { why, spent: false },
        SendError::MaybeSent(why) => LoginFailure::Unreachable { why, spent: true },
    })?;
    let now = clock.now();
    let tokens = login.read_tokens(answer.status, &answer.body, now)?;
    let refresh = tokens.refresh.ok_or(LoginFailure::NoRefreshToken)?;
    let mut notes = Vec::new();
    // From here on nothing may cost the person the tokens: a profile that does not come is only noted.
    let mut profile = tokens.profile;
    if let Some(call) = login.profile_call(&tokens.access) {
        match exchange.send(&call).await {
            Ok(answer) if answer.status == 200 => profile = login.read_profile(&answer.body).or(profile),
            Ok(answer) => notes.push(format!("the vendor answered {} when asked for the profile", answer.status)),
            Err(error) => notes.push(format!("the profile could not be read ({error})")),
        }
    }
    let vendor = login.flow.vendor();
    if profile.identity(vendor).is_none() {
        notes.push("the vendor does not tell whose login this is, so a duplicate cannot be noticed".to_owned());
    }
    let client_id = match &login.flow {
        login::Flow::SharedPlan(_, known) => code.client_id.clone().or_else(|| known.client_id.clone()),
        login::Flow::Claude(_) | login::Flow::Codex(_) => None,
    };
    let pair = OauthPair {
        access: tokens.access,
        refresh,
        expires_at: tokens.expires_at,
        last_refresh_at: Some(now),
        earliest_refresh_at: tokens.earliest_refresh_at,
        client_id,
    };
    let (credential, kind) = (Credential::Oauth(pair), login.flow.kind());
    Ok(Obtained { vendor, credential, kind, endpoint: Endpoint::default(), profile, notes })
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
    let Obtained { vendor, credential, kind, endpoint, profile: said, notes } = obtained;
    let identity = said.identity(vendor);
    let profile = profile(request, endpoint, said);
    let herd = store.load(now).await.map_err(not_stored)?;
    let same_secret = holder_of(&herd, vendor, &credential, store).await?;
    let known = Known { vendor, kind, identity: identity.as_ref(), profile: &profile, same_secret };
    let target = known.target(&herd, request.label.as_ref())?;

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
            None => free_label(vendor, &profile, taken)
                .ok_or_else(|| LoginFailure::NotStored("no free label was found; give one with --label".to_owned()))?,
        };
        let cost = request.cost.unwrap_or(usual_cost(kind));
        let id = account_id(clock, entropy)?;
        let mut account = Account::new(id, label.clone(), vendor, kind, cost);
        account.status = AccountStatus::Ready;
        account.identity.clone_from(&identity);
        let new = NewAccount { account, profile: profile.clone(), credential: credential.clone() };
        store.add_account(new, now).await.map_err(not_stored)?;
        LoggedIn { account: id, label, kind, cost, identity, profile, updated: false, notes }
    };

    let stored = store.credential(logged_in.account).await.map_err(not_stored)?;
    if same(&stored.credential, &credential) { Ok(logged_in) } else { Err(LoginFailure::ReadBack) }
}

/// What a kind of secret costs if its owner does not say otherwise.
#[must_use]
pub fn usual_cost(kind: CredentialKind) -> CostClass {
    match kind {
        CredentialKind::Subscription
        | CredentialKind::StaticToken
        | CredentialKind::PlanKey
        | CredentialKind::SharedPlan => CostClass::Included,
        CredentialKind::ApiKey => CostClass::Metered,
    }
}

/// What is known of a newcomer: enough to find out whether it is here already.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Who serves it.
    pub vendor: Vendor,
    /// What kind of secret it brings.
    pub kind: CredentialKind,
    /// Who the vendor says it is.
    pub identity: Option<&'a Identity>,
    /// The rest of what the vendor says.
    pub profile: &'a Profile,
    /// The account that holds the same key or token.
    pub same_secret: Option<AccountId>,
}

impl Known<'_> {
    /// The account that it is, or that its owner names; `None`: a new one is made. Identity counts, not the label.
    ///
    /// # Errors
    /// [`LoginFailure::Duplicate`], [`LoginFailure::OtherIdentity`], [`LoginFailure::StandsAlone`].
    pub fn target<'a>(self, herd: &'a Herd, label: Option<&Label>) -> Result<Option<&'a Account>, LoginFailure> {
        let accounts = &herd.snapshot.accounts;
        let labelled = label.and_then(|label| accounts.values().find(|account| account.label.matches(label.as_str())));
        let is_it = |account: &&Account| {
            account.vendor == self.vendor && self.identity.is_some() && account.identity.as_ref() == self.identity
        };
        let same = accounts.values().find(is_it).or_else(|| accounts.get(&self.same_secret?));
        match (labelled, same) {
            (None, None) => Ok(None),
            // One person may have a plan here both ways; which of them it shall be must be said by its label.
            (None, Some(same)) if label.is_none() && same.kind.stands_alone() == self.kind.stands_alone() => {
                Ok(Some(same))
            }
            (Some(labelled), None) => {
                let known = labelled.identity.is_some() && self.identity.is_some();
                if labelled.vendor != self.vendor || known {
                    return Err(self.another(herd, labelled));
                }
                self.allowed(herd, labelled)
            }
            (Some(labelled), Some(same)) if labelled.id == same.id => self.allowed(herd, labelled),
            (_, Some(same)) => Err(LoginFailure::Duplicate { label: same.label.clone() }),
        }
    }

    fn another(self, herd: &Herd, labelled: &Account) -> LoginFailure {
        let holder = match herd.profiles.get(&labelled.id) {
            Some(held) if labelled.vendor == self.vendor => who(held),
            _ => labelled.vendor.to_string(),
        };
        LoginFailure::OtherIdentity { label: labelled.label.clone(), holder, newcomer: who(self.profile) }
    }

    /// A plan that is shared with one program does not come in place of a member of chains or pools.
    fn allowed<'a>(self, herd: &Herd, account: &'a Account) -> Result<Option<&'a Account>, LoginFailure> {
        let herd = &herd.snapshot;
        let steps = herd.chains.values().flatten();
        let on_chain = steps.into_iter().any(|step| step.target == Target::Account(account.id));
        let has_chain = herd.chains.get(&account.id).is_some_and(|chain| !chain.is_empty());
        let pooled = herd.pools.values().any(|pool| pool.members.contains(&account.id));
        if self.kind.stands_alone() && (on_chain || has_chain || pooled) {
            return Err(LoginFailure::StandsAlone { label: account.label.clone() });
        }
        Ok(Some(account))
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
async fn holder_of(
    herd: &Herd,
    vendor: Vendor,
    credential: &Credential,
    store: &dyn Store,
) -> Result<Option<AccountId>, LoginFailure> {
    if matches!(credential, Credential::Oauth(_) | Credential::Borrowed { .. }) {
        return Ok(None);
    }
    for account in herd.snapshot.accounts.values().filter(|account| account.vendor == vendor) {
        match store.credential(account.id).await {
            Ok(stored) if same_secret(&stored.credential, credential) => return Ok(Some(account.id)),
            Ok(_) | Err(StoreError::UnknownAccount(_) | StoreError::CredentialUnreadable(_)) => {}
            Err(error) => return Err(not_stored(error)),
        }
    }
    Ok(None)
}

fn profile(request: &LoginRequest, endpoint: Endpoint, said: vendors::Profile) -> Profile {
    Profile {
        endpoint,
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
        (Credential::Oauth(_), _) | (_, Credential::Oauth(_)) => false,
        _ => same_secret(a, b),
    }
}

/// Is it the same key or long-lived token, whoever holds it? Pairs rotate, so they are told apart by identity.
#[must_use]
pub fn same_secret(a: &Credential, b: &Credential) -> bool {
    fn lasting(credential: &Credential) -> Option<&SecretString> {
        match credential {
            Credential::Oauth(_) => None,
            Credential::Static { token: secret }
            | Credential::Key { key: secret }
            | Credential::Borrowed { access: secret, .. } => Some(secret),
        }
    }
    lasting(a).zip(lasting(b)).is_some_and(|(a, b)| a.expose_secret() == b.expose_secret())
}

/// A UUIDv7 of this moment.
pub(super) fn account_id(clock: &dyn Clock, entropy: &dyn Entropy) -> Result<AccountId, LoginFailure> {
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
