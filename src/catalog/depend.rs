//! What depends on what, and so what a DROP takes with it. (`catalog/dependency.c`.)
//!
//! Nothing is recorded beside the objects: the edges follow from what the objects say, so they cannot disagree. A
//! DROP walks them backwards from its targets. *Internal* and *auto* dependents go silently; *normal* ones are refused
//! under RESTRICT and announced under CASCADE. What is an internal part of something else (the index of a constraint) cannot
//! be dropped by itself.

use super::deparse::{Namer, type_schema_and_name};
use super::object::{Address, ConstraintKind, Index, Sequence, Table, TypeKind, class};
use super::snapshot::{Catalog, UserType};
use crate::base::{Error, Oid, Result, SqlState};
use crate::parser::quote_ident;
use ahash::{AHashMap, AHashSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DependencyKind {
    Normal,
    /// Goes with what it depends on.
    Auto,
    /// Is a part of what it depends on.
    Internal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dependency {
    pub dependent: Address,
    pub referenced: Address,
    pub kind: DependencyKind,
}

/// Gathers the edges.
struct Edges<'a> {
    catalog: &'a Catalog,
    out: Vec<Dependency>,
}

impl Edges<'_> {
    fn add(&mut self, dependent: Address, referenced: Address, kind: DependencyKind) {
        if referenced.oid >= Oid::FIRST_USER || referenced.class == class::NAMESPACE {
            self.out.push(Dependency { dependent, referenced, kind });
        }
    }

    fn schema(&mut self, dependent: Address, schema: Oid) {
        self.add(dependent, Address::new(class::NAMESPACE, schema), DependencyKind::Normal);
    }

    fn ty(&mut self, dependent: Address, ty: Oid) {
        let ty = match self.catalog.user_type(ty) {
            Some(UserType::ArrayOf(element)) => *element,
            Some(_) => ty,
            None => return,
        };
        self.add(dependent, Address::new(class::TYPE, ty), DependencyKind::Normal);
    }

    fn table(&mut self, t: &Table) {
        let own = t.address();
        self.schema(own, t.schema);
        self.add(Address::new(class::TYPE, t.row_type), own, DependencyKind::Internal);
        for c in t.live_columns() {
            let column = Address::column(t.oid, c.attnum);
            self.ty(column, c.type_oid);
            let Some(default) = &c.default else { continue };
            let attrdef = Address::new(class::ATTRDEF, default.oid);
            let kind = if c.generated.is_some() { DependencyKind::Internal } else { DependencyKind::Auto };
            self.add(attrdef, column, kind);
            for &on in &default.depends {
                match c.generated.is_some() && on.whole() == own {
                    // A generated column goes with the columns that it is computed from.
                    true if on != column => self.add(column, on, DependencyKind::Auto),
                    true => {}
                    false => self.add(attrdef, on, DependencyKind::Normal),
                }
            }
        }
        for c in &t.constraints {
            self.constraint(t, c.oid, &c.kind);
        }
        for &on in t.view.iter().flat_map(|v| &v.depends) {
            if on.whole() != own {
                self.add(own, on, DependencyKind::Normal);
            }
        }
    }

    fn constraint(&mut self, t: &Table, oid: Oid, kind: &ConstraintKind) {
        let own = Address::new(class::CONSTRAINT, oid);
        for &n in kind.columns() {
            self.add(own, Address::column(t.oid, n), DependencyKind::Auto);
        }
        if kind.columns().is_empty() {
            self.add(own, t.address(), DependencyKind::Auto);
        }
        if let ConstraintKind::ForeignKey { parent, parent_columns, parent_index, .. } = kind {
            for &n in parent_columns {
                self.add(own, Address::column(*parent, n), DependencyKind::Normal);
            }
            self.add(own, Address::relation(*parent_index), DependencyKind::Normal);
        }
    }

    fn index(&mut self, i: &Index) {
        if let Some(constraint) = i.constraint {
            self.add(i.address(), Address::new(class::CONSTRAINT, constraint), DependencyKind::Internal);
            return;
        }
        let columns = i.columns();
        for &n in &columns {
            self.add(i.address(), Address::column(i.table, n), DependencyKind::Auto);
        }
        if columns.is_empty() {
            self.add(i.address(), Address::relation(i.table), DependencyKind::Auto);
        }
    }

    fn sequence(&mut self, s: &Sequence) {
        self.schema(s.address(), s.schema);
        if let Some(owner) = s.owned_by {
            let kind = if owner.identity { DependencyKind::Internal } else { DependencyKind::Auto };
            self.add(s.address(), Address::column(owner.table, owner.attnum), kind);
        }
    }
}

/// Every edge of a database, for walking.
fn edges(catalog: &Catalog) -> Vec<Dependency> {
    let mut edges = Edges { catalog, out: Vec::new() };
    for t in catalog.tables() {
        edges.table(t);
    }
    for i in catalog.indexes() {
        edges.index(i);
    }
    for s in catalog.sequences() {
        edges.sequence(s);
    }
    for (_, what) in catalog.user_types() {
        let UserType::Object(t) = what else { continue };
        edges.schema(t.address(), t.schema);
        if let TypeKind::Domain { base, .. } = &t.kind {
            edges.ty(t.address(), *base);
        }
    }
    edges.out
}

/// The edges as `pg_depend` lists them: a view's query is a rule that belongs to the view.
pub fn recorded(catalog: &Catalog) -> Vec<Dependency> {
    let mut out = edges(catalog);
    let mut rules: AHashMap<Address, Address> = AHashMap::new();
    for t in catalog.tables() {
        if let Some(view) = &t.view {
            let rule = Address::new(class::REWRITE, view.rule);
            rules.insert(t.address(), rule);
            out.push(Dependency { dependent: rule, referenced: t.address(), kind: DependencyKind::Internal });
        }
    }
    for d in &mut out {
        if d.referenced.class != class::NAMESPACE
            && d.kind == DependencyKind::Normal
            && let Some(rule) = rules.get(&d.dependent)
        {
            d.dependent = *rule;
        }
    }
    out.sort_unstable();
    out
}

/// What dropping some objects comes to.
#[derive(Clone, Debug, Default)]
pub struct DropPlan {
    /// Everything that goes, dependents before what they depend on.
    pub removals: Vec<Address>,
    /// `drop cascades to view v`, with the list in the detail if there are several. At level NOTICE.
    pub notice: Option<Error>,
}

const DEPTH_MAX: usize = 1000;

struct Walk<'a> {
    catalog: &'a Catalog,
    namer: Namer<'a>,
    /// By the whole object depended on.
    dependents: AHashMap<Address, Vec<Dependency>>,
    /// What each object is an internal part of.
    part_of: AHashMap<Address, Address>,
    targets: Vec<Address>,
    seen: AHashSet<Address>,
    order: Vec<Address>,
    /// Objects that RESTRICT refuses to drop, with what they depend on.
    announced: Vec<(Address, Address)>,
    /// Reached by a path on which they go without a word.
    silent: AHashSet<Address>,
}

impl Walk<'_> {
    fn covers(&self, target: Address, address: Address) -> bool {
        target == address || (target.sub == 0 && target == address.whole())
    }

    fn visit(&mut self, at: Address, depth: usize) -> Result<()> {
        if depth > DEPTH_MAX {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        if !self.seen.insert(at) {
            return Ok(());
        }
        let mut found: Vec<Dependency> = self.dependents.get(&at.whole()).cloned().unwrap_or_default();
        found.retain(|d| self.covers(at, d.referenced) && !self.covers(at, d.dependent));
        // PostgreSQL walks from the newest to the oldest, and reports what it met backwards.
        found.sort_unstable_by_key(|d| (std::cmp::Reverse(d.dependent.oid), d.dependent.class, d.dependent.sub));
        for d in found {
            // A part cannot go without the whole: the whole is what depends.
            let whole = match self.part_of.get(&d.dependent) {
                Some(&owner) if d.kind != DependencyKind::Internal && !self.covers(at, owner) => owner,
                _ => d.dependent,
            };
            if self.targets.iter().any(|&t| self.covers(t, whole)) {
                continue;
            }
            if d.kind != DependencyKind::Normal {
                self.silent.insert(whole);
            }
            let is_new = !self.seen.contains(&whole);
            self.visit(whole, depth + 1)?;
            if d.kind == DependencyKind::Normal && is_new {
                self.announced.push((whole, at));
            }
        }
        self.order.push(at);
        Ok(())
    }
}

/// Works out a DROP. Targets are relations, columns, constraints, defaults, types or schemas.
///
/// Errors: 2BP01 when something depends on a target and `cascade` is not given, or when a target is a part of something
/// else.
pub fn plan_drop(catalog: &Catalog, path: &[Oid], targets: &[Address], cascade: bool) -> Result<DropPlan> {
    let mut dependents: AHashMap<Address, Vec<Dependency>> = AHashMap::new();
    let mut part_of = AHashMap::new();
    for d in edges(catalog) {
        dependents.entry(d.referenced.whole()).or_default().push(d);
        if d.kind == DependencyKind::Internal {
            part_of.insert(d.dependent, d.referenced);
        }
    }
    let mut walk = Walk {
        catalog,
        namer: Namer::new(catalog, path),
        dependents,
        part_of,
        targets: targets.to_vec(),
        seen: AHashSet::new(),
        order: Vec::new(),
        announced: Vec::new(),
        silent: AHashSet::new(),
    };
    for &target in targets {
        if let Some(&owner) = walk.part_of.get(&target)
            && !targets.iter().any(|&t| walk.covers(t, owner))
        {
            return Err(is_a_part(&walk, target, owner));
        }
    }
    for &target in targets {
        walk.visit(target, 0)?;
    }
    let silent = std::mem::take(&mut walk.silent);
    walk.announced.retain(|(a, _)| !silent.contains(a));
    walk.announced.reverse();
    let lines =
        |of: &dyn Fn(&(Address, Address)) -> String| walk.announced.iter().map(of).collect::<Vec<_>>().join("\n");
    let describe = |a: Address| walk.describe(a);
    if walk.announced.is_empty() {
        return Ok(DropPlan { removals: walk.order, notice: None });
    }
    if !cascade {
        let message = match targets {
            [one] => format!("cannot drop {} because other objects depend on it", describe(*one)),
            _ => "cannot drop desired object(s) because other objects depend on them".into(),
        };
        return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
            .detail(lines(&|(a, on)| format!("{} depends on {}", describe(*a), describe(*on))))
            .hint("Use DROP ... CASCADE to drop the dependent objects too."));
    }
    let notice = match walk.announced.as_slice() {
        [(one, _)] => Error::new(SqlState::SUCCESSFUL_COMPLETION, format!("drop cascades to {}", describe(*one))),
        many => Error::new(SqlState::SUCCESSFUL_COMPLETION, format!("drop cascades to {} other objects", many.len()))
            .detail(lines(&|(a, _)| format!("drop cascades to {}", describe(*a)))),
    };
    Ok(DropPlan { removals: walk.order, notice: Some(notice) })
}

fn is_a_part(walk: &Walk<'_>, target: Address, owner: Address) -> Error {
    let (part, whole) = (walk.describe(target), walk.describe(owner));
    Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, format!("cannot drop {part} because {whole} requires it"))
        .hint(format!("You can drop {whole} instead."))
}

impl Walk<'_> {
    fn describe(&self, address: Address) -> String {
        describe(self.namer, address).unwrap_or_else(|| {
            debug_assert!(self.catalog.relation_by_oid(address.oid).is_none());
            format!("object {}", address.oid)
        })
    }
}

/// An object as messages call it: `table t`, `column a of table t`, `constraint c on table t`. (`getObjectDescription`.)
pub fn describe(namer: Namer<'_>, address: Address) -> Option<String> {
    let catalog = namer.catalog;
    let relation = |oid: Oid| -> Option<String> {
        let relation = catalog.relation_by_oid(oid)?;
        Some(format!("{} {}", relation.noun(), namer.relation(oid)?))
    };
    match address.class {
        class::CLASS if address.sub == 0 => relation(address.oid),
        class::CLASS => {
            let table = catalog.table(address.oid)?;
            let column = table.column(address.sub)?;
            Some(format!("column {} of {}", quote_ident(&column.name), relation(address.oid)?))
        }
        class::NAMESPACE => catalog.schema(address.oid).map(|s| format!("schema {}", quote_ident(&s.name))),
        class::CONSTRAINT => {
            let (table, constraint) = find_constraint(catalog, address.oid)?;
            Some(format!("constraint {} on {}", quote_ident(&constraint.name), relation(table.oid)?))
        }
        class::ATTRDEF => {
            let (table, attnum) = find_default(catalog, address.oid)?;
            Some(format!("default value for {}", describe(namer, Address::column(table, attnum))?))
        }
        class::TYPE => {
            type_schema_and_name(catalog, address.oid)?;
            Some(format!("type {}", namer.type_name(crate::types::SqlType::of(address.oid))))
        }
        class::AUTHID => catalog.role(address.oid).map(|r| format!("role {}", quote_ident(&r.name))),
        class::DATABASE => catalog.database(address.oid).map(|d| format!("database {}", quote_ident(&d.name))),
        _ => None,
    }
}

/// The table that has a constraint.
pub fn find_constraint(catalog: &Catalog, oid: Oid) -> Option<(&Table, &super::object::Constraint)> {
    catalog.tables().into_iter().find_map(|t| t.constraint(oid).map(|c| (&**t, c)))
}

/// The table and column that have a default.
pub fn find_default(catalog: &Catalog, oid: Oid) -> Option<(Oid, i16)> {
    let has = |c: &&super::object::Column| c.default.as_ref().is_some_and(|d| d.oid == oid);
    catalog.tables().into_iter().find_map(|t| t.columns.iter().find(has).map(|c| (t.oid, c.attnum)))
}

/// Objects that belong to a role, which keeps it from being dropped: `owner of table t`.
pub fn owned_by(catalog: &Catalog, role: Oid) -> Vec<Address> {
    let mut owned = Vec::new();
    for d in catalog.databases().into_iter().filter(|d| d.owner == role) {
        owned.push(Address::new(class::DATABASE, d.oid));
    }
    for s in catalog.schemas().into_iter().filter(|s| s.owner == role) {
        owned.push(Address::new(class::NAMESPACE, s.oid));
    }
    owned.extend(catalog.tables().into_iter().filter(|t| t.owner == role).map(|t| t.address()));
    owned.extend(catalog.sequences().into_iter().filter(|s| s.owner == role).map(|s| s.address()));
    for (_, what) in catalog.user_types() {
        if let UserType::Object(t) = what
            && t.owner == role
        {
            owned.push(t.address());
        }
    }
    owned
}

#[cfg(test)]
mod tests {
    use super::super::change::Change;
    use super::super::snapshot::PUBLIC;
    use super::super::{bootstrap, sample};
    use super::*;
    use crate::catalog::Object;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::empty(Oid(5));
        let schemas = bootstrap::schemas().into_iter().map(Object::from);
        for object in schemas.chain(sample::objects()) {
            catalog.apply(&Change { database: Oid(5), key: object.key(), object: Some(object) });
        }
        catalog
    }

    #[test]
    fn restrict_names_what_depends_and_cascade_takes_it() {
        let catalog = catalog();
        let target = [Address::relation(sample::P)];
        let e = plan_drop(&catalog, &[PUBLIC], &target, false).unwrap_err();
        assert_eq!(e.code(), SqlState::DEPENDENT_OBJECTS_STILL_EXIST);
        assert_eq!(e.message(), "cannot drop table p because other objects depend on it");
        let detail = "constraint c_pid_fkey on table c depends on table p\nview v depends on table p";
        assert_eq!(e.fields().detail.as_deref(), Some(detail));
        let plan = plan_drop(&catalog, &[PUBLIC], &target, true).unwrap();
        let notice = plan.notice.unwrap();
        assert_eq!(notice.message(), "drop cascades to 2 other objects");
        let last = plan.removals.last();
        assert_eq!(last, Some(&target[0]));
        assert!(plan.removals.contains(&Address::relation(sample::P_PKEY)));
        assert!(!plan.removals.contains(&Address::relation(sample::C)));
    }

    #[test]
    fn a_sequence_goes_with_its_column_but_not_before_its_default() {
        let catalog = catalog();
        let plan = plan_drop(&catalog, &[PUBLIC], &[Address::relation(sample::C)], false).unwrap();
        assert!(plan.removals.contains(&Address::relation(sample::C_ID_SEQ)) && plan.notice.is_none());
        let e = plan_drop(&catalog, &[PUBLIC], &[Address::relation(sample::C_ID_SEQ)], false).unwrap_err();
        assert_eq!(
            e.fields().detail.as_deref(),
            Some("default value for column id of table c depends on sequence c_id_seq")
        );
    }

    #[test]
    fn a_part_is_not_dropped_by_itself() {
        let e = plan_drop(&catalog(), &[PUBLIC], &[Address::relation(sample::P_PKEY)], false).unwrap_err();
        assert_eq!(e.message(), "cannot drop index p_pkey because constraint p_pkey on table p requires it");
        assert_eq!(e.fields().hint.as_deref(), Some("You can drop constraint p_pkey on table p instead."));
    }

    #[test]
    fn columns_are_depended_on_one_by_one() {
        let catalog = catalog();
        let e = plan_drop(&catalog, &[PUBLIC], &[Address::column(sample::P, 1)], false).unwrap_err();
        assert_eq!(e.message(), "cannot drop column id of table p because other objects depend on it");
        assert!(plan_drop(&catalog, &[PUBLIC], &[Address::column(sample::P, 2)], false).is_ok());
        assert!(recorded(&catalog).len() > 10);
    }
}
