//! The acceptance cases of `refresh.json`, acted out by the real keeper on the real store.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod case;
pub mod sim;
pub mod watched;
pub mod world;
