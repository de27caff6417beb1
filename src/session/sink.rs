//! What a session says to its client, whatever carries it. `server` implements this over a socket.

use crate::base::{Error, Oid, Result};
use crate::binder::rel::OutputColumn;
use crate::types::{Batch, FormatContext};
use smallvec::SmallVec;

/// Text or binary, for each column of a result or each parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Formats(SmallVec<[i16; 8]>);

impl Formats {
    pub const TEXT: i16 = 0;
    pub const BINARY: i16 = 1;

    /// As Bind gives them: none (all text), one for all, or one for each.
    pub fn new(codes: impl IntoIterator<Item = i16>) -> Formats {
        let mut all = SmallVec::new();
        // For one or two, `collect` costs more than they do.
        codes.into_iter().for_each(|code| all.push(code));
        Formats(all)
    }

    pub fn get(&self, i: usize) -> i16 {
        match self.0.len() {
            0 => Self::TEXT,
            1 => self.0[0],
            _ => self.0.get(i).copied().unwrap_or(Self::TEXT),
        }
    }

    pub fn codes(&self) -> &[i16] {
        &self.0
    }
}

/// What a statement is called when it is complete.
#[derive(Clone, Debug, PartialEq)]
pub enum Tag {
    Text(String),
    Word(&'static str),
    /// These words and the number of rows.
    Counted(&'static str, u64),
}

/// What comes from a client that copies in.
#[derive(Debug)]
pub enum CopyInput {
    Data(bytes::Bytes),
    Done,
    /// The client gave up, and says why.
    Failed(String),
}

/// How bad a message is that goes beside a statement's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Debug,
    Log,
    Notice,
    Warning,
    Info,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Debug => "DEBUG",
            Severity::Log => "LOG",
            Severity::Notice => "NOTICE",
            Severity::Warning => "WARNING",
            Severity::Info => "INFO",
        }
    }
}

/// The client's end. Calls only queue; `flush` sends.
pub trait Sink: Send {
    fn row_description(&mut self, columns: &[OutputColumn], formats: &Formats);
    fn parameter_description(&mut self, types: &[Oid]);
    fn no_data(&mut self);
    fn rows(&mut self, batch: &Batch, columns: &[OutputColumn], formats: &Formats, cx: &FormatContext) -> Result<()>;
    fn complete(&mut self, tag: &Tag);
    fn empty_query(&mut self);
    fn suspended(&mut self);
    fn notice(&mut self, severity: Severity, notice: &Error);
    fn notification(&mut self, process: i32, channel: &str, payload: &str);
    fn parameter_status(&mut self, name: &str, value: &str);
    fn copy_in(&mut self, binary: bool, columns: usize);
    fn copy_out(&mut self, binary: bool, columns: usize);
    fn copy_data(&mut self, data: &[u8]);
    fn copy_done(&mut self);
    /// Enough is queued that it should be sent before more is made.
    fn is_full(&self) -> bool;
    /// Error: the client is gone.
    fn flush(&mut self) -> impl Future<Output = Result<()>> + Send;
    /// The next message of a copy in progress. Error: the client is gone or broke the protocol.
    fn copy_input(&mut self) -> impl Future<Output = Result<CopyInput>> + Send;
}
