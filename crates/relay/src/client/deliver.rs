//! Gets one message to a relay: exactly as it is, again and again while the connection is lost, and never another one in
//! its place while it is not known what became of it. A relay that gets it twice gives the same answer twice.

use std::time::Duration;

use crate::client::lane::{Lane, Prepared};
use crate::client::relayed::{Inner, Transport};
use crate::client::socket::Socket;
use crate::client::transport::{Link, Trouble, exchange};
use crate::code::Code;
use crate::message::Problem;

/// Pauses before each try.
const TRIES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];

/// Delivers; the answer's records follow. A WebSocket that is at hand is used, or one is opened.
///
/// # Errors
/// [`Trouble::Refused`] and [`Trouble::NotSent`]: the vendor knows nothing of it. [`Trouble::Lost`]: it may.
pub async fn deliver(
    client: &Inner,
    lane: &mut Lane,
    mut socket: Option<Socket>,
    message: &Prepared,
) -> Result<Link, Trouble> {
    let mut lost: Option<String> = None;
    for pause in TRIES {
        tokio::time::sleep(pause).await;
        let tried = match client.profile.transport {
            Transport::Http => exchange(&client.http, &client.address, &lane.conversation, &message.content).await,
            Transport::WebSocket => over_socket(client, lane, socket.take(), message).await,
        };
        match tried {
            Ok(link) => return Ok(link),
            Err(Trouble::NotSent(why)) if lost.is_none() => return Err(Trouble::NotSent(why)),
            // Said only after the relay has looked for an earlier copy and found none.
            Err(Trouble::Refused(problem)) if lost.is_none() || problem.code.wants_whole_body() => {
                return Err(Trouble::Refused(problem));
            }
            Err(Trouble::Refused(problem)) => return Err(Trouble::Lost(problem.message)),
            Err(Trouble::NotSent(why) | Trouble::Lost(why)) => lost = Some(why),
        }
    }
    Err(Trouble::Lost(lost.unwrap_or_default()))
}

async fn over_socket(
    client: &Inner,
    lane: &mut Lane,
    socket: Option<Socket>,
    message: &Prepared,
) -> Result<Link, Trouble> {
    let kept = socket.and_then(|mut socket| socket.is_open().then_some(socket));
    let mut socket = match kept {
        Some(socket) => socket,
        None => {
            let known = lane.relay().map(|welcome| welcome.epoch.clone());
            let (socket, welcome) = Socket::open(&client.http, &client.address, &lane.conversation).await?;
            let other = known.is_some_and(|known| known != welcome.epoch);
            lane.welcomed(welcome, (client.now_ms)());
            if other {
                let forgot = Problem::before(Code::Epoch, "the relay has forgotten this conversation");
                return Err(Trouble::Refused(forgot));
            }
            socket
        }
    };
    socket.exchange(&message.content, client.silence(lane)).await?;
    Ok(Link::Socket(Box::new(socket)))
}
