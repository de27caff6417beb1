//! The archive: durable log, shipped to the store in chunks.
//!
//! One step:
//! 1. Where to go on, unless it is known: behind the newest chunk in the store. Its end must be a place of this log,
//!    with the same past; otherwise another server writes to the same part of the store, and nothing more is shipped.
//! 2. Chunk by chunk what is durable. Each key is written once: what is there already is ours, from a call whose answer
//!    was lost, or another server's.
//! 3. The state object: up to where, and up to when.
//!
//! After an error it is not known what the store has, so the next step begins with 1.

use super::Shared;
use super::chunk::{CHUNK_BYTES, Chunk};
use super::object;
use super::target::Pieces;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::io::Clock;
use crate::wal::{Hold, Place, Reader, Wal};
use std::sync::Arc;
use std::time::Duration;

/// How often an idle archive says that it is up to date.
const IDLE_STATE_INTERVAL: Duration = Duration::from_secs(10);

pub struct Archiver {
    shared: Arc<Shared>,
    wal: Arc<Wal>,
    clock: Arc<dyn Clock>,
    /// Keeps the log that is not in the store.
    hold: Hold,
    /// How much of it may wait for the store.
    keep_bytes: u64,
    reader: Option<Reader>,
    state_written: Option<Duration>,
}

impl Archiver {
    /// The log behind `hold` is there still.
    pub fn new(shared: Arc<Shared>, wal: Arc<Wal>, clock: Arc<dyn Clock>, hold: Hold, keep_bytes: u64) -> Archiver {
        Archiver { shared, wal, clock, hold, keep_bytes, reader: None, state_written: None }
    }

    /// Ships what is durable, and answers up to where. An error leaves all as it was, for the next step.
    pub fn step(&mut self) -> Result<Lsn> {
        let done = self.ship();
        if done.is_err() {
            self.reader = None;
            self.let_go();
        }
        done
    }

    /// The same before the server stops: the state object says up to when, even if there was nothing to ship.
    pub fn last_step(&mut self) -> Result<Lsn> {
        self.state_written = None;
        self.step()
    }

    fn ship(&mut self) -> Result<Lsn> {
        // Whatever was committed before this time is in the log up to here.
        let (time_us, appended) = (self.clock.now_us(), self.wal.appended());
        self.wal.wait_blocking(appended)?;
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => {
                let resumed = self.resume(); // 1
                self.shared.found_whose(resumed.as_ref().map(|_| ()));
                resumed?
            }
        };
        let before = reader.position();
        while let Some(chunk) = next_chunk(&mut reader)? {
            self.put(&chunk)?; // 2
            self.hold.advance(chunk.end.at);
            self.let_go();
        }
        let end = reader.position();
        self.reader = Some(reader);
        let now = self.clock.monotonic();
        let idle = self.state_written.is_some_and(|at| now.saturating_sub(at) < IDLE_STATE_INTERVAL);
        if end > before || !idle {
            self.shared.change_state(|state| {
                state.log_to = end;
                state.time_us = state.time_us.max(time_us);
            })?; // 3
            self.state_written = Some(now);
        }
        Ok(end)
    }

    /// Behind the newest chunk in the store.
    fn resume(&mut self) -> Result<Reader> {
        self.shared.prepare()?;
        let Some(last) = self.newest_chunk()? else {
            let reader = self.wal.read_from(self.wal.oldest()?)?;
            let from = reader.position();
            self.shared.change_state(|state| {
                if state.log_to == state.log_from {
                    state.log_from = from;
                } else {
                    state.gaps.push((state.log_from, from));
                }
                state.log_to = from;
            })?;
            return Ok(reader);
        };
        if last.at < self.wal.oldest()? {
            return self.resume_behind_gap(last.at);
        }
        if last.at > self.wal.durable() {
            return Err(self.foreign(format!(
                "it has log up to {}, and this server only up to {}",
                last.at,
                self.wal.durable()
            )));
        }
        let reader = self.wal.read_from(last.at).map_err(|e| self.foreign(e.message().to_string()))?;
        if reader.place() != last {
            return Err(self.foreign(format!("what it has before {} is not what this server has", last.at)));
        }
        self.hold.advance(last.at);
        Ok(reader)
    }

    /// Some log went before the store had it.
    fn resume_behind_gap(&mut self, last: Lsn) -> Result<Reader> {
        let reader = self.wal.read_from(self.wal.oldest()?)?;
        let from = reader.position();
        tracing::warn!(from = %last, to = %from, "the archive has no log of this part: no moment in it can be restored");
        self.shared.change_state(|state| {
            state.gaps.retain(|gap| gap.0 != last);
            state.gaps.push((last, from));
            state.log_to = from;
        })?;
        self.shared.want_snapshot();
        Ok(reader)
    }

    fn foreign(&self, why: String) -> Error {
        let message = format!("{} belongs to another history of this cluster: {why}", self.shared.layout.root());
        Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
            .hint("A copy of this database may be running. Give each its own backup.store.")
    }

    fn newest_chunk(&self) -> Result<Option<Place>> {
        let (store, layout) = (&*self.shared.store, &self.shared.layout);
        let newest = Pieces::list(store, layout)?.iter().max_by_key(|(_, end)| *end);
        let Some((start, end)) = newest else { return Ok(None) };
        let key = layout.chunk(start, end);
        Ok(Some(Chunk::decode(&key, &object::read(store, &key)?)?.end))
    }

    fn put(&self, chunk: &Chunk) -> Result<()> {
        let key = self.shared.layout.chunk(chunk.start.at, chunk.end.at);
        let store = &*self.shared.store;
        if store.put_if_absent(&key, object::seal(&key, chunk.encode()?))? {
            return Ok(());
        }
        let there = Chunk::decode(&key, &object::read(store, &key)?)?;
        if there.end == chunk.end && there.start == chunk.start {
            return Ok(());
        }
        Err(self.foreign(format!("\"{key}\" holds other records")))
    }

    /// A store that does not answer must not fill the disk.
    fn let_go(&mut self) {
        let waiting = self.wal.durable().0.saturating_sub(self.hold.position().0);
        if waiting > self.keep_bytes {
            let keep = Lsn(self.wal.durable().0 - self.keep_bytes);
            tracing::warn!(
                bytes = waiting,
                "log is let go before it is archived: backup.log_keep_size is reached (the archive will have a gap)"
            );
            self.hold.advance(keep);
        }
    }
}

/// What is durable and not read yet, up to a chunk's size; none when there is nothing.
fn next_chunk(reader: &mut Reader) -> Result<Option<Chunk>> {
    let start = reader.place();
    let (mut log, mut time_us) = (Vec::new(), 0);
    while log.len() < CHUNK_BYTES {
        let Some(record) = reader.next_record()? else { break };
        log.extend_from_slice(record.bytes);
        time_us = record.time_us;
    }
    Ok((!log.is_empty()).then(|| Chunk { start, end: reader.place(), time_us, log }))
}
