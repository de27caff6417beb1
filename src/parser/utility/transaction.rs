//! `TransactionStmt` and the modes of transactions.

use super::super::ast::*;
use super::super::cursor::Parser;
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use crate::base::Result;

impl Parser<'_> {
    /// `TransactionStmt`; `k` is its first word.
    pub(in super::super) fn transaction_stmt(&mut self, k: Kw) -> Result<Statement> {
        self.advance();
        let kind = match k {
            Kw::Begin => {
                self.opt_transaction();
                TransactionKind::Begin(self.opt_transaction_modes()?)
            }
            Kw::Start => {
                self.expect_kw(Kw::Transaction)?;
                TransactionKind::Start(self.opt_transaction_modes()?)
            }
            Kw::Commit if self.kw(Kw::Prepared) => TransactionKind::CommitPrepared(self.string()?),
            Kw::Rollback if self.kw(Kw::Prepared) => TransactionKind::RollbackPrepared(self.string()?),
            Kw::Commit | Kw::End => {
                self.opt_transaction();
                TransactionKind::Commit { chain: self.opt_chain()? }
            }
            Kw::Rollback | Kw::Abort => {
                self.opt_transaction();
                if k == Kw::Rollback && self.kw(Kw::To) {
                    self.noise(Kw::Savepoint);
                    TransactionKind::RollbackTo(self.col_id()?)
                } else {
                    TransactionKind::Rollback { chain: self.opt_chain()? }
                }
            }
            Kw::Savepoint => TransactionKind::Savepoint(self.col_id()?),
            Kw::Release => {
                self.noise(Kw::Savepoint);
                TransactionKind::Release(self.col_id()?)
            }
            _ => {
                self.expect_kw(Kw::Transaction)?;
                TransactionKind::PrepareTransaction(self.string()?)
            }
        };
        Ok(Statement::Transaction(Box::new(Transaction { kind })))
    }

    /// `opt_transaction`.
    fn opt_transaction(&mut self) {
        self.any(&[Kw::Work, Kw::Transaction]);
    }

    /// `opt_transaction_chain`.
    fn opt_chain(&mut self) -> Result<bool> {
        if !self.kw(Kw::And) {
            return Ok(false);
        }
        let no = self.kw(Kw::No);
        self.expect_kw(Kw::Chain)?;
        Ok(!no)
    }

    /// `transaction_mode_list_or_empty`: commas between modes are optional.
    fn opt_transaction_modes(&mut self) -> Result<Vec<TransactionMode>> {
        let mut modes = Vec::new();
        while let Some(mode) = self.opt_transaction_mode()? {
            modes.push(mode);
            while self.take(Tok::Comma) {
                modes.push(self.opt_transaction_mode()?.ok_or_else(|| self.unexpected())?);
            }
        }
        Ok(modes)
    }

    /// `transaction_mode_list`: at least one.
    pub(super) fn transaction_modes(&mut self) -> Result<Vec<TransactionMode>> {
        let modes = self.opt_transaction_modes()?;
        if modes.is_empty() { Err(self.unexpected()) } else { Ok(modes) }
    }

    /// `transaction_mode_item`.
    fn opt_transaction_mode(&mut self) -> Result<Option<TransactionMode>> {
        let pos = self.pos();
        let kind = match self.any(&[Kw::Isolation, Kw::Read, Kw::Deferrable, Kw::Not]) {
            Some(Kw::Isolation) => {
                self.expect_kw(Kw::Level)?;
                TransactionModeKind::Isolation(self.isolation_level()?)
            }
            Some(Kw::Read) => match self.any(&[Kw::Only, Kw::Write]) {
                Some(k) => TransactionModeKind::ReadOnly(k == Kw::Only),
                None => return Err(self.unexpected()),
            },
            Some(Kw::Deferrable) => TransactionModeKind::Deferrable(true),
            Some(_) => self.expect_kw(Kw::Deferrable).map(|()| TransactionModeKind::Deferrable(false))?,
            None => return Ok(None),
        };
        Ok(Some(TransactionMode { kind, pos }))
    }

    /// `iso_level`.
    fn isolation_level(&mut self) -> Result<IsolationLevel> {
        match self.any(&[Kw::Read, Kw::Repeatable, Kw::Serializable]) {
            Some(Kw::Read) => match self.any(&[Kw::Uncommitted, Kw::Committed]) {
                Some(Kw::Uncommitted) => Ok(IsolationLevel::ReadUncommitted),
                Some(_) => Ok(IsolationLevel::ReadCommitted),
                None => Err(self.unexpected()),
            },
            Some(Kw::Repeatable) => self.expect_kw(Kw::Read).map(|()| IsolationLevel::RepeatableRead),
            Some(_) => Ok(IsolationLevel::Serializable),
            None => Err(self.unexpected()),
        }
    }
}
