//! Client keys.

use remuda_control::types::{KeyRevoked, KeyScope, KeyView, Keys};
use remuda_core::UnixSeconds;

use super::table::Table;
use super::words::{STRONG, command, moment, paint, span};

/// `remuda key`.
pub(crate) fn keys(all: &Keys, zone: &jiff::tz::TimeZone) -> String {
    if all.keys.is_empty() {
        return format!(
            "No client keys. `remuda run` makes its own; for any other agent:\n\n  {}\n",
            command(["key", "create", "--name", "my-agent"])
        );
    }
    let mut table = Table::new(["ID", "NAME", "AGENT", "OPENS", "ONLY", "MADE", "ENDS"]);
    for key in &all.keys {
        table.row([
            key.id.clone(),
            key.name.clone(),
            key.host.as_str().to_owned(),
            opens(key).to_owned(),
            key.pin.clone().unwrap_or_default(),
            moment(key.created_at, all.now, zone),
            ends(key, all.now),
        ]);
    }
    table.render()
}

/// After `key create`: everything but the secret, which stands alone on standard output.
pub(crate) fn key_created(key: &KeyView) -> String {
    let only = key.pin.as_ref().map(|pin| format!(" for {pin} only")).unwrap_or_default();
    format!(
        "{} opens {}{only}. It is shown once and kept nowhere.\nRevoke it with {}",
        paint(STRONG, &key.name),
        opens(key),
        command(["key", "revoke", &key.id])
    )
}

/// After `key revoke`.
pub(crate) fn key_revoked(revoked: &KeyRevoked) -> String {
    format!("{} opens nothing any more. There is no undo: make a new one.\n", revoked.key.name)
}

fn opens(key: &KeyView) -> &'static str {
    match key.scope {
        KeyScope::Agent => "requests",
        KeyScope::Admin => "requests and control",
    }
}

fn ends(key: &KeyView, now: UnixSeconds) -> String {
    key.expires_at.map_or_else(|| "never".to_owned(), |at| format!("in {}", span(at - now)))
}
