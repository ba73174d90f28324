//! `remuda relay setup --cloudflare` against a strict stand-in of Cloudflare's API that runs the uploaded Worker in the
//! genuine workerd. Needs REMUDA_TEST_WORKERD for what runs it; `./test` sets it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::trial::{Ended, Trial, ended, everything_below};

const API_TOKEN: &str = "cf_api_token_of_this_trial_00001";
const ACCOUNT: &str = "acc0000000000000000000000000001";

/// Cloudflare in miniature: one account, Workers, secrets.
struct Cloud {
    url: String,
    /// Where the Worker is reached.
    worker_url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    dir: PathBuf,
    port: u16,
    allow: String,
    scripts: BTreeMap<String, Script>,
    /// Calls that change something.
    changes: Vec<String>,
    /// The next call is refused with this.
    refuses: Option<(u16, u64, &'static str)>,
    running: Option<Child>,
    accounts: usize,
}

#[derive(Default, Clone)]
struct Script {
    bindings: Vec<Value>,
    modules: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    migration: Option<String>,
    public: bool,
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Some(mut child) = self.state.lock().unwrap().running.take() {
            let _ended_already = child.kill();
            let _ended_already = child.wait();
        }
    }
}

impl Cloud {
    fn start(trial: &Trial) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/client/v4", listener.local_addr().unwrap());
        // The port is free a moment from now, too: nobody else here asks for this one.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let dir = trial.project().join("cloud");
        std::fs::create_dir_all(dir.join("storage")).unwrap();
        let state = State { dir, port, allow: trial.vendor.base_url(), accounts: 1, ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &shared);
            }
        });
        Self { url, worker_url: format!("http://127.0.0.1:{port}"), state }
    }

    fn relay(&self, trial: &Trial, args: &[&str]) -> Ended {
        let mut command = trial.command(&[&["relay"], args, &["--api", &self.url]].concat());
        command.env("CLOUDFLARE_API_TOKEN", API_TOKEN);
        ended(command)
    }

    fn changes(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().changes)
    }

    fn refuse(&self, status: u16, code: u64, message: &'static str) {
        self.state.lock().unwrap().refuses = Some((status, code, message));
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let value = |name: &str| {
            head.lines()
                .find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v))
        };
        let mut body = vec![0; value("content-length").unwrap_or("0").parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let answer = answer(
            &mut state.lock().unwrap(),
            method,
            path.strip_prefix("/client/v4").unwrap_or("?"),
            value("authorization"),
            value("content-type").unwrap_or(""),
            &String::from_utf8(body).unwrap(),
        );
        let (status, json) = match answer {
            Ok(result) => (200, json!({"success": true, "errors": [], "messages": [], "result": result})),
            Err((status, code, message)) => {
                (status, json!({"success": false, "errors": [{"code": code, "message": message}], "result": null}))
            }
        };
        let text = json.to_string();
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", text.len());
        stream.write_all((head + &text).as_bytes()).unwrap();
    }
}

type Refused = (u16, u64, &'static str);

fn answer(
    state: &mut State,
    method: &str,
    path: &str,
    authorization: Option<&str>,
    kind: &str,
    body: &str,
) -> Result<Value, Refused> {
    if authorization != Some(&format!("Bearer {API_TOKEN}")) {
        return Err((401, 10000, "Authentication error"));
    }
    if let Some(refused) = state.refuses.take() {
        return Err(refused);
    }
    if (method, path) == ("GET", "/accounts") {
        let account =
            |n: usize| json!({"id": format!("{}{n}", &ACCOUNT[..ACCOUNT.len() - 1]), "name": format!("account {n}")});
        return Ok((1..=state.accounts).map(account).collect());
    }
    let Some(rest) = path.strip_prefix(&format!("/accounts/{ACCOUNT}/workers/")) else {
        return Err((404, 7003, "Could not route to the path"));
    };
    if rest == "subdomain" {
        return Ok(json!({"subdomain": "trial"}));
    }
    let rest = rest.strip_prefix("scripts/").ok_or((404, 7003, "no such route"))?;
    let (name, what) = rest.split_once('/').unwrap_or((rest.split('?').next().unwrap(), ""));
    if method != "GET" {
        state.changes.push(format!("{method} {}", if what.is_empty() { "script" } else { what }));
    }
    let not_there = (404, 10007, "This Worker does not exist on your account.");
    if (method, what) == ("PUT", "") {
        return upload(state, name, kind, body);
    }
    let script = state.scripts.get_mut(name).ok_or(not_there)?;
    let result = match (method, what) {
        ("GET", "settings") => return Ok(json!({"bindings": script.bindings, "migration_tag": script.migration})),
        ("GET", "secrets") => {
            return Ok(script.secrets.keys().map(|name| json!({"name": name, "type": "secret_text"})).collect());
        }
        ("GET", "subdomain") => return Ok(json!({"enabled": script.public, "previews_enabled": false})),
        ("POST", "subdomain") => {
            let asked: Value = serde_json::from_str(body).unwrap();
            script.public = asked["enabled"].as_bool().ok_or((400, 10021, "enabled is missing"))?;
            Value::Null
        }
        ("PUT", "secrets") => {
            let asked: Value = serde_json::from_str(body).unwrap();
            if asked["type"] != "secret_text" {
                return Err((400, 10021, "a secret has type secret_text"));
            }
            script
                .secrets
                .insert(asked["name"].as_str().unwrap().to_owned(), asked["text"].as_str().unwrap().to_owned());
            json!({"name": asked["name"], "type": "secret_text"})
        }
        ("DELETE", secret) if secret.starts_with("secrets/") => {
            script.secrets.remove(&secret[8..]).ok_or((404, 10056, "no such secret"))?;
            Value::Null
        }
        ("DELETE", "") => {
            state.scripts.remove(name);
            Value::Null
        }
        _ => return Err((405, 10405, "Method not allowed for this route")),
    };
    run(state, name);
    Ok(result)
}

/// As strict as the real one: the form must be whole, the entry must be there, a class of conversations is made once.
fn upload(state: &mut State, name: &str, kind: &str, body: &str) -> Result<Value, Refused> {
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").ok_or((400, 10021, "no form"))?;
    if !body.ends_with(&format!("--{boundary}--\r\n")) {
        return Err((400, 10021, "the form breaks off"));
    }
    let mut parts = BTreeMap::new();
    for part in body.split(&format!("--{boundary}")).filter(|part| part.len() > 4) {
        let (head, text) = part.split_once("\r\n\r\n").ok_or((400, 10021, "a part without a head"))?;
        let part_name = head.split("name=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
        let text = text.strip_suffix("\r\n").ok_or((400, 10021, "a part that breaks off"))?;
        if part_name != "metadata" && !head.contains("content-type: application/javascript+module") {
            return Err((400, 10021, "a module of an unknown type"));
        }
        parts.insert(part_name, text.to_owned());
    }
    let metadata = parts.remove("metadata").ok_or((400, 10021, "no metadata"))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|_| (400, 10021, "unreadable metadata"))?;
    if !parts.contains_key(metadata["main_module"].as_str().unwrap_or("")) {
        return Err((400, 10021, "the entry is missing"));
    }
    let before = state.scripts.get(name).cloned();
    let migration = metadata["migrations"]["new_tag"].as_str().map(str::to_owned);
    match (before.as_ref().and_then(|script| script.migration.clone()), &migration) {
        (Some(_), Some(_)) => return Err((412, 10079, "the migration has been applied already")),
        (None, None) => return Err((400, 10061, "the class of a binding does not exist")),
        _ => {}
    }
    if metadata["keep_bindings"] != json!(["secret_text"]) && before.is_some() {
        return Err((400, 10021, "the secrets would be lost"));
    }
    let old = before.unwrap_or_default();
    let script = Script {
        bindings: metadata["bindings"].as_array().unwrap().clone(),
        modules: parts,
        secrets: old.secrets,
        migration: migration.or(old.migration),
        public: old.public,
    };
    state.scripts.insert(name.to_owned(), script);
    run(state, name);
    Ok(json!({"id": name}))
}

/// Runs the Worker as it is now, if it is public and there is a workerd.
fn run(state: &mut State, name: &str) {
    if let Some(mut child) = state.running.take() {
        let _ended_already = child.kill();
        child.wait().unwrap();
    }
    let (Some(script), Some(workerd)) = (state.scripts.get(name), std::env::var_os("REMUDA_TEST_WORKERD")) else {
        return;
    };
    if !script.public {
        return;
    }
    let mut names: Vec<&String> = script.modules.keys().collect();
    names.sort_by_key(|name| *name != "index.js");
    for (name, text) in &script.modules {
        std::fs::write(state.dir.join(name), text).unwrap();
    }
    let modules: Vec<String> = names.iter().map(|n| format!("(name = \"{n}\", esModule = embed \"{n}\")")).collect();
    let text = |name: &str, value: &str| format!("(name = \"{name}\", text = \"{value}\")");
    let mut bindings: Vec<String> = script.secrets.iter().map(|(name, value)| text(name, value)).collect();
    for binding in &script.bindings {
        let name = binding["name"].as_str().unwrap();
        match binding["type"].as_str().unwrap() {
            "plain_text" => bindings.push(text(name, binding["text"].as_str().unwrap())),
            "durable_object_namespace" => {
                let class = binding["class_name"].as_str().unwrap();
                bindings.push(format!("(name = \"{name}\", durableObjectNamespace = \"{class}\")"));
            }
            other => panic!("a binding of an unknown type: {other}"),
        }
    }
    let config = format!(
        r#"using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .relay), (name = "internet", network = (allow = ["public", "private"])),
    (name = "disk", disk = (path = "{}", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:{}", http = (), service = "main")],
);
const relay :Workerd.Worker = (
  modules = [{}], bindings = [{}], compatibilityDate = "2026-11-01",
  durableObjectNamespaces = [(className = "Conversation", uniqueKey = "relay", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"), globalOutbound = "internet",
);
"#,
        state.dir.join("storage").display(),
        state.port,
        modules.join(", "),
        bindings.join(", "),
    );
    let file = state.dir.join("config.capnp");
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(workerd);
    let mut child = command.arg("serve").arg("--control-fd=1").arg(file).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    assert!(BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap() > 0, "workerd ended early");
    state.running = Some(child);
}

fn setup<'a>(cloud: &'a Cloud, more: &[&'a str]) -> Vec<&'a str> {
    let allow = ["setup", "--cloudflare", "--url", &cloud.worker_url, "--yes"];
    [&allow[..], more].concat()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine workerd"]
async fn a_worker_is_set_up_used_brought_up_to_date_given_a_new_token_and_removed() {
    let trial = Trial::new().await;
    let cloud = Cloud::start(&trial);
    let allow = cloud.state.lock().unwrap().allow.clone();
    let done = cloud.relay(&trial, &setup(&cloud, &["--allow", &allow])).ok();
    assert_eq!(cloud.changes(), ["PUT script", "PUT secrets", "POST subdomain"], "{done:?}");
    assert!(done.out.contains("Relay on:") && done.out.contains("It answers: remuda-worker"), "{done:?}");

    let again = cloud.relay(&trial, &setup(&cloud, &["--allow", &allow])).ok();
    assert_eq!(cloud.changes(), [""; 0]);
    assert!(again.err.contains("all is as it should be"), "{again:?}");

    cloud.relay(&trial, &setup(&cloud, &["--allow", &allow, "--allow", "https://llm.example.com"])).ok();
    assert_eq!(cloud.changes(), ["PUT script"], "brought up to date, the secret and the class stay");

    let before = std::fs::read_to_string(trial.home().join("relay-token")).unwrap();
    cloud.relay(&trial, &["rotate", "--cloudflare"]).ok();
    assert_eq!(cloud.changes(), ["PUT secrets", "PUT secrets", "DELETE secrets/RELAY_TOKEN_NEXT"]);
    let after = std::fs::read_to_string(trial.home().join("relay-token")).unwrap();
    assert_ne!(before, after);
    let secrets = cloud.state.lock().unwrap().scripts["remuda-relay"].secrets.clone();
    assert_eq!(secrets, BTreeMap::from([("RELAY_TOKEN".to_owned(), after)]), "only the new one is valid");
    assert!(trial.remuda(&["relay", "status"]).ok().out.contains("It answers"));

    let gone = cloud.relay(&trial, &["teardown", "--cloudflare", "--yes"]).ok();
    assert_eq!(cloud.changes(), ["DELETE script"]);
    assert!(gone.out.contains("No relay is known"), "{gone:?}");
    assert!(!trial.home().join("relay-token").exists());
    let again = cloud.relay(&trial, &["teardown", "--cloudflare", "--yes"]).ok();
    assert_eq!(cloud.changes(), ["DELETE script"], "{again:?}");
    assert!(!everything_below(&trial.home()).contains(API_TOKEN), "the API token is stored nowhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_is_shown_before_anything_is_done_and_without_a_yes_nothing_is() {
    let trial = Trial::new().await;
    let cloud = Cloud::start(&trial);
    let plan = cloud.relay(&trial, &["setup", "--cloudflare", "--dry-run"]).ok().out;
    for says in ["1. upload the Worker remuda-relay", "2. make a token", "https://remuda-relay.trial.workers.dev"] {
        assert!(plan.contains(says), "{says}: {plan}");
    }
    cloud.relay(&trial, &["setup", "--cloudflare"]).failed(2, &["upload the Worker", "--yes"]);
    assert_eq!(cloud.changes(), [""; 0]);
    assert!(!trial.home().join("relay-token").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cloudflare_refuses_is_told_in_words_that_help() {
    let trial = Trial::new().await;
    let cloud = Cloud::start(&trial);
    let dry = ["setup", "--cloudflare", "--dry-run"];
    for (status, code, says) in [
        (401, 10000, ["does not accept the API token", "Edit Cloudflare Workers"]),
        (403, 10023, ["may not do this", "Workers Scripts / Edit"]),
        (429, 971, ["patience", "wait some minutes"]),
        (503, 0, ["problem of its own", "later"]),
        (400, 10021, ["Cloudflare refused", "the reason of this trial"]),
    ] {
        cloud.refuse(status, code, "the reason of this trial");
        cloud.relay(&trial, &dry).failed(1, &says);
    }
    cloud.state.lock().unwrap().accounts = 2;
    cloud.relay(&trial, &dry).failed(2, &["several accounts", "account 2", "--account-id"]);
    cloud.relay(&trial, &[&dry[..], &["--account-id", ACCOUNT]].concat()).ok();
    cloud.relay(&trial, &[&dry[..], &["--name", "Not A Name"]].concat()).failed(2, &["no name for a Worker"]);
    trial
        .remuda(&["relay", "setup", "--cloudflare", "--api", &cloud.url])
        .failed(2, &["CLOUDFLARE_API_TOKEN is not set"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_that_name_that_is_no_relay_is_left_alone() {
    let trial = Trial::new().await;
    let cloud = Cloud::start(&trial);
    cloud.state.lock().unwrap().scripts.insert("remuda-relay".to_owned(), Script::default());
    cloud.relay(&trial, &setup(&cloud, &[])).failed(1, &["is no relay", "--name"]);
    cloud.relay(&trial, &["teardown", "--cloudflare", "--yes"]).failed(1, &["no relay of Remuda's"]);
    assert_eq!(cloud.changes(), [""; 0]);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the genuine workerd and the genuine Claude Code"]
async fn a_conversation_with_a_failover_goes_through_the_worker_claude() {
    let trial = Trial::new().await;
    let cloud = Cloud::start(&trial);
    let allow = cloud.state.lock().unwrap().allow.clone();
    cloud.relay(&trial, &setup(&cloud, &["--allow", &allow])).ok();
    crate::agents::relay::claude_with_a_failover(&trial);
}
