//! A blocking client that sees every message.

use super::message::{self, Column, Message};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long an answer may take before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// An ErrorResponse or NoticeResponse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub BTreeMap<char, String>);

impl Fault {
    pub fn code(&self) -> &str {
        self.field('C')
    }

    pub fn message(&self) -> &str {
        self.field('M')
    }

    /// Empty when the field is missing.
    pub fn field(&self, code: char) -> &str {
        self.0.get(&code).map_or("", String::as_str)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.field('S'), self.code(), self.message())
    }
}

impl std::error::Error for Fault {}

/// What one statement of a simple query answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// None for a statement that returns no rows.
    pub columns: Option<Vec<Column>>,
    pub rows: Vec<Vec<Option<String>>>,
    pub tag: String,
    pub error: Option<Fault>,
    pub notices: Vec<Fault>,
}

pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    pub address: SocketAddr,
    pub process: i32,
    pub secret: i32,
    pub parameters: BTreeMap<String, String>,
}

impl Client {
    /// A socket on which nothing has been said.
    pub fn silent(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        let (process, secret) = (0, 0);
        Ok(Client { stream, buffer: Vec::new(), address, process, secret, parameters: BTreeMap::new() })
    }

    /// A session that is ready for queries.
    pub fn connect(address: SocketAddr, parameters: &[(&str, &str)]) -> io::Result<Client> {
        let mut client = Client::silent(address)?;
        client.send(&message::startup(3 << 16, parameters))?;
        for m in client.until_ready()? {
            let mut r = m.reader();
            match m.kind {
                b'E' => return Err(io::Error::other(Fault(m.fields()))),
                b'S' => drop(client.parameters.insert(r.string(), r.string())),
                b'K' => (client.process, client.secret) = (r.i32(), r.i32()),
                _ => {}
            }
        }
        Ok(client)
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Nothing more will be sent.
    pub fn shut(&mut self) -> io::Result<()> {
        self.stream.shutdown(std::net::Shutdown::Write)
    }

    /// The next message. Error: UnexpectedEof when the server has closed, TimedOut after `PATIENCE`.
    pub fn read(&mut self) -> io::Result<Message> {
        self.read_within(PATIENCE)?.ok_or_else(|| io::Error::new(ErrorKind::TimedOut, "no answer"))
    }

    /// The next message, or None when none has come in time.
    pub fn read_within(&mut self, patience: Duration) -> io::Result<Option<Message>> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(length) = self.buffer.get(1..5) {
                let end = 1 + u32::from_be_bytes(length.try_into().unwrap()) as usize;
                if self.buffer.len() >= end {
                    let message = Message { kind: self.buffer[0], body: self.buffer[5..end].to_vec() };
                    self.buffer.drain(..end);
                    return Ok(Some(message));
                }
            }
            if !self.fill(deadline)? {
                return Ok(None);
            }
        }
    }

    /// One byte outside of any message: the answer to an SSLRequest.
    pub fn read_byte(&mut self) -> io::Result<u8> {
        while self.buffer.is_empty() {
            if !self.fill(Instant::now() + PATIENCE)? {
                return Err(ErrorKind::TimedOut.into());
            }
        }
        Ok(self.buffer.remove(0))
    }

    /// Reads some more; false at the deadline.
    fn fill(&mut self, deadline: Instant) -> io::Result<bool> {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(left))?;
        let mut chunk = [0; 16 << 10];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                self.buffer.extend(&chunk[..n]);
                Ok(true)
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
            Err(e) if e.kind() == ErrorKind::Interrupted => Ok(true),
            Err(e) => Err(e),
        }
    }

    /// Every message up to and with ReadyForQuery, or up to the end of the connection after an error.
    pub fn until_ready(&mut self) -> io::Result<Vec<Message>> {
        let mut all: Vec<Message> = Vec::new();
        loop {
            match self.read() {
                Ok(m) => all.push(m),
                Err(e) if e.kind() == ErrorKind::UnexpectedEof && all.last().is_some_and(|m| m.kind == b'E') => {
                    return Ok(all);
                }
                Err(e) => return Err(e),
            }
            if all.last().is_some_and(|m| m.kind == b'Z') {
                return Ok(all);
            }
        }
    }

    /// Sends and collects the answer up to ReadyForQuery.
    pub fn exchange(&mut self, bytes: &[u8]) -> io::Result<Vec<Message>> {
        self.send(bytes)?;
        self.until_ready()
    }

    /// A simple query; one answer for each statement that was begun.
    pub fn query(&mut self, sql: &str) -> io::Result<Vec<Answer>> {
        Ok(answers(&self.exchange(&message::query(sql))?))
    }

    /// A simple query of one statement that must succeed.
    #[track_caller]
    pub fn run(&mut self, sql: &str) -> Answer {
        let answers = self.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        if let Some(e) = answers.iter().find_map(|a| a.error.as_ref()) {
            panic!("{sql}: {e}");
        }
        answers.into_iter().next_back().unwrap_or_default()
    }

    /// The rows of a query that must succeed, values joined by `|`, NULL as `NULL`.
    #[track_caller]
    pub fn rows(&mut self, sql: &str) -> Vec<String> {
        let shown = |v: Option<String>| v.unwrap_or_else(|| "NULL".to_owned());
        self.run(sql).rows.into_iter().map(|r| r.into_iter().map(shown).collect::<Vec<_>>().join("|")).collect()
    }

    /// The error of a statement that must fail.
    #[track_caller]
    pub fn fails(&mut self, sql: &str) -> Fault {
        let answers = self.query(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        answers.into_iter().find_map(|a| a.error).unwrap_or_else(|| panic!("{sql}: did not fail"))
    }
}

/// Sorts the messages of a simple query's answer by statement.
pub fn answers(messages: &[Message]) -> Vec<Answer> {
    let mut all = Vec::new();
    let mut now = Answer::default();
    for m in messages {
        match m.kind {
            b'T' => now.columns = Some(m.columns()),
            b'D' => {
                let text = |v: Vec<u8>| String::from_utf8(v).expect("text format is UTF-8");
                now.rows.push(m.values().into_iter().map(|v| v.map(text)).collect());
            }
            b'N' => now.notices.push(Fault(m.fields())),
            b'C' => {
                now.tag = m.reader().string();
                all.push(std::mem::take(&mut now));
            }
            b'I' => all.push(std::mem::take(&mut now)),
            b'E' => {
                now.error = Some(Fault(m.fields()));
                all.push(std::mem::take(&mut now));
            }
            _ => {}
        }
    }
    if now != Answer::default() {
        all.push(now);
    }
    all
}
