//! The measurements. Targets take turns within each round, so that a slow minute of the machine meets all of them.

use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use tokio::task::LocalSet;

use crate::Options;
use crate::load::{hold, run};
use crate::message::Mode;
use crate::target::{Kind, Plan, Running};
use crate::upstream;

/// One throughput measurement.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Load {
    pub name: &'static str,
    #[serde(skip)]
    mode: Mode,
    pub connections: usize,
    pub body_bytes: usize,
}

pub const LOADS: [Load; 4] = [
    Load { name: "burst", mode: Mode::Burst, connections: 64, body_bytes: 1000 },
    Load { name: "each event its own write", mode: Mode::Events, connections: 64, body_bytes: 1000 },
    Load { name: "1 MB bodies", mode: Mode::Json, connections: 8, body_bytes: 1_000_000 },
    Load { name: "5 MB bodies", mode: Mode::Json, connections: 4, body_bytes: 5_000_000 },
];

/// One figure per round.
#[derive(Clone, Debug, Serialize)]
pub struct Throughput {
    pub load: Load,
    pub target: Kind,
    pub requests_per_s: Vec<f64>,
    pub megabytes_per_s: Vec<f64>,
    /// CPU of the target, not of generator and upstream.
    pub cpu_us_per_request: Vec<f64>,
}

/// What a target needs when it does nothing, or next to nothing.
#[derive(Clone, Debug, Serialize)]
pub struct Footprint {
    pub target: Kind,
    /// From the start of the process to its first whole answer.
    pub cold_start_ms: Vec<f64>,
    pub idle_bytes: Vec<u64>,
    pub streams: usize,
    pub bytes_per_stream: f64,
}

#[derive(Debug, Serialize)]
pub struct Figures {
    pub throughput: Vec<Throughput>,
    pub footprint: Vec<Footprint>,
    pub binary_bytes: u64,
}

pub async fn all(options: &Options) -> Result<Figures> {
    LocalSet::new().run_until(measure(options)).await
}

async fn measure(options: &Options) -> Result<Figures> {
    let upstream = upstream::start().await?;
    let plans = [
        Plan::direct(upstream),
        Plan::nginx(upstream)?,
        Plan::bare_hyper(upstream)?,
        Plan::remuda(&options.remuda, upstream).await?,
    ];
    let mut footprint = Vec::new();
    for plan in plans.iter().filter(|plan| plan.kind != Kind::Direct && options.only.is_none()) {
        footprint.push(measure_footprint(plan, options).await?);
    }
    let mut throughput = Vec::new();
    for load in LOADS.into_iter().filter(|load| options.only.as_deref().is_none_or(|only| only == load.name)) {
        eprintln!("{} …", load.name);
        throughput.extend(measure_load(load, &plans, options).await?);
    }
    let binary_bytes = std::fs::metadata(&options.remuda)?.len();
    Ok(Figures { throughput, footprint, binary_bytes })
}

async fn measure_load(load: Load, plans: &[Plan], options: &Options) -> Result<Vec<Throughput>> {
    let mut results: Vec<_> = Kind::ALL
        .map(|target| Throughput {
            load,
            target,
            requests_per_s: Vec::new(),
            megabytes_per_s: Vec::new(),
            cpu_us_per_request: Vec::new(),
        })
        .into();
    let mut running: Vec<(&Plan, Running<'_>)> = Vec::new();
    for plan in plans {
        let (process, _) = plan.start().await?;
        // Warm connections and allocators are the normal state.
        run(plan.address, plan.requests(load.connections, load.mode, load.body_bytes), Duration::from_millis(300))
            .await?;
        running.push((plan, process));
    }
    for _ in 0..options.rounds {
        for (plan, process) in &running {
            let requests = plan.requests(load.connections, load.mode, load.body_bytes);
            let before = process.cpu_seconds()?;
            let done = run(plan.address, requests, Duration::from_secs_f64(options.seconds)).await?;
            let cpu = process.cpu_seconds()? - before;
            for result in results.iter_mut().filter(|result| result.target == plan.kind) {
                result.requests_per_s.push(done.requests as f64 / done.seconds);
                result.megabytes_per_s.push(done.request_bytes as f64 / done.seconds / 1e6);
                result.cpu_us_per_request.push(cpu * 1e6 / done.requests as f64);
            }
        }
    }
    Ok(results)
}

async fn measure_footprint(plan: &Plan, options: &Options) -> Result<Footprint> {
    eprintln!("footprint of {} …", plan.kind.as_str());
    let mut cold_start_ms = Vec::new();
    let mut idle_bytes = Vec::new();
    for _ in 0..options.rounds.max(3) {
        let (running, time) = plan.start().await?;
        cold_start_ms.push(time.as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_secs(1)).await;
        idle_bytes.push(running.resident_bytes()?);
    }
    let (running, _) = plan.start().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = running.resident_bytes()?;
    let streams = hold(plan.address, plan.requests(options.streams, Mode::Slow, 1000)).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let grown = running.resident_bytes()?.saturating_sub(before);
    Ok(Footprint {
        target: plan.kind,
        cold_start_ms,
        idle_bytes,
        streams: streams.len(),
        bytes_per_stream: grown as f64 / streams.len() as f64,
    })
}
