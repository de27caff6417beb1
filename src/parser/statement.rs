//! `stmtmulti` and `stmt`: which statement begins with which word.

use super::ast::*;
use super::cursor::Parser;
use super::keywords::Keyword as Kw;
use super::lexer::Tok;
use crate::base::{Error, Result, SqlState};

impl Parser<'_> {
    /// `stmtmulti`: statements between semicolons, of which empty ones vanish.
    pub(super) fn statements(&mut self) -> Result<Vec<RawStatement>> {
        let mut statements = Vec::new();
        loop {
            while self.take(Tok::Semicolon) {}
            if self.at(Tok::Eof) {
                return Ok(statements);
            }
            let start = self.pos();
            let stmt = self.stmt()?;
            statements.push(RawStatement { stmt, start, end: self.last_end() });
            if !self.at(Tok::Eof) {
                self.expect(Tok::Semicolon)?;
            }
        }
    }

    /// `stmt`.
    pub(super) fn stmt(&mut self) -> Result<Statement> {
        let Tok::Keyword(k) = self.peek() else {
            if self.at_wait() {
                return self.wait_stmt();
            }
            return if self.at(Tok::LParen) { self.query_stmt() } else { Err(self.unexpected()) };
        };
        match k {
            Kw::Select | Kw::Values | Kw::Table | Kw::With => self.query_stmt(),
            Kw::Insert | Kw::Update | Kw::Delete | Kw::Merge => self.preparable_stmt(),
            Kw::Create => self.create_stmt(),
            Kw::Alter => self.alter_stmt(),
            Kw::Drop => self.drop_stmt(),
            Kw::Truncate => self.truncate_stmt(),
            Kw::Comment => self.comment_stmt(),
            Kw::Security => self.security_label_stmt(),
            Kw::Refresh => self.refresh_stmt(),
            Kw::Import => self.import_foreign_schema_stmt(),
            Kw::Grant => self.grant_stmt(),
            Kw::Revoke => self.revoke_stmt(),
            Kw::Reassign => self.reassign_owned_stmt(),
            _ => self.session_stmt(k),
        }
    }

    fn session_stmt(&mut self, k: Kw) -> Result<Statement> {
        match k {
            Kw::Begin | Kw::Start | Kw::Commit | Kw::End | Kw::Rollback | Kw::Abort => self.transaction_stmt(k),
            Kw::Savepoint | Kw::Release => self.transaction_stmt(k),
            Kw::Set => self.set_stmt(),
            Kw::Reset => self.reset_stmt(),
            Kw::Show => self.show_stmt(),
            Kw::Prepare if self.kw_at(1) == Some(Kw::Transaction) => self.transaction_stmt(k),
            Kw::Prepare => self.prepare_stmt(),
            Kw::Execute => self.execute_stmt(),
            Kw::Deallocate => self.deallocate_stmt(),
            Kw::Declare => self.declare_cursor_stmt(),
            Kw::Fetch | Kw::Move => self.fetch_stmt(),
            Kw::Close => self.close_stmt(),
            Kw::Listen => self.listen_stmt(),
            Kw::Unlisten => self.unlisten_stmt(),
            Kw::Notify => self.notify_stmt(),
            Kw::Discard => self.discard_stmt(),
            Kw::Explain => self.explain_stmt(),
            Kw::Copy => self.copy_stmt(),
            Kw::Call => self.call_stmt(),
            Kw::Do => self.do_stmt(),
            Kw::Load => self.load_stmt(),
            Kw::Lock => self.lock_stmt(),
            Kw::Vacuum => self.vacuum_stmt(),
            Kw::Analyze | Kw::Analyse => self.analyze_stmt(),
            Kw::Cluster => self.cluster_stmt(),
            Kw::Reindex => self.reindex_stmt(),
            Kw::Checkpoint => {
                self.advance();
                Ok(Statement::Checkpoint)
            }
            _ => Err(self.unexpected()),
        }
    }
}

/// 0A000 for what PostgreSQL's own grammar knows and refuses.
#[cold]
pub(super) fn not_yet(message: impl Into<String>, pos: Pos) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(pos)
}
