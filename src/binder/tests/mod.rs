//! Statements and what PostgreSQL says of them.
//!
//! Each statement of `golden.txt` is followed by `=>` and PostgreSQL 15's outcome, as Parse and Describe (and, for what its
//! planner refuses, EXPLAIN) give it over the schema in `schema.rs`: the parameters' types in parentheses, the
//! columns with a star on those that come from a table, or the error with its position. Where we answer differently on
//! purpose, a line `=!` says how.

mod plans;
mod schema;

use super::{Environment, Parameters, Query, bind};
use crate::base::{Error, Result};
use crate::catalog::{Catalog, PG_CATALOG, PUBLIC};
use crate::types::{FormatContext, SqlType, format_type};

/// Binds the one statement of a text.
fn bind_text(catalog: &Catalog, sql: &str) -> Result<Query> {
    let format = FormatContext::default();
    let path = [PG_CATALOG, PUBLIC];
    let env = Environment { catalog, search_path: &path, temp_schema: None, format: &format };
    let statements = crate::parser::parse(sql)?;
    assert_eq!(statements.len(), 1, "{sql}");
    bind(&env, &statements[0].stmt, Parameters::Infer(&[]))
}

fn type_name(catalog: &Catalog, ty: SqlType) -> String {
    match catalog.user_type(ty.oid) {
        Some(crate::catalog::UserType::Row(table)) => table.name.clone(),
        _ => format_type(ty),
    }
}

fn show_query(catalog: &Catalog, query: &Query) -> String {
    let params: Vec<String> = query.params.iter().map(|&t| type_name(catalog, t)).collect();
    let column = |c: &super::rel::OutputColumn| {
        let star = if c.origin.is_some() { "*" } else { "" };
        format!("{} {}{star}", c.name, type_name(catalog, c.ty))
    };
    let columns: Vec<String> = query.output.iter().map(column).collect();
    let params = if params.is_empty() { String::new() } else { format!("({}) ", params.join(", ")) };
    format!("{params}{}", columns.join(", ")).trim_end().to_owned()
}

fn show_error(error: &Error) -> String {
    let fields = error.fields();
    let position = fields.position.map_or(String::new(), |p| format!(" @{}", p + 1));
    let mut shown = format!("ERROR {}{position} {}", fields.code, fields.message);
    for (name, text) in [("DETAIL", &fields.detail), ("HINT", &fields.hint)] {
        if let Some(text) = text {
            shown.push_str(&format!(" | {name} {text}"));
        }
    }
    shown.replace('\n', "\\n")
}

#[test]
fn outcomes_are_postgresqls() {
    let catalog = schema::catalog();
    let mut wrong = Vec::new();
    let mut lines = include_str!("golden.txt").lines().peekable();
    while let Some(sql) = lines.next() {
        if sql.is_empty() || sql.starts_with("--") {
            continue;
        }
        let theirs = lines.next().and_then(|l| l.strip_prefix("=>")).expect("an outcome follows a statement").trim();
        let ours = lines.next_if(|l| l.starts_with("=!")).map(|l| l[2..].trim());
        let wanted = ours.unwrap_or(theirs);
        let found = match bind_text(&catalog, sql) {
            Ok(query) => show_query(&catalog, &query),
            Err(error) => show_error(&error),
        };
        if found != wanted {
            wrong.push(format!("{sql}\n=> {wanted}\n=! {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
