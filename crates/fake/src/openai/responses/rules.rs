//! The vendor's rules about a conversation: calls and their results belong together, and what is encrypted is bound to
//! the organisation that made it.

use std::collections::HashSet;

use serde_json::Value;

use super::prompt::{Prompt, kind, text, wrong};
use crate::mint::Mint;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;

/// What all encrypted content begins with.
const PREFIX: &str = "gAAAAA";

/// Encrypted content of this kind (`reasoning`, `compaction`) for this organisation.
pub(crate) fn encrypt(mint: &Mint, organization: &str, kind: &str) -> String {
    format!("{PREFIX}{}", mint.sign(&[organization, kind]))
}

pub(crate) fn check(prompt: &Prompt<'_>, mint: &Mint, organization: &str) -> Result<(), Refused> {
    pairs(prompt)?;
    for item in &prompt.items {
        let kind = kind(item);
        match item.get("encrypted_content") {
            Some(Value::String(content)) => verify(mint, organization, item, kind, content)?,
            _ if kind == "reasoning" && !prompt.store => {
                let id = text(item, "id");
                let message = format!(
                    "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with \
                     `store` set to true, or remove this item from your input."
                );
                return Err(Refused::saying(OpenAiRefusal::NotFound, message).param("input"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn verify(mint: &Mint, organization: &str, item: &Value, kind: &str, content: &str) -> Result<(), Refused> {
    // Codex has known packed conversations by two names.
    let kind = if kind == "compaction_summary" { "compaction" } else { kind };
    let signature = content.strip_prefix(PREFIX).unwrap_or_default();
    if mint.verify(signature, &[organization, kind]) {
        return Ok(());
    }
    let why = if Mint::looks_signed(signature) {
        "Encrypted content organization_id did not match the target organization."
    } else {
        "Encrypted content could not be decrypted or parsed."
    };
    let id = text(item, "id");
    let shown: String = content.chars().take(8).collect();
    let what = if id.is_empty() { format!("{shown}...") } else { format!("for item {id}") };
    let message = format!("The encrypted content {what} could not be verified. Reason: {why}");
    Err(Refused::saying(OpenAiRefusal::InvalidEncryptedContent, message))
}

/// Every call has its result, every result its call before it.
fn pairs(prompt: &Prompt<'_>) -> Result<(), Refused> {
    let mut open: Vec<&str> = Vec::new();
    let mut known = HashSet::new();
    for item in &prompt.items {
        let call = text(item, "call_id");
        match kind(item) {
            "function_call" | "custom_tool_call" => {
                known.insert(call);
                open.push(call);
            }
            "function_call_output" | "custom_tool_call_output" => {
                if !known.contains(call) {
                    let message = format!("No tool call found for function call output with call_id {call}.");
                    return Err(wrong("input", "invalid_request", message));
                }
                open.retain(|waiting| *waiting != call);
            }
            _ => {}
        }
    }
    match open.first() {
        Some(call) => {
            let message = format!("No tool output found for function call {call}.");
            Err(wrong("input", "invalid_request", message))
        }
        None => Ok(()),
    }
}
