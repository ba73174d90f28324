//! Qwen Code. Every row was observed with the genuine 0.24.4 against a scripted upstream (November 2026).
//!
//! Variables choose endpoint and key, but models that the person's settings name with an endpoint of their own win over them,
//! and no session is named to the endpoint. Both are settled by a settings file of ours in the place of the administrator's,
//! which stands above the person's; what the administrator's holds is kept in it.

use std::path::PathBuf;

use remuda_core::{Host, Protocol, Vendor};
use serde_json::json;

use crate::jsonc;
use crate::launch::Environment;
use crate::overlay::{Additions, File, PlanError, Start, ToldBy};
use crate::spec::{Cost, HostSpec, Remove, Set, Value, Way};

const SYSTEM_SETTINGS: &str = "QWEN_CODE_SYSTEM_SETTINGS_PATH";

const OPENAI_COMPATIBLE: &[Set] = &[
    Set {
        name: "OPENAI_BASE_URL",
        value: Value::BaseUrl,
        instead: "to use that endpoint through Remuda: remuda login openai --base-url URL",
    },
    Set {
        name: "OPENAI_API_KEY",
        value: Value::Key,
        instead: "to use that key through Remuda: remuda login qwen --key-env OPENAI_API_KEY",
    },
];

pub(crate) static QWEN: HostSpec = HostSpec {
    host: Host::Qwen,
    name: "Qwen Code",
    program: "qwen",
    program_variable: "REMUDA_QWEN_BIN",
    elsewhere: &[".local/bin/qwen"],
    install: "install it with: npm install -g @qwen-code/qwen-code",
    ways: &[
        Way { vendor: Vendor::Qwen, protocol: Protocol::Chat, path: "/qwen/v1", set: OPENAI_COMPATIBLE },
        Way { vendor: Vendor::OpenAi, protocol: Protocol::Responses, path: "/openai/v1", set: OPENAI_COMPATIBLE },
        Way {
            vendor: Vendor::Anthropic,
            protocol: Protocol::Messages,
            path: "/anthropic",
            set: &[
                Set {
                    name: "ANTHROPIC_BASE_URL",
                    value: Value::BaseUrl,
                    instead: "to use that endpoint through Remuda: remuda login anthropic --base-url URL",
                },
                Set {
                    name: "ANTHROPIC_API_KEY",
                    value: Value::Key,
                    instead: "to use that key through Remuda: remuda login anthropic --key-env ANTHROPIC_API_KEY",
                },
            ],
        },
    ],
    set: &[],
    remove: &[Remove {
        names: &["QWEN_DEFAULT_AUTH_TYPE"],
        why: "the account that serves decides how Qwen Code speaks",
        instead: "choose the account: remuda run qwen --account LABEL",
    }],
    headers_variable: None,
    overlay,
    own_commands: &["mcp", "extensions", "auth", "hooks", "channel"],
    costs: &[
        Cost {
            feature: "models that settings.json names under modelProviders (openai, openai-responses, anthropic)",
            effect: "not offered while Remuda starts Qwen Code, since each names its own endpoint and key",
            remedy: Some("choose the model with -m or /model; remuda login … --base-url for another endpoint"),
            seen_with: "0.24.4",
        },
        Cost {
            feature: "the choice of the way to log in (/auth)",
            effect: "settled by the account that serves, until Qwen Code ends",
            remedy: None,
            seen_with: "0.24.4",
        },
        Cost {
            feature: "automatic memory",
            effect: "a second request behind every answer (44 KB), which counts on the same account",
            remedy: Some("\"memory\": {\"enableManagedAutoMemory\": false} in settings.json"),
            seen_with: "0.24.4",
        },
    ],
    // Its only login by itself was discontinued; keys work on the gateway without any loss.
    profile: None,
};

/// Qwen Code's word for the protocol of each way.
pub(crate) fn protocol(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Anthropic => "anthropic",
        Vendor::OpenAi => "openai-responses",
        Vendor::Qwen => "openai",
    }
}

/// Where the administrator's settings are: named, or in the place of the system.
pub(crate) fn system_settings(inherited: &Environment) -> PathBuf {
    let named = inherited.get(std::ffi::OsStr::new(SYSTEM_SETTINGS)).filter(|named| !named.is_empty());
    named.map_or_else(
        || {
            if cfg!(target_os = "macos") {
                PathBuf::from("/Library/Application Support/QwenCode/settings.json")
            } else {
                PathBuf::from("/etc/qwen-code/settings.json")
            }
        },
        PathBuf::from,
    )
}

fn overlay(start: &Start<'_>) -> Result<Additions, PlanError> {
    let mut settings = match &start.facts.system_settings {
        Some((path, text)) => {
            jsonc::parse(text).map_err(|why| PlanError::NotJson { place: path.display().to_string(), why })?
        }
        None => json!({}),
    };
    let vendor = QWEN.ways.iter().map(|way| way.vendor).find(|vendor| start.served.contains(vendor));
    jsonc::merge(
        &mut settings,
        json!({
            "security": { "auth": { "selectedType": protocol(vendor.unwrap_or(Vendor::Qwen)) } },
            "modelProviders": { "openai": [], "openai-responses": [], "anthropic": [] },
            // The gateway keeps a conversation on one account. The id goes no further than the gateway sends it on.
            "model": { "generationConfig": { "customHeaders": { "x-session-id": "${session_id}" } } },
            "outboundCorrelation": { "allowDynamicHeaderValues": true },
        }),
    );
    let content = format!("{settings:#}\n");
    let file = File { name: "qwen.json", content, told_by: ToldBy::Variable(SYSTEM_SETTINGS) };
    Ok(Additions { files: vec![file], ..Additions::default() })
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;
    use crate::overlay::Facts;

    fn settings(system: Option<&str>, served: &[Vendor]) -> Result<Json, PlanError> {
        let system_settings = system.map(|text| (PathBuf::from("/etc/qwen-code/settings.json"), text.to_owned()));
        let facts = Facts { system_settings, ..Facts::default() };
        let inherited = Environment::new();
        let start = Start { base_url: "http://127.0.0.1:1", served, args: &[], inherited: &inherited, facts: &facts };
        Ok(serde_json::from_str(&overlay(&start)?.files[0].content).unwrap())
    }

    #[test]
    fn the_session_is_named_and_no_model_has_an_endpoint_of_its_own() {
        let settings = settings(None, &[Vendor::Qwen]).unwrap();
        assert_eq!(settings["security"]["auth"]["selectedType"], "openai");
        assert_eq!(settings["modelProviders"]["openai"], json!([]));
        assert_eq!(settings["model"]["generationConfig"]["customHeaders"]["x-session-id"], "${session_id}");
    }

    #[test]
    fn the_account_decides_the_protocol_and_its_own_vendor_comes_first() {
        let protocol = |served| settings(None, served).unwrap()["security"]["auth"]["selectedType"].clone();
        assert_eq!(protocol(&[Vendor::Anthropic]), "anthropic");
        assert_eq!(protocol(&[Vendor::OpenAi]), "openai-responses");
        assert_eq!(protocol(&[Vendor::Anthropic, Vendor::Qwen]), "openai");
    }

    #[test]
    fn what_the_administrator_says_is_kept_and_broken_settings_stop_the_start() {
        let kept = settings(Some("{ \"tools\": { \"exclude\": [\"x\"] }, } // policy"), &[Vendor::Qwen]).unwrap();
        assert_eq!(kept["tools"]["exclude"], json!(["x"]));
        let error = settings(Some("{ planted"), &[Vendor::Qwen]).unwrap_err().to_string();
        assert!(error.contains("/etc/qwen-code/settings.json") && !error.contains("planted"), "{error}");
    }
}
