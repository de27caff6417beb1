//! INSERT, UPDATE, DELETE, MERGE.

use super::ast::*;
use super::cursor::Parser;
use super::keywords::Keyword as Kw;
use super::lexer::Tok;
use crate::base::Result;

impl Parser<'_> {
    /// `PreparableStmt`: a query or a DML statement, with the WITH clause that may begin either.
    pub(super) fn preparable_stmt(&mut self) -> Result<Statement> {
        let pos = self.pos();
        let with = self.opt_with()?;
        match self.peek() {
            Tok::Keyword(Kw::Insert) => self.insert_stmt(with),
            Tok::Keyword(Kw::Update) => self.update_stmt(with),
            Tok::Keyword(Kw::Delete) => self.delete_stmt(with),
            Tok::Keyword(Kw::Merge) => self.merge_stmt(with),
            _ => Ok(Statement::Select(Box::new(self.select_after_with(with, pos)?))),
        }
    }

    /// A query as a statement of its own, whose first SELECT may say INTO: then it is a CREATE TABLE AS.
    pub(super) fn query_stmt(&mut self) -> Result<Statement> {
        match self.preparable_stmt()? {
            Statement::Select(mut query) => Ok(match take_into(&mut query) {
                None => Statement::Select(query),
                Some(into) => Statement::CreateTableAs(Box::new(CreateTableAs {
                    materialized: false,
                    into,
                    columns: Vec::new(),
                    if_not_exists: false,
                    access_method: None,
                    options: Vec::new(),
                    on_commit: OnCommit::Default,
                    tablespace: None,
                    source: Statement::Select(query),
                    with_data: true,
                    query_start: 0,
                    query_end: 0,
                })),
            }),
            other => Ok(other),
        }
    }

    /// `InsertStmt`.
    pub(super) fn insert_stmt(&mut self, with: Option<With>) -> Result<Statement> {
        self.expect_seq(&[Kw::Insert, Kw::Into])?;
        let relation = RelationRef { name: self.relation_name()?, children: true };
        let alias = if self.kw(Kw::As) {
            let name = self.col_id()?;
            Some(Alias { name: name.name, columns: Vec::new(), pos: name.pos })
        } else {
            None
        };
        let mut insert = Insert {
            with,
            relation,
            alias,
            columns: Vec::new(),
            overriding: None,
            source: InsertSource::DefaultValues,
            on_conflict: None,
            returning: Vec::new(),
        };
        self.insert_rest(&mut insert)?;
        insert.on_conflict = self.opt_on_conflict()?;
        insert.returning = self.returning_clause()?;
        Ok(Statement::Insert(Box::new(insert)))
    }

    /// `insert_rest`.
    fn insert_rest(&mut self, insert: &mut Insert) -> Result<()> {
        if self.kw(Kw::Default) {
            return self.expect_kw(Kw::Values);
        }
        if self.at(Tok::LParen) && !self.at_parenthesised_query() {
            insert.columns = self.paren_list(Self::assign_target)?;
        }
        insert.overriding = self.opt_overriding()?;
        insert.source = InsertSource::Query(Box::new(self.select_no_parens()?));
        Ok(())
    }

    /// Whether the parenthesis here opens a query rather than a list of columns.
    fn at_parenthesised_query(&self) -> bool {
        match self.peek_at(1) {
            Tok::LParen | Tok::Keyword(Kw::Select | Kw::With | Kw::Table) => true,
            Tok::Keyword(Kw::Values) => self.peek_at(2) == Tok::LParen,
            _ => false,
        }
    }

    /// `OVERRIDING override_kind VALUE`.
    fn opt_overriding(&mut self) -> Result<Option<Overriding>> {
        if !self.kw(Kw::Overriding) {
            return Ok(None);
        }
        let kind = match self.any(&[Kw::User, Kw::System]) {
            Some(Kw::User) => Overriding::User,
            Some(_) => Overriding::System,
            None => return Err(self.unexpected()),
        };
        self.expect_kw(Kw::Value)?;
        Ok(Some(kind))
    }

    /// `insert_column_item`, `set_target`.
    fn assign_target(&mut self) -> Result<AssignTarget> {
        Ok(AssignTarget { column: self.col_id()?, steps: self.indirection()? })
    }

    /// `opt_on_conflict`.
    fn opt_on_conflict(&mut self) -> Result<Option<OnConflict>> {
        let pos = self.pos();
        if !self.kw(Kw::On) {
            return Ok(None);
        }
        self.expect_kw(Kw::Conflict)?;
        let target = self.opt_conf_expr()?;
        self.expect_kw(Kw::Do)?;
        let action = if self.kw(Kw::Nothing) {
            ConflictAction::Nothing
        } else {
            self.expect_seq(&[Kw::Update, Kw::Set])?;
            let assignments = self.set_clause_list()?;
            ConflictAction::Update { assignments, filter: self.where_clause()? }
        };
        Ok(Some(OnConflict { target, action, pos }))
    }

    /// `opt_conf_expr`.
    fn opt_conf_expr(&mut self) -> Result<Option<ConflictTarget>> {
        let pos = self.pos();
        if self.kw(Kw::On) {
            self.expect_kw(Kw::Constraint)?;
            return Ok(Some(ConflictTarget::Constraint(self.col_id()?)));
        }
        if !self.at(Tok::LParen) {
            return Ok(None);
        }
        let elements = self.paren_list(Self::index_elem)?;
        let filter = self.where_clause()?;
        Ok(Some(ConflictTarget::Index { elements, filter, pos }))
    }

    /// `returning_clause`.
    fn returning_clause(&mut self) -> Result<Returning> {
        if self.kw(Kw::Returning) { self.target_list() } else { Ok(Vec::new()) }
    }

    /// `set_clause_list`.
    fn set_clause_list(&mut self) -> Result<Vec<Assignment>> {
        self.list(Self::set_clause)
    }

    /// `set_clause`.
    fn set_clause(&mut self) -> Result<Assignment> {
        if self.at(Tok::LParen) {
            let targets = self.paren_list(Self::assign_target)?;
            self.expect(Tok::Equal)?;
            return Ok(Assignment::Multi { targets, source: self.a_expr()? });
        }
        let target = self.assign_target()?;
        self.expect(Tok::Equal)?;
        Ok(Assignment::Single { target, value: self.a_expr()? })
    }

    /// `UpdateStmt`.
    pub(super) fn update_stmt(&mut self, with: Option<With>) -> Result<Statement> {
        self.expect_kw(Kw::Update)?;
        let (relation, alias) = self.relation_with_alias()?;
        self.expect_kw(Kw::Set)?;
        let assignments = self.set_clause_list()?;
        let from = if self.kw(Kw::From) { self.table_refs()? } else { Vec::new() };
        let filter = self.where_or_current()?;
        let returning = self.returning_clause()?;
        let update = Update { with, relation, alias, assignments, from, filter, returning };
        Ok(Statement::Update(Box::new(update)))
    }

    /// `DeleteStmt`.
    pub(super) fn delete_stmt(&mut self, with: Option<With>) -> Result<Statement> {
        self.expect_seq(&[Kw::Delete, Kw::From])?;
        let (relation, alias) = self.relation_with_alias()?;
        let using = if self.kw(Kw::Using) { self.table_refs()? } else { Vec::new() };
        let filter = self.where_or_current()?;
        let returning = self.returning_clause()?;
        Ok(Statement::Delete(Box::new(Delete { with, relation, alias, using, filter, returning })))
    }

    /// `MergeStmt`.
    pub(super) fn merge_stmt(&mut self, with: Option<With>) -> Result<Statement> {
        self.expect_seq(&[Kw::Merge, Kw::Into])?;
        let (relation, alias) = self.relation_with_alias()?;
        self.expect_kw(Kw::Using)?;
        let source = self.table_ref()?;
        self.expect_kw(Kw::On)?;
        let on = self.a_expr()?;
        let mut whens = vec![self.merge_when()?];
        while self.at_kw(Kw::When) {
            whens.push(self.merge_when()?);
        }
        Ok(Statement::Merge(Box::new(Merge { with, relation, alias, source, on, whens })))
    }

    /// `merge_when_clause`.
    fn merge_when(&mut self) -> Result<MergeWhen> {
        self.expect_kw(Kw::When)?;
        let matched = !self.kw(Kw::Not);
        self.expect_kw(Kw::Matched)?;
        let condition = if self.kw(Kw::And) { Some(self.a_expr()?) } else { None };
        self.expect_kw(Kw::Then)?;
        let action = match self.peek() {
            Tok::Keyword(Kw::Do) => {
                self.advance();
                self.expect_kw(Kw::Nothing)?;
                MergeAction::DoNothing
            }
            Tok::Keyword(Kw::Update) if matched => {
                self.advance();
                self.expect_kw(Kw::Set)?;
                MergeAction::Update(self.set_clause_list()?)
            }
            Tok::Keyword(Kw::Delete) if matched => {
                self.advance();
                MergeAction::Delete
            }
            Tok::Keyword(Kw::Insert) if !matched => self.merge_insert()?,
            _ => return Err(self.unexpected()),
        };
        Ok(MergeWhen { matched, condition, action })
    }

    /// `merge_insert`.
    fn merge_insert(&mut self) -> Result<MergeAction> {
        self.expect_kw(Kw::Insert)?;
        if self.kw(Kw::Default) {
            self.expect_kw(Kw::Values)?;
            return Ok(MergeAction::Insert { columns: Vec::new(), overriding: None, values: None });
        }
        let columns = self.opt_paren_list(Self::assign_target)?;
        let overriding = self.opt_overriding()?;
        self.expect_kw(Kw::Values)?;
        let values = Some(self.paren_list(Self::a_expr)?);
        Ok(MergeAction::Insert { columns, overriding, values })
    }
}

/// The INTO of the leftmost SELECT.
fn take_into(query: &mut Query) -> Option<IntoClause> {
    let mut body = &mut query.body;
    loop {
        body = match body {
            QueryBody::Select(select) => return select.into.take(),
            QueryBody::Values(_) => return None,
            QueryBody::SetOp(op) => &mut op.left,
            QueryBody::Query(inner) => &mut inner.body,
        };
    }
}
