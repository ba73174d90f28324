//! An incremental scan for members of a JSON object, at its top and in one object below. The rest is skipped by its
//! quotes and brackets alone. Other modules of this crate say which members and what they mean.

use memchr::memchr;

/// Longest key and longest value that is kept; longer ones are no real model, flag or identity.
const MAX_KEPT: usize = 4096;

/// Where a member stands: in the object itself, or in the object that is the value of `parent`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    pub(crate) parent: Option<&'static str>,
    pub(crate) key: &'static str,
}

/// A string, number or literal as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) bytes: Vec<u8>,
    /// Offset of its first byte.
    pub(crate) start: u64,
}

/// Where a scan of at most eight members stands.
#[derive(Debug)]
pub(crate) struct Scan {
    paths: &'static [Path],
    /// One bit for each path.
    wanted: u8,
    seen: u8,
    found: Vec<Option<Raw>>,
    state: State,
    /// Offset of the next byte.
    at: u64,
    /// Is the next byte of a string behind a backslash?
    escaped: bool,
    kept: Vec<u8>,
    /// Where `kept` began.
    kept_from: u64,
}

/// Which of the two objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Top,
    /// The value of this key.
    In(&'static str),
}

/// What a value is to the scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Wanted(usize),
    /// An object to look into.
    Parent(&'static str),
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the opening brace.
    Start,
    /// Behind an opening brace.
    First(Scope),
    /// Behind a comma.
    Key(Scope),
    InKey(Scope),
    Colon(Scope, Member),
    Value(Scope, Member),
    Text(Scope, Member),
    /// In a number or literal.
    Scalar(Scope, Member),
    /// In an object or array that is skipped.
    Nested {
        scope: Scope,
        depth: u64,
        in_string: bool,
    },
    /// Behind a value.
    Next(Scope),
    End,
    Malformed,
}

impl Scan {
    pub(crate) fn new(paths: &'static [Path], wanted: u8) -> Self {
        Self {
            paths,
            wanted,
            seen: 0,
            found: vec![None; paths.len()],
            state: State::Start,
            at: 0,
            escaped: false,
            kept: Vec::new(),
            kept_from: 0,
        }
    }

    /// Has every wanted member been seen, readable or not?
    pub(crate) fn complete(&self) -> bool {
        self.seen & self.wanted == self.wanted
    }

    pub(crate) fn ended(&self) -> bool {
        self.state == State::End
    }

    pub(crate) fn malformed(&self) -> bool {
        self.state == State::Malformed
    }

    /// Has a member of the path with this index been passed?
    pub(crate) fn seen(&self, index: usize) -> bool {
        self.seen & 1 << index != 0
    }

    /// The value of the path with this index; `None` also if it is an object or array, or too long.
    pub(crate) fn value(&self, index: usize) -> Option<&Raw> {
        self.found.get(index)?.as_ref()
    }

    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !matches!(self.state, State::End | State::Malformed) {
            let used = self.step(bytes);
            self.at += used as u64;
            bytes = &bytes[used..];
        }
    }

    /// Takes a prefix of `bytes`, which is not empty, and says how long it was.
    fn step(&mut self, bytes: &[u8]) -> usize {
        match self.state {
            State::InKey(scope) => {
                let (used, ended) = self.string(bytes);
                self.keep(&bytes[..used]);
                if ended {
                    self.state = State::Colon(scope, self.member(scope));
                }
                used
            }
            State::Text(scope, member) => {
                let (used, ended) = self.string(bytes);
                if member != Member::Other {
                    self.keep(&bytes[..used]);
                }
                if ended {
                    self.value_ends(member);
                    self.state = State::Next(scope);
                }
                used
            }
            State::Scalar(scope, member) => {
                let end = bytes.iter().position(|&byte| matches!(byte, b',' | b'}') || is_space(byte));
                let used = end.unwrap_or(bytes.len());
                if member != Member::Other {
                    self.keep(&bytes[..used]);
                }
                if end.is_some() {
                    self.value_ends(member);
                    self.state = State::Next(scope);
                }
                used
            }
            State::Nested { scope, depth, in_string } => self.nested(bytes, scope, depth, in_string),
            _ => {
                let byte = bytes[0];
                if !is_space(byte) {
                    self.structural(byte);
                }
                1
            }
        }
    }

    /// A byte between keys and values.
    fn structural(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::Start, b'{') => State::First(Scope::Top),
            (State::First(scope) | State::Key(scope), b'"') => {
                self.begin(byte);
                State::InKey(scope)
            }
            (State::Colon(scope, member), b':') => State::Value(scope, member),
            (State::Value(scope, member), _) => self.value_begins(scope, member, byte),
            (State::Next(scope), b',') => State::Key(scope),
            (State::First(Scope::Top) | State::Next(Scope::Top), b'}') => State::End,
            (State::First(Scope::In(_)) | State::Next(Scope::In(_)), b'}') => State::Next(Scope::Top),
            _ => State::Malformed,
        };
    }

    fn value_begins(&mut self, scope: Scope, member: Member, byte: u8) -> State {
        if let Member::Wanted(index) = member {
            // A repeated member counts with its last value, be that readable or not.
            self.seen &= !(1 << index);
            self.found[index] = None;
        }
        if let Member::Parent(parent) = member {
            for (path, found) in self.paths.iter().zip(&mut self.found) {
                if path.parent == Some(parent) {
                    *found = None;
                }
            }
        }
        match (byte, member) {
            (b'"', _) => {
                self.begin(byte);
                State::Text(scope, member)
            }
            (b'{', Member::Parent(parent)) => State::First(Scope::In(parent)),
            (b'{' | b'[', _) => {
                self.see(member);
                State::Nested { scope, depth: 1, in_string: false }
            }
            (b'-' | b'0'..=b'9' | b't' | b'f' | b'n', _) => {
                self.begin(byte);
                State::Scalar(scope, member)
            }
            _ => State::Malformed,
        }
    }

    fn see(&mut self, member: Member) {
        if let Member::Wanted(index) = member {
            self.seen |= 1 << index;
        }
    }

    fn value_ends(&mut self, member: Member) {
        self.see(member);
        if let Member::Wanted(index) = member
            && self.kept.len() <= MAX_KEPT
        {
            self.found[index] = Some(Raw { bytes: self.kept.clone(), start: self.kept_from });
        }
    }

    /// Which member the kept key names.
    fn member(&self, scope: Scope) -> Member {
        let resolved: String;
        let key = match self.kept.as_slice() {
            raw if raw.contains(&b'\\') => {
                let Ok(key) = serde_json::from_slice(raw) else { return Member::Other };
                resolved = key;
                resolved.as_bytes()
            }
            [b'"', key @ .., b'"'] => key,
            _ => return Member::Other,
        };
        let parent = match scope {
            Scope::Top => None,
            Scope::In(parent) => Some(parent),
        };
        let wanted = || self.paths.iter().enumerate().filter(|(index, _)| self.wanted & 1 << index != 0);
        if let Some((index, _)) = wanted().find(|(_, path)| path.parent == parent && path.key.as_bytes() == key) {
            return Member::Wanted(index);
        }
        let mut parents = wanted().filter_map(|(_, path)| path.parent);
        match parents.find(|name| scope == Scope::Top && name.as_bytes() == key) {
            Some(parent) => Member::Parent(parent),
            None => Member::Other,
        }
    }

    fn nested(&mut self, bytes: &[u8], scope: Scope, mut depth: u64, mut in_string: bool) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            if in_string {
                let (used, ended) = self.string(&bytes[at..]);
                at += used;
                in_string = !ended;
                continue;
            }
            let byte = bytes[at];
            at += 1;
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.state = State::Next(scope);
                        return at;
                    }
                }
                _ => {}
            }
        }
        self.state = State::Nested { scope, depth, in_string };
        at
    }

    /// Takes what belongs to a string and says whether it has ended. Only quotes are searched; whether one is escaped
    /// is told by the backslashes before it.
    fn string(&mut self, bytes: &[u8]) -> (usize, bool) {
        let from = usize::from(std::mem::take(&mut self.escaped)).min(bytes.len());
        let odd_run_before =
            |end: usize| bytes[from..end].iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1;
        let mut at = from;
        while let Some(quote) = memchr(b'"', &bytes[at..]).map(|quote| at + quote) {
            at = quote + 1;
            if !odd_run_before(quote) {
                return (at, true);
            }
        }
        self.escaped = odd_run_before(bytes.len());
        (bytes.len(), false)
    }

    fn begin(&mut self, byte: u8) {
        self.kept.clear();
        self.kept.push(byte);
        self.kept_from = self.at;
    }

    /// Keeps one byte more than allowed at most, which shows that it was too long.
    fn keep(&mut self, bytes: &[u8]) {
        let room = (MAX_KEPT + 1).saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl Raw {
    /// The text of a JSON string, its escapes resolved.
    pub(crate) fn text(&self) -> Option<String> {
        serde_json::from_slice(&self.bytes).ok()
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}
