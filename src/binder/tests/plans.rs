//! The shape of plans: which relations a statement becomes, and which columns they speak of.

use super::super::rel::{ConflictAction, DistinctOn, FunctionSource, Query, Rel, SortKey};
use super::super::{Clause, Environment, default_value, table_expression};
use super::{bind_text, schema};
use crate::catalog::{Catalog, PG_CATALOG, PUBLIC};
use crate::expr::{Coercion, ColId, Expr, SubqueryKind};
use crate::types::{Datum, FormatContext};
use std::fmt::Write;

/// Prints a plan as nested terms, columns by name and id.
struct Printer<'q>(&'q Query);

impl Printer<'_> {
    fn column(&self, id: ColId) -> String {
        let info = &self.0.columns[id.0 as usize];
        format!("{}#{}", info.name, id.0)
    }

    fn columns(&self, ids: &[ColId]) -> String {
        ids.iter().map(|&id| self.column(id)).collect::<Vec<_>>().join(",")
    }

    fn exprs<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> String {
        exprs.into_iter().map(|e| self.expr(e)).collect::<Vec<_>>().join(",")
    }

    fn named(&self, exprs: &[(ColId, Expr)]) -> String {
        let one = |(id, e): &(ColId, Expr)| match e {
            Expr::Column { id: same, .. } if same == id => self.column(*id),
            e => format!("{}={}", self.column(*id), self.expr(e)),
        };
        exprs.iter().map(one).collect::<Vec<_>>().join(",")
    }

    fn keys(&self, keys: &[SortKey]) -> String {
        let key = |k: &SortKey| format!("{}{}", self.expr(&k.expr), if k.descending { " desc" } else { "" });
        keys.iter().map(key).collect::<Vec<_>>().join(",")
    }

    fn expr(&self, expr: &Expr) -> String {
        match expr {
            Expr::Const { value: Datum::Text(text), .. } => format!("'{text}'"),
            Expr::Const { value: Datum::Int4(n), .. } => n.to_string(),
            Expr::Const { value: Datum::Int8(n), .. } => format!("{n}L"),
            Expr::Const { value, .. } => format!("{value:?}"),
            Expr::Column { id, .. } => self.column(*id),
            Expr::Input { index, .. } => format!("@{index}"),
            Expr::Param { index, .. } => format!("${}", index + 1),
            Expr::Call { func, args, .. } => format!("{}({})", func.name, self.exprs(args)),
            Expr::Coerce { arg, how: Coercion::Relabel, .. } => self.expr(arg),
            Expr::Coerce { arg, ty, .. } => format!("{}::{}", self.expr(arg), crate::types::format_type(*ty)),
            Expr::And(list) => format!("and({})", self.exprs(list)),
            Expr::Coalesce { args, .. } => format!("coalesce({})", self.exprs(args)),
            Expr::Field { arg, index, .. } => format!("{}.{index}", self.expr(arg)),
            Expr::Row { fields, .. } => format!("row({})", self.exprs(fields)),
            Expr::SubscriptAssign { arg, value, .. } => format!("put({},{})", self.expr(arg), self.expr(value)),
            Expr::Subquery { id, kind, .. } => {
                let plan = &self.0.subqueries[id.0 as usize];
                let kind = match kind {
                    SubqueryKind::Scalar => "scalar".to_owned(),
                    SubqueryKind::Exists => "exists".to_owned(),
                    SubqueryKind::Array => "array".to_owned(),
                    SubqueryKind::Quantified(q) => format!("any {}", self.exprs(&q.left)),
                };
                format!("{kind}[{}]", self.rel(&plan.root))
            }
            other => format!("{other:?}"),
        }
    }

    fn rel(&self, rel: &Rel) -> String {
        match rel {
            Rel::Unit => "unit".to_owned(),
            Rel::Scan(s) => format!("{}{}", s.alias, if s.key.is_some() { "+key" } else { "" }),
            Rel::Values { columns, rows } => {
                let rows: Vec<String> = rows.iter().map(|r| format!("({})", self.exprs(r))).collect();
                format!("values({}: {})", self.columns(columns), rows.join(","))
            }
            Rel::Function(f) => {
                let one = |t: &super::super::rel::TableFunction| match &t.source {
                    FunctionSource::Set(call) => {
                        format!("{}={}({})", self.columns(&t.columns), call.func.name, self.exprs(&call.args))
                    }
                    FunctionSource::Scalar(e) => format!("{}={}", self.columns(&t.columns), self.expr(e)),
                };
                format!("function({})", f.functions.iter().map(one).collect::<Vec<_>>().join(","))
            }
            Rel::Filter { input, predicate } => format!("filter({}, {})", self.rel(input), self.expr(predicate)),
            Rel::Project { input, exprs } => format!("project({}, {})", self.rel(input), self.named(exprs)),
            Rel::ProjectSet { input, calls } => {
                let calls: Vec<String> = calls
                    .iter()
                    .map(|(id, c)| format!("{}={}({})", self.column(*id), c.func.name, self.exprs(&c.args)))
                    .collect();
                format!("sets({}, {})", self.rel(input), calls.join(","))
            }
            Rel::Join(j) => {
                let lateral = if j.lateral { " lateral" } else { "" };
                let on = j.on.as_ref().map_or(String::new(), |on| format!(", {}", self.expr(on)));
                format!("{:?}{lateral}({}, {}{on})", j.kind, self.rel(&j.left), self.rel(&j.right))
            }
            Rel::Aggregate(a) => {
                let mut s = format!("aggregate({}, [{}]", self.rel(&a.input), self.named(&a.group));
                if a.dependent_from < a.group.len() {
                    write!(s, " dependent {}", a.dependent_from).expect("a string takes all");
                }
                if let Some(sets) = &a.sets {
                    write!(s, " sets {sets:?}").expect("a string takes all");
                }
                for (id, agg) in &a.aggs {
                    write!(s, ", {}={}({})", self.column(*id), agg.func.name, self.exprs(&agg.args))
                        .expect("a string takes all");
                }
                s + ")"
            }
            Rel::Window(w) => {
                let specs: Vec<String> = w
                    .specs
                    .iter()
                    .map(|s| {
                        let calls: Vec<String> = s
                            .calls
                            .iter()
                            .map(|(id, c)| format!("{}={}({})", self.column(*id), c.func.name, self.exprs(&c.args)))
                            .collect();
                        format!("{} over {} by {}", calls.join(","), self.exprs(&s.partition), self.keys(&s.order))
                    })
                    .collect();
                format!("window({}, {})", self.rel(&w.input), specs.join("; "))
            }
            Rel::Distinct { input, on: DistinctOn::All(columns) } => {
                format!("distinct({}, {})", self.rel(input), self.columns(columns))
            }
            Rel::Distinct { input, on: DistinctOn::On(on) } => {
                format!("distinct on({}, {})", self.rel(input), self.exprs(on))
            }
            Rel::Sort { input, keys } => format!("sort({}, {})", self.rel(input), self.keys(keys)),
            Rel::Limit(l) => {
                let limit = l.limit.as_ref().map_or(String::new(), |e| format!(", {}", self.expr(e)));
                format!("limit({}{limit})", self.rel(&l.input))
            }
            Rel::SetOp(s) => format!(
                "{:?}({}: {}, {}: {}) as {}",
                s.kind,
                self.rel(&s.left),
                self.columns(&s.left_columns),
                self.rel(&s.right),
                self.columns(&s.right_columns),
                self.columns(&s.columns)
            ),
            Rel::Cte { cte, body } => {
                format!("with {}*{} as ({}) {}", cte.name, cte.references, self.rel(&cte.definition), self.rel(body))
            }
            Rel::CteRef(c) => format!("cte {}({})", c.id, self.columns(&c.columns)),
            Rel::WorkTable(c) => format!("work {}({})", c.id, self.columns(&c.columns)),
            Rel::Recursive(r) => format!("recursive({} then {})", self.rel(&r.seed), self.rel(&r.step)),
            Rel::LockRows { input, targets } => {
                let names: Vec<String> =
                    targets.iter().map(|t| format!("{} {}", t.alias, self.column(t.key))).collect();
                format!("lock({}, {})", self.rel(input), names.join(","))
            }
            Rel::Insert(i) => {
                let values: Vec<String> =
                    i.values.iter().map(|v| v.as_ref().map_or("-".to_owned(), |v| self.expr(v))).collect();
                let mut s = format!("insert {}({}: {})", i.table.name, self.rel(&i.source), values.join(","));
                if let Some(conflict) = &i.on_conflict {
                    write!(s, " on {:?}", conflict.arbiters).expect("a string takes all");
                    if let ConflictAction::Update { assignments, .. } = &conflict.action {
                        let set: Vec<String> =
                            assignments.iter().map(|(i, e)| format!("{i}={}", self.expr(e))).collect();
                        write!(s, " set {}", set.join(",")).expect("a string takes all");
                    }
                }
                s + &self.returning(&i.returning)
            }
            Rel::Update(u) => {
                let set: Vec<String> = u.assignments.iter().map(|(i, e)| format!("{i}={}", self.expr(e))).collect();
                format!("update({}) set {}{}", self.rel(&u.input), set.join(","), self.returning(&u.returning))
            }
            Rel::Delete(d) => format!("delete({}){}", self.rel(&d.input), self.returning(&d.returning)),
            other => format!("{other:?}"),
        }
    }

    fn returning(&self, returning: &Option<Vec<(ColId, Expr)>>) -> String {
        returning.as_ref().map_or(String::new(), |r| format!(" returning {}", self.named(r)))
    }
}

fn plan(sql: &str) -> String {
    let query = bind_text(&schema::catalog(), sql).expect(sql);
    Printer(&query).rel(&query.root)
}

#[track_caller]
fn check(sql: &str, wanted: &str) {
    assert_eq!(plan(sql), wanted, "{sql}");
}

#[test]
fn clauses_in_the_order_of_computation() {
    check(
        "SELECT b, count(*) FROM t WHERE a > 1 GROUP BY b HAVING count(*) > 2 ORDER BY max(c) DESC LIMIT 5",
        "limit(sort(project(filter(aggregate(filter(t, int4gt(a#0,1)), [b#9=b#1], count#7=count(), max#8=max(c#2)), \
         int84gt(count#7,2)), b#9,count#7,max#8), max#8 desc), int8(5))",
    );
    check("SELECT DISTINCT ON (a) a, b FROM e ORDER BY a, b", "distinct on(sort(project(e, a#0,b#1), a#0,b#1), a#0)");
    check(
        "SELECT a, sum(sum(b)) OVER (PARTITION BY a) FROM e GROUP BY a",
        "project(window(aggregate(e, [a#7=a#0], sum#5=sum(b#1)), sum#6=sum(sum#5) over a#7 by ), a#7,sum#6)",
    );
    check("SELECT a FROM t FOR UPDATE", "lock(project(t+key, a#0,key#5), t key#5)");
}

#[test]
fn groups_take_what_depends_on_a_key() {
    check("SELECT b, c FROM t GROUP BY a", "project(aggregate(t, [a#7=a#0,b#8=b#1,c#9=c#2] dependent 1), b#8,c#9)");
    check(
        "SELECT a, b FROM e GROUP BY ROLLUP (a), b",
        "project(aggregate(e, [a#5=a#0,b#6=b#1] sets [[0, 1], [1]]), a#5,b#6)",
    );
    check(
        "SELECT generate_series(1, 2) AS g, count(*) FROM e GROUP BY g",
        "project(aggregate(sets(e, generate_series#5=generate_series(1,2)), [generate_series#7=generate_series#5], \
         count#6=count()), generate_series#7,count#6)",
    );
}

#[test]
fn outer_columns_and_lateral_joins() {
    check(
        "SELECT a FROM e WHERE EXISTS (SELECT 1 FROM o WHERE k1 = e.a)",
        "project(filter(e, exists[project(filter(o, int4eq(k1#5,a#0)), ?column?#10=1)]), a#0)",
    );
    check(
        "SELECT (SELECT sum(e.a) FROM o LIMIT 1) FROM e",
        "project(aggregate(e, [], sum#10=sum(a#0)), sum#12=scalar[limit(project(o, sum#11=sum#10), int8(1))])",
    );
    check("SELECT s.n FROM e, LATERAL (SELECT e.a AS n) s", "project(Inner lateral(e, project(unit, n#5=a#0)), n#5)");
    check(
        "SELECT 1 FROM e, o JOIN LATERAL (SELECT e.a AS n) s ON true",
        "project(Inner lateral(e, Inner(o, project(unit, n#10=a#0), Bool(true))), ?column?#11=1)",
    );
    check("SELECT a IN (SELECT k1 FROM o) FROM e", "project(e, ?column?#10=any a#0[project(o, k1#5)])");
}

#[test]
fn merged_columns() {
    check("SELECT a FROM e FULL JOIN t USING (a)", "project(Full(e, t, int4eq(a#0,a#5)), a#12=coalesce(a#0,a#5))");
    check("SELECT a, t.a FROM e LEFT JOIN t USING (a)", "project(Left(e, t, int4eq(a#0,a#5)), a#0,a#5)");
}

#[test]
fn ctes() {
    check(
        "WITH x AS (SELECT a FROM e), y AS (SELECT 1) SELECT x.a FROM x, x AS z",
        "with x*2 as (project(e, a#0)) project(Inner(cte 0(a#6), cte 0(a#7)), a#6)",
    );
    check(
        "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
        "with r*1 as (recursive(project(unit, ?column?#0=1) then \
         project(work 0(n#1), ?column?#2=int4pl(n#1,1)))) project(cte 0(n#4), n#4)",
    );
    check(
        "WITH d AS (DELETE FROM e WHERE a = 1 RETURNING b) SELECT 2",
        "with d*0 as (delete(filter(e+key, int4eq(a#0,1))) returning b#5=b#1) project(unit, ?column?#6=2)",
    );
}

#[test]
fn casts_of_set_operations() {
    check(
        "SELECT a FROM e UNION SELECT '5'",
        "Union(project(e, a#0): a#0, project(unit, ?column?#5=5): ?column?#5) as a#6",
    );
    check(
        "SELECT a FROM e UNION ALL SELECT 2.5",
        "Union(project(project(e, a#0), a#6=numeric(a#0)): a#6, project(unit, ?column?#5=Numeric(2.5)): ?column?#5) as a#7"
            .replace("Numeric(2.5)", &numeric_debug())
            .as_str(),
    );
}

/// How a numeric constant prints.
fn numeric_debug() -> String {
    let value = crate::types::parse_text(crate::types::SqlType::NUMERIC, "2.5", &FormatContext::default());
    format!("{:?}", value.expect("a number"))
}

#[test]
fn rows_written() {
    check(
        "INSERT INTO e (b, a) VALUES (1, 2), (DEFAULT, 3) RETURNING a",
        "insert e(values(b#4,a#5: (1,2),(Null,3)): a#5,b#4,Null) returning a#6=a#0",
    );
    check(
        "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = excluded.b || t.b",
        "insert t(values(a#6: (1)): a#6,'x',Null,now(),Null) on [Oid(30010)] set 1=textcat(b#8,b#1)",
    );
    check(
        "UPDATE e SET (a, b) = (SELECT k1, k2 FROM o), c = 'x' RETURNING a",
        "update(project(e+key, a#0,b#1,c#2,key#3,row#11=scalar[project(project(o, k1#5,k2#6), row#10=row(k1#5,k2#6))])) \
         set 0=row#11.0,1=row#11.1,2='x' returning a#16=a#12",
    );
    check("UPDATE t SET arr[1] = 5, arr[2] = 6", "update(t+key) set 4=put(put(arr#4,5),6)");
    check("DELETE FROM e USING o WHERE k1 = a", "delete(filter(Inner(e+key, o), int4eq(k1#5,a#0)))");
}

#[test]
fn stored_expressions_speak_of_positions() {
    let catalog = schema::catalog();
    let format = FormatContext::default();
    let path = [PG_CATALOG, PUBLIC];
    let env = Environment { catalog: &catalog, search_path: &path, temp_schema: None, format: &format };
    let query = bind_text(&catalog, "SELECT 1").expect("binds");
    let table = |name: &str| table_named(&catalog, name);
    let check = table_expression(&env, &table("e"), "a > 0", Clause::CheckConstraint).expect("binds");
    assert_eq!(Printer(&query).expr(&check), "int4gt(@0,0)");
    let error = table_expression(&env, &table("e"), "a > (select 1)", Clause::CheckConstraint).expect_err("refused");
    assert_eq!(error.message(), "cannot use subquery in check constraint");
    let t = table("t");
    let default = default_value(&env, &t, &t.columns[1]).expect("binds");
    assert_eq!(Printer(&query).expr(&default), "'x'");
    let g = table("g");
    let identity = default_value(&env, &g, &g.columns[0]).expect("binds");
    assert_eq!(Printer(&query).expr(&identity), "int4(nextval(Oid(30250)))");
}

fn table_named(catalog: &Catalog, name: &str) -> crate::catalog::Table {
    match catalog.relation(PUBLIC, name) {
        Some(crate::catalog::Relation::Table(table)) => (*table).clone(),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn deep_nesting_is_refused_and_not_a_crash() {
    let catalog = schema::catalog();
    for sql in [
        format!("SELECT {}1", "1 + ".repeat(1900)),
        format!("SELECT {}1{}", "abs(".repeat(900), ")".repeat(900)),
        format!("SELECT {}1{}", "(SELECT ".repeat(300), ")".repeat(300)),
        format!("SELECT {}true{}", "(".repeat(40), " BETWEEN false AND true)".repeat(40)),
        format!("SELECT 1 {}", "UNION ALL SELECT 1 ".repeat(1500)),
    ] {
        if let Err(error) = bind_text(&catalog, &sql) {
            assert_eq!(error.code().as_str(), "54001", "{error:?}");
        }
    }
}
