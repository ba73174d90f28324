//! Query strings, read and written.

use std::fmt::Write;

/// Name and value pairs, decoded. A broken escape stands as it is.
pub(crate) fn read(query: Option<&str>) -> Vec<(String, String)> {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let escaped = || Some(16 * hex(*after.first()?)? + hex(*after.get(1)?)?);
        match first {
            b'+' => bytes.push(b' '),
            b'%' if let Some(byte) = escaped() => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Escapes everything but the unreserved characters of RFC 3986.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_reads_back() {
        let text = "a b+c&d=e%zz/ü#🐎";
        assert_eq!(
            read(Some(&format!("k={}&x", escape(text)))),
            [("k".to_owned(), text.to_owned()), ("x".to_owned(), String::new())]
        );
        assert_eq!(read(Some("a=1+2%2")), [("a".to_owned(), "1 2%2".to_owned())]);
    }
}
