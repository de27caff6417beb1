//! Statements from text to rows.

mod fixture;

use crate::base::Flow;
use crate::txn::Access;
use fixture::Db;
use std::sync::Arc;

fn db() -> Db {
    let db = Db::new();
    db.create("t", "a int4 pk, b int4 index, c text");
    db.create("u", "x int4, y text");
    assert_eq!(
        db.run("insert into t values (1, 10, 'one'), (2, 20, 'two'), (3, 20, null), (4, null, 'four')")
            .unwrap()
            .affected,
        4
    );
    db.run("insert into u values (1, 'u1'), (1, 'u1b'), (3, 'u3'), (null, 'un'), (9, 'u9')").unwrap();
    db
}

/// Each statement in order, with its answer.
fn check(db: &Db, cases: &[(&str, &str)]) {
    for (sql, answer) in cases {
        assert_eq!(db.text(sql), *answer, "{sql}");
    }
}

#[test]
fn queries_answer() {
    let db = db();
    check(
        &db,
        &[
            ("select 1", "1"),
            ("select 1 + 1, 'x' || 'y'", "2,xy"),
            ("select * from t", "1,10,one;2,20,two;3,20,-;4,-,four"),
            ("select a, c from t where a = 2", "2,two"),
            ("select * from t where b = 20", "2,20,two;3,20,-"),
            ("select t.a, u.y from t join u on t.a = u.x", "1,u1;1,u1b;3,u3"),
            ("select t.a, u.y from t left join u on t.a = u.x", "1,u1;1,u1b;2,-;3,u3;4,-"),
            ("select t.a, u.y from t right join u on t.a = u.x", "1,u1;1,u1b;3,u3;-,un;-,u9"),
            ("select t.a, u.y from t full join u on t.a = u.x", "1,u1;1,u1b;2,-;3,u3;4,-;-,un;-,u9"),
            ("select t.a from t where exists (select 1 from u where u.x = t.a)", "1;3"),
            ("select t.a from t where not exists (select 1 from u where u.x = t.a)", "2;4"),
            ("select a from t where a in (select x from u)", "1;3"),
            ("select a from t where a not in (select x from u)", ""),
            ("select a from t where a not in (select x from u where x is not null)", "2;4"),
            ("select b, count(*), sum(a) from t group by b order by b", "10,1,1;20,2,5;-,1,4"),
            ("select count(*), min(a), max(a), avg(a) from t", "4,1,4,2.5000000000000000"),
            ("select a, (select count(*) from u where u.x = t.a) from t order by a", "1,2;2,0;3,1;4,0"),
            ("select a, (select max(x) from u) from t order by a desc limit 2", "4,9;3,9"),
            ("select distinct b from t order by b nulls first", "-;10;20"),
            ("select a from t order by b desc nulls last, a desc", "3;2;1;4"),
            ("select a from t union all select x from u", "1;2;3;4;1;1;3;-;9"),
            ("select a from t union select x from u order by 1", "1;2;3;4;9;-"),
            ("select a from t intersect select x from u", "1;3"),
            ("select a from t except select x from u", "2;4"),
            (
                "with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select n from r",
                "1;2;3;4;5",
            ),
            (
                "with m as materialized (select * from t) select m1.a from m m1 join m m2 on m1.a = m2.a where m2.b = 20",
                "2;3",
            ),
            ("select a, (with m as materialized (select t.a as n) select n * 10 from m) from t", "1,10;2,20;3,30;4,40"),
            (
                "select a, s from t, lateral (with m as materialized (select t.a as n) \
                 select sum(m1.n) as s from m m1, m m2) x",
                "1,1;2,2;3,3;4,4",
            ),
            (
                "select a, (with m as materialized (select t.a as n) select (select n from m) from m) from t",
                "1,1;2,2;3,3;4,4",
            ),
            (
                "with recursive r(n) as (select 1 union all (with m as materialized (select n from r) \
                 select n + 1 from m where n < (select max(n) + 1 from m) and n < 4)) select n from r",
                "1;2;3;4",
            ),
            (
                "select v from (values (1)) a(v), lateral (with recursive b as (select 0 as i where a.v is not null), \
                 c as (select 0 as j, i from b union all select j + 1, i from c where j < 2) \
                 select 1 from c union all select 2 from c) x",
                "1;1;1;1;1;1",
            ),
            ("select a from t where not a not between null and 1 / (a - a)", ""),
            (
                "select (a + 1) in (select x + (a + 1) from u) from t group by (a + 1)",
                "42803 subquery uses ungrouped column \"t.a\" from outer query",
            ),
            ("select sign('nan'::float8), format_type(16, 0)", "0,boolean"),
            ("select * from (values (1, 'a'), (2, 'b')) v(x, y)", "1,a;2,b"),
            (
                "select a, row_number() over (order by a desc), sum(a) over (partition by b order by a) from t",
                "4,1,4;3,2,5;2,3,2;1,4,1",
            ),
            (
                "select a, lag(a) over (order by a), lead(a, 1, 0) over (order by a), first_value(a) over (order by a) from t",
                "1,-,2,1;2,1,3,1;3,2,4,1;4,3,0,1",
            ),
            ("select a, sum(a) over (order by a rows between 1 preceding and 1 following) from t", "1,3;2,6;3,9;4,7"),
            ("select grouping(b), b, count(*) from t group by rollup (b) order by 1, 2", "0,10,1;0,20,2;0,-,1;1,-,4"),
            (
                "select count(distinct b), array_agg(a order by a desc), string_agg(c, ',' order by c) from t",
                "2,{4,3,2,1},four,one,two",
            ),
            ("select array(select a from t order by a)", "{1,2,3,4}"),
            ("select a from t where a = any (array[1, 3]) order by a", "1;3"),
            (
                "select a, case when a > 2 then 'big' else 'small' end from t order by a limit 2 offset 1",
                "2,small;3,big",
            ),
            ("select * from t t1, t t2, u where t1.a = t2.a and t2.b = 20 and u.x = t1.a", "3,20,-,3,20,-,3,u3"),
            (
                "select t.a, s.n from t, lateral (select count(*) as n from u where u.x = t.a) s order by 1",
                "1,2;2,0;3,1;4,0",
            ),
            ("select max(a), min(b) from t", "4,10"),
            ("select max(a) from t", "4"),
            ("select max(b) from t where a < 4", "20"),
        ],
    );
}

#[test]
fn rows_are_changed() {
    let db = db();
    check(
        &db,
        &[
            ("insert into u values (5, 'new') returning x, y", "5,new"),
            ("update t set b = b + 1 where a = 1 returning a, b", "1,11"),
            ("update t set c = 'zz' where b = 20 returning *", "2,20,zz;3,20,zz"),
            ("delete from u where x = 5 returning y", "new"),
            ("insert into t values (1, 0, 'dup')", "23505 duplicate key value violates unique constraint \"t_pkey\""),
            (
                "insert into t values (1, 99, 'dup') on conflict (a) do update set b = excluded.b, c = t.c returning *",
                "1,99,one",
            ),
            ("insert into t values (1, 99, 'dup') on conflict do nothing", ""),
            (
                "insert into t values (7, 1, 'a'), (7, 2, 'b') on conflict (a) do update set b = excluded.b",
                "21000 ON CONFLICT DO UPDATE command cannot affect row a second time",
            ),
            ("select * from t where a = 1 for update", "1,99,one"),
        ],
    );
}

#[test]
fn foreign_keys_cascade() {
    let db = Db::new();
    db.create("p", "id int4 pk, name text");
    db.create("ch", "id int4 pk, pid int4 index refs=p:cascade, v int8");
    check(
        &db,
        &[
            ("insert into p values (1, 'p1'), (2, 'p2')", ""),
            ("insert into ch values (1, 1, 1), (2, 1, 2), (3, 2, 3), (4, null, 4)", ""),
            (
                "insert into ch values (9, 9, 9)",
                "23503 insert or update on table \"ch\" violates foreign key constraint \"ch_pid_fkey\"",
            ),
            ("delete from p where id = 1", ""),
            ("select * from ch order by id", "3,2,3;4,-,4"),
            ("update p set id = 20 where id = 2", ""),
            ("select * from ch order by id", "3,20,3;4,-,4"),
        ],
    );
}

#[test]
fn deferred_foreign_keys_are_checked_at_commit() {
    let db = Db::new();
    db.create("p", "id int4 pk");
    db.create("c", "id int4 pk, pid int4 refs=p:deferred");
    let mut s = db.begin();
    s.run("insert into c values (1, 7)").unwrap();
    s.run("insert into p values (7)").unwrap();
    s.commit().unwrap();
    let mut s = db.begin();
    s.run("insert into c values (2, 8)").unwrap();
    assert_eq!(s.commit().unwrap_err().code().as_str(), "23503");
    check(
        &db,
        &[(
            "delete from p",
            "23503 update or delete on table \"p\" violates foreign key constraint \"c_pid_fkey\" on table \"c\"",
        )],
    );
}

#[test]
fn foreign_keys_to_the_own_table_and_without_an_action() {
    let db = Db::new();
    db.create("tree", "id int4 pk, parent int4 refs=tree");
    check(
        &db,
        &[
            ("insert into tree values (3, 2), (2, 1), (1, null)", ""),
            (
                "delete from tree where id = 1",
                "23503 update or delete on table \"tree\" violates foreign key constraint \"tree_parent_fkey\" on table \"tree\"",
            ),
            ("delete from tree", ""),
            ("select count(*) from tree", "0"),
        ],
    );
}

/// SQLite's `select5` asks for joins of up to 64 tables, each joined to the next by equality.
#[test]
fn sixty_four_tables_are_joined() {
    let db = Db::new();
    let (mut from, mut conditions) = (Vec::new(), Vec::new());
    for i in 1..=64 {
        db.create(&format!("t{i}"), &format!("a{i} int4 pk, b{i} int4, x{i} text"));
        let rows: Vec<String> = (1..=10).map(|n| format!("({n}, {}, 'table t{i} row {n}')", n % 10 + 1)).collect();
        db.run(&format!("insert into t{i} values {}", rows.join(", "))).unwrap();
        from.push(format!("t{}", (i * 37) % 64 + 1));
        if i > 1 {
            conditions.push(format!("a{i} = b{}", i - 1));
        }
    }
    conditions.push("a1 = 5".to_owned());
    let sql = format!("select x64 from {} where {}", from.join(", "), conditions.join(" and "));
    assert_eq!(db.text(&sql), "table t64 row 8");
}

/// With next to no memory the same answers come through temporary files.
#[test]
fn little_memory_gives_the_same_answers() {
    let queries = [
        "select g.n % 1000, count(*), sum(g.n), min(s) from big g group by 1 order by 1 limit 5 offset 990",
        "select n, s from big order by s desc, n limit 3 offset 3000",
        "select count(*), sum(r.n) from (select n, s from big order by s) r",
        "select count(*), sum(a.n), count(b.n) from big a left join big b on a.n = b.n + 2000 and b.n % 2 = 0",
        "select count(*), sum(a.n), count(b.n) from big a full join big b on a.n = b.n + 2000",
        "select count(distinct s), count(distinct n % 7) from big",
        "select a.n % 10, count(*) from big a join big b on a.s = b.s group by 1 order by 1",
    ];
    let mut answers = Vec::new();
    for work_mem in [4 << 20, 16 << 10] {
        let mut db = Db::new();
        db.work_mem = work_mem;
        db.create("big", "n int4, s text");
        for chunk in 0..8 {
            let rows: Vec<String> = (0..500)
                .map(|i| chunk * 500 + i)
                .map(|n| format!("({n}, 'text number {}')", n * 7919 % 4001))
                .collect();
            db.run(&format!("insert into big values {}", rows.join(", "))).unwrap();
        }
        answers.push(queries.map(|q| db.text(q)));
        assert_eq!(db.temp.used(), work_mem < 1 << 20);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0][3], "4000,7998000,1000");
}

#[test]
fn a_row_that_changed_since_the_snapshot_starts_the_statement_again() {
    let db = db();
    for sql in [
        "update t set b = b + 1 where c = 'one'",
        "delete from t where c = 'one'",
        "select a from t where c = 'one' for update",
    ] {
        let mut other = db.begin();
        other.run("update t set b = 77 where a = 1").unwrap();
        let mut mine = db.begin();
        let wait = mine.run(sql).unwrap_err();
        assert_eq!(wait.flow(), Flow::Wait, "{sql}");
        drop(mine);
        let mut mine = db.begin();
        let mut run = mine.open(sql);
        other.commit().unwrap();
        let restart = mine.drain(&mut run).unwrap_err();
        assert_eq!(restart.flow(), Flow::Restart, "{sql}");
        run.restart();
        mine.txn.end_statement();
        mine.txn.begin_statement(Access::Write).unwrap();
        mine.drain(&mut run).unwrap();
    }
    check(&db, &[("select b from t where a = 1", "77")]);
}

#[test]
fn locked_rows_are_skipped_or_refused() {
    let db = db();
    let mut other = db.begin();
    other.run("select * from t where a = 2 for update").unwrap();
    check(
        &db,
        &[
            ("select a from t order by a for update skip locked", "1;3;4"),
            ("select a from t order by a limit 2 for update skip locked", "1;3"),
            ("select a from t for update nowait", "55P03 could not obtain lock on row in relation \"t\""),
            ("select a from t for key share skip locked", "1;3;4"),
        ],
    );
    drop(other);
    let mut share = db.begin();
    share.run("select * from t where a = 2 for key share").unwrap();
    check(&db, &[("update t set b = 5 where a = 2 returning b", "5")]);
}

#[test]
fn the_first_lock_spares_the_restart() {
    let db = db();
    let plan = Arc::new(db.plan("update t set b = b + 1 where a = 1").unwrap());
    assert!(plan.lock_first && plan.is_short);
    assert!(!db.plan("update t set b = b + 1 where a = 1 and c = 'x'").unwrap().lock_first);
    assert!(db.plan("select * from t where a = 1 for update").unwrap().lock_first);
    assert!(!db.plan("select * from t where a = 1").unwrap().lock_first);
    assert!(!db.plan("update t set b = b + 1 where a = (select min(a) from t)").unwrap().lock_first);
    let mut mine = db.begin();
    mine.first_lock(&plan).unwrap();
    let mut other = db.begin();
    assert_eq!(other.first_lock(&plan).unwrap_err().flow(), Flow::Wait);
    mine.run("update t set b = b + 1 where a = 1").unwrap();
    mine.commit().unwrap();
    drop(other);
    check(&db, &[("select b from t where a = 1", "11")]);
}

#[test]
fn plans_have_postgresqls_shape() {
    let db = db();
    db.create("w", "p int4 index, q int4 index, r int4");
    db.run("insert into w select a, b, a from t").unwrap();
    let rows: Vec<String> = (10..3000).map(|n| format!("({n}, {n}, {n})")).collect();
    db.run(&format!("insert into w values {}", rows.join(", "))).unwrap();
    let cases = [
        ("select * from t where a = 1", "Index Scan using t_pkey on t\n  Index Cond: (a = 1)"),
        (
            "select count(*) from t where b > 1 and c = 'x'",
            "Aggregate\n  ->  Index Scan using t_b_idx on t\n        Index Cond: (b > 1)\n        Filter: (c = 'x'::text)",
        ),
        ("select p from w where p = 5 or q = 7", UNION),
        ("select r from w where p in (select x from u)", IN),
        (
            "update t set b = 3 where a = 5",
            "Update on t\n  ->  Index Scan using t_pkey on t\n        Index Cond: (a = 5)",
        ),
        (
            "select max(p) from w",
            "Aggregate\n  ->  Limit\n        ->  Index Only Scan Backward using w_p_idx on w\n              Filter: (p IS NOT NULL)",
        ),
        ("select (select max(x) from u), a from t where a not in (select x from u)", SUBPLANS),
    ];
    for (sql, plan) in cases {
        assert_eq!(db.explain(sql), plan, "{sql}");
    }
    check(
        &db,
        &[
            ("select p from w where p = 15 or q = 17 or p = 17 order by 1", "15;17"),
            ("select r from w where p in (select x from u) order by 1", "1;3"),
        ],
    );
}

const UNION: &str = "Unique\n  ->  Append\n        ->  Index Scan using w_p_idx on w\n              Index Cond: (w.p = 5)\n        ->  Index Scan using w_q_idx on w\n              Index Cond: (w.q = 7)";
const IN: &str = "Nested Loop\n  ->  HashAggregate\n        Group Key: u.x\n        ->  Seq Scan on u\n  ->  Index Scan using w_p_idx on w\n        Index Cond: (w.p = u.x)";
const SUBPLANS: &str = "Index Only Scan using t_b_idx on t\n  Filter: (NOT (hashed SubPlan 1))\n  InitPlan 2 (returns $0)\n    ->  Aggregate\n          ->  Seq Scan on u\n  SubPlan 1\n    ->  Seq Scan on u";
#[test]
fn deep_statements_run_or_are_refused() {
    let db = db();
    for arms in [10, 120] {
        let sql = vec!["select a from t"; arms].join(" union all ");
        assert_eq!(db.text(&format!("select count(*) from ({sql}) s")), (arms * 4).to_string());
    }
    let joins = |n: usize| {
        let on = (1..n).map(|i| format!(" left join t t{i} on t{i}.a = t{}.a", i - 1));
        format!("select count(*) from t t0{}", on.collect::<String>())
    };
    assert_eq!(db.text(&joins(60)), "4");
    assert_eq!(db.text(&joins(200)), "54001 stack depth limit exceeded");
}

#[test]
fn analyze_counts_rows_and_rounds() {
    let db = db();
    assert_eq!(
        db.analyze("select t.a, u.y from t join u on t.a = u.x where u.y like 'u%'"),
        "Nested Loop (actual rows=3 loops=1)\n  ->  Seq Scan on u (actual rows=5 loops=1)\n        \
         Filter: (u.y ~~ 'u%'::text)\n  ->  Index Scan using t_pkey on t (actual rows=1 loops=5)\n        \
         Index Cond: (t.a = u.x)"
    );
}
