//! Operators, operator classes and families, casts, conversions, collations, text search objects, access methods.

use super::super::ast::*;
use super::super::cursor::{Parser, refuse};
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use super::plain_elem;
use crate::base::Result;

impl Parser<'_> {
    /// CREATE OPERATOR [CLASS | FAMILY].
    pub(super) fn create_operator(&mut self) -> Result<Statement> {
        self.advance();
        match self.peek() {
            Tok::Keyword(Kw::Class) if self.peek_at(1) != Tok::Dot => self.create_operator_class(),
            Tok::Keyword(Kw::Family) if self.peek_at(1) != Tok::Dot => {
                self.advance();
                let name = self.any_name()?;
                self.expect_kw(Kw::Using)?;
                let method = self.col_id()?;
                Ok(Statement::CreateOperatorFamily(Box::new(CreateOperatorFamily { name, method })))
            }
            _ => {
                let name = DefineName::Operator(self.any_operator()?);
                let definition = self.definition()?;
                Ok(Statement::Define(Box::new(define(ObjectType::Operator, name, definition))))
            }
        }
    }

    /// `operator_with_argtypes`.
    pub(super) fn operator_ref(&mut self) -> Result<OperatorRef> {
        let name = self.any_operator()?;
        let (left, right) = self.operator_types()?;
        Ok(OperatorRef { name, left, right })
    }

    /// `oper_argtypes`: `(left, right)`, where NONE stands for a missing side.
    fn operator_types(&mut self) -> Result<(Option<TypeName>, Option<TypeName>)> {
        self.expect(Tok::LParen)?;
        let left = self.type_or_none()?;
        let close = self.pos();
        if self.at(Tok::RParen) && left.is_some() {
            return Err(
                refuse("missing argument", close).hint("Use NONE to denote the missing argument of a unary operator.")
            );
        }
        self.expect(Tok::Comma)?;
        let right = self.type_or_none()?;
        if left.is_none() && right.is_none() {
            return Err(self.previous_unexpected());
        }
        self.expect(Tok::RParen)?;
        Ok((left, right))
    }

    fn type_or_none(&mut self) -> Result<Option<TypeName>> {
        if self.kw(Kw::None) { Ok(None) } else { self.type_name().map(Some) }
    }

    /// ALTER OPERATOR, behind OPERATOR.
    pub(super) fn alter_operator(&mut self) -> Result<Statement> {
        if self.at_any(&[Kw::Class, Kw::Family]) && self.peek_at(1) != Tok::Dot {
            return self.alter_operator_set();
        }
        let operator = self.operator_ref()?;
        if self.at_kw(Kw::Set) && self.peek_at(1) == Tok::LParen {
            self.advance();
            let options = self.operator_definition()?;
            return Ok(Statement::AlterOperator(Box::new(AlterOperator { operator, options })));
        }
        self.alter_tail(ObjectType::Operator, ObjectRef::Operator(operator))
    }

    /// `'(' operator_def_list ')'`.
    pub(super) fn operator_definition(&mut self) -> Result<Vec<DefElem>> {
        self.paren_list(|p| {
            let name = p.col_label()?;
            p.expect(Tok::Equal)?;
            Ok(plain_elem(name, Some(p.def_arg()?)))
        })
    }

    /// ALTER OPERATOR CLASS and FAMILY.
    fn alter_operator_set(&mut self) -> Result<Statement> {
        let family = self.advance().kind == Tok::Keyword(Kw::Family);
        let name = self.any_name()?;
        self.expect_kw(Kw::Using)?;
        let method = self.col_id()?;
        if family && let Some(k) = self.any(&[Kw::Add, Kw::Drop]) {
            let drop = k == Kw::Drop;
            let items = if drop { self.list(Self::opclass_drop)? } else { self.list(Self::opclass_item)? };
            let statement = AlterOperatorFamily { name, method, drop, items };
            return Ok(Statement::AlterOperatorFamily(Box::new(statement)));
        }
        let object = if family { ObjectType::OperatorFamily } else { ObjectType::OperatorClass };
        self.alter_tail(object, ObjectRef::WithMethod { name, method })
    }

    /// `CreateOpClassStmt`, from CLASS on.
    fn create_operator_class(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.any_name()?;
        let default = self.kw(Kw::Default);
        self.expect_seq(&[Kw::For, Kw::Type])?;
        let type_name = self.type_name()?;
        self.expect_kw(Kw::Using)?;
        let method = self.col_id()?;
        let family = if self.kw(Kw::Family) { Some(self.any_name()?) } else { None };
        self.expect_kw(Kw::As)?;
        let items = self.list(Self::opclass_item)?;
        let class = CreateOperatorClass { name, default, type_name, method, family, items };
        Ok(Statement::CreateOperatorClass(Box::new(class)))
    }

    /// `opclass_item`.
    fn opclass_item(&mut self) -> Result<OperatorClassItem> {
        match self.any(&[Kw::Operator, Kw::Function, Kw::Storage]) {
            Some(Kw::Operator) => self.opclass_operator(),
            Some(Kw::Function) => {
                let number = self.integer()?;
                let types = self.opt_paren_list(Self::type_name)?;
                Ok(OperatorClassItem::Function { number, types, function: self.function_ref()? })
            }
            Some(_) => Ok(OperatorClassItem::Storage(self.type_name()?)),
            None => Err(self.unexpected()),
        }
    }

    fn opclass_operator(&mut self) -> Result<OperatorClassItem> {
        let number = self.integer()?;
        let name = self.any_operator()?;
        let types = if self.at(Tok::LParen) { Some(self.operator_types()?) } else { None };
        let mut order_family = None;
        if self.kw(Kw::For) {
            match self.any(&[Kw::Search, Kw::Order]) {
                Some(Kw::Search) => {}
                Some(_) => {
                    self.expect_kw(Kw::By)?;
                    order_family = Some(self.any_name()?);
                }
                None => return Err(self.unexpected()),
            }
        }
        let recheck = self.kw(Kw::Recheck);
        Ok(OperatorClassItem::Operator { number, name, types, order_family, recheck })
    }

    /// `opclass_drop`.
    fn opclass_drop(&mut self) -> Result<OperatorClassItem> {
        let Some(k) = self.any(&[Kw::Operator, Kw::Function]) else { return Err(self.unexpected()) };
        let number = self.integer()?;
        let types = self.paren_list(Self::type_name)?;
        Ok(match k {
            Kw::Operator => OperatorClassItem::DropOperator { number, types },
            _ => OperatorClassItem::DropFunction { number, types },
        })
    }

    /// `CreateCastStmt`.
    pub(super) fn create_cast(&mut self) -> Result<Statement> {
        self.advance();
        let (source, target) = self.cast_types()?;
        let method = match self.any(&[Kw::With, Kw::Without]) {
            Some(Kw::With) if self.kw(Kw::Inout) => CastMethod::InOut,
            Some(Kw::With) => {
                self.expect_kw(Kw::Function)?;
                CastMethod::Function(self.function_ref()?)
            }
            Some(_) => self.expect_kw(Kw::Function).map(|()| CastMethod::WithoutFunction)?,
            None => return Err(self.unexpected()),
        };
        let mut context = CastContext::Explicit;
        if self.kw(Kw::As) {
            context = match self.any(&[Kw::Implicit, Kw::Assignment]) {
                Some(Kw::Implicit) => CastContext::Implicit,
                Some(_) => CastContext::Assignment,
                None => return Err(self.unexpected()),
            };
        }
        Ok(Statement::CreateCast(Box::new(CreateCast { source, target, method, context })))
    }

    /// `'(' Typename AS Typename ')'`.
    pub(super) fn cast_types(&mut self) -> Result<(TypeName, TypeName)> {
        self.parens(|p| {
            let source = p.type_name()?;
            p.expect_kw(Kw::As)?;
            Ok((source, p.type_name()?))
        })
    }

    /// `CreateConversionStmt`.
    pub(super) fn create_conversion(&mut self) -> Result<Statement> {
        let default = self.kw(Kw::Default);
        self.expect_kw(Kw::Conversion)?;
        let name = self.any_name()?;
        self.expect_kw(Kw::For)?;
        let source = self.string()?;
        self.expect_kw(Kw::To)?;
        let target = self.string()?;
        self.expect_kw(Kw::From)?;
        let function = self.any_name()?;
        let conversion = CreateConversion { default, name, source, target, function };
        Ok(Statement::CreateConversion(Box::new(conversion)))
    }

    /// CREATE COLLATION.
    pub(super) fn create_collation(&mut self) -> Result<Statement> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let name = self.any_name()?;
        let from = if self.kw(Kw::From) { Some(self.any_name()?) } else { None };
        let definition = if from.is_none() { self.definition()? } else { Vec::new() };
        let mut statement = define(ObjectType::Collation, DefineName::Qualified(name), definition);
        statement.if_not_exists = if_not_exists;
        statement.from = from;
        Ok(Statement::Define(Box::new(statement)))
    }

    /// CREATE TEXT SEARCH ....
    pub(super) fn create_text_search(&mut self) -> Result<Statement> {
        let object = self.text_search_type()?;
        let name = DefineName::Qualified(self.any_name()?);
        let definition = self.definition()?;
        Ok(Statement::Define(Box::new(define(object, name, definition))))
    }

    /// TEXT SEARCH and the kind behind it.
    pub(super) fn text_search_type(&mut self) -> Result<ObjectType> {
        self.expect_seq(&[Kw::Text, Kw::Search])?;
        match self.any(&[Kw::Parser, Kw::Dictionary, Kw::Template, Kw::Configuration]) {
            Some(Kw::Parser) => Ok(ObjectType::TextSearchParser),
            Some(Kw::Dictionary) => Ok(ObjectType::TextSearchDictionary),
            Some(Kw::Template) => Ok(ObjectType::TextSearchTemplate),
            Some(_) => Ok(ObjectType::TextSearchConfiguration),
            None => Err(self.unexpected()),
        }
    }

    /// `AlterTSConfigurationStmt` behind the name.
    pub(super) fn alter_text_search_configuration(&mut self, name: QualifiedName) -> Result<Statement> {
        let verb = self.any(&[Kw::Add, Kw::Alter, Kw::Drop]);
        self.expect_kw(Kw::Mapping)?;
        let if_exists = verb == Some(Kw::Drop) && self.if_exists();
        let mut tokens = Vec::new();
        if verb == Some(Kw::Alter) && self.kw(Kw::Replace) {
            return self.replace_dictionary(name, tokens);
        }
        self.expect_kw(Kw::For)?;
        tokens = self.col_ids()?;
        let action = match verb {
            Some(Kw::Drop) => TextSearchMapping::Drop { tokens, if_exists },
            Some(Kw::Alter) if self.kw(Kw::Replace) => return self.replace_dictionary(name, tokens),
            _ => {
                self.expect_kw(Kw::With)?;
                let dictionaries = self.list(Self::any_name)?;
                match verb {
                    Some(Kw::Add) => TextSearchMapping::Add { tokens, dictionaries },
                    _ => TextSearchMapping::Alter { tokens, dictionaries },
                }
            }
        };
        let statement = AlterTextSearchConfiguration { name, action };
        Ok(Statement::AlterTextSearchConfiguration(Box::new(statement)))
    }

    fn replace_dictionary(&mut self, name: QualifiedName, tokens: Vec<Ident>) -> Result<Statement> {
        let old = self.any_name()?;
        self.expect_kw(Kw::With)?;
        let action = TextSearchMapping::Replace { tokens, old, new: self.any_name()? };
        let statement = AlterTextSearchConfiguration { name, action };
        Ok(Statement::AlterTextSearchConfiguration(Box::new(statement)))
    }

    /// `CreateAmStmt`.
    pub(super) fn create_access_method(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::Access, Kw::Method])?;
        let name = self.col_id()?;
        self.expect_kw(Kw::Type)?;
        let Some(k) = self.any(&[Kw::Index, Kw::Table]) else { return Err(self.unexpected()) };
        self.expect_kw(Kw::Handler)?;
        let handler = self.any_name()?;
        let method = CreateAccessMethod { name, table: k == Kw::Table, handler };
        Ok(Statement::CreateAccessMethod(Box::new(method)))
    }
}

/// `DefineStmt` of what has a name and a definition and nothing else.
fn define(object: ObjectType, name: DefineName, definition: Vec<DefElem>) -> Define {
    Define {
        object,
        or_replace: false,
        old_style: false,
        if_not_exists: false,
        name,
        args: Vec::new(),
        direct_args: None,
        definition,
        from: None,
    }
}
