//! Cache marks: the acceptance cases, and what holds for every body.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod cases;
mod rules;

use bytes::Bytes;
use remuda_wire::cache::{Wish, marks};
use remuda_wire::splice::splice;
use serde_json::Value;

/// The body that a wish makes of another, and how many marks are said to be in it.
fn marked(body: &str, wish: Wish) -> (String, usize) {
    let marks = marks(body.as_bytes(), wish).expect("a body that can be read");
    let frames = splice([Bytes::copy_from_slice(body.as_bytes())], &marks.edits).expect("edits that fit");
    (String::from_utf8(frames.concat()).unwrap(), marks.breakpoints)
}

/// Lifetimes of the marks of a body, in the order in which the vendor caches: the top first, then tools, system, messages.
fn lifetimes(body: &Value) -> Vec<String> {
    fn of(holder: &Value, found: &mut Vec<String>) {
        if let Some(mark) = holder.get("cache_control").filter(|m| m.is_object()) {
            found.push(mark.get("ttl").and_then(Value::as_str).unwrap_or("5m").to_owned());
        }
    }
    fn list(value: Option<&Value>) -> &[Value] {
        value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
    let mut found = Vec::new();
    of(body, &mut found);
    list(body.get("tools")).iter().for_each(|tool| of(tool, &mut found));
    let said = list(body.get("messages")).iter().flat_map(|m| list(m.get("content")));
    for block in list(body.get("system")).iter().chain(said) {
        list(block.get("content")).iter().for_each(|inner| of(inner, &mut found));
        of(block, &mut found);
    }
    found
}
