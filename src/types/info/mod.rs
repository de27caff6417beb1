//! What `pg_type` says of each built-in type, and finding a type by id or by name.

mod table;

use super::oid;
use crate::base::Oid;

/// One row of `pg_type`, in PostgreSQL's columns. Functions are given by name; `-` is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeInfo {
    pub oid: Oid,
    pub name: &'static str,
    /// Bytes of a value; -1 for variable length, -2 for a C string.
    pub len: i16,
    pub by_value: bool,
    /// `b`ase, `c`omposite, `d`omain, `e`num, `p`seudo, `r`ange, `m`ultirange.
    pub kind: u8,
    pub category: u8,
    pub preferred: bool,
    /// What separates the elements in an array's text.
    pub delim: u8,
    /// The relation whose row type this is, or zero.
    pub relation: Oid,
    pub element: Oid,
    pub array: Oid,
    pub input: &'static str,
    pub output: &'static str,
    pub receive: &'static str,
    pub send: &'static str,
    pub typmod_in: &'static str,
    pub typmod_out: &'static str,
    pub analyze: &'static str,
    pub subscript: &'static str,
    pub align: u8,
    pub storage: u8,
    pub collation: Oid,
}

impl TypeInfo {
    /// Whether this is an array type in the sense of `array_in`, unlike `point` or `name`, which merely can be subscripted.
    pub fn is_array(&self) -> bool {
        self.element != Oid::INVALID && self.subscript == "array_subscript_handler"
    }

    /// Whether values of the type can exist at run time. The others are listed so that `pg_type` is complete; their
    /// input functions answer 0A000.
    pub fn supported(&self) -> bool {
        supported(self.oid)
    }
}

/// All built-in rows, by ascending oid.
pub fn builtin_types() -> &'static [TypeInfo] {
    table::TYPES
}

pub fn type_info(oid: Oid) -> Option<&'static TypeInfo> {
    let rows = table::TYPES;
    rows.binary_search_by_key(&oid, |t| t.oid).ok().map(|i| &rows[i])
}

/// The built-in type of this name in `pg_catalog`, by its internal name: `int4`, not `integer`.
pub fn type_by_name(name: &str) -> Option<&'static TypeInfo> {
    table::TYPES.iter().find(|t| t.name == name)
}

/// The array type over a built-in type.
pub fn array_of(element: Oid) -> Option<Oid> {
    type_info(element).map(|t| t.array).filter(|&a| a != Oid::INVALID)
}

/// The element type of a built-in array type (also of `int2vector` and `oidvector`).
pub fn element_of(array: Oid) -> Option<Oid> {
    type_info(array).filter(|t| t.is_array()).map(|t| t.element)
}

/// Whether the built-in type has a run-time form here.
pub fn supported(oid: Oid) -> bool {
    match oid {
        oid::BOOL
        | oid::BYTEA
        | oid::CHAR
        | oid::NAME
        | oid::INT8
        | oid::INT2
        | oid::INT2VECTOR
        | oid::INT4
        | oid::TEXT
        | oid::OID
        | oid::TID
        | oid::PG_LSN
        | oid::XID
        | oid::CID
        | oid::OIDVECTOR
        | oid::JSON
        | oid::PG_NODE_TREE
        | oid::FLOAT4
        | oid::FLOAT8
        | oid::UNKNOWN
        | oid::ACLITEM
        | oid::BIT
        | oid::VARBIT
        | oid::BPCHAR
        | oid::VARCHAR
        | oid::DATE
        | oid::TIME
        | oid::TIMESTAMP
        | oid::TIMESTAMPTZ
        | oid::INTERVAL
        | oid::TIMETZ
        | oid::NUMERIC
        | oid::REFCURSOR
        | oid::UUID
        | oid::RECORD
        | oid::CSTRING
        | oid::VOID => true,
        _ if is_reg(oid) => true,
        _ => element_of(oid).is_some_and(supported),
    }
}

/// The types that hold an oid and print a name: `regclass` and its kin.
pub fn is_reg(oid: Oid) -> bool {
    matches!(
        oid,
        oid::REGPROC
            | oid::REGPROCEDURE
            | oid::REGOPER
            | oid::REGOPERATOR
            | oid::REGCLASS
            | oid::REGTYPE
            | oid::REGNAMESPACE
            | oid::REGROLE
            | oid::REGCONFIG
            | oid::REGDICTIONARY
            | oid::REGCOLLATION
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_ascend_and_arrays_pair_with_their_elements() {
        let rows = builtin_types();
        assert!(rows.windows(2).all(|w| w[0].oid < w[1].oid));
        for row in rows.iter().filter(|t| t.array != Oid::INVALID) {
            assert_eq!(type_info(row.array).map(|a| a.element), Some(row.oid), "{}", row.name);
        }
        assert_eq!(type_by_name("int4").map(|t| t.oid), Some(oid::INT4));
        assert_eq!(array_of(oid::INT4), Some(oid::INT4_ARRAY));
        assert_eq!(element_of(oid::POINT), None);
        assert!(supported(oid::NUMERIC_ARRAY) && !supported(oid::POINT_ARRAY));
    }
}
