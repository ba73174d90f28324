//! What the relay saves and costs: a conversation of 60 turns, as an agent sends it, directly and through the self-hosted
//! relay. Bytes up are counted on the wire, HTTP heads included; CPU is that of whole processes.
//!
//! relay [--bodies DIRECTORY]     (files in the order of their names, one body each)

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use remuda_relay::client::{Client, Outgoing, Profile, Transport};
use remuda_relay::server::{Relay, Settings, Tokens, Upstreams, serve};
use remuda_upstream::{Config, Origin};

const TOKEN: &str = "rly_the_token_of_this_benchmark";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("vendor") => return vendor(),
        Some("relay") => return relay(args.get(1).context("the vendor's address is missing")?),
        _ => {}
    }
    let option = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1));
    let bodies = match option("--bodies") {
        Some(directory) => recorded(Path::new(directory))?,
        None => (1..=60).map(conversation).collect(),
    };
    let own = |args: &[&str]| Process::start(Command::new(std::env::current_exe()?).args(args));
    let vendor = own(&["vendor"])?;
    let relay = own(&["relay", &vendor.said])?;
    let total: usize = bodies.iter().map(Bytes::len).sum();
    println!(
        "{} turns, {:.1} MB of bodies, the last {:.1} MB",
        bodies.len(),
        mb(total),
        mb(bodies[bodies.len() - 1].len())
    );
    println!("| | bytes up | from turn 2 | ms per turn, median | client CPU, ms/MB | relay CPU, ms/MB |");
    println!("|---|---:|---:|---:|---:|---:|");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        measure("direct", None, &vendor, &relay, &bodies).await?;
        measure("relay, HTTP", Some(Transport::Http), &vendor, &relay, &bodies).await?;
        measure("relay, WebSocket", Some(Transport::WebSocket), &vendor, &relay, &bodies).await
    })
}

async fn measure(
    name: &str,
    way: Option<Transport>,
    vendor: &Process,
    relay: &Process,
    bodies: &[Bytes],
) -> Result<()> {
    let near = if way.is_some() { &relay.said } else { &vendor.said };
    let (counted, up) = count(near.parse()?)?;
    let http = remuda_upstream::Client::new(Config::default())?;
    let client = way
        .map(|transport| {
            let profile = Profile { url: format!("http://{counted}"), token: TOKEN.into(), transport };
            Client::new(profile, Config::default(), Arc::new(now_ms))
        })
        .transpose()?;
    let origin: Origin = format!("http://{counted}").parse()?;
    let (mut times, mut first) = (Vec::new(), 0);
    let cpu = || Ok::<_, anyhow::Error>((cpu_ms(std::process::id())?, cpu_ms(relay.child.id())?));
    let before = cpu()?;
    for (turn, body) in bodies.iter().enumerate() {
        let asked = Instant::now();
        match &client {
            Some(client) => {
                let mut answer = client.send("session", request(&vendor.said, body)).await?;
                while let Some(frame) = answer.response.body_mut().frame().await {
                    frame?;
                }
            }
            None => {
                let request = hyper::Request::post("/v1/messages").header("authorization", "Bearer sk-benchmark");
                http.send(&origin, request.body(Full::new(body.clone()))?).await?.into_body().collect().await?;
            }
        }
        times.push(asked.elapsed());
        if turn == 0 {
            first = up.load(Ordering::SeqCst);
        }
    }
    let after = cpu()?;
    times.sort();
    let (all, total) = (up.load(Ordering::SeqCst), bodies.iter().map(Bytes::len).sum::<usize>());
    let rest = total - bodies[0].len();
    let per_mb = |ms: u64| ms as f64 / mb(total);
    println!(
        "| {name} | {all} | {:.2} % | {:.1} | {:.2} | {:.2} |",
        100.0 * (all - first) as f64 / rest.max(1) as f64,
        times[times.len() / 2].as_secs_f64() * 1000.0,
        per_mb(after.0 - before.0),
        per_mb(after.1 - before.1),
    );
    if let Some(client) = client {
        client.end(Duration::from_secs(1)).await;
    }
    Ok(())
}

fn request(vendor: &str, body: &Bytes) -> Outgoing {
    let headers = [("authorization", "Bearer sk-benchmark"), ("content-type", "application/json")];
    Outgoing {
        method: "POST".to_owned(),
        url: format!("http://{vendor}/v1/messages"),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.clone(),
    }
}

/// A way that counts what goes up.
fn count(to: SocketAddr) -> Result<(SocketAddr, Arc<AtomicU64>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (address, up) = (listener.local_addr()?, Arc::new(AtomicU64::new(0)));
    let counter = Arc::clone(&up);
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(to) else { continue };
            let (Ok(near_again), Ok(far_again)) = (near.try_clone(), far.try_clone()) else { continue };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let counter = Arc::clone(&counter);
            std::thread::spawn(move || carry(near, far, |bytes| drop(counter.fetch_add(bytes, Ordering::SeqCst))));
            std::thread::spawn(move || carry(far_again, near_again, |_| ()));
        }
    });
    Ok((address, up))
}

fn carry(mut from: TcpStream, mut to: TcpStream, passed: impl Fn(u64)) {
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(bytes @ 1..) = from.read(&mut buffer) {
        passed(bytes as u64);
        if to.write_all(&buffer[..bytes]).is_err() {
            return;
        }
    }
    let _ended_already = to.shutdown(std::net::Shutdown::Write);
}

/// A process that says one line when it is ready.
struct Process {
    child: Child,
    said: String,
}

impl Process {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)? == 0 {
            bail!("a process ended early");
        }
        Ok(Self { child, said: line.trim().to_owned() })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

/// User and system time of a process in milliseconds (the kernel counts hundredths).
fn cpu_ms(pid: u32) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    Ok((fields[11].parse::<u64>()? + fields[12].parse::<u64>()?) * 10)
}

/// The self-hosted relay, as `remuda relay serve` runs it.
fn relay(vendor: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let upstreams = Upstreams::with(&[format!("http://{vendor}")]).map_err(|(_, error)| error)?;
        let settings = Settings { per_minute: 1_000_000, ..Settings::default() };
        let http = remuda_upstream::Client::new(Config::default())?;
        let relay = Relay::new(settings, upstreams, http, "one life".to_owned(), Arc::new(now_ms));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let listening = serve(relay, Tokens::parse(TOKEN)?, None, listener, None)?;
        println!("{}", listening.address);
        std::future::pending().await
    })
}

fn now_ms() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis() as u64)
}

/// Reads requests and says yes.
fn vendor() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let mut stream = stream?;
        std::thread::spawn(move || -> std::io::Result<()> {
            stream.set_nodelay(true)?;
            let mut reader = BufReader::with_capacity(256 * 1024, stream.try_clone()?);
            loop {
                let (mut line, mut length) = (String::new(), 0);
                while line != "\r\n" {
                    line.clear();
                    if reader.read_line(&mut line)? == 0 {
                        return Ok(());
                    }
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                        length = value.trim().parse().unwrap_or(0);
                    }
                }
                std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink())?;
                stream.write_all(ANSWER)?;
            }
        });
    }
    Ok(())
}

fn recorded(directory: &Path) -> Result<Vec<Bytes>> {
    let mut files: Vec<_> = std::fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.sort();
    files.iter().map(|file| Ok(Bytes::from(std::fs::read(file)?))).collect()
}

/// A conversation as an agent sends it at this turn: instructions and tools first, each turn some text and a tool's
/// result, the newest message marked for the cache, a field near the front that changes with every turn.
fn conversation(turns: usize) -> Bytes {
    let mut state = 1u64;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{:x} ", (state >> 40) % 50_000)
    };
    let mut text = |words: usize| (0..words).map(|_| word()).collect::<String>();
    let (system, tools) = (text(4_000), text(12_000));
    let messages: Vec<String> = (0..turns * 2)
        .map(|number| {
            let role = if number % 2 == 0 { "user" } else { "assistant" };
            let mark = if number + 1 == turns * 2 { r#","cache_control":{"type":"ephemeral"}"# } else { "" };
            format!(r#"{{"role":"{role}","content":[{{"type":"text","text":"{}"{mark}}}]}}"#, text(1_200))
        })
        .collect();
    let body = format!(
        r#"{{"model":"m","metadata":{{"turn":{turns}}},"system":"{system}","tools":"{tools}","messages":[{}],"stream":true}}"#,
        messages.join(",")
    );
    body.into()
}

fn mb(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
