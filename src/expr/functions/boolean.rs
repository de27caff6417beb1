//! Casts of `boolean` and `"char"`, and the functions behind boolean operators.

use super::convert::kernels;
use super::f;
use crate::base::{Error, SqlState};
use crate::expr::function::Function;
use crate::expr::function::Kernel::Row;
use crate::types::oid::*;

kernels! {
    fn int4_bool(v: i32) -> bool {
        Ok(v != 0)
    }

    fn bool_int4(v: bool) -> i32 {
        Ok(v.into())
    }

    fn booltext(v: bool) -> &'static str {
        Ok(if v { "true" } else { "false" })
    }

    fn chartoi4(v: &str) -> i32 {
        Ok(i32::from(v.bytes().next().unwrap_or(0) as i8))
    }

    fn i4tochar(v: i32) -> String {
        match v {
            -128..=127 if v > 0 => Ok(char::from(v as u8).to_string()),
            0 => Ok(String::new()),
            -128..=-1 => Err(Error::unsupported("a \"char\" outside ASCII")),
            _ => Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "\"char\" out of range")),
        }
    }
}

#[rustfmt::skip]
pub(super) static TABLE: &[Function] = &[
    f(2557, "bool", &[INT4], BOOL, Row(int4_bool)).leakproof(),
    f(78, "char", &[INT4], CHAR, Row(i4tochar)),
    f(77, "int4", &[CHAR], INT4, Row(chartoi4)),
    f(2558, "int4", &[BOOL], INT4, Row(bool_int4)).leakproof(),
    f(2971, "text", &[BOOL], TEXT, Row(booltext)),
];
