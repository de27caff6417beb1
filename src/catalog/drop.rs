//! Carrying out a DROP that `depend.rs` has worked out: objects, their comments and statistics, their trees.

use super::change::CatalogTxn;
use super::codec::SEQUENCE_TREE;
use super::depend::{DropPlan, find_constraint, find_default};
use super::object::{Address, Kind, ObjectKey, RowKey, Table, class};
use super::snapshot::{Relation, UserType};
use crate::base::{Error, Oid, Result, TreeId};
use crate::txn::Txn;
use std::sync::Arc;

/// A table that stays while the primary key that ordered its rows goes. The catalog now has it under new, empty trees; the
/// caller writes its rows into them and then drops the old trees.
#[derive(Clone, Debug)]
pub struct Unclustered {
    /// As it was: with its old trees.
    pub table: Arc<Table>,
    pub old_trees: Vec<TreeId>,
}

impl CatalogTxn {
    /// Carries out a plan made from [`effective`](Self::effective). Returns the tables whose rows must be written anew.
    pub fn execute_drop(&mut self, txn: &mut Txn, plan: &DropPlan) -> Result<Vec<Unclustered>> {
        let mut unclustered = Vec::new();
        for (at, &address) in plan.removals.iter().enumerate() {
            // A part of a relation that goes later in the plan goes with it.
            let rest = &plan.removals[at + 1..];
            match address.class {
                class::CLASS if address.sub == 0 => self.drop_relation(txn, address.oid)?,
                class::CLASS if rest.contains(&address.whole()) => {}
                class::CLASS => self.drop_column(txn, address)?,
                class::CONSTRAINT => self.drop_constraint(txn, address.oid, rest, &mut unclustered)?,
                class::ATTRDEF => self.drop_default(txn, address.oid, rest)?,
                class::TYPE => self.drop_type(txn, address)?,
                class::NAMESPACE => {
                    self.remove(txn, ObjectKey::new(Kind::Schema, address.oid))?;
                    self.drop_comments(txn, address)?;
                }
                other => return Err(Error::internal(format!("cannot drop an object of class {other}"))),
            }
        }
        Ok(unclustered)
    }

    fn drop_relation(&mut self, txn: &mut Txn, oid: Oid) -> Result<()> {
        match self.effective().relation_by_oid(oid) {
            Some(Relation::Table(t)) => {
                if t.has_rows() {
                    txn.drop_tree(t.tree)?;
                }
                self.remove(txn, ObjectKey::new(Kind::Table, oid))?;
                if self.effective().stats(oid).is_some() {
                    self.remove(txn, ObjectKey::new(Kind::Stats, oid))?;
                }
            }
            Some(Relation::Index(i)) => {
                if !i.clustered {
                    txn.drop_tree(i.tree)?;
                }
                self.remove(txn, ObjectKey::new(Kind::Index, oid))?;
            }
            Some(Relation::Sequence(s)) => {
                txn.delete(SEQUENCE_TREE, &s.storage.to_be_bytes())?;
                self.remove(txn, ObjectKey::new(Kind::Sequence, oid))?;
            }
            Some(Relation::System(_)) | None => return Err(Error::internal("dropped relation is not there")),
        }
        self.drop_comments(txn, Address::relation(oid))
    }

    /// The column keeps its place and its type under a name that nobody can write.
    fn drop_column(&mut self, txn: &mut Txn, address: Address) -> Result<()> {
        let mut table = self.table_copy(address.oid)?;
        let column = table.columns.iter_mut().find(|c| c.attnum == address.sub);
        let column = column.ok_or_else(|| Error::internal("dropped column is not there"))?;
        column.dropped = true;
        column.name = format!("........pg.dropped.{}........", address.sub);
        column.not_null = false;
        column.default = None;
        column.identity = None;
        column.generated = None;
        column.missing = None;
        self.put(txn, table)?;
        self.drop_comments(txn, address)
    }

    fn drop_constraint(
        &mut self,
        txn: &mut Txn,
        oid: Oid,
        rest: &[Address],
        unclustered: &mut Vec<Unclustered>,
    ) -> Result<()> {
        let Some((table, constraint)) = find_constraint(self.effective(), oid) else { return Ok(()) };
        let (table_oid, index) = (table.oid, constraint.kind.index());
        self.drop_comments(txn, Address::new(class::CONSTRAINT, oid))?;
        if rest.contains(&Address::relation(table_oid)) {
            return Ok(());
        }
        let before = self.effective().table(table_oid).cloned().expect("the table was just found");
        let mut table = Table::clone(&before);
        table.constraints.retain(|c| c.oid != oid);
        let was_clustered = matches!(&table.row_key, RowKey::Columns { index: i, .. } if Some(*i) == index);
        if was_clustered {
            unclustered.push(self.uncluster(txn, before, &mut table)?);
        }
        self.put(txn, table)
    }

    /// Gives a table and its indexes new trees, rows keyed by row id.
    fn uncluster(&mut self, txn: &mut Txn, before: Arc<Table>, table: &mut Table) -> Result<Unclustered> {
        let mut old_trees = vec![before.tree];
        table.row_key = RowKey::RowId;
        table.tree = txn.create_tree()?;
        for index in self.effective().indexes_of(table.oid).to_vec() {
            if !index.clustered {
                let mut index = super::object::Index::clone(&index);
                old_trees.push(std::mem::replace(&mut index.tree, txn.create_tree()?));
                self.put(txn, index)?;
            }
        }
        Ok(Unclustered { table: before, old_trees })
    }

    fn drop_default(&mut self, txn: &mut Txn, oid: Oid, rest: &[Address]) -> Result<()> {
        let Some((table, attnum)) = find_default(self.effective(), oid) else { return Ok(()) };
        if rest.contains(&Address::relation(table)) || rest.contains(&Address::column(table, attnum)) {
            return Ok(());
        }
        let mut table = self.table_copy(table)?;
        if let Some(column) = table.columns.iter_mut().find(|c| c.attnum == attnum) {
            column.default = None;
            column.generated = None;
        }
        self.put(txn, table)
    }

    /// Row types go with their tables.
    fn drop_type(&mut self, txn: &mut Txn, address: Address) -> Result<()> {
        if let Some(UserType::Object(_)) = self.effective().user_type(address.oid) {
            self.remove(txn, ObjectKey::new(Kind::Type, address.oid))?;
        }
        self.drop_comments(txn, address)
    }

    /// Comments on an object and on columns of it.
    pub fn drop_comments(&mut self, txn: &mut Txn, on: Address) -> Result<()> {
        let is_on = |c: Address| if on.sub == 0 { c.whole() == on } else { c == on };
        let catalog = self.effective().clone();
        for comment in catalog.comments().filter(|c| is_on(c.on)) {
            self.remove(txn, ObjectKey::comment(comment.on))?;
        }
        Ok(())
    }

    fn table_copy(&self, oid: Oid) -> Result<Table> {
        match self.effective().table(oid) {
            Some(t) => Ok(Table::clone(t)),
            None => Err(Error::internal("dropped part of a table that is not there")),
        }
    }
}
