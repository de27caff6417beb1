//! A few objects that hang together, for tests: table `p`, table `c` with a foreign key to it, a view, a sequence.

use super::object::*;
use super::snapshot::{POSTGRES_ROLE, PUBLIC};
use crate::base::{Oid, TreeId};
use crate::types::oid;

pub const P: Oid = Oid(16384);
pub const C: Oid = Oid(16394);
pub const V: Oid = Oid(16404);
pub const C_ID_SEQ: Oid = Oid(16410);
pub const P_PKEY: Oid = Oid(16387);

pub fn table(oid: Oid, name: &str, columns: Vec<Column>) -> Table {
    Table {
        oid,
        schema: PUBLIC,
        name: name.into(),
        kind: TableKind::Table,
        persistence: Persistence::Permanent,
        owner: POSTGRES_ROLE,
        acl: None,
        row_type: Oid(oid.0 + 1),
        array_type: Oid(oid.0 + 2),
        tree: TreeId(oid.0),
        row_key: RowKey::RowId,
        columns,
        constraints: Vec::new(),
        view: None,
        options: Vec::new(),
        on_commit_delete: false,
        on_commit_drop: false,
        row_security: false,
        force_row_security: false,
        replica_identity: 0,
    }
}

pub fn constraint(oid: Oid, name: &str, kind: ConstraintKind) -> Constraint {
    Constraint {
        oid,
        name: name.into(),
        kind,
        deferrable: false,
        initially_deferred: false,
        validated: true,
        no_inherit: false,
    }
}

pub fn index(oid: Oid, on: Oid, name: &str, attnums: &[(i16, Oid)]) -> Index {
    let key = |&(n, type_oid): &(i16, Oid)| IndexKey {
        part: KeyPart::Column(n),
        type_oid,
        typmod: -1,
        collation: Oid::INVALID,
        opclass: Oid::INVALID,
        descending: false,
        nulls_first: false,
    };
    Index {
        oid,
        table: on,
        schema: PUBLIC,
        name: name.into(),
        owner: POSTGRES_ROLE,
        tree: TreeId(oid.0),
        clustered: false,
        method: "btree".into(),
        keys: attnums.iter().map(key).collect(),
        include: Vec::new(),
        unique: false,
        nulls_not_distinct: false,
        primary: false,
        immediate: true,
        predicate: None,
        predicate_display: None,
        mentions: Vec::new(),
        valid: true,
        constraint: None,
        options: Vec::new(),
    }
}

/// `p(id int primary key, code text)`, `c(id serial, pid int references p)`, `v` over `p`.
pub fn objects() -> Vec<Object> {
    let mut id = Column::new(1, "id", oid::INT4, -1);
    id.not_null = true;
    let mut p = table(P, "p", vec![id.clone(), Column::new(2, "code", oid::TEXT, -1)]);
    p.row_key = RowKey::Columns { index: P_PKEY, attnums: vec![1] };
    p.constraints = vec![
        constraint(Oid(16388), "p_pkey", ConstraintKind::PrimaryKey { index: P_PKEY, columns: vec![1] }),
        constraint(
            Oid(16389),
            "positive",
            ConstraintKind::Check { source: "id > 0".into(), display: "(id > 0)".into(), columns: vec![1] },
        ),
    ];
    let pkey = Index {
        unique: true,
        primary: true,
        clustered: true,
        tree: p.tree,
        constraint: Some(Oid(16388)),
        ..index(P_PKEY, P, "p_pkey", &[(1, oid::INT4)])
    };
    id.default = Some(Default {
        oid: Oid(16397),
        source: "nextval('c_id_seq')".into(),
        display: "nextval('c_id_seq'::regclass)".into(),
        depends: vec![Address::relation(C_ID_SEQ)],
    });
    let mut c = table(C, "c", vec![id, Column::new(2, "pid", oid::INT4, -1)]);
    c.constraints = vec![constraint(
        Oid(16398),
        "c_pid_fkey",
        ConstraintKind::ForeignKey {
            columns: vec![2],
            parent: P,
            parent_columns: vec![1],
            parent_index: P_PKEY,
            matching: FkMatch::Simple,
            on_update: FkAction::NoAction,
            on_delete: FkAction::Cascade,
            set_columns: Vec::new(),
        },
    )];
    let mut by_pid = index(Oid(16399), C, "c_pid", &[(2, oid::INT4)]);
    by_pid.keys[0].descending = true;
    by_pid.keys[0].nulls_first = true;
    by_pid.predicate = Some("pid > 1".into());
    by_pid.predicate_display = Some("(pid > 1)".into());
    let mut v = table(V, "v", vec![Column::new(1, "id", oid::INT4, -1)]);
    v.kind = TableKind::View;
    v.view = Some(View {
        rule: Oid(16407),
        query: "SELECT id FROM p".into(),
        display: None,
        search_path: vec![PUBLIC],
        check_option: CheckOption::None,
        security_barrier: false,
        security_invoker: false,
        populated: true,
        updatable: true,
        depends: vec![Address::relation(P), Address::column(P, 1)],
    });
    let sequence = Sequence {
        oid: C_ID_SEQ,
        schema: PUBLIC,
        name: "c_id_seq".into(),
        owner: POSTGRES_ROLE,
        acl: None,
        persistence: Persistence::Permanent,
        type_oid: oid::INT4,
        start: 1,
        increment: 1,
        min: 1,
        max: i64::from(i32::MAX),
        cache: 1,
        cycle: false,
        owned_by: Some(Owner { table: C, attnum: 1, identity: false }),
        storage: 16411,
        first: None,
    };
    vec![
        p.into(),
        pkey.into(),
        c.into(),
        by_pid.into(),
        v.into(),
        sequence.into(),
        Comment { on: Address::relation(P), text: "parents".into() }.into(),
    ]
}
