//! Making a data directory a replica's, before the engine is opened.
//!
//! | the directory holds | then |
//! |---|---|
//! | nothing, or a copy that did not come to its end | the pages of the primary's newest checkpoint are copied |
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

/// Makes the directory ready to be opened as a replica of `target`. While that cannot be reached it tries again.
///
/// Errors: 55006 when another process has the directory open, 55000 when it holds something else, or a database whose
/// history has parted from the primary's too long ago.
pub async fn prepare(disk: Arc<dyn Disk>, entropy: &dyn Entropy, target: &Target) -> Result<()> {
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
        match copy(&disk, target, &slot).await {
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

/// Copies the pages of the primary's newest checkpoint. The slot keeps the log behind it from now on.
async fn copy(disk: &Arc<dyn Disk>, target: &Target, slot: &str) -> Result<()> {
    let mut client = Client::connect(target, slot).await?;
    let rows = client.command("IDENTIFY_SYSTEM").await?;
    let timeline: u32 = rows.first().and_then(|row| row.get(1)?.as_deref()?.parse().ok()).unwrap_or(1);
    if timeline > 1 {
        fetch_history(&mut client, timeline).await?.store(&**disk)?;
    }
    match client.command(&format!("CREATE_REPLICATION_SLOT {slot} PHYSICAL RESERVE_WAL")).await {
        Err(e) if !matches!(e.code(), SqlState::DUPLICATE_OBJECT | SqlState::CONFIGURATION_LIMIT_EXCEEDED) => {
            return Err(e);
        }
        _ => {}
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
