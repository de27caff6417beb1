//! One client's connection, from its first byte to its last: wire messages to session calls.
//!
//! 1. Negotiate (`startup.rs`) under a time limit; a cancel request ends here.
//! 2. Open the session; report parameters, the cancel key and that the server is ready.
//! 3. Answer every whole message that has arrived, then send all answers with one write, then wait for more input.
//! 4. After an error in the extended protocol skip to Sync. After 08P01 the connection ends: nobody knows where the
//!    next message begins.

use super::frame::{self, Frame};
use super::startup::{self, Wish};
use super::wire::Wire;
use crate::base::{Error, Result, SqlState};
use crate::session::sink::{Formats, Sink};
use crate::session::{Database, Session, Status};
use futures::FutureExt;
use pgwire::messages::PgWireBackendMessage as Backend;
use pgwire::messages::PgWireFrontendMessage as Frontend;
use pgwire::messages::startup::{Authentication, BackendKeyData};
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
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
    match Session::open(database, peer, parameters) {
        Ok(session) => {
            let mut connection = Connection { wire, session, skipping: false, answering: None };
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
    /// An error in the extended protocol: ignore what comes until Sync.
    skipping: bool,
    /// What the session is at work on.
    answering: Option<Kind>,
}

/// How an error in a message is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Query and Sync: ReadyForQuery comes after it.
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
        loop {
            while let Some(frame) = frame::next(&mut self.wire.input)? {
                if self.answer(frame).await?.is_break() {
                    return Ok(());
                }
            }
            self.wire.flush().await?;
            if !self.wait().await? {
                return Ok(());
            }
        }
    }

    /// Waits for input; false at its end. Notifications, termination and time limits come in between.
    async fn wait(&mut self) -> Result<bool> {
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

    async fn answer(&mut self, frame: Frame) -> Result<ControlFlow<()>> {
        let message = match frame {
            Frame::Message(message) => message,
            Frame::Refused(kind, e) => return self.refuse(kind, e),
            Frame::FunctionCall if self.skipping => return Ok(ControlFlow::Continue(())),
            Frame::FunctionCall => {
                let e = self.session.failed(Error::unsupported("the function call protocol"), None);
                self.wire.error("ERROR", &e);
                self.ready();
                return Ok(ControlFlow::Continue(()));
            }
        };
        match message {
            Frontend::Terminate(_) => return Ok(ControlFlow::Break(())),
            _ if self.skipping && !matches!(message, Frontend::Sync(_)) => {}
            Frontend::Query(query) => {
                self.answering = Some(Kind::Final);
                match self.session.query(&query.query, &mut self.wire).await {
                    Ok(()) => self.ready(),
                    Err(e) => self.failed(Kind::Final, e)?,
                }
            }
            Frontend::Sync(_) => {
                self.skipping = false;
                self.answering = Some(Kind::Final);
                match self.session.sync(&mut self.wire).await {
                    Ok(()) => self.ready(),
                    Err(e) => self.failed(Kind::Final, e)?,
                }
            }
            Frontend::Flush(_) => self.wire.flush().await?,
            message @ (Frontend::Parse(_)
            | Frontend::Bind(_)
            | Frontend::Describe(_)
            | Frontend::Execute(_)
            | Frontend::Close(_)) => {
                self.answering = Some(Kind::Extended);
                if let Err(e) = self.extended(message).await {
                    self.failed(Kind::Extended, e)?;
                }
            }
            // What is left of a copy that has failed.
            Frontend::CopyData(_) | Frontend::CopyDone(_) | Frontend::CopyFail(_) => {}
            _ => return Err(frame::violation("unexpected message")),
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

    /// The error of a message that was never read, as if it had been its statement's.
    fn refuse(&mut self, kind: u8, e: Error) -> Result<ControlFlow<()>> {
        if !self.skipping {
            let e = self.session.failed(e, None);
            self.failed(if kind == b'Q' { Kind::Final } else { Kind::Extended }, e)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Parse, Bind, Describe, Execute and Close.
    async fn extended(&mut self, message: Frontend) -> Result<()> {
        let (session, wire) = (&mut self.session, &mut self.wire);
        match message {
            Frontend::Parse(m) => {
                session.parse(m.name.unwrap_or_default(), m.query, &m.type_oids).await?;
                wire.parse_complete();
                Ok(())
            }
            Frontend::Bind(m) => {
                let formats = Formats::new(m.parameter_format_codes);
                let results = Formats::new(m.result_column_format_codes);
                let statement = m.statement_name.unwrap_or_default();
                session.bind(m.portal_name.unwrap_or_default(), &statement, formats, &m.parameters, results).await?;
                wire.bind_complete();
                Ok(())
            }
            Frontend::Describe(m) => {
                let name = m.name.unwrap_or_default();
                match m.target_type {
                    b'S' => session.describe_statement(&name, wire).await,
                    _ => session.describe_portal(&name, wire),
                }
            }
            Frontend::Execute(m) => {
                let most = usize::try_from(m.max_rows).unwrap_or(0);
                session.execute(&m.name.unwrap_or_default(), most, wire).await
            }
            Frontend::Close(m) => {
                let name = m.name.unwrap_or_default();
                match m.target_type {
                    b'S' => session.close_statement(&name),
                    _ => session.close_portal(&name),
                }
                wire.close_complete();
                Ok(())
            }
            _ => unreachable!("`answer` passes on these five alone"),
        }
    }
}
