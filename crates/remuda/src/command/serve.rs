//! `remuda serve`.

use std::sync::Arc;

use remuda_control::Failure;
use remuda_credentials::SystemClock;
use serde::Serialize;

use super::{Context, OK};
use crate::cli::ServeArgs;
use crate::serve::{Serving, Started};
use crate::view;

/// What `serve --json` prints when it is ready, or when another daemon is.
#[derive(Debug, Serialize)]
struct Ready {
    daemon: remuda_control::types::Daemon,
    already_running: bool,
}

pub(super) async fn serve(context: &Context, args: ServeArgs) -> anyhow::Result<u8> {
    let mut config = context.config()?.clone();
    if let Some(listen) = args.listen {
        config.listen = listen.parse().map_err(|_| {
            Failure::invalid(format!("{listen:?} is no address with a port"))
                .remedy("for example: --listen 127.0.0.1:4748")
        })?;
    }
    match Serving::start(&context.paths, &config, Arc::new(SystemClock), args.background).await? {
        Started::AlreadyRuns(daemon) => {
            let ready = Ready { daemon, already_running: true };
            let now = jiff::Timestamp::now().as_second();
            context.out.answer(ready, |ready| view::already_runs(&ready.daemon, now))?;
        }
        Started::Serving(serving) => {
            let ready = Ready { daemon: serving.facts.clone(), already_running: false };
            context.out.answer(ready, |ready| view::serving(&ready.daemon))?;
            serving.run().await;
        }
    }
    Ok(OK)
}
