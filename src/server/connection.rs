//! One client's connection, from its first byte to its last: wire messages to session calls.
//!
//! 1. Negotiate (`startup.rs`) under a time limit; a cancel request ends here.
//! 2. Open the session; report parameters, the cancel key and that the server is ready.
//! 3. Answer every whole message that has arrived, then send all answers with one write, then wait for more input.
//! 4. After an error in the extended protocol skip to Sync. After 08P01 the connection ends: nobody knows where the
//!    next message begins.

use super::frame::{self, Message, Target};
use super::startup::{self, Wish};
use super::walsender::WalSender;
use super::wire::{KEPT, Wire};
use crate::base::{Error, Result, SqlState};
use crate::session::sink::Sink;
use crate::session::{Database, Replica, Session, Status};
use futures::FutureExt;
use pgwire::messages::PgWireBackendMessage as Backend;
use pgwire::messages::startup::{Authentication, BackendKeyData};
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;

/// PostgreSQL's `authentication_timeout`.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(60);

/// Serves one client until it leaves.
pub async fn serve(stream: TcpStream, database: Arc<Database>) {
    let peer = stream.peer_addr().ok();
    let mut wire = Wire::new(stream);
    let wish = match tokio::time::timeout(STARTUP_TIMEOUT, startup::negotiate(&mut wire)).await {
        Ok(Ok(wish)) => wish,
        Ok(Err(e)) => {
            wire.error("FATAL", &e);
            return wire.close().await;
        }
        Err(_) => return wire.close().await,
    };
    let parameters = match wish {
        Wish::Session(parameters) => parameters,
        Wish::Cancel { process, secret } => {
            database.backends.cancel(process, secret);
            return wire.close().await;
        }
        Wish::Nothing => return wire.close().await,
    };
    let sender = match Replica::of(&parameters) {
        Ok(Replica::No) => None,
        // What is wrong with it the session says.
        Ok(kind) => Some(Box::new(WalSender::new(kind))),
        Err(_) => None,
    };
    match Session::open(database, peer, parameters) {
        Ok(session) => {
            let mut connection = Connection { wire, session, sender, skipping: false, answering: None };
            connection.greet();
            if let Err(e) = connection.run().await {
                tracing::debug!(error = ?e, "connection ended");
                connection.wire.error("FATAL", &e);
            }
            connection.wire.close().await;
        }
        Err(e) => {
            wire.error("FATAL", &e);
            wire.close().await;
        }
    }
}

struct Connection {
    wire: Wire,
    session: Session,
    /// The client wants the log.
    sender: Option<Box<WalSender>>,
    /// An error in the extended protocol: ignore what comes until Sync.
    skipping: bool,
    /// What the session is at work on.
    answering: Option<Kind>,
}

/// How a message is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Query and Sync: ReadyForQuery comes after it, or after its error.
    Final,
    /// The others of the extended protocol: Sync is waited for.
    Extended,
}

impl Connection {
    fn greet(&mut self) {
        self.wire.put(Backend::Authentication(Authentication::Ok));
        self.session.report_parameters(&mut self.wire);
        let backend = self.session.backend();
        let key = BackendKeyData::new(backend.process, startup::secret_key(backend.secret));
        self.wire.put(Backend::BackendKeyData(key));
        self.ready();
    }

    fn ready(&mut self) {
        self.session.report_changes(&mut self.wire);
        self.wire.ready(self.session.status());
    }

    /// Error: what ends the connection, to be told as FATAL. A panic in a statement ends that, not the server. It is caught
    /// out here, since a future is copied whole on its way into `catch_unwind`, and that of one statement is large.
    async fn run(&mut self) -> Result<()> {
        loop {
            match AssertUnwindSafe(self.converse()).catch_unwind().await {
                Ok(end) => return end,
                Err(panic) => {
                    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
                    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
                    tracing::error!(panic = text, "a statement panicked");
                    let e = self.session.failed(Error::internal(format!("internal error: {text}")), None);
                    match self.answering.take() {
                        Some(kind) => self.failed(kind, e)?,
                        None => return Err(e),
                    }
                }
            }
        }
    }

    async fn converse(&mut self) -> Result<()> {
        let mut body = Vec::new();
        loop {
            while let Some(kind) = frame::next(&mut self.wire.input, &mut body)? {
                // A future is copied to where it is awaited, unless it is pinned where it is made.
                if pin!(self.answer(kind, &body)).await?.is_break() {
                    return Ok(());
                }
            }
            if body.capacity() > KEPT {
                body = Vec::new();
            }
            self.wire.flush().await?;
            if !self.wait().await? {
                return Ok(());
            }
        }
    }

    /// Waits for input; false at its end. Notifications, termination and time limits come in between.
    async fn wait(&mut self) -> Result<bool> {
        self.session.time_has_passed();
        let backend = self.session.backend().clone();
        loop {
            self.session.check_termination()?;
            let limit = self.session.idle_limit();
            let idle = async {
                match limit {
                    Some((after, _)) => tokio::time::sleep(after).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                read = self.wire.read_more() => return read,
                () = backend.wake.notified() => {
                    if self.session.status() == Status::Idle && self.session.deliver_notifications(&mut self.wire) {
                        self.wire.flush().await?;
                    }
                }
                () = idle, if limit.is_some() => return Err(limit.expect("a limit has passed").1),
            }
        }
    }

    async fn answer(&mut self, kind: u8, body: &[u8]) -> Result<ControlFlow<()>> {
        let session = &mut self.session;
        let message = match frame::parse(kind, body) {
            Ok(message) => message,
            Err(e) if e.code() == SqlState::PROTOCOL_VIOLATION => return Err(e),
            Err(_) if self.skipping => return Ok(ControlFlow::Continue(())),
            // As if it had been its statement's.
            Err(e) => {
                let e = session.failed(e, None);
                self.failed(if kind == b'Q' { Kind::Final } else { Kind::Extended }, e)?;
                return Ok(ControlFlow::Continue(()));
            }
        };
        if self.skipping && !matches!(message, Message::Sync | Message::Terminate) {
            return Ok(ControlFlow::Continue(()));
        }
        let kind = match message {
            Message::Query(_) | Message::Sync | Message::FunctionCall => Kind::Final,
            _ => Kind::Extended,
        };
        self.answering = Some(kind);
        if self.sender.is_some() && !is_simple(&message) {
            let text = "extended query protocol not supported in a replication connection";
            let e = self.session.failed(Error::new(SqlState::PROTOCOL_VIOLATION, text), None);
            self.failed(kind, e)?;
            return Ok(ControlFlow::Continue(()));
        }
        let (session, wire) = (&mut self.session, &mut self.wire);
        let result = match message {
            Message::Query(text) if self.sender.is_some() => {
                let sender = self.sender.as_mut().expect("it was just looked at");
                let result = Box::pin(sender.query(session, wire, text)).await;
                result.map_err(|e| session.failed(e, Some(text)))
            }
            Message::Query(text) => pin!(session.query(text, wire)).await,
            Message::Sync => {
                self.skipping = false;
                pin!(session.sync(wire)).await
            }
            Message::Parse { name, text, types } => {
                let parsed = pin!(session.parse(name, text, &types)).await;
                parsed.map(|()| wire.parse_complete())
            }
            Message::Bind { portal, statement, formats, values, results } => {
                let bound = pin!(session.bind(portal, statement, &formats, &values, results)).await;
                bound.map(|()| wire.bind_complete())
            }
            Message::Describe(Target::Statement(name)) => session.describe_statement(name, wire).await,
            Message::Describe(Target::Portal(name)) => session.describe_portal(name, wire),
            Message::Execute { portal, most } => {
                pin!(session.execute(portal, usize::try_from(most).unwrap_or(0), wire)).await
            }
            Message::Close(target) => {
                match target {
                    Target::Statement(name) => session.close_statement(name),
                    Target::Portal(name) => session.close_portal(name),
                }
                wire.close_complete();
                Ok(())
            }
            Message::FunctionCall => Err(session.failed(Error::unsupported("the function call protocol"), None)),
            Message::Flush => return wire.flush().await.map(ControlFlow::Continue),
            // What is left of a copy that has failed.
            Message::CopyData | Message::CopyDone | Message::CopyFail(_) => Ok(()),
            Message::Terminate => return Ok(ControlFlow::Break(())),
            Message::Password => return Err(frame::violation("unexpected message")),
        };
        match result {
            Ok(()) if kind == Kind::Final => self.ready(),
            Ok(()) => {}
            Err(e) => {
                let e = match self.sender {
                    // A standby is what others wait for.
                    Some(_) => e,
                    None => self.session.show_error(e).await,
                };
                self.failed(kind, e)?;
            }
        }
        self.answering = None;
        Ok(ControlFlow::Continue(()))
    }

    /// Tells the client of an error; what ends the connection is passed on.
    fn failed(&mut self, kind: Kind, e: Error) -> Result<()> {
        if self.wire.broken || matches!(e.code(), SqlState::CONNECTION_FAILURE | SqlState::ADMIN_SHUTDOWN) {
            return Err(e);
        }
        self.wire.error("ERROR", &e);
        match kind {
            Kind::Final => self.ready(),
            Kind::Extended => self.skipping = true,
        }
        Ok(())
    }
}

/// What a replication connection understands.
fn is_simple(message: &Message<'_>) -> bool {
    matches!(
        message,
        Message::Query(_)
            | Message::Sync
            | Message::Flush
            | Message::Terminate
            | Message::CopyData
            | Message::CopyDone
            | Message::CopyFail(_)
            | Message::Password
    )
}
