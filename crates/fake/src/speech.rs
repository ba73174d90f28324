//! What the model says: simple rules from the prompt, always the same for the same prompt, in any protocol. See
//! [`crate::Reply`].

use serde_json::{Value, json};

use crate::config::Reply;

/// Longest part of a prompt that is echoed, in characters.
const ECHO: usize = 120;
/// Highest number that is counted to.
const MOST_NUMBERS: u64 = 100_000;

/// What matters of a prompt.
pub(crate) struct Asked<'a> {
    /// The newest text that a person wrote.
    pub(crate) text: &'a str,
    /// The newest tool result, if nothing of a person follows it.
    pub(crate) result: Option<String>,
    /// Does the request offer this tool?
    pub(crate) offers: &'a dyn Fn(&str) -> bool,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Speech {
    /// Something to read.
    Text(String),
    /// A tool to run.
    Call { name: String, input: Value },
}

impl Speech {
    /// The arguments of a call whose tool wants an object.
    pub(crate) fn object(input: Value) -> Value {
        if input.is_object() { input } else { json!({}) }
    }
}

/// Agents put words of their own before and after those of the person, each in a text of its own and in a tag:
/// `<system-reminder>…`, `<environment_context>…</environment_context>`.
pub(crate) fn is_written_by_agent(text: &str) -> bool {
    let text = text.trim();
    let Some(tag) = text.strip_prefix('<').and_then(|rest| rest.split_once('>')).map(|(tag, _)| tag) else {
        return false;
    };
    tag == "system-reminder" || (!tag.is_empty() && text.ends_with(&format!("</{tag}>")))
}

/// Does the person want the model to think first?
pub(crate) fn wants_thought(text: &str) -> bool {
    text.to_lowercase().contains("think")
}

pub(crate) fn speak(asked: &Asked<'_>, replies: &[Reply], wide: bool) -> Vec<Speech> {
    let wide = if wide { " 🐎 ñandú 駿馬" } else { "" };
    match call(asked, replies) {
        Some((text, name, input)) => vec![Speech::Text(format!("{text}{wide}")), Speech::Call { name, input }],
        None => vec![Speech::Text(format!("{}{wide}", say(asked, replies)))],
    }
}

/// A scripted call, or `use tool NAME` or `use tool NAME with …`, if the request offers that tool and no result has come
/// yet.
fn call(asked: &Asked<'_>, replies: &[Reply]) -> Option<(String, String, Value)> {
    if asked.result.is_some() {
        return None;
    }
    let scripted = replies.iter().find(|reply| asked.text.contains(&reply.when));
    if let Some(call) = scripted.and_then(|reply| reply.call.as_ref()).filter(|call| (asked.offers)(&call.tool)) {
        let text = scripted.map(|reply| reply.say.clone()).unwrap_or_default();
        return Some((text, call.tool.clone(), call.input.clone()));
    }
    let (_, rest) = asked.text.split_once("use tool ")?;
    let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).collect();
    if !(asked.offers)(&name) {
        return None;
    }
    let input = rest.get(name.len()..).and_then(|rest| rest.trim_start().strip_prefix("with"));
    let input = input.and_then(|text| serde_json::Deserializer::from_str(text).into_iter::<Value>().next());
    let input = match input {
        Some(Ok(input @ (Value::Object(_) | Value::String(_)))) => input,
        _ => json!({}),
    };
    Some((format!("I use the tool {name}."), name, input))
}

fn say(asked: &Asked<'_>, replies: &[Reply]) -> String {
    if let Some(result) = &asked.result {
        return format!("tool result: {}", result.lines().next().unwrap_or_default());
    }
    if let Some(reply) = replies.iter().find(|reply| asked.text.contains(&reply.when)) {
        return reply.say.clone();
    }
    if let Some((_, rest)) = asked.text.split_once("count to ") {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if let Ok(last @ 1..=MOST_NUMBERS) = digits.parse::<u64>() {
            return (1..=last).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        }
    }
    let echo: String = asked.text.chars().take(ECHO).collect();
    format!("pong {echo}").trim_end().to_owned()
}

/// Estimated: four bytes are one token.
pub(crate) fn tokens_of(bytes: usize) -> u64 {
    bytes.div_ceil(4) as u64
}

/// The first part of a text that is so many tokens long.
pub(crate) fn first_tokens(text: &str, tokens: u64) -> &str {
    let most = usize::try_from(tokens).unwrap_or(usize::MAX).saturating_mul(4);
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// Words, each with the space after it.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_a_tag_of_their_own_are_the_agents() {
        for text in ["<system-reminder>\nx", "<environment_context>\n <cwd>/</cwd>\n</environment_context>\n"] {
            assert!(is_written_by_agent(text), "{text}");
        }
        for text in ["say <b>pong</b>", "<b>bold</b> words", "x < y", "<>"] {
            assert!(!is_written_by_agent(text), "{text}");
        }
    }

    #[test]
    fn a_scripted_call_needs_its_tool_and_comes_once() {
        let replies = [Reply::call("look", "shell", json!({"command": ["ls"]}))];
        let offers = |name: &str| name == "shell";
        let asked =
            |result: Option<&str>, offers| Asked { text: "look around", result: result.map(str::to_owned), offers };
        let speech = speak(&asked(None, &offers), &replies, false);
        assert_eq!(speech[1], Speech::Call { name: "shell".to_owned(), input: json!({"command": ["ls"]}) });
        let none = |_: &str| false;
        assert_eq!(speak(&asked(None, &none), &replies, false), [Speech::Text("I use the tool shell.".to_owned())]);
        let after = speak(&asked(Some("file\nother"), &offers), &replies, false);
        assert_eq!(after, [Speech::Text("tool result: file".to_owned())]);
    }
}
