//! Arrays, subscripts and fields of rows (`transformArrayExpr`, `transformIndirection`).

use super::call::call_fields;
use super::operator::Operand;
use crate::base::{Error, Result, SqlState};
use crate::binder::state::Binder;
use crate::binder::typename;
use crate::catalog::UserType;
use crate::expr::{CastContext, Expr, Index};
use crate::parser::ast::{self, ExprKind, Indirection};
use crate::types::{SqlType, oid, type_name};

impl Binder<'_> {
    /// `ARRAY[...]`. `wanted` is the array type that a cast asks for, and its element type.
    pub fn transform_array(
        &mut self,
        items: &[ast::Expr],
        wanted: Option<(SqlType, SqlType)>,
        pos: usize,
    ) -> Result<Expr> {
        self.check_stack_depth()?;
        let mut nested = false;
        let mut bound = Vec::with_capacity(items.len());
        for item in items {
            let expr = match &item.kind {
                ExprKind::Array(inner) => {
                    nested = true;
                    self.transform_array(inner, wanted, item.pos)?
                }
                _ => {
                    let expr = self.transform_expr(item)?;
                    // Items that are arrays themselves make one more dimension.
                    nested |= expr.ty().oid != oid::INT2VECTOR
                        && expr.ty().oid != oid::OIDVECTOR
                        && typename::element_of(&self.env, expr.ty()).is_some();
                    expr
                }
            };
            bound.push(Operand::new(expr, item.location()));
        }
        if let Some((array, element)) = wanted {
            let to = if nested { array } else { element };
            let items = bound.into_iter().map(|o| self.explicit_cast(o.expr, to, o.pos, pos)).collect::<Result<_>>()?;
            return Ok(Expr::Array { items, ty: array, nested });
        }
        self.untyped_array(bound, nested, pos)
    }

    fn untyped_array(&mut self, items: Vec<Operand>, nested: bool, pos: usize) -> Result<Expr> {
        if items.is_empty() {
            return Err(Error::new(SqlState::INDETERMINATE_DATATYPE, "cannot determine type of empty array")
                .hint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
                .at(pos));
        }
        let types: Vec<(SqlType, usize)> = items.iter().map(|o| (o.expr.ty(), o.pos)).collect();
        let common = self.common_type("ARRAY", &types)?;
        let ty = if nested { Some(common) } else { typename::array_of(&self.env, common.bare()) };
        let ty = ty.ok_or_else(|| no_array_type(common, pos))?;
        let items =
            items.into_iter().map(|o| self.coerce_to_common("ARRAY", o.expr, common, o.pos)).collect::<Result<_>>()?;
        Ok(Expr::Array { items, ty, nested })
    }

    /// `arg[..]`, `(arg).field`.
    pub fn transform_indirection(&mut self, arg: &ast::Expr, steps: &[Indirection], pos: usize) -> Result<Expr> {
        let (mut expr, mut rest) = self.indirection_base(arg, steps)?;
        while let Some((first, after)) = rest.split_first() {
            match first {
                Indirection::Field(name) => {
                    expr = self.select_field(expr, name, arg.location())?;
                    rest = after;
                }
                Indirection::Star => {
                    return Err(Error::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        "row expansion via \"*\" is not supported here",
                    )
                    .at(pos));
                }
                Indirection::Index(_) | Indirection::Slice(..) => {
                    let count =
                        rest.iter().take_while(|s| matches!(s, Indirection::Index(_) | Indirection::Slice(..))).count();
                    expr = self.subscript(expr, &rest[..count], arg.location())?;
                    rest = &rest[count..];
                }
            }
        }
        Ok(expr)
    }

    /// The value to step into, and the steps left: `(t).a` on a relation's name is the column itself.
    fn indirection_base<'s>(&mut self, arg: &ast::Expr, steps: &'s [Indirection]) -> Result<(Expr, &'s [Indirection])> {
        if let (ExprKind::Column(column), [Indirection::Field(field), rest @ ..]) = (&arg.kind, steps)
            && let ([name], false) = (&column.parts[..], column.star)
        {
            let is_column = self.names_column(name, arg.pos)?;
            if let (false, Some(item)) = (is_column, self.find_item(name, arg.pos)?) {
                return match self.column_of(item, field, field.pos)? {
                    Some(expr) => Ok((expr, rest)),
                    None => {
                        Err(Error::new(SqlState::UNDEFINED_COLUMN, format!("column {name}.{field} does not exist"))
                            .at(arg.pos))
                    }
                };
            }
        }
        Ok((self.transform_expr(arg)?, steps))
    }

    /// `ParseComplexProjection`: a field of a row.
    pub fn select_field(&mut self, row: Expr, name: &str, pos: usize) -> Result<Expr> {
        let ty = row.ty();
        let fields = self.row_fields(&row);
        if let Some(fields) = fields {
            if let Some(index) = fields.iter().position(|(n, _)| n == name) {
                if let Expr::Row { fields, .. } = row {
                    return Ok(fields.into_iter().nth(index).expect("a row has the fields that it was said to have"));
                }
                return Ok(Expr::Field { arg: Box::new(row), index, ty: fields[index].1 });
            }
            let shown = self.type_name(ty);
            let message = match ty.oid {
                oid::RECORD => format!("could not identify column \"{name}\" in record data type"),
                _ => format!("column \"{name}\" not found in data type {shown}"),
            };
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message).at(pos));
        }
        if ty.oid == oid::RECORD {
            return Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("could not identify column \"{name}\" in record data type"),
            )
            .at(pos));
        }
        Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("column notation .{name} applied to type {}, which is not a composite type", self.type_name(ty)),
        )
        .at(pos))
    }

    /// Names and types of the fields of a row value, where they can be known.
    pub fn row_fields(&self, row: &Expr) -> Option<Vec<(String, SqlType)>> {
        if let Some(UserType::Row(table)) = self.catalog().user_type(row.ty().oid) {
            let field = |c: &crate::catalog::Column| (c.name.clone(), SqlType::with_typmod(c.type_oid, c.typmod));
            return Some(table.live_columns().map(field).collect());
        }
        match row {
            Expr::Row { fields, .. } => {
                Some(fields.iter().enumerate().map(|(i, f)| (format!("f{}", i + 1), f.ty())).collect())
            }
            Expr::Call { func, args, .. } if func.out.len() > 1 => Some(call_fields(func, args)),
            Expr::Column { id, .. } => self.state(*id).fields.clone(),
            _ => None,
        }
    }

    /// A type as errors print it, user types included.
    pub fn type_name(&self, ty: SqlType) -> String {
        match self.catalog().user_type(ty.oid) {
            Some(UserType::Row(table)) => table.name.clone(),
            Some(UserType::Object(object)) => object.name.clone(),
            Some(UserType::ArrayOf(element)) => format!("{}[]", self.type_name(SqlType::of(*element))),
            None => type_name(ty.oid),
        }
    }

    /// Puts the names of user types, which the resolution of functions and operators does not know, into its errors.
    pub fn name_types(&self, mut error: Error, types: &[SqlType]) -> Error {
        for &ty in types.iter().filter(|t| self.catalog().user_type(t.oid).is_some()) {
            let name = self.type_name(ty);
            let fields = error.fields_mut();
            fields.message = fields.message.replacen("???", &name, 1);
        }
        error
    }

    /// `transformContainerSubscripts`, to read.
    fn subscript(&mut self, arg: Expr, steps: &[Indirection], pos: usize) -> Result<Expr> {
        let array = arg.ty();
        let element = self.subscriptable(array, pos)?;
        let (indexes, slice) = self.transform_indexes(steps)?;
        let ty = if slice { array } else { element };
        Ok(Expr::Subscript { arg: Box::new(arg), indexes, ty })
    }

    /// The element type of what can be subscripted.
    pub fn subscriptable(&self, array: SqlType, pos: usize) -> Result<SqlType> {
        typename::element_of(&self.env, array).ok_or_else(|| {
            Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!("cannot subscript type {} because it does not support subscripting", self.type_name(array)),
            )
            .at(pos)
        })
    }

    /// The subscripts, and whether they make a slice: then `[n]` means `[1:n]`.
    pub fn transform_indexes(&mut self, steps: &[Indirection]) -> Result<(Vec<Index>, bool)> {
        let slice = steps.iter().any(|s| matches!(s, Indirection::Slice(..)));
        let mut indexes = Vec::with_capacity(steps.len());
        for step in steps {
            indexes.push(match step {
                Indirection::Index(e) if slice => {
                    let lower = Some(Expr::constant(1, SqlType::INT4));
                    Index::Slice { lower, upper: Some(self.transform_index(e)?) }
                }
                Indirection::Index(e) => Index::At(self.transform_index(e)?),
                Indirection::Slice(lower, upper) => Index::Slice {
                    lower: lower.as_ref().map(|e| self.transform_index(e)).transpose()?,
                    upper: upper.as_ref().map(|e| self.transform_index(e)).transpose()?,
                },
                Indirection::Field(_) | Indirection::Star => panic!("only subscripts come here"),
            });
        }
        Ok((indexes, slice))
    }

    fn transform_index(&mut self, index: &ast::Expr) -> Result<Expr> {
        let pos = index.location();
        let bound = self.transform_expr(index)?;
        self.coerce(bound, SqlType::INT4, CastContext::Assignment, pos)?
            .ok_or_else(|| Error::new(SqlState::DATATYPE_MISMATCH, "array subscript must have type integer").at(pos))
    }
}

pub(super) fn no_array_type(element: SqlType, pos: usize) -> Error {
    Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("could not find array type for data type {}", type_name(element.oid)),
    )
    .at(pos)
}
