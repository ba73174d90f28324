//! Where Alibaba listens: one row for each kind of key and region. Keys and bases of different kinds are not
//! interchangeable, and a key belongs to one region. Sources: alibabacloud.com/help/en/model-studio (coding-plan-faq,
//! token-plan-faq), the provider tables of qwen-code and pi (November 2026).

use remuda_core::CredentialKind;

/// Kinds of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// DashScope, billed by the token.
    PayAsYouGo,
    /// Coding Plan.
    CodingPlan,
    /// Token Plan, for teams and individuals.
    TokenPlan,
}

impl KeyKind {
    /// In Alibaba's words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::PayAsYouGo => "pay-as-you-go",
            Self::CodingPlan => "Coding Plan",
            Self::TokenPlan => "Token Plan",
        }
    }

    /// What kind of credential it is.
    #[must_use]
    pub fn credential_kind(self) -> CredentialKind {
        match self {
            Self::PayAsYouGo => CredentialKind::ApiKey,
            Self::CodingPlan | Self::TokenPlan => CredentialKind::PlanKey,
        }
    }

    /// The kinds that a key with this beginning can be of.
    #[must_use]
    pub fn possible(secret: &str) -> &'static [Self] {
        if secret.starts_with("sk-sp-") { &[Self::CodingPlan] } else { &[Self::PayAsYouGo, Self::TokenPlan] }
    }
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// For which keys.
    pub kind: KeyKind,
    /// Where, in words.
    pub region: String,
    /// Base of the OpenAI-compatible protocols, with its version, without a trailing slash.
    pub openai: String,
    /// Base of the Anthropic-compatible protocol; `None`: none is documented there.
    pub anthropic: Option<String>,
}

/// All endpoints, in the order in which a key is tried. [`Default`] is the real ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The rows.
    pub bases: Vec<Base>,
}

/// Kind, region, OpenAI-compatible base, Anthropic-compatible base.
type Row = (KeyKind, &'static str, &'static str, Option<&'static str>);

const ROWS: &[Row] = &[
    (
        KeyKind::CodingPlan,
        "China",
        "https://coding.dashscope.aliyuncs.com/v1",
        Some("https://coding.dashscope.aliyuncs.com/apps/anthropic"),
    ),
    (
        KeyKind::CodingPlan,
        "international",
        "https://coding-intl.dashscope.aliyuncs.com/v1",
        Some("https://coding-intl.dashscope.aliyuncs.com/apps/anthropic"),
    ),
    (
        KeyKind::PayAsYouGo,
        "China",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        Some("https://dashscope.aliyuncs.com/apps/anthropic"),
    ),
    // The Anthropic-compatible path is documented for mainland China only.
    (KeyKind::PayAsYouGo, "Singapore", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", None),
    (KeyKind::PayAsYouGo, "United States", "https://dashscope-us.aliyuncs.com/compatible-mode/v1", None),
    (KeyKind::PayAsYouGo, "Hong Kong", "https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1", None),
    (
        KeyKind::TokenPlan,
        "China",
        "https://token-plan.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
        Some("https://token-plan.cn-beijing.maas.aliyuncs.com/apps/anthropic"),
    ),
    (
        KeyKind::TokenPlan,
        "Singapore",
        "https://token-plan.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1",
        Some("https://token-plan.ap-southeast-1.maas.aliyuncs.com/apps/anthropic"),
    ),
];

impl Default for Endpoints {
    fn default() -> Self {
        let row = |(kind, region, openai, anthropic): &Row| Base {
            kind: *kind,
            region: (*region).to_owned(),
            openai: (*openai).to_owned(),
            anthropic: anthropic.map(str::to_owned),
        };
        Self { bases: ROWS.iter().map(row).collect() }
    }
}

impl Endpoints {
    /// Where this key can be at home, in the order in which to ask.
    pub fn candidates<'a>(&'a self, secret: &str) -> impl Iterator<Item = &'a Base> + use<'a> {
        let possible = KeyKind::possible(secret);
        self.bases.iter().filter(move |base| possible.contains(&base.kind))
    }

    /// The row to which a base URL belongs.
    #[must_use]
    pub fn of_url(&self, url: &str) -> Option<&Base> {
        let url = url.trim_end_matches('/');
        self.bases.iter().find(|base| base.openai == url || base.anthropic.as_deref() == Some(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_plan_key_is_only_shown_to_coding_plan_endpoints_and_others_never_are() {
        let at = Endpoints::default();
        let kinds = |secret: &str| at.candidates(secret).map(|base| base.kind).collect::<Vec<_>>();
        assert_eq!(kinds("sk-sp-x"), [KeyKind::CodingPlan; 2]);
        assert!(!kinds("sk-x").contains(&KeyKind::CodingPlan));
        assert_eq!(kinds("sk-x").len(), 6);
    }

    #[test]
    fn a_base_tells_its_kind() {
        let at = Endpoints::default();
        let of = |url: &str| at.of_url(url).map(|base| (base.kind, base.region.as_str()));
        assert_eq!(of("https://coding-intl.dashscope.aliyuncs.com/v1/"), Some((KeyKind::CodingPlan, "international")));
        assert_eq!(of("https://example.test/v1"), None);
    }
}
