//! Logging in: browser with loopback callback, pasted code, device code, key, long-lived token. Called by the control API.
//!
//! A [`LoginDesk`] keeps the logins that wait for a browser or a person. What a login brought is stored, read back and
//! compared before success is reported.
//!
//! ```text
//! desk       the logins under way        finish    who is it, is it here already, store, read back
//! loopback   the browser's answer        device    asks until the person has entered the code
//! secret     keys and tokens             probe     what a compatible endpoint can do
//! alibaba    where one of Alibaba's keys is at home
//! ```

mod alibaba;
mod desk;
mod device;
mod entropy;
mod failure;
mod finish;
mod loopback;
mod naming;
mod probe;
mod secret;

pub use desk::{LoginDesk, LoginId, MAX_PENDING, PATIENCE_S, Stage};
pub use entropy::{Entropy, NoEntropy, SystemEntropy};
pub use failure::LoginFailure;
pub use finish::{Known, same_secret, usual_cost};
pub use naming::free_label;

use std::collections::BTreeMap;

use remuda_core::{AccountId, CostClass, CredentialKind, Identity, Label, Protocol, Vendor};
use remuda_store::{Acknowledgement, AuthHeader, HostGrant, Profile};
use remuda_vendors::Addresses;
use secrecy::SecretString;

/// How the secret comes to us.
#[derive(Clone)]
pub enum Way {
    /// The vendor's page in a browser on this machine, which hands a code to a loopback address.
    Browser,
    /// The vendor's page in any browser; the person brings the code back.
    Paste,
    /// The vendor's page in any browser; the person types a short code there.
    Device,
    /// An API key.
    Key(SecretString),
    /// A long-lived token (`claude setup-token`).
    Token(SecretString),
}

/// Where the account is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// At the vendor itself, or at an endpoint that stands in its place (`base_url`).
    #[default]
    Vendor,
    /// A plan that OpenAI shares with this installation ("Sign in with ChatGPT"), which has this UUID.
    SharedPlan(String),
    /// At a compatible endpoint (`base_url`).
    Compatible(Compatible),
}

/// What the person says about a compatible endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compatible {
    /// The protocols it speaks. Empty: that is found out.
    pub speaks: Vec<Protocol>,
    /// Its names for models, by the names that agents use.
    pub models: BTreeMap<String, String>,
}

/// What the person wants.
#[derive(Clone)]
pub struct LoginRequest {
    /// How.
    pub way: Way,
    /// Who serves the account. Of a compatible endpoint that speaks no Anthropic it becomes OpenAI.
    pub vendor: Vendor,
    /// Where.
    pub place: Place,
    /// The owner's name for the account. The label of an existing account renews that account's login. `None`: the same
    /// real account is renewed if it is here already, else it is named after what the vendor says of it.
    pub label: Option<Label>,
    /// Where the vendors listen.
    pub addresses: Addresses,
    /// An endpoint that speaks the vendor's protocol, in place of the vendor's own. Kept with the account; `None`: the
    /// account's own when it is renewed, else the vendor's.
    pub base_url: Option<String>,
    /// How a key travels. `None`: as the vendor has it, or at a `base_url` whichever of the two it takes.
    pub auth_header: Option<AuthHeader>,
    /// `None`: keys are metered, subscriptions included; unchanged when an account is renewed with the same kind of secret.
    pub cost: Option<CostClass>,
    /// The vendor's terms, as the owner acknowledged them. For new accounts.
    pub terms: Option<Acknowledgement>,
    /// Hosts of other makers that may use it. For new accounts.
    pub grants: Vec<HostGrant>,
}

/// A login that is stored.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// The account.
    pub account: AccountId,
    /// Its label.
    pub label: Label,
    /// What kind of secret it has.
    pub kind: CredentialKind,
    /// What using it costs.
    pub cost: CostClass,
    /// Who it is, if the vendor tells.
    pub identity: Option<Identity>,
    /// What the vendor says of it: e-mail, organisation, plan.
    pub profile: Profile,
    /// Was the account here before?
    pub updated: bool,
    /// What was found out and what could not be checked, in words for a person.
    pub notes: Vec<String>,
}
