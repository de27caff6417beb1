//! "Perhaps you meant ...": the column nearest in spelling to one that does not exist (`errorMissingColumn`,
//! `searchRangeTableForCol`), and why a table cannot be named (`errorMissingRTE`).

use super::scope::Entry;
use super::state::Binder;
use crate::base::{Error, Oid, SqlState};
use std::sync::Arc;

/// PostgreSQL's `MAX_FUZZY_DISTANCE`.
const DISTANCE_MAX: usize = 3;

/// `FuzzyAttrMatchState`: names of the entry and, unless the match was exact but out of reach, of the column.
struct Matches {
    distance: usize,
    first: Option<(Arc<str>, Option<Arc<str>>)>,
    second: Option<(Arc<str>, Arc<str>)>,
}

impl Matches {
    /// `updateFuzzyAttrMatchState`.
    fn consider(&mut self, penalty: usize, entry: &Entry, actual: &Arc<str>, wanted: &str) {
        if penalty > self.distance {
            return;
        }
        let within = levenshtein(actual, wanted);
        if within > wanted.len() / 2 || within > self.distance + 1 - penalty {
            return;
        }
        let distance = within + penalty;
        if distance < self.distance {
            self.distance = distance;
            self.first = Some((entry.name.clone(), Some(actual.clone())));
            self.second = None;
        } else if distance == self.distance {
            if self.second.is_some() {
                self.first = None;
                self.second = None;
                self.distance = distance.saturating_sub(1);
            } else if self.first.is_some() {
                self.second = Some((entry.name.clone(), actual.clone()));
            } else if self.distance <= DISTANCE_MAX {
                self.first = Some((entry.name.clone(), Some(actual.clone())));
            }
        }
    }
}

impl Binder<'_> {
    /// 42703, with a hint where there is something to hint at.
    pub fn missing_column(&self, relation: Option<&str>, column: &str, pos: usize) -> Error {
        let message = match relation {
            Some(relation) => format!("column {relation}.{column} does not exist"),
            None => format!("column \"{column}\" does not exist"),
        };
        let error = Error::new(SqlState::UNDEFINED_COLUMN, message).at(pos);
        let found = self.nearest_columns(relation, column);
        match (found.first, found.second) {
            (Some((relation, Some(first))), Some((other, second))) => error.hint(format!(
                "Perhaps you meant to reference the column \"{relation}.{first}\" or the column \"{other}.{second}\"."
            )),
            (Some((relation, Some(first))), None) => {
                error.hint(format!("Perhaps you meant to reference the column \"{relation}.{first}\"."))
            }
            (Some((relation, None)), _) => error.hint(format!(
                "There is a column named \"{column}\" in table \"{relation}\", but it cannot be referenced from this part \
                 of the query."
            )),
            (None, _) => error,
        }
    }

    fn nearest_columns(&self, relation: Option<&str>, column: &str) -> Matches {
        let mut matches = Matches { distance: DISTANCE_MAX + 1, first: None, second: None };
        for level in self.visible_levels() {
            for entry in level.entries.iter().filter(|e| !e.join) {
                let penalty = relation.map_or(0, |r| levenshtein(r, &entry.name));
                for candidate in entry.columns.iter() {
                    if &*candidate.name == column && penalty == 0 {
                        return Matches { distance: 0, first: Some((entry.name.clone(), None)), second: None };
                    }
                    matches.consider(penalty, entry, &candidate.name, column);
                }
            }
        }
        matches
    }

    /// 42P01 for a table name that a column reference uses (`errorMissingRTE`).
    pub fn missing_relation(&mut self, schema: Option<&str>, name: &str, pos: usize) -> Error {
        match self.hidden_entry(schema, name) {
            Some(entry) => {
                let error = Error::new(
                    SqlState::UNDEFINED_TABLE,
                    format!("invalid reference to FROM-clause entry for table \"{name}\""),
                )
                .at(pos);
                let alias = entry.name.clone();
                let renamed = entry.aliased && *alias != *name && self.names_item(&alias);
                error.hint(if renamed {
                    format!("Perhaps you meant to reference the table alias \"{alias}\".")
                } else {
                    format!(
                        "There is an entry for table \"{alias}\", but it cannot be referenced from this part of the query."
                    )
                })
            }
            None => {
                Error::new(SqlState::UNDEFINED_TABLE, format!("missing FROM-clause entry for table \"{name}\"")).at(pos)
            }
        }
    }

    fn names_item(&self, name: &str) -> bool {
        self.visible_levels().any(|l| l.items.iter().any(|i| i.relation_visible && &*i.name == name))
    }

    /// `searchRangeTableForRel`: an entry of that alias, or one that stands for the table of that name.
    fn hidden_entry(&self, schema: Option<&str>, name: &str) -> Option<Entry> {
        let relation: Option<Oid> = self.relation_oid(schema, name);
        for level in self.visible_levels() {
            for entry in &level.entries {
                let same_relation = relation.is_some() && entry.relation == relation;
                if same_relation || &*entry.name == name {
                    return Some(entry.clone());
                }
            }
        }
        None
    }
}

/// Edits (insert, delete, replace a character) between two names.
fn levenshtein(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::levenshtein;

    #[test]
    fn edits() {
        assert_eq!(levenshtein("nmae", "name"), 2);
        assert_eq!(levenshtein("", "abc"), 3);
        assert_eq!(levenshtein("kitten", "sitting"), 3);
    }
}
