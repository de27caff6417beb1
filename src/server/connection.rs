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
use pgwire::messages::response::TransactionStatus;
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
            let mut connection = Connection { wire, session, skipping: false };
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
        self.wire.ready(match self.session.status() {
            Status::Idle => TransactionStatus::Idle,
            Status::InTransaction => TransactionStatus::Transaction,
            Status::Failed => TransactionStatus::Error,
        });
    }

    /// Error: what ends the connection, to be told as FATAL.
    async fn run(&mut self) -> Result<()> {
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
            Frame::FunctionCall => {
                let e = self.session.failed(Error::unsupported("the function call protocol"), None);
                self.wire.error("ERROR", &e);
                self.ready();
                return Ok(ControlFlow::Continue(()));
            }
        };
        match message {
            Frontend::Terminate(_) => return Ok(ControlFlow::Break(())),
            Frontend::Query(query) => {
                self.skipping = false;
                if let Err(e) = self.guarded(Message::Query(query.query)).await {
                    self.report(e)?;
                }
                self.ready();
            }
            Frontend::Sync(_) => {
                self.skipping = false;
                if let Err(e) = self.guarded(Message::Sync).await {
                    self.report(e)?;
                }
                self.ready();
            }
            Frontend::Flush(_) => self.wire.flush().await?,
            Frontend::Parse(_)
            | Frontend::Bind(_)
            | Frontend::Describe(_)
            | Frontend::Execute(_)
            | Frontend::Close(_)
                if self.skipping => {}
            message @ (Frontend::Parse(_)
            | Frontend::Bind(_)
            | Frontend::Describe(_)
            | Frontend::Execute(_)
            | Frontend::Close(_)) => {
                if let Err(e) = self.guarded(Message::Extended(message)).await {
                    self.skipping = true;
                    self.report(e)?;
                }
            }
            // What is left of a copy that has failed.
            Frontend::CopyData(_) | Frontend::CopyDone(_) | Frontend::CopyFail(_) => {}
            _ => return Err(frame::violation("unexpected message")),
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Tells the client of an error; what ends the connection is passed on.
    fn report(&mut self, e: Error) -> Result<()> {
        match e.code() {
            SqlState::PROTOCOL_VIOLATION | SqlState::CONNECTION_FAILURE | SqlState::ADMIN_SHUTDOWN => Err(e),
            _ => {
                self.wire.error("ERROR", &e);
                Ok(())
            }
        }
    }

    /// Runs a session call so that a panic in it ends the statement, not the server.
    async fn guarded(&mut self, message: Message) -> Result<()> {
        match AssertUnwindSafe(self.call(message)).catch_unwind().await {
            Ok(result) => result,
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
                tracing::error!(panic = text, "a statement panicked");
                Err(self.session.failed(Error::internal(format!("internal error: {text}")), None))
            }
        }
    }

    async fn call(&mut self, message: Message) -> Result<()> {
        let (session, wire) = (&mut self.session, &mut self.wire);
        match message {
            Message::Query(text) => session.query(&text, wire).await,
            Message::Sync => session.sync(wire).await,
            Message::Extended(Frontend::Parse(m)) => {
                session.parse(m.name.unwrap_or_default(), m.query, &m.type_oids).await?;
                wire.parse_complete();
                Ok(())
            }
            Message::Extended(Frontend::Bind(m)) => {
                let formats = Formats::new(m.parameter_format_codes);
                let results = Formats::new(m.result_column_format_codes);
                let statement = m.statement_name.unwrap_or_default();
                session.bind(m.portal_name.unwrap_or_default(), &statement, formats, &m.parameters, results).await?;
                wire.bind_complete();
                Ok(())
            }
            Message::Extended(Frontend::Describe(m)) => {
                let name = m.name.unwrap_or_default();
                match m.target_type {
                    b'S' => session.describe_statement(&name, wire).await,
                    _ => session.describe_portal(&name, wire),
                }
            }
            Message::Extended(Frontend::Execute(m)) => {
                let most = usize::try_from(m.max_rows).unwrap_or(0);
                session.execute(&m.name.unwrap_or_default(), most, wire).await
            }
            Message::Extended(Frontend::Close(m)) => {
                let name = m.name.unwrap_or_default();
                match m.target_type {
                    b'S' => session.close_statement(&name),
                    _ => session.close_portal(&name),
                }
                wire.close_complete();
                Ok(())
            }
            Message::Extended(_) => unreachable!("`answer` passes on these five alone"),
        }
    }
}

/// What `guarded` runs.
enum Message {
    Query(String),
    Sync,
    Extended(Frontend),
}
