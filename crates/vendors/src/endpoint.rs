//! Where each vendor listens, by protocol, and what it can do there. One table; accounts that live elsewhere say so
//! themselves.
//!
//! A base is what people put into their agents' settings. For Messages it ends before `/v1`, for the others behind it:
//! `/v1/messages`, `/responses`, `/chat/completions` and `/models` are appended.

use remuda_core::{Capabilities, CredentialKind, Protocol, Vendor};

/// One row: vendor, kinds of credential (empty: all), protocols, base.
struct Row(Vendor, &'static [CredentialKind], &'static [Protocol], &'static str);

const KEYS: &[CredentialKind] = &[CredentialKind::ApiKey, CredentialKind::PlanKey];
/// developers.openai.com/siwc: Responses only, on the API's own base.
const SHARED: &[CredentialKind] = &[CredentialKind::SharedPlan];
const LOGINS: &[CredentialKind] = &[CredentialKind::Subscription, CredentialKind::StaticToken];

/// The vendors' own endpoints. Alibaba has several per kind of key, and they are not interchangeable: a login finds out
/// which one a key belongs to and stores it, so that its rows here are only where asking begins.
const ROWS: &[Row] = &[
    Row(Vendor::Anthropic, &[], &[Protocol::Messages], "https://api.anthropic.com"),
    Row(Vendor::OpenAi, LOGINS, &[Protocol::Codex], "https://chatgpt.com/backend-api/codex"),
    Row(Vendor::OpenAi, SHARED, &[Protocol::Responses], "https://api.openai.com/v1"),
    Row(Vendor::OpenAi, KEYS, &[Protocol::Responses, Protocol::Chat, Protocol::Codex], "https://api.openai.com/v1"),
    Row(
        Vendor::Qwen,
        &[CredentialKind::PlanKey],
        &[Protocol::Responses, Protocol::Chat],
        "https://coding.dashscope.aliyuncs.com/v1",
    ),
    Row(
        Vendor::Qwen,
        &[CredentialKind::PlanKey],
        &[Protocol::Messages],
        "https://coding.dashscope.aliyuncs.com/apps/anthropic",
    ),
    Row(Vendor::Qwen, &[], &[Protocol::Responses, Protocol::Chat], "https://dashscope.aliyuncs.com/compatible-mode/v1"),
    Row(Vendor::Qwen, &[], &[Protocol::Messages], "https://dashscope.aliyuncs.com/apps/anthropic"),
];

/// The vendor's own base for a protocol, without a trailing slash. `None`: such a credential does not speak it there.
#[must_use]
pub fn base(vendor: Vendor, kind: CredentialKind, protocol: Protocol) -> Option<&'static str> {
    let fits = |row: &&Row| row.0 == vendor && (row.1.is_empty() || row.1.contains(&kind)) && row.2.contains(&protocol);
    ROWS.iter().find(fits).map(|row| row.3)
}

/// What a vendor's own endpoints can do beside the protocols themselves.
#[must_use]
pub fn capabilities(vendor: Vendor) -> Capabilities {
    match vendor {
        Vendor::Anthropic | Vendor::OpenAi => Capabilities { cache_ttl: true, betas: true, count_tokens: true },
        // No count_tokens; neither betas nor a longer cache are documented (Model Studio, November 2026).
        Vendor::Qwen => Capabilities { cache_ttl: false, betas: false, count_tokens: false },
    }
}

#[cfg(test)]
mod tests {
    use remuda_core::Protocols;

    use super::*;

    #[test]
    fn what_a_credential_speaks_has_an_address_and_nothing_else_has() {
        use CredentialKind::{ApiKey, PlanKey, SharedPlan, StaticToken, Subscription};
        for vendor in [Vendor::Anthropic, Vendor::OpenAi, Vendor::Qwen] {
            for kind in [Subscription, StaticToken, ApiKey, PlanKey, SharedPlan] {
                let spoken = Protocols::of_vendor(vendor, kind);
                for protocol in Protocol::ALL {
                    let base = base(vendor, kind, protocol);
                    assert_eq!(base.is_some(), spoken.contains(protocol), "{vendor} {kind:?} {protocol}");
                    assert!(base.is_none_or(|base| base.starts_with("https://") && !base.ends_with('/')));
                }
            }
        }
    }
}
