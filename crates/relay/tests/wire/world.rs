//! A vendor, a relay, a way between, a client.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::BodyExt;
use remuda_relay::client::{Answer, AnswerBody, Client, Failure, Outgoing, Profile, Transport};
use remuda_relay::server::{Listening, Relay, Settings, Tokens, Upstreams, serve};
use remuda_upstream::Config;
use tokio::net::TcpListener;

use crate::vendor::{Vendor, Way};
use crate::worker::{Worker, workerd};

pub(crate) const TOKEN: &str = "rly_a_token_of_the_tests_0001";

pub(crate) fn now_ms() -> Arc<dyn Fn() -> u64 + Send + Sync> {
    Arc::new(|| u64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap())
}

/// Quick where the real ones are patient.
pub(crate) fn settings() -> Settings {
    Settings { alive: Duration::from_millis(200), grace: Duration::from_secs(8), ..Settings::default() }
}

pub(crate) struct World {
    pub(crate) vendor: Vendor,
    pub(crate) relay: Option<Running>,
    /// What a relay keeps on a disk, if it keeps anything there.
    disk: tempfile::TempDir,
    pub(crate) way: Way,
    pub(crate) client: Client,
    at: SocketAddr,
    lives: usize,
}

impl World {
    pub(crate) async fn new(transport: Transport) -> Self {
        Self::with(transport, settings()).await
    }

    pub(crate) async fn with(transport: Transport, settings: Settings) -> Self {
        let vendor = Vendor::start().await;
        let disk = tempfile::tempdir().unwrap();
        let relay = start(&vendor, settings, "life-0", SocketAddr::from(([127, 0, 0, 1], 0)), disk.path()).await;
        let at = relay.address();
        let way = Way::to(at).await;
        let client = client(&way, transport, TOKEN);
        Self { vendor, relay: Some(relay), disk, way, client, at, lives: 1 }
    }

    /// The self-hosted relay; none where the Worker is under test, which cannot be looked into.
    pub(crate) fn relay(&self) -> Option<&Arc<Relay>> {
        match self.relay.as_ref().unwrap() {
            Running::Here(listening) => Some(listening.relay()),
            Running::Worker(_) => None,
        }
    }

    /// The relay ends, with all that it keeps, and a new one begins at the same place.
    pub(crate) async fn restart(&mut self, settings: Settings) {
        match self.relay.take().unwrap() {
            Running::Here(listening) => listening.end(Duration::ZERO).await,
            Running::Worker(worker) => {
                drop(worker);
                std::fs::remove_dir_all(self.disk.path().join("storage")).unwrap();
            }
        }
        let epoch = format!("life-{}", self.lives);
        self.relay = Some(start(&self.vendor, settings, &epoch, self.at, self.disk.path()).await);
        self.lives += 1;
    }

    pub(crate) async fn send(&self, body: &Bytes, act: &str) -> Result<Answer, Failure> {
        self.client.send("session", self.request(body, act)).await
    }

    pub(crate) fn request(&self, body: &Bytes, act: &str) -> Outgoing {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Outgoing {
            method: "POST".to_owned(),
            url: self.vendor.url(),
            headers: vec![pair("authorization", "Bearer sk-vendor"), pair("x-do", act), pair("x-own", "Ã¼")],
            body: body.clone(),
        }
    }

    /// Sends and reads to the end.
    pub(crate) async fn ask(&self, body: &Bytes, act: &str) -> (Answer, String) {
        let mut answer = self.send(body, act).await.unwrap();
        let text = read(answer.response.body_mut()).await.unwrap();
        (answer, text)
    }
}

/// One of the two relays.
pub(crate) enum Running {
    Here(Listening),
    Worker(Worker),
}

impl Running {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Here(listening) => listening.address,
            Self::Worker(worker) => worker.address,
        }
    }
}

async fn start(vendor: &Vendor, settings: Settings, epoch: &str, at: SocketAddr, disk: &Path) -> Running {
    if let Some(workerd) = workerd() {
        let rate = ("PER_MINUTE", settings.per_minute.to_string());
        return Running::Worker(Worker::start(&workerd, vendor, disk, at, &[rate]));
    }
    let upstreams = Upstreams::with(&[format!("http://{}", vendor.address)]).unwrap();
    let http = remuda_upstream::Client::new(Config::default()).unwrap();
    let relay = Relay::new(settings, upstreams, http, epoch.to_owned(), now_ms());
    let listener = loop {
        // The port of the life before may take a moment to be free.
        match TcpListener::bind(at).await {
            Ok(listener) => break listener,
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    Running::Here(serve(relay, Tokens::parse(TOKEN).unwrap(), None, listener, None).unwrap())
}

pub(crate) fn client(way: &Way, transport: Transport, token: &str) -> Client {
    let profile = Profile { url: format!("http://{}", way.address), token: token.into(), transport };
    Client::new(profile, Config::default(), now_ms()).unwrap()
}

/// Reads a body to its end.
pub(crate) async fn read(body: &mut AnswerBody) -> Result<String, String> {
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|error| error.to_string())?.into_data() {
            text.extend_from_slice(&data);
        }
    }
    Ok(String::from_utf8(text).unwrap())
}

/// A conversation of so many turns.
pub(crate) fn body(turns: usize) -> Bytes {
    let turn = |number: usize| format!(r#"{{"role":"user","content":"{} é🐎"}}"#, word(number).repeat(9));
    let messages: Vec<String> = (0..turns).map(turn).collect();
    format!(r#"{{"model":"m","messages":[{}],"stream":true}}"#, messages.join(",")).into()
}

fn word(number: usize) -> String {
    (0..12u64).map(|i| format!("{:x} ", (number as u64 * 12 + i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect()
}

/// Waits until it holds.
pub(crate) async fn eventually(what: &'static str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
