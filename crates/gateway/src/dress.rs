//! A request made ready for one account: its endpoint, its headers, its body. What is changed is listed in the decision
//! record.

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue};
use http::{Request, Uri};
use http_body::Body;
use remuda_core::{AccountId, CredentialKind, Protocol, RequestKind, SessionKey, Vendor};
use remuda_credentials::Token;
use remuda_store::AuthHeader;
use remuda_upstream::Origin;
use remuda_wire::cache::Wish;
use remuda_wire::identity::UserId;
use remuda_wire::peek::{Peek, Status, Wanted};
use remuda_wire::splice::{self, Edit};
use remuda_wire::state;

use crate::draft;
use crate::flight::Flight;
use crate::headers::{self, AuthStyle, Needs};
use crate::herd::Mount;
use crate::marks;
use crate::outgoing::{Frames, Outgoing};
use crate::replay::BodyError;
use crate::restate::{self, Restated};

/// Codex's routing state: opaque, given out by the backend, sent back within a turn (openai/codex, November 2026).
pub(crate) const TURN_STATE: &str = "x-codex-turn-state";

/// Headers by which Codex and Pi name a conversation to OpenAI.
const CONVERSATION: &[&str] = &[
    "session-id",
    "session_id",
    "thread-id",
    "conversation_id",
    "x-client-request-id",
    "x-codex-window-id",
    "x-codex-turn-metadata",
    "x-codex-installation-id",
];

/// A request for one account.
pub struct Dressed<B> {
    /// Where it goes.
    pub origin: Origin,
    /// The protocol that is spoken there.
    pub protocol: Protocol,
    /// The request itself.
    pub request: Request<Outgoing<B>>,
}

impl<B> Flight<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// The request for this account. The inner error: this account's endpoint or credential cannot be used at all.
    pub(crate) async fn dress(
        &mut self,
        account: AccountId,
        mount: &Mount,
        token: &Token,
        model: Option<&str>,
        session: Option<&SessionKey>,
    ) -> Result<Result<Dressed<B>, String>, BodyError> {
        let (protocol, origin, uri) = match self.destination(mount) {
            Ok(found) => found,
            Err(why) => return Ok(Err(why)),
        };
        let needs = needs(mount, protocol, self.intake.facts.kind);
        let (mut headers, mut changes) =
            match headers::for_vendor(&self.head.headers, style(mount), token.secret(), needs) {
                Ok(made) => made,
                Err(_) => return Ok(Err("the stored credential has characters that no header may have".to_owned())),
            };
        if self.opening.as_ref().is_some_and(|opening| opening.is_open()) {
            // The head that the agent has seen says nothing of a coding.
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            changes.push("accept-encoding: identity, as the answer was begun while the request was held".to_owned());
        }
        if matches!(protocol, Protocol::Responses | Protocol::Codex) {
            self.keep_apart(account, &mut headers, &mut changes);
        }
        let looks = protocol != Protocol::Chat && self.gateway.herd.may_be_foreign(session, account);
        let search = looks.then_some((account, protocol));
        let wish = self.gateway.marking.wish(&self.intake.facts, mount, protocol);
        let body = self.body(mount, model, (search, wish), (&mut headers, &mut changes)).await?;
        if let Some(attempt) = self.draft.last_attempt() {
            attempt.changes = changes;
        }
        let mut request = Request::new(body);
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(Ok(Dressed { origin, protocol, request }))
    }

    fn destination(&self, mount: &Mount) -> Result<(Protocol, Origin, Uri), String> {
        let unusable = || "the account's base URL cannot be used".to_owned();
        let (protocol, base) = mount
            .place(self.intake.facts.protocol, &self.gateway.settings.bases)
            .ok_or_else(|| "the account does not speak the protocol of this request".to_owned())?;
        let (origin, prefix) =
            self.gateway.destinations.of(base).map_err(|error| format!("{}: {error}", unusable()))?;
        let own_path = self.head.uri.path_and_query().map_or("/", |p| p.as_str());
        let path = format!("{prefix}{}", own_path.get(self.path_from..).unwrap_or("/"));
        let uri = path.parse().map_err(|_| unusable())?;
        Ok((protocol, origin, uri))
    }

    /// The body for this account: untouched, unless something in it belongs to another account than the one that serves, or
    /// another model is to be asked, or its owner wants other cache marks.
    async fn body(
        &mut self,
        mount: &Mount,
        model: Option<&str>,
        (search, wish): (Option<(AccountId, Protocol)>, Option<Wish>),
        (headers, changes): (&mut HeaderMap, &mut Vec<String>),
    ) -> Result<Outgoing<B>, BodyError> {
        let other_model = model.zip(self.intake.model.clone()).filter(|(name, text)| text.value != *name);
        let unpacked = self.intake.unpacked.clone();
        let must_edit = other_model.is_some() || (self.intake.states_identity && unpacked.is_some());
        if !must_edit && search.is_none() && wish.is_none() {
            return Ok(self.streamed(mount));
        }
        while self.intake.body.arrive().await?.is_some() {}
        let (mut edits, mut told) = (Vec::new(), Vec::new());
        if let Some((account, protocol)) = search {
            let text = unpacked.clone().unwrap_or_else(|| self.intake.body.whole());
            edits = self.without_foreign(&text, account, protocol, &mut told);
        }
        if !must_edit && edits.is_empty() && wish.is_none() {
            return Ok(self.streamed(mount));
        }
        let frames = unpacked.clone().map_or_else(|| self.intake.body.arrived(), |text| vec![text]);
        if self.intake.states_identity
            && let Some(user_id) = user_id(&frames)
        {
            let restated = restate::edits(&user_id, account_uuid(mount));
            if !restated.is_empty() {
                told.push(draft::RESTATED.to_owned());
            }
            edits.extend(restated);
        }
        if let Some((name, text)) = other_model
            && let Ok(quoted) = serde_json::to_vec(name)
        {
            told.push(format!("model: {name} in place of {}", text.value));
            edits.push(Edit { range: text.range, with: Bytes::from(quoted) });
        }
        edits.sort_by_key(|e| e.range.start);
        match splice::splice(frames, &edits) {
            Ok(mut frames) => {
                // Marks come last: what was dropped before may have had one.
                if let Some((with_marks, what)) = wish.and_then(|wish| marks::marked(&frames, wish)) {
                    frames = with_marks;
                    told.push(what);
                } else if edits.is_empty() {
                    return Ok(Outgoing::Same(self.intake.body.clone()));
                }
                changes.append(&mut told);
                if unpacked.is_some() && headers.remove(CONTENT_ENCODING).is_some() {
                    changes.push("content-encoding: removed, the changed body is sent unpacked".to_owned());
                }
                Ok(Outgoing::Changed(Frames::new(frames)))
            }
            Err(error) => {
                tracing::error!(%error, "an edit of a request body does not fit; the body is sent as it came");
                Ok(Outgoing::Same(self.intake.body.clone()))
            }
        }
    }

    /// The edits that take out what another account gave out, so that the vendor does not have to refuse it.
    fn without_foreign(
        &self,
        text: &Bytes,
        account: AccountId,
        protocol: Protocol,
        told: &mut Vec<String>,
    ) -> Vec<Edit> {
        if !state::may_carry(text, protocol) {
            return Vec::new();
        }
        let herd = &self.gateway.herd;
        let found = state::foreign(text, protocol, |thing| herd.is_foreign(thing, account));
        if found.dropped > 0 {
            let what = if protocol == Protocol::Messages { "thinking" } else { "encrypted reasoning" };
            told.push(format!("{} of {what} dropped: given out by another account", pieces(found.dropped)));
        }
        if found.thinking_off {
            told.push("thinking: disabled for this request, which must begin with a block that had to go".to_owned());
        }
        found.edits
    }

    /// Codex's routing state goes only to the account that gave it out, and the names of a conversation only to the account
    /// that heard them first.
    fn keep_apart(&self, account: AccountId, headers: &mut HeaderMap, changes: &mut Vec<String>) {
        let herd = &self.gateway.herd;
        let text = |headers: &HeaderMap, name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        if let Some(state) = text(headers, TURN_STATE)
            && herd.origin(&state).is_none_or(|_| herd.is_foreign(&state, account))
        {
            headers.remove(TURN_STATE);
            changes.push(format!("{TURN_STATE}: removed, not given out by this account"));
        }
        let named = CONVERSATION.iter().find_map(|name| text(headers, name));
        if named.is_some_and(|name| herd.is_claimed_by_another(&name, account, self.gateway.now())) {
            let removed = CONVERSATION.iter().filter(|name| headers.remove(**name).is_some());
            let removed: Vec<&str> = removed.copied().collect();
            changes.push(format!("{}: removed, they belong to another account", removed.join(", ")));
        }
    }

    /// The body as it comes from the client, with Claude Code's identity field made to agree while it passes.
    fn streamed(&mut self, mount: &Mount) -> Outgoing<B> {
        let body = self.intake.body.clone();
        if !self.intake.states_identity {
            return Outgoing::Same(body);
        }
        let changed = self.draft.restating();
        Outgoing::Restated(Box::new(Restated::new(body, account_uuid(mount).into(), changed)))
    }
}

fn pieces(count: usize) -> String {
    if count == 1 { "1 piece".to_owned() } else { format!("{count} pieces") }
}

/// A key belongs to no login: the identity field must not name one.
fn account_uuid(mount: &Mount) -> &str {
    mount.profile.account_uuid.as_deref().unwrap_or("")
}

fn style(mount: &Mount) -> AuthStyle {
    match (mount.kind, mount.profile.endpoint.auth_header) {
        (kind, _) if kind.is_login() => AuthStyle::Bearer,
        (_, AuthHeader::Bearer) => AuthStyle::Bearer,
        (_, AuthHeader::XApiKey) => AuthStyle::ApiKey,
    }
}

fn needs(mount: &Mount, protocol: Protocol, kind: RequestKind) -> Needs<'_> {
    let chatgpt = mount.vendor == Vendor::OpenAi && mount.kind.is_login() && protocol == Protocol::Codex;
    Needs {
        betas: if mount.vendor == Vendor::Anthropic { betas(mount.kind, kind) } else { &[] },
        no_betas: !mount.capabilities().betas,
        chatgpt_account: mount.profile.organisation_uuid.as_deref().filter(|_| chatgpt),
    }
}

/// Betas without which a subscription's token is refused ("must contain `oauth-2025-04-20`"; `count_tokens` also wants
/// its own: known from clients in the field, the vendor documents neither).
fn betas(kind: CredentialKind, request: RequestKind) -> &'static [&'static str] {
    match (kind.is_login(), request) {
        (true, RequestKind::CountTokens) => &["oauth-2025-04-20", "token-counting-2024-11-01"],
        (true, _) => &["oauth-2025-04-20"],
        (false, _) => &[],
    }
}

/// Claude Code's identity field in a body that has arrived.
fn user_id(frames: &[Bytes]) -> Option<UserId> {
    let mut peek = Peek::new(Wanted::USER_ID);
    for frame in frames {
        if peek.feed(frame) != Status::More {
            break;
        }
    }
    peek.into_facts().user_id.as_ref().and_then(UserId::read)
}
