//! Runs the routing cases (`tests/cases/README.md`, section 5) on the pure core: a scripted upstream answers, the
//! changes are applied, and what was tried, skipped, said and remembered is compared.
use std::path::PathBuf;

use crate::world::{Case, World};

#[derive(serde::Deserialize)]
struct CaseFile {
    format: String,
    version: u32,
    cases: Vec<serde_json::Value>,
}

fn cases_dir() -> PathBuf {
    match std::env::var_os("REMUDA_CASES_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/cases")),
    }
}

#[test]
fn routing_cases() {
    let path = cases_dir().join("routing.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: CaseFile = serde_json::from_str(&text).unwrap();
    assert_eq!((file.format.as_str(), file.version), ("remuda-cases/routing", 1));
    assert!(!file.cases.is_empty(), "{}: no cases", path.display());

    let total = file.cases.len();
    let mut failures = Vec::new();
    for value in file.cases {
        let id = value["id"].as_str().unwrap_or("(no id)").to_owned();
        let title = value["title"].as_str().unwrap_or_default().to_owned();
        let wrong = match serde_json::from_value::<Case>(value) {
            // A case that trips over itself is one failing case, not the end of all.
            Ok(case) => std::panic::catch_unwind(|| World::run(&case)).unwrap_or_else(|_| vec!["panicked".to_owned()]),
            Err(error) => vec![format!("cannot be read: {error}")],
        };
        if !wrong.is_empty() {
            failures.push(format!("{id}: {title}\n    {}", wrong.join("\n    ")));
        }
    }
    assert!(failures.is_empty(), "{} of {total} routing cases fail:\n{}", failures.len(), failures.join("\n"));
}
