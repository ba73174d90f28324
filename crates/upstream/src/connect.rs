//! Opens connections: name look-up, TCP to the first address that answers, TLS.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::error::{Error, Stage};
use crate::origin::Origin;
use crate::stream::Stream;
use crate::tls::Tls;

/// How long an address may be silent before the next one is tried beside it (RFC 8305, 5).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// Opens a connection to `origin` within `limit`.
pub(crate) async fn connect(origin: &Origin, tls: &Tls, limit: Duration) -> Result<Stream, Error> {
    let connecting = async {
        let tcp = connect_tcp(origin).await.map_err(|source| Error::Connect { origin: origin.clone(), source })?;
        if origin.is_https() {
            connect_tls(origin, tls, tcp).await.map_err(|source| Error::Tls { origin: origin.clone(), source })
        } else {
            Ok(Stream::Plain(tcp))
        }
    };
    let expired = |_| Error::Timeout { stage: Stage::Connect, after: limit, sent: false };
    timeout(limit, connecting).await.map_err(expired)?
}

async fn connect_tls(origin: &Origin, tls: &Tls, tcp: TcpStream) -> io::Result<Stream> {
    let name = ServerName::try_from(origin.host().to_owned()).map_err(io::Error::other)?;
    let stream = tls.connector().await?.connect(name, tcp).await?;
    Ok(Stream::Tls(Box::new(stream)))
}

async fn connect_tcp(origin: &Origin) -> io::Result<TcpStream> {
    let mut addresses = in_turns(lookup_host((origin.host(), origin.port())).await?);
    let mut tries = JoinSet::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = addresses.pop_front() {
            tries.spawn(TcpStream::connect(address));
        }
        let patience = if addresses.is_empty() { Duration::MAX } else { NEXT_ADDRESS_AFTER };
        match timeout(patience, tries.join_next()).await {
            Ok(Some(Ok(Ok(tcp)))) => {
                tcp.set_nodelay(true)?;
                return Ok(tcp);
            }
            Ok(Some(Ok(Err(error)))) => failure = error,
            Ok(Some(Err(join))) => failure = io::Error::other(join),
            Ok(None) => return Err(failure),
            Err(_) => {}
        }
    }
}

/// Both families in turns, so that a broken one costs one step.
fn in_turns(addresses: impl Iterator<Item = SocketAddr>) -> VecDeque<SocketAddr> {
    let (mut first, mut second): (VecDeque<_>, VecDeque<_>) = (VecDeque::new(), VecDeque::new());
    for address in addresses {
        let queue = if first.front().is_none_or(|head: &SocketAddr| head.is_ipv4() == address.is_ipv4()) {
            &mut first
        } else {
            &mut second
        };
        queue.push_back(address);
    }
    let mut turns = VecDeque::with_capacity(first.len() + second.len());
    while !first.is_empty() || !second.is_empty() {
        turns.extend(first.pop_front());
        turns.extend(second.pop_front());
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::in_turns;

    #[test]
    fn both_families_are_tried_in_turns_the_resolvers_first_choice_first() {
        let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"].map(|text| text.parse().unwrap());
        let turns: Vec<String> = in_turns(addresses.into_iter()).iter().map(ToString::to_string).collect();
        assert_eq!(turns, ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
    }
}
