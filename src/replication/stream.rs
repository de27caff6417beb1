//! One connection to the primary, from its first command to its end: log comes in, how far we are goes out.
//!
//! 1. The primary must be of this cluster, and its log must hold ours: it compares the chain's value where ours ends.
//! 2. Every record is checked against the chain and appended as it is.
//! 3. A status goes out when what came is durable, when it is applied, and when the primary asks.

use super::client::Client;
use super::history::History;
use super::message::{FromPrimary, Status};
use super::node::{Receiving, Replication};
use super::target::Target;
use crate::base::{Error, Lsn, Result, SqlState};
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::Instant;

/// A primary that has been silent for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How often a status goes out at least.
const STATUS_INTERVAL: Duration = Duration::from_secs(5);
/// How often it tells of what is applied while more is coming.
const APPLIED_INTERVAL: Duration = Duration::from_millis(1);

/// What a connection has received and not appended, and what it has told.
struct Stream<'a> {
    node: &'a Replication,
    client: Client,
    /// The beginning of a record.
    rest: Vec<u8>,
    told: Status,
    told_at: Instant,
    heard_at: Instant,
    asked: bool,
}

impl Replication {
    /// Receives until the connection ends, and says why it did. It may be abandoned.
    pub(super) async fn stream(&self, target: &Target, slot: &str) -> Error {
        match self.try_stream(target, slot).await {
            Err(e) => e,
            Ok(never) => match never {},
        }
    }

    async fn try_stream(&self, target: &Target, slot: &str) -> Result<Infallible> {
        let mut client = Client::connect(target, target.application.as_deref().unwrap_or(slot)).await?;
        self.identify(&mut client).await?;
        let slot = self.make_slot(&mut client, slot).await?;
        let (end, timeline) = (self.engine.wal().end(), self.timeline());
        let by = slot.as_ref().map(|slot| format!("SLOT {slot} ")).unwrap_or_default();
        let start = format!("START_REPLICATION {by}PHYSICAL {} TIMELINE {timeline} CHAIN {}", end.at, end.chain);
        client.begin_copy(&start).await?;
        tracing::info!(%target, from = %end.at, timeline, "following");
        *self.receiving.lock() = Receiving {
            target: Some(target.clone()),
            slot,
            streaming: true,
            start: end.at,
            start_timeline: timeline,
            ..Receiving::default()
        };
        let now = Instant::now();
        let mut stream = Stream {
            node: self,
            client,
            rest: Vec::new(),
            told: Status::default(),
            told_at: now,
            heard_at: now,
            asked: true,
        };
        stream.run().await
    }

    /// Checks that the primary is one of ours, and learns of its timelines.
    async fn identify(&self, client: &mut Client) -> Result<()> {
        let rows = client.command("IDENTIFY_SYSTEM").await?;
        let value = |n: usize| rows.first().and_then(|row| row.get(n)?.as_deref()).unwrap_or("");
        let own = self.system_id().to_string();
        if value(0) != own {
            let message = "database system identifier differs between the primary and standby";
            let detail = format!("The primary's identifier is {}, the standby's identifier is {own}.", value(0));
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message).detail(detail));
        }
        let timeline: u32 = value(1).parse().unwrap_or(0);
        if timeline < self.timeline() {
            let message =
                format!("highest timeline {timeline} of the primary is behind recovery timeline {}", self.timeline());
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        let known = self.history.lock().knows(timeline);
        if !known {
            let history = fetch_history(client, timeline).await?;
            history.store(&*self.disk)?;
            *self.history.lock() = history;
        }
        Ok(())
    }

    /// Answers the slot's name, or none when the primary has no room for one.
    async fn make_slot(&self, client: &mut Client, slot: &str) -> Result<Option<String>> {
        match client.command(&format!("CREATE_REPLICATION_SLOT {slot} PHYSICAL RESERVE_WAL")).await {
            Ok(_) => Ok(Some(slot.to_owned())),
            Err(e) if e.code() == SqlState::DUPLICATE_OBJECT => Ok(Some(slot.to_owned())),
            Err(e) if e.code() == SqlState::CONFIGURATION_LIMIT_EXCEEDED => {
                tracing::warn!("the primary keeps no log for this replica while it is away: {e}");
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }
}

/// The timeline that a server is on, and where that begins, if it is not the first.
pub async fn newest_timeline(target: &Target) -> Result<(u32, Option<Lsn>)> {
    let mut client = Client::connect(target, "headwater").await?;
    let rows = client.command("IDENTIFY_SYSTEM").await?;
    let timeline: u32 = rows.first().and_then(|row| row.get(1)?.as_deref()?.parse().ok()).unwrap_or(1);
    let history = fetch_history(&mut client, timeline).await?;
    Ok((timeline, history.start(timeline)))
}

/// Where the timelines up to this one begin, as the server knows it.
pub(super) async fn fetch_history(client: &mut Client, timeline: u32) -> Result<History> {
    let rows = client.command(&format!("TIMELINE_HISTORY {timeline}")).await?;
    let text = rows.first().and_then(|row| row.get(1)?.as_deref()).unwrap_or("");
    History::parse(text)
        .ok_or_else(|| Error::new(SqlState::PROTOCOL_VIOLATION, "the primary's timelines make no sense"))
}

impl Stream<'_> {
    async fn run(&mut self) -> Result<Infallible> {
        loop {
            let node = self.node;
            let mut applied = std::pin::pin!(node.applied.notified());
            applied.as_mut().enable();
            self.report().await?;
            let wal = node.engine.wal();
            let appended = wal.appended();
            let until = (self.told_at + self.pause()).min(self.heard_at + SILENCE_MAX);
            tokio::select! {
                biased;
                piece = self.client.copied() => match piece? {
                    Some(piece) => self.take_all(&piece)?,
                    None => return Err(Error::new(SqlState::CONNECTION_FAILURE, "the primary has ended the stream")),
                },
                durable = wal.wait(Lsn(self.told.flushed.0 + 1)), if wal.durable() < appended => durable?,
                () = applied => {}
                () = tokio::time::sleep_until(until) => {}
            }
            if self.heard_at.elapsed() >= SILENCE_MAX {
                return Err(Error::new(SqlState::CONNECTION_FAILURE, "the primary has fallen silent"));
            }
        }
    }

    /// How long the next status may wait when nothing new happens.
    fn pause(&self) -> Duration {
        if self.node.replayed() != self.told.applied { APPLIED_INTERVAL } else { STATUS_INTERVAL }
    }

    /// Takes a message and all that have come with it.
    fn take_all(&mut self, piece: &[u8]) -> Result<()> {
        self.heard_at = Instant::now();
        self.take(piece)?;
        while let Some(piece) = self.client.copied_already()? {
            self.take(&piece)?;
        }
        self.append()
    }

    fn take(&mut self, piece: &[u8]) -> Result<()> {
        let now_us = self.node.now_us();
        let mut receiving = self.node.receiving.lock();
        let (end, sent_us) = match FromPrimary::decode(piece)? {
            FromPrimary::Data { start, end, time_us, bytes } => {
                let expected = Lsn(self.node.engine.wal().appended().0 + self.rest.len() as u64);
                if start != expected {
                    let message = format!("the primary sent the log from {start} on where {expected} was expected");
                    return Err(Error::new(SqlState::PROTOCOL_VIOLATION, message));
                }
                self.rest.extend_from_slice(bytes);
                (end, time_us)
            }
            FromPrimary::Keepalive { end, time_us, reply } => {
                self.asked |= reply;
                (end, time_us)
            }
        };
        self.node.heartbeat.lock().heard(end, sent_us, self.node.replayed());
        receiving.sent_us = Some(sent_us);
        receiving.received_us = Some(now_us);
        if end > receiving.primary_end || receiving.primary_end_us.is_none() {
            receiving.primary_end = end;
            receiving.primary_end_us = Some(sent_us);
        }
        Ok(())
    }

    /// Appends the whole records that have come.
    fn append(&mut self) -> Result<()> {
        let wal = self.node.engine.wal().clone();
        let rest = &mut self.rest;
        // Most messages of an idle primary bring nothing.
        if rest.is_empty() {
            return Ok(());
        }
        super::in_place(|| {
            let mut used = 0;
            while let Some(length) = wal.append_encoded(&rest[used..])? {
                used += length;
            }
            rest.drain(..used);
            Ok::<(), Error>(())
        })?;
        wal.flush();
        Ok(())
    }

    /// Tells the primary how far we are, if it is to know.
    async fn report(&mut self) -> Result<()> {
        let wal = self.node.engine.wal();
        // What is not on the disk is in this process at best, which is no place that survives it.
        let durable = wal.durable();
        let status = Status {
            written: durable,
            flushed: durable,
            applied: self.node.replayed(),
            time_us: self.node.now_us(),
            reply: false,
        };
        let flushed = status.flushed != self.told.flushed;
        let applied = status.applied != self.told.applied
            && (status.applied >= status.flushed || self.told_at.elapsed() >= APPLIED_INTERVAL);
        if !flushed && !applied && !self.asked && self.told_at.elapsed() < STATUS_INTERVAL {
            return Ok(());
        }
        let mut out = Vec::new();
        status.encode(&mut out);
        self.client.send_copy(&out).await?;
        (self.told, self.told_at, self.asked) = (status, Instant::now(), false);
        Ok(())
    }
}
