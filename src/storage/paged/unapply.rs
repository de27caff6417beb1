//! Taking a pending batch back, when applying it failed: every entry gets its previous state from the batch's own
//! records. Readers see no difference, before and after.

use super::super::tree::{self, Change};
use super::super::undo::{Kind, Record};
use super::apply::{PendingBatch, Turn};
use super::directory::{DROPPED, LargeId};
use super::{LARGE, PagedStore, large};
use crate::base::Result;
use std::sync::atomic::Ordering::Relaxed;

/// A record's content, kept beyond the visit.
struct Back {
    position: u64,
    kind: Kind,
    tree: crate::base::TreeId,
    key: Vec<u8>,
    hdr: u64,
    value: Vec<u8>,
}

impl From<Record<'_>> for Back {
    fn from(r: Record<'_>) -> Back {
        let (key, value) = (r.key.to_vec(), r.value.to_vec());
        Back { position: r.position, kind: r.kind, tree: r.tree, key, hdr: r.prev_hdr, value }
    }
}

impl PagedStore {
    /// Undoes what was applied of the batch. After an error the pages are not to be trusted: the process must stop.
    pub fn unapply(&self, pending: PendingBatch) -> Result<()> {
        let mut applying = self.applying.lock();
        let mut records = Vec::new();
        self.undo.records_of(&pending.undo, &mut |record| {
            records.push(Back::from(record));
            Ok(())
        })?;
        let mut turn = Turn::new(self);
        let load = applying.load.take_if(|load| load.is_of(Some(&pending)));
        let abandoned = load.map(|load| self.abandon(&mut turn, load)).transpose()?;
        for tree in &pending.dropped {
            self.enter(turn.writer(), tree, tree.flags.load(Relaxed) & !DROPPED)?;
        }
        for record in records.into_iter().rev() {
            match record.kind {
                Kind::DropTree => continue,
                // A tree of the batch's own goes as it is.
                Kind::Load if pending.created.iter().any(|tree| tree.id == record.tree) => continue,
                Kind::Load if abandoned == Some(record.position) => continue,
                Kind::Load => self.unload(&mut turn, &*self.tree(record.tree)?, record.position)?,
                _ => self.put_back(&mut turn, &record)?,
            }
            turn.breathe();
        }
        for tree in &pending.created {
            self.enter(turn.writer(), tree, DROPPED)?;
            self.doom(tree.id);
        }
        drop(turn);
        self.undo.appender().abort(pending.undo, applying.lsn);
        Ok(())
    }

    fn put_back(&self, turn: &mut Turn<'_>, record: &Back) -> Result<()> {
        let tree = self.tree(record.tree)?;
        let current = tree::update(turn.writer(), tree.root, &record.key, |old| {
            let current = old.filter(|s| !s.ghost && s.hdr & LARGE != 0).and_then(|s| large::reference(s.value).ok());
            let change = match record.kind {
                Kind::Insert => Change::Remove,
                // Purge has passed the ghost: nobody else would remove it.
                Kind::Revive if record.hdr < self.undo.base() => Change::Remove,
                Kind::Revive => Change::Ghost { hdr: record.hdr },
                _ => Change::Put { hdr: record.hdr, value: &record.value },
            };
            (change, current)
        })?;
        if record.kind == Kind::Delete {
            tree.ghosts.fetch_sub(1, Relaxed);
        }
        let had_large = record.kind.had_value() && record.hdr & LARGE != 0;
        let previous = had_large.then(|| large::reference(&record.value)).transpose()?;
        // They are the same when the change failed half way.
        if let Some(number) = current.filter(|&number| previous != Some(number)) {
            self.remove_large(turn, &tree, number)?;
        }
        if let Some(number) = previous {
            self.unmark_dead(turn.writer(), LargeId { tree: tree.id, number })?;
        }
        Ok(())
    }
}
