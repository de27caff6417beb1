//! The protocol as bytes: what no client library would send, and every message that a server answers.
//!
//! `start.rs` how a connection begins and ends; `simple.rs` the simple query; `extended.rs` the extended protocol; `formats.rs` text and
//! binary forms of the types; `copy.rs` COPY, `copy_files.rs` with files of the server and Parquet; `client.rs` the same through a library; `fuzz.rs` malformed messages.

#[path = "protocol/client.rs"]
mod client;
#[path = "protocol/copy.rs"]
mod copy;
#[path = "protocol/copy_files.rs"]
mod copy_files;
#[path = "protocol/extended.rs"]
mod extended;
#[path = "protocol/formats.rs"]
mod formats;
#[path = "protocol/fuzz.rs"]
mod fuzz;
mod harness;
#[path = "protocol/simple.rs"]
mod simple;
#[path = "protocol/start.rs"]
mod start;

use harness::Message;

/// The kinds of messages, in order, as text.
fn kinds(messages: &[Message]) -> String {
    messages.iter().map(|m| char::from(m.kind)).collect()
}

/// The kinds without those that may come at any time: notices and parameters.
fn essential(messages: &[Message]) -> String {
    kinds(messages).chars().filter(|k| !matches!(k, 'N' | 'S')).collect()
}

/// The first message of a kind.
#[track_caller]
fn first(messages: &[Message], kind: u8) -> &Message {
    messages.iter().find(|m| m.kind == kind).unwrap_or_else(|| panic!("no {} in {}", char::from(kind), kinds(messages)))
}

/// The SQLSTATE of the first error.
#[track_caller]
fn code(messages: &[Message]) -> String {
    first(messages, b'E').fields()[&'C'].clone()
}

/// The tags of all commands that completed.
fn tags(messages: &[Message]) -> Vec<String> {
    messages.iter().filter(|m| m.kind == b'C').map(|m| m.reader().string()).collect()
}

/// The rows in text format, values joined by `|`.
fn rows(messages: &[Message]) -> Vec<String> {
    let value = |v: Option<Vec<u8>>| v.map_or("NULL".to_owned(), |v| String::from_utf8(v).expect("text"));
    let row = |m: &Message| m.values().into_iter().map(value).collect::<Vec<_>>().join("|");
    messages.iter().filter(|m| m.kind == b'D').map(row).collect()
}

/// The last transaction status that was reported.
fn status(messages: &[Message]) -> char {
    messages.iter().rev().find(|m| m.kind == b'Z').map_or('?', |m| char::from(m.body[0]))
}
