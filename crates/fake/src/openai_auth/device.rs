//! Device codes: a code for the person, a page where it is confirmed, and polls until it is. The vendor makes the PKCE
//! pair and hands it over with the authorization code.

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{CHATGPT_SCOPE, CLIENT_ID, required};
use crate::account::Kind;
use crate::answer::Answer;
use crate::consent::{Choice, chooser, html, value, who};
use crate::grants::{AccountIndex, CodeBinding};
use crate::query;
use crate::refusal::OpenAiRefusal;
use crate::refused::Refused;
use crate::site::Site;
use crate::state::State;
use crate::vendor::Shared;

/// 15 minutes.
const LIFE_S: i64 = 900;
/// More waiting codes than this are not remembered; the oldest go first.
const MEMORY: usize = 1000;
/// The redirect address of the exchange that follows.
const CALLBACK_PATH: &str = "/deviceauth/callback";

struct Device {
    id: String,
    user_code: String,
    expires_at: i64,
    polled_at: Option<i64>,
    confirmed: Option<AccountIndex>,
}

/// Codes that wait.
#[derive(Default)]
pub(crate) struct Devices(VecDeque<Device>);

impl Devices {
    /// Whose device it has become.
    pub(crate) fn owner(&self, id: &str) -> Option<AccountIndex> {
        self.0.iter().find(|device| device.id == id).and_then(|device| device.confirmed)
    }

    fn waiting(&mut self, user_code: &str, now: i64) -> Option<&mut Device> {
        let code = user_code.trim().to_ascii_uppercase();
        self.0.iter_mut().find(|device| device.user_code == code && now < device.expires_at)
    }

    /// The account's person confirms. False: no such code waits.
    pub(crate) fn confirm(&mut self, user_code: &str, account: AccountIndex, now: i64) -> bool {
        let Some(device) = self.waiting(user_code, now) else { return false };
        device.confirmed = Some(account);
        true
    }
}

/// The device's redirect address, real or our own, as the real one; any other address as it is.
pub(super) fn callback(shared: &Shared, redirect_uri: &str) -> String {
    let real = format!("{}{CALLBACK_PATH}", Site::OpenAiAuth.real_origin());
    let own = format!("{}{}{CALLBACK_PATH}", shared.base_url, Site::OpenAiAuth.prefix());
    if redirect_uri == own { real } else { redirect_uri.to_owned() }
}

/// `POST /api/accounts/deviceauth/usercode`
pub(crate) fn code(shared: &Shared, state: &mut State, json: &Value) -> Result<Answer, Refused> {
    if required(json, "client_id")? != CLIENT_ID {
        return Err(OpenAiRefusal::InvalidClient.into());
    }
    let letters = shared.mint.id("");
    let letters: String = letters.chars().filter(char::is_ascii_alphanumeric).skip(2).take(9).collect();
    let letters = letters.to_ascii_uppercase();
    let (head, tail) = letters.split_at(4);
    let device = Device {
        id: shared.mint.id("deviceauth_"),
        user_code: format!("{head}-{tail}"),
        expires_at: state.clock.now() + LIFE_S,
        polled_at: None,
        confirmed: None,
    };
    let body = json!({
        "device_auth_id": device.id,
        "user_code": device.user_code,
        "interval": shared.config.device_interval_s.to_string(),
    });
    state.devices.0.push_back(device);
    if state.devices.0.len() > MEMORY {
        state.devices.0.pop_front();
    }
    Ok(Answer::json(200, &body))
}

/// `POST /api/accounts/deviceauth/token`
pub(crate) fn poll(shared: &Shared, state: &mut State, json: &Value) -> Result<Answer, Refused> {
    let (id, user_code) = (required(json, "device_auth_id")?, required(json, "user_code")?);
    let now = state.clock.now();
    let State { devices, grants, .. } = state;
    let Some(at) = devices.0.iter().position(|device| device.id == id && device.user_code == user_code) else {
        return Err(OpenAiRefusal::DeviceNotFound.into());
    };
    let Some(device) = devices.0.get_mut(at).filter(|device| now < device.expires_at) else {
        return Err(Refused::from(OpenAiRefusal::DeviceNotFound).code("deviceauth_expired"));
    };
    let too_fast = device.polled_at.is_some_and(|before| now - before < shared.config.device_interval_s);
    device.polled_at = Some(now);
    if too_fast {
        return Err(OpenAiRefusal::DeviceSlowDown.into());
    }
    let Some(account) = device.confirmed else { return Err(OpenAiRefusal::DevicePending.into()) };
    devices.0.remove(at);
    let verifier = shared.mint.secret("");
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
    let binding = CodeBinding {
        account,
        client_id: CLIENT_ID.to_owned(),
        redirect_uri: format!("{}{CALLBACK_PATH}", Site::OpenAiAuth.real_origin()),
        state: String::new(),
        challenge: challenge.clone(),
        scope: CHATGPT_SCOPE.to_owned(),
    };
    let code = grants.add_code(binding, "ac_", &shared.mint, now);
    let body = json!({"authorization_code": code, "code_challenge": challenge, "code_verifier": verifier});
    Ok(Answer::json(200, &body))
}

/// `GET /codex/device?user_code=…`: the person's page.
pub(crate) fn page(state: &mut State, raw_query: Option<&str>) -> Answer {
    let query = query::read(raw_query);
    let user_code = value(&query, "user_code");
    if user_code.is_empty() {
        let form = "<!DOCTYPE html><title>Device code</title><form><p>Enter the code that your device shows: \
                    <input name=user_code> <button>Continue</button></form>";
        return Answer::text(200, "text/html; charset=utf-8", form);
    }
    let now = state.clock.now();
    if state.devices.waiting(user_code, now).is_none() {
        return html(404, "No device waits with this code");
    }
    match who(state, Kind::ChatGpt, value(&query, "login_hint")) {
        Choice::Ask => chooser(state, Kind::ChatGpt, raw_query.unwrap_or_default()),
        Choice::Account(account) if state.devices.confirm(user_code, account, now) => {
            html(200, "Signed in. You can close this page.")
        }
        Choice::Account(_) | Choice::Nobody => html(403, "Sign-in was declined"),
    }
}
