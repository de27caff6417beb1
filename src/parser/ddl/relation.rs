//! Views, materialized views, indexes, sequences, statistics, policies, TRUNCATE.

use super::super::ast::*;
use super::super::cursor::{Parser, is_col_id, refuse};
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use super::super::select::bare_query;
use super::super::statement::not_yet;
use crate::base::Result;

impl Parser<'_> {
    /// `ViewStmt`, from [RECURSIVE] VIEW on.
    pub(super) fn create_view(&mut self, or_replace: bool, persistence: Persistence) -> Result<Statement> {
        let recursive = self.kw(Kw::Recursive);
        self.expect_kw(Kw::View)?;
        let name = self.relation_name()?;
        let columns = if recursive { self.paren_list(Self::col_id)? } else { self.opt_columns()? };
        let options = self.opt_reloptions()?;
        self.expect_kw(Kw::As)?;
        let query_start = self.pos();
        let mut query = self.select_no_parens()?;
        let query_end = self.last_end();
        let pos = self.pos();
        let check_option = self.opt_check_option()?;
        if recursive {
            if check_option != CheckOption::None {
                return Err(not_yet("WITH CHECK OPTION not supported on recursive views", pos));
            }
            query = recursive_view(&name, &columns, query);
        }
        let view = CreateView {
            or_replace,
            name,
            persistence,
            recursive,
            columns,
            options,
            query,
            check_option,
            query_start,
            query_end,
        };
        Ok(Statement::CreateView(Box::new(view)))
    }

    /// `opt_check_option`.
    fn opt_check_option(&mut self) -> Result<CheckOption> {
        if !self.kw(Kw::With) {
            return Ok(CheckOption::None);
        }
        let option = match self.any(&[Kw::Local, Kw::Cascaded]) {
            Some(Kw::Local) => CheckOption::Local,
            _ => CheckOption::Cascaded,
        };
        self.expect_seq(&[Kw::Check, Kw::Option])?;
        Ok(option)
    }

    /// `CreateMatViewStmt`.
    pub(super) fn create_materialized_view(&mut self, persistence: Persistence) -> Result<Statement> {
        self.expect_seq(&[Kw::Materialized, Kw::View])?;
        let if_not_exists = self.if_not_exists()?;
        let name = self.relation_name()?;
        let columns = self.opt_columns()?;
        let access_method = if self.kw(Kw::Using) { Some(self.col_id()?) } else { None };
        let options = self.opt_reloptions()?;
        let tablespace = self.opt_tablespace()?;
        self.expect_kw(Kw::As)?;
        let query_start = self.pos();
        let source = Statement::Select(Box::new(self.select_no_parens()?));
        let query_end = self.last_end();
        let with_data = self.opt_with_data()?;
        Ok(Statement::CreateTableAs(Box::new(CreateTableAs {
            materialized: true,
            into: IntoClause { name, persistence },
            columns,
            if_not_exists,
            access_method,
            options,
            on_commit: OnCommit::Default,
            tablespace,
            source,
            with_data,
            query_start,
            query_end,
        })))
    }

    /// `RefreshMatViewStmt`.
    pub(in super::super) fn refresh_stmt(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::Refresh, Kw::Materialized, Kw::View])?;
        let concurrently = self.kw(Kw::Concurrently);
        let name = self.relation_name()?;
        let with_data = self.opt_with_data()?;
        Ok(Statement::RefreshMaterializedView(Box::new(RefreshMaterializedView { concurrently, name, with_data })))
    }

    /// `IndexStmt`, from [UNIQUE] INDEX on.
    pub(super) fn create_index(&mut self) -> Result<Statement> {
        let unique = self.kw(Kw::Unique);
        self.expect_kw(Kw::Index)?;
        let concurrently = self.kw(Kw::Concurrently);
        let if_not_exists = self.if_not_exists()?;
        let name = if if_not_exists || !self.at_kw(Kw::On) { Some(self.col_id()?) } else { None };
        self.expect_kw(Kw::On)?;
        let relation = self.relation_expr()?;
        let method = if self.kw(Kw::Using) { Some(self.col_id()?) } else { None };
        let elements = self.paren_list(Self::index_elem)?;
        let include = if self.kw(Kw::Include) { self.paren_list(Self::index_elem)? } else { Vec::new() };
        let nulls_not_distinct = self.null_treatment()?;
        let options = self.opt_reloptions()?;
        let tablespace = self.opt_tablespace()?;
        let filter = if self.kw(Kw::Where) { Some(self.sourced(Self::a_expr)?) } else { None };
        Ok(Statement::CreateIndex(Box::new(CreateIndex {
            unique,
            concurrently,
            if_not_exists,
            name,
            relation,
            method,
            elements,
            include,
            nulls_not_distinct,
            options,
            tablespace,
            filter,
        })))
    }

    /// `index_elem`.
    pub(in super::super) fn index_elem(&mut self) -> Result<IndexElement> {
        let key = self.index_key()?;
        let collation = self.opt_collate()?;
        let operator_class = self.opt_operator_class()?;
        let operator_class_options =
            if operator_class.is_some() && self.at(Tok::LParen) { self.reloptions()? } else { Vec::new() };
        let direction = self.opt_asc_desc();
        let nulls = self.opt_nulls_order()?;
        Ok(IndexElement { key, collation, operator_class, operator_class_options, direction, nulls })
    }

    /// `ColId | func_expr_windowless | '(' a_expr ')'`.
    pub(super) fn index_key(&mut self) -> Result<IndexKey> {
        if self.at(Tok::LParen) {
            return self.parens(|p| p.sourced(Self::a_expr)).map(IndexKey::Expr);
        }
        if self.at_function() || self.peek_at(1) == Tok::Dot {
            return self.sourced(Self::func_expr_windowless).map(IndexKey::Expr);
        }
        let column = self.col_id()?;
        self.refuse_indirection()?;
        Ok(IndexKey::Column(column))
    }

    /// An operator class behind a key; NULLS FIRST is none.
    pub(super) fn opt_operator_class(&mut self) -> Result<Option<QualifiedName>> {
        let nulls = self.at_kw(Kw::Nulls) && matches!(self.kw_at(1), Some(Kw::First | Kw::Last));
        if nulls || !is_col_id(self.peek()) {
            return Ok(None);
        }
        self.any_name().map(Some)
    }

    /// `CreateSeqStmt`.
    pub(super) fn create_sequence(&mut self, persistence: Persistence) -> Result<Statement> {
        self.expect_kw(Kw::Sequence)?;
        let if_not_exists = self.if_not_exists()?;
        let name = self.relation_name()?;
        let options = self.opt_sequence_options()?;
        Ok(Statement::CreateSequence(Box::new(CreateSequence { name, persistence, if_not_exists, options })))
    }

    fn opt_sequence_options(&mut self) -> Result<Vec<SequenceOption>> {
        let mut options = Vec::new();
        while let Some(option) = self.opt_sequence_option()? {
            options.push(option);
        }
        Ok(options)
    }

    /// `SeqOptList`: one or more.
    pub(super) fn sequence_options(&mut self) -> Result<Vec<SequenceOption>> {
        let options = self.opt_sequence_options()?;
        if options.is_empty() { Err(self.unexpected()) } else { Ok(options) }
    }

    /// `SeqOptElem`.
    pub(super) fn opt_sequence_option(&mut self) -> Result<Option<SequenceOption>> {
        use SequenceOptionKind::*;
        let pos = self.pos();
        let Tok::Keyword(k) = self.peek() else { return Ok(None) };
        if !matches!(
            k,
            Kw::As
                | Kw::Cache
                | Kw::Cycle
                | Kw::No
                | Kw::Increment
                | Kw::Maxvalue
                | Kw::Minvalue
                | Kw::Owned
                | Kw::Sequence
                | Kw::Start
                | Kw::Restart
                | Kw::Logged
                | Kw::Unlogged
        ) {
            return Ok(None);
        }
        self.advance();
        let kind = match k {
            Kw::As => As(self.type_name()?),
            Kw::Cache => Cache(self.signed_number()?),
            Kw::Cycle => Cycle(true),
            Kw::No => match self.any(&[Kw::Cycle, Kw::Maxvalue, Kw::Minvalue]) {
                Some(Kw::Cycle) => Cycle(false),
                Some(Kw::Maxvalue) => MaxValue(None),
                Some(_) => MinValue(None),
                None => return Err(self.unexpected()),
            },
            Kw::Increment => {
                self.kw(Kw::By);
                Increment(self.signed_number()?)
            }
            Kw::Maxvalue => MaxValue(Some(self.signed_number()?)),
            Kw::Minvalue => MinValue(Some(self.signed_number()?)),
            Kw::Owned => {
                self.expect_kw(Kw::By)?;
                OwnedBy(self.any_name()?)
            }
            Kw::Sequence => {
                self.expect_kw(Kw::Name)?;
                SequenceName(self.any_name()?)
            }
            Kw::Start => {
                self.kw(Kw::With);
                Start(self.signed_number()?)
            }
            Kw::Logged | Kw::Unlogged => Logged(k == Kw::Logged),
            _ => Restart(self.opt_restart_value()?),
        };
        Ok(Some(SequenceOption { kind, pos }))
    }

    /// What may follow RESTART.
    pub(super) fn opt_restart_value(&mut self) -> Result<Option<String>> {
        let with = self.kw(Kw::With);
        if with || matches!(self.peek(), Tok::Plus | Tok::Minus | Tok::Integer | Tok::Float) {
            return self.signed_number().map(Some);
        }
        Ok(None)
    }

    /// `CreateStatsStmt`.
    pub(super) fn create_statistics(&mut self) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = Some(self.any_name()?);
        let kinds = self.opt_paren_list(Self::col_id)?;
        self.expect_kw(Kw::On)?;
        let elements = self.list(Self::index_key)?;
        self.expect_kw(Kw::From)?;
        let from = self.table_refs()?;
        Ok(Statement::CreateStatistics(Box::new(CreateStatistics { if_not_exists, name, kinds, elements, from })))
    }

    /// `CreatePolicyStmt`.
    pub(super) fn create_policy(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.col_id()?;
        self.expect_kw(Kw::On)?;
        let table = self.relation_name()?;
        let permissive = self.policy_permissive()?;
        let mut command = "all";
        if self.kw(Kw::For) {
            command = match self.any(&[Kw::All, Kw::Select, Kw::Insert, Kw::Update, Kw::Delete]) {
                Some(k) => k.word(),
                None => return Err(self.unexpected()),
            };
        }
        let pos = self.pos();
        let mut roles = self.policy_roles()?;
        if roles.is_empty() {
            roles.push(RoleSpec { kind: RoleKind::Public, pos });
        }
        let (using, with_check) = self.policy_conditions()?;
        let policy = CreatePolicy { name, table, permissive, command, roles, using, with_check };
        Ok(Statement::CreatePolicy(Box::new(policy)))
    }

    /// `RowSecurityDefaultPermissive`.
    fn policy_permissive(&mut self) -> Result<bool> {
        if !self.kw(Kw::As) {
            return Ok(true);
        }
        if !super::super::cursor::is_ident(self.peek()) {
            return Err(self.unexpected());
        }
        let word = self.col_label()?;
        match word.name.as_str() {
            "permissive" => Ok(true),
            "restrictive" => Ok(false),
            _ => Err(refuse(format!("unrecognized row security option \"{word}\""), word.pos)
                .hint("Only PERMISSIVE or RESTRICTIVE policies are supported currently.")),
        }
    }

    fn policy_roles(&mut self) -> Result<Vec<RoleSpec>> {
        if self.kw(Kw::To) { self.role_list() } else { Ok(Vec::new()) }
    }

    fn policy_conditions(&mut self) -> Result<(Option<Expr>, Option<Expr>)> {
        let using = if self.kw(Kw::Using) { Some(self.parens(Self::a_expr)?) } else { None };
        let mut with_check = None;
        if self.kw(Kw::With) {
            self.expect_kw(Kw::Check)?;
            with_check = Some(self.parens(Self::a_expr)?);
        }
        Ok((using, with_check))
    }

    /// `AlterPolicyStmt` behind `ALTER POLICY name ON table`.
    pub(super) fn alter_policy(&mut self, name: Ident, table: RelationName) -> Result<Statement> {
        let roles = self.policy_roles()?;
        let (using, with_check) = self.policy_conditions()?;
        Ok(Statement::AlterPolicy(Box::new(AlterPolicy { name, table, roles, using, with_check })))
    }

    /// `TruncateStmt`.
    pub(in super::super) fn truncate_stmt(&mut self) -> Result<Statement> {
        self.advance();
        self.kw(Kw::Table);
        let relations = self.list(Self::relation_expr)?;
        let restart_identity = match self.any(&[Kw::Continue, Kw::Restart]) {
            Some(k) => self.expect_kw(Kw::Identity).map(|()| k == Kw::Restart)?,
            None => false,
        };
        let behavior = self.drop_behavior();
        Ok(Statement::Truncate(Box::new(Truncate { relations, restart_identity, behavior })))
    }
}

/// `makeRecursiveViewSelect`: WITH RECURSIVE name (columns) AS (query) SELECT columns FROM name.
fn recursive_view(name: &RelationName, columns: &[Ident], query: Query) -> Query {
    let pos = name.pos;
    let target = |column: &Ident| SelectTarget {
        expr: Expr::new(ExprKind::Column(ColumnRef { parts: vec![column.clone()], star: false }), column.pos),
        alias: Some(column.clone()),
    };
    let own = RelationName { catalog: None, schema: None, name: name.name.clone(), pos };
    let select = Select {
        distinct: None,
        targets: columns.iter().map(target).collect(),
        into: None,
        from: vec![TableRef::Relation {
            relation: RelationRef { name: own, children: true },
            alias: None,
            sample: None,
        }],
        filter: None,
        group_by: Vec::new(),
        group_distinct: false,
        having: None,
        windows: Vec::new(),
        pos,
    };
    let cte = Cte {
        name: Ident::new(name.name.clone(), pos),
        columns: columns.to_vec(),
        materialized: None,
        statement: Statement::Select(Box::new(query)),
        search: None,
        cycle: None,
    };
    let mut outer = bare_query(QueryBody::Select(Box::new(select)), pos);
    outer.with = Some(With { recursive: true, ctes: vec![cte], pos });
    outer
}
