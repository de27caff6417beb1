//! Expressions as text, the way PostgreSQL's `ruleutils.c` prints them: every operator call in parentheses, constants
//! with their type where the text alone would not tell it.

use crate::catalog::{Column, Table};
use crate::expr::{BoolTest, Expr, Form, Index, RowOrder, SubqueryId};
use crate::types::{Datum, FormatContext, SqlType, format_type, oid, write_text};

/// The name of a column of some input.
#[derive(Clone, Debug)]
pub(super) struct Label {
    /// The alias of the table that it comes from; none for computed columns.
    pub relation: Option<String>,
    pub text: String,
}

/// What the names in an expression are looked up in.
pub(super) struct Names<'a> {
    pub input: &'a [Label],
    pub slots: &'a dyn Fn(usize) -> Option<Label>,
    /// What a sub-select is called: `SubPlan 1`, `hashed SubPlan 1`, `$0`.
    pub subplan: &'a dyn Fn(SubqueryId) -> String,
    /// Whether columns have their table's name before them.
    pub qualified: bool,
}

impl Label {
    /// `sum(x)`: stands without parentheses.
    fn is_call(&self) -> bool {
        let name = self.text.split('(').next().unwrap_or_default();
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_') && self.text.ends_with(')')
    }
}

/// An expression over a table's row, whose columns are `Input` positions: what the catalog shows of checks, defaults and
/// index expressions.
pub fn deparse_over(expr: &Expr, table: &Table) -> String {
    let label = |c: &Column| Label { relation: Some(table.name.clone()), text: c.name.clone() };
    let input: Vec<Label> = table.columns.iter().map(label).collect();
    let names = Names { input: &input, slots: &|_| None, subplan: &|_| "SubPlan".into(), qualified: false };
    names.show(expr)
}

pub(super) fn quote(name: &str) -> String {
    let plain = name.chars().next().is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '$');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

impl Names<'_> {
    pub fn label(&self, label: &Label) -> String {
        match &label.relation {
            Some(relation) if self.qualified => format!("{}.{}", quote(relation), quote(&label.text)),
            Some(_) => quote(&label.text),
            None if label.is_call() || label.text.starts_with('(') => label.text.clone(),
            None => format!("({})", label.text),
        }
    }

    fn list<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> String {
        exprs.into_iter().map(|e| self.implicit(e)).collect::<Vec<_>>().join(", ")
    }

    /// An argument: casts nobody wrote are shown.
    fn implicit(&self, expr: &Expr) -> String {
        match expr {
            Expr::Call { args, ty, form: Form::ImplicitCast, .. } if !args.is_empty() => self.cast(&args[0], *ty),
            Expr::Coerce { arg, ty, implicit: true, .. } => self.cast(arg, *ty),
            other => self.show(other),
        }
    }

    fn cast(&self, arg: &Expr, ty: SqlType) -> String {
        let name = format_type(ty);
        match arg {
            Expr::Const { .. } => format!("{}::{name}", self.show(arg)),
            _ => format!("({})::{name}", self.implicit(arg)),
        }
    }

    pub fn show(&self, expr: &Expr) -> String {
        match expr {
            Expr::Const { value, ty } => constant(value, *ty),
            Expr::Column { id, .. } => format!("#{}", id.0),
            Expr::Input { index, .. } => match self.input.get(*index) {
                Some(label) => self.label(label),
                None => format!("?column{index}?"),
            },
            Expr::Param { index, .. } => format!("${}", index + 1),
            Expr::Exec { slot, .. } => match (self.slots)(*slot) {
                Some(label) => Names { qualified: true, ..*self }.label(&label),
                None => format!("$s{slot}"),
            },
            Expr::Call { func, args, ty, form } => self.call(func.name, args, *ty, *form),
            Expr::Coerce { arg, implicit: true, .. } => self.show(arg),
            Expr::Coerce { arg, ty, .. } => self.cast(arg, *ty),
            Expr::And(parts) => self.junction(parts, " AND "),
            Expr::Or(parts) => self.junction(parts, " OR "),
            Expr::Not(arg) => format!("(NOT {})", self.show(arg)),
            Expr::IsNull { arg, negated, .. } => {
                format!("({} IS {}NULL)", self.implicit(arg), if *negated { "NOT " } else { "" })
            }
            Expr::IsBool { arg, test } => format!("({} IS {})", self.show(arg), bool_test(*test)),
            Expr::IsDistinct { left, right, negated, .. } => {
                let op = if *negated { "IS NOT DISTINCT FROM" } else { "IS DISTINCT FROM" };
                format!("({} {op} {})", self.implicit(left), self.implicit(right))
            }
            Expr::NullIf { left, right, .. } => format!("NULLIF({}, {})", self.implicit(left), self.implicit(right)),
            Expr::Case { operand, whens, otherwise, .. } => self.case(operand.as_deref(), whens, otherwise.as_deref()),
            Expr::CaseValue { .. } => "CASE_TEST_EXPR".to_owned(),
            Expr::Coalesce { args, .. } => format!("COALESCE({})", self.list(args)),
            Expr::MinMax { args, greatest, .. } => {
                format!("{}({})", if *greatest { "GREATEST" } else { "LEAST" }, self.list(args))
            }
            Expr::Array { items, .. } => format!("ARRAY[{}]", self.list(items)),
            Expr::Row { fields, .. } => format!("ROW({})", self.list(fields)),
            Expr::RowCompare { left, right, order, .. } => {
                format!("(ROW({}) {} ROW({}))", self.list(left), row_order(*order), self.list(right))
            }
            Expr::Subscript { arg, indexes, .. } => format!("{}{}", self.base(arg), self.indexes(indexes)),
            Expr::SubscriptAssign { value, .. } => self.show(value),
            Expr::Field { arg, index, .. } => format!("({}).f{}", self.show(arg), index + 1),
            Expr::AnyAll { func, left, array, all, form } => {
                let op = match form {
                    Form::Operator(op) => op.name,
                    _ => func.name,
                };
                let word = if *all { "ALL" } else { "ANY" };
                format!("({} {op} {word} ({}))", self.implicit(left), self.implicit(array))
            }
            Expr::Subquery { id, .. } => self.subquery(*id),
            Expr::Default { .. } => "DEFAULT".to_owned(),
        }
    }

    fn subquery(&self, id: SubqueryId) -> String {
        let name = (self.subplan)(id);
        if name.starts_with('$') { name } else { format!("({name})") }
    }

    fn junction(&self, parts: &[Expr], word: &str) -> String {
        format!("({})", parts.iter().map(|p| self.show(p)).collect::<Vec<_>>().join(word))
    }

    fn case(&self, operand: Option<&Expr>, whens: &[(Expr, Expr)], otherwise: Option<&Expr>) -> String {
        let mut out = "CASE".to_owned();
        if let Some(operand) = operand {
            out += &format!(" {}", self.show(operand));
        }
        for (test, value) in whens {
            // `CASE x WHEN v`: the test is `CaseValue = v`.
            let shown = match (operand, test) {
                (Some(_), Expr::Call { args, .. }) if args.len() == 2 => self.show(&args[1]),
                _ => self.show(test),
            };
            out += &format!(" WHEN {shown} THEN {}", self.show(value));
        }
        match otherwise {
            Some(e) => out += &format!(" ELSE {} END", self.show(e)),
            None => out += " ELSE NULL END",
        }
        out
    }

    fn base(&self, arg: &Expr) -> String {
        match arg {
            Expr::Input { .. } | Expr::Param { .. } => self.show(arg),
            other => format!("({})", self.show(other)),
        }
    }

    fn indexes(&self, indexes: &[Index]) -> String {
        let one = |i: &Index| match i {
            Index::At(e) => format!("[{}]", self.show(e)),
            Index::Slice { lower, upper } => {
                let side = |e: &Option<Expr>| e.as_ref().map_or(String::new(), |e| self.show(e));
                format!("[{}:{}]", side(lower), side(upper))
            }
        };
        indexes.iter().map(one).collect()
    }

    fn call(&self, name: &str, args: &[Expr], ty: SqlType, form: Form) -> String {
        match (form, args) {
            (Form::Operator(op), [left, right]) => {
                format!("({} {} {})", self.implicit(left), op.name, self.implicit(right))
            }
            (Form::Operator(op), [arg]) => format!("({} {})", op.name, self.implicit(arg)),
            (Form::Cast, [arg, ..]) => self.cast(arg, ty),
            (Form::ImplicitCast, [arg, ..]) => self.show(arg),
            _ => format!("{}({})", function_name(name), self.list(args)),
        }
    }
}

/// Names that are keywords of the grammar are printed as it would need them.
pub(super) fn function_name(name: &str) -> String {
    quote(name)
}

fn bool_test(test: BoolTest) -> &'static str {
    match test {
        BoolTest::True => "TRUE",
        BoolTest::NotTrue => "NOT TRUE",
        BoolTest::False => "FALSE",
        BoolTest::NotFalse => "NOT FALSE",
        BoolTest::Unknown => "UNKNOWN",
        BoolTest::NotUnknown => "NOT UNKNOWN",
    }
}

fn row_order(order: RowOrder) -> &'static str {
    match order {
        RowOrder::Lt => "<",
        RowOrder::Le => "<=",
        RowOrder::Gt => ">",
        RowOrder::Ge => ">=",
    }
}

/// A constant as `get_const_expr` prints it.
fn constant(value: &Datum, ty: SqlType) -> String {
    if value.is_null() {
        return format!("NULL::{}", format_type(ty));
    }
    let mut bytes = Vec::new();
    write_text(&mut bytes, ty, value.as_ref(), &FormatContext::default());
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let bare_number = text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !text.is_empty();
    match ty.oid {
        oid::BOOL => return if text == "t" { "true".into() } else { "false".into() },
        oid::INT4 if bare_number => return text,
        oid::NUMERIC if bare_number && text.contains('.') && ty.typmod < 0 => return text,
        oid::UNKNOWN => return format!("'{}'", text.replace('\'', "''")),
        _ => {}
    }
    format!("'{}'::{}", text.replace('\'', "''"), format_type(ty))
}
