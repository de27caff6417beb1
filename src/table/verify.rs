//! Does every row have its index entries, and every entry its row? For tests, and for whoever doubts a data directory.

use super::def::TableDef;
use super::entry::EntryView;
use super::evaluate::RowEvaluator;
use crate::base::{Error, Result, SqlState};
use crate::expr::EvalContext;
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::Txn;

fn corrupted(message: String) -> Error {
    Error::new(SqlState::INDEX_CORRUPTED, message)
}

impl TableDef {
    /// Error: XX002 at the first disagreement between the rows and an index.
    pub fn verify(&self, txn: &mut Txn, cx: &mut EvalContext<'_>) -> Result<()> {
        for index in self.indexes.iter().filter(|i| !i.index.clustered) {
            let name = &index.index.name;
            let mut expected = 0;
            let mut value = Vec::new();
            self.for_each_row(txn, |txn, row_key, row| {
                let mut rows = RowEvaluator::new(self, cx);
                let Some(entry) = index.entry_key(&row, &mut rows)? else { return Ok(()) };
                expected += 1;
                if !txn.get_latest(index.index.tree, &index.tree_key(entry.as_ref(), row_key), &mut value)? {
                    return Err(corrupted(format!("a row has no entry in index \"{name}\"")));
                }
                match value == index.tree_value(entry.as_ref(), row_key, &row) {
                    true => Ok(()),
                    false => Err(corrupted(format!("an entry of index \"{name}\" is not its row's"))),
                }
            })?;
            let found = self.count_entries(txn, index.index.tree)?;
            if found != expected {
                return Err(corrupted(format!("index \"{name}\" has {found} entries for {expected} rows")));
            }
        }
        Ok(())
    }

    fn count_entries(&self, txn: &Txn, tree: crate::base::TreeId) -> Result<u64> {
        let mut scan = txn.scan_latest(tree, KeyRange::all(), Direction::Forward);
        let (mut entries, mut found) = (Entries::new(), 0);
        loop {
            let more = scan.next(txn, &mut entries, 512)?;
            for (key, value) in entries.iter() {
                EntryView::new(key, value)?;
                found += 1;
            }
            if !more {
                return Ok(found);
            }
        }
    }
}
