//! Commits that count only when other nodes have them.
//!
//! Each commit that asks for it is noted here before it becomes visible, in the order of the log. The first of them that the
//! others do not have yet bounds what a reader may be shown: a reader sees a prefix of the log, so what was committed behind
//! it is held back as well, whatever that asked for. Who the others are and how many of them must have a position is decided
//! elsewhere ([`Standbys::confirm`]).

use crate::base::Lsn;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::task::{Context, Poll, Waker};

/// What a commit waits for (`synchronous_commit`), weakest first. All but the first begin with the disk here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Safety {
    Nothing,
    #[default]
    Local,
    /// The standbys have it.
    Written,
    /// It is on their disks.
    Flushed,
    /// And readers there see it.
    Applied,
}

/// How far the standbys are that are waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    pub written: Lsn,
    pub flushed: Lsn,
    pub applied: Lsn,
}

impl Confirmed {
    /// What makes a commit of this kind visible. One that waits to be applied elsewhere is safe before that.
    fn shows(&self, safety: Safety) -> Lsn {
        match safety {
            Safety::Nothing | Safety::Local => Lsn::MAX,
            Safety::Written => self.written,
            Safety::Flushed | Safety::Applied => self.flushed,
        }
    }
}

pub struct Standbys {
    required: AtomicBool,
    /// As many are connected as are waited for.
    present: AtomicBool,
    /// The first commit that may not be shown; the largest number: none.
    withheld: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    confirmed: Confirmed,
    /// In the order of the log.
    pending: VecDeque<(Lsn, Safety)>,
    waiting: BTreeMap<(Lsn, u64), (Safety, Waker)>,
    tickets: u64,
}

impl Default for Standbys {
    fn default() -> Self {
        Standbys {
            required: AtomicBool::new(false),
            present: AtomicBool::new(false),
            withheld: AtomicU64::new(u64::MAX),
            state: Mutex::default(),
        }
    }
}

impl Standbys {
    /// Whether commits wait for standbys from now on. Those that wait go on when it is over.
    pub fn require(&self, required: bool) {
        let mut state = self.state.lock();
        self.required.store(required, Release);
        if !required {
            state.pending.clear();
            self.settle(state);
        }
    }

    pub fn are_required(&self) -> bool {
        self.required.load(Acquire)
    }

    pub fn set_present(&self, present: bool) {
        self.present.store(present, Release);
    }

    /// Whether the standbys do not have everything up to here on their disks, and can be expected to get it.
    pub fn are_behind(&self, lsn: Lsn) -> bool {
        self.are_required() && self.present.load(Acquire) && self.confirmed().flushed < lsn
    }

    /// A commit is about to become visible. The caller holds the writer lock.
    pub(super) fn note(&self, lsn: Lsn, safety: Safety) {
        if safety <= Safety::Local || !self.are_required() {
            return;
        }
        let mut state = self.state.lock();
        debug_assert!(state.pending.back().is_none_or(|(last, _)| *last < lsn));
        // It may have ended meanwhile.
        if self.are_required() {
            state.pending.push_back((lsn, safety));
            let first = state.pending[0].0;
            self.withheld.store(first.0, Release);
        }
    }

    /// As many standbys as must have it have everything up to here. What they once had they keep.
    pub fn confirm(&self, now: Confirmed) {
        let mut state = self.state.lock();
        let before = state.confirmed;
        state.confirmed = Confirmed {
            written: before.written.max(now.written),
            flushed: before.flushed.max(now.flushed),
            applied: before.applied.max(now.applied),
        };
        if state.confirmed != before {
            self.settle(state);
        }
    }

    pub fn confirmed(&self) -> Confirmed {
        self.state.lock().confirmed
    }

    /// A commit is not waited for any longer, and counts as one that did not ask for it.
    pub fn give_up(&self, lsn: Lsn) {
        let mut state = self.state.lock();
        state.pending.retain(|(pending, _)| *pending != lsn);
        self.settle(state);
    }

    /// Takes out what is confirmed, and wakes whoever waited for that.
    fn settle(&self, mut state: parking_lot::MutexGuard<'_, State>) {
        let confirmed = state.confirmed;
        while state.pending.front().is_some_and(|(lsn, safety)| confirmed.shows(*safety) >= *lsn) {
            state.pending.pop_front();
        }
        let withheld = state.pending.front().map_or(u64::MAX, |(lsn, _)| lsn.0);
        self.withheld.store(withheld, Release);
        let all = !self.are_required();
        let is_done = |lsn: Lsn, safety: Safety| {
            lsn.0 < withheld && (all || safety != Safety::Applied || confirmed.applied >= lsn)
        };
        let done: Vec<_> = state
            .waiting
            .range(..(Lsn(withheld), 0))
            .filter(|((lsn, _), (s, _))| is_done(*lsn, *s))
            .map(|(k, _)| *k)
            .collect();
        let wakers: Vec<Waker> =
            done.iter().filter_map(|key| state.waiting.remove(key)).map(|(_, waker)| waker).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Commits up to here may be shown, as far as they are durable here.
    pub fn shown(&self) -> Lsn {
        match self.withheld.load(Acquire) {
            u64::MAX => Lsn::MAX,
            first => Lsn(first - 1),
        }
    }

    /// Whether anything may not be shown.
    pub fn withhold(&self) -> bool {
        self.withheld.load(Acquire) != u64::MAX
    }

    fn has(&self, state: &State, lsn: Lsn, safety: Safety) -> bool {
        lsn <= self.shown() && (safety != Safety::Applied || !self.are_required() || state.confirmed.applied >= lsn)
    }

    /// Resolves when everything up to `lsn`, a commit's position, may be shown, and for [`Safety::Applied`] when it has been
    /// applied where it is waited for.
    pub fn wait(self: &Arc<Self>, lsn: Lsn, safety: Safety) -> SafetyWait {
        SafetyWait { standbys: self.clone(), lsn, safety, ticket: None }
    }
}

/// See [`Standbys::wait`].
#[must_use = "a future does nothing until it is awaited"]
pub struct SafetyWait {
    standbys: Arc<Standbys>,
    lsn: Lsn,
    safety: Safety,
    ticket: Option<u64>,
}

impl Future for SafetyWait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = this.standbys.state.lock();
        if this.standbys.has(&state, this.lsn, this.safety) {
            return Poll::Ready(());
        }
        let ticket = *this.ticket.get_or_insert_with(|| {
            state.tickets += 1;
            state.tickets
        });
        state.waiting.insert((this.lsn, ticket), (this.safety, cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for SafetyWait {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.standbys.state.lock().waiting.remove(&(self.lsn, ticket));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Release);
        }
    }

    fn confirmed(written: u64, flushed: u64, applied: u64) -> Confirmed {
        Confirmed { written: Lsn(written), flushed: Lsn(flushed), applied: Lsn(applied) }
    }

    #[test]
    fn the_first_that_waits_holds_back_all_behind_it() {
        let standbys = Standbys::default();
        standbys.note(Lsn(5), Safety::Flushed);
        assert_eq!(standbys.shown(), Lsn::MAX);
        standbys.require(true);
        standbys.note(Lsn(10), Safety::Local);
        assert_eq!(standbys.shown(), Lsn::MAX);
        standbys.note(Lsn(20), Safety::Flushed);
        standbys.note(Lsn(30), Safety::Written);
        standbys.note(Lsn(40), Safety::Applied);
        assert_eq!(standbys.shown(), Lsn(19));
        standbys.confirm(confirmed(30, 10, 0));
        assert_eq!(standbys.shown(), Lsn(19));
        standbys.confirm(confirmed(20, 20, 20));
        assert_eq!(standbys.shown(), Lsn(39));
        standbys.confirm(confirmed(40, 40, 20));
        assert_eq!(standbys.shown(), Lsn::MAX);
        assert_eq!(standbys.confirmed(), confirmed(40, 40, 20));
    }

    #[test]
    fn who_waits_is_woken_when_it_is_time() {
        let standbys = Arc::new(Standbys::default());
        standbys.require(true);
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let mut cx = Context::from_waker(&waker);
        let woken = || count.0.load(Acquire);
        (1..=5).for_each(|n| standbys.note(Lsn(n * 10), Safety::Applied));
        let mut waits: Vec<_> =
            [(10, Safety::Flushed), (20, Safety::Applied), (30, Safety::Local), (50, Safety::Local)]
                .map(|(lsn, safety)| Box::pin(standbys.wait(Lsn(lsn), safety)))
                .into_iter()
                .collect();
        assert!(waits.iter_mut().all(|w| w.as_mut().poll(&mut cx).is_pending()));
        standbys.confirm(confirmed(20, 20, 10));
        assert_eq!(woken(), 1);
        assert!(waits[0].as_mut().poll(&mut cx).is_ready() && waits[1].as_mut().poll(&mut cx).is_pending());
        standbys.confirm(confirmed(20, 20, 20));
        assert_eq!(woken(), 2);
        assert!(waits[1].as_mut().poll(&mut cx).is_ready() && waits[2].as_mut().poll(&mut cx).is_pending());
        // What is given up is shown, not what is before it.
        standbys.give_up(Lsn(40));
        assert_eq!((woken(), standbys.shown()), (2, Lsn(29)));
        standbys.give_up(Lsn(30));
        assert_eq!((woken(), standbys.shown()), (3, Lsn(49)));
        standbys.require(false);
        assert_eq!((woken(), standbys.shown()), (4, Lsn::MAX));
        drop(waits);
        assert!(standbys.state.lock().waiting.is_empty());
    }
}
