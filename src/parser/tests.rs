//! What the parser reads, construct by construct, and what it refuses.

use super::ast::*;
use super::*;
use crate::base::SqlState;

fn one(text: &str) -> Statement {
    let mut statements = parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    assert_eq!(statements.len(), 1, "{text}");
    statements.remove(0).stmt
}

fn select(text: &str) -> Select {
    let Statement::Select(query) = one(text) else { panic!("{text} is no query") };
    let QueryBody::Select(select) = query.body else { panic!("{text} is no plain SELECT") };
    *select
}

/// The message and the position of the error.
fn error(text: &str) -> (String, Option<usize>) {
    let e = parse(text).expect_err(text);
    (e.message().to_string(), e.fields().position)
}

/// An expression with every grouping shown, for tests of precedence.
fn shape(text: &str) -> String {
    show(&parse_expression(text).unwrap_or_else(|e| panic!("{text}: {e:?}")))
}

fn show(e: &Expr) -> String {
    let list = |l: &[Expr], sep: &str| l.iter().map(show).collect::<Vec<_>>().join(sep);
    match &e.kind {
        ExprKind::Column(c) => {
            let mut names: Vec<&str> = c.parts.iter().map(|p| p.name.as_str()).collect();
            names.extend(c.star.then_some("*"));
            names.join(".")
        }
        ExprKind::Const(Constant::Integer(i)) => i.to_string(),
        ExprKind::Const(Constant::Float(f)) => f.clone(),
        ExprKind::Const(Constant::String(s)) => format!("'{s}'"),
        ExprKind::Const(c) => format!("{c:?}"),
        ExprKind::Op { op, left: Some(l), right } => format!("({} {} {})", show(l), op.name, show(right)),
        ExprKind::Op { op, left: None, right } => format!("({} {})", op.name, show(right)),
        ExprKind::And(l) => format!("({})", list(l, " and ")),
        ExprKind::Or(l) => format!("({})", list(l, " or ")),
        ExprKind::Not(e) => format!("(not {})", show(e)),
        ExprKind::TypeCast { arg, target, .. } => format!("({}::{})", show(arg), target.name.name()),
        ExprKind::IsNull { negated, arg } => format!("({} is{} null)", show(arg), if *negated { " not" } else { "" }),
        ExprKind::Between { arg, low, high, .. } => format!("({} between {} {})", show(arg), show(low), show(high)),
        ExprKind::InList { arg, list: l, .. } => format!("({} in [{}])", show(arg), list(l, ", ")),
        ExprKind::Like { arg, pattern, escape, .. } => {
            let escape = escape.as_ref().map(|e| format!(" escape {}", show(e))).unwrap_or_default();
            format!("({} like {}{escape})", show(arg), show(pattern))
        }
        ExprKind::IsDistinctFrom { left, right, .. } => format!("({} distinct {})", show(left), show(right)),
        ExprKind::Collate { arg, collation } => format!("({} collate {})", show(arg), collation.name()),
        ExprKind::AtTimeZone { arg, zone } => format!("({} at {})", show(arg), show(zone)),
        ExprKind::Row { fields, .. } => format!("row({})", list(fields, ", ")),
        ExprKind::Function(f) => {
            let args = f
                .args
                .iter()
                .map(|a| a.name.as_ref().map(|n| format!("{n} => ")).unwrap_or_default() + &show(&a.value));
            format!("{}({})", f.name, args.collect::<Vec<_>>().join(", "))
        }
        ExprKind::Indirection { arg, steps } => format!("{}<{}>", show(arg), steps.len()),
        ExprKind::Subquery(_) => "(select)".to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn precedence_is_postgres() {
    for (text, shaped) in [
        ("1 + 2 * 3", "(1 + (2 * 3))"),
        ("-3 ^ 2", "(-3 ^ 2)"),
        ("- a ^ 2", "((- a) ^ 2)"),
        ("2 ^ 3 ^ 4", "((2 ^ 3) ^ 4)"),
        ("~1 + 1", "(~ (1 + 1))"),
        ("a = not b = c", "(a = (not (b = c)))"),
        ("not a = b and c or d", "(((not (a = b)) and c) or d)"),
        ("a or b and c or d", "(a or (b and c) or d)"),
        ("a || b < c + d", "((a || b) < (c + d))"),
        ("a is null = b", "((a is null) = b)"),
        ("a = b is null", "((a = b) is null)"),
        ("a between 1 and 2 and b", "((a between 1 2) and b)"),
        ("a between b + 1 and c || d", "(a between (b + 1) (c || d))"),
        ("a like b || c escape d", "(a like (b || c) escape d)"),
        ("a in (1, 2) in (true)", "((a in [1, 2]) in [Bool(true)])"),
        ("-a::int", "(- (a::int4))"),
        ("-1::int", "(- (1::int4))"),
        ("a collate \"C\" || b", "((a collate C) || b)"),
        ("a at time zone 'x' + 1", "((a at 'x') + 1)"),
        ("a is distinct from b + 1 or c", "((a distinct (b + 1)) or c)"),
        ("x <>-1", "(x <> -1)"),
        ("f(x := a > b)", "f(x => (a > b))"),
        ("1 - -1", "(1 - -1)"),
        ("- -1.5", "1.5"),
        ("-2147483648", "-2147483648"),
        ("2147483648", "2147483648"),
        ("((1))", "1"),
        ("(1, 2)", "row(1, 2)"),
        ("((select 1) + 2)", "((select) + 2)"),
        ("(((select 1) union (select 2)))", "(select)"),
        ("a.b.c", "a.b.c"),
        ("(a).b[1:2].*", "a<3>"),
        ("a[1] + b", "(a<1> + b)"),
        ("a operator(pg_catalog.+) b * c", "(a + (b * c))"),
        ("pg_lsn '0/0'", "('0/0'::pg_lsn)"),
        ("timestamptz(0) '2020-01-01'", "('2020-01-01'::timestamptz)"),
    ] {
        assert_eq!(shape(text), shaped, "{text}");
    }
}

#[test]
fn nonassociative_operators_do_not_chain() {
    for (text, at) in [
        ("select a < b < c", 13),
        ("select a between 1 and 2 between 3 and 4", 25),
        ("select a is distinct from b is null", 28),
        ("select a like b like c", 16),
    ] {
        assert_eq!(error(text).1, Some(at), "{text}");
    }
}

#[test]
fn errors_name_the_offending_token() {
    for (text, message, at) in [
        ("selec 1", "syntax error at or near \"selec\"", 0),
        ("select 1 from", "syntax error at end of input", 13),
        ("select * frm t", "syntax error at or near \"frm\"", 9),
        ("select 1;;select from where 2", "syntax error at or near \"where\"", 22),
        ("insert into t values (1,)", "syntax error at or near \")\"", 24),
        ("select 'a' 'b'", "syntax error at or near \"'b'\"", 11),
        ("select 1 where a and", "syntax error at end of input", 20),
        ("create table t (a int,)", "syntax error at or near \")\"", 22),
        ("select (a, b", "syntax error at end of input", 12),
        ("select a[1", "syntax error at end of input", 10),
        ("select * from (select 1)", "subquery in FROM must have an alias", 14),
        ("select * from (values (1))", "VALUES in FROM must have an alias", 14),
        ("select * from (a)", "syntax error at or near \")\"", 16),
        ("select 1 limit 2, 3", "LIMIT #,# syntax is not supported", 9),
        ("(select 1 limit 1) limit 2", "multiple LIMIT clauses not allowed", 25),
        ("create table t (a int default 1 is null)", "syntax error at or near \"null\"", 35),
        ("select f(*, 1)", "syntax error at or near \",\"", 10),
        ("select a.*.b", "improper use of \"*\" at end of input", 12),
        ("alter table t add", "syntax error at end of input", 17),
        ("select \u{e4}\u{f6} \\ 1", "syntax error at or near \"\\\"", 12),
        ("select 'x", "unterminated quoted string at or near \"'x\"", 7),
    ] {
        assert_eq!(error(text), (message.to_string(), Some(at)), "{text}");
    }
    assert_eq!(parse("selec").unwrap_err().code(), SqlState::SYNTAX_ERROR);
}

#[test]
fn statements_know_their_bytes() {
    let text = " ;; select 1 ; /* c */ commit;  -- end\n";
    let spans: Vec<&str> = parse(text).unwrap().iter().map(|s| &text[s.start..s.end]).collect();
    assert_eq!(spans, ["select 1", "commit"]);
    assert!(parse(" ; -- nothing\n ;").unwrap().is_empty());
}

#[test]
fn targets_and_labels() {
    let labels =
        |text| -> Vec<Option<String>> { select(text).targets.into_iter().map(|t| t.alias.map(|a| a.name)).collect() };
    let named = |names: &[&str]| names.iter().map(|n| Some(n.to_string())).collect::<Vec<_>>();
    assert_eq!(labels("select 1 a, 2 as select, 3 \"B\" from t"), named(&["a", "select", "B"]));
    assert_eq!(labels("select 1 like, 2 is from t"), named(&["like", "is"]));
    assert_eq!(labels("select 1 isnull"), [None]);
    assert_eq!(select("select from t").targets.len(), 0);
    assert!(select("select distinct on (a) b from t").distinct.is_some());
    assert!(error("select 1 over").0.contains("over"));
}

#[test]
fn keywords_serve_as_names_by_class() {
    assert_eq!(shape("int + between"), "(int + between)");
    assert_eq!(shape("left(a, 1)"), "left(a, 1)");
    assert!(parse("select * from left").is_err());
    assert!(parse("select user.a").is_err());
    assert!(parse("create table t (timestamp timestamp, value int, name text, \"table\" int)").is_ok());
    assert!(parse("create table t (table int)").is_err());
}

#[test]
fn joins_nest_as_their_conditions_say() {
    let from = |text: &str| select(text).from.remove(0);
    let TableRef::Join(j) = from("select 1 from a join b join c on x on y") else { panic!() };
    assert!(matches!(j.left, TableRef::Relation { .. }) && matches!(j.right, TableRef::Join(_)));
    let TableRef::Join(j) = from("select 1 from a join b on x left join c using (i) as u") else { panic!() };
    assert!(matches!(j.left, TableRef::Join(_)));
    assert!(matches!(j.constraint, JoinConstraint::Using { alias: Some(_), .. }));
    let TableRef::Join(j) = from("select 1 from ((select 1) s cross join t) as j") else { panic!() };
    assert_eq!(j.alias.as_ref().map(|a| a.name.as_str()), Some("j"));
    assert!(matches!(from("select 1 from ((select 1) union select 2) s"), TableRef::Subquery { .. }));
    let TableRef::Function(f) = from("select 1 from rows from (f(1), g() as (a int)) with ordinality as x(a, b)")
    else {
        panic!()
    };
    assert!(f.rows_from && f.ordinality && f.functions.len() == 2 && f.functions[1].columns.len() == 1);
}

#[test]
fn set_operations_bind_as_in_sql() {
    let Statement::Select(q) = one("select 1 union select 2 intersect select 3 order by 1 limit 2 offset 3") else {
        panic!()
    };
    let QueryBody::SetOp(op) = &q.body else { panic!() };
    assert_eq!(op.kind, SetOpKind::Union);
    assert!(matches!(&op.right, QueryBody::SetOp(r) if r.kind == SetOpKind::Intersect));
    assert!(q.limit.is_some() && q.offset.is_some() && q.order_by.len() == 1);
    let Statement::Select(q) = one("(select 1 limit 1) union all (select 2)") else { panic!() };
    let QueryBody::SetOp(op) = &q.body else { panic!() };
    assert!(op.all && matches!(op.left, QueryBody::Query(_)) && matches!(op.right, QueryBody::Select(_)));
}

#[test]
fn types_map_to_the_catalog() {
    for (text, name, modifiers) in [
        ("int", "pg_catalog.int4", 0),
        ("character varying(10)", "pg_catalog.varchar", 1),
        ("char", "pg_catalog.bpchar", 1),
        ("float(24)", "pg_catalog.float4", 0),
        ("float(25)", "pg_catalog.float8", 0),
        ("double precision", "pg_catalog.float8", 0),
        ("decimal(10, 2)", "pg_catalog.numeric", 2),
        ("timestamp(3) with time zone", "pg_catalog.timestamptz", 1),
        ("time without time zone", "pg_catalog.time", 0),
        ("bit varying", "pg_catalog.varbit", 0),
        ("national character varying", "pg_catalog.varchar", 0),
        ("interval day to second(3)", "pg_catalog.interval", 1),
        ("text", "text", 0),
        ("my.type(1, 'a')", "my.type", 2),
    ] {
        let parsed = parse_type_name(text).unwrap();
        assert_eq!((parsed.name.to_string().as_str(), parsed.modifiers.len()), (name, modifiers), "{text}");
    }
    assert_eq!(parse_type_name("int[3][]").unwrap().array_bounds, [Some(3), None]);
    assert_eq!(parse_type_name("setof text array[4]").unwrap().array_bounds, [Some(4)]);
    let interval = parse_type_name("interval year to month").unwrap();
    assert_eq!(interval.interval_fields, Some(IntervalFields::YearToMonth));
}

#[test]
fn positions_are_postgres() {
    let target = |text: &str| select(text).targets.remove(0).expr;
    let cast = target("select  x::int");
    assert_eq!((cast.pos, cast.location()), (9, 8));
    let sum = target("select a + b * c");
    assert_eq!((sum.pos, sum.location()), (9, 7));
    assert_eq!(target("select date 'x'").pos, 12);
    assert_eq!(target("select cast('x' as int)").pos, 7);
}

#[test]
fn names_are_folded_and_cut() {
    let long = "\u{e4}".repeat(40);
    let column = |text: &str| match select(text).targets.remove(0).expr.kind {
        ExprKind::Column(c) => c.parts[0].name.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(column("select FooBar"), "foobar");
    assert_eq!(column("select \"FooBar\""), "FooBar");
    assert_eq!(column(&format!("select {long}")).len(), 62);
    assert_eq!(column("select U&\"\\0041b\""), "Ab");
}

#[test]
fn deep_nesting_passes_and_deeper_is_refused() {
    let nested = |n: usize| format!("select {}1{}", "(".repeat(n), ")".repeat(n));
    assert!(parse(&nested(250)).is_ok());
    let refused = |text: &str| assert_eq!(parse(text).unwrap_err().code(), SqlState::STATEMENT_TOO_COMPLEX);
    refused(&nested(100_000));
    refused(&format!("select {}1", "- ".repeat(100_000)));
    refused(&format!("select {}", "(select ".repeat(100_000)));
    refused(&format!("select 1 from {}", "(".repeat(100_000)));
    refused(&format!("select {}", "array[".repeat(100_000)));
    refused(&format!("select {}", "case when ".repeat(100_000)));
    refused(&format!("select 1{}", " + 1".repeat(100_000)));
    refused(&format!("select 1{}", " union select 1".repeat(100_000)));
    refused(&format!("select 1 from a{}", " cross join a".repeat(100_000)));
    refused(&format!("select 1 from {}", "a join ".repeat(100_000)));
    refused(&format!("select 1 group by {}", "grouping sets (".repeat(100_000)));
    refused(&"create function f() begin atomic ".repeat(100_000));
    assert!(parse(&format!("select 1 where {} true", "a = 1 or ".repeat(100_000))).is_ok());
    assert!(parse(&format!("insert into t values (1){}", ", (1)".repeat(100_000))).is_ok());
    assert!(parse(&format!("select 1{}", " + 1".repeat(1_500))).is_ok());
}
