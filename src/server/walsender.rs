//! A replication connection, the primary's end (`src/backend/replication/walsender.c`): commands instead of SQL, and the
//! stream of the log.
//!
//! The stream: send what is durable and not sent; hear what the replica has to say; wait for either. When nothing is to be
//! sent a keepalive goes out ten times a second, so that a replica knows how far behind it is. A replica that commits do
//! not wait for gets no more than readers here may see: it is never ahead of one that takes over.

use super::frame;
use super::wire::Wire;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::binder::rel::OutputColumn;
use crate::expr::ColId;
use crate::replication::base::BaseSender;
use crate::replication::command::{self, Command};
use crate::replication::message::{FromPrimary, Status};
use crate::replication::{Replication, Sender};
use crate::session::sink::{Formats, Sink, Tag};
use crate::session::{Replica, Session};
use crate::txn::Safety;
use crate::types::{Batch, ColumnBuilder, Datum, FormatContext, SqlType};
use crate::wal::{Hold, Reader};
use pgwire::messages::PgWireBackendMessage as Backend;
use pgwire::messages::copy::CopyBothResponse;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How much log is read at once, and how much goes into one message.
const READ_BYTES: usize = 1 << 20;
const MESSAGE_BYTES: usize = 128 << 10;
const KEEPALIVE_INTERVAL: Duration = Duration::from_millis(100);
/// A replica that has been silent for half of it is asked, one that has been for all of it is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// How long the end of a connection waits until the replica has everything.
const ENDING_MAX: Duration = Duration::from_secs(3);

/// What a replication connection is.
pub struct WalSender {
    kind: Replica,
    /// Of a base copy, until the stream goes on from there.
    hold: Option<Hold>,
}

fn refused(message: String) -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}

impl WalSender {
    pub fn new(kind: Replica) -> WalSender {
        WalSender { kind, hold: None }
    }

    /// Answers a query message: a command, or SQL where there is a database.
    pub async fn query(&mut self, session: &mut Session, wire: &mut Wire, text: &str) -> Result<()> {
        match command::parse(text)? {
            Some(command) => {
                self.run(session, wire, &command).await?;
                wire.complete(&Tag::Word(command.tag()));
                Ok(())
            }
            None if self.kind == Replica::Database => Box::pin(session.query(text, wire)).await,
            None => Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "cannot execute SQL commands in WAL sender for physical replication",
            )),
        }
    }

    async fn run(&mut self, session: &mut Session, wire: &mut Wire, command: &Command) -> Result<()> {
        let node = session.database().replication.clone();
        let process = session.backend().process;
        match command {
            Command::IdentifySystem => self.identify(session, wire),
            Command::Show(name) => {
                let value = session.shown_setting(name)?;
                row(wire, &[(name, SqlType::TEXT)], vec![Datum::text(value)])
            }
            Command::CreateSlot { name, temporary, reserve } => {
                super::in_place(|| node.slots.create(name, temporary.then_some(process), *reserve))?;
                let columns = ["slot_name", "consistent_point", "snapshot_name", "output_plugin"];
                let values = vec![Datum::text(name.as_str()), Datum::text("0/0"), Datum::Null, Datum::Null];
                row(wire, &columns.map(|c| (c, SqlType::TEXT)), values)
            }
            Command::DropSlot { name, wait } => drop_slot(&node, name, *wait).await,
            Command::ReadSlot(name) => read_slot(&node, wire, name),
            Command::TimelineHistory(timeline) => {
                let text = node.history().up_to(*timeline).text();
                let name = format!("{timeline:08X}.history");
                let columns = ["filename", "content"].map(|c| (c, SqlType::TEXT));
                row(wire, &columns, vec![Datum::text(name), Datum::text(text)])
            }
            Command::BaseCopy => self.base_copy(session, wire).await,
            Command::Start { slot, from, timeline, chain } => {
                let reader = super::in_place(|| open(&node, *from, *timeline, *chain))?;
                if let Some(slot) = slot {
                    super::in_place(|| node.slots.acquire(slot, process, *from))?;
                }
                self.hold = slot.is_none().then(|| session.database().engine.wal().hold(*from));
                let application = session.backend().activity.lock().application.clone();
                let sender = node.senders.add(process, &application, *from);
                let stream = Stream {
                    node: &node,
                    sender,
                    reader,
                    at: *from,
                    unsent: Vec::new(),
                    slot: slot.as_deref(),
                    hold: self.hold.take(),
                };
                let ended = stream.run(session, wire).await;
                node.senders.remove(process);
                super::in_place(|| node.slots.release(process));
                ended
            }
        }
    }

    fn identify(&self, session: &Session, wire: &mut Wire) -> Result<()> {
        let node = &session.database().replication;
        let columns = [
            ("systemid", SqlType::TEXT),
            ("timeline", SqlType::INT4),
            ("xlogpos", SqlType::TEXT),
            ("dbname", SqlType::TEXT),
        ];
        let database = match self.kind {
            Replica::Database => Datum::text(session.backend().activity.lock().database.as_str()),
            _ => Datum::Null,
        };
        let values = vec![
            Datum::text(node.system_id().to_string()),
            Datum::Int4(node.timeline() as i32),
            Datum::text(node.received().to_string()),
            database,
        ];
        row(wire, &columns, values)
    }

    async fn base_copy(&mut self, session: &mut Session, wire: &mut Wire) -> Result<()> {
        let engine = session.database().engine.clone();
        let copy = super::in_place(|| engine.base_copy())?;
        let mut sender = BaseSender::new(copy);
        wire.copy_out(true, 0);
        let mut message = Vec::new();
        while super::in_place(|| sender.next(&mut message))? {
            wire.copy_data(&message);
            wire.flush().await?;
            session.check_termination()?;
        }
        wire.copy_done();
        self.hold = Some(sender.into_copy().into_hold());
        Ok(())
    }
}

/// The log from where a replica wants it, if it is the continuation of what it has.
fn open(node: &Replication, from: Lsn, timeline: Option<u32>, chain: Option<u32>) -> Result<Reader> {
    let history = node.history();
    if let Some(timeline) = timeline {
        if timeline > node.timeline() {
            return Err(refused(format!("requested timeline {timeline} is not in this server's history")));
        }
        if let Some(fork) = history.parts_from(timeline).filter(|fork| from > *fork) {
            let message =
                format!("requested starting point {from} on timeline {timeline} is not in this server's history");
            let detail = format!("This server's history forked from timeline {timeline} at {fork}.");
            return Err(refused(message).detail(detail));
        }
    }
    let durable = node.received();
    if from > durable {
        return Err(refused(format!(
            "requested starting point {from} is ahead of the WAL flush position of this server {durable}"
        )));
    }
    let reader = node.log_from(from)?;
    if chain.is_some_and(|chain| chain != reader.chain()) {
        let message = format!("the log of the replica and that of this server differ before {from}");
        return Err(refused(message).hint("Start the replica with an empty data directory, which takes a full copy."));
    }
    Ok(reader)
}

async fn drop_slot(node: &Replication, name: &str, wait: bool) -> Result<()> {
    loop {
        match super::in_place(|| node.slots.drop(name)) {
            Err(e) if wait && e.code() == SqlState::OBJECT_IN_USE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            done => return done,
        }
    }
}

fn read_slot(node: &Replication, wire: &mut Wire, name: &str) -> Result<()> {
    let columns = [("slot_type", SqlType::TEXT), ("restart_lsn", SqlType::TEXT), ("restart_tli", SqlType::INT8)];
    let values = match node.slots.all().into_iter().find(|slot| slot.name == name) {
        None => vec![Datum::Null, Datum::Null, Datum::Null],
        Some(slot) => {
            let (restart, timeline) = match slot.restart {
                Some(lsn) => (Datum::text(lsn.to_string()), Datum::Int8(i64::from(node.timeline()))),
                None => (Datum::Null, Datum::Null),
            };
            vec![Datum::text("physical"), restart, timeline]
        }
    };
    row(wire, &columns, values)
}

/// Sends a result of one row.
fn row(wire: &mut Wire, columns: &[(&str, SqlType)], values: Vec<Datum>) -> Result<()> {
    let described: Vec<OutputColumn> = columns
        .iter()
        .map(|(name, ty)| OutputColumn { name: (*name).to_owned(), id: ColId(0), ty: *ty, origin: None })
        .collect();
    let arrays = columns.iter().zip(&values).map(|((_, ty), value)| {
        let mut builder = ColumnBuilder::new(ty.physical(), 1);
        builder.push(value.as_ref());
        builder.finish()
    });
    let batch = Batch::new(arrays.collect(), 1);
    wire.row_description(&described, &Formats::default());
    wire.rows(&batch, &described, &Formats::default(), &FormatContext::default())
}

struct Stream<'a> {
    node: &'a Replication,
    sender: Arc<Sender>,
    reader: Reader,
    /// Everything before it is sent; what follows has been read.
    at: Lsn,
    unsent: Vec<u8>,
    slot: Option<&'a str>,
    /// Keeps the log when no slot does.
    hold: Option<Hold>,
}

/// What the replica has to say.
#[derive(PartialEq, Eq)]
enum Heard {
    Nothing,
    /// It wants the stream to end.
    Done,
    Asked,
}

impl Stream<'_> {
    async fn run(mut self, session: &mut Session, wire: &mut Wire) -> Result<()> {
        wire.put(Backend::CopyBothResponse(CopyBothResponse::new(0, 0, Vec::new())));
        wire.flush().await?;
        let backend = session.backend().clone();
        let engine = session.database().engine.clone();
        let (wal, standbys) = (engine.wal(), engine.standbys());
        let (mut told_at, mut heard_at, mut ending) = (Instant::now(), Instant::now(), None);
        loop {
            match self.hear(wire, &mut heard_at)? {
                Heard::Done => {
                    wire.copy_done();
                    return Ok(());
                }
                Heard::Asked => {
                    self.keepalive(wire, false).await?;
                    told_at = Instant::now();
                }
                Heard::Nothing => {}
            }
            if self.unsent.is_empty() {
                super::in_place(|| self.reader.read_encoded(&mut self.unsent, READ_BYTES))?;
            }
            let safe = if self.sender.is_waited_for() { Lsn::MAX } else { standbys.shown() };
            if !self.unsent.is_empty() && self.at < safe {
                self.send(wire, wal.durable(), safe).await?;
                told_at = Instant::now();
                tokio::select! {
                    biased;
                    more = wire.read_more() => still_there(more)?,
                    () = std::future::ready(()) => {}
                }
                continue;
            }
            self.node.senders.caught_up(&self.sender);
            // Whoever is told to end has sent everything by now; the replica is to have it.
            if let Err(e) = session.check_termination() {
                let told_at = *ending.get_or_insert_with(Instant::now);
                if self.sender.flushed() >= self.at || told_at.elapsed() >= ENDING_MAX {
                    return Err(e);
                }
            }
            let silent = heard_at.elapsed();
            if silent >= SILENCE_MAX {
                let message = "terminating walsender process due to replication timeout";
                return Err(Error::new(SqlState::CONNECTION_FAILURE, message));
            }
            tokio::select! {
                biased;
                more = wire.read_more() => still_there(more)?,
                durable = wal.wait(Lsn(self.at.0 + 1)), if self.unsent.is_empty() => durable?,
                () = standbys.wait(Lsn(self.at.0 + 1), Safety::Local), if !self.unsent.is_empty() => {}
                () = backend.wake.notified() => {}
                () = tokio::time::sleep_until(told_at + KEEPALIVE_INTERVAL) => {
                    self.keepalive(wire, silent >= SILENCE_MAX / 2).await?;
                    told_at = Instant::now();
                }
            }
        }
    }

    /// Sends what has been read, up to `safe` at most. It may end in the middle of a record.
    async fn send(&mut self, wire: &mut Wire, durable: Lsn, safe: Lsn) -> Result<()> {
        let length = self.unsent.len().min((safe.0 - self.at.0) as usize);
        let mut message = Vec::with_capacity(MESSAGE_BYTES.min(length) + 32);
        let mut at = self.at;
        for bytes in self.unsent[..length].chunks(MESSAGE_BYTES) {
            message.clear();
            FromPrimary::Data { start: at, end: durable, time_us: self.node.now_us(), bytes }.encode(&mut message);
            wire.copy_data(&message);
            at = Lsn(at.0 + bytes.len() as u64);
            if wire.is_full() {
                wire.flush().await?;
            }
        }
        self.unsent.drain(..length);
        self.at = at;
        self.sender.sent(at, self.node.now_us());
        wire.flush().await
    }

    async fn keepalive(&self, wire: &mut Wire, reply: bool) -> Result<()> {
        let mut message = Vec::new();
        let (end, time_us) = (self.node.received(), self.node.now_us());
        FromPrimary::Keepalive { end, time_us, reply }.encode(&mut message);
        wire.copy_data(&message);
        wire.flush().await
    }

    /// Takes the messages that have come.
    fn hear(&self, wire: &mut Wire, heard_at: &mut Instant) -> Result<Heard> {
        let mut body = Vec::new();
        let mut heard = Heard::Nothing;
        while let Some(kind) = frame::next(&mut wire.input, &mut body)? {
            *heard_at = Instant::now();
            match kind {
                b'd' => {
                    let Some(status) = Status::decode(&body)? else { continue };
                    if status.reply {
                        heard = Heard::Asked;
                    }
                    self.node.senders.heard(&self.sender, &status, self.node.now_us());
                    match (self.slot, &self.hold) {
                        (Some(slot), _) => self.node.slots.confirm(slot, status.flushed),
                        (None, Some(hold)) => hold.advance(status.flushed),
                        (None, None) => {}
                    }
                }
                b'c' => return Ok(Heard::Done),
                b'X' => return Err(Error::new(SqlState::CONNECTION_FAILURE, "the replica has left")),
                other => {
                    let kind = char::from(other).escape_default();
                    return Err(frame::violation(format!("invalid standby message type \"{kind}\"")));
                }
            }
        }
        Ok(heard)
    }
}

fn still_there(more: Result<bool>) -> Result<()> {
    match more? {
        true => Ok(()),
        false => Err(Error::new(SqlState::CONNECTION_FAILURE, "the replica has closed the connection")),
    }
}
