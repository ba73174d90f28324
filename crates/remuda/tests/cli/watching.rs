//! Seeing what happens and stepping in: the event stream, figures, the dashboard's way in, stopping, usage, alerts.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use remuda_fake::{Fault, Window};
use serde_json::Value;

use crate::trial::{Answer, Trial, exchange, get};

/// Somebody who listens to the event stream.
struct Listener(BufReader<TcpStream>);

impl Listener {
    fn new(url: &str, key: &str, query: &str, head: &str) -> Self {
        let authority = url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(authority).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head = format!("host: {authority}\r\nauthorization: Bearer {key}\r\n{head}");
        write!(stream, "GET /api/v1/events{query} HTTP/1.1\r\n{head}\r\n").unwrap();
        Self(BufReader::new(stream))
    }

    /// The next event: its place and its data.
    fn next(&mut self) -> (String, Value) {
        let mut place = String::new();
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream has ended");
            if let Some(id) = line.strip_prefix("id: ") {
                place = id.trim().to_owned();
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return (place, serde_json::from_str(data).unwrap());
            }
        }
    }

    /// The next event of this kind for which this holds.
    fn until(&mut self, kind: &str, holds: impl Fn(&Value) -> bool) -> (String, Value) {
        loop {
            let (place, event) = self.next();
            if event["kind"] == kind && holds(&event) {
                return (place, event);
            }
        }
    }
}

fn what(step: &str) -> impl Fn(&Value) -> bool {
    let step = step.to_owned();
    move |event| event["what"] == step.as_str()
}

fn ask_control(url: &str, key: &str, method: &str, path: &str, body: &str) -> Answer {
    exchange(method, &format!("{url}{path}"), &format!("authorization: Bearer {key}\r\n"), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_sees_a_request_move_and_who_comes_back_has_missed_nothing() {
    let trial = Trial::new().await;
    let work = trial.add_key("work", &["--cost", "free"]);
    trial.add_free(&["personal"]);
    let daemon = trial.serve();
    trial.remuda(&["fallback", "work", "personal"]).ok();
    let (agent, admin) = (trial.key(&[]), trial.key(&["--admin"]));
    let mut listener = Listener::new(&daemon.url, &admin, "", "");
    let (start, first) = listener.next();
    assert_eq!(first["kind"], "resync", "a new listener begins by reading the overview");
    trial.vendor.script(&work, [Fault::spent(Window::FiveHour, 7_200)]);
    assert_eq!(daemon.ask(&agent, "hello").status, 200);

    let (_, started) = listener.until("decisions", what("started"));
    let id = started["request"]["id"].clone();
    assert_eq!(started["request"]["stage"], "routing");
    let (_, moved) = listener.until("decisions", what("moved"));
    assert_eq!((&moved["request"]["id"], &moved["request"]["account"]), (&id, &"personal".into()));
    let (_, finished) = listener.until("decisions", what("finished"));
    let request = &finished["request"];
    assert_eq!((&request["id"], &request["ending"], &request["moved"]), (&id, &"served".into(), &true.into()));
    assert_eq!((&request["source"], &request["account"]), (&"work".into(), &"personal".into()));

    // Away and back: from the beginning, everything comes again, the account that rests among it.
    for (query, head) in
        [(format!("?after={start}"), String::new()), (String::new(), format!("last-event-id: {start}\r\n"))]
    {
        let mut back = Listener::new(&daemon.url, &admin, &query, &head);
        let (_, first) = back.next();
        assert_ne!(first["kind"], "resync", "nothing was missed");
        let (_, rests) = back.until("accounts", |event| event["account"]["state"] == "resting");
        assert_eq!(rests["account"]["label"], "work");
    }
    let mut lost = Listener::new(&daemon.url, &admin, "?after=1-999999", "");
    assert_eq!(lost.next().1["kind"], "resync", "a place of another life");

    // The owner's changes come whole, and only what was asked for comes.
    let mut herd = Listener::new(&daemon.url, &admin, "?kinds=herd", "");
    herd.next();
    trial.remuda(&["use", "personal"]).ok();
    let (_, changed) = herd.next();
    assert_eq!((&changed["kind"], &changed["active"]), (&"herd".into(), &"personal".into()));
    assert_eq!(changed["chains"][0]["targets"][0], "personal");
    let wrong = ask_control(&daemon.url, &admin, "GET", "/api/v1/events?kinds=acounts", "");
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("did you mean"), "{}", wrong.body);

    // Nobody who listens keeps the daemon from ending.
    trial.remuda(&["stop"]).ok();
    assert_eq!(daemon.wait(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_and_figures_count_each_request_once() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let daemon = trial.serve();
    let (agent, admin) = (trial.key(&[]), trial.key(&["--admin"]));
    for prompt in ["one", "two"] {
        assert_eq!(daemon.ask(&agent, prompt).status, 200);
    }
    let usage = trial.json(&["usage", "--by", "account"]);
    assert_eq!(usage["total"]["requests"], 2, "{usage}");
    assert_eq!(usage["rows"][0]["key"], "work");
    assert!(usage["total"]["input"].as_u64().unwrap() > 0, "{usage}");
    assert!(usage["total"]["cost_usd"].as_f64().unwrap() > 0.0, "{usage}");
    let csv = trial.remuda(&["usage", "--by", "model", "--csv"]).ok().out;
    assert!(csv.lines().nth(1).unwrap().contains(",claude-sonnet-4-6,2,"), "{csv}");
    assert_eq!(trial.json(&["log", "--model", "claude-sonnet-4-6"])["requests"].as_array().unwrap().len(), 2);
    assert!(trial.json(&["log", "--failed"])["requests"].as_array().unwrap().is_empty());
    let overview = trial.json(&["status", "--all"]);
    assert_eq!(overview["recent"].as_array().unwrap().len(), 2);
    assert_eq!(overview["last_day"]["requests"], 2);

    assert_eq!(get(&format!("{}/metrics", daemon.url)).status, 401, "figures name accounts");
    let figures = ask_control(&daemon.url, &admin, "GET", "/metrics", "").body;
    for line in [
        "remuda_requests_total{agent=\"claude\",vendor=\"anthropic\",ending=\"served\"} 2",
        "remuda_attempts_total{account=\"work\",end=\"served\"} 2",
        "remuda_first_byte_seconds_count{vendor=\"anthropic\"} 2",
        "remuda_account_state{account=\"work\",state=\"ready\"} 1",
        "remuda_live_requests 0",
    ] {
        assert!(figures.lines().any(|known| known == line), "{line} is missing:\n{figures}");
    }
    for path in ["/livez", "/readyz"] {
        assert_eq!(get(&format!("{}{path}", daemon.url)).status, 200, "{path} needs no key");
    }
    let document = ask_control(&daemon.url, &admin, "GET", "/api/v1/openapi.json", "");
    assert!(document.body.contains("\"3.1.0\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_session_gets_nothing_until_it_is_let_go_on() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let daemon = trial.serve();
    let agent = trial.key(&[]);
    let session = "7f3c0000-0000-4000-8000-000000000001";
    let ask = |url: &str| {
        let head = format!(
            "x-api-key: {agent}\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n\
             x-claude-code-session-id: {session}\r\n"
        );
        let body = r#"{"model":"claude-sonnet-4-6","max_tokens":16,"messages":[{"role":"user","content":"hi"}]}"#;
        exchange("POST", &format!("{url}/anthropic/v1/messages"), &head, body)
    };
    assert_eq!(ask(&daemon.url).status, 200);
    let stopped = trial.json(&["sessions", "stop", "7f3c", "--why", "it loops"]);
    assert_eq!(stopped["stopped"]["why"], "it loops");
    let seen = trial.vendor.requests().len();
    let refused = ask(&daemon.url);
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body.contains("it loops") && refused.body.contains("remuda sessions resume"), "{refused:?}");
    assert_eq!(trial.vendor.requests().len(), seen, "the vendor hears nothing of it");

    // It stays stopped over a restart.
    trial.remuda(&["stop"]).ok();
    daemon.wait();
    let daemon = trial.serve();
    assert_eq!(ask(&daemon.url).status, 400);
    let listed = trial.json(&["sessions"]);
    assert_eq!(listed["sessions"][0]["stopped"]["why"], "it loops", "{listed}");
    trial.remuda(&["sessions", "resume", "7f3c"]).ok();
    assert_eq!(ask(&daemon.url).status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_comes_in_once_by_a_link_and_changes_things_only_from_our_page() {
    let trial = Trial::new().await;
    trial.add_free(&["work", "personal"]);
    let daemon = trial.serve();
    let link = trial.remuda(&["dashboard", "--no-browser"]).ok().out.trim().to_owned();
    let opened = raw(&link, "");
    assert!(opened.starts_with("HTTP/1.1 200"), "{opened}");
    let cookie = |name: &str| {
        let line = opened.lines().find(|line| line.contains(&format!("{name}="))).unwrap();
        assert!(line.contains("SameSite=Strict"), "{line}");
        line.split_once(&format!("{name}=")).unwrap().1.split(';').next().unwrap().to_owned()
    };
    let (session, csrf) = (cookie("remuda_session"), cookie("remuda_csrf"));
    assert!(get(&link).status == 410, "once");
    let cookies = format!("cookie: remuda_session={session}; remuda_csrf={csrf}\r\n");
    let status = exchange("GET", &format!("{}/api/v1/status", daemon.url), &cookies, "");
    assert_eq!(status.status, 200);
    let change = |head: &str| {
        let head = format!("{cookies}{head}");
        exchange("PUT", &format!("{}/api/v1/active", daemon.url), &head, r#"{"target":"personal"}"#).status
    };
    assert_eq!(change(""), 401, "a cookie alone changes nothing");
    assert_eq!(change("x-remuda-csrf: guessed\r\n"), 401);
    assert_eq!(change(&format!("x-remuda-csrf: {csrf}\r\norigin: http://evil.example\r\n")), 403);
    assert_eq!(change(&format!("x-remuda-csrf: {csrf}\r\n")), 200);
    assert_eq!(trial.json(&["status"])["active"], "personal");
    assert_eq!(get(&format!("{}/api/v1/status", daemon.url)).status, 401, "without a cookie nothing opens");
}

/// The whole answer as it came.
fn raw(url: &str, head: &str) -> String {
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(authority).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {authority}\r\n{head}connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_raised_once_reaches_the_web_hook_and_ends_with_its_trouble() {
    let trial = Trial::new().await;
    let hook = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = trial.home().join("config.toml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!("[alerts]\nwebhook = 'http://{}/secret-path'\n", hook.local_addr().unwrap()));
    std::fs::write(&config, text).unwrap();
    let work = trial.add_key("work", &["--cost", "free"]);
    let daemon = trial.serve();
    let (agent, admin) = (trial.key(&[]), trial.key(&["--admin"]));
    let mut listener = Listener::new(&daemon.url, &admin, "?kinds=alerts", "");
    listener.next();
    work.revoke_all();
    let _refused = daemon.ask(&agent, "hello");
    let (_, raised) = listener.next();
    assert_eq!((&raised["alert"]["kind"], &raised["alert"]["account"]), (&"needs_login".into(), &"work".into()));
    let (mut posted, _) = hook.accept().unwrap();
    let mut told = BufReader::new(posted.try_clone().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    assert!(line.starts_with("POST /secret-path"), "{line}");
    posted.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
    let alerts = trial.json(&["alerts"]);
    assert_eq!(alerts["alerts"].as_array().unwrap().len(), 1, "{alerts}");
    let id = alerts["alerts"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(trial.json(&["alerts", "seen", &id])["alert"]["seen"], true);
    trial.remuda(&["accounts", "remove", "work", "--yes"]).ok();
    let (_, over) = listener.until("alerts", |event| event["alert"]["over_at"].is_number());
    assert_eq!(over["alert"]["id"], id.as_str());
    drop(daemon);
}
