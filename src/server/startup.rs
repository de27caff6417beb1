//! The start of a connection, before there is a session: refusals of encryption, cancel requests, the start-up message.
//!
//! 1. Read the length-prefixed packet (`ProcessStartupPacket`, `src/backend/tcop/backend_startup.c`).
//! 2. SSLRequest and GSSENCRequest are answered `N`, once each; then comes the next packet.
//! 3. A CancelRequest is passed on and the connection closed without a word.
//! 4. A start-up message names the protocol, the user and settings.

use super::frame::{utf8, violation};
use super::wire::Wire;
use crate::base::{Error, Result, SqlState};
use bytes::{Buf, BytesMut};
use pgwire::messages::cancel::CancelRequest;
use pgwire::messages::startup::{GssEncRequest, NegotiateProtocolVersion, SecretKey, SslRequest, Startup};
use pgwire::messages::{DecodeContext, Message, PgWireBackendMessage, ProtocolVersion};
use std::collections::BTreeMap;

/// `MAX_STARTUP_PACKET_LENGTH`, in bytes.
const LONGEST: usize = 10_000;

/// What a new connection wants.
pub enum Wish {
    /// A session, with the parameters of its start-up message.
    Session(BTreeMap<String, String>),
    /// To cancel what the session of this process number does.
    Cancel { process: i32, secret: i32 },
    /// Nothing: it closed, or sent what is no PostgreSQL at all.
    Nothing,
}

/// Reads packets until the client has said what it wants.
///
/// Error: 08P01 for a malformed packet, 0A000 for a protocol that is not 3.
pub async fn negotiate(wire: &mut Wire) -> Result<Wish> {
    let (mut ssl_asked, mut gss_asked) = (false, false);
    loop {
        let Some(mut packet) = packet(wire).await? else { return Ok(Wish::Nothing) };
        let context = DecodeContext::new(ProtocolVersion::PROTOCOL3_0);
        if !ssl_asked && SslRequest::is_ssl_request_packet(&packet) {
            ssl_asked = true;
            wire.raw(b"N").await?;
        } else if !gss_asked && GssEncRequest::is_gss_enc_request_packet(&packet) {
            gss_asked = true;
            wire.raw(b"N").await?;
        } else if CancelRequest::is_cancel_request_packet(&packet) {
            return Ok(match packet.len() {
                16 => {
                    packet.advance(8);
                    Wish::Cancel { process: packet.get_i32(), secret: packet.get_i32() }
                }
                _ => Wish::Nothing,
            });
        } else {
            let asked = check(&packet)?;
            let startup = Startup::decode(&mut packet, &context)
                .map_err(|e| violation(e.to_string()))?
                .ok_or_else(|| violation("invalid startup packet layout"))?;
            answer_version(wire, asked, &startup.parameters);
            return Ok(Wish::Session(startup.parameters));
        }
    }
}

/// One packet with its length word; None when the connection ends before or the first bytes are no packet.
async fn packet(wire: &mut Wire) -> Result<Option<BytesMut>> {
    loop {
        if let Some(head) = wire.input.get(..4) {
            let length = u32::from_be_bytes(head.try_into().expect("four bytes")) as usize;
            if !(8..=LONGEST).contains(&length) {
                return Err(violation("invalid length of startup packet"));
            }
            if wire.input.len() >= length {
                return Ok(Some(wire.input.split_to(length)));
            }
        }
        if !wire.read_more().await? {
            return Ok(None);
        }
    }
}

/// The version asked for, once the packet is known to be a well-formed start-up message.
fn check(packet: &[u8]) -> Result<(u16, u16)> {
    let word = |at: usize| u16::from_be_bytes(packet[at..at + 2].try_into().expect("two bytes"));
    let (major, minor) = (word(4), word(6));
    if major != 3 {
        return Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0"),
        ));
    }
    let mut rest = &packet[8..];
    loop {
        let end = rest
            .iter()
            .position(|b| *b == 0)
            .ok_or_else(|| violation("invalid startup packet layout: expected terminator as last byte"))?;
        utf8(&rest[..end])?;
        if end == 0 {
            return if rest.len() == 1 {
                Ok((major, minor))
            } else {
                Err(violation("invalid startup packet layout: expected terminator as last byte"))
            };
        }
        rest = &rest[end + 1..];
        let end = rest.iter().position(|b| *b == 0).ok_or_else(|| violation("invalid startup packet layout"))?;
        utf8(&rest[..end])?;
        rest = &rest[end + 1..];
    }
}

/// A newer minor version, or protocol options that are not known (`_pq_.`), are answered with what is spoken here.
fn answer_version(wire: &mut Wire, (_, minor): (u16, u16), parameters: &BTreeMap<String, String>) {
    let unknown: Vec<String> = parameters.keys().filter(|k| k.starts_with("_pq_.")).cloned().collect();
    if minor > 0 || !unknown.is_empty() {
        wire.put(PgWireBackendMessage::NegotiateProtocolVersion(NegotiateProtocolVersion::new(0, unknown)));
    }
}

pub fn secret_key(secret: i32) -> SecretKey {
    SecretKey::I32(secret)
}
