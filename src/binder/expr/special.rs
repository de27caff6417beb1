//! Functions with a syntax of their own, and CURRENT_DATE and its kin.

use super::operator::Operand;
use super::predicate::normal_form;
use crate::base::{Error, Result};
use crate::binder::state::Binder;
use crate::expr::{CastContext, Expr};
use crate::parser::ast::{self, SpecialFunction, SqlValueFunction, TrimSide};
use crate::types::{SqlType, oid};

impl Binder<'_> {
    pub fn transform_special(&mut self, special: &SpecialFunction, pos: usize) -> Result<Expr> {
        match special {
            SpecialFunction::Extract { field, source } => {
                let field = Operand::new(Expr::constant(field.name.as_str(), SqlType::UNKNOWN), field.pos);
                let source = self.operand(source)?;
                self.invoke_builtin("extract", vec![field, source], pos)
            }
            SpecialFunction::Substring { string, from, length } => {
                self.transform_substring(string, from.as_ref(), length.as_ref(), pos)
            }
            SpecialFunction::SubstringSimilar { string, pattern, escape } => {
                self.call_builtin("substring", &[string, pattern, escape], pos)
            }
            SpecialFunction::Position { substring, string } => self.call_builtin("position", &[string, substring], pos),
            SpecialFunction::Overlay { string, replacement, from, length } => {
                let mut args = vec![string, replacement, from];
                args.extend(length.as_ref());
                self.call_builtin("overlay", &args, pos)
            }
            SpecialFunction::Trim { side, chars, args } => {
                let name = match side {
                    TrimSide::Both => "btrim",
                    TrimSide::Leading => "ltrim",
                    TrimSide::Trailing => "rtrim",
                };
                let args: Vec<&ast::Expr> = args.iter().chain(chars.as_ref()).collect();
                self.call_builtin(name, &args, pos)
            }
            SpecialFunction::Normalize { string, form } => {
                let mut args = vec![self.operand(string)?];
                if let Some(form) = form {
                    args.push(Operand::new(Expr::constant(normal_form(*form), SqlType::TEXT), pos));
                }
                self.invoke_builtin("normalize", args, pos)
            }
            SpecialFunction::Treat { arg, target } => {
                let name = target.name.name().to_owned();
                self.call_builtin(&name, &[arg], pos)
            }
            SpecialFunction::CollationFor { .. } => Err(Error::unsupported("COLLATION FOR").at(pos)),
        }
    }

    /// `FOR n` without FROM counts from 1, its length an integer.
    fn transform_substring(
        &mut self,
        string: &ast::Expr,
        from: Option<&ast::Expr>,
        length: Option<&ast::Expr>,
        pos: usize,
    ) -> Result<Expr> {
        let mut args = vec![self.operand(string)?];
        match (from, length) {
            (None, Some(length)) => {
                let Operand { expr, pos: at } = self.operand(length)?;
                args.push(Operand::new(Expr::constant(1, SqlType::INT4), at));
                let length = self.explicit_cast(expr, SqlType::INT4, at, at)?;
                args.push(Operand::new(length, at));
            }
            (from, length) => {
                for arg in from.into_iter().chain(length) {
                    args.push(self.operand(arg)?);
                }
            }
        }
        self.invoke_builtin("substring", args, pos)
    }

    /// The time of the transaction in its several types, and who and where the session is (`SQLValueFunction`).
    pub fn transform_sql_value(
        &mut self,
        function: SqlValueFunction,
        precision: Option<i32>,
        pos: usize,
    ) -> Result<Expr> {
        use SqlValueFunction as F;
        let (name, ty) = match function {
            F::CurrentDate => ("now", Some(oid::DATE)),
            F::CurrentTime => ("now", Some(oid::TIMETZ)),
            F::CurrentTimestamp => ("now", Some(oid::TIMESTAMPTZ)),
            F::LocalTime => ("now", Some(oid::TIME)),
            F::LocalTimestamp => ("now", Some(oid::TIMESTAMP)),
            F::CurrentRole | F::CurrentUser | F::User => ("current_user", None),
            F::SessionUser => ("session_user", None),
            F::CurrentCatalog => ("current_database", None),
            F::CurrentSchema => ("current_schema", None),
        };
        let value = self.invoke_builtin(name, Vec::new(), pos)?;
        let Some(ty) = ty else { return Ok(value) };
        // PostgreSQL caps the precision at 6 (with a warning).
        let target = SqlType::with_typmod(ty, precision.map_or(-1, |p| p.min(6)));
        self.coerce(value, target, CastContext::Explicit, pos)?
            .ok_or_else(|| Error::internal("now() does not cast to the types of its kin"))
    }
}
