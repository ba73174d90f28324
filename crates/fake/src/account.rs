//! An account as tests hold it: issue credentials, set windows, take things away.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::openai_auth::SHARING_SCOPES;
use crate::quota::{Reading, Window};
use crate::site::{QwenPlan, Site, Vendor};
use crate::vendor::Shared;

/// What an account can be used with, and thereby whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Anthropic: OAuth pairs by login.
    Subscription,
    /// Anthropic: one or more API keys.
    ApiKey,
    /// Anthropic: a long-lived inference-only bearer token.
    StaticToken,
    /// OpenAI: an API key.
    #[serde(rename = "openai_key")]
    OpenAiKey,
    /// OpenAI: a ChatGPT plan, by login, for the Codex backend.
    #[serde(rename = "chatgpt")]
    ChatGpt,
    /// Alibaba: a key of this offer, good in [`crate::AccountSpec::region`].
    Qwen(QwenPlan),
}

impl Kind {
    /// Whose account it is.
    #[must_use]
    pub fn vendor(self) -> Vendor {
        match self {
            Self::Subscription | Self::ApiKey | Self::StaticToken => Vendor::Anthropic,
            Self::OpenAiKey | Self::ChatGpt => Vendor::OpenAi,
            Self::Qwen(_) => Vendor::Qwen,
        }
    }
}

/// The plan of a subscription: what profile, roles and credential files tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// `claude_pro`
    Pro,
    /// `claude_max`, `default_claude_max_5x`
    Max5x,
    /// `claude_max`, `default_claude_max_20x`
    Max20x,
    /// `claude_team`
    Team,
    /// `claude_enterprise`
    Enterprise,
}

/// What a login brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// `sk-ant-oat01-…`; of a ChatGPT account a JWT.
    pub access_token: String,
    /// `sk-ant-ort01-…` or `rt_…`, single-use.
    pub refresh_token: String,
    /// A JWT about the person; ChatGPT accounts only.
    pub id_token: Option<String>,
    /// Seconds until the access token ends.
    pub expires_in: i64,
    /// The same in unix seconds by the vendor's clock.
    pub expires_at: i64,
    /// Scopes, separated by spaces.
    pub scope: String,
}

/// A handle on one account. Cheap to clone.
#[derive(Clone)]
pub struct FakeAccount {
    pub(crate) shared: Arc<Shared>,
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) account_uuid: String,
    pub(crate) organization_uuid: String,
    pub(crate) key: String,
    pub(crate) site: Site,
}

/// The vendor writes `user-` and letters.
pub(crate) fn chatgpt_user_id(account_uuid: &str) -> String {
    format!("user-{}", account_uuid.replace('-', ""))
}

impl FakeAccount {
    /// Its name in logs and scripts.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The person's email.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Where its credential is good for inference; the address is [`crate::Fake::url`].
    #[must_use]
    pub fn site(&self) -> Site {
        self.site
    }

    /// `account.uuid` of the profile.
    #[must_use]
    pub fn account_uuid(&self) -> &str {
        &self.account_uuid
    }

    /// `organization.uuid` of the profile and `anthropic-organization-id` of its answers.
    #[must_use]
    pub fn organization_uuid(&self) -> &str {
        &self.organization_uuid
    }

    /// `chatgpt_account_id` in the tokens of a ChatGPT account: the workspace, which several people may share. The header
    /// `chatgpt-account-id` must say the same.
    #[must_use]
    pub fn chatgpt_account_id(&self) -> &str {
        &self.organization_uuid
    }

    /// `chatgpt_user_id` in the tokens of a ChatGPT account: the person.
    #[must_use]
    pub fn chatgpt_user_id(&self) -> String {
        chatgpt_user_id(&self.account_uuid)
    }

    /// The API key (`sk-ant-api03-…`) or long-lived token (`sk-ant-oat01-…`) of such an account; for a subscription the
    /// long-lived token it would get from `claude setup-token`. OpenAI: `sk-proj-…`; Alibaba: `sk-…`, for the Coding Plan
    /// `sk-sp-…`. Empty for a ChatGPT account, which has none.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Logs in without a browser: a fresh token pair, a refresh-token family of its own.
    #[must_use]
    pub fn issue_tokens(&self) -> Tokens {
        self.shared.issue_tokens(self.index)
    }

    /// Shares the plan of a ChatGPT account with the installation of this client id (`oaiapp_…`), without a browser: tokens
    /// for `https://api.openai.com/v1`, an hour each, not to be refreshed earlier than 6 minutes before their end.
    #[must_use]
    pub fn share_plan(&self, client_id: &str) -> Tokens {
        self.shared.login(self.index, client_id, Some(SHARING_SCOPES.join(" ")))
    }

    /// Ends all access tokens now, as if their time had come (401). Refresh tokens stay good.
    pub fn expire_access(&self) {
        self.shared.expire_access(self.index);
    }

    /// Revokes all access tokens (403 "has been revoked"). Refresh tokens stay good.
    pub fn revoke_access(&self) {
        self.shared.revoke_access(self.index);
    }

    /// Revokes every login: access and refresh tokens, keys and long-lived tokens.
    pub fn revoke_all(&self) {
        self.shared.revoke_all(self.index);
    }

    /// Closes the organisation ("This organization has been disabled.") or opens it again. OpenAI: `account_deactivated`;
    /// Alibaba: `Arrearage`.
    pub fn set_disabled(&self, disabled: bool) {
        self.shared.set_disabled(self.index, disabled);
    }

    /// Lets a plan lapse or run again: Alibaba's plans then answer 401 "invalid access token or token expired", as for a
    /// wrong key; the Codex backend 429 `usage_not_included`.
    pub fn set_lapsed(&self, lapsed: bool) {
        self.shared.set_lapsed(self.index, lapsed);
    }

    /// Sets a window: `used_percent` from 0 to 100 (and over), resetting in so many seconds of the vendor's clock. At 100
    /// the next request is refused. An unknown model window is added, counting models whose id contains its suffix.
    pub fn set_window(&self, window: Window, used_percent: f64, resets_in_s: i64) {
        self.shared.set_window(self.index, &window, used_percent, resets_in_s);
    }

    /// The windows as they stand now.
    #[must_use]
    pub fn windows(&self) -> Vec<Reading> {
        self.shared.windows(self.index)
    }
}

impl std::fmt::Debug for FakeAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeAccount").field("name", &self.name).finish_non_exhaustive()
    }
}
