//! The list of connected sessions, and the one door by which others reach into them: cancel, terminate, notify.
//!
//! A session polls [`Backend::interrupted`] (executors do, once for each batch) and awaits [`Backend::interruption`]
//! where it waits for something else. Why it was interrupted is kept beside the flag, because the message depends on it.

use crate::base::{Error, SqlState};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, Ordering};
use tokio::sync::Notify;

/// Why a session is interrupted; of two reasons the greater one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Interrupt {
    /// CancelRequest or `pg_cancel_backend`.
    Cancel = 1,
    StatementTimeout = 2,
    LockTimeout = 3,
    /// `pg_terminate_backend`, or the server stops.
    Terminate = 4,
}

impl Interrupt {
    fn from_code(code: u8) -> Option<Interrupt> {
        [Interrupt::Cancel, Interrupt::StatementTimeout, Interrupt::LockTimeout, Interrupt::Terminate]
            .into_iter()
            .find(|i| *i as u8 == code)
    }

    /// What the client is told (`ProcessInterrupts`).
    pub fn error(self) -> Error {
        let (code, text) = match self {
            Interrupt::Cancel => (SqlState::QUERY_CANCELED, "canceling statement due to user request"),
            Interrupt::StatementTimeout => (SqlState::QUERY_CANCELED, "canceling statement due to statement timeout"),
            Interrupt::LockTimeout => (SqlState::LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout"),
            Interrupt::Terminate => (SqlState::ADMIN_SHUTDOWN, "terminating connection due to administrator command"),
        };
        Error::new(code, text)
    }
}

/// What a session is doing, for `pg_stat_activity`. Times are microseconds since 2000-01-01 UTC.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    pub user: String,
    pub database: String,
    pub application: String,
    pub query: Arc<str>,
    /// `active`, `idle`, `idle in transaction` or `idle in transaction (aborted)`.
    pub state: &'static str,
    pub state_change_us: i64,
    pub query_start_us: i64,
    pub transaction_start_us: Option<i64>,
    /// It serves a replica.
    pub is_sender: bool,
}

#[derive(Clone, Debug)]
pub struct Notification {
    pub process: i32,
    pub channel: Arc<str>,
    pub payload: Arc<str>,
}

/// One connected session, as others see it.
#[derive(Debug)]
pub struct Backend {
    pub process: i32,
    /// What a CancelRequest must know.
    pub secret: i32,
    pub peer: Option<SocketAddr>,
    pub start_us: i64,
    flag: AtomicBool,
    reason: AtomicU8,
    /// Woken by an interrupt and by a notification.
    pub wake: Notify,
    pub activity: Mutex<Activity>,
    notifications: Mutex<Vec<Notification>>,
    notified: AtomicBool,
}

impl Backend {
    pub fn interrupt(&self, why: Interrupt) {
        self.reason.fetch_max(why as u8, Ordering::Relaxed);
        self.flag.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    /// The flag that executors poll.
    pub fn flag(&self) -> &AtomicBool {
        &self.flag
    }

    pub fn interrupted(&self) -> Option<Interrupt> {
        match self.flag.load(Ordering::Acquire) {
            true => Interrupt::from_code(self.reason.load(Ordering::Relaxed)),
            false => None,
        }
    }

    /// Resolves when it is interrupted.
    pub async fn interruption(&self) -> Interrupt {
        loop {
            if let Some(why) = self.interrupted() {
                return why;
            }
            self.wake.notified().await;
        }
    }

    /// A statement begins or ends: an interrupt meant for another one is forgotten, a termination is not.
    pub fn clear_interrupt(&self) {
        if self.interrupted().is_some_and(|i| i != Interrupt::Terminate) {
            self.flag.store(false, Ordering::Release);
            self.reason.store(0, Ordering::Relaxed);
        }
    }

    pub fn notify(&self, notification: Notification) {
        self.notifications.lock().push(notification);
        self.notified.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    pub fn take_notifications(&self) -> Vec<Notification> {
        if !self.notified.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut all = self.notifications.lock();
        self.notified.store(false, Ordering::Relaxed);
        std::mem::take(&mut *all)
    }
}

/// All sessions of a node.
#[derive(Debug, Default)]
pub struct Backends {
    by_process: Mutex<HashMap<i32, Arc<Backend>>>,
    next: AtomicI32,
    listeners: Mutex<HashMap<Arc<str>, Vec<i32>>>,
}

impl Backends {
    /// Adds a session.
    ///
    /// Error: 53300 when `most` are connected already.
    pub fn connect(
        &self,
        secret: i32,
        peer: Option<SocketAddr>,
        now_us: i64,
        most: usize,
    ) -> Result<Arc<Backend>, Error> {
        let mut all = self.by_process.lock();
        if all.len() >= most {
            return Err(Error::new(SqlState::TOO_MANY_CONNECTIONS, "sorry, too many clients already"));
        }
        let process = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let backend = Arc::new(Backend {
            process,
            secret,
            peer,
            start_us: now_us,
            flag: AtomicBool::new(false),
            reason: AtomicU8::new(0),
            wake: Notify::new(),
            activity: Mutex::new(Activity::default()),
            notifications: Mutex::new(Vec::new()),
            notified: AtomicBool::new(false),
        });
        all.insert(process, backend.clone());
        Ok(backend)
    }

    pub fn disconnect(&self, process: i32) {
        self.by_process.lock().remove(&process);
        self.unlisten(process, None);
    }

    pub fn get(&self, process: i32) -> Option<Arc<Backend>> {
        self.by_process.lock().get(&process).cloned()
    }

    pub fn all(&self) -> Vec<Arc<Backend>> {
        let mut all: Vec<_> = self.by_process.lock().values().cloned().collect();
        all.sort_by_key(|b| b.process);
        all
    }

    pub fn count(&self) -> usize {
        self.by_process.lock().len()
    }

    /// A CancelRequest: heeded only with the right secret, and never answered.
    pub fn cancel(&self, process: i32, secret: i32) {
        if let Some(backend) = self.get(process).filter(|b| b.secret == secret) {
            backend.interrupt(Interrupt::Cancel);
        }
    }

    pub fn terminate_all(&self) {
        self.all().iter().for_each(|b| b.interrupt(Interrupt::Terminate));
    }

    pub fn listen(&self, process: i32, channel: &str) {
        let mut listeners = self.listeners.lock();
        let list = listeners.entry(Arc::from(channel)).or_default();
        if !list.contains(&process) {
            list.push(process);
        }
    }

    /// UNLISTEN channel, or `*` for None.
    pub fn unlisten(&self, process: i32, channel: Option<&str>) {
        self.listeners.lock().retain(|name, list| {
            if channel.is_none_or(|c| c == &**name) {
                list.retain(|p| *p != process);
            }
            !list.is_empty()
        });
    }

    pub fn listening(&self, process: i32) -> Vec<Arc<str>> {
        let listeners = self.listeners.lock();
        let mut names: Vec<_> =
            listeners.iter().filter(|(_, list)| list.contains(&process)).map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }

    /// Hands a committed transaction's notifications to whoever listens.
    pub fn deliver(&self, notifications: &[Notification]) {
        for n in notifications {
            let list = self.listeners.lock().get(&n.channel).cloned().unwrap_or_default();
            list.iter().filter_map(|p| self.get(*p)).for_each(|b| b.notify(n.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancel_needs_the_secret_and_is_forgotten_by_the_next_statement() {
        let all = Backends::default();
        let b = all.connect(42, None, 0, 1).unwrap();
        assert_eq!(all.connect(1, None, 0, 1).unwrap_err().code(), SqlState::TOO_MANY_CONNECTIONS);
        all.cancel(b.process, 41);
        assert_eq!(b.interrupted(), None);
        all.cancel(b.process, 42);
        assert_eq!(b.interrupted(), Some(Interrupt::Cancel));
        b.clear_interrupt();
        assert_eq!(b.interrupted(), None);
        b.interrupt(Interrupt::Terminate);
        b.interrupt(Interrupt::Cancel);
        b.clear_interrupt();
        assert_eq!(b.interrupted(), Some(Interrupt::Terminate));
    }

    #[test]
    fn notifications_reach_listeners_only() {
        let all = Backends::default();
        let (a, b) = (all.connect(1, None, 0, 9).unwrap(), all.connect(2, None, 0, 9).unwrap());
        all.listen(a.process, "jobs");
        all.listen(a.process, "jobs");
        all.deliver(&[Notification { process: b.process, channel: "jobs".into(), payload: "1".into() }]);
        assert_eq!(a.take_notifications().len(), 1);
        assert!(b.take_notifications().is_empty());
        all.unlisten(a.process, None);
        assert!(all.listening(a.process).is_empty());
    }
}
