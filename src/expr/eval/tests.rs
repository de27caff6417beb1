//! What the evaluator promises beside the values of functions: laziness, three-valued logic, agreement of rows and columns.

use crate::base::Result;
use crate::expr::tests::{bind_operator, with_context};
use crate::expr::*;
use crate::types::{Batch, ColumnBuilder, ColumnReader, Datum, DatumRef, SqlType};

fn ints(values: &[Option<i32>]) -> Batch {
    let mut b = ColumnBuilder::new(SqlType::INT4.physical(), values.len());
    values.iter().for_each(|v| b.push(v.map_or(DatumRef::Null, DatumRef::Int4)));
    Batch::new(vec![b.finish()], values.len())
}

fn x() -> Expr {
    Expr::Input { index: 0, ty: SqlType::INT4 }
}

fn int(v: i32) -> Expr {
    Expr::constant(v, SqlType::INT4)
}

fn op(name: &str, left: Expr, right: Expr) -> Expr {
    bind_operator(name, vec![left, right]).unwrap()
}

/// 100 / x > 5, which fails where x is 0.
fn fails_at_zero() -> Expr {
    op(">", op("/", int(100), x()), int(5))
}

fn texts(expr: &Expr, batch: &Batch) -> Result<Vec<String>> {
    with_context(|cx| {
        let array = evaluate(expr, batch, cx)?;
        let reader = ColumnReader::new(expr.ty().physical(), &array);
        let show = |d: Datum| match d {
            Datum::Null => "-".to_owned(),
            Datum::Bool(b) => if b { "t" } else { "f" }.to_owned(),
            Datum::Int4(v) => v.to_string(),
            other => format!("{other:?}"),
        };
        Ok((0..batch.rows).map(|i| show(reader.get(i).to_owned())).collect())
    })
}

/// Over the batch, and each row of it alone.
fn check(expr: &Expr, values: &[Option<i32>], expected: &str) {
    let batch = ints(values);
    assert_eq!(texts(expr, &batch).unwrap().concat(), expected, "{expr:?}");
    let rows: String = (0..batch.rows).map(|i| texts(expr, &batch.slice(i, 1)).unwrap().concat()).collect();
    assert_eq!(rows, expected, "row by row: {expr:?}");
}

const VALUES: [Option<i32>; 6] = [Some(0), Some(1), None, Some(50), Some(0), Some(3)];

#[test]
fn and_or_stop_before_what_would_fail() {
    let not_zero = op("<>", x(), int(0));
    check(&Expr::And(vec![not_zero.clone(), fails_at_zero()]), &VALUES, "ft-fft");
    let zero = op("=", x(), int(0));
    check(&Expr::Or(vec![zero, fails_at_zero()]), &VALUES, "tt-ftt");
    assert!(texts(&Expr::And(vec![fails_at_zero(), not_zero]), &ints(&VALUES)).is_err());
}

#[test]
fn three_valued_logic() {
    let null = Expr::null(SqlType::BOOL);
    let positive = op(">", x(), int(0));
    check(&Expr::And(vec![positive.clone(), null.clone()]), &VALUES, "f---f-");
    check(&Expr::Or(vec![positive.clone(), null.clone()]), &VALUES, "-t-t-t");
    check(&Expr::not(positive.clone()), &VALUES, "tf-ftf");
    let unknown = Expr::IsBool { arg: positive.clone().into(), test: BoolTest::NotTrue };
    check(&unknown, &VALUES, "tftftf");
    check(&Expr::is_null(x(), false), &VALUES, "fftfff");
}

#[test]
fn case_branches_see_only_their_rows() {
    let case = Expr::Case {
        operand: None,
        whens: vec![(op("=", x(), int(0)), int(-1)), (fails_at_zero(), op("/", int(100), x()))],
        otherwise: Some(x().into()),
        ty: SqlType::INT4,
    };
    check(&case, &VALUES, "-1100-50-133");
    let simple = Expr::Case {
        operand: Some(op("+", x(), int(1)).into()),
        whens: vec![
            (op("=", Expr::CaseValue { ty: SqlType::INT4 }, int(1)), int(7)),
            (op("=", Expr::CaseValue { ty: SqlType::INT4 }, int(4)), int(8)),
        ],
        otherwise: None,
        ty: SqlType::INT4,
    };
    check(&simple, &VALUES, "7---78");
}

#[test]
fn coalesce_nullif_greatest_distinct() {
    let eq = registry::eq_function(SqlType::INT4).unwrap();
    let lazy = Expr::Coalesce { args: vec![x(), op("/", int(1), int(1)), op("/", int(1), int(0))], ty: SqlType::INT4 };
    check(&lazy, &VALUES, "0115003");
    let null_if = Expr::NullIf { left: x().into(), right: int(0).into(), equal: eq, ty: SqlType::INT4 };
    check(&null_if, &VALUES, "-1-50-3");
    let greatest = Expr::MinMax { args: vec![x(), int(2)], greatest: true, ty: SqlType::INT4 };
    check(&greatest, &VALUES, "2225023");
    let distinct =
        Expr::IsDistinct { left: x().into(), right: Expr::null(SqlType::INT4).into(), equal: eq, negated: false };
    check(&distinct, &VALUES, "ttfttt");
}

#[test]
fn any_of_a_list_small_and_large() {
    let eq = registry::eq_function(SqlType::INT4).unwrap();
    let list = |items: Vec<Datum>| {
        let array = crate::types::ArrayValue::one_dimensional(SqlType::INT4.oid, items);
        Expr::Const { value: Datum::array(array), ty: SqlType::INT4_ARRAY }
    };
    for extra in [0, 30] {
        let mut items: Vec<Datum> = vec![Datum::Int4(1), Datum::Int4(3)];
        items.extend((100..100 + extra).map(Datum::Int4));
        let any = |items: Vec<Datum>, all: bool| Expr::AnyAll {
            func: eq,
            left: x().into(),
            array: list(items).into(),
            all,
            form: Form::Call,
        };
        check(&any(items.clone(), false), &VALUES, "ft-fft");
        items.push(Datum::Null);
        check(&any(items.clone(), false), &VALUES, "-t---t");
        check(&any(vec![], false), &VALUES, "ffffff");
        check(&any(vec![], true), &VALUES, "tttttt");
    }
}

#[test]
fn rows_compare_by_the_first_difference() {
    let lt = registry::less_operator(SqlType::INT4).unwrap().function();
    let eq = registry::eq_function(SqlType::INT4).unwrap();
    let rows = Expr::RowCompare {
        left: vec![x(), int(1)],
        right: vec![int(1), int(2)],
        less: vec![lt, lt],
        equal: vec![eq, eq],
        order: RowOrder::Lt,
    };
    check(&rows, &VALUES, "tt-ftf");
}

#[test]
fn filters_keep_true_rows() {
    with_context(|cx| {
        let condition = Expr::And(vec![op("<>", x(), int(0)), fails_at_zero()]);
        let batch = ints(&VALUES);
        let kept = filter(&condition, &batch, cx).unwrap().apply(batch.clone());
        assert_eq!(kept.rows, 2);
        let all = filter(&op(">=", x(), int(0)), &ints(&[Some(1), Some(2)]), cx).unwrap();
        assert!(matches!(all, Selection::All));
        assert!(matches!(filter(&op("<", x(), int(0)), &batch, cx).unwrap(), Selection::Nothing));
    });
}

#[test]
fn arrays_are_built_subscripted_and_assigned() {
    let array = Expr::Array { items: vec![x(), int(2), int(3)], ty: SqlType::INT4_ARRAY, nested: false };
    let at =
        |i: i32| Expr::Subscript { arg: array.clone().into(), indexes: vec![Index::At(int(i))], ty: SqlType::INT4 };
    check(&at(1), &VALUES, "01-5003");
    check(&at(4), &VALUES, "------");
    let slice = Expr::Subscript {
        arg: array.clone().into(),
        indexes: vec![Index::Slice { lower: Some(int(2)), upper: None }],
        ty: SqlType::INT4_ARRAY,
    };
    let first = Expr::Subscript { arg: slice.into(), indexes: vec![Index::At(int(2))], ty: SqlType::INT4 };
    check(&first, &VALUES, "333333");
    let assigned = Expr::SubscriptAssign {
        arg: array.into(),
        indexes: vec![Index::At(int(5))],
        value: x().into(),
        ty: SqlType::INT4_ARRAY,
    };
    let fifth = Expr::Subscript { arg: assigned.into(), indexes: vec![Index::At(int(5))], ty: SqlType::INT4 };
    check(&fifth, &VALUES, "01-5003");
}
