//! What is measured: processes on a core of their own, each in front of the same upstream.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::cost;
use crate::load::answer;
use crate::message::{Mode, request};

/// Core of the measured processes; everything else is on the other one.
const CORE: &str = "0";

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// No proxy: the upstream itself. Shows that generator and upstream are not the bottleneck.
    Direct,
    Nginx,
    BareHyper,
    Remuda,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Direct, Self::Nginx, Self::BareHyper, Self::Remuda];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::BareHyper => "bare hyper",
            Self::Remuda => "remuda",
        }
    }
}

/// How a target is started, again and again with the same state.
pub struct Plan {
    pub kind: Kind,
    pub address: SocketAddr,
    path: &'static str,
    key: String,
    command: Option<Vec<String>>,
    home: Option<TempDir>,
}

/// A running target.
pub struct Running<'a> {
    plan: &'a Plan,
    process: Option<Child>,
}

fn free_port() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

impl Plan {
    pub fn direct(upstream: SocketAddr) -> Self {
        Self { kind: Kind::Direct, address: upstream, path: "", key: "none".into(), command: None, home: None }
    }

    pub fn bare_hyper(upstream: SocketAddr) -> Result<Self> {
        let address = free_port()?;
        let me = std::env::current_exe()?.display().to_string();
        let command = Some(vec![me, "bare-proxy".into(), address.to_string(), upstream.to_string()]);
        Ok(Self { kind: Kind::BareHyper, address, path: "", key: "none".into(), command, home: None })
    }

    pub fn nginx(upstream: SocketAddr) -> Result<Self> {
        let address = free_port()?;
        let home = tempfile::tempdir()?;
        let config = home.path().join("nginx.conf");
        std::fs::write(&config, nginx_config(address, upstream))?;
        let words = ["nginx", "-p", &home.path().display().to_string(), "-c", &config.display().to_string()];
        let command = Some(words.map(str::to_owned).to_vec());
        Ok(Self { kind: Kind::Nginx, address, path: "", key: "none".into(), command, home: Some(home) })
    }

    /// With everything on that a person has: several accounts, a chain, a key, records and ledger.
    pub async fn remuda(binary: &Path, upstream: SocketAddr) -> Result<Self> {
        let address = free_port()?;
        let home = tempfile::tempdir()?;
        let binary = binary.canonicalize()?.display().to_string();
        let command = Some(vec![binary.clone(), "serve".into(), "--listen".into(), address.to_string()]);
        let mut plan =
            Self { kind: Kind::Remuda, address, path: "/anthropic", key: String::new(), command, home: Some(home) };
        let running = plan.spawn()?;
        running.listening().await?;
        let upstream = format!("http://{upstream}");
        for label in ["first", "second", "third"] {
            let login = ["login", "anthropic", "--label", label, "--key-env", "BENCH_KEY", "--cost", "free"];
            plan.command(&binary, &[&login[..], &["--base-url", &upstream]].concat(), label).await?;
        }
        plan.command(&binary, &["fallback", "first", "second", "third"], "").await?;
        plan.command(&binary, &["use", "first"], "").await?;
        let key =
            plan.command(&binary, &["key", "create", "--name", "bench", "--host", "claude", "--json"], "").await?;
        drop(running);
        let key: serde_json::Value = serde_json::from_str(&key)?;
        plan.key = key["secret"].as_str().with_context(|| format!("no key in {key}"))?.to_owned();
        Ok(plan)
    }

    /// Runs a command of the binary against the same home; returns what it printed.
    /// The vendor runs on this thread and is asked whether the key is good, so it must go on meanwhile.
    async fn command(&self, binary: &str, args: &[&str], account: &str) -> Result<String> {
        let mut command = Command::new(binary);
        command.args(args).env("BENCH_KEY", format!("sk-ant-api03-bench-{account}")).stdin(Stdio::null());
        self.set_home(&mut command);
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        if !output.status.success() {
            bail!("remuda {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn set_home(&self, command: &mut Command) {
        if let Some(home) = &self.home {
            command.env("REMUDA_HOME", home.path().join("remuda")).env("HOME", home.path());
        }
    }

    fn spawn(&self) -> Result<Running<'_>> {
        let process = match &self.command {
            None => None,
            Some(words) => {
                let mut command = Command::new("taskset");
                command.args(["-c", CORE]).args(words).stdin(Stdio::null()).stdout(Stdio::null());
                if std::env::var_os("BENCH_STDERR").is_none() {
                    command.stderr(Stdio::null());
                }
                self.set_home(&mut command);
                Some(command.spawn().with_context(|| format!("cannot start {}", self.kind.as_str()))?)
            }
        };
        Ok(Running { plan: self, process })
    }

    /// Starts it and waits for its first whole answer.
    pub async fn start(&self) -> Result<(Running<'_>, Duration)> {
        let begin = Instant::now();
        let running = self.spawn()?;
        let mut stream = running.listening().await?;
        stream.write_all(&self.requests(1, Mode::Json, 400)[0]).await?;
        answer(&mut stream, &mut vec![0; 16 * 1024])
            .await
            .with_context(|| format!("first answer of {}", self.kind.as_str()))?;
        Ok((running, begin.elapsed()))
    }

    /// Requests of that many conversations.
    pub fn requests(&self, conversations: usize, mode: Mode, body_bytes: usize) -> Vec<Vec<u8>> {
        let host = self.address.to_string();
        (0..conversations).map(|session| request(&host, self.path, &self.key, session, mode, body_bytes)).collect()
    }
}

impl Running<'_> {
    /// A connection to it, as soon as it takes one.
    async fn listening(&self) -> Result<TcpStream> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match TcpStream::connect(self.plan.address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => ensure!(Instant::now() < deadline, "{}: {error}", self.plan.kind.as_str()),
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }

    fn pids(&self) -> Result<Vec<u32>> {
        self.process.as_ref().map_or_else(|| Ok(Vec::new()), |process| cost::family(process.id()))
    }

    pub fn cpu_seconds(&self) -> Result<f64> {
        self.pids()?.into_iter().map(cost::cpu_seconds).sum()
    }

    pub fn resident_bytes(&self) -> Result<u64> {
        self.pids()?.into_iter().map(cost::resident_bytes).sum()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let Some(process) = &mut self.process else { return };
        // Politely: nginx's workers and Remuda's socket go with their master. What cannot be ended has ended already.
        let pid = process.id().to_string();
        drop(Command::new("kill").args(["-TERM", &pid]).status());
        let deadline = Instant::now() + Duration::from_secs(5);
        while matches!(process.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                drop(process.kill());
                drop(process.wait());
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Streaming both ways, connections kept on both sides, nothing written to disk.
fn nginx_config(listen: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "daemon off;
worker_processes 1;
user root;
pid nginx.pid;
error_log stderr crit;
events {{ worker_connections 30000; }}
http {{
  access_log off;
  client_max_body_size 64m;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 100000000;
  upstream vendor {{ server {upstream}; keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen {listen} backlog=4096;
    location / {{
      proxy_pass http://vendor;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_read_timeout 600s;
    }}
  }}
}}
"
    )
}
