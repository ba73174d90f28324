//! A whole JSON text, walked by byte ranges: where members and elements stand, without building values of them. For
//! edits of bodies that have arrived; what is still streaming is read by [`crate::peek`].

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

/// A JSON text. It is walked, not validated: what is skipped may be anything that has matching quotes and brackets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Document<'a>(&'a [u8]);

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member<'a> {
    pub(crate) key: Cow<'a, str>,
    /// Where its key begins, quotation mark included.
    pub(crate) from: usize,
    pub(crate) value: Range<usize>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// The value that is the whole text. `None`: it is not one value.
    pub(crate) fn root(self) -> Option<Range<usize>> {
        let from = self.space(0);
        let end = self.value(from)?;
        (self.space(end) == self.0.len()).then_some(from..end)
    }

    /// The first byte of a value: `{`, `[`, `"`, or that of a number or literal.
    pub(crate) fn first(self, value: &Range<usize>) -> u8 {
        self.0.get(value.start).copied().unwrap_or_default()
    }

    /// The members of an object, in order. `None`: it is no object.
    pub(crate) fn members(self, object: &Range<usize>) -> Option<Vec<Member<'a>>> {
        let mut members = Vec::new();
        let mut at = self.opened(object, b'{')?;
        while let Some(from) = at {
            let key_end = self.value(from)?;
            let key = self.string(&(from..key_end))?;
            let colon = self.space(key_end);
            if self.0.get(colon) != Some(&b':') {
                return None;
            }
            let start = self.space(colon + 1);
            let value = start..self.value(start)?;
            at = self.next(value.end, b'}')?;
            members.push(Member { key, from, value });
        }
        Some(members)
    }

    /// The elements of an array, in order. `None`: it is no array.
    pub(crate) fn elements(self, array: &Range<usize>) -> Option<Vec<Range<usize>>> {
        let mut elements = Vec::new();
        let mut at = self.opened(array, b'[')?;
        while let Some(from) = at {
            let value = from..self.value(from)?;
            at = self.next(value.end, b']')?;
            elements.push(value);
        }
        Some(elements)
    }

    /// The text of a string, its escapes resolved. `None`: it is no string.
    pub(crate) fn string(self, value: &Range<usize>) -> Option<Cow<'a, str>> {
        match self.0.get(value.clone())? {
            [b'"', plain @ .., b'"'] if !plain.contains(&b'\\') => std::str::from_utf8(plain).ok().map(Cow::Borrowed),
            quoted @ [b'"', ..] => serde_json::from_slice(quoted).ok().map(Cow::Owned),
            _ => None,
        }
    }

    /// Is it an object or array without anything in it?
    pub(crate) fn is_empty(self, value: &Range<usize>) -> bool {
        matches!(self.0.get(self.space(value.start + 1)), Some(b'}' | b']'))
    }

    /// Behind the opening bracket: `Some(None)` if it closes at once.
    fn opened(self, value: &Range<usize>, with: u8) -> Option<Option<usize>> {
        if self.first(value) != with {
            return None;
        }
        let at = self.space(value.start + 1);
        Some((!self.is_empty(value)).then_some(at))
    }

    /// Behind a value: where the next one begins; `Some(None)` at the end.
    fn next(self, end: usize, closing: u8) -> Option<Option<usize>> {
        let at = self.space(end);
        match self.0.get(at)? {
            b',' => Some(Some(self.space(at + 1))),
            byte if *byte == closing => Some(None),
            _ => None,
        }
    }

    fn space(self, from: usize) -> usize {
        let rest = self.0.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t')).count()
    }

    /// Where the value that begins here ends.
    fn value(self, from: usize) -> Option<usize> {
        match self.0.get(from)? {
            b'"' => self.quoted(from),
            b'{' | b'[' => self.nested(from),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                let rest = &self.0[from..];
                let scalar = |b: &&u8| !matches!(b, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
                Some(from + rest.iter().take_while(scalar).count())
            }
            _ => None,
        }
    }

    fn quoted(self, from: usize) -> Option<usize> {
        let mut at = from + 1;
        loop {
            let quote = at + memchr(b'"', self.0.get(at..)?)?;
            let escapes = self.0[from + 1..quote].iter().rev().take_while(|b| **b == b'\\').count();
            at = quote + 1;
            if escapes % 2 == 0 {
                return Some(at);
            }
        }
    }

    fn nested(self, from: usize) -> Option<usize> {
        let (mut depth, mut at) = (0_usize, from);
        loop {
            match self.0.get(at)? {
                b'"' => {
                    at = self.quoted(at)?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(text: &str) -> Option<Vec<(String, String)>> {
        let document = Document::new(text.as_bytes());
        let members = document.members(&document.root()?)?;
        Some(members.into_iter().map(|m| (m.key.into_owned(), text[m.value].to_owned())).collect())
    }

    #[test]
    fn members_stand_where_they_are_found_whatever_is_inside_them() {
        let found = keys("{ \"a\" : [1,{\"x\":\"]\"}] ,\"b\\u0041\":\"q\\\\\\\"\",\"c\":-1.5e3}").unwrap();
        let expected = [("a", "[1,{\"x\":\"]\"}]"), ("bA", "\"q\\\\\\\"\""), ("c", "-1.5e3")];
        assert_eq!(found, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn what_is_cut_off_or_no_object_has_no_members() {
        for broken in ["", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":\"x}", "[1]", "{\"a\" 1}", "{} x"]
        {
            assert_eq!(keys(broken), None, "{broken}");
        }
        assert_eq!(keys("{ }"), Some(Vec::new()));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            ".{0,12}".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
                proptest::collection::btree_map("[a-z\"\\\\]{0,4}", inner, 0..5)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_is_found_as_a_parser_finds_it(value in json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let document = Document::new(text.as_bytes());
            let root = document.root().unwrap();
            match &value {
                serde_json::Value::Object(members) => {
                    let found = document.members(&root).unwrap();
                    prop_assert_eq!(found.len(), members.len());
                    for member in found {
                        let there: serde_json::Value = serde_json::from_str(&text[member.value]).unwrap();
                        prop_assert_eq!(&there, &members[&*member.key]);
                    }
                }
                serde_json::Value::Array(elements) => {
                    let found: Vec<serde_json::Value> = document.elements(&root).unwrap().into_iter()
                        .map(|range| serde_json::from_str(&text[range]).unwrap()).collect();
                    prop_assert_eq!(&found, elements);
                }
                _ => prop_assert!(document.members(&root).is_none() && document.elements(&root).is_none()),
            }
        }
    }
}
