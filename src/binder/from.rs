//! FROM (`transformFromClause`): each item gives a relation and the names by which its columns can be used.

use super::clause::Clause;
use super::columns::apply_column_aliases;
use super::expr::{Callee, call_fields, returns_row};
use super::locking::Lockable;
use super::rel::{
    AccessMode, FunctionScan, FunctionSource, Join, JoinKind, Rel, Scan, SetCall, SystemScan, TableFunction,
};
use super::scope::{Item, ItemColumn, ItemKind, Level, check_name_conflicts, set_lateral};
use super::select::Bound;
use super::state::Binder;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::{Relation, Sequence, SystemTable, Table, TableKind, UserType};
use crate::expr::functions::SEQUENCE_STATE;
use crate::expr::{ColId, Expr, Form, Function};
use crate::parser::ast::{self, Alias, ExprKind, Locking, TableFunction as FunctionItem, TableRef};
use crate::types::{Datum, SqlType, oid};
use std::sync::Arc;

/// What one FROM item contributes.
pub(super) struct FromItem {
    pub rel: Rel,
    pub items: Vec<Item>,
}

impl Binder<'_> {
    pub fn transform_from_clause(&mut self, from: &[TableRef], locking: &[Locking]) -> Result<Rel> {
        let mut rel = None;
        for table in from {
            rel = Some(self.add_from_item(rel, table, locking)?);
        }
        let level = self.level();
        set_lateral(&mut level.items, false, true);
        Ok(rel.unwrap_or(Rel::Unit))
    }

    /// One more item beside what there is: `a, b` is a cross join, in which `b` sees `a` if it is lateral.
    pub fn add_from_item(&mut self, left: Option<Rel>, table: &TableRef, locking: &[Locking]) -> Result<Rel> {
        let hits = self.level_ref().lateral_hits.len();
        let mut item = self.transform_from_item(table, locking)?;
        check_name_conflicts(&self.level_ref().items, &item.items)?;
        set_lateral(&mut item.items, true, true);
        self.level().items.append(&mut item.items);
        Ok(match left {
            None => item.rel,
            Some(left) => {
                let lateral = self.has_lateral_hits(hits, &left);
                Rel::Join(Join {
                    kind: JoinKind::Inner,
                    left: Box::new(left),
                    right: Box::new(item.rel),
                    on: None,
                    lateral,
                })
            }
        })
    }

    /// Whether lateral references since `hits` are to columns of `left`.
    pub fn has_lateral_hits(&self, hits: usize, left: &Rel) -> bool {
        let new = &self.level_ref().lateral_hits[hits..];
        if new.is_empty() {
            return false;
        }
        let columns = left.columns();
        new.iter().any(|id| columns.contains(id))
    }

    /// `transformFromClauseItem`.
    pub fn transform_from_item(&mut self, table: &TableRef, locking: &[Locking]) -> Result<FromItem> {
        self.check_stack_depth()?;
        match table {
            TableRef::Relation { relation, alias, sample } => {
                if let Some(sample) = sample {
                    return Err(Error::unsupported("TABLESAMPLE").at(sample.pos));
                }
                self.transform_relation(&relation.name, alias.as_ref(), locking)
            }
            TableRef::Subquery { lateral, query, alias, pos } => {
                self.transform_from_subquery(*lateral, query, alias.as_ref(), locking, *pos)
            }
            TableRef::Function(function) => self.transform_from_function(function),
            TableRef::Join(join) => self.transform_join(join, locking),
            TableRef::XmlTable(table) => Err(Error::unsupported("XMLTABLE").at(table.pos)),
        }
    }

    fn transform_relation(
        &mut self,
        name: &ast::RelationName,
        alias: Option<&Alias>,
        locking: &[Locking],
    ) -> Result<FromItem> {
        let alias_name: Arc<str> = alias.map_or(name.name.as_str(), |a| &a.name).into();
        if name.schema.is_none()
            && name.catalog.is_none()
            && let Some(cte) = self.find_cte(&name.name)
        {
            let (rel, mut columns, kind) = self.read_cte(cte, &alias_name, name.pos)?;
            apply_column_aliases(&mut columns, alias, "table")?;
            let item = self.add_item(alias_name, kind, columns, alias.is_some());
            return Ok(FromItem { rel, items: vec![item] });
        }
        match self.open_relation(name)? {
            Relation::Table(table) => match table.kind {
                TableKind::Table => self.scan_table(table, alias_name, alias),
                TableKind::MaterializedView if table.view.as_ref().is_some_and(|v| !v.populated) => {
                    let message = format!("materialized view \"{}\" has not been populated", table.name);
                    Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
                        .hint("Use the REFRESH MATERIALIZED VIEW command."))
                }
                TableKind::MaterializedView => self.scan_table(table, alias_name, alias),
                TableKind::View => self.expand_view(&table, alias_name, alias, locking),
                TableKind::Composite => Err(wrong_kind(&table.name, "a composite type", name.pos)),
                TableKind::Partitioned => Err(Error::unsupported("partitioned tables").at(name.pos)),
            },
            Relation::System(table) => self.scan_system(table, alias_name, alias),
            Relation::Index(index) => Err(wrong_kind(&index.name, "an index", name.pos)),
            Relation::Sequence(sequence) => self.scan_sequence(&sequence, alias_name, alias),
        }
    }

    /// The columns of a use of a table: fresh ids that know where they come from.
    pub fn table_columns(&mut self, table: &Arc<Table>, alias: &Arc<str>, access: usize) -> Vec<(ColId, usize)> {
        let instance = self.instances.len();
        self.instances.push(table.clone());
        let mut columns = Vec::with_capacity(table.columns.len());
        for (i, column) in table.columns.iter().enumerate().filter(|(_, c)| !c.dropped) {
            let ty = SqlType::with_typmod(column.type_oid, column.typmod);
            let id = self.new_relation_column(alias, column.name.as_str(), ty);
            let state = self.state_mut(id);
            state.origin = Some((table.oid, column.attnum));
            state.instance = Some(instance);
            state.access = Some(access);
            columns.push((id, i));
        }
        columns
    }

    pub fn item_columns(&self, columns: &[(ColId, usize)]) -> Vec<ItemColumn> {
        let column = |(id, _): &(ColId, usize)| ItemColumn {
            name: self.columns[id.0 as usize].name.clone(),
            expr: self.column_expr(*id),
        };
        columns.iter().map(column).collect()
    }

    pub fn scan_table(&mut self, table: Arc<Table>, name: Arc<str>, alias: Option<&Alias>) -> Result<FromItem> {
        let access = self.open_access(table.oid, AccessMode::Select);
        let columns = self.table_columns(&table, &name, access);
        let key = self.new_relation_column(&name, "key", SqlType::BYTEA);
        let tableoid = self.new_relation_column(&name, "tableoid", SqlType::OID);
        self.optional.extend([key, tableoid]);
        let mut offered = self.item_columns(&columns);
        apply_column_aliases(&mut offered, alias, "table")?;
        self.rename_columns(&columns, &offered);
        let mut item = self.add_item(name.clone(), ItemKind::Table(table.clone()), offered, alias.is_some());
        item.schema = alias.is_none().then_some(table.schema);
        item.key = Some(key);
        item.tableoid = Some(tableoid);
        self.level().lockables.push(Lockable { name: name.clone(), table: table.clone(), key, nullable: false });
        let scan = Scan { table, alias: name, columns, key: Some(key), tableoid: Some(tableoid) };
        Ok(FromItem { rel: Rel::Scan(scan), items: vec![item] })
    }

    /// Errors name columns as the alias does.
    fn rename_columns(&mut self, columns: &[(ColId, usize)], offered: &[ItemColumn]) {
        for ((id, _), item) in columns.iter().zip(offered) {
            self.columns[id.0 as usize].name = item.name.clone();
        }
    }

    fn scan_system(&mut self, table: &'static SystemTable, name: Arc<str>, alias: Option<&Alias>) -> Result<FromItem> {
        let access = self.open_access(table.oid, AccessMode::Select);
        let mut columns = Vec::with_capacity(table.columns.len());
        for (i, column) in table.columns.iter().enumerate() {
            let id = self.new_relation_column(&name, column.name, SqlType::of(column.type_oid));
            let state = self.state_mut(id);
            state.origin = Some((table.oid, i as i16 + 1));
            state.access = Some(access);
            columns.push((id, i));
        }
        let tableoid = self.new_relation_column(&name, "tableoid", SqlType::OID);
        self.optional.push(tableoid);
        let mut offered = self.item_columns(&columns);
        apply_column_aliases(&mut offered, alias, "table")?;
        self.rename_columns(&columns, &offered);
        let mut item = self.add_item(name.clone(), ItemKind::System(table), offered, alias.is_some());
        item.schema = alias.is_none().then_some(table.schema);
        item.tableoid = Some(tableoid);
        let scan = SystemScan { table, alias: name, columns, tableoid: Some(tableoid) };
        Ok(FromItem { rel: Rel::SystemScan(scan), items: vec![item] })
    }

    /// A sequence is a relation of one row, its running state.
    fn scan_sequence(&mut self, sequence: &Sequence, name: Arc<str>, alias: Option<&Alias>) -> Result<FromItem> {
        let oid = sequence.oid;
        let access = self.open_access(oid, AccessMode::Select);
        let func = &SEQUENCE_STATE;
        let (mut ids, mut columns) = (Vec::new(), Vec::new());
        for (i, (column, ty)) in func.out.iter().enumerate() {
            let id = self.new_relation_column(&name, *column, SqlType::of(*ty));
            let state = self.state_mut(id);
            state.origin = Some((oid, i as i16 + 1));
            state.access = Some(access);
            columns.push(ItemColumn { name: (*column).into(), expr: self.column_expr(id) });
            ids.push(id);
        }
        let args = vec![Expr::constant(Datum::Oid(oid.0), SqlType::OID)];
        let call = Expr::Call { func, args, ty: SqlType::RECORD, form: Form::Call };
        let functions = vec![TableFunction { source: FunctionSource::Scalar(call), columns: ids, row: true }];
        let rel = Rel::Function(FunctionScan { alias: name.clone(), functions, ordinality: None });
        apply_column_aliases(&mut columns, alias, "table")?;
        let mut item = self.add_item(name, ItemKind::Sequence(oid), columns, alias.is_some());
        item.schema = alias.is_none().then_some(sequence.schema);
        Ok(FromItem { rel, items: vec![item] })
    }

    /// `transformRangeSubselect`.
    fn transform_from_subquery(
        &mut self,
        lateral: bool,
        query: &ast::Query,
        alias: Option<&Alias>,
        locking: &[Locking],
        pos: usize,
    ) -> Result<FromItem> {
        let Some(alias) = alias else {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "subquery in FROM must have an alias").at(pos));
        };
        let mut level = Level::new(Clause::Other);
        level.inherited_lock = self.lock_for_subquery(&alias.name, locking);
        let outer = std::mem::replace(&mut self.level().clause, Clause::FromSubselect);
        let was_active = std::mem::replace(&mut self.level().lateral_active, lateral);
        let bound = self.bind_query_in(query, level, true);
        self.level().lateral_active = was_active;
        self.level().clause = outer;
        let bound = bound?;
        let name: Arc<str> = alias.name.as_str().into();
        let columns = self.subquery_columns(&bound, &name);
        self.offer(bound.rel, name, ItemKind::Subquery, columns, Some(alias))
    }

    /// Makes the columns of a bound subquery those of an item of this level.
    pub fn subquery_columns(&mut self, bound: &Bound, alias: &Arc<str>) -> Vec<ItemColumn> {
        self.rehome(bound);
        let mut columns = Vec::with_capacity(bound.columns.len());
        for column in &bound.columns {
            let name: Arc<str> = column.name.as_str().into();
            let info = &mut self.columns[column.id.0 as usize];
            if info.relation.is_none() {
                info.relation = Some(alias.clone());
            }
            self.state_mut(column.id).shown = Some((alias.clone(), name.clone()));
            columns.push(ItemColumn { name, expr: self.column_expr(column.id) });
        }
        columns
    }

    pub fn offer(
        &mut self,
        rel: Rel,
        name: Arc<str>,
        kind: ItemKind,
        mut columns: Vec<ItemColumn>,
        alias: Option<&Alias>,
    ) -> Result<FromItem> {
        apply_column_aliases(&mut columns, alias, "table")?;
        let item = self.add_item(name, kind, columns, alias.is_some());
        Ok(FromItem { rel, items: vec![item] })
    }

    /// `transformRangeFunction`.
    fn transform_from_function(&mut self, function: &FunctionItem) -> Result<FromItem> {
        let name: Arc<str> = match &function.alias {
            Some(alias) => alias.name.as_str().into(),
            None => super::naming::column_name(&function.functions[0].function).as_str().into(),
        };
        let mut functions = Vec::with_capacity(function.functions.len());
        let mut columns = Vec::new();
        for part in &function.functions {
            let definition = if part.columns.is_empty() { &function.columns } else { &part.columns };
            let bound = self.transform_table_function(part, definition, function, &name, &mut columns)?;
            functions.push(bound);
        }
        let ordinality = function.ordinality.then(|| self.new_relation_column(&name, "ordinality", SqlType::INT8));
        if let Some(id) = ordinality {
            columns.push(ItemColumn { name: "ordinality".into(), expr: self.column_expr(id) });
        }
        let rel = Rel::Function(FunctionScan { alias: name.clone(), functions, ordinality });
        self.offer(rel, name, ItemKind::Function, columns, function.alias.as_ref())
    }

    fn transform_table_function(
        &mut self,
        part: &ast::RowsFromItem,
        definition: &[ast::ColumnDef],
        function: &FunctionItem,
        alias: &Arc<str>,
        columns: &mut Vec<ItemColumn>,
    ) -> Result<TableFunction> {
        let pos = part.function.pos;
        let outer = std::mem::replace(&mut self.level().clause, Clause::FromFunction);
        // A function in FROM is lateral whether it says so or not.
        let was_active = std::mem::replace(&mut self.level().lateral_active, true);
        let callee = match &part.function.kind {
            ExprKind::Function(call) if call.over.is_none() => self.resolve_call(call, pos),
            _ => self.transform_expr(&part.function).map(Callee::Expr),
        };
        let callee = match (callee, part.call()) {
            (Ok(Callee::Function(applied)), Some(call)) if !applied.func.returns_set => {
                self.place_call(call, applied, pos).map(Callee::Expr)
            }
            (callee, _) => callee,
        };
        self.level().lateral_active = was_active;
        self.level().clause = outer;
        let (source, func, ty) = match callee? {
            Callee::Function(applied) => {
                let call = SetCall { func: applied.func, args: applied.args, ty: applied.ret };
                let (func, ty) = (call.func, call.ty);
                (FunctionSource::Set(call), Some(func), ty)
            }
            Callee::Expr(expr) => {
                let expr = self.resolve_unknown(expr, pos)?;
                let func = match &expr {
                    Expr::Call { func, .. } => Some(*func),
                    _ => None,
                };
                let ty = expr.ty();
                (FunctionSource::Scalar(expr), func, ty)
            }
        };
        let args = match &source {
            FunctionSource::Set(call) => &call.args[..],
            FunctionSource::Scalar(Expr::Call { args, .. }) => args,
            FunctionSource::Scalar(_) => &[],
        };
        let (fields, row) = self.function_fields(func, args, ty, definition, function, part)?;
        let mut ids = Vec::with_capacity(fields.len());
        for (name, ty) in fields {
            let id = self.new_relation_column(alias, name.as_str(), ty);
            columns.push(ItemColumn { name: name.as_str().into(), expr: self.column_expr(id) });
            ids.push(id);
        }
        Ok(TableFunction { source, columns: ids, row })
    }

    /// The columns that a function's result makes, and whether it is a row taken apart.
    fn function_fields(
        &mut self,
        func: Option<&'static Function>,
        args: &[Expr],
        ty: SqlType,
        definition: &[ast::ColumnDef],
        function: &FunctionItem,
        part: &ast::RowsFromItem,
    ) -> Result<(Vec<(String, SqlType)>, bool)> {
        let out = func.map_or(&[] as &[(&str, Oid)], |f| f.out);
        let undefined_record = ty.oid == oid::RECORD && out.is_empty();
        if !definition.is_empty() {
            if !undefined_record {
                let message = if out.len() > 1 {
                    "a column definition list is redundant for a function with OUT parameters"
                } else {
                    "a column definition list is only allowed for functions returning \"record\""
                };
                return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(definition[0].name.pos));
            }
            let field = |c: &ast::ColumnDef| Ok((c.name.name.clone(), self.column_def_type(c)?));
            return Ok((definition.iter().map(field).collect::<Result<_>>()?, true));
        }
        if undefined_record {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                "a column definition list is required for functions returning \"record\"",
            )
            .at(part.function.pos));
        }
        if let (Some(func), true) = (func, out.len() > 1) {
            return Ok((call_fields(func, args), true));
        }
        if let Some(UserType::Row(table)) = self.catalog().user_type(ty.oid) {
            let field = |c: &crate::catalog::Column| (c.name.clone(), SqlType::with_typmod(c.type_oid, c.typmod));
            return Ok((table.live_columns().map(field).collect(), true));
        }
        debug_assert!(!func.is_some_and(|f| returns_row(f, ty)));
        // One column: called as its OUT parameter, else as the alias, else as the function.
        let name = match (out.first(), &function.alias) {
            (Some((name, _)), _) if !name.is_empty() => (*name).to_owned(),
            (_, Some(alias)) if function.functions.len() == 1 => alias.name.clone(),
            _ => super::naming::column_name(&part.function),
        };
        Ok((vec![(name, ty)], false))
    }

    fn column_def_type(&self, column: &ast::ColumnDef) -> Result<SqlType> {
        match &column.type_name {
            Some(name) => self.type_of(name),
            None => Err(Error::new(SqlState::SYNTAX_ERROR, "a column definition needs a type").at(column.name.pos)),
        }
    }
}

fn wrong_kind(name: &str, what: &str, pos: usize) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is {what}")).at(pos)
}
