//! A relay as a service of the user's on another machine, reached by SSH, and how to do the same by hand.

use std::process::Stdio;

use remuda_control::{Code, Failure};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::cloudflare::Plan;
use super::place::check_origins;

/// What `--print` prints.
pub(super) const BY_HAND: &str = concat!(
    "# A relay on a machine of yours. It listens on loopback; a proxy with TLS (Caddy, nginx, a tunnel) stands in front.\n",
    "# 1. Install the remuda binary there, then a token that only this machine and yours know:\n\n",
    "umask 077; mkdir -p ~/.config/remuda-relay\n",
    "printf 'rly_%s\\n' \"$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \\n')\" > ~/.config/remuda-relay/token\n\n",
    "# 2. ~/.config/systemd/user/remuda-relay.service, then: systemctl --user enable --now remuda-relay\n\n",
    include_str!("../../../../../packaging/relay/remuda-relay.service"),
    "\n# 3. Or in a container (packaging/relay/Dockerfile):\n\n",
    include_str!("../../../../../packaging/relay/Dockerfile"),
    "\n# 4. Where your agents run, with the token of that machine:\n\n",
    "remuda relay on --url https://relay.example.com --token-stdin\n",
);

const UNIT: &str = include_str!("../../../../../packaging/relay/remuda-relay.service");
/// The line of the unit that options are added to.
const STARTS: &str = "--token-file %E/remuda-relay/token";

/// Another machine.
pub(super) struct Ssh {
    host: String,
    unit: String,
}

impl Ssh {
    pub(super) fn new(host: &str, allow: &[String]) -> Result<Self, Failure> {
        // What begins with a dash would be an option of ssh.
        if host.is_empty() || host.starts_with('-') || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(Failure::invalid(format!("{host:?} is no host")).remedy("as for ssh: me@vps.example"));
        }
        check_origins(allow)?;
        let options: String = allow.iter().map(|origin| format!(" --allow {origin}")).collect();
        Ok(Self { host: host.to_owned(), unit: UNIT.replace(STARTS, &format!("{STARTS}{options}")) })
    }

    pub(super) fn plan(&self) -> Plan {
        let steps = [
            "copy this remuda binary to ~/.local/bin/remuda",
            "write a token to ~/.config/remuda-relay/token, readable by you alone",
            "write ~/.config/systemd/user/remuda-relay.service and start it; it listens on 127.0.0.1:4750",
        ];
        Plan { place: self.host.clone(), steps: steps.map(str::to_owned).to_vec() }
    }

    pub(super) fn removal(&self) -> Plan {
        let steps = ["stop the service remuda-relay", "remove its unit and its token; the binary stays"];
        Plan { place: self.host.clone(), steps: steps.map(str::to_owned).to_vec() }
    }

    pub(super) async fn set_up(&self, token: &SecretString) -> Result<(), Failure> {
        let theirs = self.run("uname -sm", b"").await?;
        let machine = rustix::system::uname();
        let ours = format!("{} {}", machine.sysname().to_string_lossy(), machine.machine().to_string_lossy());
        if theirs.trim() != ours {
            return Err(Failure::invalid(format!("{} is another kind of machine: {}", self.host, theirs.trim()))
                .why(format!("this binary is for {ours}"))
                .remedy("install remuda there, then follow `remuda relay setup --print`"));
        }
        let binary = std::env::current_exe()
            .and_then(std::fs::read)
            .map_err(|error| Failure::new(Code::Internal, "this binary cannot be read").why(error.to_string()))?;
        let receive = "mkdir -p ~/.local/bin && cat > ~/.local/bin/remuda.new && chmod 755 ~/.local/bin/remuda.new \
                       && mv ~/.local/bin/remuda.new ~/.local/bin/remuda";
        self.run(receive, &binary).await?;
        self.set_tokens(&[token]).await?;
        let start = "mkdir -p ~/.config/systemd/user && cat > ~/.config/systemd/user/remuda-relay.service \
                     && systemctl --user daemon-reload && systemctl --user enable remuda-relay \
                     && systemctl --user restart remuda-relay && (loginctl enable-linger || true)";
        self.run(start, self.unit.as_bytes()).await.map(drop)
    }

    /// These tokens are valid, and no other. They travel on standard input: no list of processes shows them.
    pub(super) async fn set_tokens(&self, tokens: &[&SecretString]) -> Result<(), Failure> {
        let text: String = tokens.iter().map(|token| format!("{}\n", token.expose_secret())).collect();
        let write = "umask 077 && mkdir -p ~/.config/remuda-relay && cat > ~/.config/remuda-relay/token.new \
                     && mv ~/.config/remuda-relay/token.new ~/.config/remuda-relay/token";
        self.run(write, text.as_bytes()).await.map(drop)
    }

    pub(super) async fn tear_down(&self) -> Result<(), Failure> {
        let remove = "systemctl --user disable --now remuda-relay; \
                      rm -f ~/.config/systemd/user/remuda-relay.service ~/.config/remuda-relay/token \
                      && systemctl --user daemon-reload";
        self.run(remove, b"").await.map(drop)
    }

    async fn run(&self, script: &str, input: &[u8]) -> Result<String, Failure> {
        let failed = |why: String| {
            Failure::new(Code::Conflict, format!("a step on {} failed", self.host))
                .why(why)
                .remedy(format!("try `ssh {}`; then do it again, or follow `remuda relay setup --print`", self.host))
        };
        let mut command = Command::new("ssh");
        command.arg("--").arg(&self.host).arg(script).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| failed(format!("ssh: {error}")))?;
        let mut stdin = child.stdin.take();
        let feed = async {
            if let Some(stdin) = &mut stdin {
                // A machine that has heard enough says why on its own.
                let _heard = stdin.write_all(input).await;
            }
            drop(stdin.take());
        };
        let ((), output) = tokio::join!(feed, child.wait_with_output());
        let output = output.map_err(|error| failed(error.to_string()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(failed(said.lines().last().unwrap_or("it says nothing").chars().take(300).collect()))
    }
}
