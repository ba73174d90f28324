//! The data plane: listen, authenticate, route, try, commit, stream, record.
//!
//! The walk of one request, top to bottom: [`guard`] looks at Host, Origin and path; [`endpoint`] finds what the path
//! asks for; [`keys`] recognises the client key; [`intake`] reads what routing needs and no more; [`flight`] asks
//! routing and does what it says; [`boarding`] is getting onto an account that may have no room, [`waiting`] what happens
//! when nobody can serve and the owner lets it wait, [`kept`] how the agent is kept alive meanwhile; an [`attempt`] is one
//! upstream try, [`dress`] the request as one account gets it, [`provenance`] what must not come along; [`hold`] is the
//! commit point; [`release`] streams to the client; [`draft`] becomes the decision record; the [`journal`] writes it
//! behind. [`socket`] puts the turns of a WebSocket on the same road. [`herd`] is the state that all of them share,
//! [`events`] how others hear of it.

pub mod arriving;
pub mod attempt;
pub mod boarding;
pub mod body;
pub mod budget;
pub mod choice;
pub mod daemon;
pub mod destination;
pub mod draft;
pub mod dress;
pub mod endpoint;
pub mod events;
pub mod flight;
pub mod gateway;
pub mod guard;
pub mod hand_over;
pub mod headers;
pub mod herd;
pub mod hold;
pub mod intake;
pub mod journal;
pub mod keep_alive;
pub mod kept;
pub mod keys;
pub mod lines;
pub mod marks;
pub mod outgoing;
pub mod patience;
pub mod plain;
pub mod poller;
pub mod price;
pub mod provenance;
pub mod relay;
pub mod release;
pub mod replay;
pub mod restate;
pub mod server;
pub mod session;
pub mod sessions;
pub mod socket;
pub mod tap;
pub mod waiting;
pub mod warmth;
pub mod when;

pub use body::ClientBody;
pub use daemon::{Daemon, Parts};
pub use gateway::{BoxFuture, Doors, Fallback, Gateway, Settings};
pub use guard::Guard;
pub use herd::Herd;
pub use journal::Journal;
pub use marks::{CacheModes, Marking};
pub use poller::{Polled, Poller};
pub use relay::{RelayUse, Relays};
pub use remuda_wire::cache::Mode as CacheMode;
pub use server::{Peer, Server, Service};
