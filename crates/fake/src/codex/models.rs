//! The models of the Codex backend, and `GET /backend-api/codex/models`.

use serde_json::{Value, json};

use crate::answer::Answer;

/// Version of the list.
pub(crate) const ETAG: &str = "W/\"4f1c-herd\"";

/// Plans that have most models.
const MOST: &[&str] = &["free", "go", "plus", "pro", "team", "business", "enterprise", "edu"];
/// Plans that have all.
const LARGE: &[&str] = &["plus", "pro", "team", "business", "enterprise"];

/// Slug, display name, plans; the agent takes the first one unless told otherwise. State of November 2026: those that
/// Codex 0.169 knows.
const MODELS: &[(&str, &str, &[&str])] = &[
    ("gpt-6.1-sol", "GPT-6.1 Sol", LARGE),
    ("gpt-6.1-terra", "GPT-6.1 Terra", MOST),
    ("gpt-6-astra", "GPT-6 Astra", LARGE),
    ("gpt-6-sol", "GPT-6 Sol", LARGE),
    ("gpt-6-luna", "GPT-6 Luna", MOST),
    ("gpt-5.6-sol", "GPT-5.6 Sol", LARGE),
    ("gpt-5.6-terra", "GPT-5.6 Terra", MOST),
    ("gpt-5.6-luna", "GPT-5.6 Luna", MOST),
    ("gpt-5.5", "GPT-5.5", MOST),
    ("gpt-5.4", "GPT-5.4", MOST),
    ("gpt-5.4-mini", "GPT-5.4 mini", MOST),
    ("gpt-5.3-codex-spark", "GPT-5.3-Codex-Spark", &["plus", "pro"]),
    ("codex-auto-review", "Codex Auto Review", MOST),
];

/// Not listed for clients that do not say which version they are.
pub(crate) const NEWEST: &str = "gpt-6.1-sol";

/// Slug and display name of each.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    MODELS.iter().map(|(slug, name, _)| (*slug, *name))
}

pub(crate) fn exists(slug: &str) -> bool {
    MODELS.iter().any(|(known, _, _)| *known == slug)
}

/// The list.
pub(crate) fn list() -> Answer {
    let model = |(priority, (slug, name, plans)): (usize, &(&str, &str, &[&str]))| -> Value {
        json!({
            "slug": slug,
            "display_name": name,
            "description": format!("{name} for coding."),
            "context_window": 400_000,
            "visibility": if *slug == "codex-auto-review" { "hide" } else { "list" },
            "priority": priority,
            "upgrade": null,
            "supported_reasoning_levels": [
                {"effort": "low", "description": "Fast"},
                {"effort": "medium", "description": "Balanced"},
                {"effort": "high", "description": "Thorough"},
            ],
            "default_reasoning_level": "medium",
            "input_modalities": ["text", "image"],
            "minimal_client_version": "0.60.0",
            "available_in_plans": plans,
            "prefer_websockets": true,
            "supported_in_api": true,
            // Codex 0.169 takes no list without these.
            "shell_type": "shell_command",
            "base_instructions": "You are Codex, a coding agent.",
            "supports_reasoning_summaries": true,
            "support_verbosity": true,
            "default_verbosity": "low",
            "apply_patch_tool_type": "freeform",
            "truncation_policy": {"mode": "tokens", "limit": 10_000},
            "supports_parallel_tool_calls": true,
            "experimental_supported_tools": [],
        })
    };
    let models: Vec<Value> = MODELS.iter().enumerate().map(model).collect();
    Answer::json(200, &json!({"models": models})).header("etag", ETAG)
}
