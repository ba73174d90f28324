//! A vendor's answer on its way here: over a connection of our own, or through the user's relay.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use remuda_relay::client::AnswerBody;
use remuda_upstream::Incoming;

/// See the module.
pub enum Arriving {
    /// From the vendor.
    Direct(Incoming),
    /// Through the relay, as the vendor sent it.
    Relayed(Box<AnswerBody>),
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
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokeOff>>> {
        match self.get_mut() {
            Self::Direct(body) => Pin::new(body).poll_frame(cx).map_err(BrokeOff::from),
            Self::Relayed(body) => Pin::new(body.as_mut()).poll_frame(cx).map_err(BrokeOff::from),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Direct(body) => body.is_end_stream(),
            Self::Relayed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Direct(body) => body.size_hint(),
            Self::Relayed(body) => body.size_hint(),
        }
    }
}
