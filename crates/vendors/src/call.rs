//! A request as a value: the login and refresh modules describe it, the caller (who owns the network) sends it.

use secrecy::SecretString;

/// HTTP method of a [`Call`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

/// One request to a vendor, ready to be sent. Printing it shows no secret.
#[derive(Clone, Debug)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Full URL. Holds no secret.
    pub url: String,
    /// Goes into `authorization: Bearer …`.
    pub bearer: Option<SecretString>,
    /// Goes into `x-api-key: …`.
    pub api_key: Option<SecretString>,
    /// Further headers, lower-case names. `user-agent` is the caller's.
    pub headers: &'static [(&'static str, &'static str)],
    /// Further headers whose value depends on the account (`chatgpt-account-id`). No secrets.
    pub own_headers: Vec<(&'static str, String)>,
    /// JSON text (`content-type: application/json`). Secret, because it carries codes and refresh tokens.
    pub json: Option<SecretString>,
    /// Form (`content-type: application/x-www-form-urlencoded`), in place of `json`. Secret for the same reason.
    pub form: Option<SecretString>,
}

impl Call {
    /// A `GET` that carries nothing yet.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            url: url.into(),
            bearer: None,
            api_key: None,
            headers: &[],
            own_headers: Vec::new(),
            json: None,
            form: None,
        }
    }

    /// A `POST` with a JSON body.
    #[must_use]
    pub fn post_json(url: impl Into<String>, json: impl Into<SecretString>) -> Self {
        Self { method: Method::Post, json: Some(json.into()), ..Self::get(url) }
    }

    /// A `POST` with a form of these fields.
    #[must_use]
    pub fn post_form(url: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { method: Method::Post, form: Some(form.into()), ..Self::get(url) }
    }
}
