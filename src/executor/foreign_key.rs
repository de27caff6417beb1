//! Foreign keys and other work that waits for the end of a statement or of the transaction.
//!
//! While a statement changes rows it only notes what happened to them ([`RowEvents`]). At its end each note is
//! followed up on the latest state under locks: a child's parent is looked for and locked (`KeyShare`); a parent
//! that went away (or changed its key) either must have no children left, or takes them along. Children that change that
//! way make notes of their own, so a cascade is a queue and not a recursion.
//!
//! Checks of deferrable constraints go to the transaction's [`Deferred`] instead, when the constraint is in that mode.

use super::Cx;
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::{Catalog, Constraint, ConstraintKind, FkAction, FkMatch};
use crate::planner::definitions::Definition;
use crate::storage::{Direction, Entries, KeyRange};
use crate::table::{FetchedRow, Read, Recheck, Rechecks, TableDef};
use crate::txn::LockMode;
use crate::types::{Batch, ColumnReader, Datum, DatumRef, Physical, SqlType, equal};
use ahash::AHashMap;
use std::collections::VecDeque;
use std::sync::Arc;

/// A foreign key with the places of its columns worked out.
#[derive(Debug)]
pub(crate) struct ForeignKey {
    constraint: Constraint,
    child: Oid,
    parent: Oid,
    parent_index: Oid,
    child_positions: Vec<usize>,
    parent_positions: Vec<usize>,
    full: bool,
    on_update: FkAction,
    on_delete: FkAction,
    /// Columns that SET NULL and SET DEFAULT of ON DELETE set.
    set_on_delete: Vec<usize>,
}

fn position(attnum: i16) -> usize {
    usize::try_from(attnum).ok().and_then(|n| n.checked_sub(1)).expect("attribute numbers of columns are positive")
}

fn positions(attnums: &[i16]) -> Vec<usize> {
    attnums.iter().map(|&n| position(n)).collect()
}

impl ForeignKey {
    fn new(child: Oid, constraint: &Constraint) -> Option<Arc<ForeignKey>> {
        let ConstraintKind::ForeignKey {
            columns,
            parent,
            parent_columns,
            parent_index,
            matching,
            on_update,
            on_delete,
            set_columns,
        } = &constraint.kind
        else {
            return None;
        };
        let set = if set_columns.is_empty() { columns } else { set_columns };
        Some(Arc::new(ForeignKey {
            constraint: constraint.clone(),
            child,
            parent: *parent,
            parent_index: *parent_index,
            child_positions: positions(columns),
            parent_positions: positions(parent_columns),
            full: *matching == FkMatch::Full,
            on_update: *on_update,
            on_delete: *on_delete,
            set_on_delete: positions(set),
        }))
    }
}

fn outgoing(def: &TableDef) -> Vec<Arc<ForeignKey>> {
    def.table.constraints.iter().filter_map(|c| ForeignKey::new(def.table.oid, c)).collect()
}

fn incoming(catalog: &Catalog, table: Oid) -> Vec<Arc<ForeignKey>> {
    let found = catalog.foreign_keys_to(table).iter().filter_map(|i| {
        let child = catalog.table(i.table)?;
        ForeignKey::new(child.oid, child.constraint(i.constraint)?)
    });
    found.collect()
}

/// Something that happened to a row and must be followed up.
#[derive(Debug)]
enum Event {
    /// A row got these values in a foreign key's columns.
    Child { key: Arc<ForeignKey>, row_key: Vec<u8>, values: Vec<Datum> },
    /// A row lost these values in the columns that a foreign key refers to, and has `new` ones if it still exists.
    Parent { key: Arc<ForeignKey>, old: Vec<Datum>, new: Option<Vec<Datum>> },
}

/// What happened to one table's rows in a statement.
#[derive(Debug, Default)]
pub(crate) struct RowEvents {
    outgoing: Vec<Arc<ForeignKey>>,
    incoming: Vec<Arc<ForeignKey>>,
    types: Vec<SqlType>,
    events: VecDeque<Event>,
}

fn pick(row: &[Datum], positions: &[usize]) -> Vec<Datum> {
    positions.iter().map(|&at| row[at].clone()).collect()
}

impl RowEvents {
    pub fn new(cx: &Cx<'_>, def: &TableDef) -> Result<RowEvents> {
        let (outgoing, incoming) = (outgoing(def), incoming(cx.catalog, def.table.oid));
        let types = if incoming.is_empty() { Vec::new() } else { def.types.clone() };
        Ok(RowEvents { outgoing, incoming, types, events: VecDeque::new() })
    }

    /// Whether [`RowEvents::updated`] looks at what a row was before.
    pub fn reads_old(&self) -> bool {
        !self.incoming.is_empty()
    }

    pub fn inserted(&mut self, row_key: &[u8], row: &[Datum]) {
        for key in &self.outgoing {
            let values = pick(row, &key.child_positions);
            self.events.push_back(Event::Child { key: Arc::clone(key), row_key: row_key.to_vec(), values });
        }
    }

    /// Like [`RowEvents::inserted`], of all rows of a batch.
    pub fn inserted_batch<'k>(&mut self, row_key: impl Fn(usize) -> &'k [u8], types: &[SqlType], batch: &Batch) {
        if self.outgoing.is_empty() {
            return;
        }
        let reader = |&at: &usize| ColumnReader::new(types[at].physical(), &batch.columns[at]);
        let readers = |key: &Arc<ForeignKey>| key.child_positions.iter().map(reader).collect();
        let columns: Vec<Vec<ColumnReader<'_>>> = self.outgoing.iter().map(readers).collect();
        for row in 0..batch.rows {
            for (key, columns) in self.outgoing.iter().zip(&columns) {
                let values = columns.iter().map(|c| c.get(row).to_owned()).collect();
                self.events.push_back(Event::Child { key: Arc::clone(key), row_key: row_key(row).to_vec(), values });
            }
        }
    }

    pub fn updated(&mut self, row_key: &[u8], old: &[Datum], new: &[Datum], changed: &[usize]) {
        for key in &self.outgoing {
            if key.child_positions.iter().any(|at| changed.contains(at)) {
                let values = pick(new, &key.child_positions);
                self.events.push_back(Event::Child { key: Arc::clone(key), row_key: row_key.to_vec(), values });
            }
        }
        for key in &self.incoming {
            let differs = |&at: &usize| !equal(self.types[at], old[at].as_ref(), new[at].as_ref());
            if key.parent_positions.iter().any(differs) {
                let (old, new) = (pick(old, &key.parent_positions), pick(new, &key.parent_positions));
                self.events.push_back(Event::Parent { key: Arc::clone(key), old, new: Some(new) });
            }
        }
    }

    pub fn deleted(&mut self, old: &[Datum]) {
        for key in &self.incoming {
            let old = pick(old, &key.parent_positions);
            self.events.push_back(Event::Parent { key: Arc::clone(key), old, new: None });
        }
    }

    /// Follows everything up, cascades included.
    pub fn finish(mut self, cx: &mut Cx<'_>) -> Result<()> {
        let mut checks = Vec::new();
        while let Some(event) = self.events.pop_front() {
            follow(cx, event, &mut self.events, &mut checks)?;
        }
        // Checks come last: a cascade may have brought a parent's children along, or made the parent again.
        for event in checks {
            check(cx, &event)?;
        }
        Ok(())
    }
}

/// Does what an event asks for at once; what is only to be checked goes to `checks` or is put off.
fn follow(cx: &mut Cx<'_>, event: Event, queue: &mut VecDeque<Event>, checks: &mut Vec<Event>) -> Result<()> {
    let (key, action) = match &event {
        Event::Child { key, .. } => (key, FkAction::NoAction),
        Event::Parent { key, new: Some(_), .. } => (key, key.on_update),
        Event::Parent { key, new: None, .. } => (key, key.on_delete),
    };
    match action {
        FkAction::Restrict => check(cx, &event),
        FkAction::NoAction => {
            if cx.deferred.defers(&key.constraint) || (cx.deferred.holds && key.parent == key.child) {
                cx.deferred.work.push(Work::ForeignKey(event));
            } else {
                checks.push(event);
            }
            Ok(())
        }
        action => cascade(cx, event, action, queue),
    }
}

fn check(cx: &mut Cx<'_>, event: &Event) -> Result<()> {
    match event {
        Event::Child { key, values, .. } => check_child(cx, key, values),
        Event::Parent { key, old, .. } => check_parent(cx, key, old),
    }
}

fn refs(values: &[Datum]) -> Vec<DatumRef<'_>> {
    values.iter().map(Datum::as_ref).collect()
}

fn check_child(cx: &mut Cx<'_>, key: &ForeignKey, values: &[Datum]) -> Result<()> {
    let nulls = values.iter().filter(|v| v.is_null()).count();
    let child = cx.definitions.by_oid(cx.catalog, key.child)?;
    if nulls > 0 {
        if !key.full || nulls == values.len() {
            return Ok(());
        }
        let message = format!(
            "insert or update on table \"{}\" violates foreign key constraint \"{}\"",
            child.def.table.name, key.constraint.name
        );
        return Err(Error::new(SqlState::FOREIGN_KEY_VIOLATION, message)
            .detail("MATCH FULL does not allow mixing of null and nonnull key values.")
            .table(&*child.def.schema, &child.def.table.name)
            .constraint(&key.constraint.name));
    }
    let parent = cx.definitions.by_oid(cx.catalog, key.parent)?;
    let values = refs(values);
    // As any statement that locks its rows.
    parent.def.lock_table(cx.txn, LockMode::RowShare)?;
    if parent.def.parent_exists(cx.txn, index_of(&parent, key)?, &key.parent_positions, &values)? {
        return Ok(());
    }
    Err(child.def.missing_parent(&key.constraint, &key.child_positions, &values, &parent.def.table.name, cx.format))
}

fn index_of(parent: &Definition, key: &ForeignKey) -> Result<usize> {
    let found = parent.def.index_at(key.parent_index);
    found.ok_or_else(|| Error::internal("a foreign key refers to an index that is not there"))
}

/// NO ACTION and RESTRICT: nobody may refer to the old values any more, unless a row has them again.
fn check_parent(cx: &mut Cx<'_>, key: &ForeignKey, old: &[Datum]) -> Result<()> {
    if old.iter().any(Datum::is_null) {
        return Ok(());
    }
    let child = cx.definitions.by_oid(cx.catalog, key.child)?;
    let values = refs(old);
    child.def.lock_table(cx.txn, LockMode::RowShare)?;
    if child.def.referencing(cx.txn, &key.child_positions, &values, 1)?.is_empty() {
        return Ok(());
    }
    let parent = cx.definitions.by_oid(cx.catalog, key.parent)?;
    if parent.def.parent_exists(cx.txn, index_of(&parent, key)?, &key.parent_positions, &values)? {
        return Ok(());
    }
    Err(parent.def.still_referenced(&key.constraint, &key.parent_positions, &values, &child.def, cx.format))
}

/// CASCADE, SET NULL, SET DEFAULT: changes the children.
fn cascade(cx: &mut Cx<'_>, event: Event, action: FkAction, queue: &mut VecDeque<Event>) -> Result<()> {
    let Event::Parent { key, old, new } = event else { return Ok(()) };
    if old.iter().any(Datum::is_null) {
        return Ok(());
    }
    let child = cx.definitions.by_oid(cx.catalog, key.child)?;
    let def = &child.def;
    // As any statement that changes its rows.
    def.lock_table(cx.txn, LockMode::RowExclusive)?;
    let set = match (action, &new) {
        (FkAction::Cascade, None) => None,
        (FkAction::Cascade, Some(new)) => Some(cascade_values(def, &key, new)),
        (action, _) => Some(replacement(cx, &child, &key, action, new.is_none())?),
    };
    let changed: Vec<usize> = set.iter().flatten().map(|s| s.0).collect();
    let mode = if set.is_none() { LockMode::Update } else { def.update_lock(&changed) };
    let mut events = RowEvents::new(cx, def)?;
    let mut rechecks = Rechecks::new();
    for found in def.referencing(cx.txn, &key.child_positions, &refs(&old), usize::MAX)? {
        cx.check_cancelled()?;
        def.lock_latest(cx.txn, &found.key, mode)?;
        let mut row = FetchedRow::default();
        if !def.fetch(cx.txn, Read::Latest, &found.key, &mut row)? {
            continue;
        }
        let before = def.decode_row(&row.value);
        let still = |&at: &usize| equal(def.types[at], before[at].as_ref(), found.row[at].as_ref());
        if !key.child_positions.iter().all(still) {
            continue;
        }
        match &set {
            None => {
                cx.with_rows(|txn, ev| def.delete(txn, ev, &found.key, &before))?;
                events.deleted(&before);
            }
            Some(set) => {
                let mut after = before.clone();
                set.iter().for_each(|(at, value)| after[*at] = value.clone());
                let changed = regenerate(cx, &child, &mut after, &changed)?;
                let row_key =
                    cx.with_rows(|txn, ev| def.update(txn, ev, &found.key, &before, &after, &changed, &mut rechecks))?;
                events.updated(&row_key, &before, &after, &changed);
            }
        }
    }
    queue.append(&mut events.events);
    finish_rechecks(cx, def, rechecks)
}

/// Computes generated columns anew; the columns that may have changed.
fn regenerate(cx: &mut Cx<'_>, table: &Definition, row: &mut [Datum], changed: &[usize]) -> Result<Vec<usize>> {
    let mut changed = changed.to_vec();
    if table.generated.is_empty() {
        return Ok(changed);
    }
    let columns = table
        .def
        .types
        .iter()
        .zip(row.iter())
        .map(|(ty, value)| crate::types::constant_column(ty.physical(), value.as_ref(), 1));
    let batch = crate::types::Batch::new(columns.collect(), 1);
    for (at, expr) in &table.generated {
        let column = cx.array(expr, &batch)?;
        row[*at] = crate::types::ColumnReader::new(expr.ty().physical(), &column).get(0).to_owned();
        changed.push(*at);
    }
    Ok(changed)
}

/// ON UPDATE CASCADE: the parent's new values, in the children's types.
fn cascade_values(def: &TableDef, key: &ForeignKey, new: &[Datum]) -> Vec<(usize, Datum)> {
    key.child_positions.iter().zip(new).map(|(&at, value)| (at, fit(def.types[at], value.clone()))).collect()
}

/// Integers of another width as the column's; everything else has the column's form already.
fn fit(ty: SqlType, value: Datum) -> Datum {
    let n = match value {
        Datum::Int2(n) => i64::from(n),
        Datum::Int4(n) => i64::from(n),
        Datum::Int8(n) => n,
        other => return other,
    };
    match ty.physical() {
        Physical::Int16 => i16::try_from(n).map_or(Datum::Null, Datum::Int2),
        Physical::Int32 => i32::try_from(n).map_or(Datum::Null, Datum::Int4),
        _ => Datum::Int8(n),
    }
}

/// The values that SET NULL or SET DEFAULT put in.
fn replacement(
    cx: &mut Cx<'_>,
    child: &Definition,
    key: &ForeignKey,
    action: FkAction,
    deleted: bool,
) -> Result<Vec<(usize, Datum)>> {
    let places = if deleted { &key.set_on_delete } else { &key.child_positions };
    let mut out = Vec::with_capacity(places.len());
    for &at in places {
        let value = match action {
            FkAction::SetDefault => {
                let expr = crate::planner::definitions::bind_default(cx.catalog, &child.def.table, at)?;
                cx.value(&expr)?
            }
            _ => Datum::Null,
        };
        out.push((at, value));
    }
    Ok(out)
}

/// Looks at deferrable unique keys again, now or at COMMIT.
pub(crate) fn finish_rechecks(cx: &mut Cx<'_>, def: &Arc<TableDef>, rechecks: Rechecks) -> Result<()> {
    for recheck in rechecks {
        let constraint = def.indexes[recheck.index].index.constraint.and_then(|oid| def.table.constraint(oid));
        if constraint.is_some_and(|c| cx.deferred.defers(c)) {
            cx.deferred.work.push(Work::Unique(Arc::clone(def), recheck));
        } else {
            cx.with_rows(|txn, ev| def.recheck(txn, ev, &recheck))?;
        }
    }
    Ok(())
}

/// Checks every row of a table against a foreign key that it has been given. Error: 23503.
pub fn validate(env: &mut super::ExecContext<'_>, table: Oid, constraint: Oid) -> Result<()> {
    let mut shared = super::context::Shared::default();
    let mut exec = Vec::new();
    let mut cx = Cx::new(env, &[], &mut exec, &mut shared);
    let definition = cx.definitions.by_oid(cx.catalog, table)?;
    let found = definition.def.table.constraint(constraint).and_then(|c| ForeignKey::new(table, c));
    let key = found.ok_or_else(|| Error::internal("the foreign key is not in the catalog"))?;
    let def = &definition.def;
    let mut scan = cx.txn.scan_latest(def.tree, KeyRange::all(), Direction::Forward);
    let mut entries = Entries::new();
    loop {
        let more = scan.next(cx.txn, &mut entries, super::BATCH_ROWS)?;
        cx.check_cancelled()?;
        for (_, value) in entries.iter() {
            check_child(&mut cx, &key, &pick(&def.decode_row(value), &key.child_positions))?;
        }
        if !more {
            break;
        }
    }
    Ok(())
}

/// What a transaction has put off to its end, and what SET CONSTRAINTS said.
#[derive(Debug, Default)]
pub struct Deferred {
    work: Vec<Work>,
    all: Option<bool>,
    named: AHashMap<Oid, bool>,
    /// A statement is being done in parts, and later ones may bring the parents of earlier ones' children.
    holds: bool,
}

#[derive(Debug)]
enum Work {
    ForeignKey(Event),
    Unique(Arc<TableDef>, Recheck),
}

impl Work {
    fn run(&self, cx: &mut Cx<'_>) -> Result<()> {
        match self {
            Work::Unique(def, recheck) => cx.with_rows(|txn, ev| def.recheck(txn, ev, recheck)),
            Work::ForeignKey(Event::Child { key, row_key, values }) => match still_has(cx, key, row_key, values)? {
                true => check_child(cx, key, values),
                false => Ok(()),
            },
            Work::ForeignKey(event) => check(cx, event),
        }
    }

    /// Whether its constraint is one that waits for COMMIT.
    fn is_put_off(&self, deferred: &Deferred) -> bool {
        match self {
            Work::ForeignKey(Event::Child { key, .. } | Event::Parent { key, .. }) => deferred.defers(&key.constraint),
            Work::Unique(..) => true,
        }
    }

    fn constraint(&self) -> Option<Oid> {
        match self {
            Work::ForeignKey(Event::Child { key, .. } | Event::Parent { key, .. }) => Some(key.constraint.oid),
            Work::Unique(def, recheck) => def.indexes[recheck.index].index.constraint,
        }
    }
}

impl Deferred {
    fn defers(&self, constraint: &Constraint) -> bool {
        let chosen = self.named.get(&constraint.oid).copied().or(self.all);
        constraint.deferrable && chosen.unwrap_or(constraint.initially_deferred)
    }

    pub fn is_empty(&self) -> bool {
        self.work.is_empty()
    }

    /// The transaction is over: nothing is put off, and no constraint's mode is set.
    pub fn clear(&mut self) {
        self.work.clear();
        self.all = None;
        self.named.clear();
    }

    /// How much is put off: a mark for [`Deferred::truncate`] at a savepoint or a statement's start.
    pub fn len(&self) -> usize {
        self.work.len()
    }

    /// Forgets what was put off after the mark: its changes were undone.
    pub fn truncate(&mut self, mark: usize) {
        self.work.truncate(mark);
    }

    /// Whether what follows is a part of a statement that [`run_held`] ends.
    pub fn hold(&mut self, holds: bool) {
        self.holds = holds;
    }

    /// SET CONSTRAINTS; `None` is ALL. What becomes immediate is checked by [`Deferred::run`].
    pub fn set(&mut self, constraints: Option<&[Oid]>, deferred: bool) {
        match constraints {
            None => {
                self.all = Some(deferred);
                self.named.clear();
            }
            Some(oids) => self.named.extend(oids.iter().map(|&oid| (oid, deferred))),
        }
    }

    /// Takes out the work to be done now: all of it at COMMIT, else that of these constraints (`None`: of all).
    fn due(&mut self, constraints: Option<&[Oid]>) -> Vec<Work> {
        let is_due = |w: &Work| constraints.is_none_or(|c| w.constraint().is_some_and(|oid| c.contains(&oid)));
        let (due, rest) = std::mem::take(&mut self.work).into_iter().partition(is_due);
        self.work = rest;
        due
    }
}

/// Does what was put off: at COMMIT (`None`), or of constraints that SET CONSTRAINTS made immediate.
pub fn run_deferred(env: &mut super::ExecContext<'_>, constraints: Option<&[Oid]>) -> Result<()> {
    let due = env.deferred.due(constraints);
    if due.is_empty() {
        return Ok(());
    }
    run_now(env, due)
}

/// Does what was held since the mark, [`Deferred::len`] at the beginning, up to the end of the statement. After a wait call
/// it again.
pub fn run_held(env: &mut super::ExecContext<'_>, mark: usize) -> Result<()> {
    let since = env.deferred.work.split_off(mark);
    let (put_off, due): (Vec<Work>, Vec<Work>) = since.into_iter().partition(|w| w.is_put_off(env.deferred));
    env.deferred.work.extend(put_off);
    run_now(env, due)
}

/// When a lock has to be waited for, the work from there on is put off again.
fn run_now(env: &mut super::ExecContext<'_>, mut due: Vec<Work>) -> Result<()> {
    let mut shared = super::context::Shared::default();
    let mut exec = Vec::new();
    let mut cx = Cx::new(env, &[], &mut exec, &mut shared);
    for at in 0..due.len() {
        if let Err(e) = due[at].run(&mut cx) {
            if e.flow() != Flow::Fail {
                cx.deferred.work.extend(due.drain(at..));
            }
            return Err(e);
        }
    }
    Ok(())
}

/// Whether a child row is still there with these values.
fn still_has(cx: &mut Cx<'_>, key: &ForeignKey, row_key: &[u8], values: &[Datum]) -> Result<bool> {
    let child = cx.definitions.by_oid(cx.catalog, key.child)?;
    let mut row = FetchedRow::default();
    if !child.def.fetch(cx.txn, Read::Latest, row_key, &mut row)? {
        return Ok(false);
    }
    Ok(key
        .child_positions
        .iter()
        .zip(values)
        .all(|(&at, value)| equal(child.def.types[at], child.def.column(row.view(), at), value.as_ref())))
}
