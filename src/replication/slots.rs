//! Replication slots: names for readers of the log that come back. Each keeps the log that its reader has not confirmed, up
//! to a limit, beyond which it is lost.
//!
//! Kept in the file `slots`, a line for each: its name and the position, or `-` while it keeps none. A position that has
//! moved on is written now and then; an older one only keeps more.

use super::text_file;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::io::Disk;
use crate::wal::{Hold, Wal};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const SLOTS_FILE: &str = "slots";

/// How far a slot moves before its position is written.
const WRITE_BYTES: u64 = 16 << 20;

const NAME_BYTES_MAX: usize = 63;

/// One slot, as `pg_replication_slots` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotInfo {
    pub name: String,
    pub temporary: bool,
    /// The process that uses it.
    pub active: Option<i32>,
    pub restart: Option<Lsn>,
    /// What it kept is gone.
    pub lost: bool,
    /// How much log may be written before that; none when there is no limit, or nothing is kept.
    pub safe_bytes: Option<u64>,
}

pub struct Slots {
    disk: Arc<dyn Disk>,
    wal: Arc<Wal>,
    /// How many bytes of log one may keep; none: any number.
    keep: Option<u64>,
    most: usize,
    all: Mutex<BTreeMap<String, Slot>>,
}

#[derive(Default)]
struct Slot {
    temporary: bool,
    active: Option<i32>,
    hold: Option<Hold>,
    /// Its position in the file.
    written: Lsn,
}

fn no_slot(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("replication slot \"{name}\" does not exist"))
}

fn check_name(name: &str) -> Result<()> {
    let wrong = |message: String| Err(Error::new(SqlState::INVALID_NAME, message));
    if name.is_empty() {
        return wrong(format!("replication slot name \"{name}\" is too short"));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(Error::new(SqlState::NAME_TOO_LONG, format!("replication slot name \"{name}\" is too long")));
    }
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        let e =
            Error::new(SqlState::INVALID_NAME, format!("replication slot name \"{name}\" contains invalid character"));
        return Err(e.hint(
            "Replication slot names may only contain lower case letters, numbers, and the underscore character.",
        ));
    }
    Ok(())
}

impl Slots {
    /// The slots of a node that keeps its files on `disk`.
    pub fn open(disk: Arc<dyn Disk>, wal: Arc<Wal>, keep: Option<u64>, most: usize) -> Result<Slots> {
        let slots = Slots { disk, wal, keep, most, all: Mutex::default() };
        let text = text_file::read(&*slots.disk, SLOTS_FILE)?.unwrap_or_default();
        for line in text.lines() {
            let (name, position) = line.split_once(' ').ok_or_else(|| text_file::damaged(SLOTS_FILE))?;
            let mut slot = Slot::default();
            if position != "-" {
                slot.written = Lsn::parse(position).ok_or_else(|| text_file::damaged(SLOTS_FILE))?;
                slot.hold = Some(slots.hold(slot.written));
            }
            slots.all.lock().insert(name.to_owned(), slot);
        }
        Ok(slots)
    }

    fn hold(&self, from: Lsn) -> Hold {
        match self.keep {
            Some(most) => self.wal.hold_at_most(from, most),
            None => self.wal.hold(from),
        }
    }

    fn store(&self, all: &mut BTreeMap<String, Slot>) -> Result<()> {
        let mut text = String::new();
        for (name, slot) in all.iter_mut().filter(|(_, slot)| !slot.temporary) {
            slot.written = slot.hold.as_ref().map_or(Lsn::ZERO, Hold::position);
            let position = slot.hold.as_ref().map_or_else(|| "-".to_owned(), |hold| hold.position().to_string());
            text += &format!("{name} {position}\n");
        }
        text_file::write(&*self.disk, SLOTS_FILE, &text)
    }

    /// Makes a slot, which keeps what log there is from now on if `reserve`. Answers from where on.
    ///
    /// Errors: 42710 when there is one of that name, 42602 for a name that cannot be, 53400 when there are too many.
    pub fn create(&self, name: &str, temporary: Option<i32>, reserve: bool) -> Result<Option<Lsn>> {
        check_name(name)?;
        let mut all = self.all.lock();
        if all.contains_key(name) {
            let message = format!("replication slot \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        if all.len() >= self.most {
            return Err(Error::new(SqlState::CONFIGURATION_LIMIT_EXCEEDED, "all replication slots are in use")
                .hint("Free one or increase max_replication_slots."));
        }
        let hold = if reserve {
            // Held first, so that what is the oldest then stays.
            let hold = self.hold(Lsn::ZERO);
            hold.advance(self.wal.oldest()?);
            Some(hold)
        } else {
            None
        };
        let restart = hold.as_ref().map(Hold::position);
        all.insert(
            name.to_owned(),
            Slot { temporary: temporary.is_some(), active: temporary, hold, ..Slot::default() },
        );
        if temporary.is_none() {
            self.store(&mut all)?;
        }
        Ok(restart)
    }

    /// Errors: 42704 when there is none, 55006 while it is used.
    pub fn drop(&self, name: &str) -> Result<()> {
        let mut all = self.all.lock();
        let slot = all.get(name).ok_or_else(|| no_slot(name))?;
        if let Some(process) = slot.active.filter(|_| !slot.temporary) {
            return Err(in_use(name, process));
        }
        all.remove(name);
        self.store(&mut all)
    }

    /// A process begins to read by it from `from` on.
    ///
    /// Errors: 42704 when there is none, 55006 while another uses it.
    pub fn acquire(&self, name: &str, process: i32, from: Lsn) -> Result<()> {
        let mut all = self.all.lock();
        let slot = all.get_mut(name).ok_or_else(|| no_slot(name))?;
        if let Some(other) = slot.active.filter(|other| *other != process) {
            return Err(in_use(name, other));
        }
        slot.active = Some(process);
        // A reader that begins before what it has confirmed, or after it was given up, is kept to as far as there is log.
        if slot.hold.as_ref().is_none_or(|hold| hold.is_broken() || hold.position() > from) {
            slot.hold = Some(self.hold(from));
            self.store(&mut all)?;
        }
        Ok(())
    }

    /// Its reader has everything up to here.
    pub fn confirm(&self, name: &str, lsn: Lsn) {
        let mut all = self.all.lock();
        let Some(hold) = all.get(name).and_then(|slot| slot.hold.as_ref()) else { return };
        hold.advance(lsn);
        let far = all.get(name).is_some_and(|slot| lsn.0.saturating_sub(slot.written.0) >= WRITE_BYTES);
        if far && let Err(e) = self.store(&mut all) {
            tracing::warn!("the positions of replication slots could not be written: {e}");
        }
    }

    /// The process leaves, and its temporary slots with it.
    pub fn release(&self, process: i32) {
        let mut all = self.all.lock();
        all.retain(|_, slot| !(slot.temporary && slot.active == Some(process)));
        let mut used = all.values_mut().filter(|slot| slot.active == Some(process)).peekable();
        if used.peek().is_none() {
            return;
        }
        used.for_each(|slot| slot.active = None);
        if let Err(e) = self.store(&mut all) {
            tracing::warn!("the positions of replication slots could not be written: {e}");
        }
    }

    pub fn all(&self) -> Vec<SlotInfo> {
        let info = |(name, slot): (&String, &Slot)| SlotInfo {
            name: name.clone(),
            temporary: slot.temporary,
            active: slot.active,
            restart: slot.hold.as_ref().map(Hold::position),
            lost: slot.hold.as_ref().is_some_and(Hold::is_broken),
            safe_bytes: slot
                .hold
                .as_ref()
                .zip(self.keep)
                .map(|(hold, keep)| (hold.position().0.saturating_add(keep)).saturating_sub(self.wal.appended().0)),
        };
        self.all.lock().iter().map(info).collect()
    }
}

fn in_use(name: &str, process: i32) -> Error {
    Error::new(SqlState::OBJECT_IN_USE, format!("replication slot \"{name}\" is active for PID {process}"))
}
