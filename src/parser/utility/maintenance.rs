//! LOCK, VACUUM, ANALYZE, CLUSTER, REINDEX, WAIT FOR.

use super::super::ast::*;
use super::super::cursor::{Parser, is_col_id, is_ident};
use super::super::ddl::word_elem;
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use crate::base::Result;

impl Parser<'_> {
    /// `LockStmt`.
    pub(in super::super) fn lock_stmt(&mut self) -> Result<Statement> {
        self.advance();
        self.kw(Kw::Table);
        let relations = self.list(Self::relation_expr)?;
        let mut mode = TableLockMode::AccessExclusive;
        if self.kw(Kw::In) {
            mode = self.lock_type()?;
            self.expect_kw(Kw::Mode)?;
        }
        let nowait = self.kw(Kw::Nowait);
        Ok(Statement::Lock(Box::new(Lock { relations, mode, nowait })))
    }

    /// `lock_type`.
    fn lock_type(&mut self) -> Result<TableLockMode> {
        use TableLockMode::*;
        match self.any(&[Kw::Access, Kw::Row, Kw::Share, Kw::Exclusive]) {
            Some(Kw::Access) => self.share_or_exclusive(AccessShare, AccessExclusive),
            Some(Kw::Row) => self.share_or_exclusive(RowShare, RowExclusive),
            Some(Kw::Share) => match self.any(&[Kw::Update, Kw::Row]) {
                Some(Kw::Update) => self.expect_kw(Kw::Exclusive).map(|()| ShareUpdateExclusive),
                Some(_) => self.expect_kw(Kw::Exclusive).map(|()| ShareRowExclusive),
                None => Ok(Share),
            },
            Some(_) => Ok(Exclusive),
            None => Err(self.unexpected()),
        }
    }

    fn share_or_exclusive(&mut self, share: TableLockMode, exclusive: TableLockMode) -> Result<TableLockMode> {
        match self.any(&[Kw::Share, Kw::Exclusive]) {
            Some(Kw::Share) => Ok(share),
            Some(_) => Ok(exclusive),
            None => Err(self.unexpected()),
        }
    }

    /// `VacuumStmt`.
    pub(in super::super) fn vacuum_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let options = if self.at(Tok::LParen) {
            self.utility_options()?
        } else {
            let words = [Kw::Full, Kw::Freeze, Kw::Verbose, Kw::Analyze];
            self.old_options(&words)
        };
        let relations = self.opt_vacuum_relations()?;
        Ok(Statement::Vacuum(Box::new(Vacuum { is_vacuum: true, options, relations })))
    }

    /// The words of the old syntax, each optional, in this order.
    fn old_options(&mut self, words: &[Kw]) -> Vec<DefElem> {
        let mut options = Vec::new();
        for word in words {
            let pos = self.pos();
            if self.kw(*word) || *word == Kw::Analyze && self.kw(Kw::Analyse) {
                options.push(word_elem(word.word(), None, pos));
            }
        }
        options
    }

    /// `AnalyzeStmt`.
    pub(in super::super) fn analyze_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let options = if self.at(Tok::LParen) { self.utility_options()? } else { self.old_options(&[Kw::Verbose]) };
        let relations = self.opt_vacuum_relations()?;
        Ok(Statement::Vacuum(Box::new(Vacuum { is_vacuum: false, options, relations })))
    }

    /// `opt_vacuum_relation_list`.
    fn opt_vacuum_relations(&mut self) -> Result<Vec<VacuumRelation>> {
        if !is_col_id(self.peek()) {
            return Ok(Vec::new());
        }
        self.list(|p| {
            let relation = RelationRef { name: p.relation_name()?, children: true };
            Ok(VacuumRelation { relation, columns: p.opt_columns()? })
        })
    }

    /// `ClusterStmt`.
    pub(in super::super) fn cluster_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let parenthesised = self.at(Tok::LParen);
        let options = if parenthesised { self.utility_options()? } else { self.old_options(&[Kw::Verbose]) };
        let mut cluster = Cluster { relation: None, index: None, options };
        if parenthesised || is_col_id(self.peek()) {
            let first = self.relation_name()?;
            if self.kw(Kw::Using) {
                cluster.index = Some(self.col_id()?);
            } else if !parenthesised && first.schema.is_none() && self.kw(Kw::On) {
                cluster.index = Some(Ident::new(first.name, first.pos));
                cluster.relation = Some(self.relation_name()?);
                return Ok(Statement::Cluster(Box::new(cluster)));
            }
            cluster.relation = Some(first);
        }
        Ok(Statement::Cluster(Box::new(cluster)))
    }

    /// `ReindexStmt`.
    pub(in super::super) fn reindex_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let mut options = if self.at(Tok::LParen) { self.utility_options()? } else { Vec::new() };
        let words = [Kw::Index, Kw::Table, Kw::Schema, Kw::System, Kw::Database];
        let Some(k) = self.any(&words) else { return Err(self.unexpected()) };
        let pos = self.pos();
        if self.kw(Kw::Concurrently) {
            options.push(word_elem("concurrently", None, pos));
        }
        let target = match k {
            Kw::Index => ReindexTarget::Index(self.relation_name()?),
            Kw::Table => ReindexTarget::Table(self.relation_name()?),
            Kw::Schema => ReindexTarget::Schema(self.col_id()?),
            Kw::System => ReindexTarget::System(self.col_id()?),
            _ => ReindexTarget::Database(self.col_id()?),
        };
        Ok(Statement::Reindex(Box::new(Reindex { target, options })))
    }

    /// `WAIT FOR`, of which only the second is a keyword of PostgreSQL 15.
    pub(in super::super) fn at_wait(&self) -> bool {
        self.at_word("wait") && self.kw_at(1) == Some(Kw::For)
    }

    fn at_word(&self, word: &str) -> bool {
        is_ident(self.peek()) && self.token_text(self.token()).eq_ignore_ascii_case(word)
    }

    /// `WaitStmt` of PostgreSQL 19: `WAIT FOR LSN 'lsn' [WITH (option, ...)]`.
    pub(in super::super) fn wait_stmt(&mut self) -> Result<Statement> {
        self.advance();
        self.expect_kw(Kw::For)?;
        if !self.at_word("lsn") {
            return Err(self.unexpected());
        }
        self.advance();
        let pos = self.pos();
        let lsn = self.string()?;
        let options = if self.kw(Kw::With) { self.utility_options()? } else { Vec::new() };
        Ok(Statement::WaitFor(Box::new(WaitFor { lsn, options, pos })))
    }
}
