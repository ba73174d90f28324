//! Makes Claude Code's identity field agree with the account that serves, while the body streams by.
//!
//! The field, `metadata.user_id`, stands behind the conversation, megabytes from the front. So the bytes are scanned as
//! they pass and the last few thousand are held back: when the field is complete, all of it is still here. The
//! replacement has the length of what it replaces (JSON allows spaces behind a string), so `content-length` stays true.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use remuda_wire::identity::UserId;
use remuda_wire::peek::{Peek, Status, Wanted};
use remuda_wire::splice::{Edit, splice};

use crate::replay::{BodyError, ReplayBody};

/// Bytes that are held back until the field has been seen. Claude Code's field has about 250.
const WINDOW: usize = 4096;

/// Did it change anything? Shared with the decision record, which is written later.
pub type Changed = Arc<AtomicBool>;

/// See the module's description. Cloning starts from the beginning.
pub struct Restated<B> {
    pub(crate) body: ReplayBody<B>,
    account_uuid: Arc<str>,
    changed: Changed,
    scan: Option<Peek>,
    held: VecDeque<Bytes>,
    held_bytes: usize,
    released: u64,
    trailers: Option<HeaderMap>,
    ended: bool,
}

impl<B> Clone for Restated<B> {
    fn clone(&self) -> Self {
        Self::new(self.body.clone(), Arc::clone(&self.account_uuid), Arc::clone(&self.changed))
    }
}

/// The edits that make the identity field state `account_uuid`, at the same length. A stated account that is shorter than
/// the right one is emptied rather than left wrong.
#[must_use]
pub fn edits(user_id: &UserId, account_uuid: &str) -> Vec<Edit> {
    user_id.restate_same_length(account_uuid).or_else(|| user_id.restate_same_length("")).unwrap_or_default()
}

impl<B> Restated<B> {
    /// A body that states `account_uuid` (empty: the credential belongs to no login) where the client states an account.
    #[must_use]
    pub fn new(body: ReplayBody<B>, account_uuid: Arc<str>, changed: Changed) -> Self {
        Self {
            body,
            account_uuid,
            changed,
            scan: Some(Peek::new(Wanted::USER_ID)),
            held: VecDeque::new(),
            held_bytes: 0,
            released: 0,
            trailers: None,
            ended: false,
        }
    }

    fn take(&mut self, data: Bytes) {
        if let Some(scan) = &mut self.scan {
            match scan.feed(&data) {
                Status::More => {}
                Status::Malformed => self.scan = None,
                Status::Found | Status::Ended => {
                    let found = self.scan.take().map(Peek::into_facts).and_then(|facts| facts.user_id);
                    self.held_bytes += data.len();
                    self.held.push_back(data);
                    if let Some(user_id) = found.as_ref().and_then(UserId::read) {
                        self.restate(&user_id);
                    }
                    return;
                }
            }
        }
        self.held_bytes += data.len();
        self.held.push_back(data);
    }

    fn restate(&mut self, user_id: &UserId) {
        let mut edits = edits(user_id, &self.account_uuid);
        if edits.is_empty() || edits.iter().any(|e| e.range.start < self.released) {
            return;
        }
        for edit in &mut edits {
            edit.range = edit.range.start - self.released..edit.range.end - self.released;
        }
        match splice(self.held.iter().cloned(), &edits) {
            Ok(frames) => {
                self.held = frames.into();
                self.changed.store(true, Ordering::Relaxed);
            }
            Err(error) => {
                tracing::error!(%error, "the identity field could not be restated; the body is sent as it came")
            }
        }
    }

    /// The next bytes that need not be held back.
    fn release(&mut self) -> Option<Bytes> {
        let keep = if self.scan.is_some() && !self.ended { WINDOW } else { 0 };
        let free = self.held_bytes.checked_sub(keep).filter(|free| *free > 0)?;
        let first = self.held.front_mut()?;
        let data = if first.len() <= free { self.held.pop_front()? } else { first.split_to(free) };
        self.held_bytes -= data.len();
        self.released += data.len() as u64;
        Some(data)
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Restated<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        loop {
            if let Some(data) = this.release() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            if this.ended {
                return Poll::Ready(this.trailers.take().map(|t| Ok(Frame::trailers(t))));
            }
            match Pin::new(&mut this.body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => this.ended = true,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => this.take(data),
                    Err(frame) => this.trailers = frame.into_trailers().ok(),
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.trailers.is_none() && (self.ended || self.body.is_end_stream())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, StreamBody};
    use proptest::prelude::*;

    use super::*;

    const OWN: &str = "11111111-1111-4111-8111-111111111111";
    const RIGHT: &str = "22222222-2222-4222-8222-222222222222";

    fn request(prompt: &str, account: &str, behind: &str) -> String {
        let user_id = format!(r#"{{\"device_id\":\"d\",\"account_uuid\":\"{account}\",\"session_id\":\"s\"}}"#);
        format!(
            r#"{{"model":"m","messages":[{{"content":"{prompt}"}}],"metadata":{{"user_id":"{user_id}"}},{behind}}}"#
        )
    }

    fn pass(text: &str, sizes: &[usize], uuid: &str) -> (String, bool) {
        let mut rest = Bytes::copy_from_slice(text.as_bytes());
        let mut pieces: VecDeque<Bytes> = VecDeque::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            pieces.push_back(rest.split_to((*size).min(rest.len())));
        }
        let source = StreamBody::new(Pieces(pieces));
        let changed = Changed::default();
        let body = Restated::new(ReplayBody::new(source).unwrap(), uuid.into(), Arc::clone(&changed));
        let again = body.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let first = runtime.block_on(body.collect()).unwrap().to_bytes();
        let second = runtime.block_on(again.collect()).unwrap().to_bytes();
        assert_eq!(first, second, "a second attempt sends the same");
        (String::from_utf8(first.to_vec()).unwrap(), changed.load(Ordering::Relaxed))
    }

    struct Pieces(VecDeque<Bytes>);

    impl futures_core::Stream for Pieces {
        type Item = Result<Frame<Bytes>, std::convert::Infallible>;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.pop_front().map(|b| Ok(Frame::data(b))))
        }
    }

    proptest! {
        #[test]
        fn only_the_stated_account_changes_however_the_body_is_cut(
            filler in 0usize..9000,
            behind in 0usize..9000,
            sizes in proptest::collection::vec(1usize..3000, 1..8),
        ) {
            let behind = format!(r#""stream":true,"z":"{}""#, "b".repeat(behind));
            let text = request(&"a".repeat(filler), OWN, &behind);
            let (sent, changed) = pass(&text, &sizes, RIGHT);
            prop_assert!(changed);
            prop_assert_eq!(sent, request(&"a".repeat(filler), RIGHT, &behind));
        }

        #[test]
        fn what_states_no_account_passes_untouched(
            text in prop_oneof![
                "[ -~]{0,300}",
                Just(request("hi", "", r#""stream":true"#)),
                Just(request("hi", RIGHT, r#""stream":true"#)),
                Just(r#"{"metadata":{"user_id":"free text"}}"#.to_owned()),
            ],
            sizes in proptest::collection::vec(1usize..100, 1..8),
        ) {
            let (sent, changed) = pass(&text, &sizes, RIGHT);
            prop_assert!(!changed);
            prop_assert_eq!(sent, text);
        }
    }

    #[test]
    fn a_key_belongs_to_no_login_so_the_field_names_none_and_the_length_stays() {
        let text = request("hi", OWN, r#""stream":true"#);
        let (sent, changed) = pass(&text, &[10_000], "");
        assert!(changed);
        assert_eq!(sent.len(), text.len());
        let json: serde_json::Value = serde_json::from_str(&sent).unwrap();
        assert!(json["metadata"]["user_id"].as_str().unwrap().contains(r#""account_uuid":"""#));
    }
}
