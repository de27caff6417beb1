//! What the registry says of a function, an operator and a cast, and the forms that their code takes.
//!
//! The rows mirror `pg_proc`, `pg_operator` and `pg_cast`, with PostgreSQL's ids, so that those catalogs are read out of
//! the registry and never promise what does not run.

use super::context::EvalContext;
use super::registry;
use super::value::Value;
use crate::base::{Oid, Result};
use crate::types::{ColumnBuilder, Datum, DatumRef, SqlType, oid};
use arrow_array::{ArrayRef, BooleanArray};
use std::fmt;
use std::ops::Range;

/// How far a function's result may be trusted to stay: PostgreSQL's `provolatile`, least volatile first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    Immutable,
    Stable,
    Volatile,
}

/// The concrete types of one call: what polymorphic functions look at.
#[derive(Clone, Copy, Debug)]
pub struct CallTypes<'a> {
    pub args: &'a [SqlType],
    pub ret: SqlType,
}

/// One row in, one value out. NULL arguments arrive only if the function is not strict.
pub type RowFn = fn(&mut EvalContext<'_>, &[DatumRef<'_>]) -> Result<Datum>;
/// Like [`RowFn`], for functions that must know the types of their arguments.
pub type TypedFn = fn(&mut EvalContext<'_>, CallTypes<'_>, &[DatumRef<'_>]) -> Result<Datum>;
/// All rows at once. At least one argument is a column; NULLs are the kernel's to carry over.
pub type ColumnFn = fn(&mut EvalContext<'_>, &[Value], usize) -> Result<ArrayRef>;
/// Starts a set-returning function for one row of arguments.
pub type SetFn = fn(&mut EvalContext<'_>, CallTypes<'_>, &[DatumRef<'_>]) -> Result<Box<dyn SetRows>>;
/// Makes the state of an aggregate, for all groups of one query node.
pub type AggregateFn = fn(CallTypes<'_>) -> Result<Box<dyn Accumulator>>;

/// The code of a function.
#[derive(Clone, Copy)]
pub enum Kernel {
    Row(RowFn),
    Typed(TypedFn),
    /// A row form for single rows and constants, and a column form for batches; they agree on every value.
    Column(RowFn, ColumnFn),
    Set(SetFn),
    Aggregate(AggregateFn),
    /// Computed by the executor's window operator.
    Window(WindowKind),
    /// Answered by the session: [`Host::call`].
    Host,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kernel::Row(_) => "Row",
            Kernel::Typed(_) => "Typed",
            Kernel::Column(..) => "Column",
            Kernel::Set(_) => "Set",
            Kernel::Aggregate(_) => "Aggregate",
            Kernel::Window(_) => "Window",
            Kernel::Host => "Host",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowKind {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    Ntile,
    /// Arguments: value, offset (default 1), default (default NULL).
    Lag,
    Lead,
    FirstValue,
    LastValue,
    NthValue,
}

/// `prokind` and, for aggregates, `aggkind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Scalar,
    Aggregate,
    /// `f(direct) WITHIN GROUP (ORDER BY aggregated)`: `direct` arguments come first in [`Function::args`].
    /// The accumulator gets direct and aggregated arguments alike, its rows in the order of the ORDER BY.
    OrderedSet {
        direct: usize,
    },
    Window,
}

/// One function, a row of `pg_proc`.
pub struct Function {
    pub oid: Oid,
    pub name: &'static str,
    /// Types of the input arguments. The last of a variadic function is the array type.
    pub args: &'static [Oid],
    /// The element type of the variadic argument: calls may spell its elements out. `Some(ANY)` is VARIADIC "any",
    /// whose arguments are passed as they are.
    pub variadic: Option<Oid>,
    pub ret: Oid,
    pub returns_set: bool,
    /// NULL in any argument makes NULL without a call. An aggregate that is strict skips rows with a NULL.
    pub strict: bool,
    pub volatility: Volatility,
    /// Raises no error and tells nothing of its arguments but by its result.
    pub leakproof: bool,
    pub kind: Kind,
    pub kernel: Kernel,
    /// Names of the input arguments; empty when they have none.
    pub arg_names: &'static [&'static str],
    /// Columns of the result when it has several, or one with a name: OUT parameters.
    pub out: &'static [(&'static str, Oid)],
    /// Default values, as text, of the last arguments.
    pub defaults: &'static [&'static str],
    /// It is in `information_schema`, not in `pg_catalog`.
    pub in_information_schema: bool,
}

impl Function {
    /// The declared types of the arguments but for the packed variadic one.
    pub fn fixed_args(&self) -> &'static [Oid] {
        match self.variadic {
            Some(_) => &self.args[..self.args.len() - 1],
            None => self.args,
        }
    }

    /// The columns of the result for arguments of these types.
    pub fn columns(&self, args: &[SqlType]) -> Vec<(&'static str, SqlType)> {
        let element = || {
            let known = self.args.iter().zip(args).find_map(|(declared, actual)| match *declared {
                oid::ANYARRAY => Some(actual.element().map_or(SqlType::RECORD, SqlType::bare)),
                oid::ANYELEMENT => Some(*actual),
                _ => None,
            });
            known.expect("a polymorphic result follows from an argument")
        };
        let column = |&(name, ty): &(&'static str, Oid)| match ty {
            oid::ANYELEMENT => (name, element()),
            ty => (name, SqlType::of(ty)),
        };
        self.out.iter().map(column).collect()
    }

    pub fn is_aggregate(&self) -> bool {
        matches!(self.kind, Kind::Aggregate | Kind::OrderedSet { .. })
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Function) -> bool {
        self.oid == other.oid
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.oid)
    }
}

/// One operator, a row of `pg_operator`.
pub struct Operator {
    pub oid: Oid,
    pub name: &'static str,
    /// [`Oid::INVALID`] for a prefix operator.
    pub left: Oid,
    pub right: Oid,
    pub ret: Oid,
    pub func: Oid,
    /// [`Oid::INVALID`] when there is none, or none that runs.
    pub commutator: Oid,
    pub negator: Oid,
    pub merges: bool,
    pub hashes: bool,
}

impl Operator {
    pub fn function(&self) -> &'static Function {
        registry::function(self.func).expect("an operator's function is registered")
    }

    pub fn commutator(&self) -> Option<&'static Operator> {
        registry::operator(self.commutator)
    }

    pub fn negator(&self) -> Option<&'static Operator> {
        registry::operator(self.negator)
    }
}

impl PartialEq for Operator {
    fn eq(&self, other: &Operator) -> bool {
        self.oid == other.oid
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({},{})#{}", self.name, self.left, self.right, self.oid)
    }
}

/// Where a cast may be applied without being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    Implicit,
    Assignment,
    Explicit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CastMethod {
    /// Calls the function; a second argument is the target's modifier, a third whether the cast is explicit.
    Function(Oid),
    Binary,
    InOut,
}

/// One cast, a row of `pg_cast`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cast {
    pub source: Oid,
    pub target: Oid,
    pub context: CastContext,
    pub method: CastMethod,
}

/// The rows of a set-returning function, produced a batch at a time.
pub trait SetRows: Send {
    /// Appends at most `max` rows to the columns and returns how many; 0 is the end.
    fn next(&mut self, cx: &mut EvalContext<'_>, columns: &mut [ColumnBuilder], max: usize) -> Result<usize>;
}

/// The running states of one aggregate over many groups.
///
/// DISTINCT, ORDER BY and FILTER are the executor's: rows arrive once, in order, and with `filter` false or NULL to be
/// left out. Strict aggregates skip rows with a NULL argument themselves.
pub trait Accumulator: Send {
    /// Takes in a batch: row `i` belongs to group `groups[i]`, which is below `group_count`; groups not seen before start
    /// empty. The arguments have one row for each of `groups`.
    fn update(
        &mut self,
        cx: &mut EvalContext<'_>,
        groups: &[u32],
        group_count: usize,
        args: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<()>;

    /// The results of the groups, which stay as they are: a window's running aggregate asks again and again.
    /// Groups at or above the `group_count` of the last update are empty.
    fn finish(&self, cx: &mut EvalContext<'_>, groups: Range<usize>) -> Result<ArrayRef>;

    /// Takes in the states of another accumulator of the same call: its group `i` is ours `groups[i]`. Answers false if
    /// this aggregate cannot be computed in parts.
    fn merge(&mut self, _other: Box<dyn Accumulator>, _groups: &[u32], _group_count: usize) -> Result<bool> {
        Ok(false)
    }

    /// Bytes in use, roughly.
    fn memory(&self) -> usize;

    /// For [`merge`](Accumulator::merge).
    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any>;
}
