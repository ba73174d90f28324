//! Logging in, in the words of the API. The conversation with the vendor is the login desk's.

use std::time::Duration;

use remuda_core::snapshot::Target;
use remuda_core::{AccountId, CredentialKind, Vendor};
use remuda_credentials::Keeper;
use remuda_credentials::login::{
    Compatible, LoggedIn, LoginDesk, LoginFailure, LoginId, LoginRequest, Place, Stage, Way,
};
use remuda_store::{Acknowledgement, AuthHeader, Edit, HostGrant};
use remuda_vendors::qwen::KeyKind;
use remuda_vendors::terms::terms;
use remuda_vendors::{Addresses, LoginError};
use secrecy::{ExposeSecret, SecretString};

use super::Api;
use super::account::label;
use super::installation::Installation;
use super::stored::Told;
use crate::types::{Code, Event, Failure, LoginStep};
use crate::types::{
    Empty, KeyHeader, LoginCode, LoginMethod, LoginRef, LoginStage, LoginStart, LoginView, SentSecret, State, Terms,
    TermsAsked,
};

/// Longest silence of [`Api::wait_login`], well below the patience of any client.
const WAIT: Duration = Duration::from_secs(20);

/// What logging in needs.
pub struct LoginEngine {
    /// Where people log in.
    pub desk: LoginDesk,
    /// Holds the tokens that a login brings.
    pub keeper: Keeper,
    /// Where the vendors listen.
    pub addresses: Addresses,
    /// Where the name stands under which OpenAI knows this installation.
    pub installation: Installation,
}

/// The kind of credential that a login brings, as far as it can be known before: the terms depend on it.
#[must_use]
pub fn login_kind(
    vendor: Vendor,
    method: LoginMethod,
    shared_plan: bool,
    secret: Option<&SecretString>,
) -> CredentialKind {
    match method {
        LoginMethod::Key => {
            let only_plan = |key: &SecretString| KeyKind::possible(key.expose_secret()) == [KeyKind::CodingPlan];
            let plan = vendor == Vendor::Qwen && secret.is_some_and(only_plan);
            if plan { CredentialKind::PlanKey } else { CredentialKind::ApiKey }
        }
        LoginMethod::Token => CredentialKind::StaticToken,
        LoginMethod::Browser | LoginMethod::Paste | LoginMethod::Device if shared_plan => CredentialKind::SharedPlan,
        LoginMethod::Browser | LoginMethod::Paste | LoginMethod::Device => CredentialKind::Subscription,
    }
}

/// Do both addresses lead to the same port of this machine?
fn same_place(url: &str, ours: &str) -> bool {
    let authority = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        authority.replace("localhost:", "127.0.0.1:").replace("[::1]:", "127.0.0.1:")
    };
    authority(url) == authority(ours)
}

impl Api {
    /// A vendor's terms, and whether the owner has read them.
    ///
    /// # Errors
    /// None so far.
    pub async fn terms(&self, TermsAsked { vendor, kind }: TermsAsked) -> Result<Terms, Failure> {
        let words = terms(vendor, kind.unwrap_or(CredentialKind::Subscription));
        let edition = words.source.to_owned();
        let accepted_at = self.herd.look(|_, profiles| {
            let read = profiles.values().filter_map(|profile| profile.terms.as_ref());
            read.filter(|read| read.text_version == edition).map(|read| read.at).max()
        });
        Ok(Terms {
            vendor,
            before_login: words.before_login.map(str::to_owned),
            before_grant: words.before_grant.map(str::to_owned),
            edition,
            accepted_at,
        })
    }

    /// Begins a login.
    ///
    /// # Errors
    /// The input makes no sense, the terms were not accepted, the vendor refuses, the account is here already, or the
    /// store fails.
    pub async fn start_login(&self, start: LoginStart) -> Result<LoginView, Failure> {
        self.not_ourselves(&start)?;
        let terms = self.acknowledged(&start)?;
        let way = way(&start)?;
        let mut auth_header = None;
        let place = match start.compatible {
            Some(what) => {
                auth_header = what.key_header.map(|header| match header {
                    KeyHeader::Bearer => AuthHeader::Bearer,
                    KeyHeader::XApiKey => AuthHeader::XApiKey,
                });
                Place::Compatible(Compatible { speaks: what.speaks, models: what.models })
            }
            None if start.shared_plan && start.vendor != Vendor::OpenAi => {
                return Err(Failure::invalid("only ChatGPT plans can be shared with a program")
                    .remedy("leave --shared-plan out"));
            }
            None if start.shared_plan => Place::SharedPlan(self.logins.installation.id()?),
            None => Place::Vendor,
        };
        let request = LoginRequest {
            way,
            vendor: start.vendor,
            place,
            label: start.label.as_deref().map(label).transpose()?,
            addresses: self.logins.addresses.clone(),
            base_url: start.base_url,
            auth_header,
            cost: start.cost,
            grants: start
                .allow_hosts
                .into_iter()
                .zip(std::iter::repeat(terms.clone()))
                .filter_map(|(host, acknowledged)| Some(HostGrant { host, acknowledged: acknowledged? }))
                .collect(),
            terms,
        };
        let (id, stage) = self.logins.desk.start(request).await.told()?;
        if matches!(stage, Stage::Waiting { .. }) {
            self.tell_login(&id, LoginStep::Waiting, None);
        }
        self.login_view(id, stage).await
    }

    /// An agent's settings may name this very gateway and a key of it. Taken for an account, requests would go in circles.
    fn not_ourselves(&self, start: &LoginStart) -> Result<(), Failure> {
        let is_ours = |url: &str| self.daemon.as_ref().is_some_and(|running| same_place(url, &running.facts.url));
        let is_key = |secret: &SentSecret| secret.0.expose_secret().starts_with(remuda_gateway::keys::PREFIX);
        let what = match (&start.base_url, &start.secret) {
            (Some(url), _) if is_ours(url) => "this is the address of Remuda itself",
            (_, Some(secret)) if is_key(secret) => "this is a client key of Remuda itself",
            _ => return Ok(()),
        };
        Err(Failure::invalid(what)
            .why("an account is a place that requests go to from here")
            .remedy("give it the vendor's own address and key"))
    }

    /// Waits a while for the vendor's page.
    ///
    /// # Errors
    /// There is no such login, or it failed.
    pub async fn wait_login(&self, LoginRef { login }: LoginRef) -> Result<LoginView, Failure> {
        let id = LoginId(login);
        let stage = self.logins.desk.wait(&id, WAIT).await.told()?;
        self.login_view(id, stage).await
    }

    /// Takes a code that a person pasted.
    ///
    /// # Errors
    /// There is no such login, the text is no code of it, the vendor refuses, the account is here already, or the store
    /// fails.
    pub async fn finish_login(&self, LoginCode { login, code }: LoginCode) -> Result<LoginView, Failure> {
        let id = LoginId(login);
        let done = self.logins.desk.paste(&id, &code.0).await.told()?;
        self.login_view(id, Stage::Done(Box::new(done))).await
    }

    /// Drops a login that is under way.
    ///
    /// # Errors
    /// There is no such login.
    pub async fn cancel_login(&self, LoginRef { login }: LoginRef) -> Result<Empty, Failure> {
        let id = LoginId(login);
        if !self.logins.desk.cancel(&id) {
            return Err(refused(&LoginFailure::Unknown));
        }
        self.tell_login(&id, LoginStep::Cancelled, None);
        Ok(Empty {})
    }

    /// Lets other makers' hosts use a subscription, after its owner has read the vendor's wording.
    pub(super) fn grant_edits(
        &self,
        id: AccountId,
        (vendor, kind): (Vendor, CredentialKind),
        known: &[remuda_core::Host],
        wanted: &[remuda_core::Host],
        accept_terms: bool,
    ) -> Result<Vec<Edit>, Failure> {
        let words = terms(vendor, kind);
        let new: Vec<_> = wanted.iter().filter(|host| !known.contains(host)).collect();
        if !new.is_empty() && !accept_terms {
            return Err(not_accepted(words.before_grant));
        }
        let acknowledged = Acknowledgement { text_version: words.source.to_owned(), at: self.now() };
        let grants =
            new.into_iter().map(|host| Edit::Grant(id, HostGrant { host: *host, acknowledged: acknowledged.clone() }));
        let revoked = known.iter().filter(|host| !wanted.contains(host)).map(|host| Edit::Revoke(id, *host));
        Ok(grants.chain(revoked).collect())
    }

    /// The account is gone: drop its tokens from memory.
    pub(super) fn forget_tokens(&self, id: AccountId) {
        self.logins.keeper.forget(id);
    }

    fn acknowledged(&self, start: &LoginStart) -> Result<Option<Acknowledgement>, Failure> {
        let secret = start.secret.as_ref().map(|secret| &secret.0);
        let kind = login_kind(start.vendor, start.method, start.shared_plan, secret);
        let words = terms(start.vendor, kind);
        if !kind.is_login() && !start.allow_hosts.is_empty() {
            return Err(Failure::invalid("keys serve every agent without a grant").remedy("leave --allow-host out"));
        }
        if words.before_login.is_none() || start.compatible.is_some() {
            return Ok(None);
        }
        if !start.accept_terms {
            return Err(not_accepted(words.before_login));
        }
        Ok(Some(Acknowledgement { text_version: words.source.to_owned(), at: self.now() }))
    }

    async fn login_view(&self, id: LoginId, stage: Stage) -> Result<LoginView, Failure> {
        let stage = match stage {
            Stage::Waiting { url, user_code, ends_at } => LoginStage::Waiting { url, user_code, ends_at },
            Stage::Failed(failure) => {
                self.tell_login(&id, LoginStep::Failed, None);
                return Err(refused(&failure));
            }
            Stage::Done(done) => {
                let stage = self.settle(*done).await?;
                if let LoginStage::Done { account, .. } = &stage {
                    self.tell_login(&id, LoginStep::Done, Some(account.label.clone()));
                }
                stage
            }
        };
        Ok(LoginView { login: id.0, stage })
    }

    fn tell_login(&self, id: &LoginId, stage: LoginStep, account: Option<String>) {
        self.ring.push(Event::Logins { at: self.now(), login: id.0.clone(), stage, account });
    }

    /// The store has a new login: routing learns of it. Where nothing is chosen yet, it is: whoever adds the first account
    /// wants to use it.
    async fn settle(&self, done: LoggedIn) -> Result<LoginStage, Failure> {
        self.herd.logged_in(done.account).await.told()?;
        let mut notes = done.notes;
        if self.herd.look(|herd, _| herd.active.is_none()) {
            self.herd.edit(vec![Edit::Active(Some(Target::Account(done.account)))]).await.told()?;
        }
        let account = self.view(done.account)?;
        if account.active && account.cost == remuda_core::CostClass::Metered {
            notes.push(format!("{} is metered: every request on it costs money", account.label));
        }
        if account.state == State::Paused {
            notes.push(format!("{0} is still off: `remuda accounts enable {0}`", account.label));
        }
        Ok(LoginStage::Done { account: Box::new(account), renewed: done.updated, notes })
    }
}

fn way(start: &LoginStart) -> Result<Way, Failure> {
    let secret = || {
        let secret = start.secret.as_ref().map(|secret| secret.0.clone());
        secret.ok_or_else(|| Failure::invalid("this way of logging in needs a secret"))
    };
    Ok(match start.method {
        LoginMethod::Browser => Way::Browser,
        LoginMethod::Paste => Way::Paste,
        LoginMethod::Device => Way::Device,
        LoginMethod::Key => Way::Key(secret()?),
        LoginMethod::Token => Way::Token(secret()?),
    })
}

fn not_accepted(words: Option<&str>) -> Failure {
    let failure = Failure::new(Code::TermsNotAccepted, "the vendor's terms have not been accepted yet")
        .remedy("read them, then say so (--accept-terms)");
    match words {
        Some(words) => failure.why(words),
        None => failure,
    }
}

impl<T> Told<T> for Result<T, LoginFailure> {
    fn told(self) -> Result<T, Failure> {
        self.map_err(|failure| refused(&failure))
    }
}

fn refused(failure: &LoginFailure) -> Failure {
    let code = match failure {
        LoginFailure::Unknown | LoginFailure::TimedOut => Code::UnknownLogin,
        LoginFailure::Duplicate { .. } => Code::Duplicate,
        LoginFailure::Cancelled | LoginFailure::OtherIdentity { .. } | LoginFailure::StandsAlone { .. } => {
            Code::Conflict
        }
        LoginFailure::Code(LoginError::NoCode | LoginError::StateMismatch)
        | LoginFailure::BadSecret(_)
        | LoginFailure::NoSuchWay(_)
        | LoginFailure::BadUrl(_) => Code::Invalid,
        LoginFailure::Code(_)
        | LoginFailure::Unreachable { .. }
        | LoginFailure::NoRefreshToken
        | LoginFailure::PlanLapsed { .. }
        | LoginFailure::NowhereAtHome { .. }
        | LoginFailure::HomeUnknown { .. }
        | LoginFailure::SpeaksNothing { .. }
        | LoginFailure::KeyRefused { .. } => Code::Vendor,
        LoginFailure::NotStored(_) | LoginFailure::ReadBack => Code::Store,
        LoginFailure::NoPort(_) | LoginFailure::NoEntropy(_) => Code::Internal,
    };
    let separator = match failure {
        LoginFailure::Duplicate { .. }
        | LoginFailure::OtherIdentity { .. }
        | LoginFailure::NowhereAtHome { .. }
        | LoginFailure::StandsAlone { .. }
        | LoginFailure::KeyRefused { .. } => ": ",
        _ => "; ",
    };
    Failure::told(code, &failure.to_string(), separator)
}
