//! Login by device code: the person types a short code on the vendor's page, on any machine, while we ask whether it is
//! done. Source: openai/codex (`login/src/device_code_auth.rs`).

use remuda_core::UnixSeconds;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Endpoints;
use super::token_endpoint::CLIENT_ID;
use crate::call::Call;
use crate::login::{Code, LoginError, plain};
use crate::refresh;
use crate::time::number_in;

/// The vendor lets a code live this long.
pub const LIFE_S: UnixSeconds = 900;
/// Pause between two questions where the vendor states none.
const PAUSE_S: u64 = 5;
/// Nobody is made to wait longer between two questions, whatever the vendor states.
const LONGEST_PAUSE_S: u64 = 60;
/// Each `slow_down` makes the pause so much longer (RFC 8628, section 3.5).
const SLOWER_BY_S: u64 = 5;

/// A code under way.
#[derive(Clone, Debug)]
pub struct DeviceCode {
    /// Names it towards the vendor.
    id: SecretString,
    /// What the person types. Worth nothing without the id.
    pub user_code: String,
    /// Seconds between two questions.
    pub pause_s: u64,
}

/// What the vendor says to the question whether the code was entered.
#[derive(Clone, Debug)]
pub enum Poll {
    /// Not yet.
    Pending,
    /// Not yet, and asked too often.
    SlowDown,
    /// Done.
    Ready(Code),
    /// It will not be.
    Over(LoginError),
}

#[derive(Serialize)]
struct Start {
    client_id: &'static str,
}

#[derive(Serialize)]
struct Ask<'a> {
    device_auth_id: &'a str,
    user_code: &'a str,
}

#[derive(Deserialize)]
struct Started {
    device_auth_id: String,
    #[serde(alias = "usercode")]
    user_code: String,
    #[serde(default)]
    interval: Value,
}

#[derive(Deserialize)]
struct Done {
    authorization_code: String,
    code_verifier: String,
}

/// Words in which the question is answered, whatever the status.
const PENDING: &[&str] = &["deviceauth_authorization_pending", "authorization_pending"];
const SLOW_DOWN: &[&str] = &["slow_down", "deviceauth_slow_down"];
const EXPIRED: &[&str] = &["expired_token", "deviceauth_expired", "deviceauth_code_expired", "token_expired"];
const DENIED: &[&str] = &["access_denied", "authorization_declined", "deviceauth_access_denied", "deviceauth_denied"];

/// Asks for a code.
#[must_use]
pub fn start_call(at: &Endpoints) -> Call {
    Call::post_json(at.device_code(), serde_json::to_string(&Start { client_id: CLIENT_ID }).unwrap_or_default())
}

/// Reads the answer to [`start_call`].
///
/// # Errors
/// [`LoginError`]: the vendor gives no code.
pub fn read_start(status: u16, body: &[u8]) -> Result<DeviceCode, LoginError> {
    if status == 404 {
        return Err(LoginError::NoDeviceLogin);
    }
    if !(200..300).contains(&status) {
        let json: Option<Value> = serde_json::from_slice(body).ok();
        let code = json.as_ref().and_then(refresh::code).ok_or(LoginError::NoToken(status))?;
        return Err(LoginError::Refused(plain(code, 64)));
    }
    let started: Started = serde_json::from_slice(body).map_err(|_| LoginError::NoToken(status))?;
    let stated = number_in(&started.interval).filter(|pause| *pause >= 1.0).map_or(PAUSE_S, |pause| pause as u64);
    Ok(DeviceCode {
        id: started.device_auth_id.into(),
        user_code: plain(&started.user_code, 40),
        pause_s: stated.min(LONGEST_PAUSE_S),
    })
}

impl DeviceCode {
    /// Asks whether it was entered.
    #[must_use]
    pub fn poll_call(&self, at: &Endpoints) -> Call {
        let body = Ask { device_auth_id: self.id.expose_secret(), user_code: &self.user_code };
        Call::post_json(at.device_poll(), serde_json::to_string(&body).unwrap_or_default())
    }

    /// Asks less often from now on.
    pub fn slow_down(&mut self) {
        self.pause_s = (self.pause_s + SLOWER_BY_S).min(LONGEST_PAUSE_S);
    }
}

/// Reads the answer to [`DeviceCode::poll_call`]. What is not understood means: ask again, the code's life has an end.
#[must_use]
pub fn read_poll(status: u16, body: &[u8]) -> Poll {
    if (200..300).contains(&status) {
        return match serde_json::from_slice::<Done>(body) {
            Ok(done) => {
                let verifier = Some(done.code_verifier.into());
                Poll::Ready(Code { code: done.authorization_code.into(), verifier, client_id: None })
            }
            Err(_) => Poll::Over(LoginError::NoToken(status)),
        };
    }
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let code = json.as_ref().and_then(refresh::code).unwrap_or_default();
    let is = |words: &[&str]| words.contains(&code);
    if is(SLOW_DOWN) || status == 429 {
        Poll::SlowDown
    } else if is(EXPIRED) {
        Poll::Over(LoginError::Expired)
    } else if is(DENIED) {
        Poll::Over(LoginError::Refused("it was not allowed on the vendor's page".to_owned()))
    } else if is(PENDING) || matches!(status, 403 | 404 | 408 | 500..) {
        Poll::Pending
    } else {
        Poll::Over(LoginError::Exchange { status, code: plain(code, 64) })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn told(poll: &Poll) -> String {
        match poll {
            Poll::Pending => "pending".to_owned(),
            Poll::SlowDown => "slow down".to_owned(),
            Poll::Ready(code) => format!("ready {}", code.code.expose_secret()),
            Poll::Over(error) => error.to_string(),
        }
    }

    #[rstest]
    #[case(403, "", "pending")]
    #[case(404, "not found", "pending")]
    #[case(403, r#"{"error":{"code":"deviceauth_authorization_pending"}}"#, "pending")]
    #[case(400, r#"{"error":"authorization_pending"}"#, "pending")]
    #[case(400, r#"{"error":{"code":"slow_down"}}"#, "slow down")]
    #[case(429, "", "slow down")]
    #[case(503, "upstream down", "pending")]
    #[case(200, r#"{"authorization_code":"ac_1","code_challenge":"x","code_verifier":"v"}"#, "ready ac_1")]
    #[case(400, r#"{"error":"expired_token"}"#, "the code on the vendor's page ran out")]
    #[case(403, r#"{"error":{"code":"access_denied"}}"#, "the login was refused: it was not allowed")]
    #[case(200, "{}", "the vendor's answer (status 200) holds no token")]
    #[case(400, r#"{"error":"novel"}"#, "the vendor did not accept the code (status 400, novel)")]
    fn the_question_has_these_answers(#[case] status: u16, #[case] body: &str, #[case] expected: &str) {
        let told = told(&read_poll(status, body.as_bytes()));
        assert!(told.starts_with(expected), "{told}");
    }

    #[rstest]
    #[case(r#"{"device_auth_id":"d","user_code":"AB-12","interval":"5"}"#, "AB-12", 5)]
    #[case(r#"{"device_auth_id":"d","usercode":"AB-12","interval":7}"#, "AB-12", 7)]
    #[case(r#"{"device_auth_id":"d","user_code":"AB-12"}"#, "AB-12", 5)]
    #[case(r#"{"device_auth_id":"d","user_code":"AB-12","interval":0}"#, "AB-12", 5)]
    #[case(r#"{"device_auth_id":"d","user_code":"AB-12","interval":99999}"#, "AB-12", 60)]
    fn a_code_comes_with_its_pause(#[case] body: &str, #[case] code: &str, #[case] pause: u64) {
        let mut started = read_start(200, body.as_bytes()).unwrap();
        assert_eq!((started.user_code.as_str(), started.pause_s), (code, pause));
        started.slow_down();
        assert_eq!(started.pause_s, (pause + 5).min(60));
        assert!(!format!("{started:?}").contains("\"d\""));
    }

    #[test]
    fn where_there_is_no_device_login_the_person_is_told_of_the_others() {
        assert_eq!(read_start(404, b"").err(), Some(LoginError::NoDeviceLogin));
    }
}
