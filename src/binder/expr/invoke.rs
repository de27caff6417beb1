//! Applying a resolved function to its arguments: casts, defaults, variadic packing (`make_fn_arguments`).

use super::operator::Operand;
use crate::base::{Error, Result};
use crate::binder::state::Binder;
use crate::expr::resolve::{CallArgs, ResolvedCall, ResolvedFunction, resolve_function};
use crate::expr::{Expr, Function};
use crate::parser::ast;
use crate::types::{SqlType, parse_text};

/// A function with arguments of the types it wants.
pub(in crate::binder) struct Applied {
    pub func: &'static Function,
    pub args: Vec<Expr>,
    pub ret: SqlType,
}

impl Applied {
    pub fn into_expr(self) -> Expr {
        Expr::call(self.func, self.args, self.ret)
    }
}

impl Binder<'_> {
    /// A function of `pg_catalog` that a special syntax stands for.
    pub fn call_builtin(&mut self, name: &str, args: &[&ast::Expr], pos: usize) -> Result<Expr> {
        let args = args.iter().map(|e| self.operand(e)).collect::<Result<_>>()?;
        self.invoke_builtin(name, args, pos)
    }

    pub fn invoke_builtin(&mut self, name: &str, args: Vec<Operand>, pos: usize) -> Result<Expr> {
        let types: Vec<SqlType> = args.iter().map(|a| a.expr.ty()).collect();
        let shown = format!("pg_catalog.{name}");
        let call = CallArgs { types: &types, names: &[], variadic: false };
        match resolve_function(name, call).map_err(|e| rename(e, name, &shown).at(pos))? {
            ResolvedCall::Function(resolved) => Ok(self.apply(resolved, args)?.into_expr()),
            ResolvedCall::Cast(ty) => {
                let Operand { expr, pos: at } = args.into_iter().next().expect("a cast has one argument");
                self.explicit_cast(expr, ty, at, pos)
            }
        }
    }

    /// Casts the arguments of a call to what the function takes.
    pub fn apply(&mut self, resolved: ResolvedFunction, args: Vec<Operand>) -> Result<Applied> {
        let mut args: Vec<Option<Operand>> = args.into_iter().map(Some).collect();
        let mut ready = Vec::with_capacity(resolved.order.len());
        for (i, (from, &ty)) in resolved.order.iter().zip(&resolved.arg_types).enumerate() {
            ready.push(match from {
                Some(at) => {
                    let Operand { expr, pos } = args[*at].take().expect("each argument fills one parameter");
                    let expr = self.coerce_argument(expr, ty, pos)?;
                    // "any" takes whatever comes, but a literal must be something.
                    self.resolve_unknown(expr, pos)?
                }
                None => self.default_argument(resolved.func, i, ty)?,
            });
        }
        if let Some((count, array)) = resolved.pack {
            let items = ready.split_off(ready.len() - count);
            ready.push(Expr::Array { items, ty: array, nested: false });
        }
        Ok(Applied { func: resolved.func, args: ready, ret: resolved.ret })
    }

    fn default_argument(&self, func: &'static Function, parameter: usize, ty: SqlType) -> Result<Expr> {
        let first = func.args.len() - func.defaults.len();
        let text = func.defaults[parameter - first];
        if text.eq_ignore_ascii_case("null") {
            return Ok(Expr::null(ty));
        }
        Ok(Expr::Const { value: parse_text(ty, text, self.env.format)?, ty })
    }
}

/// Errors name a function as the statement did.
pub(super) fn rename(mut error: Error, name: &str, shown: &str) -> Error {
    let fields = error.fields_mut();
    fields.message = fields.message.replacen(&format!("function {name}("), &format!("function {shown}("), 1);
    error
}
