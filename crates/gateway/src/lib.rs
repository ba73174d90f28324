//! The data plane.
pub mod budget;
pub mod choice;
pub mod guard;
pub mod headers;
pub mod keys;
pub mod plain;
pub mod replay;
pub mod sessions;
