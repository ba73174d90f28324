//! One conversation with a relay, as the client knows it. Pure: what is random and what time it is comes from outside.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use zeroize::Zeroizing;

use crate::delta;
use crate::hash::BodyHash;
use crate::message::{Pair, Welcome};
use crate::request::{self, Head};
use crate::script;

/// A delta is sent if it is shorter than this share of the body, in percent.
const WORTH_IT: usize = 90;

/// See the module. Belongs to whoever has taken it out of the [`super::lanes::Lanes`].
pub struct Lane {
    /// Its name towards the relay: random, so that it says nothing about the session.
    pub conversation: String,
    key: Zeroizing<[u8; 32]>,
    /// What the relay said about itself, and by how many milliseconds its clock is ahead of ours.
    relay: Option<(Welcome, i64)>,
    last_at_ms: u64,
    /// What the relay holds, as far as we know.
    standing: Option<Standing>,
}

struct Standing {
    revision: u64,
    hash: BodyHash,
    body: Bytes,
}

/// A request as the vendor is to get it.
pub struct ToVendor<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// URL.
    pub url: &'a str,
    /// Headers, the credential among them.
    pub headers: &'a [Pair],
    /// The body.
    pub body: &'a Bytes,
}

/// A message that is ready to be sent, and sent again if need be, exactly as it is.
#[derive(Clone)]
pub struct Prepared {
    /// Its id.
    pub id: String,
    /// The content of its exchange record.
    pub content: Bytes,
    /// Does it say only what changed?
    pub delta: bool,
    revision: u64,
    next: BodyHash,
    body: Bytes,
}

impl Lane {
    /// A lane that the relay has not heard of. `random` is used up.
    #[must_use]
    pub fn new(random: [u8; 48]) -> Self {
        let (key, name) = random.split_at(32);
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(key);
        Self { conversation: hex(name), key: bytes, relay: None, last_at_ms: 0, standing: None }
    }

    /// Has the relay introduced itself?
    #[must_use]
    pub fn relay(&self) -> Option<&Welcome> {
        self.relay.as_ref().map(|(welcome, _)| welcome)
    }

    /// The relay has introduced itself. If it lives another life than before, it holds nothing of ours.
    pub fn welcomed(&mut self, welcome: Welcome, now_ms: u64) {
        if self.relay().is_some_and(|known| known.epoch != welcome.epoch) {
            self.standing = None;
        }
        let ahead = i64::try_from(welcome.now_ms).unwrap_or(0) - i64::try_from(now_ms).unwrap_or(0);
        self.relay = Some((welcome, ahead));
    }

    /// The last body that the relay has taken.
    #[must_use]
    pub fn body(&self) -> Option<&Bytes> {
        self.standing.as_ref().map(|standing| &standing.body)
    }

    /// The relay may hold anything: the next body goes whole.
    pub fn forget_body(&mut self) {
        self.standing = None;
    }

    /// The relay may be another one: ask who it is.
    pub fn forget_relay(&mut self) {
        (self.relay, self.standing) = (None, None);
    }

    /// Makes the next message. `id` is random. The relay must have introduced itself.
    #[must_use]
    pub fn prepare(&mut self, id: [u8; 16], now_ms: u64, request: &ToVendor<'_>) -> Option<Prepared> {
        let (welcome, ahead) = self.relay.as_ref()?;
        let at_ms = now_ms.saturating_add_signed(*ahead).max(self.last_at_ms + 1);
        let next = BodyHash::of(request.body);
        let edits = self.standing.as_ref().and_then(|standing| {
            let edits = script::write(&delta::make(&standing.body, request.body));
            (edits.len() < request.body.len() / 100 * WORTH_IT).then_some((standing, edits))
        });
        let revision = edits.as_ref().map_or(1, |(standing, _)| standing.revision + 1);
        let head = Head {
            id: hex(&id),
            conversation: self.conversation.clone(),
            epoch: welcome.epoch.clone(),
            at_ms,
            revision,
            next: next.to_string(),
            base: edits.as_ref().map(|(standing, _)| standing.hash.to_string()),
            key: URL_SAFE_NO_PAD.encode(*self.key),
            method: request.method.to_owned(),
            url: request.url.to_owned(),
            headers: request.headers.to_vec(),
        };
        let content = request::write(&head, edits.as_ref().map_or(request.body, |(_, edits)| edits));
        let (delta, body) = (edits.is_some(), request.body.clone());
        self.last_at_ms = at_ms;
        Some(Prepared { id: head.id, content, delta, revision, next, body })
    }

    /// The relay has taken this message.
    pub fn took(&mut self, message: &Prepared) {
        let Prepared { revision, next: hash, body, .. } = message.clone();
        self.standing = Some(Standing { revision, hash, body });
    }
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
