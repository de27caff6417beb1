//! Keeping the list of relations that a statement touches: what privileges are checked against.

use super::rel::{Access, AccessMode};
use super::state::Binder;
use crate::base::Oid;
use crate::expr::ColId;

impl Binder<'_> {
    /// A relation is opened; the columns used follow.
    pub fn open_access(&mut self, relation: Oid, mode: AccessMode) -> usize {
        let role = self.acting_role;
        self.access.push(Access { relation, mode, columns: Vec::new(), role });
        self.access.len() - 1
    }

    /// A column has been mentioned.
    pub fn note_access(&mut self, id: ColId) {
        let state = self.state(id);
        let (Some(access), Some((_, attnum))) = (state.access, state.origin) else { return };
        let columns = &mut self.access[access].columns;
        if !columns.contains(&attnum) {
            columns.push(attnum);
        }
    }

    /// A column is written.
    pub fn note_written(&mut self, access: usize, attnum: i16) {
        let columns = &mut self.access[access].columns;
        if !columns.contains(&attnum) {
            columns.push(attnum);
        }
    }
}
