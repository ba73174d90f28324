//! The gateway's end: sends a request through a relay, as what changed since the last one, and gives the vendor's answer.
//!
//! A [`lane`] is one conversation with the relay. [`lanes`] finds the one whose last body is most like the new one.
//! [`transport`] carries records over HTTP or, through [`socket`], over a WebSocket. [`deliver`] gets a message to the
//! relay exactly as it is, however often the connection is lost. An [`answer`] is the vendor's, picked up again where a
//! connection was lost; dropped, it cancels.

pub mod answer;
pub mod deliver;
pub mod lane;
pub mod lanes;
pub mod relayed;
pub mod socket;
pub mod transport;

pub use answer::{AnswerBody, BodyFailure};
pub use relayed::{Answer, Client, Failure, Outgoing, Profile, Sent, Transport};
