//! A connection's two directions: whole messages in, queued answers out.
//!
//! Answers pile up in one buffer that is sent with one write when the input holds no further message, so a pipeline
//! costs one system call each way.

use super::encode;
use super::frame::{self, Message};
use crate::base::{Error, Oid, Result, SqlState};
use crate::binder::rel::OutputColumn;
use crate::session::Status;
use crate::session::sink::{CopyInput, Formats, Severity, Sink, Tag};
use crate::types::{Batch, FormatContext};
use bytes::BytesMut;
use pgwire::messages::PgWireBackendMessage as Backend;
use pgwire::messages::copy::{CopyDone, CopyInResponse, CopyOutResponse};
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::PortalSuspended;
use pgwire::messages::response::{EmptyQueryResponse, NotificationResponse};
use pgwire::messages::startup::ParameterStatus;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How much is queued before it is sent, in bytes.
const FULL: usize = 64 << 10;
/// What an idle connection keeps of its buffers, in bytes.
pub const KEPT: usize = 16 << 10;

pub struct Wire {
    stream: TcpStream,
    pub input: BytesMut,
    out: Vec<u8>,
    scratch: BytesMut,
    /// What came in the middle of a copy belongs to none: the connection cannot go on.
    pub broken: bool,
}

/// 08006: the other end is gone.
fn gone() -> Error {
    Error::new(SqlState::CONNECTION_FAILURE, "connection to client lost")
}

impl Wire {
    pub fn new(stream: TcpStream) -> Wire {
        Wire { stream, input: BytesMut::new(), out: Vec::new(), scratch: BytesMut::new(), broken: false }
    }

    /// Reads some more input; false at its end.
    pub async fn read_more(&mut self) -> Result<bool> {
        if self.input.is_empty() && self.input.capacity() > KEPT {
            self.input = BytesMut::new();
        }
        self.input.reserve(4096);
        Ok(self.stream.read_buf(&mut self.input).await.map_err(|_| gone())? > 0)
    }

    /// The next whole message, as [`frame::next`] gives it; None at the end of the input.
    pub async fn message(&mut self, body: &mut Vec<u8>) -> Result<Option<u8>> {
        loop {
            if let Some(kind) = frame::next(&mut self.input, body)? {
                return Ok(Some(kind));
            }
            if !self.read_more().await? {
                return Ok(None);
            }
        }
    }

    pub async fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await.map_err(|_| gone())
    }

    pub fn put(&mut self, message: Backend) {
        encode::message(&mut self.out, &mut self.scratch, message);
    }

    pub fn parse_complete(&mut self) {
        encode::empty(&mut self.out, b'1');
    }

    pub fn bind_complete(&mut self) {
        encode::empty(&mut self.out, b'2');
    }

    pub fn close_complete(&mut self) {
        encode::empty(&mut self.out, b'3');
    }

    pub fn error(&mut self, severity: &str, e: &Error) {
        self.put(encode::error(severity, e));
    }

    pub fn ready(&mut self, status: Status) {
        encode::ready(
            &mut self.out,
            match status {
                Status::Idle => b'I',
                Status::InTransaction => b'T',
                Status::Failed => b'E',
            },
        );
    }

    /// Tells the client that nothing more comes, and lets what was sent arrive.
    pub async fn close(mut self) {
        let _ = self.flush().await;
        let _ = self.stream.shutdown().await;
    }
}

impl Sink for Wire {
    fn row_description(&mut self, columns: &[OutputColumn], formats: &Formats) {
        encode::row_description(&mut self.out, columns, formats);
    }

    fn parameter_description(&mut self, types: &[Oid]) {
        let types = types.iter().map(|t| t.0).collect();
        self.put(Backend::ParameterDescription(ParameterDescription::new(types)));
    }

    fn no_data(&mut self) {
        self.put(Backend::NoData(NoData::new()));
    }

    fn rows(&mut self, batch: &Batch, columns: &[OutputColumn], formats: &Formats, cx: &FormatContext) -> Result<()> {
        encode::rows(&mut self.out, batch, columns, formats, cx)
    }

    fn complete(&mut self, tag: &Tag) {
        encode::complete(&mut self.out, tag);
    }

    fn empty_query(&mut self) {
        self.put(Backend::EmptyQueryResponse(EmptyQueryResponse::new()));
    }

    fn suspended(&mut self) {
        self.put(Backend::PortalSuspended(PortalSuspended::new()));
    }

    fn notice(&mut self, severity: Severity, notice: &Error) {
        self.put(encode::notice(severity.as_str(), notice));
    }

    fn notification(&mut self, process: i32, channel: &str, payload: &str) {
        let message = NotificationResponse::new(process, channel.to_owned(), payload.to_owned());
        self.put(Backend::NotificationResponse(message));
    }

    fn parameter_status(&mut self, name: &str, value: &str) {
        self.put(Backend::ParameterStatus(ParameterStatus::new(name.to_owned(), value.to_owned())));
    }

    fn copy_in(&mut self, binary: bool, columns: usize) {
        let format = i8::from(binary);
        let formats = vec![i16::from(binary); columns];
        self.put(Backend::CopyInResponse(CopyInResponse::new(format, columns as i16, formats)));
    }

    fn copy_out(&mut self, binary: bool, columns: usize) {
        let format = i8::from(binary);
        let formats = vec![i16::from(binary); columns];
        self.put(Backend::CopyOutResponse(CopyOutResponse::new(format, columns as i16, formats)));
    }

    fn copy_data(&mut self, data: &[u8]) {
        self.out.push(b'd');
        self.out.extend_from_slice(&(data.len() as u32 + 4).to_be_bytes());
        self.out.extend_from_slice(data);
    }

    fn copy_done(&mut self) {
        self.put(Backend::CopyDone(CopyDone::new()));
    }

    fn is_full(&self) -> bool {
        self.out.len() >= FULL
    }

    async fn flush(&mut self) -> Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        self.stream.write_all(&self.out).await.map_err(|_| gone())?;
        self.out.clear();
        if self.out.capacity() > 4 * FULL {
            self.out = Vec::new();
        }
        Ok(())
    }

    async fn copy_input(&mut self) -> Result<CopyInput> {
        self.flush().await?;
        let input = self.copied().await;
        self.broken = input.is_err();
        input
    }
}

impl Wire {
    /// The next piece of a copy. Flush and Sync are passed over, as PostgreSQL does.
    async fn copied(&mut self) -> Result<CopyInput> {
        let mut body = Vec::new();
        loop {
            let Some(kind) = self.message(&mut body).await? else { return Err(gone()) };
            if kind == b'd' {
                return Ok(CopyInput::Data(body.into()));
            }
            return match frame::parse(kind, &body) {
                Ok(Message::CopyDone) => Ok(CopyInput::Done),
                Ok(Message::CopyFail(why)) => Ok(CopyInput::Failed(why.to_owned())),
                Ok(Message::Flush | Message::Sync) => continue,
                Err(e) if e.code() == SqlState::PROTOCOL_VIOLATION => Err(e),
                _ => Err(unexpected()),
            };
        }
    }
}

fn unexpected() -> Error {
    frame::violation("unexpected message type during COPY from stdin")
}
