//! `remuda demo`. What it shows is in `crate::demo`.

use std::time::Instant;

use super::{FAILED, OK};
use crate::demo::{self, DemoDone, Stage};
use crate::output::Out;
use crate::serve::Signals;
use crate::view;

/// Needs no configuration and touches none.
pub(super) async fn demo(out: Out) -> anyhow::Result<u8> {
    let begun = Instant::now();
    // Caught before there is anything that could be left behind.
    let mut signals = Signals::catch(false)?;
    let stage = Stage::set().await?;
    let told = tokio::select! {
        told = demo::tell(&stage, out) => told,
        name = signals.next() => {
            out.tell("\n")?;
            Err(anyhow::anyhow!("the demo was stopped ({name})"))
        }
    };
    let left = stage.clear().await;
    let day = told.map_err(|error| match left.as_slice() {
        [] => error,
        left => error.context(format!("this is left behind: {}", left.join("; "))),
    })?;
    let checks = demo::judge(&day, &left);
    let held = checks.iter().all(|check| check.held);
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    out.answer(DemoDone { held, checks, took_ms }, view::demo::demo_done)?;
    Ok(if held { OK } else { FAILED })
}
