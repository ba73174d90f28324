//! `remuda key`.

use remuda_control::types::{Empty, KeyCreate, KeyRef, KeyScope};
use remuda_control::verb::{CreateKey, ListKeys, RevokeKey};
use secrecy::ExposeSecret;

use super::{Context, OK};
use crate::cli::KeyCommand;
use crate::view;

pub(super) async fn key(context: &Context, command: Option<KeyCommand>) -> anyhow::Result<u8> {
    match command.unwrap_or(KeyCommand::List) {
        KeyCommand::List => {
            let zone = jiff::tz::TimeZone::system();
            context.show::<ListKeys>(Empty {}, |all| view::keys(all, &zone)).await
        }
        KeyCommand::Revoke { key } => context.show::<RevokeKey>(KeyRef { key }, view::key_revoked).await,
        KeyCommand::Create { name, host, account, pool, admin, expires_days } => {
            let pin = account.or_else(|| pool.map(|pool| format!("@{}", pool.trim_start_matches('@'))));
            let create = KeyCreate {
                name,
                host: host.into(),
                scope: if admin { KeyScope::Admin } else { KeyScope::Agent },
                pin,
                pinned_by_project: false,
                project: None,
                hold_s: None,
                lifetime_s: expires_days.map(|days| days * 86_400),
            };
            let created = context.ask::<CreateKey>(create).await?;
            context.out.note(&view::key_created(&created.key));
            // The one place where a secret is printed: it was just made, and this is how its owner gets it.
            context.out.answer(created, |created| format!("{}\n", created.secret.0.expose_secret()))?;
            Ok(OK)
        }
    }
}
