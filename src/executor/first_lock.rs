//! The lock before the snapshot: a statement on one row by its unique key takes the row's lock first and then reads, so
//! nobody can have changed the row in between and the statement never starts again.

use super::{Cx, ExecContext, Execution};
use crate::base::Result;
use crate::planner::first_lock;
use crate::table::{FetchedRow, Read, encode_prefix};
use crate::types::{Datum, DatumRef};
use smallvec::SmallVec;

impl Execution {
    /// Locks the one row that a plan with `lock_first` names by its parameters. Call it before the statement begins; an error
    /// may be a wait.
    pub fn take_first_lock(&mut self, env: &mut ExecContext<'_>) -> Result<()> {
        let Some((lookup, mode)) = first_lock(&self.plan.root) else { return Ok(()) };
        let mut cx = Cx::new(env, &self.params, &mut self.exec, &mut self.shared);
        let mut values: SmallVec<[Datum; 4]> = SmallVec::new();
        for e in &lookup.key {
            values.push(cx.value(e)?);
        }
        let values: SmallVec<[DatumRef<'_>; 4]> = values.iter().map(Datum::as_ref).collect();
        if values.iter().any(|v| v.is_null()) {
            return Ok(());
        }
        let def = &lookup.def;
        let index = &def.indexes[lookup.index];
        let mut key = Vec::with_capacity(32);
        if index.index.clustered {
            if !encode_prefix(&index.columns, &values, &mut key) {
                return Ok(());
            }
        } else {
            let mut row = FetchedRow::default();
            if !def.lookup_unique(cx.txn, Read::Latest, lookup.index, &values, &mut row)? {
                return Ok(());
            }
            key = row.key;
        }
        def.lock_latest(cx.txn, &key, mode)?;
        cx.txn.will_see(def.tree, &key)
    }
}
