//! Tokens of ChatGPT accounts: JWTs with the claims that clients read. Signed by nobody; clients do not check.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{API_AUDIENCE, CLIENT_ID};
use crate::account::chatgpt_user_id;
use crate::mint::Mint;
use crate::state::Account;

/// Who a token is about.
fn auth_claim(account: &Account) -> Value {
    let user = chatgpt_user_id(&account.account_uuid);
    json!({
        "chatgpt_account_id": account.organization_uuid,
        "chatgpt_account_user_id": format!("{user}__{}", account.organization_uuid),
        "chatgpt_plan_type": account.spec.chatgpt.plan,
        "chatgpt_user_id": user,
        "user_id": user,
        "chatgpt_compute_residency": "no_constraint",
        "organizations": [{"id": organization_id(account), "is_default": true, "role": "owner", "title": "Personal"}],
    })
}

/// `org-…`
pub(crate) fn organization_id(account: &Account) -> String {
    let letters: String = account.organization_uuid.chars().filter(char::is_ascii_alphanumeric).take(24).collect();
    format!("org-{letters}")
}

/// `exp`, `sub`, `https://api.openai.com/auth` and `…/profile`.
pub(crate) fn access_token(account: &Account, mint: &Mint, scope: &str, now: i64, life_s: i64) -> String {
    let claims = json!({
        "aud": [API_AUDIENCE],
        "client_id": CLIENT_ID,
        "exp": now + life_s,
        "https://api.openai.com/auth": auth_claim(account),
        "https://api.openai.com/profile": {"email": account.spec.email, "email_verified": true},
        "iat": now,
        "iss": "https://auth.openai.com",
        "jti": mint.uuid("jti", &mint.id("jti_")),
        "nbf": now,
        "scp": scope.split(' ').collect::<Vec<_>>(),
        "sub": subject(account),
    });
    token(&claims, mint)
}

/// The same about the person, for the client.
pub(crate) fn id_token(account: &Account, mint: &Mint, now: i64) -> String {
    let claims = json!({
        "aud": [CLIENT_ID],
        "auth_provider": "password",
        "auth_time": now,
        "email": account.spec.email,
        "email_verified": true,
        "exp": now + ID_TOKEN_LIFE_S,
        "https://api.openai.com/auth": auth_claim(account),
        "iat": now,
        "iss": "https://auth.openai.com",
        "jti": mint.uuid("jti", &mint.id("jti_")),
        "name": account.spec.name,
        "sub": subject(account),
    });
    token(&claims, mint)
}

/// An hour.
const ID_TOKEN_LIFE_S: i64 = 3600;

fn subject(account: &Account) -> String {
    format!("auth0|{}", account.account_uuid.replace('-', ""))
}

fn token(claims: &Value, mint: &Mint) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "RS256", "kid": "19344e65-bbc9-44d1-a9d0-f957b079bd0e", "typ": "JWT"});
    format!("{}.{}.{}", part(&header), part(claims), mint.secret(""))
}
