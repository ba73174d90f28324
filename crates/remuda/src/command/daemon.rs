//! `remuda stop`. What `serve` runs is in `crate::serve`.

use std::time::{Duration, Instant};

use remuda_control::types::Empty;
use remuda_control::verb::Stop;
use remuda_control::{Code, Failure, not_running};

use super::{Context, OK};
use crate::backend::Backend;
use crate::instance::Instance;
use crate::view;

/// Longer than the daemon drains and finishes refreshes.
const GONE_WITHIN: Duration = Duration::from_secs(75);
const LOOK_EVERY: Duration = Duration::from_millis(25);

pub(super) async fn stop(context: &Context) -> anyhow::Result<u8> {
    let Some(daemon) = Backend::daemon(&context.paths).await? else { return Err(not_running().into()) };
    let stopping = daemon.call::<Stop>(Empty {}).await?;
    let deadline = Instant::now() + GONE_WITHIN;
    let mut told = false;
    while Instance::is_held(&context.paths)? {
        if Instant::now() > deadline {
            return Err(Failure::new(Code::Busy, "the daemon was asked to stop and has not done so yet")
                .remedy(format!("look at {}, or end process {}", context.paths.log().display(), stopping.daemon.pid))
                .into());
        }
        if !told && deadline - Instant::now() < GONE_WITHIN - Duration::from_secs(1) {
            context.out.note("Requests under way may end …");
            told = true;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    context.out.answer(stopping, view::stopped)?;
    Ok(OK)
}
