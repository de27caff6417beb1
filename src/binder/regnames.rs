//! Names behind oids, in text: `'t'::regclass` and back. `types` writes and reads the numbers; this asks the catalog.

use super::relation::{find_relation, is_this_database, no_schema, schema_oid};
use super::state::Environment;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::deparse::Namer;
use crate::catalog::{Catalog, INFORMATION_SCHEMA, PG_CATALOG, Relation};
use crate::expr::registry;
use crate::parser::{self, ast};
use crate::types::{Datum, DatumRef, FormatContext, Names, SqlType, oid};
use std::sync::Arc;

/// The names of one version of the catalog along one search path.
pub struct CatalogNames {
    pub catalog: Arc<Catalog>,
    pub path: Arc<[Oid]>,
    /// What `pg_temp` means.
    pub temp_schema: Option<Oid>,
}

impl CatalogNames {
    fn namer(&self) -> Namer<'_> {
        Namer::new(&self.catalog, &self.path)
    }

    fn text(&self, ty: Oid, value: Oid) -> Option<String> {
        if value == Oid::INVALID {
            return Some("-".into());
        }
        match ty {
            oid::REGCLASS => self.namer().relation(value),
            // `bpchar` is what is not limited; as a type alone it is `character`, whose limit is not said.
            oid::REGTYPE => Some(match self.namer().type_name(SqlType::of(value)) {
                name if value == oid::BPCHAR || value == oid::BPCHAR_ARRAY => name.replacen("bpchar", "character", 1),
                name => name,
            }),
            oid::REGPROC => registry::function(value).map(|f| parser::keywords::quote_ident(f.name).into_owned()),
            oid::REGPROCEDURE => registry::function(value).map(|f| {
                let args: Vec<String> = f.args.iter().map(|a| self.namer().type_name(SqlType::of(*a))).collect();
                format!("{}({})", parser::keywords::quote_ident(f.name), args.join(","))
            }),
            oid::REGOPER => registry::operator(value).map(|o| o.name.to_owned()),
            oid::REGOPERATOR => registry::operator(value).map(|o| {
                let side = |t: Oid| match t {
                    Oid::INVALID => "NONE".to_owned(),
                    t => self.namer().type_name(SqlType::of(t)),
                };
                format!("{}({},{})", o.name, side(o.left), side(o.right))
            }),
            oid::REGNAMESPACE => {
                self.catalog.schema(value).map(|s| parser::keywords::quote_ident(&s.name).into_owned())
            }
            oid::REGROLE => self.catalog.role(value).map(|r| parser::keywords::quote_ident(&r.name).into_owned()),
            _ => None,
        }
    }

    /// What a text names as a value of the type. Errors have no position: the text is not the statement's.
    fn find(&self, ty: Oid, text: &str) -> Result<Oid> {
        match ty {
            oid::REGCLASS => self.relation(text).map(|r| r.oid()),
            oid::REGTYPE => self.type_oid(text),
            oid::REGNAMESPACE => {
                let name = single_name(text)?;
                self.catalog.schema_named(&name).map(|s| s.oid).ok_or_else(|| no_schema(&name))
            }
            oid::REGROLE => {
                let name = single_name(text)?;
                let none = || Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist"));
                self.catalog.role_named(&name).map(|r| r.oid).ok_or_else(none)
            }
            oid::REGPROC => self.function(text),
            _ => Err(Error::unsupported(format!("input of type {}", crate::types::type_name(ty)))),
        }
    }

    /// [`find`](Self::find) for `to_regclass` and its like: None for what does not exist or is not the only one.
    pub fn find_if_any(&self, ty: Oid, text: &str) -> Result<Option<Oid>> {
        match self.find(ty, text) {
            Err(e) => match e.code() {
                SqlState::UNDEFINED_TABLE
                | SqlState::UNDEFINED_OBJECT
                | SqlState::UNDEFINED_FUNCTION
                | SqlState::AMBIGUOUS_FUNCTION
                | SqlState::INVALID_SCHEMA_NAME => Ok(None),
                _ => Err(e),
            },
            found => found.map(Some),
        }
    }

    fn with_env<T>(&self, work: impl FnOnce(&Environment<'_>) -> T) -> T {
        let format = FormatContext::default();
        work(&Environment {
            catalog: &self.catalog,
            search_path: &self.path,
            temp_schema: self.temp_schema,
            format: &format,
        })
    }

    /// The relation that a text names (`textToQualifiedNameList`, `makeRangeVarFromNameList`).
    pub fn relation(&self, text: &str) -> Result<Relation> {
        let mut parts = name_parts(text)?;
        if parts.len() > 3 {
            return Err(too_many_names("relation", &parts));
        }
        let name = parts.pop().expect("a name has a part");
        let schema = parts.pop();
        let name = ast::RelationName { catalog: parts.pop(), schema, name, pos: 0 };
        self.with_env(|env| find_relation(env, &name))
    }

    /// `regprocin`.
    fn function(&self, text: &str) -> Result<Oid> {
        let parts = name_parts(text)?;
        let (name, place) = parts.split_last().expect("a name has a part");
        let schema = match place {
            [] => PG_CATALOG,
            [schema] => self.schema(schema)?,
            [database, schema] if self.with_env(|env| is_this_database(env, database)) => self.schema(schema)?,
            [_, _] => {
                let message = format!("cross-database references are not implemented: {}", parts.join("."));
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            _ => return Err(too_many_names("qualified", &parts)),
        };
        let found = match schema {
            PG_CATALOG => registry::functions_named(name),
            INFORMATION_SCHEMA => registry::information_schema_functions_named(name),
            _ => &[],
        };
        match found {
            [one] => Ok(one.oid),
            [] => Err(Error::new(SqlState::UNDEFINED_FUNCTION, format!("function \"{text}\" does not exist"))),
            _ => Err(Error::new(SqlState::AMBIGUOUS_FUNCTION, format!("more than one function named \"{text}\""))),
        }
    }

    fn schema(&self, name: &str) -> Result<Oid> {
        self.with_env(|env| schema_oid(env, name)).ok_or_else(|| no_schema(name))
    }

    fn type_oid(&self, text: &str) -> Result<Oid> {
        let name =
            parser::parse_type_name(text).map_err(|e| e.nowhere().context(format!("invalid type name \"{text}\"")))?;
        self.with_env(|env| super::resolve_type(env, &name)).map(|ty| ty.oid).map_err(Error::nowhere)
    }
}

fn name_parts(text: &str) -> Result<Vec<String>> {
    split_dotted(text).ok_or_else(|| Error::new(SqlState::INVALID_NAME, "invalid name syntax"))
}

fn single_name(text: &str) -> Result<String> {
    match <[String; 1]>::try_from(name_parts(text)?) {
        Ok([name]) => Ok(name),
        Err(_) => Err(Error::new(SqlState::INVALID_NAME, "invalid name syntax")),
    }
}

fn too_many_names(kind: &str, parts: &[String]) -> Error {
    let message = format!("improper {kind} name (too many dotted names): {}", parts.join("."));
    Error::new(SqlState::SYNTAX_ERROR, message)
}

impl Names for CatalogNames {
    fn write(&self, out: &mut Vec<u8>, ty: SqlType, value: DatumRef<'_>, _context: &FormatContext) -> bool {
        let DatumRef::Oid(n) = value else { return false };
        match self.text(ty.oid, Oid(n)) {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                true
            }
            None => false,
        }
    }

    fn parse(&self, ty: SqlType, text: &str, _context: &FormatContext) -> Result<Option<Datum>> {
        let is_reg = matches!(
            ty.oid,
            oid::REGCLASS
                | oid::REGTYPE
                | oid::REGPROC
                | oid::REGPROCEDURE
                | oid::REGOPER
                | oid::REGOPERATOR
                | oid::REGNAMESPACE
                | oid::REGROLE
        );
        if !is_reg || text == "-" || text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(None);
        }
        self.find(ty.oid, text).map(|found| Some(Datum::Oid(found.0)))
    }
}

/// The parts of a dotted name; None when it is not one (`stringToQualifiedNameList`).
fn split_dotted(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let mut name = String::new();
                let mut chars = quoted.char_indices().peekable();
                let end = loop {
                    match chars.next()? {
                        (_, '"') if chars.next_if(|c| c.1 == '"').is_some() => name.push('"'),
                        (i, '"') => break i + 1,
                        (_, c) => name.push(c),
                    }
                };
                (name, &quoted[end..])
            }
            None => {
                let end = rest.find(['.', '"']).unwrap_or(rest.len());
                (rest[..end].trim().to_lowercase(), &rest[end..])
            }
        };
        if part.is_empty() {
            return None;
        }
        parts.push(part);
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(parts);
        }
        rest = rest.strip_prefix('.')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::split_dotted;

    #[test]
    fn dotted_names_come_apart() {
        assert_eq!(split_dotted(r#"Public."My ""T""""#).unwrap(), ["public", "My \"T\""]);
        assert_eq!(split_dotted("a . b").unwrap(), ["a", "b"]);
        for wrong in ["", "a.", ".a", "a..b", "\"a"] {
            assert_eq!(split_dotted(wrong), None, "{wrong}");
        }
    }
}
