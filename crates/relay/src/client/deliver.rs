//! Gets one message to a relay: exactly as it is, again and again while the connection is lost, and never another one in
//! its place while it is not known what became of it. A relay that gets it twice gives the same answer twice.

use std::time::Duration;

use crate::client::lane::{Lane, Prepared};
use crate::client::relayed::{Inner, Transport};
use crate::client::socket::Socket;
use crate::client::transport::{Link, Trouble, exchange};
use crate::code::Code;
use crate::message::{self, Problem};
use crate::record::{Kind, Record};

/// Pauses before each try.
const TRIES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];

/// A message that the relay has taken.
pub struct Delivered {
    /// Where its answer comes from.
    pub link: Link,
    /// What has come of it already.
    pub first: Option<Record>,
}

/// Delivers. A WebSocket that is at hand is used, or one is opened.
///
/// # Errors
/// [`Trouble::Refused`] and [`Trouble::NotSent`]: the vendor knows nothing of it. [`Trouble::Lost`]: it may.
pub async fn deliver(
    client: &Inner,
    lane: &mut Lane,
    mut socket: Option<Socket>,
    message: &Prepared,
) -> Result<Delivered, Trouble> {
    let mut lost: Option<String> = None;
    for pause in TRIES {
        tokio::time::sleep(pause).await;
        let tried = match client.profile.transport {
            Transport::Http => exchange(&client.http, &client.address, &lane.conversation, &message.content)
                .await
                .map(|link| Delivered { link, first: None }),
            Transport::WebSocket => over_socket(client, lane, socket.take(), message).await,
        };
        match tried {
            Ok(delivered) => return Ok(delivered),
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
) -> Result<Delivered, Trouble> {
    let mut socket = match socket {
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
    let first = async {
        socket.exchange(&message.content).await?;
        socket.record().await
    };
    let first = tokio::time::timeout(client.silence(lane), first).await;
    let first = first.map_err(|_| Trouble::Lost("the relay is silent".to_owned()))?.map_err(Trouble::Lost)?;
    if first.kind == Kind::Problem {
        let problem: Problem = message::read(&first.content).map_err(|problem| Trouble::Lost(problem.message))?;
        if !problem.code.is_about_the_call() {
            return Err(Trouble::Refused(problem));
        }
    }
    Ok(Delivered { link: Link::Socket(Box::new(socket)), first: Some(first) })
}
