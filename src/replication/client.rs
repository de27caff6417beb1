//! The other end of a replication connection: just enough of PostgreSQL's protocol to send commands and to hold a CopyBoth
//! conversation, which no client library does.

use super::target::Target;
use crate::base::{Error, Result, SqlState};
use bytes::{Buf, Bytes, BytesMut};
use postgres_protocol::message::{backend, frontend};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const COPY_BOTH_RESPONSE: u8 = b'W';
const COPY_OUT_RESPONSE: u8 = b'H';

/// The longest message that is believed: a little more than the longest that is sent.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// One row of a command's result, as text.
pub type Row = Vec<Option<String>>;

pub struct Client {
    stream: TcpStream,
    input: BytesMut,
}

fn lost(e: impl std::fmt::Display) -> Error {
    Error::new(SqlState::CONNECTION_FAILURE, format!("connection to the primary lost: {e}"))
}

fn violation(what: impl Into<String>) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, what)
}

/// A message: its kind and its body.
struct Message {
    kind: u8,
    body: Bytes,
}

impl Client {
    /// Connects for the commands of replication, and waits until the server is ready.
    ///
    /// Errors: 08001 when it cannot be reached, what the server refuses with, 0A000 when it wants a password.
    pub async fn connect(target: &Target, application: &str) -> Result<Client> {
        let replication = [("database", "replication"), ("replication", "true"), ("application_name", application)];
        Client::open(target, &replication).await
    }

    /// Connects for one SQL command, and answers the first value of its first row.
    pub async fn ask(target: &Target, sql: &str) -> Result<Option<String>> {
        let parameters = [("database", target.database.as_str()), ("application_name", "headwater")];
        let rows = Client::open(target, &parameters).await?.command(sql).await?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next().flatten()))
    }

    async fn open(target: &Target, parameters: &[(&str, &str)]) -> Result<Client> {
        let refused = |e: std::io::Error| {
            let message = format!("could not connect to {}:{}: {e}", target.host, target.port);
            Error::new(SqlState::SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION, message)
        };
        let stream = TcpStream::connect((target.host.as_str(), target.port)).await.map_err(refused)?;
        stream.set_nodelay(true).map_err(lost)?;
        let mut client = Client { stream, input: BytesMut::with_capacity(256 << 10) };
        let mut out = BytesMut::new();
        let parameters = std::iter::once(("user", target.user.as_str())).chain(parameters.iter().copied());
        frontend::startup_message(parameters, &mut out).map_err(lost)?;
        client.send(&out).await?;
        loop {
            let message = client.message().await?;
            match message.kind {
                backend::AUTHENTICATION_TAG => {
                    let method = message.body.get(..4).map(|b| i32::from_be_bytes([b[0], b[1], b[2], b[3]]));
                    if method != Some(0) {
                        return Err(Error::unsupported("authentication on a connection to the primary"));
                    }
                }
                backend::READY_FOR_QUERY_TAG => return Ok(client),
                _ => {}
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await.map_err(lost)
    }

    /// The next message but notices; an error of the server is ours. It may be abandoned and called again.
    async fn message(&mut self) -> Result<Message> {
        loop {
            if let Some(message) = self.buffered()? {
                return Ok(message);
            }
            if self.stream.read_buf(&mut self.input).await.map_err(lost)? == 0 {
                return Err(lost("it was closed"));
            }
        }
    }

    /// The next message, as far as it has come already.
    fn buffered(&mut self) -> Result<Option<Message>> {
        loop {
            let Some(head) = self.input.get(..5) else { return Ok(None) };
            let (kind, length) = (head[0], u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize);
            if !(4..=MESSAGE_BYTES_MAX).contains(&length) {
                return Err(violation("the server sent a message of an impossible length"));
            }
            if self.input.len() < 1 + length {
                self.input.reserve(1 + length - self.input.len());
                return Ok(None);
            }
            let mut body = self.input.split_to(1 + length).freeze();
            body.advance(5);
            match kind {
                backend::ERROR_RESPONSE_TAG => return Err(server_error(&body)),
                backend::NOTICE_RESPONSE_TAG | backend::PARAMETER_STATUS_TAG => {}
                _ => return Ok(Some(Message { kind, body })),
            }
        }
    }

    /// Runs a command, and answers its rows.
    pub async fn command(&mut self, text: &str) -> Result<Vec<Row>> {
        self.send_query(text).await?;
        let mut rows = Vec::new();
        let mut failure = None;
        loop {
            let message = match self.message().await {
                Ok(message) => message,
                // The server goes on after an error of a command, but not after that of a connection.
                Err(e) if failure.is_none() && !is_of_connection(&e) => {
                    failure = Some(e);
                    continue;
                }
                Err(e) => return Err(e),
            };
            match message.kind {
                backend::DATA_ROW_TAG => rows.push(row_of(&message.body)?),
                backend::READY_FOR_QUERY_TAG => return failure.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }

    async fn send_query(&mut self, text: &str) -> Result<()> {
        let mut out = BytesMut::new();
        frontend::query(text, &mut out).map_err(lost)?;
        self.send(&out).await
    }

    /// Runs a command that begins a copy, out or both ways.
    pub async fn begin_copy(&mut self, text: &str) -> Result<()> {
        self.send_query(text).await?;
        match self.message().await?.kind {
            COPY_BOTH_RESPONSE | COPY_OUT_RESPONSE => Ok(()),
            kind => Err(violation(format!("unexpected message \"{}\"", char::from(kind).escape_default()))),
        }
    }

    /// The next piece of a copy; none at its end. It may be abandoned and called again.
    pub async fn copied(&mut self) -> Result<Option<Bytes>> {
        let message = self.message().await?;
        piece(message)
    }

    /// The next piece of a copy that has come already; none when that takes waiting.
    pub fn copied_already(&mut self) -> Result<Option<Bytes>> {
        match self.buffered()? {
            None => Ok(None),
            Some(message) => piece(message)?.map(Some).ok_or_else(|| lost("the server has ended the stream")),
        }
    }

    /// Reads what is left of a copy that the server has ended.
    pub async fn end_copy(&mut self) -> Result<()> {
        while self.message().await?.kind != backend::READY_FOR_QUERY_TAG {}
        Ok(())
    }

    pub async fn send_copy(&mut self, bytes: &[u8]) -> Result<()> {
        let mut out = BytesMut::with_capacity(5 + bytes.len());
        frontend::CopyData::new(bytes).map_err(lost)?.write(&mut out);
        self.send(&out).await
    }
}

fn piece(message: Message) -> Result<Option<Bytes>> {
    match message.kind {
        backend::COPY_DATA_TAG => Ok(Some(message.body)),
        backend::COPY_DONE_TAG => Ok(None),
        kind => Err(violation(format!("unexpected message \"{}\" in a copy", char::from(kind).escape_default()))),
    }
}

fn is_of_connection(e: &Error) -> bool {
    matches!(e.code().class(), "08" | "57")
}

/// What the server says is wrong.
fn server_error(body: &[u8]) -> Error {
    let mut error = Error::new(SqlState::PROTOCOL_VIOLATION, "the server reported an error");
    for field in body.split(|b| *b == 0).filter(|field| !field.is_empty()) {
        let text = String::from_utf8_lossy(&field[1..]).into_owned();
        match field[0] {
            b'C' => error.fields_mut().code = SqlState::parse(&text).unwrap_or(SqlState::PROTOCOL_VIOLATION),
            b'M' => error.fields_mut().message = text,
            b'D' => error.fields_mut().detail = Some(text),
            b'H' => error.fields_mut().hint = Some(text),
            _ => {}
        }
    }
    error
}

/// The values of a DataRow.
fn row_of(mut body: &[u8]) -> Result<Row> {
    let mut take = |n: usize| {
        let (head, rest) = body.split_at_checked(n).ok_or_else(|| violation("a row is cut short"))?;
        body = rest;
        Ok::<&[u8], Error>(head)
    };
    let count = u16::from_be_bytes(take(2)?.try_into().expect("two bytes"));
    let mut row = Row::new();
    for _ in 0..count {
        let length = i32::from_be_bytes(take(4)?.try_into().expect("four bytes"));
        row.push(match usize::try_from(length) {
            Err(_) => None,
            Ok(length) => Some(String::from_utf8_lossy(take(length)?).into_owned()),
        });
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_rows_come_apart() {
        let e = server_error(b"SERROR\0C55006\0Mbusy\0Hwait\0\0");
        assert_eq!(
            (e.code(), e.message(), e.fields().hint.as_deref()),
            (SqlState::OBJECT_IN_USE, "busy", Some("wait"))
        );
        assert_eq!(row_of(b"\0\x02\0\0\0\x01a\xff\xff\xff\xff").unwrap(), [Some("a".to_owned()), None]);
        assert!(row_of(b"\0\x02\0\0\0\x05a").is_err());
    }
}
