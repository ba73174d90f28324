//! `cache.json`.

use std::path::PathBuf;

use remuda_wire::cache::{Mode, Wish};
use serde_json::Value;

use crate::{lifetimes, marked};

#[test]
fn cache_cases() {
    let dir = std::env::var_os("REMUDA_CASES_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases"), PathBuf::from);
    let path = dir.join("cache.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let cases = json["cases"].as_array().unwrap();
    assert!(!cases.is_empty(), "cache.json holds no cases");
    let failed: Vec<String> =
        cases.iter().filter_map(|case| Some(format!("{}: {}", case["id"], check(case).err()?))).collect();
    assert!(failed.is_empty(), "{} of {} cases fail:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

fn check(case: &Value) -> Result<(), String> {
    let wish = Wish {
        mode: serde_json::from_value::<Mode>(case["mode"].clone()).map_err(|e| e.to_string())?,
        subagent: case["request"]["subagent"].as_bool().unwrap_or(false),
        ttl: case["upstream"]["supports_ttl"].as_bool().unwrap_or(true),
    };
    let before = case["request"]["body"].to_string();
    let (after, breakpoints) = marked(&before, wish);
    let got: Value = serde_json::from_str(&after).map_err(|e| format!("no JSON any more ({e}): {after}"))?;
    let expected = &case["expect"]["body"];
    if got != *expected {
        return Err(format!("\n  expected {expected}\n  got      {got}"));
    }
    let counted = lifetimes(&got).len();
    if Some(breakpoints as u64) != case["expect"]["breakpoints"].as_u64() || counted != breakpoints {
        return Err(format!(
            "expected {} breakpoints, {breakpoints} said, {counted} there",
            case["expect"]["breakpoints"]
        ));
    }
    let (again, _) = marked(&after, wish);
    if again != after {
        return Err(format!("a second time it becomes {again}"));
    }
    Ok(())
}
