//! FROM: `from_list`, `table_ref` and joins.

use super::ast::*;
use super::cursor::{Parser, is_col_id};
use super::keywords::Keyword as Kw;
use super::lexer::Tok;
use super::select::alias_needed;
use crate::base::Result;

/// What a parenthesis in FROM held.
enum TableParen {
    Query(Box<Query>, Pos),
    Table(TableRef),
}

impl Parser<'_> {
    /// `from_list`.
    pub(super) fn table_refs(&mut self) -> Result<Vec<TableRef>> {
        self.list(Self::table_ref)
    }

    /// `table_ref`: an item and the joins behind it.
    pub(super) fn table_ref(&mut self) -> Result<TableRef> {
        self.enter()?;
        let outer = std::mem::replace(&mut self.height, 0);
        let first = self.table_primary()?;
        let table = self.joins(first)?;
        self.height = self.height.max(outer);
        self.leave();
        Ok(table)
    }

    /// The joins behind `left`, whose height is the parser's.
    fn joins(&mut self, mut left: TableRef) -> Result<TableRef> {
        let mut tall = self.height + 1;
        while self.at_join() {
            self.height = 0;
            left = self.join(left)?;
            tall = tall.max(self.height) + 1;
            self.raise(tall)?;
        }
        self.height = tall;
        Ok(left)
    }

    fn at_join(&self) -> bool {
        self.at_any(&[Kw::Join, Kw::Inner, Kw::Left, Kw::Right, Kw::Full, Kw::Cross, Kw::Natural])
    }

    /// One step of `joined_table`.
    fn join(&mut self, left: TableRef) -> Result<TableRef> {
        let pos = self.pos();
        if self.kw(Kw::Cross) {
            self.expect_kw(Kw::Join)?;
            let right = self.table_primary()?;
            let (kind, constraint) = (JoinKind::Cross, JoinConstraint::None);
            return Ok(TableRef::Join(Box::new(Join { kind, left, right, constraint, alias: None, pos })));
        }
        let natural = self.kw(Kw::Natural);
        let kind = self.join_type()?;
        let (right, constraint) = if natural {
            (self.table_primary()?, JoinConstraint::Natural)
        } else {
            let right = self.join_operand()?;
            (right, self.join_qual()?)
        };
        Ok(TableRef::Join(Box::new(Join { kind, left, right, constraint, alias: None, pos })))
    }

    /// `join_type JOIN`.
    fn join_type(&mut self) -> Result<JoinKind> {
        let kind = match self.any(&[Kw::Inner, Kw::Left, Kw::Right, Kw::Full]) {
            None | Some(Kw::Inner) => JoinKind::Inner,
            Some(outer) => {
                self.kw(Kw::Outer);
                match outer {
                    Kw::Left => JoinKind::Left,
                    Kw::Right => JoinKind::Right,
                    _ => JoinKind::Full,
                }
            }
        };
        self.expect_kw(Kw::Join)?;
        Ok(kind)
    }

    /// The right side of a join that needs ON or USING: joins that come before that word belong to it.
    fn join_operand(&mut self) -> Result<TableRef> {
        self.enter()?;
        let mut table = self.table_primary()?;
        while self.at_join() {
            table = self.join(table)?;
            let height = self.height + 1;
            self.raise(height)?;
        }
        self.leave();
        Ok(table)
    }

    /// `join_qual`.
    fn join_qual(&mut self) -> Result<JoinConstraint> {
        if self.kw(Kw::Using) {
            let columns = self.paren_list(Self::col_id)?;
            let alias = if self.kw(Kw::As) { Some(self.col_id()?) } else { None };
            return Ok(JoinConstraint::Using { columns, alias });
        }
        self.expect_kw(Kw::On)?;
        Ok(JoinConstraint::On(self.a_expr()?))
    }

    fn table_primary(&mut self) -> Result<TableRef> {
        let pos = self.pos();
        match self.peek() {
            Tok::LParen => match self.table_paren()? {
                TableParen::Query(query, pos) => self.subquery(*query, pos, false),
                TableParen::Table(table) => self.aliased_join(table),
            },
            Tok::Keyword(Kw::Lateral) => {
                self.advance();
                self.lateral(pos)
            }
            _ if self.at_xmltable() => self.xmltable(pos, false),
            _ if self.at_table_function() => self.table_function(pos, false),
            _ => self.relation(),
        }
    }

    fn lateral(&mut self, pos: Pos) -> Result<TableRef> {
        if self.at(Tok::LParen) {
            let at = self.pos();
            let query = self.select_with_parens()?;
            return self.subquery(query, at, true);
        }
        if self.at_xmltable() {
            return self.xmltable(pos, true);
        }
        self.table_function(pos, true)
    }

    fn at_xmltable(&self) -> bool {
        self.at_kw(Kw::Xmltable) && self.peek_at(1) == Tok::LParen
    }

    fn at_table_function(&self) -> bool {
        self.at_seq(&[Kw::Rows, Kw::From]) || self.at_function()
    }

    /// `relation_expr opt_alias_clause [tablesample_clause]`.
    fn relation(&mut self) -> Result<TableRef> {
        let relation = self.relation_expr()?;
        let alias = self.opt_alias()?;
        let sample = if self.at_kw(Kw::Tablesample) { Some(Box::new(self.tablesample()?)) } else { None };
        Ok(TableRef::Relation { relation, alias, sample })
    }

    /// `tablesample_clause`.
    fn tablesample(&mut self) -> Result<TableSample> {
        self.advance();
        let pos = self.pos();
        let method = self.func_name()?;
        let args = self.paren_list(Self::a_expr)?;
        let repeatable = if self.kw(Kw::Repeatable) { Some(self.parens(Self::a_expr)?) } else { None };
        Ok(TableSample { method, args, repeatable, pos })
    }

    /// A query in parentheses with its alias, which PostgreSQL 15 demands.
    fn subquery(&mut self, query: Query, pos: Pos, lateral: bool) -> Result<TableRef> {
        let alias = self.opt_alias()?;
        if alias.is_none() {
            return Err(alias_needed(&query, pos));
        }
        Ok(TableRef::Subquery { lateral, query: Box::new(query), alias, pos })
    }

    /// `'(' joined_table ')' [alias_clause]`.
    fn aliased_join(&mut self, mut table: TableRef) -> Result<TableRef> {
        let alias = self.opt_alias()?;
        if let TableRef::Join(join) = &mut table
            && alias.is_some()
        {
            join.alias = alias;
        }
        Ok(table)
    }

    /// A parenthesis that holds a query or a join. As in expressions, a parenthesised query may prove to be the first
    /// operand of a larger query, or the first table of a join.
    fn table_paren(&mut self) -> Result<TableParen> {
        self.enter()?;
        let pos = self.expect(Tok::LParen)?.pos();
        let paren = if self.at_query_start() {
            TableParen::Query(Box::new(self.select_no_parens()?), pos)
        } else if self.at(Tok::LParen) {
            match self.table_paren()? {
                TableParen::Query(query, _) if self.at(Tok::RParen) => TableParen::Query(query, pos),
                TableParen::Query(query, _) if self.at_query_tail() => {
                    TableParen::Query(Box::new(self.select_behind_parens(*query)?), pos)
                }
                TableParen::Query(query, inner) => {
                    let first = self.subquery(*query, inner, false)?;
                    TableParen::Table(self.joined_table(first)?)
                }
                TableParen::Table(table) => {
                    let bare = self.at(Tok::RParen);
                    let first = self.aliased_join(table)?;
                    TableParen::Table(if bare { first } else { self.joined_table(first)? })
                }
            }
        } else {
            let first = self.table_primary()?;
            TableParen::Table(self.joined_table(first)?)
        };
        self.expect(Tok::RParen)?;
        self.leave();
        Ok(paren)
    }

    /// `joined_table`: at least one join.
    fn joined_table(&mut self, first: TableRef) -> Result<TableRef> {
        if !self.at_join() {
            return Err(self.unexpected());
        }
        self.joins(first)
    }

    /// `func_table func_alias_clause`.
    fn table_function(&mut self, pos: Pos, lateral: bool) -> Result<TableRef> {
        let rows_from = self.seq(&[Kw::Rows, Kw::From]);
        let functions = if rows_from {
            self.paren_list(Self::rowsfrom_item)?
        } else {
            vec![RowsFromItem { function: self.func_expr_windowless()?, columns: Vec::new() }]
        };
        let ordinality = self.opt_ordinality();
        let (alias, columns) = self.func_alias_clause()?;
        let function = TableFunction { lateral, rows_from, functions, ordinality, alias, columns, pos };
        Ok(TableRef::Function(Box::new(function)))
    }

    /// `rowsfrom_item`.
    fn rowsfrom_item(&mut self) -> Result<RowsFromItem> {
        let function = self.func_expr_windowless()?;
        let columns = if self.kw(Kw::As) { self.paren_list(Self::table_func_element)? } else { Vec::new() };
        Ok(RowsFromItem { function, columns })
    }

    /// `opt_ordinality`.
    fn opt_ordinality(&mut self) -> bool {
        self.seq(&[Kw::With, Kw::Ordinality])
    }

    /// `func_alias_clause`: names of columns, or names with types.
    fn func_alias_clause(&mut self) -> Result<(Option<Alias>, Vec<ColumnDef>)> {
        let explicit = self.kw(Kw::As);
        if explicit && self.at(Tok::LParen) {
            return Ok((None, self.paren_list(Self::table_func_element)?));
        }
        if !explicit && !is_col_id(self.peek()) {
            return Ok((None, Vec::new()));
        }
        let name = self.col_id()?;
        let mut alias = Alias { name: name.name, columns: Vec::new(), pos: name.pos };
        let mut columns = Vec::new();
        if self.at(Tok::LParen) {
            if matches!(self.peek_at(2), Tok::Comma | Tok::RParen) {
                alias.columns = self.paren_list(Self::col_id)?;
            } else {
                columns = self.paren_list(Self::table_func_element)?;
            }
        }
        Ok((Some(alias), columns))
    }

    /// `TableFuncElement`.
    pub(super) fn table_func_element(&mut self) -> Result<ColumnDef> {
        let name = self.col_id()?;
        let type_name = Some(self.type_name()?);
        let collation = self.opt_collate()?;
        Ok(ColumnDef { name, type_name, collation, compression: None, constraints: Vec::new(), options: Vec::new() })
    }

    /// `opt_collate_clause`.
    pub(super) fn opt_collate(&mut self) -> Result<Option<QualifiedName>> {
        if self.kw(Kw::Collate) { self.any_name().map(Some) } else { Ok(None) }
    }

    /// `xmltable`.
    fn xmltable(&mut self, pos: Pos, lateral: bool) -> Result<TableRef> {
        self.advance();
        self.expect(Tok::LParen)?;
        let mut namespaces = Vec::new();
        if self.at_kw(Kw::Xmlnamespaces) && self.peek_at(1) == Tok::LParen {
            self.advance();
            namespaces = self.paren_list(Self::xml_namespace)?;
            self.expect(Tok::Comma)?;
        }
        let row = self.c_expr()?;
        let document = self.xmlexists_argument()?;
        self.expect_kw(Kw::Columns)?;
        let columns = self.list(Self::xmltable_column)?;
        self.expect(Tok::RParen)?;
        let alias = self.opt_alias()?;
        Ok(TableRef::XmlTable(Box::new(XmlTable { lateral, namespaces, row, document, columns, alias, pos })))
    }

    /// `xml_namespace_el`.
    fn xml_namespace(&mut self) -> Result<XmlAttribute> {
        if self.kw(Kw::Default) {
            return Ok(XmlAttribute { value: self.b_expr()?, name: None });
        }
        let value = self.b_expr()?;
        self.expect_kw(Kw::As)?;
        Ok(XmlAttribute { value, name: Some(self.col_label()?) })
    }

    /// `xmltable_column_el`.
    fn xmltable_column(&mut self) -> Result<XmlTableColumn> {
        let name = self.col_id()?;
        let mut column = XmlTableColumn { name, type_name: None, path: None, default: None, not_null: false };
        if self.kw(Kw::For) {
            self.expect_kw(Kw::Ordinality)?;
            return Ok(column);
        }
        column.type_name = Some(self.type_name()?);
        let mut nullable = false;
        loop {
            let pos = self.pos();
            let repeated = if self.kw(Kw::Default) {
                column.default.replace(self.b_expr()?).map(|_| "only one DEFAULT value is allowed")
            } else if self.kw(Kw::Not) {
                self.expect_kw(Kw::Null)?;
                let again = column.not_null || nullable;
                column.not_null = true;
                again.then_some("conflicting or redundant NULL / NOT NULL declarations for column \"%\"")
            } else if self.kw(Kw::Null) {
                let again = column.not_null || nullable;
                nullable = true;
                again.then_some("conflicting or redundant NULL / NOT NULL declarations for column \"%\"")
            } else if self.at(Tok::Ident) {
                self.xmltable_path(&mut column)?
            } else {
                return Ok(column);
            };
            if let Some(message) = repeated {
                return Err(super::cursor::refuse(message.replace('%', &column.name.name), pos));
            }
        }
    }

    /// `IDENT b_expr`, of which only PATH is known.
    fn xmltable_path(&mut self, column: &mut XmlTableColumn) -> Result<Option<&'static str>> {
        let word = self.col_label()?;
        let value = self.b_expr()?;
        if word.name != "path" {
            let message = format!("unrecognized column option \"{word}\"");
            return Err(super::cursor::refuse(message, word.pos));
        }
        Ok(column.path.replace(value).map(|_| "only one PATH value per column is allowed"))
    }
}
