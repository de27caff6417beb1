//! Arithmetic against PostgreSQL's own answers: `cases.txt` has an operation, its arguments, and what PostgreSQL 15
//! answered (`!` and SQLSTATE and message for an error).

use super::{Numeric, NumericRef, NumericSum};
use crate::base::{Error, Result};

fn n(text: &str) -> Numeric {
    Numeric::parse(text).expect("a number in the case")
}

fn aggregate(numbers: &str, finish: impl Fn(&NumericSum) -> Result<Option<Numeric>>) -> Result<String> {
    let mut sum = NumericSum::new(true);
    numbers.split(' ').for_each(|t| sum.add(n(t).as_ref()));
    Ok(finish(&sum)?.map_or("NULL".into(), |n| n.to_string()))
}

fn float(v: f64) -> String {
    let mut out = Vec::new();
    crate::types::float::write_f64(&mut out, v, 1);
    String::from_utf8(out).expect("ASCII")
}

fn answer(op: &str, args: &[&str]) -> Result<String> {
    let binary = |f: fn(NumericRef<'_>, NumericRef<'_>) -> Result<Numeric>| {
        f(n(args[0]).as_ref(), n(args[1]).as_ref()).map(|v| v.to_string())
    };
    let unary = |f: fn(NumericRef<'_>) -> Result<Numeric>| f(n(args[0]).as_ref()).map(|v| v.to_string());
    let whole = |i: usize| args[i].parse::<i32>().expect("an integer in the case");
    match op {
        "add" => binary(|a, b| a.add(b)),
        "sub" => binary(|a, b| a.sub(b)),
        "mul" => binary(|a, b| a.mul(b)),
        "div" => binary(|a, b| a.div(b)),
        "rem" => binary(|a, b| a.rem(b)),
        "idiv" => binary(|a, b| a.div_trunc(b)),
        "gcd" => binary(|a, b| a.gcd(b)),
        "lcm" => binary(|a, b| a.lcm(b)),
        "log" => binary(|a, b| a.log(b)),
        "power" => binary(|a, b| a.power(b)),
        "sqrt" => unary(|a| a.sqrt()),
        "exp" => unary(|a| a.exp()),
        "ln" => unary(|a| a.ln()),
        "ceil" => unary(|a| a.ceil()),
        "floor" => unary(|a| a.floor()),
        "round" => unary(|a| a.round(0)),
        "trim" => unary(|a| Ok(a.trim_scale())),
        "roundn" => n(args[0]).as_ref().round(whole(1)).map(|v| v.to_string()),
        "truncn" => n(args[0]).as_ref().trunc(whole(1)).map(|v| v.to_string()),
        "fit" => n(args[0]).as_ref().fit(whole(1), whole(2)).map(|v| v.to_string()),
        "min_scale" => Ok(n(args[0]).as_ref().min_scale().map_or("NULL".into(), |s| s.to_string())),
        "int2" => n(args[0]).as_ref().to_i16().map(|v| v.to_string()),
        "int4" => n(args[0]).as_ref().to_i32().map(|v| v.to_string()),
        "int8" => n(args[0]).as_ref().to_i64().map(|v| v.to_string()),
        "float8" => n(args[0]).as_ref().to_f64().map(float),
        "float4" => n(args[0]).as_ref().to_f32().map(|v| {
            let mut out = Vec::new();
            crate::types::float::write_f32(&mut out, v, 1);
            String::from_utf8(out).expect("ASCII")
        }),
        "from8" => Ok(Numeric::from_f64(args[0].parse().expect("a float in the case")).to_string()),
        "from4" => Ok(Numeric::from_f32(args[0].parse::<f64>().expect("a float in the case") as f32).to_string()),
        "sum" => aggregate(args[0], NumericSum::sum),
        "avg" => aggregate(args[0], NumericSum::avg),
        "var_samp" => aggregate(args[0], |s| s.variance(true)),
        "var_pop" => aggregate(args[0], |s| s.variance(false)),
        "stddev_samp" => aggregate(args[0], |s| s.stddev(true)),
        "stddev_pop" => aggregate(args[0], |s| s.stddev(false)),
        other => panic!("no such operation: {other}"),
    }
}

fn shown(error: &Error) -> String {
    format!("!{} {}", error.code(), error.message())
}

#[test]
fn answers_are_postgresqls() {
    let mut wrong = Vec::new();
    for line in include_str!("cases.txt").lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let [op, args @ .., expected] = &fields[..] else { panic!("not a case: {line}") };
        let got = answer(op, args).unwrap_or_else(|e| shown(&e));
        if got != *expected {
            wrong.push(format!("{line}\n  got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
