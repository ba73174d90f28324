//! What the demo plays on: a vendor in miniature, and the real daemon in a home of its own. Everything is taken down in
//! order, also after a failure or Ctrl-C, and it is looked whether anything stayed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use remuda_control::Client;
use remuda_fake::{AccountSpec, Config as Habits, Fake, FakeAccount, Plan, Reply, Window};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::clock::Ahead;
use super::names::{ENTERPRISE, PERSONAL, SIDE_PROJECT};
use super::story::LINES;
use crate::config::{Config, Endpoints, Vendors};
use crate::paths::Paths;
use crate::serve::{Serving, Started};

/// Pause before each word: a model's pace.
const PACE: Duration = Duration::from_millis(35);
/// Far longer than any answer takes here.
const PATIENCE: Duration = Duration::from_secs(10);
/// A closed port refuses at once.
const PORT_PATIENCE: Duration = Duration::from_secs(1);

/// When the five-hour window of [`ENTERPRISE`] begins anew, in seconds from the start.
pub(super) const ENTERPRISE_RENEWS_S: i64 = 2 * 3600 + 14 * 60 + 30;
/// The same for [`PERSONAL`]: later, so that it has run dry when the other one has not.
const PERSONAL_RENEWS_S: i64 = 4 * 3600 + 300;

/// The running parts.
pub(crate) struct Stage {
    /// Plays Anthropic.
    pub(super) vendor: Fake,
    /// See [`ENTERPRISE`].
    pub(super) enterprise: FakeAccount,
    /// See [`PERSONAL`].
    pub(super) personal: FakeAccount,
    /// See [`SIDE_PROJECT`].
    pub(super) side_project: FakeAccount,
    /// The way to the daemon that commands take.
    pub(super) control: Client,
    /// The way that agents take.
    pub(super) url: String,
    /// What agents and browsers go with.
    pub(super) http: reqwest::Client,
    clock: Arc<Ahead>,
    serving: Box<Serving>,
    home: TempDir,
}

impl Stage {
    /// Starts everything, on ports of the system's choice.
    pub(crate) async fn set() -> anyhow::Result<Self> {
        let replies = LINES.iter().map(|(when, say)| Reply::say(when, say));
        let habits = Habits { event_delay: PACE, replies: replies.collect(), ..Habits::default() };
        let vendor = Fake::start(habits).await.context("the vendor in miniature cannot be started")?;
        let person = |name: &str, plan, email: &str, organization: &str| AccountSpec {
            plan,
            email: email.to_owned(),
            organization: organization.to_owned(),
            ..AccountSpec::subscription(name)
        };
        let enterprise = vendor.add_account(person(ENTERPRISE, Plan::Enterprise, "ann@corp.example", "Corp"))?;
        let personal = vendor.add_account(person(PERSONAL, Plan::Max20x, "ann@home.example", "Ann"))?;
        let side_project = vendor.add_account(AccountSpec::api_key(SIDE_PROJECT))?;
        enterprise.set_window(Window::FiveHour, 96.0, ENTERPRISE_RENEWS_S);
        enterprise.set_window(Window::SevenDay, 61.0, 3 * 86_400 + 4 * 3600);
        personal.set_window(Window::FiveHour, 23.0, PERSONAL_RENEWS_S);
        personal.set_window(Window::SevenDay, 12.0, 5 * 86_400);

        let home = tempfile::Builder::new()
            .prefix("remuda-demo-")
            .tempdir()
            .context("there is no place for temporary files (see TMPDIR)")?;
        let paths = Paths::find(Some(home.path().into()))?;
        let clock = Arc::new(Ahead::default());
        let Started::Serving(serving) =
            Serving::start(&paths, &config(&vendor), Arc::clone(&clock) as _, false).await?
        else {
            anyhow::bail!("another daemon runs in {}", home.path().display());
        };
        let control = Client::new(&paths.socket()?);
        let url = serving.facts.url.clone();
        // A proxy has no business between two parts of this process, and there is no TLS between them; reqwest wants to
        // know who would do it all the same. One provider per process; who came first has installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).user_agent("demo-agent").timeout(PATIENCE);
        let http = http.build().context("there is no HTTP client")?;
        Ok(Self { vendor, enterprise, personal, side_project, control, url, http, clock, serving, home })
    }

    /// Time passes, for the vendor and for the daemon.
    pub(super) fn pass(&self, seconds: i64) {
        self.vendor.advance(seconds);
        self.clock.advance(seconds);
    }

    /// Runs [`PERSONAL`] dry until its window begins anew.
    pub(super) fn drain_personal(&self) {
        self.personal.set_window(Window::FiveHour, 100.0, PERSONAL_RENEWS_S - ENTERPRISE_RENEWS_S);
    }

    /// Runs [`ENTERPRISE`] dry until its window begins anew.
    pub(super) fn drain_enterprise(&self) {
        self.enterprise.set_window(Window::FiveHour, 100.0, ENTERPRISE_RENEWS_S);
    }

    /// Takes everything down. Returns what is left all the same.
    pub(crate) async fn clear(self) -> Vec<String> {
        let Self { vendor, serving, home, url, .. } = self;
        let home_path = home.path().to_owned();
        let ports = [vendor.address().to_string(), url.trim_start_matches("http://").to_owned()];
        serving.end().await;
        vendor.shutdown().await;
        let removed = home.close().err().map(|error| error.to_string());
        let mut left: Vec<String> = removed.into_iter().chain(directory_left(home_path)).collect();
        for port in ports {
            left.extend(port_left(&port).await);
        }
        left
    }
}

fn config(vendor: &Fake) -> Config {
    let anthropic = Endpoints {
        api: Some(vendor.base_url()),
        authorize: Some(vendor.authorize_url()),
        token: Some(vendor.token_url()),
        copy_code: Some(vendor.copy_code_redirect()),
    };
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    Config { listen, vendors: Vendors { anthropic, ..Vendors::default() }, ..Config::default() }
}

fn directory_left(home: PathBuf) -> Option<String> {
    home.exists().then(|| format!("the directory {}", home.display()))
}

async fn port_left(address: &str) -> Option<String> {
    let open = tokio::time::timeout(PORT_PATIENCE, TcpStream::connect(address)).await;
    (!matches!(open, Ok(Err(_)))).then(|| format!("an open port at {address}"))
}
