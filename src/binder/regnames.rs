//! Names behind oids, in text: `'t'::regclass` and back. `types` writes and reads the numbers; this asks the catalog.

use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::deparse::Namer;
use crate::catalog::{Catalog, Relation};
use crate::expr::registry;
use crate::parser;
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

    fn find(&self, ty: Oid, text: &str) -> Result<Oid> {
        let invalid = || Error::new(SqlState::INVALID_NAME, "invalid name syntax");
        let parts = split_dotted(text).ok_or_else(invalid)?;
        let missing = |code, what: &str| Error::new(code, format!("{what} \"{text}\" does not exist"));
        match ty {
            oid::REGCLASS => {
                self.relation(&parts).map(|r| r.oid()).ok_or_else(|| missing(SqlState::UNDEFINED_TABLE, "relation"))
            }
            oid::REGTYPE => self.type_oid(text),
            oid::REGNAMESPACE => self
                .catalog
                .schema_named(&parts[0])
                .map(|s| s.oid)
                .ok_or_else(|| missing(SqlState::INVALID_SCHEMA_NAME, "schema")),
            oid::REGROLE => self
                .catalog
                .role_named(&parts[0])
                .map(|r| r.oid)
                .ok_or_else(|| missing(SqlState::UNDEFINED_OBJECT, "role")),
            oid::REGPROC => {
                let found = registry::functions_named(parts.last().map_or("", String::as_str));
                match found {
                    [one] => Ok(one.oid),
                    [] => Err(missing(SqlState::UNDEFINED_FUNCTION, "function")),
                    _ => Err(Error::new(
                        SqlState::AMBIGUOUS_FUNCTION,
                        format!("more than one function named \"{text}\""),
                    )),
                }
            }
            _ => Err(Error::unsupported(format!("input of type {}", crate::types::type_name(ty)))),
        }
    }

    fn relation(&self, parts: &[String]) -> Option<Relation> {
        match parts {
            [name] => self.catalog.find_relation(&self.path, name),
            [schema, name] if schema == "pg_temp" => self.catalog.relation(self.temp_schema?, name),
            [schema, name] => self.catalog.relation(self.catalog.schema_named(schema)?.oid, name),
            _ => None,
        }
    }

    fn type_oid(&self, text: &str) -> Result<Oid> {
        let name = parser::parse_type_name(text)?;
        let format = FormatContext::default();
        let env = super::Environment {
            catalog: &self.catalog,
            search_path: &self.path,
            temp_schema: self.temp_schema,
            format: &format,
        };
        Ok(super::resolve_type(&env, &name)?.oid)
    }
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
pub fn split_dotted(text: &str) -> Option<Vec<String>> {
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
