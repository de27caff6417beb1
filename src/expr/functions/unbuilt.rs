//! Overloads that PostgreSQL has of functions that are built, and that are not built themselves.
//!
//! Resolution must see them all, to find the same call ambiguous or resolved; one of these is refused when it is chosen. They
//! are no rows of `pg_proc`.

use super::f;
use crate::expr::function::Kernel::Host;
use crate::expr::function::{Function, Kind};
use crate::types::oid::*;

/// The kernels are never called.
#[rustfmt::skip]
pub const TABLE: &[Function] = &[
    f(1181, "age", &[XID], INT4, Host).stable(),
    f(3556, "bool", &[JSONB], BOOL, Host),
    f(3990, "cume_dist", &[ANY], FLOAT8, Host).lax().variadic(ANY).of_kind(Kind::OrderedSet { direct: 1 }),
    f(3992, "dense_rank", &[ANY], INT8, Host).lax().variadic(ANY).of_kind(Kind::OrderedSet { direct: 1 }),
    f(3453, "float4", &[JSONB], FLOAT4, Host),
    f(2580, "float8", &[JSONB], FLOAT8, Host),
    f(3450, "int2", &[JSONB], INT2, Host),
    f(3451, "int4", &[JSONB], INT4, Host),
    f(3452, "int8", &[JSONB], INT8, Host),
    f(1530, "length", &[LSEG], FLOAT8, Host),
    f(1531, "length", &[PATH], FLOAT8, Host),
    f(3711, "length", &[TSVECTOR], INT4, Host),
    f(2009, "like_escape", &[BYTEA, BYTEA], BYTEA, Host),
    f(3848, "lower", &[ANYRANGE], ANYELEMENT, Host),
    f(4235, "lower", &[ANYMULTIRANGE], ANYELEMENT, Host),
    f(2125, "max", &[MONEY], MONEY, Host).lax().of_kind(Kind::Aggregate),
    f(3526, "max", &[ANYENUM], ANYENUM, Host).lax().of_kind(Kind::Aggregate),
    f(3564, "max", &[INET], INET, Host).lax().of_kind(Kind::Aggregate),
    f(4189, "max", &[PG_LSN], PG_LSN, Host).lax().of_kind(Kind::Aggregate),
    f(5099, "max", &[XID8], XID8, Host).lax().of_kind(Kind::Aggregate),
    f(2141, "min", &[MONEY], MONEY, Host).lax().of_kind(Kind::Aggregate),
    f(3527, "min", &[ANYENUM], ANYENUM, Host).lax().of_kind(Kind::Aggregate),
    f(3565, "min", &[INET], INET, Host).lax().of_kind(Kind::Aggregate),
    f(4190, "min", &[PG_LSN], PG_LSN, Host).lax().of_kind(Kind::Aggregate),
    f(5100, "min", &[XID8], XID8, Host).lax().of_kind(Kind::Aggregate),
    f(1703, "numeric", &[NUMERIC, INT4], NUMERIC, Host),
    f(3449, "numeric", &[JSONB], NUMERIC, Host),
    f(3823, "numeric", &[MONEY], NUMERIC, Host).stable(),
    f(3988, "percent_rank", &[ANY], FLOAT8, Host).lax().variadic(ANY).of_kind(Kind::OrderedSet { direct: 1 }),
    f(3986, "rank", &[ANY], INT8, Host).lax().variadic(ANY).of_kind(Kind::OrderedSet { direct: 1 }),
    f(2112, "sum", &[MONEY], MONEY, Host).lax().of_kind(Kind::Aggregate),
    f(730, "text", &[INET], TEXT, Host),
    f(2922, "text", &[XML], TEXT, Host),
    f(753, "trunc", &[MACADDR], MACADDR, Host),
    f(4112, "trunc", &[MACADDR8], MACADDR8, Host),
    f(1293, "unnest", &[ANYMULTIRANGE], ANYRANGE, Host).set(),
    f(3322, "unnest", &[TSVECTOR], RECORD, Host).set(),
    f(3849, "upper", &[ANYRANGE], ANYELEMENT, Host),
    f(4236, "upper", &[ANYMULTIRANGE], ANYELEMENT, Host),
    f(669, "varchar", &[VARCHAR, INT4, BOOL], VARCHAR, Host),
];
