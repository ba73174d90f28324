//! The Worker of integrations/worker in the genuine workerd, in place of the self-hosted relay: the same tests.
//!
//! Used when REMUDA_TEST_WORKERD names the workerd binary; `./test` installs it from npm and runs all tests of this binary
//! once more with it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::vendor::Vendor;
use crate::world::TOKEN;

/// A workerd with the Worker. Does not outlive its test.
pub(crate) struct Worker {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// The workerd to be used, if any.
pub(crate) fn workerd() -> Option<PathBuf> {
    std::env::var_os("REMUDA_TEST_WORKERD").map(PathBuf::from)
}

impl Worker {
    /// Starts it. `bindings`: names and values beside the usual ones.
    pub(crate) fn start(
        workerd: &Path,
        vendor: &Vendor,
        disk: &Path,
        at: SocketAddr,
        bindings: &[(&str, String)],
    ) -> Self {
        let modules = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../integrations/worker/dist"));
        let mut names: Vec<String> = std::fs::read_dir(modules)
            .expect("integrations/worker/dist: npm run build")
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".js") && name != "index.js")
            .collect();
        names.sort();
        names.insert(0, "index.js".to_owned());
        for name in &names {
            std::fs::copy(modules.join(name), disk.join(name)).unwrap();
        }
        std::fs::create_dir_all(disk.join("storage")).unwrap();
        let module = |name: &String| format!("(name = \"{name}\", esModule = embed \"{name}\")");
        let usual = [
            ("RELAY_TOKEN", TOKEN.to_owned()),
            ("ALLOW", format!("http://{}", vendor.address)),
            ("ALIVE_MS", "200".to_owned()),
            ("GRACE_MS", "8000".to_owned()),
        ];
        let binding = |(name, value): &(&str, String)| format!("(name = \"{name}\", text = \"{value}\")");
        let config = format!(
            r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .relay),
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "disk", disk = (path = "{}", writable = true)),
  ],
  sockets = [(name = "http", address = "{at}", http = (), service = "main")],
);
const relay :Workerd.Worker = (
  modules = [{}],
  compatibilityDate = "2026-11-01",
  bindings = [{}, (name = "CONVERSATIONS", durableObjectNamespace = "Conversation")],
  durableObjectNamespaces = [(className = "Conversation", uniqueKey = "relay", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  globalOutbound = "internet",
);
"#,
            disk.join("storage").display(),
            names.iter().map(module).collect::<Vec<_>>().join(", "),
            usual.iter().chain(bindings).map(binding).collect::<Vec<_>>().join(", "),
        );
        let file = disk.join("config.capnp");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new(workerd);
        command.arg("serve").arg("--control-fd=1").arg(&file).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        assert!(said.read_line(&mut line).unwrap() > 0, "workerd ended early");
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        let port = u16::try_from(event["port"].as_u64().unwrap_or_else(|| panic!("{line}"))).unwrap();
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}
