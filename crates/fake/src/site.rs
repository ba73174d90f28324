//! Host names of the real vendors and the path prefixes that stand in for them, so that one port serves them all.

use serde::{Deserialize, Serialize};

/// Who is behind a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    /// Claude.
    Anthropic,
    /// API keys and ChatGPT subscriptions.
    #[serde(rename = "openai")]
    OpenAi,
    /// Alibaba's Model Studio.
    Qwen,
}

/// Which of Alibaba's three offers a key belongs to. Keys and hosts of different offers do not fit each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QwenPlan {
    /// Model Studio (DashScope), billed by use.
    PayAsYouGo,
    /// Coding Plan: requests in five hours, a week and a month.
    Coding,
    /// Token Plan: tokens in windows.
    Token,
}

/// Where a host of Alibaba stands. Keys hold in their region only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// Beijing.
    #[default]
    China,
    /// Singapore.
    International,
    /// Virginia; pay-as-you-go only.
    UnitedStates,
    /// Hong Kong; pay-as-you-go only.
    HongKong,
}

/// A host name of a real vendor. Where a client would use [`Site::real_origin`], it is given [`crate::Fake::url`]; the
/// path that follows is the real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Site {
    /// Everything of Anthropic: inference, login, usage, profile. It has no prefix.
    Anthropic,
    /// Inference for API keys.
    #[serde(rename = "openai")]
    OpenAi,
    /// The Codex backend and what ChatGPT tells of an account: everything under `/backend-api`.
    #[serde(rename = "chatgpt")]
    ChatGpt,
    /// Login of ChatGPT accounts: browser, device code, refresh, revocation.
    #[serde(rename = "openai_auth")]
    OpenAiAuth,
    /// One of Alibaba's hosts.
    Qwen {
        /// For keys of this offer.
        plan: QwenPlan,
        /// In this region.
        region: Region,
    },
}

const fn qwen(plan: QwenPlan, region: Region) -> Site {
    Site::Qwen { plan, region }
}

/// Site, prefix here, origin in the real world. State of November 2026; a table, hence the length of its lines.
#[rustfmt::skip]
const SITES: &[(Site, &str, &str)] = &[
    (Site::OpenAi, "/openai", "https://api.openai.com"),
    (Site::ChatGpt, "/chatgpt", "https://chatgpt.com"),
    (Site::OpenAiAuth, "/openai-auth", "https://auth.openai.com"),
    (qwen(QwenPlan::PayAsYouGo, Region::China), "/qwen/dashscope", "https://dashscope.aliyuncs.com"),
    (qwen(QwenPlan::PayAsYouGo, Region::International), "/qwen/dashscope-intl", "https://dashscope-intl.aliyuncs.com"),
    (qwen(QwenPlan::PayAsYouGo, Region::UnitedStates), "/qwen/dashscope-us", "https://dashscope-us.aliyuncs.com"),
    (qwen(QwenPlan::PayAsYouGo, Region::HongKong), "/qwen/dashscope-hk", "https://cn-hongkong.dashscope.aliyuncs.com"),
    (qwen(QwenPlan::Coding, Region::China), "/qwen/coding", "https://coding.dashscope.aliyuncs.com"),
    (qwen(QwenPlan::Coding, Region::International), "/qwen/coding-intl", "https://coding-intl.dashscope.aliyuncs.com"),
    (qwen(QwenPlan::Token, Region::China), "/qwen/token-plan", "https://token-plan.cn-beijing.maas.aliyuncs.com"),
    (qwen(QwenPlan::Token, Region::International), "/qwen/token-plan-intl", "https://token-plan.ap-southeast-1.maas.aliyuncs.com"),
    (Site::Anthropic, "", "https://api.anthropic.com"),
];

impl Site {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        SITES.iter().map(|(site, _, _)| *site)
    }

    /// Whose it is.
    #[must_use]
    pub fn vendor(self) -> Vendor {
        match self {
            Self::Anthropic => Vendor::Anthropic,
            Self::OpenAi | Self::ChatGpt | Self::OpenAiAuth => Vendor::OpenAi,
            Self::Qwen { .. } => Vendor::Qwen,
        }
    }

    /// What it stands in for, such as `https://chatgpt.com`. (Anthropic's login is at other hosts than this.) Empty for a
    /// plan and region that do not exist together.
    #[must_use]
    pub fn real_origin(self) -> &'static str {
        self.row().map_or("", |(_, _, real)| real)
    }

    /// Its prefix here: empty, or beginning with a slash. Nothing answers for a plan and region that do not exist together.
    pub(crate) fn prefix(self) -> &'static str {
        self.row().map_or("/nowhere", |(_, prefix, _)| prefix)
    }

    fn row(self) -> Option<&'static (Self, &'static str, &'static str)> {
        SITES.iter().find(|(site, _, _)| *site == self)
    }

    /// Which site a path belongs to, and the path as the real vendor would see it.
    pub(crate) fn of(path: &str) -> (Self, &str) {
        let within = |(site, prefix, _): &(Self, &str, &str)| {
            let rest = path.strip_prefix(prefix)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((*site, rest))
        };
        SITES.iter().find_map(within).unwrap_or((Self::Anthropic, path))
    }

    /// The OpenAI-compatible base of one of Alibaba's hosts, and the Anthropic-compatible one.
    pub(crate) fn qwen_bases(plan: QwenPlan) -> (&'static str, &'static str) {
        match plan {
            QwenPlan::PayAsYouGo | QwenPlan::Token => ("/compatible-mode/v1", "/apps/anthropic"),
            QwenPlan::Coding => ("/v1", "/apps/anthropic"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_site_is_found_by_its_prefix_and_no_other() {
        for site in Site::all() {
            let path = format!("{}/v1/models", site.prefix());
            assert_eq!(Site::of(&path), (site, "/v1/models"), "{path}");
        }
        assert_eq!(Site::of("/openai-elsewhere/v1"), (Site::Anthropic, "/openai-elsewhere/v1"));
        assert_eq!(Site::of("/openai"), (Site::OpenAi, ""));
        let nowhere = qwen(QwenPlan::Coding, Region::HongKong);
        assert_eq!((nowhere.prefix(), nowhere.real_origin()), ("/nowhere", ""));
    }
}
