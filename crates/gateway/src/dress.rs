//! A request made ready for one account: its endpoint, its headers, its body. What is changed is listed in the decision
//! record.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderMap};
use http::{Request, Uri};
use http_body::Body;
use remuda_core::{CredentialKind, Protocol, RequestKind, Vendor};
use remuda_credentials::Token;
use remuda_store::AuthHeader;
use remuda_upstream::Origin;
use remuda_wire::identity::UserId;
use remuda_wire::peek::{Peek, Status, Wanted};
use remuda_wire::splice::{self, Edit};

use crate::draft;
use crate::flight::Flight;
use crate::headers::{self, AuthStyle, Needs};
use crate::herd::Mount;
use crate::outgoing::{Frames, Outgoing};
use crate::replay::BodyError;
use crate::restate::{self, Restated};

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
        mount: &Mount,
        token: &Token,
        model: Option<&str>,
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
        let body = self.body(mount, model, &mut headers, &mut changes).await?;
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
    /// another model is to be asked.
    async fn body(
        &mut self,
        mount: &Mount,
        model: Option<&str>,
        headers: &mut HeaderMap,
        changes: &mut Vec<String>,
    ) -> Result<Outgoing<B>, BodyError> {
        let other_model = model.zip(self.intake.model.clone()).filter(|(name, text)| text.value != *name);
        if other_model.is_none() && (!self.intake.states_identity || self.intake.unpacked.is_none()) {
            return Ok(self.streamed(mount));
        }
        while self.intake.body.arrive().await?.is_some() {}
        let unpacked = self.intake.unpacked.clone();
        let frames = unpacked.clone().map_or_else(|| self.intake.body.arrived(), |text| vec![text]);
        let (mut edits, mut told) = (Vec::new(), Vec::new());
        if self.intake.states_identity
            && let Some(user_id) = user_id(&frames)
        {
            edits.extend(restate::edits(&user_id, account_uuid(mount)));
            if !edits.is_empty() {
                told.push(draft::RESTATED.to_owned());
            }
        }
        if let Some((name, text)) = other_model
            && let Ok(quoted) = serde_json::to_vec(name)
        {
            told.push(format!("model: {name} in place of {}", text.value));
            edits.push(Edit { range: text.range, with: Bytes::from(quoted) });
        }
        if edits.is_empty() {
            return Ok(Outgoing::Same(self.intake.body.clone()));
        }
        edits.sort_by_key(|e| e.range.start);
        match splice::splice(frames, &edits) {
            Ok(frames) => {
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
