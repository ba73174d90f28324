//! Measures the release binary of Remuda beside nginx and a bare hyper proxy, in one interleaved run. See README.md.

mod bare;
mod cost;
mod load;
mod message;
mod report;
mod scenario;
mod target;
mod upstream;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: remuda-bench --remuda PATH [--rounds N] [--seconds N] [--streams N] [--only LOAD] [--json FILE]

  --remuda PATH   the release binary to measure
  --rounds N      interleaved rounds; the median counts [default: 5]
  --seconds N     length of one measurement [default: 3]
  --streams N     idle streams for the memory measurement [default: 5000]
  --only LOAD     only this load and no footprint: burst, \"each event its own write\", \"1 MB bodies\", \"5 MB bodies\"
  --json FILE     also write the figures to this file";

/// What the person asked for.
struct Options {
    remuda: PathBuf,
    rounds: usize,
    seconds: f64,
    streams: usize,
    only: Option<String>,
    json: Option<PathBuf>,
}

fn options() -> Result<Options> {
    let mut options =
        Options { remuda: PathBuf::new(), rounds: 5, seconds: 3.0, streams: 5000, only: None, json: None };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let mut value = || args.next().with_context(|| format!("{name} needs a value\n{USAGE}"));
        match name.as_str() {
            "--remuda" => options.remuda = value()?.into(),
            "--rounds" => options.rounds = value()?.parse().context("--rounds")?,
            "--seconds" => options.seconds = value()?.parse().context("--seconds")?,
            "--streams" => options.streams = value()?.parse().context("--streams")?,
            "--only" => options.only = Some(value()?),
            "--json" => options.json = Some(value()?.into()),
            _ => bail!("{USAGE}"),
        }
    }
    if !options.remuda.is_file() {
        bail!("no such binary: {}\n{USAGE}", options.remuda.display());
    }
    Ok(options)
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // The bare proxy is this binary once more, so that it is built with the same versions.
    if let [_, bare, listen, upstream] = std::env::args().collect::<Vec<_>>().as_slice()
        && bare == "bare-proxy"
    {
        return runtime.block_on(bare::serve(listen.parse()?, upstream.parse()?));
    }
    let options = options()?;
    let figures = runtime.block_on(scenario::all(&options))?;
    print!("{}", report::table(&figures));
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_vec_pretty(&figures)?).with_context(|| file.display().to_string())?;
    }
    Ok(())
}
