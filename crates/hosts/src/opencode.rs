//! OpenCode. Every row was observed with the genuine 1.18.33 against a scripted upstream (November 2026).
//!
//! Its configuration can be given in a variable, which is merged over all its files. `"fetch": null` takes away what a login
//! plugin would put in place of the request: the built-in ChatGPT login goes to chatgpt.com whatever the base URL says.

use remuda_core::{Host, Protocol, Vendor};
use serde_json::{Map, Value as Json, json};

use crate::jsonc;
use crate::overlay::{Additions, KEY_VARIABLE, PlanError, Start, URL_VARIABLE};
use crate::spec::{Cost, HostSpec, Remove, Set, Value, Way};

const CONFIG: &str = "OPENCODE_CONFIG_CONTENT";

pub(crate) static OPENCODE: HostSpec = HostSpec {
    host: Host::OpenCode,
    name: "OpenCode",
    program: "opencode",
    program_variable: "REMUDA_OPENCODE_BIN",
    elsewhere: &[".opencode/bin/opencode", ".local/bin/opencode"],
    install: "install it with: npm install -g opencode-ai",
    ways: &[
        Way { vendor: Vendor::Anthropic, protocol: Protocol::Messages, path: "/anthropic/v1", set: &[] },
        Way { vendor: Vendor::OpenAi, protocol: Protocol::Responses, path: "/openai/v1", set: &[] },
        Way { vendor: Vendor::Qwen, protocol: Protocol::Chat, path: "/qwen/v1", set: &[] },
    ],
    set: &[
        Set { name: URL_VARIABLE, value: Value::Gateway, instead: "" },
        Set { name: KEY_VARIABLE, value: Value::Key, instead: "" },
    ],
    remove: &[
        Remove {
            names: &["ANTHROPIC_API_KEY"],
            why: "OpenCode would send it along with every request",
            instead: "to use that key through Remuda: remuda login anthropic --key-env ANTHROPIC_API_KEY",
        },
        Remove {
            names: &["OPENAI_API_KEY"],
            why: "OpenCode would send it along with every request",
            instead: "to use that key through Remuda: remuda login openai --key-env OPENAI_API_KEY",
        },
        Remove {
            names: &["DASHSCOPE_API_KEY"],
            why: "OpenCode would send it along with every request",
            instead: "to use that key through Remuda: remuda login qwen --key-env DASHSCOPE_API_KEY",
        },
    ],
    headers_variable: None,
    overlay,
    own_commands: &[
        "completion",
        "upgrade",
        "uninstall",
        "plugin",
        "plug",
        "stats",
        "export",
        "import",
        "session",
        "db",
    ],
    costs: &[
        Cost {
            feature: "logins in OpenCode's own auth.json for Anthropic, OpenAI and Alibaba",
            effect: "not used while Remuda starts OpenCode; logins of other vendors are untouched and go to them directly",
            remedy: None,
            seen_with: "1.18.33",
        },
        Cost {
            feature: "plugins that send requests themselves (accounts, logins)",
            effect: "not asked for Anthropic, OpenAI and Alibaba; everything else about plugins works",
            remedy: None,
            seen_with: "1.18.33",
        },
        Cost {
            feature: "titles of conversations",
            effect: "a second request at the start of each, for a small model of the same vendor; it counts on the same account",
            remedy: Some("\"small_model\" in opencode.json names another one"),
            seen_with: "1.18.33",
        },
    ],
    // Only `XDG_DATA_HOME` would move its logins, and with them the data of every program that it starts.
    profile: None,
};

/// OpenCode's names for the providers of each way.
pub(crate) fn providers(vendor: Vendor) -> &'static [&'static str] {
    match vendor {
        Vendor::Anthropic => &["anthropic"],
        Vendor::OpenAi => &["openai"],
        Vendor::Qwen => &["alibaba", "alibaba-cn"],
    }
}

/// The provider section that leads to the gateway. The key stands in it by the name of its variable.
fn provider_section(base_url: &str, served: &[Vendor]) -> Map<String, Json> {
    let key = format!("{{env:{KEY_VARIABLE}}}");
    let mut section = Map::new();
    for way in OPENCODE.ways {
        let mut options = json!({
            "baseURL": format!("{base_url}{}", way.path),
            "headers": { "x-remuda-key": key },
            "fetch": null,
        });
        // Without a key OpenCode does not offer the models by itself. A vendor that it is set up for all the same leads to
        // the gateway too, and is told why nobody serves it.
        if served.contains(&way.vendor) {
            options["apiKey"] = Json::from(key.clone());
        }
        for name in providers(way.vendor) {
            section.insert((*name).to_owned(), json!({ "options": options }));
        }
    }
    section
}

fn overlay(start: &Start<'_>) -> Result<Additions, PlanError> {
    let own = start.inherited.get(std::ffi::OsStr::new(CONFIG)).map(|own| own.to_string_lossy());
    let mut config = match own.as_deref().map(str::trim).filter(|own| !own.is_empty()) {
        Some(own) => jsonc::parse(own).map_err(|why| PlanError::NotJson { place: format!("your {CONFIG}"), why })?,
        None => json!({}),
    };
    jsonc::merge(&mut config, json!({ "provider": provider_section(start.base_url, start.served) }));
    Ok(Additions { set: vec![(CONFIG, config.to_string().into())], ..Additions::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overlay::Facts;

    fn config(own: Option<&str>, served: &[Vendor]) -> Result<Json, PlanError> {
        let inherited = own.map(|own| (CONFIG.into(), own.into())).into_iter().collect();
        let facts = Facts::default();
        let base_url = "http://127.0.0.1:4747";
        let additions = overlay(&Start { base_url, served, args: &[], inherited: &inherited, facts: &facts })?;
        let [(name, value)] = &additions.set[..] else { panic!("{additions:?}") };
        assert_eq!(*name, CONFIG);
        Ok(serde_json::from_str(value.to_str().unwrap()).unwrap())
    }

    #[test]
    fn every_vendor_leads_to_the_gateway_and_what_can_be_served_has_a_key() {
        let config = config(None, &[Vendor::Qwen]).unwrap();
        let options = |name: &str| config["provider"][name]["options"].clone();
        assert_eq!(options("anthropic")["baseURL"], "http://127.0.0.1:4747/anthropic/v1");
        assert_eq!(options("anthropic").get("apiKey"), None);
        assert_eq!(options("alibaba")["apiKey"], "{env:REMUDA_CLIENT_KEY}");
        assert_eq!(options("openai")["fetch"], Json::Null);
    }

    #[test]
    fn what_the_person_says_in_the_variable_stays_beside_it() {
        let own = r#"{ /* mine */ "theme": "dark", "provider": { "anthropic": { "models": { "x": {} }, "options": { "timeout": 1, }, }, "gw": {} } }"#;
        let config = config(Some(own), &[Vendor::Anthropic]).unwrap();
        assert_eq!(config["theme"], "dark");
        assert_eq!(config["provider"]["gw"], json!({}));
        assert_eq!(config["provider"]["anthropic"]["models"], json!({ "x": {} }));
        assert_eq!(config["provider"]["anthropic"]["options"]["timeout"], 1);
        assert_eq!(config["provider"]["anthropic"]["options"]["apiKey"], "{env:REMUDA_CLIENT_KEY}");
    }

    #[test]
    fn a_broken_variable_stops_the_start_without_being_shown() {
        let error = config(Some("{ planted-value"), &[Vendor::Anthropic]).unwrap_err().to_string();
        assert!(error.contains(CONFIG) && !error.contains("planted-value"), "{error}");
    }
}
