//! The lock table: locks by the hash of their key, in shards, each behind a mutex.
//!
//! A lock's identity is the 64-bit hash alone: a collision makes two rows share a lock, which costs a wait and breaks
//! nothing. What nobody holds or waits for is not in the table.
//!
//! Deadlocks: an owner waits for one lock at a time, and edges of the waits-for graph that can close a cycle appear only
//! when a wait begins; so the search from the new waiter, with beginnings of waits kept apart by the `waits` mutex,
//! finds every cycle. Whoever would close it is the victim.

use super::fast::{FastPath, Noted, Notes};
use super::mode::{LockKey, LockMode, LockTag};
use super::queue::{Answer, Lock, OwnerId, Scope, Waiter};
use super::sync::{Mutex, MutexGuard};
use super::wait::{LockWait, State, Ticket};
use super::{TxnId, Wait};
use crate::base::{Error, Result, SqlState};
use hashbrown::hash_table::Entry;
use hashbrown::{HashMap, HashTable};
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::sync::Arc;

const SHARDS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::txn) struct LockHash(u64);

impl LockHash {
    /// One of `parts`, by bits that choose neither the shard nor the place in it.
    pub(super) fn part(self, parts: usize) -> usize {
        (self.0 >> 32) as usize % parts
    }
}

struct Slot {
    hash: u64,
    tag: LockTag,
    lock: Lock<Arc<Ticket>>,
}

type Shard = HashTable<Slot>;

/// Who waits for what.
struct Waiting {
    hash: LockHash,
    mode: LockMode,
    tag: LockTag,
    txn: TxnId,
}

#[repr(align(64))]
struct Padded(Mutex<Shard>);

pub(in crate::txn) struct LockTable {
    shards: Box<[Padded]>,
    waits: Mutex<HashMap<OwnerId, Waiting>>,
    fast: FastPath,
    hasher: ahash::RandomState,
}

/// How a request ended.
pub(in crate::txn) enum Outcome {
    Granted,
    AlreadyHeld,
    Busy,
    Queued(Arc<Ticket>, LockWait),
}

/// One line of `pg_locks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockLine {
    pub tag: LockTag,
    pub mode: LockMode,
    pub process: i32,
    pub granted: bool,
}

impl LockTable {
    pub(in crate::txn) fn new() -> LockTable {
        LockTable {
            shards: (0..SHARDS).map(|_| Padded(Mutex::new(HashTable::new()))).collect(),
            waits: Mutex::new(HashMap::new()),
            fast: FastPath::new(),
            hasher: ahash::RandomState::new(),
        }
    }

    pub(in crate::txn) fn hash(&self, key: &LockKey<'_>) -> LockHash {
        LockHash(self.hasher.hash_one(key))
    }

    fn shard(&self, hash: LockHash) -> MutexGuard<'_, Shard> {
        // The upper bits choose the shard; the table inside goes by the lower ones.
        self.shards[(hash.0 >> 52) as usize % SHARDS].0.lock()
    }

    /// Lets an owner note weak locks, until [`LockTable::unregister`].
    pub(in crate::txn) fn register(&self, owner: OwnerId) -> Arc<Notes> {
        self.fast.register(owner)
    }

    pub(in crate::txn) fn unregister(&self, notes: &Arc<Notes>) {
        self.fast.unregister(notes);
    }

    /// Takes a lock to the transaction's end without a word to anybody, if it is weak and nobody minds.
    pub(in crate::txn) fn note(&self, notes: &Notes, hash: LockHash, tag: LockTag, mode: LockMode) -> Noted {
        self.fast.note(notes, hash, tag, mode)
    }

    /// Holders in `notes` are not in the table, so whoever would meet them there must have them moved first.
    fn announce(&self, hash: LockHash) {
        self.fast.announce(hash, |owner, note| {
            let mut shard = self.shard(hash);
            let slot = shard.entry(hash.0, |slot| slot.hash == hash.0, |slot| slot.hash);
            let mut slot = slot.or_insert_with(|| Slot { hash: hash.0, tag: note.tag, lock: Lock::default() });
            note.modes.iter().for_each(|mode| slot.get_mut().lock.hold(owner, mode, Scope::Transaction));
        });
    }

    #[expect(clippy::too_many_arguments, reason = "who, what, how strongly, how long, and what if not")]
    pub(in crate::txn) fn lock(
        self: &Arc<Self>,
        owner: OwnerId,
        txn: TxnId,
        hash: LockHash,
        tag: LockTag,
        mode: LockMode,
        scope: Scope,
        wait: Wait,
    ) -> Result<Outcome> {
        let announced = is_announced(tag, mode);
        if announced {
            self.announce(hash);
        }
        let outcome = self.lock_in_table(owner, txn, hash, tag, mode, scope, wait);
        // Who has queued withdraws on leaving; a victim of a deadlock has left.
        if announced && matches!(outcome, Ok(Outcome::AlreadyHeld | Outcome::Busy)) {
            self.fast.withdraw(hash);
        }
        outcome
    }

    #[expect(clippy::too_many_arguments, reason = "as above")]
    fn lock_in_table(
        self: &Arc<Self>,
        owner: OwnerId,
        txn: TxnId,
        hash: LockHash,
        tag: LockTag,
        mode: LockMode,
        scope: Scope,
        wait: Wait,
    ) -> Result<Outcome> {
        match request(&mut self.shard(hash), hash, tag, owner, mode, scope) {
            Answer::Granted => return Ok(Outcome::Granted),
            Answer::AlreadyHeld => return Ok(Outcome::AlreadyHeld),
            Answer::Conflict(_) if wait == Wait::No => return Ok(Outcome::Busy),
            Answer::Conflict(_) => {}
        }
        self.begin_wait(owner, scope, Waiting { hash, mode, tag, txn })
    }

    fn begin_wait(self: &Arc<Self>, owner: OwnerId, scope: Scope, waiting: Waiting) -> Result<Outcome> {
        let Waiting { hash, mode, tag, .. } = waiting;
        let mut waits = self.waits.lock();
        let mut shard = self.shard(hash);
        let place = match request(&mut shard, hash, tag, owner, mode, scope) {
            Answer::Granted => return Ok(Outcome::Granted),
            Answer::AlreadyHeld => return Ok(Outcome::AlreadyHeld),
            Answer::Conflict(place) => place,
        };
        let ticket = Ticket::new();
        let slot = find(&mut shard, hash).expect("somebody holds it");
        slot.lock.enqueue(place, Waiter { owner, mode, scope, ticket: Arc::clone(&ticket) });
        drop(shard);
        waits.insert(owner, waiting);
        if let Some(cycle) = self.find_cycle(&waits, owner) {
            let error = deadlock(&waits, &cycle);
            waits.remove(&owner);
            drop(waits);
            self.leave(owner, hash);
            return Err(error);
        }
        drop(waits);
        let wait = LockWait { table: Arc::clone(self), owner, hash, ticket: Arc::clone(&ticket) };
        Ok(Outcome::Queued(ticket, wait))
    }

    /// Who keeps an owner waiting that is in the lock's queue.
    fn blockers_of(&self, owner: OwnerId, hash: LockHash) -> Vec<OwnerId> {
        find(&mut self.shard(hash), hash).map_or(Vec::new(), |slot| slot.lock.blockers_of(owner))
    }

    /// The owners of a cycle through `start`, each waiting for the next.
    fn find_cycle(&self, waits: &HashMap<OwnerId, Waiting>, start: OwnerId) -> Option<Vec<OwnerId>> {
        let mut parents: HashMap<OwnerId, OwnerId> = HashMap::new();
        let mut frontier = vec![start];
        while let Some(owner) = frontier.pop() {
            let Some(waiting) = waits.get(&owner) else { continue };
            for blocker in self.blockers_of(owner, waiting.hash) {
                if blocker == start {
                    let mut cycle = vec![owner];
                    while let Some(&parent) = parents.get(cycle.last().expect("not empty")) {
                        cycle.push(parent);
                    }
                    cycle.reverse();
                    return Some(cycle);
                }
                if !parents.contains_key(&blocker) {
                    parents.insert(blocker, owner);
                    frontier.push(blocker);
                }
            }
        }
        None
    }

    pub(in crate::txn) fn release(&self, owner: OwnerId, hash: LockHash, mode: LockMode, scope: Scope) {
        let mut withdrawn = false;
        self.change(hash, |tag, lock| withdrawn = lock.release(owner, mode, scope) && is_announced(tag, mode));
        if withdrawn {
            self.fast.withdraw(hash);
        }
    }

    /// Leaves the queue of a lock. False when the lock was granted before, or the owner did not wait.
    pub(in crate::txn) fn leave(&self, owner: OwnerId, hash: LockHash) -> bool {
        let (mut left, mut withdrawn) = (false, false);
        self.change(hash, |tag, lock| {
            if let Some(waiter) = lock.dequeue(owner) {
                waiter.ticket.set(State::Left);
                left = true;
                withdrawn = is_announced(tag, waiter.mode);
            }
        });
        if withdrawn {
            self.fast.withdraw(hash);
        }
        if left {
            self.forget_wait(owner, hash);
        }
        left
    }

    /// Whether a wait ended with the lock; leaves the queue if it has not ended.
    pub(in crate::txn) fn settle(&self, owner: OwnerId, hash: LockHash, ticket: &Ticket) -> bool {
        !self.leave(owner, hash) && ticket.state() == State::Granted
    }

    fn forget_wait(&self, owner: OwnerId, hash: LockHash) {
        let mut waits = self.waits.lock();
        // It may wait for something else by now.
        if waits.get(&owner).is_some_and(|w| w.hash == hash) {
            waits.remove(&owner);
        }
    }

    /// Changes a lock, hands it over, and wakes the new holders.
    fn change(&self, hash: LockHash, change: impl FnOnce(LockTag, &mut Lock<Arc<Ticket>>)) {
        let mut shard = self.shard(hash);
        let Ok(mut entry) = shard.find_entry(hash.0, |slot| slot.hash == hash.0) else { return };
        let slot = entry.get_mut();
        let lock = &mut slot.lock;
        change(slot.tag, lock);
        let granted = lock.hand_over();
        for waiter in &granted {
            waiter.ticket.set(State::Granted);
        }
        if lock.is_unused() {
            entry.remove();
        }
        drop(shard);
        self.wake(hash, granted);
    }

    fn wake(&self, hash: LockHash, granted: SmallVec<[Waiter<Arc<Ticket>>; 1]>) {
        for waiter in granted {
            self.forget_wait(waiter.owner, hash);
            waiter.ticket.wake();
        }
    }

    /// Who holds and who waits. Shards are looked at one after the other.
    pub(in crate::txn) fn lines(&self) -> Vec<LockLine> {
        let mut lines = Vec::new();
        for notes in self.fast.owners() {
            for note in notes.lock().notes() {
                lines.extend(note.modes.iter().map(|mode| LockLine {
                    tag: note.tag,
                    mode,
                    process: notes.owner.process(),
                    granted: true,
                }));
            }
        }
        for shard in self.shards.iter() {
            for slot in shard.0.lock().iter() {
                for holder in slot.lock.holders() {
                    lines.extend(holder.modes().iter().map(|mode| LockLine {
                        tag: slot.tag,
                        mode,
                        process: holder.owner.process(),
                        granted: true,
                    }));
                }
                lines.extend(slot.lock.waiters().map(|w| LockLine {
                    tag: slot.tag,
                    mode: w.mode,
                    process: w.owner.process(),
                    granted: false,
                }));
            }
        }
        lines
    }

    /// The processes that one waits for: `pg_blocking_pids`.
    pub(in crate::txn) fn blocking(&self, process: i32) -> BTreeSet<i32> {
        let waits = self.waits.lock();
        let waiting = waits.iter().filter(|(owner, _)| owner.process() == process);
        waiting.flat_map(|(owner, w)| self.blockers_of(*owner, w.hash)).map(OwnerId::process).collect()
    }

    /// Nobody holds and nobody waits.
    #[cfg(test)]
    pub(in crate::txn) fn is_empty(&self) -> bool {
        let nothing_noted = self.fast.owners().iter().all(|n| n.lock().notes().next().is_none());
        self.shards.iter().all(|shard| shard.0.lock().is_empty()) && self.waits.lock().is_empty() && nothing_noted
    }

    #[cfg(test)]
    pub(in crate::txn) fn verify(&self) {
        for shard in self.shards.iter() {
            shard.0.lock().iter().for_each(|slot| slot.lock.verify());
        }
    }
}

/// Whether owners that note weak locks must know of this one.
fn is_announced(tag: LockTag, mode: LockMode) -> bool {
    mode.is_strong() && matches!(tag, LockTag::Relation { .. })
}

fn find(shard: &mut Shard, hash: LockHash) -> Option<&mut Slot> {
    shard.find_mut(hash.0, |slot| slot.hash == hash.0)
}

fn request(shard: &mut Shard, hash: LockHash, tag: LockTag, owner: OwnerId, mode: LockMode, scope: Scope) -> Answer {
    match shard.entry(hash.0, |slot| slot.hash == hash.0, |slot| slot.hash) {
        Entry::Occupied(mut slot) => slot.get_mut().lock.request(owner, mode, scope),
        Entry::Vacant(place) => {
            let mut lock = Lock::default();
            let answer = lock.request(owner, mode, scope);
            place.insert(Slot { hash: hash.0, tag, lock });
            answer
        }
    }
}

/// 40P01 with PostgreSQL's detail: a line for each wait of the cycle.
fn deadlock(waits: &HashMap<OwnerId, Waiting>, cycle: &[OwnerId]) -> Error {
    let mut lines = Vec::new();
    for (i, owner) in cycle.iter().enumerate() {
        let blocker = cycle[(i + 1) % cycle.len()];
        let (Some(waiting), Some(other)) = (waits.get(owner), waits.get(&blocker)) else { continue };
        let what = match waiting.tag {
            LockTag::Row { .. } | LockTag::Name { .. } => format!("ShareLock on transaction {}", other.txn.0),
            LockTag::Relation { database, relation } => {
                format!("{} on relation {relation} of database {database}", waiting.mode.name())
            }
            LockTag::Advisory { database, class, object, sub } => {
                format!("{} on advisory lock [{database},{class},{object},{sub}]", waiting.mode.name())
            }
        };
        let (process, by) = (owner.process(), blocker.process());
        lines.push(format!("Process {process} waits for {what}; blocked by process {by}."));
    }
    Error::new(SqlState::T_R_DEADLOCK_DETECTED, "deadlock detected")
        .detail(lines.join("\n"))
        .hint("See server log for query details.")
}
