//! One login becomes an account: borrowed, or our own.

use remuda_core::route::StateChange;
use remuda_core::{Account, AccountId, AccountStatus, Class, Cooldown, CredentialKind, Label, Protocol, Vendor};
use remuda_credentials::login::{LoginRequest, Place, Way, free_label, usual_cost};
use remuda_hosts::import::{Login, Secret, take_out};
use remuda_store::{AuthHeader, Credential, Endpoint, NewAccount, OauthPair, Profile};
use remuda_vendors::anthropic::KeyKind;
use secrecy::ExposeSecret;

use super::super::Api;
use super::super::stored::Told;
use super::gather::{Group, Here, access, borrowed_from};
use super::{Done, place_of};
use crate::types::{Failure, Fate, ImportHow};

impl Api {
    /// What would become of it.
    pub(super) fn foresee(&self, group: &Group, how: ImportHow) -> Done {
        let fate = if how == ImportHow::Move { Fate::Moved } else { Fate::Borrowed };
        match (&group.here, movable(&group.login)) {
            (Some(here), _) if !here.borrowed || how == ImportHow::Borrow => known(here),
            (_, Err(why)) if how == ImportHow::Move => failed(why),
            (Some(here), _) => Done { account: Some(here.account), label: Some(here.label.clone()), fate, why: None },
            (None, _) => {
                let label = self.label_for(&group.login).map(|label| label.to_string());
                Done { account: None, label, fate, why: None }
            }
        }
    }

    /// Takes it over. One that fails does not keep the others.
    pub(super) async fn take(&self, group: &Group, how: ImportHow) -> Done {
        match &group.here {
            Some(here) if !here.borrowed || how == ImportHow::Borrow => known(here),
            Some(here) => match self.make_own(group, here.account).await {
                Ok(why) => {
                    let (account, label) = (Some(here.account), Some(here.label.clone()));
                    Done { account, label, fate: Fate::Moved, why }
                }
                Err(failure) => failed(said(&failure)),
            },
            None => match self.add(group, how).await {
                Ok(done) => done,
                Err(failure) => failed(said(&failure)),
            },
        }
    }

    async fn add(&self, group: &Group, how: ImportHow) -> Result<Done, Failure> {
        let login = &group.login;
        let (kind, endpoint, mut notes) = self.home(login).await?;
        let credential = match how {
            ImportHow::Borrow => borrowed(login),
            ImportHow::Move => movable(login).map_err(Failure::invalid)?,
        };
        let label = self.label_for(login).ok_or_else(|| Failure::invalid("no free label was found"))?;
        let id = self.logins.desk.new_id().told()?;
        let mut account = Account::new(id, label.clone(), login.vendor, kind, usual_cost(kind));
        account.status = if login.off { AccountStatus::Paused } else { AccountStatus::Ready };
        account.identity.clone_from(&group.identity);
        account.min_remaining.clone_from(&login.min_remaining);
        let profile = self.profile(login, endpoint, kind, how);
        self.herd().add_account(NewAccount { account, profile, credential }).await.told()?;
        self.known_to_keeper(id).await;
        self.rest(id, login);
        if how == ImportHow::Move {
            notes.extend(self.take_out(group).await);
        }
        let fate = if how == ImportHow::Move { Fate::Moved } else { Fate::Borrowed };
        let why = Some(notes.join("; ")).filter(|notes| !notes.is_empty());
        Ok(Done { account: Some(id), label: Some(label.to_string()), fate, why })
    }

    /// A borrowed account becomes our own.
    async fn make_own(&self, group: &Group, id: AccountId) -> Result<Option<String>, Failure> {
        let login = &group.login;
        let credential = movable(login).map_err(Failure::invalid)?;
        let before = self.herd().look(|_, profiles| profiles.get(&id).map(|profile| Profile::clone(profile)));
        let endpoint = before.map(|profile| profile.endpoint).unwrap_or_default();
        let profile = self.profile(login, endpoint, login.kind, ImportHow::Move);
        let login = remuda_store::Login { credential, kind: login.kind, identity: group.identity.clone(), profile };
        self.herd().store().login(id, login, self.now()).await.told()?;
        self.known_to_keeper(id).await;
        self.herd().logged_in(id).await.told()?;
        let notes = self.take_out(group).await;
        Ok(Some(notes.join("; ")).filter(|notes| !notes.is_empty()))
    }

    /// Takes the login out of every file in which it stands: two owners of one refresh token log each other out.
    async fn take_out(&self, group: &Group) -> Vec<String> {
        let all = std::iter::once(&group.login).chain(&group.others);
        // Another login of the same account is a family of tokens of its own and stays.
        let shared = all.filter(|login| same_family(&login.secret, &group.login.secret));
        let sources: Vec<_> = shared.map(|login| login.source.clone()).collect();
        let work = move || sources.iter().map(|source| (place_of(source), take_out(source))).collect::<Vec<_>>();
        let done = tokio::task::spawn_blocking(work).await.unwrap_or_default();
        done.into_iter()
            .map(|(place, outcome)| match outcome {
                Ok(()) => format!("taken out of {place}"),
                Err(trouble) => format!(
                    "it still stands in {place} ({}): take it out there by hand, without logging out, or both programs will \
                     refresh it and lose it",
                    trouble.why
                ),
            })
            .collect()
    }

    pub(super) async fn known_to_keeper(&self, id: AccountId) {
        if let Err(error) = self.logins.keeper.adopt(id).await {
            tracing::warn!(account = %id, %error, "the imported login is stored but could not be taken into memory");
        }
    }

    fn profile(&self, login: &Login, endpoint: Endpoint, kind: CredentialKind, how: ImportHow) -> Profile {
        let said = login.profile.clone();
        Profile {
            endpoint,
            email: said.email,
            name: said.name,
            organisation: said.organisation_name,
            plan: said.plan,
            organisation_uuid: said.organisation,
            account_uuid: said.person,
            terms: self.acknowledgement(login.vendor, kind),
            borrowed: (how == ImportHow::Borrow).then(|| borrowed_from(login)),
            ..Profile::default()
        }
    }

    /// Where it lives. Alibaba's keys must be asked for; of the others it is known.
    async fn home(&self, login: &Login) -> Result<(CredentialKind, Endpoint, Vec<String>), Failure> {
        let bearer = Endpoint { auth_header: AuthHeader::Bearer, ..Endpoint::default() };
        let Secret::Key(key) = &login.secret else { return Ok((login.kind, bearer, Vec::new())) };
        match (login.vendor, &login.base_url) {
            (Vendor::Qwen, base_url) => {
                let request = LoginRequest {
                    way: Way::Key(key.clone()),
                    vendor: Vendor::Qwen,
                    place: Place::Vendor,
                    label: None,
                    addresses: self.logins.addresses.clone(),
                    base_url: base_url.clone(),
                    auth_header: None,
                    cost: None,
                    terms: None,
                    grants: Vec::new(),
                };
                self.logins.desk.home_of(&request).await.told()
            }
            (Vendor::Anthropic, base_url) => {
                let own = base_url.is_none();
                if own {
                    KeyKind::of(key.expose_secret()).credential_kind().map_err(Failure::invalid)?;
                }
                let bearer = !own && login.x_api_key == Some(false);
                let auth_header = if bearer { AuthHeader::Bearer } else { AuthHeader::XApiKey };
                let bases =
                    base_url.iter().map(|url| (Protocol::Messages, url.trim_end_matches('/').to_owned())).collect();
                Ok((login.kind, Endpoint { bases, auth_header, ..Endpoint::default() }, Vec::new()))
            }
            (Vendor::OpenAi, _) => Ok((login.kind, bearer, Vec::new())),
        }
    }

    /// The label that the person gave it there, if it is free; else one made of what is known.
    fn label_for(&self, login: &Login) -> Option<Label> {
        self.herd().look(|herd, _| {
            let taken = |text: &str| herd.accounts.values().any(|account| account.label.matches(text));
            let own = login.label.as_deref().and_then(|label| Label::new(label).ok());
            own.filter(|label| !taken(label.as_str())).or_else(|| {
                let email = login.profile.email.clone().or_else(|| login.label.clone());
                let named =
                    Profile { email, organisation: login.profile.organisation_name.clone(), ..Profile::default() };
                free_label(login.vendor, &named, taken)
            })
        })
    }

    /// The rests that the tool had written down.
    fn rest(&self, id: AccountId, login: &Login) {
        let now = self.now();
        let rest = |until| Cooldown {
            until,
            reason: Class::WindowExhausted,
            stated: true,
            since: now,
            evidence: format!("written down by {}", login.source.program.words()),
            probing_until: None,
        };
        let account = login.rests_until.map(|until| StateChange::Cooling(id, Some(rest(until))));
        let models = login.models_rest.iter();
        let models = models.map(|(model, until)| StateChange::ModelCooling(id, model.clone(), Some(rest(*until))));
        let changes: Vec<StateChange> = account.into_iter().chain(models).collect();
        self.herd().apply(&changes, now);
    }
}

/// The credential of a login that stays with its owner.
pub(super) fn borrowed(login: &Login) -> Credential {
    Credential::Borrowed {
        access: access(&login.secret).clone(),
        expires_at: login.expires_at(),
        source: login.source.file.display().to_string(),
    }
}

/// The credential of a login that becomes ours, or why it cannot.
fn movable(login: &Login) -> Result<Credential, String> {
    match &login.secret {
        Secret::Key(key) => Ok(Credential::Key { key: key.clone() }),
        Secret::Token(token) => Ok(Credential::Static { token: token.clone() }),
        Secret::Pair { refresh: None, .. } => {
            Err("its file holds no refresh token, so it can only be borrowed".to_owned())
        }
        Secret::Pair { access, refresh: Some(refresh), expires_at, last_refresh_at, client_id } => {
            Ok(Credential::Oauth(OauthPair {
                access: access.clone(),
                refresh: refresh.clone(),
                // Unknown: it is refreshed with the first use.
                expires_at: expires_at.unwrap_or_default(),
                last_refresh_at: *last_refresh_at,
                earliest_refresh_at: None,
                client_id: client_id.clone(),
            }))
        }
    }
}

fn same_family(a: &Secret, b: &Secret) -> bool {
    match (a, b) {
        (Secret::Pair { refresh: Some(a), .. }, Secret::Pair { refresh: Some(b), .. }) => {
            a.expose_secret() == b.expose_secret()
        }
        _ => access(a).expose_secret() == access(b).expose_secret(),
    }
}

fn known(here: &Here) -> Done {
    let why = if here.from_here {
        "it is borrowed already"
    } else if here.borrowed {
        "the same account is borrowed from another file"
    } else {
        "the same account is here with a login of its own"
    };
    Done { account: Some(here.account), label: Some(here.label.clone()), fate: Fate::Known, why: Some(why.to_owned()) }
}

fn failed(why: String) -> Done {
    Done { account: None, label: None, fate: Fate::Failed, why: Some(why) }
}

fn said(failure: &Failure) -> String {
    let parts = [Some(failure.message.as_str()), failure.why.as_deref(), failure.remedy.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
