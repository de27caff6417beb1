//! Checks a store at rest: the data file byte by byte, then, when pages can be relied on, what they say together. The latter
//! opens the store, on a disk whose changes nobody keeps.

use super::super::pager::{DamagedPage, Pager, check_file};
use super::super::tree;
use super::directory::{self, Payload};
use super::{PagedOptions, PagedStore};
use crate::base::{Error, Finding, Lsn, PageId, Report, Result, SqlState};
use crate::io::Disk;
use hashbrown::HashMap;
use std::sync::Arc;

/// What a check has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreCheck {
    /// Of the newest checkpoint.
    pub pages: u64,
    pub trees: usize,
    /// Of the newest checkpoint; zero when there is none.
    pub lsn: Lsn,
    /// Something is damaged that the checkpoint needs.
    pub unusable: bool,
}

impl PagedStore {
    /// Checks the store in a data file, which need not be there. `disk` may be changed.
    ///
    /// Errors: 0A000 when a newer version wrote it, those of the disk; damage is reported.
    pub fn check(disk: &Arc<dyn Disk>, options: impl Fn() -> PagedOptions, report: Report<'_>) -> Result<StoreCheck> {
        let file = options().file;
        if !disk.exists(&file)? {
            return Ok(StoreCheck::default());
        }
        let found = check_file(&*disk.open(&file)?, report)?;
        let lsn = found.root.as_ref().map_or(Lsn::ZERO, |root| root.lsn);
        let unusable = !found.opens || !found.damaged.is_empty();
        let mut check = StoreCheck { pages: found.pages, trees: 0, lsn, unusable };
        if !found.damaged.is_empty() {
            let owners = if found.opens { owners(disk, options()) } else { HashMap::new() };
            found.damaged.iter().for_each(|page| report(of_page(page, owners.get(&page.pid))));
        }
        if unusable {
            return Ok(check);
        }
        let verified = PagedStore::open(disk.clone(), options()).and_then(|(store, _)| {
            check.trees = store.trees.read().len();
            store.verify_all()
        });
        match verified {
            Err(e) if e.code() == SqlState::DATA_CORRUPTED => {
                check.unusable = true;
                report(Finding::Damage(e.context("in the newest checkpoint")));
            }
            other => other?,
        }
        Ok(check)
    }
}

fn of_page(page: &DamagedPage, owner: Option<&String>) -> Finding {
    let DamagedPage { pid, block, offset, why } = page;
    let owner = owner.map_or(String::new(), |owner| format!(" of {owner}"));
    Finding::damage(format!("the data file is damaged: page {pid}{owner}, at block {block} (offset {offset}): {why}"))
}

/// Whose pages are whose, as far as the pages that are whole tell.
fn owners(disk: &Arc<dyn Disk>, options: PagedOptions) -> HashMap<PageId, String> {
    let mut owners = HashMap::new();
    // Whatever cannot be read is reported by its page.
    let _ = note_owners(disk, options, &mut owners);
    owners
}

fn note_owners(disk: &Arc<dyn Disk>, options: PagedOptions, owners: &mut HashMap<PageId, String>) -> Result<()> {
    let (pager, root) = Pager::open(disk.clone(), &options.file, options.pager)?;
    let root = root.ok_or_else(|| Error::internal("a page is of a checkpoint"))?;
    let directory = Payload::decode(&root.payload)?.directory;
    let mut note = |root: PageId, owner: &str| {
        let _ = tree::each_page(&pager, root, &mut |pid| {
            owners.insert(pid, owner.to_string());
        });
    };
    note(directory, "the directory");
    for tree in directory::list(&pager, directory)?.trees {
        note(tree.root, &format!("tree {}", tree.id));
        tree.chunks().into_iter().for_each(|chunks| note(chunks, &format!("tree {}'s large values", tree.id)));
    }
    Ok(())
}
