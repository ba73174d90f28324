//! The vendors in miniature, when they run as a program.

use remuda_fake::Vendor;

use super::words::{DIM, GOOD, STRONG, paint};
use crate::command::FakeRuns;

/// `remuda fake`, when it is ready.
pub(crate) fn fake_runs(runs: &FakeRuns) -> String {
    let mut text = format!(
        "{} {}; Ctrl-C ends them.\n\n",
        paint(GOOD, "The vendors in miniature are at"),
        paint(STRONG, &runs.url)
    );
    text.push_str(&paint(DIM, "# for config.toml of a trial herd (REMUDA_HOME)"));
    text.push('\n');
    text.push_str(&runs.config);
    text.push('\n');
    for account in &runs.accounts {
        let (vendor, label) = (vendor(account.vendor), super::quoted(&account.name));
        text.push_str(&match &account.secret {
            None => format!("remuda login {vendor} --label {label}\n"),
            Some(secret) => {
                let option = if secret.starts_with("sk-ant-oat") { "--token-stdin" } else { "--key-stdin" };
                format!("echo {secret} | remuda login {vendor} --label {label} {option}\n")
            }
        });
    }
    text
}

/// As `remuda login` calls it.
fn vendor(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Anthropic => "anthropic",
        Vendor::OpenAi => "openai",
        Vendor::Qwen => "qwen",
    }
}
