//! Waiting on a replica until it has what the client knows of: WAIT FOR LSN and the setting `headwater.read_after`.

use super::Session;
use super::portal::Source;
use super::replication::recovery_not_in_progress;
use super::settings::parse_milliseconds;
use super::utility::text_rows;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::parser::ast::{DefElem, DefValue, WaitFor};
use crate::replication::Replication;
use crate::txn::Isolation;
use std::time::Duration;

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    /// It is visible on this replica.
    #[default]
    StandbyReplay,
    /// It is in this replica's log; that it is durable there too is as quick.
    StandbyWrite,
    StandbyFlush,
    /// It is durable on this primary.
    PrimaryFlush,
}

#[derive(Debug, Default)]
struct Options {
    mode: Mode,
    timeout: Option<Duration>,
    no_throw: bool,
}

enum Waited {
    Reached,
    TimedOut,
    /// The node has another part than the mode is for.
    WrongPart,
}

fn wrong_option(message: String, elem: &DefElem) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message).at(elem.pos)
}

impl Options {
    fn read(elems: &[DefElem]) -> Result<Options> {
        let mut options = Options::default();
        let mut seen: Vec<&str> = Vec::new();
        for elem in elems {
            let name = elem.name.as_str();
            if seen.contains(&name) {
                return Err(wrong_option("conflicting or redundant options".to_owned(), elem));
            }
            seen.push(name);
            let text = match &elem.value {
                Some(DefValue::Word(text) | DefValue::String(text) | DefValue::Float(text)) => text.clone(),
                Some(DefValue::Integer(n)) => n.to_string(),
                _ => String::new(),
            };
            match name {
                "mode" => options.mode = Mode::named(&text, elem)?,
                "timeout" => options.timeout = Some(parse_timeout(&text)?),
                "no_throw" => options.no_throw = !matches!(&elem.value, Some(DefValue::Bool(false))),
                _ => return Err(wrong_option(format!("option \"{name}\" not recognized"), elem)),
            }
        }
        Ok(options)
    }
}

impl Mode {
    fn named(text: &str, elem: &DefElem) -> Result<Mode> {
        match text.to_ascii_lowercase().as_str() {
            "standby_replay" => Ok(Mode::StandbyReplay),
            "standby_write" => Ok(Mode::StandbyWrite),
            "standby_flush" => Ok(Mode::StandbyFlush),
            "primary_flush" => Ok(Mode::PrimaryFlush),
            _ => {
                let message = format!("unrecognized value for WAIT option \"mode\": \"{text}\"");
                Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).at(elem.pos))
            }
        }
    }

    /// How far the node is, in this sense; none when it has another part.
    fn position(self, node: &Replication) -> Option<Lsn> {
        match (self, node.in_recovery()) {
            (Mode::StandbyReplay, true) => Some(node.replayed()),
            (Mode::StandbyWrite | Mode::StandbyFlush, true) | (Mode::PrimaryFlush, false) => Some(node.received()),
            _ => None,
        }
    }

    fn participle(self) -> &'static str {
        match self {
            Mode::StandbyReplay => "replayed",
            Mode::StandbyWrite => "written",
            Mode::StandbyFlush | Mode::PrimaryFlush => "flushed",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Mode::StandbyReplay => "replay",
            Mode::StandbyWrite => "write",
            Mode::StandbyFlush | Mode::PrimaryFlush => "flush",
        }
    }
}

fn parse_timeout(text: &str) -> Result<Duration> {
    let milliseconds = parse_milliseconds(text)
        .ok_or_else(|| Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid timeout value: \"{text}\"")))?;
    if milliseconds < 0.0 {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "timeout cannot be negative"));
    }
    Ok(Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or(Duration::MAX))
}

impl Session {
    /// WAIT FOR LSN.
    ///
    /// Errors: 22P02 for what is no position, 55000 on a node of the wrong part, 57014 when the time is over.
    pub(super) async fn wait_for_lsn(&mut self, wait: &WaitFor) -> Result<Source> {
        let lsn = Lsn::parse(&wait.lsn).ok_or_else(|| {
            let message = format!("invalid input syntax for type pg_lsn: \"{}\"", wait.lsn);
            Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message).at(wait.pos)
        })?;
        let options = Options::read(&wait.options)?;
        if self.transaction.as_ref().is_some_and(|t| t.explicit && t.txn.isolation() != Isolation::ReadCommitted) {
            return Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                "WAIT FOR must be called without an active or registered snapshot",
            )
            .detail(
                "WAIT FOR cannot be executed from a function or procedure, nor within a transaction with an isolation level higher than READ COMMITTED.",
            ));
        }
        let node = self.database.replication.clone();
        let status = match self.wait_until(lsn, options.mode, options.timeout).await? {
            Waited::Reached => "success",
            Waited::TimedOut if options.no_throw => "timeout",
            Waited::WrongPart if options.no_throw => "not in recovery",
            Waited::TimedOut => {
                let at = options.mode.position(&node).unwrap_or_default();
                let (done, what) = (options.mode.participle(), options.mode.noun());
                let message =
                    format!("timed out while waiting for target LSN {lsn} to be {done}; current {what} LSN {at}");
                return Err(Error::new(SqlState::QUERY_CANCELED, message));
            }
            Waited::WrongPart if options.mode == Mode::PrimaryFlush => {
                return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "recovery is in progress")
                    .hint("Waiting for the primary_flush LSN can only be executed on a primary server."));
            }
            Waited::WrongPart => return Err(recovery_not_in_progress()),
        };
        // What the client does next sees it.
        self.floor = self.floor.max(lsn.min(self.database.engine.applied()));
        Ok(text_rows(&["status"], vec![vec![status.to_owned()]], "WAIT"))
    }

    /// Waits for what the setting says, on a replica.
    pub(super) async fn wait_to_read(&mut self, lsn: Lsn) -> Result<()> {
        let _deadline = self.deadline();
        self.wait_until(lsn, Mode::StandbyReplay, None).await.map(drop)
    }

    /// Error: 57014 when the statement is cancelled.
    async fn wait_until(&mut self, lsn: Lsn, mode: Mode, timeout: Option<Duration>) -> Result<Waited> {
        self.time_has_passed();
        let node = self.database.replication.clone();
        let reached = async {
            loop {
                match mode.position(&node) {
                    None => return Ok(Waited::WrongPart),
                    Some(at) if at >= lsn => return Ok(Waited::Reached),
                    Some(_) if mode == Mode::StandbyReplay => drop(node.wait_replayed(lsn).await),
                    Some(_) => self.database.engine.wait_durable(lsn).await?,
                }
            }
        };
        let over = async {
            match timeout.filter(|timeout| !timeout.is_zero()) {
                Some(timeout) => tokio::time::sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            waited = reached => waited,
            why = self.backend.interruption() => Err(why.error()),
            () = over => Ok(Waited::TimedOut),
        }
    }
}
