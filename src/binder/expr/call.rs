//! Function calls (`ParseFuncOrColumn`): plain functions here; aggregates, window functions and set-returning functions
//! are handed on to where the query level keeps them.

use super::invoke::{Applied, rename};
use super::operator::Operand;
use super::row::is_row_type;
use crate::base::{Error, Oid, Result, SqlState};
use crate::binder::clause::Clause;
use crate::binder::rel::SetCall;
use crate::binder::relation::{no_schema, schema_oid};
use crate::binder::scope::Mention;
use crate::binder::state::{Binder, ColumnKind};
use crate::binder::typename;
use crate::catalog::{INFORMATION_SCHEMA, PG_CATALOG};
use crate::expr::registry::{functions_named, information_schema_functions_named};
use crate::expr::resolve::{CallArgs, ResolvedCall, function_signature, select_function};
use crate::expr::{Expr, Function, Kind, Volatility};
use crate::parser::ast;
use crate::types::{SqlType, oid};

/// What a call turned out to be.
pub(in crate::binder) enum Callee {
    Function(Applied),
    Expr(Expr),
}

impl Binder<'_> {
    pub fn transform_function(&mut self, call: &ast::FunctionCall, pos: usize) -> Result<Expr> {
        match self.resolve_call(call, pos)? {
            Callee::Expr(expr) => Ok(expr),
            Callee::Function(applied) => self.place_call(call, applied, pos),
        }
    }

    /// Binds the arguments and finds the function.
    pub fn resolve_call(&mut self, call: &ast::FunctionCall, pos: usize) -> Result<Callee> {
        check_argument_names(call)?;
        let name = call.name.name();
        let functions: &[&'static Function] = match self.function_schema(&call.name)? {
            PG_CATALOG => functions_named(name),
            INFORMATION_SCHEMA => information_schema_functions_named(name),
            _ => &[],
        };
        let args = self.transform_arguments(call, functions)?;
        let types: Vec<SqlType> = args.iter().map(|a| a.expr.ty()).collect();
        if let (true, Some(last)) = (call.variadic, args.last()) {
            self.check_variadic(functions, last)?;
        }
        let names: Vec<Option<&str>> = call.args.iter().map(|a| a.name.as_deref()).collect();
        let named = names.iter().any(Option::is_some);
        let shape = CallArgs { types: &types, names: if named { &names } else { &[] }, variadic: call.variadic };
        let found = if functions.is_empty() && call.name.schema().is_some_and(|s| s != "pg_catalog") {
            Err(undefined(&call.name.to_string(), shape))
        } else {
            let shown = call.name.to_string();
            select_function(name, functions, shape).map_err(|e| rename(e, name, &shown))
        };
        match found {
            Ok(ResolvedCall::Function(resolved)) => Ok(Callee::Function(self.apply(resolved, args)?)),
            Ok(ResolvedCall::Cast(ty)) => {
                self.check_plain(call, name, pos)?;
                let Operand { expr, pos: at } = args.into_iter().next().expect("a cast has one argument");
                Ok(Callee::Expr(self.explicit_cast(expr, ty, at, pos)?))
            }
            Err(error) => {
                let error = self.name_types(error, &types);
                self.projection(call, args).map(Callee::Expr).ok_or_else(|| match error.code() {
                    // PostgreSQL finds what polymorphic types stand for where it has no position at hand.
                    SqlState::DATATYPE_MISMATCH => error,
                    _ => explain(error, call).at(pos),
                })
            }
        }
    }

    /// VARIADIC "any" takes an array of whatever.
    fn check_variadic(&self, functions: &[&'static Function], last: &Operand) -> Result<()> {
        let any = functions.iter().any(|f| f.variadic == Some(oid::ANY));
        let ty = last.expr.ty();
        if !any || ty.oid == oid::UNKNOWN || typename::element_of(&self.env, ty).is_some() {
            return Ok(());
        }
        Err(Error::new(SqlState::DATATYPE_MISMATCH, "VARIADIC argument must be an array").at(last.pos))
    }

    /// `name(t)` may mean the column `t.name`.
    fn projection(&mut self, call: &ast::FunctionCall, args: Vec<Operand>) -> Option<Expr> {
        let plain = !call.star && !call.distinct && call.order_by.is_empty() && call.filter.is_none();
        if !plain || call.over.is_some() || call.variadic || call.name.schema().is_some() {
            return None;
        }
        let [Operand { expr, .. }] = <[Operand; 1]>::try_from(args).ok()?;
        if !is_row_type(expr.ty()) {
            return None;
        }
        let fields = self.row_fields(&expr)?;
        let index = fields.iter().position(|(n, _)| n == call.name.name())?;
        Some(Expr::Field { arg: Box::new(expr), index, ty: fields[index].1 })
    }

    /// Where the name, by its schema or the lack of one, looks for a function.
    fn function_schema(&self, name: &ast::QualifiedName) -> Result<Oid> {
        if name.parts.len() > 3 {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                format!("improper qualified name (too many dotted names): {name}"),
            )
            .at(name.pos()));
        }
        let Some(schema) = name.schema() else { return Ok(PG_CATALOG) };
        schema_oid(&self.env, schema).ok_or_else(|| no_schema(schema).at(name.pos()))
    }

    fn transform_arguments(
        &mut self,
        call: &ast::FunctionCall,
        functions: &[&'static Function],
    ) -> Result<Vec<Operand>> {
        let aggregate = call.over.is_none() && functions.iter().any(|f| f.is_aggregate());
        self.level().inside_aggregates += usize::from(aggregate);
        let result = self.transform_argument_list(call);
        self.level().inside_aggregates -= usize::from(aggregate);
        result
    }

    fn transform_argument_list(&mut self, call: &ast::FunctionCall) -> Result<Vec<Operand>> {
        let mut args = call.args.iter().map(|a| self.operand(&a.value)).collect::<Result<Vec<_>>>()?;
        if call.within_group {
            for key in &call.order_by {
                args.push(self.operand(&key.expr)?);
            }
        }
        Ok(args)
    }

    /// Puts a call where it is computed.
    pub fn place_call(&mut self, call: &ast::FunctionCall, applied: Applied, pos: usize) -> Result<Expr> {
        let name = applied.func.name;
        if call.over.is_some() {
            return self.place_window_call(call, applied, pos);
        }
        match applied.func.kind {
            Kind::Aggregate | Kind::OrderedSet { .. } => self.transform_aggregate(call, applied, pos),
            Kind::Window => {
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("window function {name} requires an OVER clause"))
                    .at(pos))
            }
            Kind::Scalar => {
                self.check_plain(call, name, pos)?;
                if applied.func.returns_set {
                    return self.place_set_call(applied, pos);
                }
                Ok(applied.into_expr())
            }
        }
    }

    /// The decorations that only aggregates and window functions may have.
    fn check_plain(&self, call: &ast::FunctionCall, name: &str, pos: usize) -> Result<()> {
        let decoration = if call.star {
            format!("{name}(*)")
        } else if call.distinct {
            "DISTINCT".to_owned()
        } else if call.within_group {
            "WITHIN GROUP".to_owned()
        } else if !call.order_by.is_empty() {
            "ORDER BY".to_owned()
        } else if call.filter.is_some() {
            "FILTER".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("{decoration} specified, but {name} is not an aggregate function"),
        )
        .at(pos))
    }

    /// A set-returning function in a target list: a column of the level (`check_srf_call_placement`).
    fn place_set_call(&mut self, applied: Applied, pos: usize) -> Result<Expr> {
        let clause = self.level_ref().clause;
        if clause == Clause::FromFunction {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                "set-returning functions must appear at top level of FROM",
            )
            .at(pos));
        }
        if let Some(refusal) = clause.refuses_set_function() {
            return Err(refusal.at(pos));
        }
        let call = SetCall { func: applied.func, args: applied.args, ty: applied.ret };
        let id = match self.same_set_call(&call) {
            Some(id) => id,
            None => {
                let id = self.new_column(call.func.name, call.ty, ColumnKind::Set);
                if call.func.out.len() > 1 {
                    self.state_mut(id).fields = Some(call_fields(call.func, &call.args));
                }
                self.level().set_calls.push((id, call));
                id
            }
        };
        self.level().mentions.push(Mention { id, pos, in_aggregate: false });
        Ok(self.column_expr(id))
    }

    /// Calls run in lockstep, so equal ones of a function that is not volatile give equal rows.
    fn same_set_call(&self, call: &SetCall) -> Option<crate::expr::ColId> {
        if call.func.volatility == Volatility::Volatile || call.args.iter().any(Expr::contains_volatile) {
            return None;
        }
        let same = |c: &SetCall| c.func == call.func && c.args == call.args && c.ty == call.ty;
        self.level_ref().set_calls.iter().find(|(_, c)| same(c)).map(|(id, _)| *id)
    }
}

fn check_argument_names(call: &ast::FunctionCall) -> Result<()> {
    let mut seen: Vec<&str> = Vec::new();
    for arg in &call.args {
        match &arg.name {
            Some(name) if seen.contains(&&**name) => {
                return Err(Error::new(
                    SqlState::SYNTAX_ERROR,
                    format!("argument name \"{name}\" used more than once"),
                )
                .at(name.pos));
            }
            Some(name) => seen.push(name),
            None if seen.is_empty() => {}
            None => {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "positional argument cannot follow named argument")
                    .at(arg.value.location()));
            }
        }
    }
    Ok(())
}

fn undefined(name: &str, args: CallArgs<'_>) -> Error {
    Error::new(SqlState::UNDEFINED_FUNCTION, format!("function {} does not exist", function_signature(name, args)))
        .hint("No function matches the given name and argument types. You might need to add explicit type casts.")
}

/// An aggregate that does not exist gets another hint where its ORDER BY may be the reason.
fn explain(error: Error, call: &ast::FunctionCall) -> Error {
    let missing = error.code() == SqlState::UNDEFINED_FUNCTION;
    if missing && call.order_by.len() > 1 && !call.within_group {
        return error.hint(
            "No aggregate function matches the given name and argument types. Perhaps you misplaced ORDER BY; ORDER BY \
             must appear after all regular arguments of the aggregate.",
        );
    }
    error
}

/// Names and types of the fields of a function's row.
pub(in crate::binder) fn call_fields(func: &Function, args: &[Expr]) -> Vec<(String, SqlType)> {
    let types: Vec<SqlType> = args.iter().map(Expr::ty).collect();
    func.columns(&types).into_iter().map(|(name, ty)| (name.to_owned(), ty)).collect()
}

/// Whether a result type is a row that FROM takes apart.
pub(in crate::binder) fn returns_row(func: &Function, ty: SqlType) -> bool {
    func.out.len() > 1 || (ty.oid != oid::RECORD && is_row_type(ty))
}
