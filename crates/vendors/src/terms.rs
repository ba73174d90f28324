//! What the vendors' terms say about a kind of credential: shown before a login and before another host is granted.
//!
//! Facts with their source and date, in short. Not advice, and no more than the source says.

use remuda_core::{CredentialKind, Vendor};

/// Facts about the vendor's terms for one kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Shown before logging in with such a credential; `None`: no conflict found, nothing to show.
    pub before_login: Option<&'static str>,
    /// Shown before a host of another maker may use it; `None`: no conflict found.
    pub before_grant: Option<&'static str>,
    /// Where it stands, with dates. Empty where nothing is shown.
    pub source: &'static str,
}

const NO_CONFLICT_FOUND: Terms = Terms { before_login: None, before_grant: None, source: "" };

const CLAUDE_PLAN: Terms = Terms {
    before_login: Some(
        "Anthropic: OAuth logins of Claude plans are for ordinary use of Claude Code and Anthropic's other native apps by \
         the person who bought the plan. Third parties may not route requests through such credentials on behalf of \
         users, and may not collect, keep or pass them on. Allowed is signing in to the unmodified Claude Code. \
         Enforcement comes without prior notice. API keys are the supported way for other tools.",
    ),
    before_grant: Some(
        "Anthropic: plan limits have not covered third-party harnesses since 2026-04-04; their requests may be billed as \
         extra usage or refused, and the account can be restricted without notice. Tools that misrepresent their \
         identity, or route third-party traffic against plan limits, are prohibited; Remuda keeps every host's own \
         identity. API keys are the preferred way for third-party tools.",
    ),
    source: "code.claude.com/docs/en/legal-and-compliance (as of 2026-10-06); Claude help article 13189465 (2026-05-19)",
};

const CHATGPT_PLAN: Terms = Terms {
    before_login: Some(
        "OpenAI: the Codex login uses Codex's own client id, which is not offered to third parties. The Sign in with \
         ChatGPT terms let a plan be used for the connected application only, not as general API access for other tools, \
         and forbid creating multiple accounts, splitting usage, rotating accounts, and pooling or sharing plan usage or \
         tokens. OpenAI recommends API keys for automation.",
    ),
    before_grant: Some(
        "OpenAI: a plan is for the connected application only, with no general API access for other tools or unrelated \
         requests. Moving between ChatGPT accounts to pass limits conflicts with OpenAI's terms.",
    ),
    source: "openai.com/policies/sign-in-with-chatgpt-terms (2026-09-29)",
};

const SHARED_CHATGPT_PLAN: Terms = Terms {
    before_login: Some(
        "OpenAI: Sign in with ChatGPT lets a plan be used for the connected application only, from the user's own \
         machine, for requests that the user makes or has expressly authorised. It is not general API access for other \
         tools. Creating multiple accounts, splitting usage, rotating accounts, and pooling, transferring or sharing plan \
         usage or tokens are forbidden. Remuda therefore keeps such a login out of every chain and pool.",
    ),
    before_grant: Some(
        "OpenAI: a shared plan is for the connected application only, with no general API access for other tools or \
         unrelated requests.",
    ),
    source: "openai.com/policies/sign-in-with-chatgpt-terms (2026-09-29)",
};

const QWEN_PLAN_KEY: Terms = Terms {
    before_login: Some(
        "Alibaba: Coding Plan and Token Plan keys are for interactive coding and agent tools (Claude Code, Qwen Code, \
         Codex, OpenCode and others are listed), for the subscriber alone. Automated scripts, application back ends and \
         non-interactive batches are prohibited; misuse may suspend the plan or ban the key.",
    ),
    before_grant: Some(
        "Alibaba: plan keys are for the listed interactive coding and agent tools only, not for scripts, back ends or \
         batches.",
    ),
    source: "help.aliyun.com, Coding Plan and Token Plan overviews (2026)",
};

const QWEN_LOGIN: Terms = Terms {
    before_login: Some("Qwen: the free Qwen login ended on 2026-04-15; new requests with it are refused."),
    before_grant: None,
    source: "qwen-code, docs/configuration/auth.md (2026-04-15)",
};

/// The terms that concern this kind of credential.
#[must_use]
pub fn terms(vendor: Vendor, kind: CredentialKind) -> Terms {
    match (vendor, kind) {
        (Vendor::Anthropic, CredentialKind::Subscription | CredentialKind::StaticToken) => CLAUDE_PLAN,
        (Vendor::OpenAi, CredentialKind::Subscription | CredentialKind::StaticToken) => CHATGPT_PLAN,
        (Vendor::OpenAi, CredentialKind::SharedPlan) => SHARED_CHATGPT_PLAN,
        (Vendor::Qwen, CredentialKind::Subscription | CredentialKind::StaticToken) => QWEN_LOGIN,
        (Vendor::Qwen, CredentialKind::PlanKey) => QWEN_PLAN_KEY,
        (_, CredentialKind::ApiKey)
        | (Vendor::Anthropic | Vendor::OpenAi, CredentialKind::PlanKey)
        | (Vendor::Anthropic | Vendor::Qwen, CredentialKind::SharedPlan) => NO_CONFLICT_FOUND,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_shown_names_its_source_and_date() {
        for vendor in [Vendor::Anthropic, Vendor::OpenAi, Vendor::Qwen] {
            for kind in [CredentialKind::Subscription, CredentialKind::StaticToken, CredentialKind::PlanKey] {
                let terms = terms(vendor, kind);
                let shown = terms.before_login.or(terms.before_grant).is_some();
                assert_eq!(shown, terms.source.contains("2026"), "{vendor} {kind:?}");
            }
        }
    }

    #[test]
    fn api_keys_need_no_grant() {
        for vendor in [Vendor::Anthropic, Vendor::OpenAi, Vendor::Qwen] {
            assert_eq!(terms(vendor, CredentialKind::ApiKey).before_grant, None);
        }
    }
}
