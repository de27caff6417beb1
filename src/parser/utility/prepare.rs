//! Prepared statements, cursors, EXPLAIN, notifications, CALL, DO and the other small statements of a session.

use super::super::ast::*;
use super::super::cursor::{Parser, is_col_id, is_string};
use super::super::ddl::word_elem;
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use crate::base::Result;

impl Parser<'_> {
    /// `PrepareStmt`.
    pub(in super::super) fn prepare_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.col_id()?;
        let types = self.opt_paren_list(Self::type_name)?;
        self.expect_kw(Kw::As)?;
        let start = self.pos();
        let statement = self.preparable_stmt()?;
        let end = self.last_end();
        Ok(Statement::Prepare(Box::new(Prepare { name, types, statement, start, end })))
    }

    /// `ExecuteStmt`.
    pub(in super::super) fn execute_stmt(&mut self) -> Result<Statement> {
        self.expect_kw(Kw::Execute)?;
        let name = self.col_id()?;
        let args = self.opt_paren_list(Self::a_expr)?;
        Ok(Statement::Execute(Box::new(Execute { name, args })))
    }

    /// `DeallocateStmt`.
    pub(in super::super) fn deallocate_stmt(&mut self) -> Result<Statement> {
        self.advance();
        if self.at_kw(Kw::Prepare) && !matches!(self.peek_at(1), Tok::Eof | Tok::Semicolon) {
            self.advance();
        }
        Ok(Statement::Deallocate(if self.kw(Kw::All) { None } else { Some(self.col_id()?) }))
    }

    /// `DeclareCursorStmt`.
    pub(in super::super) fn declare_cursor_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.col_id()?;
        let (mut binary, mut scroll, mut insensitive) = (false, None, None);
        loop {
            match self.any(&[Kw::No, Kw::Scroll, Kw::Binary, Kw::Asensitive, Kw::Insensitive]) {
                Some(Kw::No) => {
                    self.expect_kw(Kw::Scroll)?;
                    scroll = Some(false);
                }
                Some(Kw::Scroll) => scroll = Some(true),
                Some(Kw::Binary) => binary = true,
                Some(k) => insensitive = Some(k == Kw::Insensitive),
                None => break,
            }
        }
        self.expect_kw(Kw::Cursor)?;
        let hold = match self.any(&[Kw::With, Kw::Without]) {
            Some(k) => self.expect_kw(Kw::Hold).map(|()| k == Kw::With)?,
            None => false,
        };
        self.expect_kw(Kw::For)?;
        let start = self.pos();
        let query = self.select_no_parens()?;
        let end = self.last_end();
        let cursor = DeclareCursor { name, binary, scroll, insensitive, hold, query, start, end };
        Ok(Statement::DeclareCursor(Box::new(cursor)))
    }

    /// `FetchStmt`.
    pub(in super::super) fn fetch_stmt(&mut self) -> Result<Statement> {
        let is_move = self.advance().kind == Tok::Keyword(Kw::Move);
        let (direction, count) = self.fetch_direction()?;
        self.any(&[Kw::From, Kw::In]);
        let portal = self.col_id()?;
        Ok(Statement::Fetch(Box::new(Fetch { is_move, portal, direction, count })))
    }

    /// The part of `fetch_args` before the cursor's name, which may itself be one of these words.
    fn fetch_direction(&mut self) -> Result<(FetchDirection, i64)> {
        use FetchDirection::*;
        if is_col_id(self.peek()) && matches!(self.peek_at(1), Tok::Eof | Tok::Semicolon) {
            return Ok((Forward, 1));
        }
        if matches!(self.peek(), Tok::Integer | Tok::Plus | Tok::Minus) {
            return Ok((Forward, i64::from(self.signed_integer()?)));
        }
        let words =
            [Kw::Next, Kw::Prior, Kw::First, Kw::Last, Kw::Absolute, Kw::Relative, Kw::All, Kw::Forward, Kw::Backward];
        Ok(match self.any(&words) {
            Some(Kw::Prior) => (Backward, 1),
            Some(Kw::First) => (Absolute, 1),
            Some(Kw::Last) => (Absolute, -1),
            Some(Kw::Absolute) => (Absolute, i64::from(self.signed_integer()?)),
            Some(Kw::Relative) => (Relative, i64::from(self.signed_integer()?)),
            Some(Kw::All) => (Forward, i64::MAX),
            Some(Kw::Forward) => (Forward, self.opt_fetch_count()?),
            Some(Kw::Backward) => (Backward, self.opt_fetch_count()?),
            _ => (Forward, 1),
        })
    }

    fn opt_fetch_count(&mut self) -> Result<i64> {
        if self.kw(Kw::All) {
            return Ok(i64::MAX);
        }
        match self.peek() {
            Tok::Integer | Tok::Plus | Tok::Minus => self.signed_integer().map(i64::from),
            _ => Ok(1),
        }
    }

    /// `ClosePortalStmt`.
    pub(in super::super) fn close_stmt(&mut self) -> Result<Statement> {
        self.advance();
        Ok(Statement::ClosePortal(if self.kw(Kw::All) { None } else { Some(self.col_id()?) }))
    }

    /// `ExplainStmt`.
    pub(in super::super) fn explain_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let mut options = Vec::new();
        let query = match self.peek_at(1) {
            Tok::LParen | Tok::Keyword(Kw::Select | Kw::With | Kw::Table) => true,
            Tok::Keyword(Kw::Values) => self.peek_at(2) == Tok::LParen,
            _ => false,
        };
        if self.at(Tok::LParen) && !query {
            options = self.utility_options()?;
        } else {
            let pos = self.pos();
            if self.any(&[Kw::Analyze, Kw::Analyse]).is_some() {
                options.push(word_elem("analyze", None, pos));
            }
            let pos = self.pos();
            if self.kw(Kw::Verbose) {
                options.push(word_elem("verbose", None, pos));
            }
        }
        let start = self.pos();
        let statement = self.explainable_stmt()?;
        let end = self.last_end();
        Ok(Statement::Explain(Box::new(Explain { options, statement, start, end })))
    }

    /// `ExplainableStmt`.
    fn explainable_stmt(&mut self) -> Result<Statement> {
        match self.peek() {
            Tok::Keyword(Kw::Declare) => self.declare_cursor_stmt(),
            Tok::Keyword(Kw::Refresh) => self.refresh_stmt(),
            Tok::Keyword(Kw::Execute) => self.execute_stmt(),
            Tok::Keyword(Kw::Create) => {
                let pos = self.pos();
                match self.create_stmt()? {
                    created @ Statement::CreateTableAs(_) => Ok(created),
                    _ => Err(super::super::cursor::refuse("syntax error", pos)),
                }
            }
            _ => self.preparable_stmt(),
        }
    }

    /// `ListenStmt`.
    pub(in super::super) fn listen_stmt(&mut self) -> Result<Statement> {
        self.advance();
        Ok(Statement::Listen(self.col_id()?))
    }

    /// `UnlistenStmt`.
    pub(in super::super) fn unlisten_stmt(&mut self) -> Result<Statement> {
        self.advance();
        Ok(Statement::Unlisten(if self.take(Tok::Star) { None } else { Some(self.col_id()?) }))
    }

    /// `NotifyStmt`.
    pub(in super::super) fn notify_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let channel = self.col_id()?;
        let payload = if self.take(Tok::Comma) { Some(self.string()?) } else { None };
        Ok(Statement::Notify(Box::new(Notify { channel, payload })))
    }

    /// `DiscardStmt`.
    pub(in super::super) fn discard_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let what = match self.any(&[Kw::All, Kw::Temp, Kw::Temporary, Kw::Plans, Kw::Sequences]) {
            Some(Kw::All) => Discard::All,
            Some(Kw::Plans) => Discard::Plans,
            Some(Kw::Sequences) => Discard::Sequences,
            Some(_) => Discard::Temp,
            None => return Err(self.unexpected()),
        };
        Ok(Statement::Discard(what))
    }

    /// `CallStmt`.
    pub(in super::super) fn call_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.func_name()?;
        let (call, _) = self.func_application(name)?;
        Ok(Statement::Call(call))
    }

    /// `DoStmt`.
    pub(in super::super) fn do_stmt(&mut self) -> Result<Statement> {
        self.advance();
        let mut items = Vec::new();
        loop {
            let pos = self.pos();
            if self.kw(Kw::Language) {
                items.push(DoItem::Language(self.word_or_string()?, pos));
            } else if is_string(self.peek()) {
                items.push(DoItem::Code(self.string()?, pos));
            } else if items.is_empty() {
                return Err(self.unexpected());
            } else {
                return Ok(Statement::Do(Box::new(Do { items })));
            }
        }
    }

    /// `LoadStmt`.
    pub(in super::super) fn load_stmt(&mut self) -> Result<Statement> {
        self.advance();
        Ok(Statement::Load(self.string()?))
    }
}
