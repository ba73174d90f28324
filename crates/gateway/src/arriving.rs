//! A vendor's answer on its way here: over a connection of our own, or through the user's relay.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use remuda_relay::client::AnswerBody;
use remuda_upstream::Incoming;

use crate::socket::trunk::{SocketFailure, TurnBody};

/// See the module.
pub enum Arriving {
    /// From the vendor.
    Direct(Incoming),
    /// Through the relay, as the vendor sent it.
    Relayed(Box<AnswerBody>),
    /// Over a WebSocket, one turn of it.
    Socket(Box<TurnBody>),
    /// Not from the vendor at all: said in its place.
    Own(Option<Bytes>),
}

/// Why it broke off.
#[derive(Debug, thiserror::Error)]
pub enum BrokeOff {
    /// On our own connection.
    #[error(transparent)]
    Direct(#[from] remuda_upstream::Error),
    /// On the way through the relay, or behind it.
    #[error(transparent)]
    Relayed(#[from] remuda_relay::client::BodyFailure),
    /// Over a WebSocket.
    #[error(transparent)]
    Socket(#[from] SocketFailure),
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        match self.get_mut() {
            Self::Direct(body) => Pin::new(body).poll_frame(cx).map_err(BrokeOff::from),
            Self::Relayed(body) => Pin::new(body.as_mut()).poll_frame(cx).map_err(BrokeOff::from),
            Self::Socket(body) => Pin::new(body.as_mut()).poll_frame(cx).map_err(BrokeOff::from),
            Self::Own(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Direct(body) => body.is_end_stream(),
            Self::Relayed(body) => body.is_end_stream(),
            Self::Socket(body) => body.is_end_stream(),
            Self::Own(body) => body.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Direct(body) => body.size_hint(),
            Self::Relayed(body) => body.size_hint(),
            Self::Socket(body) => body.size_hint(),
            Self::Own(body) => SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64)),
        }
    }
}
