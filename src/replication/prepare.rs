//! Making a data directory a replica's, before the engine is opened.
//!
//! | the directory holds | then |
//! |---|---|
//! | nothing, or a copy that did not come to its end | a base is taken from elsewhere, if there is such a place; or the pages of the primary's newest checkpoint are copied |
//! | a replica | nothing: it goes on where its log ends |
//! | a former primary | what the new primary's log does not have is cut off, if a checkpoint without it is left |

use super::base::BaseReceiver;
use super::client::Client;
use super::files;
use super::follow::describe;
use super::history::History;
use super::stream::fetch_history;
use super::target::Target;
use crate::base::{Error, Lsn, Result, SqlState};
use crate::engine::{AtRest, FORMAT_FILE, check_empty, write_format};
use crate::io::{Disk, Entropy};
use std::sync::Arc;
use std::time::Duration;

/// The pauses between attempts to reach the primary.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// How often a copy says how far it is.
const REPORT_PAGES: usize = 128 << 10;

/// Makes, on a disk without any, the files of a state of the database with this system identifier, on this timeline, and the
/// log behind it. It blocks.
pub type Elsewhere = Arc<dyn Fn(&Arc<dyn Disk>, u64, u32) -> Result<()> + Send + Sync>;

/// Makes the directory ready to be opened as a replica of `target`. While that cannot be reached it tries again.
/// What a base is taken from `elsewhere` the primary need not send.
///
/// Errors: 55006 when another process has the directory open, 55000 when it holds something else, or a database whose
/// history has parted from the primary's too long ago.
pub async fn prepare(
    disk: Arc<dyn Disk>,
    entropy: &dyn Entropy,
    target: &Target,
    elsewhere: Option<Elsewhere>,
) -> Result<()> {
    let _lock = disk.lock("")?;
    if disk.exists(FORMAT_FILE)? {
        files::end_partial(&*disk)?;
        super::in_place(|| files::settle_promotion(&disk))?;
        return match files::read_marker(&*disk)? {
            Some(_) => Ok(()),
            None => rejoin(&disk, entropy, target).await,
        };
    }
    if files::is_partial(&*disk)? {
        tracing::info!("a base copy did not come to its end: it begins again");
        files::clear_partial(&*disk)?;
    } else {
        check_empty(&*disk)?;
        files::begin_partial(&*disk)?;
    }
    let slot = files::write_marker(&*disk, entropy)?;
    let mut pause = PAUSE_MIN;
    loop {
        match copy(&disk, target, &slot, elsewhere.as_ref()).await {
            Ok(()) => break,
            Err(e) => wait_for_primary(target, e, &mut pause).await?,
        }
        files::clear_partial(&*disk)?;
        files::keep_marker(&*disk, &slot)?;
    }
    super::in_place(|| {
        write_format(&*disk)?;
        files::end_partial(&*disk)
    })
}

/// Sleeps before the next attempt, when one may help.
async fn wait_for_primary(target: &Target, e: Error, pause: &mut Duration) -> Result<()> {
    if !matches!(e.code().class(), "08" | "57" | "53") || e.code() == SqlState::DISK_FULL {
        return Err(e);
    }
    tracing::warn!(%target, "waiting for the primary: {}", describe(&e));
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(PAUSE_MAX);
    Ok(())
}

/// Takes a base from elsewhere, or copies the pages of the primary's newest checkpoint. The slot keeps all log that the
/// primary has from now on.
async fn copy(disk: &Arc<dyn Disk>, target: &Target, slot: &str, elsewhere: Option<&Elsewhere>) -> Result<()> {
    let mut client = Client::connect(target, slot).await?;
    let rows = client.command("IDENTIFY_SYSTEM").await?;
    let value = |n: usize| rows.first().and_then(|row| row.get(n)?.as_deref()).unwrap_or("");
    let system: u64 = value(0).parse().unwrap_or(0);
    let timeline: u32 = value(1).parse().unwrap_or(1);
    let history = if timeline > 1 { Some(fetch_history(&mut client, timeline).await?) } else { None };
    let store_history = || history.as_ref().map_or(Ok(()), |history| history.store(&**disk));
    store_history()?;
    match client.command(&format!("CREATE_REPLICATION_SLOT {slot} PHYSICAL RESERVE_WAL")).await {
        Err(e) if !matches!(e.code(), SqlState::DUPLICATE_OBJECT | SqlState::CONFIGURATION_LIMIT_EXCEEDED) => {
            return Err(e);
        }
        _ => {}
    }
    if let Some(elsewhere) = elsewhere {
        match take_from(elsewhere, disk, system, timeline).await {
            Ok(()) => return Ok(()),
            Err(e) => tracing::warn!("the base comes from the primary: {}", describe(&e)),
        }
        files::clear_partial(&**disk)?;
        files::keep_marker(&**disk, slot)?;
        store_history()?;
    }
    client.begin_copy("BASE_COPY").await?;
    let mut receiver = BaseReceiver::new(disk.clone());
    let mut told = 0;
    while let Some(message) = client.copied().await? {
        let progress = super::in_place(|| receiver.take(&message))?;
        if told == 0 || progress.pages_put >= told + REPORT_PAGES {
            told = progress.pages_put.max(1);
            tracing::info!(%target, pages = progress.pages_put, of = progress.head.pages, "copying");
        }
        if progress.done {
            tracing::info!(pages = progress.pages_put, from = %progress.head.place.at, "the base copy is complete");
            return Ok(());
        }
    }
    Err(Error::new(SqlState::CONNECTION_FAILURE, "the primary ended the base copy too early"))
}

/// In a thread of its own, which nobody waits for when the process is to end.
async fn take_from(elsewhere: &Elsewhere, disk: &Arc<dyn Disk>, system: u64, timeline: u32) -> Result<()> {
    let (done, taken) = tokio::sync::oneshot::channel();
    let (elsewhere, disk) = (elsewhere.clone(), disk.clone());
    let work = move || drop(done.send(elsewhere(&disk, system, timeline)));
    std::thread::Builder::new().name("replica-base".into()).spawn(work)?;
    taken.await.unwrap_or_else(|_| Err(Error::internal("taking a base panicked")))
}

/// A former primary becomes a replica of the one that has taken over.
async fn rejoin(disk: &Arc<dyn Disk>, entropy: &dyn Entropy, target: &Target) -> Result<()> {
    let own = super::in_place(|| AtRest::read(disk))?;
    let mut pause = PAUSE_MIN;
    let (timeline, history) = loop {
        match ask(target, &own).await {
            Ok(answer) => break answer,
            Err(e) => wait_for_primary(target, e, &mut pause).await?,
        }
    };
    if let Some(fork) = history.parts_from(own.identity.timeline) {
        super::in_place(|| fall_back(disk, &own, fork))?;
    }
    if timeline > 1 {
        history.store(&**disk)?;
    }
    let slot = files::write_marker(&**disk, entropy)?;
    tracing::info!(%target, slot, "this database is a replica from now on");
    Ok(())
}

/// The primary's timeline and what came before it.
async fn ask(target: &Target, own: &AtRest) -> Result<(u32, History)> {
    let mut client = Client::connect(target, "headwater").await?;
    let rows = client.command("IDENTIFY_SYSTEM").await?;
    let value = |n: usize| rows.first().and_then(|row| row.get(n)?.as_deref()).unwrap_or("");
    if value(0) != (own.identity.cluster as u64).to_string() {
        return Err(refuse(format!("the server at {target} is of another database than this directory")));
    }
    let timeline: u32 = value(1).parse().unwrap_or(0);
    if timeline < own.identity.timeline {
        return Err(refuse(format!(
            "this directory is on timeline {}, and the server at {target} only on timeline {timeline}",
            own.identity.timeline
        )));
    }
    let history = if timeline > 1 { fetch_history(&mut client, timeline).await? } else { History::default() };
    Ok((timeline, history))
}

/// Cuts off what came after the fork: the new primary never had it.
fn fall_back(disk: &Arc<dyn Disk>, own: &AtRest, fork: Lsn) -> Result<()> {
    if own.end <= fork {
        return Ok(());
    }
    let checkpoint = own.checkpoint;
    if !own.cut_off(disk, fork)? {
        return Err(refuse(format!(
            "the new primary's history parted from this one at {fork}, and no checkpoint from before is left here: the newest, at {checkpoint}, has more"
        )));
    }
    tracing::warn!(%fork, end = %own.end, %checkpoint, bytes = own.end.0 - fork.0, "cut off what the new primary never had");
    Ok(())
}

fn refuse(message: String) -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
        .hint("Start with an empty data directory, which takes a full copy of the primary.")
}
