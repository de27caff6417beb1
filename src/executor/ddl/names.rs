//! Names that PostgreSQL makes up (`ChooseRelationName`, `makeObjectName`, `src/backend/commands/indexcmds.c`).

use crate::base::Oid;
use crate::catalog::{Catalog, Table};

/// Bytes of a name.
const NAME_BYTES: usize = 63;

/// `name1_name2_label`, with the longer of the two names cut until all fits.
pub fn object_name(name1: &str, name2: Option<&str>, label: &str) -> String {
    let overhead = label.len() + 1 + name2.map_or(0, |_| 1);
    let room = NAME_BYTES.saturating_sub(overhead);
    let (mut n1, mut n2) = (name1.len(), name2.map_or(0, str::len));
    while n1 + n2 > room {
        if n1 > n2 { n1 -= 1 } else { n2 -= 1 }
    }
    let mut out = cut(name1, n1).to_owned();
    if let Some(name2) = name2 {
        out.push('_');
        out.push_str(cut(name2, n2));
    }
    out.push('_');
    out.push_str(label);
    out
}

/// At most `n` bytes, whole characters.
fn cut(name: &str, n: usize) -> &str {
    let end = (0..=n.min(name.len())).rev().find(|i| name.is_char_boundary(*i)).unwrap_or(0);
    &name[..end]
}

/// The first of `name`, `name1`, `name2`, ... that nobody uses.
fn free(name1: &str, name2: Option<&str>, label: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut pass = 0;
    loop {
        let label = if pass == 0 { label.to_owned() } else { format!("{label}{pass}") };
        let name = object_name(name1, name2, &label);
        if !taken(&name) {
            return name;
        }
        pass += 1;
    }
}

/// A name for an index or sequence.
pub fn relation_name(catalog: &Catalog, schema: Oid, name1: &str, name2: Option<&str>, label: &str) -> String {
    free(name1, name2, label, |n| catalog.relation(schema, n).is_some())
}

/// A name for a constraint of `table`, free among those of the table and of the ones being made with it.
pub fn constraint_name(table: &Table, name2: Option<&str>, label: &str, others: &[String]) -> String {
    free(&table.name, name2, label, |n| table.constraint_named(n).is_some() || others.iter().any(|o| o == n))
}

/// The columns' part of an index name: `a_b`, expressions as `expr`, `expr1` (`ChooseIndexColumnNames`).
pub fn columns_part(columns: &[String]) -> String {
    let mut out = String::new();
    for c in columns {
        if !out.is_empty() {
            out.push('_');
        }
        out.push_str(c);
        if out.len() >= NAME_BYTES {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::object_name;

    #[test]
    fn long_names_are_cut_evenly() {
        assert_eq!(object_name("t", Some("a"), "key"), "t_a_key");
        assert_eq!(object_name("t", None, "pkey"), "t_pkey");
        let long = "x".repeat(60);
        let name = object_name(&long, Some(&long), "idx");
        assert_eq!(name.len(), 63);
        assert!(name.ends_with("_idx"));
        assert_eq!(object_name(&"é".repeat(40), None, "pkey").len(), 62 - 1 + 2);
    }
}
