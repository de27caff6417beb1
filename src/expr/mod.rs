//! Typed expressions evaluated over batches of rows; the operators, casts, functions and aggregates they call; and
//! the rules by which PostgreSQL finds out which of them is meant.
//!
//! Entry points:
//! - [`Expr`], the tree, with walking and rewriting (`walk.rs`); every node knows its type.
//! - [`registry`]: functions, operators and casts by name and by id, each with its code.
//! - [`resolve`]: from a name and argument types to one of them, and [`resolve::Coercer`] to cast expressions.
//! - [`evaluate`] over a [`Batch`](crate::types::Batch), [`filter`] for conditions, [`evaluate_scalar`] for one value;
//!   [`fold_constants`] ahead of time.
//! - [`Accumulator`] for aggregates, [`SetRows`] for set-returning functions: driven by the executor.
//!
//! Must not know: names of tables and columns, plans, the catalog, sessions. What needs them comes in through the traits
//! [`Host`] and [`Subplans`].
//!
//! Invariants:
//! 1. Evaluating an expression of type `t` gives a column or value of `t`'s physical form, one value per row.
//! 2. An error is raised only if PostgreSQL would evaluate that call on that row: branches of CASE and COALESCE, and what
//!    stands behind AND and OR, see only the rows that reach them, unless they cannot fail.
//! 3. A kernel's row form and column form agree on every value.
//! 4. What the registry lists runs: ids, types, strictness and volatility are PostgreSQL's.
//!
//! Everything runs on the caller's thread; there are no locks. A long evaluation checks
//! [`EvalContext::cancelled`] once per batch and per subplan.
//!
//! Read in this order: `tree.rs`, `function.rs`, `context.rs`, `value.rs`, `eval/mod.rs`, `resolve/mod.rs`,
//! `functions/mod.rs`, `aggregates/mod.rs`.

pub mod aggregates;
mod casts;
mod context;
pub mod eval;
mod fold;
pub mod function;
pub mod functions;
mod operators;
mod random;
mod regexp;
pub mod registry;
pub mod resolve;
#[cfg(test)]
mod tests;
mod tree;
mod value;
mod walk;

pub use context::{EvalContext, EvalState, Host, NoHost, Subplans};
pub use eval::{Selection, evaluate, evaluate_scalar, evaluate_value, filter};
pub use fold::{failing_constant, fold_constants};
pub use function::{
    Accumulator, CallTypes, Cast, CastContext, CastMethod, Function, Kernel, Kind, Operator, SetRows, Volatility,
    WindowKind,
};
pub use tree::{BoolTest, Coercion, ColId, Expr, Form, Index, Quantified, RowOrder, RowTest, SubqueryId, SubqueryKind};
pub use value::{Value, ValueReader};
