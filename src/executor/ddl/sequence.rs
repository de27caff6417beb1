//! CREATE SEQUENCE, ALTER SEQUENCE, and the sequences behind columns (`src/backend/commands/sequence.c`).

use super::{DdlContext, Outcome, done, names};
use crate::base::{Error, Oid, Result, SqlState};
use crate::binder;
use crate::catalog::{Owner, Persistence as Stored, Relation, Sequence, Table};
use crate::parser::ast::{AlterSequence, CreateSequence, QualifiedName, SequenceOption, SequenceOptionKind as Opt};
use crate::table::{self, sequence_type_bounds};
use crate::txn::LockMode;
use crate::types::{oid, type_name};
use std::sync::Arc;

/// A sequence's numbers.
#[derive(Clone, Debug)]
pub struct Definition {
    pub type_oid: Oid,
    pub start: i64,
    pub increment: i64,
    pub min: i64,
    pub max: i64,
    pub cache: i64,
    pub cycle: bool,
    /// RESTART, in ALTER.
    restart: Option<i64>,
}

fn wrong(text: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, text)
}

impl Definition {
    /// The sequence of a serial or identity column.
    pub fn for_column(type_oid: Oid, options: &[SequenceOption]) -> Result<Definition> {
        Definition::new(type_oid, options)
    }

    fn new(type_oid: Oid, options: &[SequenceOption]) -> Result<Definition> {
        let mut d =
            Definition { type_oid, start: 0, increment: 1, min: 0, max: 0, cache: 1, cycle: false, restart: None };
        d.apply(options, None)
    }

    fn of(s: &Sequence) -> Definition {
        Definition {
            type_oid: s.type_oid,
            start: s.start,
            increment: s.increment,
            min: s.min,
            max: s.max,
            cache: s.cache,
            cycle: s.cycle,
            restart: None,
        }
    }

    /// Takes options in; `old` is what ALTER starts from. Follows `init_params`.
    fn apply(&mut self, options: &[SequenceOption], old: Option<&Definition>) -> Result<Definition> {
        let (mut start, mut min, mut max) = (None, None, None);
        for option in options {
            match &option.kind {
                Opt::Increment(n) => self.increment = number(n)?,
                Opt::MinValue(n) => min = Some(n.as_deref().map(number).transpose()?),
                Opt::MaxValue(n) => max = Some(n.as_deref().map(number).transpose()?),
                Opt::Start(n) => start = Some(number(n)?),
                Opt::Restart(n) => {
                    self.restart = Some(match n {
                        Some(n) => number(n)?,
                        None => start.unwrap_or(self.start),
                    });
                }
                Opt::Cache(n) => self.cache = number(n)?,
                Opt::Cycle(on) => self.cycle = *on,
                Opt::Logged(_) => return Err(Error::unsupported("ALTER SEQUENCE ... SET LOGGED")),
                Opt::As(_) | Opt::OwnedBy(_) | Opt::SequenceName(_) => {}
            }
        }
        if self.increment == 0 {
            return Err(wrong("INCREMENT must not be zero".into()));
        }
        if self.cache <= 0 {
            return Err(wrong(format!("CACHE ({}) must be greater than zero", self.cache)));
        }
        let (type_min, type_max) = sequence_type_bounds(self.type_oid);
        let ascending = self.increment > 0;
        let type_changed = old.is_some_and(|o| o.type_oid != self.type_oid);
        let old_bounds = old.map(|o| sequence_type_bounds(o.type_oid));
        self.max = match max {
            Some(Some(n)) => n,
            None if old.is_some() && !(type_changed && old_bounds.is_some_and(|b| b.1 == self.max)) => self.max,
            _ => {
                if ascending {
                    type_max
                } else {
                    -1
                }
            }
        };
        self.min = match min {
            Some(Some(n)) => n,
            None if old.is_some() && !(type_changed && old_bounds.is_some_and(|b| b.0 == self.min)) => self.min,
            _ => {
                if ascending {
                    1
                } else {
                    type_min
                }
            }
        };
        self.check_bounds(type_min, type_max)?;
        self.start = match start {
            Some(n) => n,
            None if old.is_some() => self.start,
            None => {
                if ascending {
                    self.min
                } else {
                    self.max
                }
            }
        };
        self.check_start("START", self.start)?;
        if let Some(n) = self.restart {
            self.check_start("RESTART", n)?;
        }
        Ok(self.clone())
    }

    fn check_bounds(&self, type_min: i64, type_max: i64) -> Result<()> {
        let name = type_name(self.type_oid);
        if self.max < type_min || self.max > type_max {
            return Err(wrong(format!("MAXVALUE ({}) is out of range for sequence data type {name}", self.max)));
        }
        if self.min < type_min || self.min > type_max {
            return Err(wrong(format!("MINVALUE ({}) is out of range for sequence data type {name}", self.min)));
        }
        if self.min >= self.max {
            return Err(wrong(format!("MINVALUE ({}) must be less than MAXVALUE ({})", self.min, self.max)));
        }
        Ok(())
    }

    fn check_start(&self, what: &str, n: i64) -> Result<()> {
        if n < self.min {
            return Err(wrong(format!("{what} value ({n}) cannot be less than MINVALUE ({})", self.min)));
        }
        if n > self.max {
            return Err(wrong(format!("{what} value ({n}) cannot be greater than MAXVALUE ({})", self.max)));
        }
        Ok(())
    }

    fn object(
        &self,
        cx: &DdlContext<'_>,
        schema: Oid,
        persistence: Stored,
        name: String,
        owned_by: Option<Owner>,
    ) -> Result<Sequence> {
        let oid = cx.new_oid()?;
        Ok(Sequence {
            oid,
            schema,
            name,
            owner: cx.role,
            acl: None,
            persistence,
            type_oid: self.type_oid,
            start: self.start,
            increment: self.increment,
            min: self.min,
            max: self.max,
            cache: self.cache,
            cycle: self.cycle,
            owned_by,
            storage: oid.0,
            first: None,
        })
    }
}

fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| {
        Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("value \"{text}\" is out of range for type bigint"))
    })
}

fn sequence_type(cx: &DdlContext<'_>, options: &[SequenceOption]) -> Result<Option<Oid>> {
    let mut found = None;
    for option in options {
        let Opt::As(name) = &option.kind else { continue };
        let ty = cx.with_env(|env| binder::resolve_type(env, name))?;
        if !matches!(ty.oid, oid::INT2 | oid::INT4 | oid::INT8) {
            return Err(wrong("sequence type must be smallint, integer, or bigint".into()));
        }
        found = Some(ty.oid);
    }
    Ok(found)
}

fn check_repeated(options: &[SequenceOption]) -> Result<()> {
    for (i, option) in options.iter().enumerate() {
        let same = |o: &&SequenceOption| std::mem::discriminant(&o.kind) == std::mem::discriminant(&option.kind);
        if options[..i].iter().any(|o| same(&o)) {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options").at(option.pos));
        }
    }
    Ok(())
}

pub fn create_sequence(s: &CreateSequence, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    check_repeated(&s.options)?;
    let (schema, persistence) = cx.schema_for(&s.name, s.persistence)?;
    let schema = schema.oid;
    cx.catalog.lock_name(cx.txn, schema, &s.name.name)?;
    if s.if_not_exists && cx.now().relation(schema, &s.name.name).is_some() {
        cx.notice(format!("relation \"{}\" already exists, skipping", s.name.name));
        return done("CREATE SEQUENCE");
    }
    cx.catalog.claim_relation_name(cx.txn, schema, &s.name.name)?;
    let type_oid = sequence_type(cx, &s.options)?.unwrap_or(oid::INT8);
    let definition = Definition::new(type_oid, &s.options)?;
    let mut sequence = definition.object(cx, schema, persistence, s.name.name.clone(), None)?;
    sequence.owned_by = owner(cx, &s.options, &sequence)?.unwrap_or(None);
    cx.catalog.put(cx.txn, Arc::new(sequence))?;
    done("CREATE SEQUENCE")
}

/// The sequence of a serial or identity column, with a name of its own.
pub fn make_owned(
    cx: &mut DdlContext<'_>,
    table: &Table,
    column: &str,
    definition: Definition,
    owner: Owner,
) -> Result<Arc<Sequence>> {
    let name = names::relation_name(&cx.now(), table.schema, &table.name, Some(column), "seq");
    cx.catalog.claim_relation_name(cx.txn, table.schema, &name)?;
    let sequence = Arc::new(definition.object(cx, table.schema, table.persistence, name, Some(owner))?);
    cx.catalog.put(cx.txn, sequence.clone())?;
    Ok(sequence)
}

/// OWNED BY: None when it was not said, Some(None) for NONE.
fn owner(cx: &mut DdlContext<'_>, options: &[SequenceOption], sequence: &Sequence) -> Result<Option<Option<Owner>>> {
    let Some(name) = options.iter().find_map(|o| match &o.kind {
        Opt::OwnedBy(name) => Some(name),
        _ => None,
    }) else {
        return Ok(None);
    };
    if name.parts.len() == 1 {
        if name.name() == "none" {
            return Ok(Some(None));
        }
        return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid OWNED BY option")
            .hint("Specify OWNED BY table.column or OWNED BY NONE."));
    }
    let relation = relation_part(name);
    let table = cx.locked_table(&relation, LockMode::AccessShare)?;
    let column = table.column_named(name.name()).ok_or_else(|| super::no_column(&table.name, name.name()))?;
    if table.schema != sequence.schema {
        return Err(Error::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            "sequence must be in same schema as table it is linked to",
        ));
    }
    Ok(Some(Some(Owner { table: table.oid, attnum: column.attnum, identity: false })))
}

/// The relation of `schema.table.column`.
pub fn relation_part(name: &QualifiedName) -> crate::parser::ast::RelationName {
    let parts = &name.parts[..name.parts.len() - 1];
    let at = |back: usize| parts.len().checked_sub(back).map(|i| parts[i].name.clone());
    crate::parser::ast::RelationName { catalog: at(3), schema: at(2), name: at(1).unwrap_or_default(), pos: name.pos() }
}

pub fn alter_sequence(s: &AlterSequence, cx: &mut DdlContext<'_>) -> Result<Outcome> {
    check_repeated(&s.options)?;
    let Some(found) = cx.relation_if_exists(&s.name, s.if_exists)? else { return done("ALTER SEQUENCE") };
    let Relation::Sequence(sequence) = found else {
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a sequence", s.name.name)));
    };
    cx.lock(sequence.oid, LockMode::ShareRowExclusive)?;
    let sequence = cx.now().sequence(sequence.oid).cloned().ok_or_else(Error::restart)?;
    alter_options(cx, &sequence, &s.options)?;
    done("ALTER SEQUENCE")
}

pub fn alter_options(cx: &mut DdlContext<'_>, sequence: &Arc<Sequence>, options: &[SequenceOption]) -> Result<()> {
    let old = Definition::of(sequence);
    let mut definition = old.clone();
    if let Some(type_oid) = sequence_type(cx, options)? {
        definition.type_oid = type_oid;
    }
    let definition = definition.apply(options, Some(&old))?;
    let mut changed = Sequence::clone(sequence);
    changed.type_oid = definition.type_oid;
    changed.start = definition.start;
    changed.increment = definition.increment;
    changed.min = definition.min;
    changed.max = definition.max;
    changed.cache = definition.cache;
    changed.cycle = definition.cycle;
    if let Some(owner) = owner(cx, options, sequence)? {
        if sequence.owned_by.is_some_and(|o| o.identity) {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot change ownership of identity sequence")
                .detail(format!("Sequence \"{}\" is linked to a table.", sequence.name)));
        }
        changed.owned_by = owner;
    }
    if let Some(n) = definition.restart {
        restart_at(cx, &mut changed, n)?;
    }
    cx.catalog.put(cx.txn, Arc::new(changed))
}

/// A new place for the running value, so that a rollback restores the old one.
pub fn restart_at(cx: &mut DdlContext<'_>, sequence: &mut Sequence, value: i64) -> Result<()> {
    table::drop_sequence_value(cx.txn, sequence.storage)?;
    *sequence = sequence.restarted(cx.new_oid()?.0, Some(value));
    Ok(())
}
