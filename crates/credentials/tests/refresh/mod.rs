//! The acceptance cases of `refresh.json`, acted out by the real keeper on the real store.

pub mod case;
pub mod sim;
pub mod watched;
pub mod world;
