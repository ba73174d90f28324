//! The relay of a running daemon: follows `[relay]` in config.toml and the file of its token, so that `remuda relay on`,
//! `off` and `rotate` hold without a restart.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use remuda_control::{Code, Failure};
use remuda_gateway::{Gateway, RelayUse};
use remuda_relay::client::{Client, Profile, Transport};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::config::{LOOK_EVERY, Relay, RelayTransport};
use crate::paths::{Paths, unusable};

/// Cancellations may be told to a relay that is not used any more within this time.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

/// See the module.
pub(crate) struct Follow {
    gateway: Arc<Gateway>,
    token_file: PathBuf,
    wanted: Mutex<Relay>,
}

type Stamp = Option<(Option<SystemTime>, u64)>;

impl Follow {
    pub(crate) fn new(gateway: Arc<Gateway>, paths: &Paths, wanted: Relay) -> Arc<Self> {
        Arc::new(Self { gateway, token_file: paths.relay_token(), wanted: Mutex::new(wanted) })
    }

    /// The configuration is another one.
    pub(crate) fn want(&self, relay: &Relay) {
        *self.wanted.lock() = relay.clone();
    }

    /// Keeps the gateway's relay as it is wanted, until `stop`.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut applied: Option<(Relay, Stamp)> = None;
        loop {
            let now = (self.wanted.lock().clone(), stamp(&self.token_file));
            if applied.as_ref() != Some(&now) {
                self.apply(&now.0).await;
                applied = Some(now);
            }
            if stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
                return self.gateway.relays().end(ENDS_WITHIN).await;
            }
        }
    }

    async fn apply(&self, wanted: &Relay) {
        let fresh = match in_use(wanted, &self.token_file) {
            Ok(fresh) => fresh,
            Err(problem) => {
                tracing::error!(%problem, why = problem.why, remedy = problem.remedy, "the relay is not used");
                None
            }
        };
        let on = fresh.is_some();
        if let Some(before) = self.gateway.relays().replace(fresh) {
            before.client.end(ENDS_WITHIN).await;
        }
        if on || wanted.enabled {
            tracing::info!(on, url = wanted.url, "relay");
        }
    }
}

/// The relay that is wanted. `None`: it is switched off.
pub(crate) fn in_use(wanted: &Relay, token_file: &Path) -> Result<Option<RelayUse>, Failure> {
    if !wanted.enabled {
        return Ok(None);
    }
    Ok(Some(RelayUse {
        client: client(wanted, read_token(token_file)?)?,
        min_bytes: u64::from(wanted.min_bytes.get()),
        fallback_to_direct: wanted.fallback_to_direct,
        accounts: wanted.accounts.iter().cloned().collect(),
        hosts: wanted.hosts.iter().map(|host| (*host).into()).collect(),
    }))
}

/// A client of the relay.
pub(crate) fn client(wanted: &Relay, token: SecretString) -> Result<Client, Failure> {
    let url = wanted.url.clone().ok_or_else(|| {
        Failure::invalid("there is no relay: its URL is not set").remedy("remuda relay on --url https://…")
    })?;
    let transport = match wanted.transport {
        RelayTransport::Http => Transport::Http,
        RelayTransport::WebSocket => Transport::WebSocket,
    };
    let profile = Profile { url, token, transport };
    Client::new(profile, remuda_upstream::Config::default(), Arc::new(now_ms))
        .map_err(|error| Failure::invalid(error.to_string()).remedy("remuda relay on --url https://…"))
}

/// The relay's token.
pub(crate) fn read_token(path: &Path) -> Result<SecretString, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().into()),
        Ok(_) => Err(no_token()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(no_token()),
        Err(error) => {
            Err(Failure::new(Code::Store, format!("{} cannot be read", path.display())).why(error.to_string()))
        }
    }
}

/// Keeps the relay's token, for its owner alone, in one step.
pub(crate) fn write_token(path: &Path, token: &str) -> Result<(), Failure> {
    let write = || -> std::io::Result<()> {
        let directory = path.parent().ok_or_else(|| std::io::Error::other("it has no directory"))?;
        // Made with rights for its owner alone.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        std::io::Write::write_all(&mut file, token.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| unusable(path, &error))
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn no_token() -> Failure {
    Failure::invalid("the relay's token is not known here")
        .remedy("remuda relay on --token-stdin, or remuda relay setup, which makes one")
}

fn stamp(path: &Path) -> Stamp {
    std::fs::metadata(path).ok().map(|found| (found.modified().ok(), found.len()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_is_kept_for_its_owner_alone_and_nothing_works_without_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("relay-token");
        let wanted = Relay { enabled: true, url: Some("https://relay.example".to_owned()), ..Relay::default() };
        assert!(in_use(&wanted, &path).err().unwrap().remedy.unwrap().contains("--token-stdin"));
        write_token(&path, "rly_one").unwrap();
        write_token(&path, "rly_two").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(in_use(&wanted, &path).unwrap().is_some());
        assert!(in_use(&Relay { url: None, ..wanted.clone() }, &path).is_err());
        assert!(
            in_use(&Relay { url: Some("http://relay.example".to_owned()), ..wanted }, &path).is_err(),
            "in the clear"
        );
        assert!(in_use(&Relay::default(), &path).unwrap().is_none(), "off by default");
    }
}
