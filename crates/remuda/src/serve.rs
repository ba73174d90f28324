//! The daemon: takes the lock, opens the state, listens, drains.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use remuda_control::types::{Daemon as Facts, Empty};
use remuda_control::verb::GetStatus;
use remuda_control::{Api, Client, Code, Control, Failure, Running, Told};
use remuda_credentials::login::LoginDesk;
use remuda_credentials::{Clock, Https};
use remuda_gateway::{Daemon, Doors, Guard, Parts, Settings};
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::busy;
use crate::config::{self, Config, Live};
use crate::here;
use crate::instance::{self, Holder, Instance, Role};
use crate::notify::Outgoing;
use crate::paths::{Paths, unusable};
use crate::relay_use;

/// Requests under way may end within this time after the daemon was asked to stop.
const DRAIN: Duration = Duration::from_secs(30);
/// Logins that are just being stored may end within this time.
const LOGINS_END_WITHIN: Duration = Duration::from_secs(5);
/// How long to wait for a command that works on the state, or for a daemon that is just stopping.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(25);

/// How a start ended.
pub(crate) enum Started {
    /// This process is the daemon.
    Serving(Box<Serving>),
    /// Another one is, and it answers.
    AlreadyRuns(Facts),
}

/// A running daemon.
pub(crate) struct Serving {
    /// What others may know of it.
    pub(crate) facts: Facts,
    daemon: Daemon,
    server: Doors,
    logins: LoginDesk,
    stop: CancellationToken,
    signals: Signals,
    tasks: TaskTracker,
    // Last, so that the lock is held until everything else is gone.
    instance: Instance,
}

impl Serving {
    /// Takes the lock, opens the state and listens.
    pub(crate) async fn start(
        paths: &Paths,
        config: &Config,
        clock: Arc<dyn Clock>,
        survives_terminal: bool,
    ) -> Result<Started, Failure> {
        check_listen(config.listen)?;
        let live = Arc::new(Live::start(&paths.config())?);
        paths.create()?;
        let socket = paths.socket()?;
        let signals = Signals::catch(survives_terminal)?;
        let started_at = clock.now();
        let mut holder =
            Holder { role: Role::Daemon, pid: std::process::id(), started_at, url: None, socket: Some(socket.clone()) };
        let instance = match lock(paths, &holder).await? {
            Ok(instance) => instance,
            Err(facts) => return Ok(Started::AlreadyRuns(facts)),
        };
        let tcp = listen_tcp(config.listen)?;
        let address = tcp.local_addr().map_err(|e| Failure::new(Code::Internal, e.to_string()))?;
        let unix = listen_unix(&socket)?;
        let store = here::store(paths, config, started_at).await?;
        let client = remuda_upstream::Client::new(remuda_upstream::Config::default())
            .map_err(|e| Failure::new(Code::Internal, "no connection to any vendor can be made").why(e.to_string()))?;
        let daemon = Daemon::start(Parts {
            store,
            clock,
            exchange: Arc::new(Https::new()),
            token_urls: here::token_urls(config),
            client,
            policy: here::policy(config),
            settings: Settings {
                bases: here::bases(config),
                poll: here::poll(config),
                own_rows: here::own_rows(config),
                ..Settings::default()
            },
        })
        .await
        .told()?;
        let facts = Facts {
            pid: std::process::id(),
            started_at,
            url: format!("http://{address}"),
            socket: socket.display().to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let stop = CancellationToken::new();
        let engine = here::login_engine(daemon.keeper.clone(), config, paths);
        let logins = engine.desk.clone();
        let drain_s = i64::try_from(DRAIN.as_secs()).unwrap_or(i64::MAX);
        let running = Running { facts: facts.clone(), stop: stop.clone(), drain_s };
        let api = Arc::new(Api::new(Arc::clone(&daemon.herd), engine, Arc::clone(&daemon.poller), Some(running)));
        let borrowed = Arc::clone(&api);
        api.set_alert_rules(here::alert_rules(config));
        let control = Control::new(Arc::clone(&api), rustix::process::geteuid().as_raw());
        let server = Doors::new(Arc::clone(&daemon.gateway), control);
        server.listen_tcp(tcp, Guard::tcp(address.port(), &config.hosts));
        server.listen_unix(unix);
        let tasks = TaskTracker::new();
        let outgoing = Outgoing::new(config.alerts.clone());
        tasks.spawn(Arc::clone(&api).watch_alerts(outgoing.clone(), stop.clone()));
        let relay = relay_use::Follow::new(Arc::clone(&daemon.gateway), paths, config.relay.clone());
        tasks.spawn(Arc::clone(&relay).run(stop.clone()));
        let watched = borrowed.watched_files().await;
        tasks.spawn(borrowed.watch_borrowed(watched, stop.clone()));
        let (herd, poller) = (Arc::clone(&daemon.herd), Arc::clone(&daemon.poller));
        let marking = Arc::clone(&daemon.gateway);
        marking.marking().set((&config.cache).into());
        tasks.spawn(config::follow(live, stop.clone(), move |config| {
            herd.set_policy(here::policy(config));
            poller.set_policy(here::poll(config));
            relay.want(&config.relay);
            api.set_alert_rules(here::alert_rules(config));
            outgoing.want(&config.alerts);
            marking.marking().set((&config.cache).into());
        }));
        holder.url = Some(facts.url.clone());
        instance.name(&holder)?;
        Ok(Started::Serving(Box::new(Self { facts, daemon, server, logins, stop, signals, tasks, instance })))
    }

    /// Serves until a signal or `remuda stop`, then drains. True: every request under way could end.
    pub(crate) async fn run(mut self) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => tracing::info!("asked to stop"),
            name = self.signals.next() => tracing::info!(signal = name, "asked to stop"),
        }
        self.end().await
    }

    /// Drains, then takes everything apart in order. True: every request under way could end.
    pub(crate) async fn end(mut self) -> bool {
        // Those who listen to what happens would listen for ever.
        self.stop.cancel();
        // Nobody waits for a window to reset within a drain. Their agents come back, and the next daemon holds them again.
        self.daemon.herd.events().let_all_go();
        let drained = tokio::select! {
            drained = self.server.drain(DRAIN) => drained,
            name = self.signals.next() => {
                tracing::warn!(signal = name, "asked again: requests under way are cut");
                self.server.drain(Duration::ZERO).await
            }
        };
        if !drained {
            tracing::warn!("requests that were still under way have been cut");
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.logins.shutdown(LOGINS_END_WITHIN).await;
        self.daemon.stop().await;
        // Nobody is to connect to a socket that nobody answers. If it stays, the next start replaces it.
        let _ = std::fs::remove_file(&self.facts.socket);
        drop(self.instance);
        drained
    }
}

/// Takes the lock. The inner error is the daemon that has it and answers.
async fn lock(paths: &Paths, holder: &Holder) -> Result<Result<Instance, Facts>, Failure> {
    let client = Client::new(&paths.socket()?);
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(instance) = Instance::take(paths, holder)? {
            return Ok(Ok(instance));
        }
        if let Ok(status) = client.call::<GetStatus>(&Empty {}).await
            && let Some(facts) = status.daemon
        {
            return Ok(Err(facts));
        }
        if Instant::now() > deadline {
            return Err(busy(instance::holder(paths).as_ref()));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Without TLS nothing leaves this machine.
fn check_listen(address: SocketAddr) -> Result<(), Failure> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(Failure::invalid(format!("{address} can be reached from other machines, and this version has no TLS"))
        .why("keys and conversations would cross the network in the open")
        .remedy("listen on 127.0.0.1, and reach it from elsewhere through SSH or a proxy with TLS"))
}

/// With a long queue: an agent may start dozens of subagents in the same moment, and a connection that finds the queue
/// full waits for seconds.
fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    const WAITING: u32 = 1024;
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

fn listen_tcp(address: SocketAddr) -> Result<TcpListener, Failure> {
    bind(address).map_err(|error| {
        let what = match error.kind() {
            std::io::ErrorKind::AddrInUse => format!("port {} is taken by another program", address.port()),
            std::io::ErrorKind::PermissionDenied => {
                format!("port {} needs rights that you do not have", address.port())
            }
            _ => format!("{address} cannot be listened on"),
        };
        Failure::new(Code::Conflict, what)
            .why(error.to_string())
            .remedy("choose another one: `remuda serve --listen 127.0.0.1:4748`, or `listen` in config.toml")
    })
}

/// The lock is held, so a socket that is there belongs to nobody any more.
fn listen_unix(path: &Path) -> Result<UnixListener, Failure> {
    let listen = || {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    listen().map_err(|error| unusable(path, &error))
}

/// The signals that end a daemon.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// The terminal is gone. A daemon that another command started lives on.
    hangup: Signal,
    survives_terminal: bool,
}

impl Signals {
    pub(crate) fn catch(survives_terminal: bool) -> Result<Self, Failure> {
        let catch = |kind| {
            signal(kind).map_err(|e| Failure::new(Code::Internal, "signals cannot be caught").why(e.to_string()))
        };
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
            hangup: catch(SignalKind::hangup())?,
            survives_terminal,
        })
    }

    pub(crate) async fn next(&mut self) -> &'static str {
        poll_fn(|cx| {
            if self.terminate.poll_recv(cx).is_ready() {
                return Poll::Ready("SIGTERM");
            }
            if self.interrupt.poll_recv(cx).is_ready() {
                return Poll::Ready("SIGINT");
            }
            if self.hangup.poll_recv(cx).is_ready() && !self.survives_terminal {
                return Poll::Ready("SIGHUP");
            }
            Poll::Pending
        })
        .await
    }
}
