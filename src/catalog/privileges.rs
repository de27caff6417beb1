//! Who may do what: memberships, default privileges, access lists. (`utils/adt/acl.c`, `catalog/aclchk.c`.)

use super::object::{AclItem, Address, Role, class};
use super::snapshot::{Catalog, PG_CATALOG, Relation};
use crate::base::{Error, Oid, Result, SqlState};

/// `pg_database_owner`: whoever owns the database is a member.
const DATABASE_OWNER: Oid = Oid(6171);

/// A kind of object, with its own default privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grantable {
    Table,
    Column,
    Sequence,
    Schema,
    Database,
    Function,
    Type,
    Language,
}

impl Grantable {
    /// Everything that can be granted on it: what an owner has.
    pub fn all(self) -> u32 {
        match self {
            Grantable::Table => {
                AclItem::INSERT
                    | AclItem::SELECT
                    | AclItem::UPDATE
                    | AclItem::DELETE
                    | AclItem::TRUNCATE
                    | AclItem::REFERENCES
                    | AclItem::TRIGGER
            }
            Grantable::Column => AclItem::INSERT | AclItem::SELECT | AclItem::UPDATE | AclItem::REFERENCES,
            Grantable::Sequence => AclItem::USAGE | AclItem::SELECT | AclItem::UPDATE,
            Grantable::Schema => AclItem::USAGE | AclItem::CREATE,
            Grantable::Database => AclItem::CREATE | AclItem::TEMPORARY | AclItem::CONNECT,
            Grantable::Function => AclItem::EXECUTE,
            Grantable::Type | Grantable::Language => AclItem::USAGE,
        }
    }

    /// What everybody has unless it was revoked.
    fn public(self) -> u32 {
        match self {
            Grantable::Table | Grantable::Column | Grantable::Sequence | Grantable::Schema => 0,
            Grantable::Database => AclItem::TEMPORARY | AclItem::CONNECT,
            Grantable::Function => AclItem::EXECUTE,
            Grantable::Type | Grantable::Language => AclItem::USAGE,
        }
    }

    /// The access list that an object without one stands for: what the first GRANT or REVOKE starts from.
    pub fn default_acl(self, owner: Oid) -> Vec<AclItem> {
        let item = |grantee, privileges| AclItem { grantee, grantor: owner, privileges, grantable: 0 };
        let mut acl = Vec::new();
        if self.public() != 0 {
            acl.push(item(Oid::INVALID, self.public()));
        }
        if self != Grantable::Column {
            acl.push(item(owner, self.all()));
        }
        acl
    }
}

impl Catalog {
    pub fn is_superuser(&self, role: Oid) -> bool {
        self.role(role).is_some_and(|r| r.superuser)
    }

    /// Whether `role` is `of`, or a member of it by any number of steps. With `inherit` only steps through roles that
    /// inherit count: whose privileges `role` has, as against whom it may become.
    pub fn is_member(&self, role: Oid, of: Oid, inherit: bool) -> bool {
        let mut seen = vec![role];
        let mut at = 0;
        while at < seen.len() {
            let member = seen[at];
            at += 1;
            if member == of {
                return true;
            }
            let Some(r) = self.role(member) else { continue };
            if inherit && !r.inherit {
                continue;
            }
            let owns_database = self.database(self.database_oid()).is_some_and(|d| d.owner == member);
            let groups = r.member_of.iter().map(|m| m.role).chain(owns_database.then_some(DATABASE_OWNER));
            for group in groups {
                if !seen.contains(&group) {
                    seen.push(group);
                }
            }
        }
        false
    }

    /// Whether `role` has what only an owner may do.
    pub fn has_ownership(&self, role: Oid, owner: Oid) -> bool {
        self.is_superuser(role) || self.is_member(role, owner, true)
    }

    /// Which of `wanted` a role has on an object.
    pub fn privileges(&self, role: Oid, kind: Grantable, owner: Oid, acl: Option<&[AclItem]>, wanted: u32) -> u32 {
        if self.is_superuser(role) {
            return wanted;
        }
        let default;
        let acl = match acl {
            Some(acl) => acl,
            None => {
                default = kind.default_acl(owner);
                &default
            }
        };
        let applies = |grantee: Oid| grantee == Oid::INVALID || self.is_member(role, grantee, true);
        let granted = acl.iter().filter(|i| applies(i.grantee)).fold(0, |bits, i| bits | i.privileges);
        granted & wanted
    }

    /// Which of `wanted` a role has on a relation. System relations can be read by all.
    pub fn relation_privileges(&self, role: Oid, relation: &Relation, wanted: u32) -> u32 {
        match relation {
            Relation::Table(t) => self.privileges(role, Grantable::Table, t.owner, t.acl.as_deref(), wanted),
            Relation::Sequence(s) => self.privileges(role, Grantable::Sequence, s.owner, s.acl.as_deref(), wanted),
            Relation::Index(i) => self.privileges(role, Grantable::Table, i.owner, None, wanted),
            Relation::System(_) if self.is_superuser(role) => wanted,
            Relation::System(t) if matches!(t.name, "pg_authid" | "pg_shadow") => 0,
            Relation::System(_) => wanted & AclItem::SELECT,
        }
    }

    pub fn schema_privileges(&self, role: Oid, schema: Oid, wanted: u32) -> u32 {
        self.schema(schema).map_or(0, |s| self.privileges(role, Grantable::Schema, s.owner, s.acl.as_deref(), wanted))
    }

    /// 42501 for a relation.
    pub fn relation_denied(&self, relation: &Relation) -> Error {
        let noun = match relation {
            Relation::Table(t) if t.is_view() => "view",
            Relation::Sequence(_) => "sequence",
            other => other.noun(),
        };
        let message = format!("permission denied for {noun} {}", relation.name());
        Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
    }

    /// Whether a role can be dropped. Errors: 2BP01 with what belongs to it; 42501 never (that is the caller's).
    pub fn check_role_droppable(&self, role: &Role) -> Result<()> {
        if role.oid < Oid::FIRST_USER {
            let message = format!("cannot drop role {} because it is required by the database system", role.name);
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
        }
        let namer = super::deparse::Namer::new(self, &[PG_CATALOG, super::snapshot::PUBLIC]);
        let mut lines: Vec<String> = super::depend::owned_by(self, role.oid)
            .into_iter()
            .filter_map(|a| super::depend::describe(namer, a))
            .map(|what| format!("owner of {what}"))
            .collect();
        lines.extend(
            granted_to(self, role.oid)
                .into_iter()
                .filter_map(|a| super::depend::describe(namer, a))
                .map(|what| format!("privileges for {what}")),
        );
        if lines.is_empty() {
            return Ok(());
        }
        let message = format!("role \"{}\" cannot be dropped because some objects depend on it", role.name);
        Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message).detail(lines.join("\n")))
    }
}

/// Objects whose access lists name a role that does not own them.
fn granted_to(catalog: &Catalog, role: Oid) -> Vec<Address> {
    let names = |acl: &Option<Vec<AclItem>>| acl.iter().flatten().any(|i| i.grantee == role);
    let mut found = Vec::new();
    for d in catalog.databases().into_iter().filter(|d| d.owner != role && names(&d.acl)) {
        found.push(Address::new(class::DATABASE, d.oid));
    }
    for s in catalog.schemas().into_iter().filter(|s| s.owner != role && names(&s.acl)) {
        found.push(Address::new(class::NAMESPACE, s.oid));
    }
    for t in catalog.tables().into_iter().filter(|t| t.owner != role && names(&t.acl)) {
        found.push(t.address());
    }
    for s in catalog.sequences().into_iter().filter(|s| s.owner != role && names(&s.acl)) {
        found.push(s.address());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::change::Change;
    use super::super::object::{Database, Membership, Object};
    use super::super::sample;
    use super::super::snapshot::POSTGRES_ROLE;
    use super::*;

    fn role(oid: u32, name: &str, member_of: &[u32], inherit: bool) -> Object {
        let member_of =
            member_of.iter().map(|&r| Membership { role: Oid(r), grantor: POSTGRES_ROLE, admin: false }).collect();
        Object::from(Role {
            oid: Oid(oid),
            name: name.into(),
            superuser: false,
            inherit,
            create_role: false,
            create_db: false,
            login: true,
            replication: false,
            bypass_rls: false,
            connection_limit: -1,
            password: None,
            valid_until: None,
            member_of,
            settings: Vec::new(),
        })
    }

    fn catalog(objects: Vec<Object>) -> Catalog {
        let mut catalog = Catalog::empty(Oid(5));
        for object in objects {
            catalog.apply(&Change { database: Oid(5), key: object.key(), object: Some(object) });
        }
        catalog
    }

    #[test]
    fn privileges_come_from_owners_groups_and_public() {
        let mut table = sample::table(Oid(20000), "t", Vec::new());
        table.owner = Oid(30001);
        let grant = |grantee, privileges| AclItem { grantee, grantor: Oid(30001), privileges, grantable: 0 };
        table.acl = Some(vec![
            grant(Oid(30001), Grantable::Table.all()),
            grant(Oid(30002), AclItem::INSERT),
            grant(Oid::INVALID, AclItem::SELECT),
        ]);
        let c = catalog(vec![
            role(30001, "owner", &[], true),
            role(30002, "writers", &[], true),
            role(30003, "ann", &[30002], true),
            role(30004, "bob", &[30002], false),
            table.into(),
        ]);
        let relation = c.relation_by_oid(Oid(20000)).unwrap();
        let may = |role: u32, bit: u32| c.relation_privileges(Oid(role), &relation, bit) == bit;
        assert!(may(30001, AclItem::DELETE) && may(30003, AclItem::INSERT) && may(30003, AclItem::SELECT));
        assert!(!may(30004, AclItem::INSERT) && may(30004, AclItem::SELECT) && !may(30003, AclItem::DELETE));
        assert!(c.is_member(Oid(30004), Oid(30002), false));
        let e = c.check_role_droppable(c.role_named("owner").unwrap()).unwrap_err();
        assert_eq!(e.message(), "role \"owner\" cannot be dropped because some objects depend on it");
        assert!(c.check_role_droppable(c.role_named("ann").unwrap()).is_ok());
    }

    #[test]
    fn the_owner_of_the_database_is_a_member_of_its_role() {
        let database = Database {
            oid: Oid(5),
            name: "d".into(),
            owner: Oid(30001),
            acl: None,
            is_template: false,
            allow_connections: true,
            connection_limit: -1,
            settings: Vec::new(),
        };
        let c = catalog(vec![role(30001, "owner", &[], true), role(30002, "x", &[], true), database.into()]);
        assert!(c.is_member(Oid(30001), DATABASE_OWNER, true) && !c.is_member(Oid(30002), DATABASE_OWNER, true));
    }

    #[test]
    fn access_lists_read_as_postgresql_prints_them() {
        let item = AclItem {
            grantee: Oid(1),
            grantor: Oid(2),
            privileges: Grantable::Table.all(),
            grantable: AclItem::SELECT,
        };
        assert_eq!(item.text("joe", "postgres"), "joe=ar*wdDxt/postgres");
    }
}
