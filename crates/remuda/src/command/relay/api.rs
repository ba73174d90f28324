//! Cloudflare's API, as far as a relay needs it (developers.cloudflare.com/api, workers scripts, November 2026). Its errors
//! are told in words that say what to do.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use remuda_control::{Code, Failure};
use remuda_upstream::{Client, Config, Origin};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Longest answer.
const MOST: usize = 4 * 1024 * 1024;
/// A thing that is not there.
const NOT_THERE: [u64; 3] = [10007, 10090, 10056];

/// One account at Cloudflare.
pub(super) struct Api {
    client: Client,
    origin: Origin,
    prefix: String,
    token: SecretString,
}

/// What a call is refused with.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    code: u64,
    message: String,
}

/// A module of a Worker.
pub(super) struct Module {
    /// Its file name.
    pub(super) name: &'static str,
    /// Its text.
    pub(super) text: &'static str,
}

impl Api {
    pub(super) fn new(base: &str, token: SecretString) -> Result<Self, Failure> {
        let (origin, prefix) =
            Origin::from_base(base).map_err(|error| Failure::invalid(format!("--api {base}: {error}")))?;
        let client = Client::new(Config::default()).map_err(|e| Failure::new(Code::Internal, e.to_string()))?;
        Ok(Self { client, origin, prefix, token })
    }

    /// Reads. `None`: there is no such thing.
    pub(super) async fn get(&self, path: &str) -> Result<Option<Value>, Failure> {
        match self.call(Method::GET, path, "application/json", Bytes::new()).await? {
            Ok(result) => Ok(Some(result)),
            Err(refused) if refused.is_not_there() => Ok(None),
            Err(refused) => Err(refused.told(path)),
        }
    }

    /// Changes something.
    pub(super) async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
        let text = Bytes::from(body.to_string());
        self.call(method, path, "application/json", text).await?.map_err(|refused| refused.told(path))
    }

    /// Removes something, be it there or not.
    pub(super) async fn remove(&self, path: &str) -> Result<(), Failure> {
        match self.call(Method::DELETE, path, "application/json", Bytes::new()).await? {
            Err(refused) if !refused.is_not_there() => Err(refused.told(path)),
            _ => Ok(()),
        }
    }

    /// Uploads a Worker: its metadata and its modules, the first of which is the entry.
    pub(super) async fn upload(&self, path: &str, metadata: &Value, modules: &[Module]) -> Result<(), Failure> {
        // No text of ours has a line like this.
        const BETWEEN: &str = "remuda-relay-0f4c1f1e7a7d4c2f";
        let mut form = String::new();
        let mut part = |name: &str, kind: &str, text: &str| {
            let file = if kind == "application/json" { String::new() } else { format!("; filename=\"{name}\"") };
            form.push_str(&format!("--{BETWEEN}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n"));
            form.push_str(&format!("content-type: {kind}\r\n\r\n{text}\r\n"));
        };
        part("metadata", "application/json", &metadata.to_string());
        modules.iter().for_each(|module| part(module.name, "application/javascript+module", module.text));
        form.push_str(&format!("--{BETWEEN}--\r\n"));
        let kind = format!("multipart/form-data; boundary={BETWEEN}");
        self.call(Method::PUT, path, &kind, form.into()).await?.map_err(|refused| refused.told(path)).map(drop)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Bytes,
    ) -> Result<Result<Value, Refused>, Failure> {
        let unusable = |why: String| Failure::new(Code::Internal, "Cloudflare's API could not be asked").why(why);
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", self.token.expose_secret()))
            .map_err(|_| Failure::invalid("the API token has characters that no header may have"))?;
        authorization.set_sensitive(true);
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.prefix))
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_TYPE, kind)
            .header(header::USER_AGENT, concat!("remuda/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body))
            .map_err(|error| unusable(error.to_string()))?;
        let answer = self.client.send(&self.origin, request).await.map_err(|error| {
            unusable(error.to_string())
                .remedy("check the connection to the internet, then do it again: nothing is lost")
        })?;
        let status = answer.status();
        let mut body = answer.into_body();
        let mut text = Vec::new();
        while let Some(frame) = body.frame().await {
            text.extend_from_slice(frame.map_err(|e| unusable(e.to_string()))?.data_ref().map_or(&[][..], |d| d));
            if text.len() > MOST {
                return Err(unusable("its answer is too long".to_owned()));
            }
        }
        let json: Value = serde_json::from_slice(&text).unwrap_or(Value::Null);
        if status.is_success() && json["success"] == true {
            return Ok(Ok(json["result"].clone()));
        }
        let error = &json["errors"][0];
        let message = error["message"].as_str().unwrap_or("no reason given").chars().take(300).collect();
        Ok(Err(Refused { status, code: error["code"].as_u64().unwrap_or_default(), message }))
    }
}

impl Refused {
    fn is_not_there(&self) -> bool {
        self.status == StatusCode::NOT_FOUND || NOT_THERE.contains(&self.code)
    }

    /// In words for a person.
    fn told(self, path: &str) -> Failure {
        let Self { status, code, message } = self;
        let (what, remedy) = match (status.as_u16(), code) {
            (401, _) | (_, 10000 | 6003 | 6111 | 9109) => (
                "Cloudflare does not accept the API token",
                "make one at dash.cloudflare.com/profile/api-tokens with the template \"Edit Cloudflare Workers\"",
            ),
            (403, _) | (_, 10023) => (
                "the API token may not do this",
                "it needs Account / Workers Scripts / Edit for this account: template \"Edit Cloudflare Workers\"",
            ),
            (429, _) => {
                ("Cloudflare asks for patience", "wait some minutes, then do it again: it goes on where it stopped")
            }
            (_, 10063 | 10064) => (
                "this Cloudflare account has no workers.dev name yet",
                "open Workers in the dashboard once and choose one, then do it again",
            ),
            (500.., _) => ("Cloudflare has a problem of its own", "do it again later: it goes on where it stopped"),
            _ => ("Cloudflare refused", "see the reason; `--dry-run` shows every step"),
        };
        Failure::new(Code::Conflict, what)
            .why(format!("{message} (code {code}, status {}, {path})", status.as_u16()))
            .remedy(remedy)
    }
}
