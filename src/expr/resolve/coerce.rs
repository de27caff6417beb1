//! Which casts exist, and casting expressions (`find_coercion_pathway`, `coerce_type`).

use super::common::{category, common_type};
use super::polymorphic::{is_polymorphic, polymorphic_fits};
use crate::base::{Error, Oid, Result, SqlState};
use crate::expr::function::{CastContext, CastMethod, Function};
use crate::expr::registry;
use crate::expr::tree::{Coercion, Expr, Form};
use crate::types::{
    Datum, FormatContext, Physical, SqlType, array_of, element_of, format_type, oid, parse_text, type_info, type_name,
};

/// How a value gets from one type to another.
#[derive(Clone, Copy, Debug)]
pub enum Pathway {
    Relabel,
    Function(&'static Function),
    /// Elements are cast one by one.
    Elements,
    InOut,
}

/// The way from a type to another that `context` allows.
pub fn coercion_pathway(from: Oid, to: Oid, context: CastContext) -> Option<Pathway> {
    if from == to {
        return Some(Pathway::Relabel);
    }
    if let Some(cast) = registry::cast(from, to) {
        if context < cast.context {
            return None;
        }
        return Some(match cast.method {
            CastMethod::Binary => Pathway::Relabel,
            CastMethod::InOut => Pathway::InOut,
            CastMethod::Function(f) => Pathway::Function(registry::function(f)?),
        });
    }
    if to != oid::INT2VECTOR
        && to != oid::OIDVECTOR
        && let (Some(from_element), Some(to_element)) = (element_of(from), element_of(to))
        && coercion_pathway(from_element, to_element, context).is_some()
    {
        return Some(Pathway::Elements);
    }
    let textual = |ty| category(ty).0 == b'S';
    let through_text = match context {
        CastContext::Implicit => false,
        CastContext::Assignment => textual(to),
        CastContext::Explicit => textual(to) || textual(from),
    };
    through_text.then_some(Pathway::InOut)
}

/// Whether the type is a row type.
fn is_row(ty: Oid) -> bool {
    ty == oid::RECORD || ty >= Oid::FIRST_USER || type_info(ty).is_some_and(|t| t.kind == b'c')
}

/// Whether a value of one type may stand where the other is wanted.
pub fn can_coerce(from: Oid, to: Oid, context: CastContext) -> bool {
    from == to
        || to == oid::ANY
        || is_polymorphic(to)
        || from == oid::UNKNOWN
        || coercion_pathway(from, to, context).is_some()
        || (from == oid::RECORD && is_row(to))
        || (is_row(from) && to == oid::RECORD)
}

/// [`can_coerce`] for all arguments of a call, polymorphic ones together.
pub fn can_coerce_all(from: &[Oid], to: &[Oid], context: CastContext) -> bool {
    from.iter().zip(to).all(|(&f, &t)| can_coerce(f, t, context))
        && (!to.iter().any(|&t| is_polymorphic(t)) || polymorphic_fits(from, to))
}

/// Learns the types of parameters from where they are used.
pub trait ParamTypes {
    /// Parameter `index` (from 0) is used as a `ty`. Fails when it has been used as something else (42P08).
    fn settle(&mut self, index: usize, ty: SqlType) -> Result<()>;
}

/// Casts expressions. Literals of unknown type are read at once, as PostgreSQL does, with the settings of `format`.
pub struct Coercer<'a> {
    pub format: &'a FormatContext,
    pub params: Option<&'a mut dyn ParamTypes>,
}

impl Coercer<'_> {
    /// The expression as a `to`, its modifier included; none if there is no such cast in `context`
    /// (`coerce_to_target_type`).
    pub fn coerce(&mut self, expr: Expr, to: SqlType, context: CastContext) -> Result<Option<Expr>> {
        if !can_coerce(expr.ty().oid, to.oid, context) {
            return Ok(None);
        }
        let implicit = context != CastContext::Explicit;
        let before = expr.ty();
        let cast = self.coerce_type(expr, to, context)?;
        // A cast through a function or text has produced the type without a modifier.
        let typmod = if before.oid == to.oid { before.typmod } else { cast.ty().typmod };
        Ok(Some(self.coerce_modifier(cast, typmod, to, implicit)))
    }

    /// An explicit cast; 42846 if there is none.
    pub fn cast(&mut self, expr: Expr, to: SqlType) -> Result<Expr> {
        let from = expr.ty();
        self.coerce(expr, to, CastContext::Explicit)?.ok_or_else(|| {
            Error::new(
                SqlState::CANNOT_COERCE,
                format!("cannot cast type {} to {}", type_name(from.oid), type_name(to.oid)),
            )
        })
    }

    /// What a call's argument goes through: implicit, keeping the expression's own modifier where the type stays.
    pub fn argument(&mut self, expr: Expr, to: SqlType) -> Result<Expr> {
        let from = expr.ty();
        if from.oid == to.oid || to.oid == oid::ANY {
            return Ok(expr);
        }
        self.coerce_type(expr, to.bare(), CastContext::Implicit)
    }

    /// A condition: `construct` is named in the error, as `WHERE`, `CASE/WHEN`, `AND`, `JOIN/ON`.
    pub fn boolean(&mut self, expr: Expr, construct: &str) -> Result<Expr> {
        self.of_type(expr, SqlType::BOOL, construct)
    }

    /// An assignment-like coercion to a fixed type, as for LIMIT's bigint.
    pub fn of_type(&mut self, expr: Expr, to: SqlType, construct: &str) -> Result<Expr> {
        let from = expr.ty();
        self.coerce(expr, to, CastContext::Assignment)?.ok_or_else(|| {
            Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!("argument of {construct} must be type {}, not type {}", format_type(to), type_name(from.oid)),
            )
        })
    }

    /// All expressions as their common type (`select_common_type`, `coerce_to_common_type`).
    pub fn common(&mut self, construct: &str, exprs: Vec<Expr>) -> Result<(Vec<Expr>, SqlType)> {
        let types: Vec<SqlType> = exprs.iter().map(Expr::ty).collect();
        let ty = common_type(construct, &types)?;
        let exprs = exprs.into_iter().map(|e| self.to_common(construct, e, ty)).collect::<Result<_>>()?;
        Ok((exprs, ty))
    }

    /// One expression as the common type that has been found for it and others.
    pub fn to_common(&mut self, construct: &str, expr: Expr, ty: SqlType) -> Result<Expr> {
        let from = expr.ty();
        if from.oid == ty.oid {
            return Ok(expr);
        }
        if !can_coerce(from.oid, ty.oid, CastContext::Implicit) {
            return Err(Error::new(
                SqlState::CANNOT_COERCE,
                format!("{construct} could not convert type {} to {}", type_name(from.oid), type_name(ty.oid)),
            ));
        }
        self.coerce_type(expr, ty, CastContext::Implicit)
    }

    /// Casts to the type without applying its modifier. There must be a way.
    fn coerce_type(&mut self, expr: Expr, to: SqlType, context: CastContext) -> Result<Expr> {
        let from = expr.ty();
        if from.oid == to.oid || to.oid == oid::ANY {
            return Ok(expr);
        }
        if is_polymorphic(to.oid) {
            return Ok(expr);
        }
        let bare = to.bare();
        let expr = match expr {
            Expr::Const { value, ty } if ty.oid == oid::UNKNOWN => return self.read_literal(value, to),
            Expr::Param { index, ty } if ty.oid == oid::UNKNOWN => {
                if let Some(params) = &mut self.params {
                    params.settle(index, bare)?;
                }
                return Ok(Expr::Param { index, ty: bare });
            }
            other => other,
        };
        let implicit = context != CastContext::Explicit;
        // A value whose type is still unknown, such as a column of an untyped literal, is text.
        let source = if from.oid == oid::UNKNOWN { oid::TEXT } else { from.oid };
        let pathway = match coercion_pathway(source, to.oid, context) {
            None if from.oid == oid::UNKNOWN => Some(Pathway::InOut),
            found => found,
        };
        Ok(match pathway {
            Some(Pathway::Relabel) => coerce_node(expr, bare, Coercion::Relabel, implicit),
            Some(Pathway::InOut) => coerce_node(expr, bare, Coercion::InOut, implicit),
            Some(Pathway::Function(func)) => {
                let form = if implicit { Form::ImplicitCast } else { Form::Cast };
                let mut args = vec![expr];
                if func.args.len() > 1 {
                    args.push(Expr::constant(to.typmod, SqlType::INT4));
                }
                if func.args.len() > 2 {
                    args.push(Expr::constant(!implicit, SqlType::BOOL));
                }
                Expr::Call { func, args, ty: bare, form }
            }
            Some(Pathway::Elements) => {
                let from_element = element_of(from.oid).expect("elements are cast between arrays");
                let to_element = element_of(to.oid).expect("elements are cast between arrays");
                let item = Expr::CaseValue { ty: SqlType::of(from_element) };
                let element = self.coerce_type(item, SqlType::of(to_element), context)?;
                coerce_node(expr, bare, Coercion::Elements(Box::new(element)), implicit)
            }
            // Between record and row types; the value says itself what it is.
            None => coerce_node(expr, bare, Coercion::Relabel, implicit),
        })
    }

    /// Reads a literal as a value of the type. Modifiers wait for the length coercion that follows, but interval's, which
    /// says how to read.
    fn read_literal(&mut self, value: Datum, to: SqlType) -> Result<Expr> {
        let ty = to.bare();
        let read = if to.oid == oid::INTERVAL { to } else { ty };
        let value = match value {
            Datum::Null => Datum::Null,
            Datum::Text(text) => parse_text(read, &text, self.format)?,
            other => panic!("an unknown literal that is not text: {other:?}"),
        };
        Ok(Expr::Const { value, ty: read })
    }

    /// Applies the target's modifier to an expression of its type (`coerce_type_typmod`).
    fn coerce_modifier(&mut self, expr: Expr, has: i32, to: SqlType, implicit: bool) -> Expr {
        if has == to.typmod || expr.ty().oid != to.oid {
            return expr;
        }
        if to.typmod < 0 || !has_modifier(to.oid) {
            return coerce_node(expr, to, Coercion::Relabel, implicit);
        }
        coerce_node(expr, to, Coercion::Typmod { explicit: !implicit }, implicit)
    }
}

/// Whether the type, or its element type, has modifiers.
fn has_modifier(ty: Oid) -> bool {
    let base = element_of(ty).unwrap_or(ty);
    type_info(base).is_some_and(|t| t.typmod_in != "-")
}

fn coerce_node(arg: Expr, ty: SqlType, how: Coercion, implicit: bool) -> Expr {
    match (arg, &how) {
        // Constants take a new label without a node, so that plans see a constant.
        (Expr::Const { value, .. }, Coercion::Relabel) => Expr::Const { value: relabel(value, ty), ty },
        (arg, _) => Expr::Coerce { arg: Box::new(arg), ty, how, implicit },
    }
}

/// A value as another type of the same bits: `int4` and `oid` differ in their form here.
pub fn relabel(value: Datum, to: SqlType) -> Datum {
    match (value, to.physical()) {
        (Datum::Int4(v), Physical::UInt32) => Datum::Oid(v as u32),
        (Datum::Oid(v), Physical::Int32) => Datum::Int4(v as i32),
        (value, _) => value,
    }
}

/// The array type of a type, or 42704.
pub fn array_type_of(ty: SqlType) -> Result<SqlType> {
    match array_of(ty.oid) {
        Some(array) => Ok(SqlType::of(array)),
        None => Err(Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!("could not find array type for data type {}", type_name(ty.oid)),
        )),
    }
}
