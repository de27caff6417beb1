//! One SQL command to a running server, for the commands that ask one: just enough of PostgreSQL's protocol for a row of
//! text to come back.

use headwater::base::{Error, Result, SqlState};
use postgres_protocol::message::{backend, frontend};
use std::io::{Read, Write};
use std::net::TcpStream;

/// The longest message that is believed.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Where a server is.
#[derive(Debug, PartialEq, Eq)]
pub struct Address {
    user: String,
    host_port: String,
    database: String,
}

impl Address {
    /// `postgresql://[USER@]HOST[:PORT][/DATABASE]`.
    pub fn parse(url: &str) -> Result<Address> {
        let wrong = || {
            let message = format!("\"{url}\" is not where a server is: expected postgresql://HOST:PORT");
            Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
        };
        let rest = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://")).ok_or_else(wrong)?;
        let (place, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host_port) = place.split_once('@').unwrap_or(("postgres", place));
        let strange = |text: &str| text.contains(['?', '/', '@', ' ']);
        if host_port.is_empty() || user.is_empty() || user.contains(':') || strange(host_port) || strange(database) {
            return Err(wrong());
        }
        // The last colon begins a port, unless it is one of an IPv6 address.
        let has_port = host_port.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        let host_port = if has_port { host_port.to_owned() } else { format!("{host_port}:5432") };
        let database = if database.is_empty() { "postgres" } else { database };
        Ok(Address { user: user.to_owned(), host_port, database: database.to_owned() })
    }
}

fn lost(e: impl std::fmt::Display) -> Error {
    Error::new(SqlState::CONNECTION_FAILURE, format!("connection to the server lost: {e}"))
}

/// Runs a command, and answers the first column of its first row.
///
/// Errors: 08006 when the server cannot be reached, 0A000 when it wants a password, and what it answers.
pub fn ask(address: &Address, sql: &str) -> Result<Option<String>> {
    let refused = |e| {
        let message = format!("could not connect to {}: {e}", address.host_port);
        Error::new(SqlState::CONNECTION_FAILURE, message)
    };
    let mut stream = TcpStream::connect(&address.host_port).map_err(refused)?;
    let mut out = bytes::BytesMut::new();
    let parameters = [("user", &*address.user), ("database", &*address.database), ("application_name", "headwater")];
    frontend::startup_message(parameters, &mut out).map_err(lost)?;
    stream.write_all(&out).map_err(lost)?;
    until_ready(&mut stream)?;
    out.clear();
    frontend::query(sql, &mut out).map_err(lost)?;
    stream.write_all(&out).map_err(lost)?;
    let answer = until_ready(&mut stream)?;
    out.clear();
    frontend::terminate(&mut out);
    // Nothing depends on it.
    let _ = stream.write_all(&out);
    Ok(answer)
}

/// Reads messages until the server waits for the next command.
fn until_ready(stream: &mut TcpStream) -> Result<Option<String>> {
    let (mut answer, mut fault) = (None, None);
    loop {
        let (tag, body) = match message(stream) {
            Ok(message) => message,
            // Behind some errors the server hangs up.
            Err(e) => return Err(fault.unwrap_or(e)),
        };
        match tag {
            backend::READY_FOR_QUERY_TAG => return fault.map_or(Ok(answer), Err),
            backend::ERROR_RESPONSE_TAG => fault = fault.or(Some(server_error(&body))),
            backend::AUTHENTICATION_TAG if body.get(..4) != Some(&[0; 4]) => {
                return Err(Error::unsupported("authentication by this command"));
            }
            backend::DATA_ROW_TAG if answer.is_none() => answer = first_column(&body),
            _ => {}
        }
    }
}

fn message(stream: &mut TcpStream) -> Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).map_err(lost)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if !(4..=MESSAGE_BYTES_MAX).contains(&length) {
        return Err(lost("it sent a message of an impossible length"));
    }
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).map_err(lost)?;
    Ok((head[0], body))
}

/// Of a DataRow: the number of columns, then for each its length and its text.
fn first_column(body: &[u8]) -> Option<String> {
    let length = i32::from_be_bytes(*body.get(2..6)?.first_chunk()?);
    let text = body.get(6..6 + usize::try_from(length).ok()?)?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// Fields, each a letter and a text that ends with a zero. Its code is not shown to anyone.
fn server_error(body: &[u8]) -> Error {
    let field = |letter: u8| {
        let fields = body.split(|b| *b == 0).filter(|f| f.first() == Some(&letter));
        fields.map(|f| String::from_utf8_lossy(&f[1..]).into_owned()).next()
    };
    let mut e = Error::new(SqlState::SYSTEM_ERROR, field(b'M').unwrap_or_default());
    if let Some(hint) = field(b'H') {
        e = e.hint(hint);
    }
    e
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused() {
        let address = |user: &str, host_port: &str, database: &str| Address {
            user: user.into(),
            host_port: host_port.into(),
            database: database.into(),
        };
        for (url, expected) in [
            ("postgresql://127.0.0.1:5433", address("postgres", "127.0.0.1:5433", "postgres")),
            ("postgres://me@there/db", address("me", "there:5432", "db")),
            ("postgresql://[::1]", address("postgres", "[::1]:5432", "postgres")),
            ("postgresql://[::1]:99/", address("postgres", "[::1]:99", "postgres")),
        ] {
            assert_eq!(Address::parse(url).unwrap(), expected, "{url}");
        }
        for url in ["127.0.0.1:1", "postgresql://", "postgresql://a:b@h", "postgresql://h?x=1", "http://h"] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }
}
