//! `remuda fake`: the vendors in miniature as a program, for trials.

use std::net::SocketAddr;

use remuda_control::{Code, Failure};
use remuda_fake::{AccountSpec, Fake, Options, QwenPlan, Region, Site, Vendor};
use serde::Serialize;

use super::OK;
use crate::cli::{FakeAccountArg, FakeArgs, FakeKind};
use crate::output::Out;
use crate::view;

/// Vendors that run.
#[derive(Debug, Serialize)]
pub(crate) struct FakeRuns {
    /// Their address.
    pub(crate) url: String,
    /// The lines for `config.toml` by which a trial herd finds them.
    pub(crate) config: String,
    /// Their accounts.
    pub(crate) accounts: Vec<FakeAccountRuns>,
}

/// One of their accounts.
#[derive(Debug, Serialize)]
pub(crate) struct FakeAccountRuns {
    /// Its name.
    pub(crate) name: String,
    /// Whose it is.
    pub(crate) vendor: Vendor,
    /// Its API key, or its long-lived token. Worth nothing elsewhere. ChatGPT accounts have none.
    pub(crate) secret: Option<String>,
}

pub(super) async fn fake(out: Out, args: FakeArgs) -> anyhow::Result<u8> {
    let listen: SocketAddr = args.listen.parse().map_err(|_| {
        Failure::invalid(format!("{:?} is no address with a port", args.listen)).remedy("for example: 127.0.0.1:8080")
    })?;
    let accounts = args.account.iter().map(spec).collect();
    let running =
        remuda_fake::serve(Options { listen, accounts, seed: args.seed, event_delay_ms: args.event_delay_ms })
            .await
            .map_err(|error| Failure::new(Code::Conflict, error.to_string()))?;
    let accounts = running.accounts.iter().map(|account| FakeAccountRuns {
        name: account.name().to_owned(),
        vendor: account.site().vendor(),
        secret: Some(account.key().to_owned()).filter(|key| !key.is_empty()),
    });
    let vendor = &running.vendor;
    let runs = FakeRuns { url: vendor.base_url(), config: config(vendor), accounts: accounts.collect() };
    out.answer(runs, view::fake_runs)?;
    tokio::signal::ctrl_c().await?;
    running.vendor.shutdown().await;
    Ok(OK)
}

/// The lines by which a herd takes these vendors for the real ones.
fn config(vendor: &Fake) -> String {
    let (openai, backend) = (vendor.url(Site::OpenAi), vendor.url(Site::ChatGpt));
    let mut text = format!(
        "[vendors.anthropic]\napi = \"{}\"\nauthorize = \"{}\"\ntoken = \"{}\"\ncopy_code = \"{}\"\n\n\
         [vendors.openai]\nissuer = \"{}\"\napi = \"{openai}/v1\"\nbackend = \"{backend}/backend-api\"\n",
        vendor.base_url(),
        vendor.authorize_url(),
        vendor.token_url(),
        vendor.copy_code_redirect(),
        vendor.url(Site::OpenAiAuth),
    );
    for site in Site::all() {
        let Site::Qwen { plan, region } = site else { continue };
        let kind = match plan {
            QwenPlan::PayAsYouGo => "pay-as-you-go",
            QwenPlan::Coding => "coding-plan",
            QwenPlan::Token => "token-plan",
        };
        let region_name = match region {
            Region::China => "China",
            Region::International => "Singapore",
            Region::UnitedStates => "United States",
            Region::HongKong => "Hong Kong",
        };
        let (openai, anthropic) = vendor.qwen_urls(plan, region);
        text.push_str(&format!(
            "\n[[vendors.qwen.bases]]\nkind = \"{kind}\"\nregion = \"{region_name}\"\nopenai = \"{openai}\"\n\
             anthropic = \"{anthropic}\"\n"
        ));
    }
    text
}

fn spec(account: &FakeAccountArg) -> AccountSpec {
    match account.kind {
        FakeKind::Subscription => AccountSpec::subscription(&account.name),
        FakeKind::Key => AccountSpec::api_key(&account.name),
        FakeKind::Token => AccountSpec::static_token(&account.name),
        FakeKind::ChatGpt => AccountSpec::chatgpt(&account.name),
        FakeKind::OpenAiKey => AccountSpec::openai_key(&account.name),
        FakeKind::QwenKey => AccountSpec::qwen(&account.name, QwenPlan::PayAsYouGo),
        FakeKind::QwenCoding => AccountSpec::qwen(&account.name, QwenPlan::Coding),
        FakeKind::QwenToken => AccountSpec::qwen(&account.name, QwenPlan::Token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[tokio::test]
    async fn the_printed_lines_are_a_configuration_that_names_every_site() {
        let vendor = Fake::start(remuda_fake::Config::default()).await.unwrap();
        let text = config(&vendor);
        let read: Config = toml::from_str(&text).unwrap();
        assert_eq!(read.vendors.anthropic.api, Some(vendor.base_url()));
        assert_eq!(read.vendors.openai.issuer, Some(vendor.url(Site::OpenAiAuth)));
        assert_eq!(read.vendors.openai.backend, Some(format!("{}/backend-api", vendor.url(Site::ChatGpt))));
        let of_qwen = Site::all().filter(|site| site.vendor() == Vendor::Qwen).count();
        assert_eq!(read.vendors.qwen.bases.len(), of_qwen);
        for site in Site::all() {
            assert!(text.contains(&vendor.url(site)), "{site:?}");
        }
        vendor.shutdown().await;
    }
}
