//! Sockets to sessions: accepts connections, speaks PostgreSQL's protocol 3.0, stops in order.
//!
//! Entry points: [`bind`] and [`run`].
//!
//! Must not know: how a statement runs. It hands texts and parameters to `session` and encodes what comes back.
//!
//! Invariants:
//! 1. No bytes from a client are believed before they are checked (`frame.rs`, `startup.rs`); what is malformed ends that
//!    connection with 08P01 and nothing else.
//! 2. Answers are queued and sent with one write when the input holds no further whole message, at Flush, and when 64
//!    KiB have piled up, so memory does not grow with a result.
//! 3. A panic in a statement becomes XX000 for that client.
//!
//! Threads: one task for each connection on tokio's workers; sessions move themselves off a worker for long work.
//!
//! Read in this order: `mod.rs`, `connection.rs`, `wire.rs`, `frame.rs`, `startup.rs`, `encode.rs`,
//! `walsender.rs`.

mod connection;
mod encode;
mod frame;
mod startup;
mod walsender;
mod wire;

use crate::base::{Error, Result, SqlState};
use crate::session::Database;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};

/// How often old versions are dropped.
const PURGE_INTERVAL: Duration = Duration::from_secs(1);
/// How many connections the kernel holds for us before we accept them.
const BACKLOG: u32 = 4096;

/// Starts to listen.
///
/// Errors: 55006 when the port is taken; 28000 for an address that is not a loopback one, since there is no
/// authentication.
pub fn bind(address: SocketAddr) -> Result<TcpListener> {
    if !address.ip().is_loopback() {
        return Err(Error::new(
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            format!("refusing to listen on {address}: there is no authentication, so only a loopback address is safe"),
        ));
    }
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    let taken = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::AddrInUse => {
            Error::new(SqlState::OBJECT_IN_USE, format!("cannot listen on {address}: the port is in use"))
        }
        _ => Error::new(SqlState::IO_ERROR, format!("cannot listen on {address}: {e}")),
    };
    socket.bind(address).map_err(taken)?;
    socket.listen(BACKLOG).map_err(taken)
}

/// Accepts connections until `stop` completes; then ends idle sessions, gives the others `grace` to finish what they are
/// doing, and returns when all have gone.
pub async fn run(listener: TcpListener, database: Arc<Database>, stop: impl Future<Output = ()>, grace: Duration) {
    tokio::pin!(stop);
    let mut purge = tokio::time::interval(PURGE_INTERVAL);
    purge.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            _ = purge.tick() => {
                let database = database.clone();
                drop(tokio::task::spawn_blocking(move || database.purge()));
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    tokio::spawn(connection::serve(stream, database.clone()));
                }
                Err(e) => {
                    // Out of descriptors, most likely: wait for some to come back.
                    tracing::warn!(error = %e, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    stop_sessions(&database, grace).await;
}

/// A session between statements ends at once; one that is busy ends after its transaction, or when time is up.
async fn stop_sessions(database: &Database, grace: Duration) {
    database.stopping();
    let deadline = tokio::time::Instant::now() + grace;
    while database.clients() > 0 && tokio::time::Instant::now() < deadline {
        database.terminate_idle();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Replicas get everything, so that one of them can take over and this node follow it.
    if let Err(e) = in_place(|| database.write_last()) {
        tracing::warn!("the last values of sequences could not be written: {e}");
    }
    database.backends.terminate_all();
    let last = tokio::time::Instant::now() + Duration::from_secs(5);
    while database.backends.count() > 0 && tokio::time::Instant::now() < last {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Moves other tasks off this worker thread while `work` runs.
fn in_place<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
