//! What the tests over the real wire share: the server as a process, a client that sees every message, and the choice
//! of what to test against.
//!
//! Tests run the built binary in a temporary folder. With `HEADWATER_TEST_URL` (`postgresql://user@host:port/database`) they
//! run against that server instead, in a database made for each test: this is how the expected results are held against
//! PostgreSQL itself.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part of this module")]

pub mod client;
pub mod message;
pub mod server;
pub mod target;

pub use client::{Answer, Client, Fault};
pub use message::Message;
pub use server::Server;
pub use target::Target;

/// A number from the environment, or its default.
pub fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => default,
    }
}
