//! Which function, operator and casts a piece of SQL means: PostgreSQL's rules, over types alone.
//!
//! `select.rs` chooses among overloads (`parse_func.c`, `parse_oper.c`), `coerce.rs` says which casts exist and applies
//! them (`parse_coerce.c`), `common.rs` finds the type that several expressions share, `polymorphic.rs` fills in `any*`.

mod coerce;
mod common;
mod known;
mod polymorphic;
mod select;

pub use coerce::{Coercer, ParamTypes, Pathway, array_type_of, can_coerce, can_coerce_all, coercion_pathway, relabel};
pub use common::{category, common_type, select_common_type};
pub use polymorphic::{is_polymorphic, resolve_polymorphic};
pub use select::{
    CallArgs, ResolvedCall, ResolvedFunction, ResolvedOperator, function_signature, resolve_any_all, resolve_function,
    resolve_operator, select_function,
};
