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
    /// JSON text (`content-type: application/json`). Secret, because it carries codes and refresh tokens.
    pub json: Option<SecretString>,
}
