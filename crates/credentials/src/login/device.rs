//! Device codes: asks the vendor again and again whether the person has entered the code. A network fault costs one
//! question, not the login; the desk ends it when its time is over.

use std::time::Duration;

use remuda_vendors::login::Code;
use remuda_vendors::openai::device::{DeviceCode, Poll, read_poll, read_start, start_call};
use remuda_vendors::{LoginError, openai};

use super::failure::LoginFailure;
use crate::clock::Clock;
use crate::exchange::{Exchange, SendError};

/// Asks for a code.
pub(super) async fn begin(at: &openai::Endpoints, exchange: &dyn Exchange) -> Result<DeviceCode, LoginFailure> {
    let answer = exchange.send(&start_call(at)).await.map_err(|error| match error {
        SendError::NotSent(why) | SendError::MaybeSent(why) => LoginFailure::Unreachable { why, spent: false },
    })?;
    Ok(read_start(answer.status, &answer.body)?)
}

/// Waits until the code was entered.
pub(super) async fn wait(
    at: &openai::Endpoints,
    mut code: DeviceCode,
    exchange: &dyn Exchange,
    clock: &dyn Clock,
) -> Result<Code, LoginError> {
    loop {
        clock.sleep(Duration::from_secs(code.pause_s)).await;
        match exchange.send(&code.poll_call(at)).await.map(|answer| read_poll(answer.status, &answer.body)) {
            Ok(Poll::Ready(code)) => return Ok(code),
            Ok(Poll::Over(error)) => return Err(error),
            Ok(Poll::SlowDown) => code.slow_down(),
            Ok(Poll::Pending) => {}
            Err(error) => tracing::info!(%error, "the vendor could not be asked whether the code was entered"),
        }
    }
}
