//! CREATE TABLE in all its forms: columns, LIKE, partitions, CREATE TABLE AS.

use super::super::ast::*;
use super::super::cursor::{Parser, is_col_id, refuse};
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use crate::base::Result;

impl Parser<'_> {
    /// `CreateStmt` and the CREATE TABLE forms of `CreateAsStmt`, from TABLE on.
    pub(in super::super) fn create_table(&mut self, persistence: Persistence) -> Result<Statement> {
        self.expect_kw(Kw::Table)?;
        let if_not_exists = self.if_not_exists()?;
        let name = self.relation_name()?;
        let mut table = empty_table(name, persistence, if_not_exists);
        match self.peek() {
            Tok::LParen if is_col_id(self.peek_at(1)) && matches!(self.peek_at(2), Tok::Comma | Tok::RParen) => {
                return self.create_table_as(table);
            }
            Tok::LParen => {
                self.advance();
                if !self.at(Tok::RParen) {
                    table.elements = self.list(Self::table_element)?;
                }
                self.expect(Tok::RParen)?;
                if self.kw(Kw::Inherits) {
                    table.inherits = self.paren_list(Self::relation_name)?;
                }
            }
            Tok::Keyword(Kw::Of) => {
                self.advance();
                let name = self.any_name()?;
                let mut type_name = super::super::types::system_type("", name.pos());
                type_name.name = name;
                table.of_type = Some(type_name);
                table.elements = self.opt_paren_list(Self::typed_table_element)?;
            }
            Tok::Keyword(Kw::Partition) => {
                self.advance();
                self.expect_kw(Kw::Of)?;
                let parent = self.relation_name()?;
                table.elements = self.opt_paren_list(Self::typed_table_element)?;
                let bound = self.partition_bound()?;
                table.partition_of = Some(PartitionOf { parent, bound });
            }
            _ => return self.create_table_as(table),
        }
        table.partition_by = self.opt_partition_spec()?;
        self.table_storage(&mut table)?;
        Ok(Statement::CreateTable(Box::new(table)))
    }

    /// `table_access_method_clause OptWith OnCommitOption OptTableSpace`.
    fn table_storage(&mut self, table: &mut CreateTable) -> Result<()> {
        if self.kw(Kw::Using) {
            table.access_method = Some(self.col_id()?);
        }
        if self.kw(Kw::Without) {
            self.expect_kw(Kw::Oids)?;
        } else {
            table.options = self.opt_reloptions()?;
        }
        if self.kw(Kw::On) {
            self.expect_kw(Kw::Commit)?;
            table.on_commit = match self.any(&[Kw::Drop, Kw::Delete, Kw::Preserve]) {
                Some(Kw::Drop) => OnCommit::Drop,
                Some(Kw::Delete) => self.expect_kw(Kw::Rows).map(|()| OnCommit::DeleteRows)?,
                Some(_) => self.expect_kw(Kw::Rows).map(|()| OnCommit::PreserveRows)?,
                None => return Err(self.unexpected()),
            };
        }
        table.tablespace = self.opt_tablespace()?;
        Ok(())
    }

    /// `OptTableSpace`.
    pub(super) fn opt_tablespace(&mut self) -> Result<Option<Ident>> {
        if self.kw(Kw::Tablespace) { self.col_id().map(Some) } else { Ok(None) }
    }

    /// `create_as_target AS ...`, from the column list on.
    fn create_table_as(&mut self, mut table: CreateTable) -> Result<Statement> {
        let columns = self.opt_columns()?;
        self.table_storage(&mut table)?;
        self.expect_kw(Kw::As)?;
        let source = match self.peek() {
            Tok::Keyword(Kw::Execute) => self.execute_stmt()?,
            _ => Statement::Select(Box::new(self.select_no_parens()?)),
        };
        let with_data = self.opt_with_data()?;
        Ok(Statement::CreateTableAs(Box::new(CreateTableAs {
            materialized: false,
            into: IntoClause { name: table.name, persistence: table.persistence },
            columns,
            if_not_exists: table.if_not_exists,
            access_method: table.access_method,
            options: table.options,
            on_commit: table.on_commit,
            tablespace: table.tablespace,
            source,
            with_data,
            query_start: 0,
            query_end: 0,
        })))
    }

    /// `opt_with_data`.
    pub(in super::super) fn opt_with_data(&mut self) -> Result<bool> {
        if !self.kw(Kw::With) {
            return Ok(true);
        }
        let without = self.kw(Kw::No);
        self.expect_kw(Kw::Data)?;
        Ok(!without)
    }

    /// CREATE FOREIGN TABLE, from TABLE on.
    pub(super) fn create_foreign_table(&mut self) -> Result<Statement> {
        self.expect_kw(Kw::Table)?;
        let if_not_exists = self.if_not_exists()?;
        let name = self.relation_name()?;
        let mut table = empty_table(name, Persistence::Permanent, if_not_exists);
        if self.kw(Kw::Partition) {
            self.expect_kw(Kw::Of)?;
            let parent = self.relation_name()?;
            table.elements = self.opt_paren_list(Self::typed_table_element)?;
            let bound = self.partition_bound()?;
            table.partition_of = Some(PartitionOf { parent, bound });
        } else {
            self.expect(Tok::LParen)?;
            if !self.at(Tok::RParen) {
                table.elements = self.list(Self::table_element)?;
            }
            self.expect(Tok::RParen)?;
            if self.kw(Kw::Inherits) {
                table.inherits = self.paren_list(Self::relation_name)?;
            }
        }
        self.expect_kw(Kw::Server)?;
        let server = self.col_id()?;
        let options = self.create_generic_options()?;
        table.foreign = Some(ForeignTable { server, options });
        Ok(Statement::CreateTable(Box::new(table)))
    }

    /// `TableElement`.
    fn table_element(&mut self) -> Result<TableElement> {
        if self.at_kw(Kw::Like) {
            return self.table_like().map(TableElement::Like);
        }
        if self.at_table_constraint() {
            return self.table_constraint().map(TableElement::Constraint);
        }
        self.column_def().map(TableElement::Column)
    }

    /// `TypedTableElement`: a column without type, or a constraint.
    fn typed_table_element(&mut self) -> Result<TableElement> {
        if self.at_table_constraint() {
            return self.table_constraint().map(TableElement::Constraint);
        }
        let name = self.col_id()?;
        if self.kw(Kw::With) {
            self.expect_kw(Kw::Options)?;
        }
        let mut column = ColumnDef {
            name,
            type_name: None,
            collation: None,
            compression: None,
            constraints: Vec::new(),
            options: Vec::new(),
        };
        self.column_qualifiers(&mut column)?;
        Ok(TableElement::Column(column))
    }

    /// `columnDef`.
    pub(super) fn column_def(&mut self) -> Result<ColumnDef> {
        let name = self.col_id()?;
        let type_name = Some(self.type_name()?);
        let compression = if self.kw(Kw::Compression) { Some(self.compression_method()?) } else { None };
        let options = self.create_generic_options()?;
        let mut column = ColumnDef { name, type_name, collation: None, compression, constraints: Vec::new(), options };
        self.column_qualifiers(&mut column)?;
        Ok(column)
    }

    /// `column_compression` behind its keyword.
    pub(super) fn compression_method(&mut self) -> Result<String> {
        if self.kw(Kw::Default) { Ok("default".to_string()) } else { Ok(self.col_id()?.name) }
    }

    /// `TableLikeClause`.
    fn table_like(&mut self) -> Result<LikeClause> {
        self.advance();
        let table = self.relation_name()?;
        let mut options = Vec::new();
        while let Some(k) = self.any(&[Kw::Including, Kw::Excluding]) {
            let option = match self.peek() {
                Tok::Keyword(Kw::Comments) => LikeOption::Comments,
                Tok::Keyword(Kw::Compression) => LikeOption::Compression,
                Tok::Keyword(Kw::Constraints) => LikeOption::Constraints,
                Tok::Keyword(Kw::Defaults) => LikeOption::Defaults,
                Tok::Keyword(Kw::Identity) => LikeOption::Identity,
                Tok::Keyword(Kw::Generated) => LikeOption::Generated,
                Tok::Keyword(Kw::Indexes) => LikeOption::Indexes,
                Tok::Keyword(Kw::Statistics) => LikeOption::Statistics,
                Tok::Keyword(Kw::Storage) => LikeOption::Storage,
                Tok::Keyword(Kw::All) => LikeOption::All,
                _ => return Err(self.unexpected()),
            };
            self.advance();
            options.push((option, k == Kw::Including));
        }
        Ok(LikeClause { table, options })
    }

    /// `OptPartitionSpec`.
    fn opt_partition_spec(&mut self) -> Result<Option<PartitionSpec>> {
        let pos = self.pos();
        if !self.kw(Kw::Partition) {
            return Ok(None);
        }
        self.expect_kw(Kw::By)?;
        let strategy = self.col_id()?;
        let elements = self.paren_list(Self::partition_element)?;
        Ok(Some(PartitionSpec { strategy, elements, pos }))
    }

    /// `part_elem`.
    fn partition_element(&mut self) -> Result<PartitionElement> {
        let pos = self.pos();
        let key = self.index_key()?;
        let collation = self.opt_collate()?;
        let operator_class = self.opt_operator_class()?;
        Ok(PartitionElement { key, collation, operator_class, pos })
    }

    /// `PartitionBoundSpec`.
    pub(super) fn partition_bound(&mut self) -> Result<PartitionBound> {
        if self.kw(Kw::Default) {
            return Ok(PartitionBound::Default);
        }
        self.expect_seq(&[Kw::For, Kw::Values])?;
        let pos = self.pos();
        match self.any(&[Kw::With, Kw::In, Kw::From]) {
            Some(Kw::With) => self.hash_bound(pos),
            Some(Kw::In) => Ok(PartitionBound::List { values: self.paren_list(Self::a_expr)?, pos }),
            Some(_) => {
                let from = self.paren_list(Self::a_expr)?;
                self.expect_kw(Kw::To)?;
                Ok(PartitionBound::Range { from, to: self.paren_list(Self::a_expr)?, pos })
            }
            None => Err(self.unexpected()),
        }
    }

    /// `hash_partbound`.
    fn hash_bound(&mut self, pos: Pos) -> Result<PartitionBound> {
        let (mut modulus, mut remainder) = (None, None);
        let items = self.paren_list(|p| Ok((p.non_reserved_word()?, p.integer()?)))?;
        for (word, value) in items {
            let slot = match word.name.as_str() {
                "modulus" => &mut modulus,
                "remainder" => &mut remainder,
                _ => {
                    let message = format!("unrecognized hash partition bound specification \"{word}\"");
                    return Err(refuse(message, word.pos));
                }
            };
            if slot.replace(value).is_some() {
                let message = format!("{word} for hash partition provided more than once");
                return Err(crate::base::Error::new(crate::base::SqlState::DUPLICATE_OBJECT, message).at(word.pos));
            }
        }
        let missing = |what: &str| refuse(format!("{what} for hash partition must be specified"), pos);
        Ok(PartitionBound::Hash {
            modulus: modulus.ok_or_else(|| missing("modulus"))?,
            remainder: remainder.ok_or_else(|| missing("remainder"))?,
            pos,
        })
    }
}

fn empty_table(name: RelationName, persistence: Persistence, if_not_exists: bool) -> CreateTable {
    CreateTable {
        name,
        persistence,
        if_not_exists,
        elements: Vec::new(),
        inherits: Vec::new(),
        of_type: None,
        partition_of: None,
        partition_by: None,
        access_method: None,
        options: Vec::new(),
        on_commit: OnCommit::Default,
        tablespace: None,
        foreign: None,
    }
}
