//! What a column of the output is called when the statement does not say (`FigureColname`).

use crate::parser::ast::{
    CastForm, Expr, ExprKind, Indirection, Query, QueryBody, SpecialFunction, SqlValueFunction, TrimSide,
};

/// How good a name is: a type's name yields to anything better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    Weak,
    Strong,
}

pub fn column_name(expr: &Expr) -> String {
    figure(expr).map_or_else(|| "?column?".to_owned(), |(name, _)| name)
}

/// The name for an index expression: none where a SELECT would say `?column?`.
fn figure(expr: &Expr) -> Option<(String, Strength)> {
    let strong = |name: &str| Some((name.to_owned(), Strength::Strong));
    match &expr.kind {
        ExprKind::Column(column) if !column.star => strong(column.parts.last()?),
        ExprKind::Indirection { arg, steps } => {
            let field = steps.iter().rev().find_map(|s| match s {
                Indirection::Field(name) => Some(&name.name),
                _ => None,
            });
            match field {
                Some(name) => strong(name),
                None => figure(arg),
            }
        }
        ExprKind::Function(call) => strong(call.name.name()),
        ExprKind::Special(special) => strong(special_name(special)),
        ExprKind::SqlValue { function, .. } => strong(sql_value_name(*function)),
        ExprKind::AtTimeZone { .. } => strong("timezone"),
        ExprKind::Overlaps { .. } => strong("overlaps"),
        ExprKind::IsNormalized { .. } => strong("is_normalized"),
        ExprKind::NullIf(..) => strong("nullif"),
        ExprKind::Coalesce(_) => strong("coalesce"),
        ExprKind::Greatest(_) => strong("greatest"),
        ExprKind::Least(_) => strong("least"),
        ExprKind::Grouping(_) => strong("grouping"),
        ExprKind::Array(_) | ExprKind::ArraySubquery(_) => strong("array"),
        ExprKind::Row { .. } => strong("row"),
        ExprKind::Exists(_) => strong("exists"),
        ExprKind::Subquery(query) => subquery_name(query),
        ExprKind::Collate { arg, .. } => figure(arg),
        ExprKind::TypeCast { arg, target, form } => match figure(arg) {
            Some((name, Strength::Strong)) if *form != CastForm::Literal => strong(&name),
            _ => Some((target.name.name().to_owned(), Strength::Weak)),
        },
        ExprKind::Case(case) => match case.otherwise.as_ref().and_then(figure) {
            Some((name, Strength::Strong)) => strong(&name),
            _ => Some(("case".to_owned(), Strength::Weak)),
        },
        _ => None,
    }
}

/// A scalar subquery is called as its own column is.
fn subquery_name(query: &Query) -> Option<(String, Strength)> {
    let mut body = &query.body;
    loop {
        match body {
            QueryBody::Select(select) => {
                let target = select.targets.first()?;
                return match &target.alias {
                    Some(alias) => Some((alias.name.clone(), Strength::Strong)),
                    None => figure(&target.expr).map(|(name, _)| (name, Strength::Strong)),
                };
            }
            QueryBody::Values(_) => return Some(("column1".to_owned(), Strength::Strong)),
            QueryBody::SetOp(op) => body = &op.left,
            QueryBody::Query(query) => body = &query.body,
        }
    }
}

fn special_name(special: &SpecialFunction) -> &str {
    match special {
        SpecialFunction::Extract { .. } => "extract",
        SpecialFunction::Substring { .. } | SpecialFunction::SubstringSimilar { .. } => "substring",
        SpecialFunction::Position { .. } => "position",
        SpecialFunction::Overlay { .. } => "overlay",
        SpecialFunction::Trim { side: TrimSide::Both, .. } => "btrim",
        SpecialFunction::Trim { side: TrimSide::Leading, .. } => "ltrim",
        SpecialFunction::Trim { side: TrimSide::Trailing, .. } => "rtrim",
        SpecialFunction::Normalize { .. } => "normalize",
        SpecialFunction::Treat { target, .. } => target.name.name(),
        SpecialFunction::CollationFor { .. } => "pg_collation_for",
    }
}

fn sql_value_name(function: SqlValueFunction) -> &'static str {
    match function {
        SqlValueFunction::CurrentDate => "current_date",
        SqlValueFunction::CurrentTime => "current_time",
        SqlValueFunction::CurrentTimestamp => "current_timestamp",
        SqlValueFunction::LocalTime => "localtime",
        SqlValueFunction::LocalTimestamp => "localtimestamp",
        SqlValueFunction::CurrentRole => "current_role",
        SqlValueFunction::CurrentUser => "current_user",
        SqlValueFunction::SessionUser => "session_user",
        SqlValueFunction::User => "user",
        SqlValueFunction::CurrentCatalog => "current_catalog",
        SqlValueFunction::CurrentSchema => "current_schema",
    }
}
