//! Functions, procedures, aggregates, languages, transforms, DO and CALL's definitions of arguments.

use super::super::ast::*;
use super::super::cursor::{Parser, is_ident, is_type_function_name};
use super::super::keywords::{Keyword as Kw, KeywordClass};
use super::super::lexer::Tok;
use super::super::statement::not_yet;
use super::plain_elem;
use crate::base::Result;

impl Parser<'_> {
    /// `CreateFunctionStmt`, from FUNCTION or PROCEDURE on.
    pub(super) fn create_function(&mut self, or_replace: bool) -> Result<Statement> {
        let procedure = self.advance().kind == Tok::Keyword(Kw::Procedure);
        let name = self.func_name()?;
        self.expect(Tok::LParen)?;
        let mut parameters = if self.at(Tok::RParen) { Vec::new() } else { self.list(Self::func_arg_with_default)? };
        self.expect(Tok::RParen)?;
        let mut returns = None;
        if !procedure && self.at_kw(Kw::Returns) && self.kw_at(1) != Some(Kw::Null) {
            self.advance();
            if self.kw(Kw::Table) {
                parameters.extend(self.paren_list(Self::table_func_column)?);
            } else {
                returns = Some(self.func_type()?);
            }
        }
        let mut options = Vec::new();
        while let Some(option) = self.opt_function_option()? {
            options.push(option);
        }
        let sql_body = self.opt_routine_body()?;
        let function = CreateFunction { procedure, or_replace, name, parameters, returns, options, sql_body };
        Ok(Statement::CreateFunction(Box::new(function)))
    }

    /// `table_func_column`.
    fn table_func_column(&mut self) -> Result<FunctionParameter> {
        let name = Some(self.type_function_name()?);
        Ok(FunctionParameter { name, type_name: self.func_type()?, mode: ParameterMode::Table, default: None })
    }

    /// `opt_routine_body`.
    fn opt_routine_body(&mut self) -> Result<Option<SqlBody>> {
        if self.kw(Kw::Return) {
            return Ok(Some(SqlBody::Return(self.a_expr()?)));
        }
        if !self.kw(Kw::Begin) {
            return Ok(None);
        }
        self.expect_kw(Kw::Atomic)?;
        self.enter()?;
        let mut statements = Vec::new();
        while !self.kw(Kw::End) {
            if self.take(Tok::Semicolon) {
                continue;
            }
            statements.push(if self.kw(Kw::Return) {
                SqlBodyStatement::Return(self.a_expr()?)
            } else {
                SqlBodyStatement::Statement(self.stmt()?)
            });
            self.expect(Tok::Semicolon)?;
        }
        self.leave();
        Ok(Some(SqlBody::Atomic(statements)))
    }

    /// `func_arg_with_default`.
    fn func_arg_with_default(&mut self) -> Result<FunctionParameter> {
        let mut parameter = self.func_arg()?;
        if self.kw(Kw::Default) || self.take(Tok::Equal) {
            parameter.default = Some(self.a_expr()?);
        }
        Ok(parameter)
    }

    /// `func_arg`: mode and name in either order, both optional.
    fn func_arg(&mut self) -> Result<FunctionParameter> {
        let mut mode = self.opt_arg_class();
        let mut name = None;
        if self.at_parameter_name() {
            name = Some(self.type_function_name()?);
            if mode.is_none() {
                mode = self.opt_arg_class();
            }
        }
        let type_name = self.func_type()?;
        Ok(FunctionParameter { name, type_name, mode: mode.unwrap_or(ParameterMode::Default), default: None })
    }

    /// Whether a name stands here, rather than the type: then a mode or a type follows it.
    fn at_parameter_name(&self) -> bool {
        if !is_type_function_name(self.peek()) {
            return false;
        }
        match self.peek_at(1) {
            Tok::Keyword(k) => match k.class() {
                KeywordClass::Unreserved | KeywordClass::TypeFuncName => true,
                KeywordClass::Reserved => matches!(k, Kw::In | Kw::Variadic),
                KeywordClass::ColName => k != Kw::Precision,
            },
            next => is_ident(next),
        }
    }

    /// `arg_class`.
    fn opt_arg_class(&mut self) -> Option<ParameterMode> {
        Some(match self.any(&[Kw::In, Kw::Out, Kw::Inout, Kw::Variadic])? {
            Kw::In if self.kw(Kw::Out) => ParameterMode::InOut,
            Kw::In => ParameterMode::In,
            Kw::Out => ParameterMode::Out,
            Kw::Inout => ParameterMode::InOut,
            _ => ParameterMode::Variadic,
        })
    }

    /// `function_with_argtypes`.
    pub(super) fn function_ref(&mut self) -> Result<FunctionRef> {
        // Without arguments the name may be any ColId; with them, `func_name` decides.
        let mut ahead = 1;
        while self.peek_at(ahead) == Tok::Dot {
            ahead += 2;
        }
        if self.peek_at(ahead) != Tok::LParen {
            let name = match self.peek() {
                kind if is_type_function_name(kind) && ahead == 1 => {
                    QualifiedName { parts: vec![self.type_function_name()?] }
                }
                _ => self.any_name()?,
            };
            self.refuse_indirection()?;
            return Ok(FunctionRef { name, args: None, direct_args: None });
        }
        let name = self.func_name()?;
        self.expect(Tok::LParen)?;
        let args = if self.at(Tok::RParen) { Vec::new() } else { self.list(Self::func_arg)? };
        self.expect(Tok::RParen)?;
        Ok(FunctionRef { name, args: Some(args), direct_args: None })
    }

    /// `aggregate_with_argtypes`.
    pub(super) fn aggregate_ref(&mut self) -> Result<FunctionRef> {
        let name = self.func_name()?;
        let (args, direct_args) = self.aggr_args()?;
        Ok(FunctionRef { name, args: Some(args), direct_args })
    }

    /// `aggr_args`: the arguments, and how many stand before ORDER BY.
    fn aggr_args(&mut self) -> Result<(Vec<FunctionParameter>, Option<usize>)> {
        self.expect(Tok::LParen)?;
        if self.take(Tok::Star) {
            self.expect(Tok::RParen)?;
            return Ok((Vec::new(), None));
        }
        let mut args = if self.at_kw(Kw::Order) { Vec::new() } else { self.list(Self::aggr_arg)? };
        let mut direct = None;
        if self.kw(Kw::Order) {
            self.expect_kw(Kw::By)?;
            direct = Some(args.len());
            args.extend(self.list(Self::aggr_arg)?);
        }
        self.expect(Tok::RParen)?;
        Ok((args, direct))
    }

    /// `aggr_arg`.
    fn aggr_arg(&mut self) -> Result<FunctionParameter> {
        let pos = self.pos();
        let arg = self.func_arg()?;
        match arg.mode {
            ParameterMode::Out | ParameterMode::InOut => Err(not_yet("aggregates cannot have output arguments", pos)),
            _ => Ok(arg),
        }
    }

    /// `createfunc_opt_item`.
    fn opt_function_option(&mut self) -> Result<Option<FunctionOption>> {
        let pos = self.pos();
        let kind = match self.peek() {
            Tok::Keyword(Kw::As) => {
                self.advance();
                let mut parts = vec![self.string()?];
                if self.take(Tok::Comma) {
                    parts.push(self.string()?);
                }
                FunctionOptionKind::As(parts)
            }
            Tok::Keyword(Kw::Language) => {
                self.advance();
                FunctionOptionKind::Language(self.word_or_string()?)
            }
            Tok::Keyword(Kw::Transform) => {
                self.advance();
                FunctionOptionKind::Transform(self.list(|p| {
                    p.expect_seq(&[Kw::For, Kw::Type])?;
                    p.type_name()
                })?)
            }
            Tok::Keyword(Kw::Window) => {
                self.advance();
                FunctionOptionKind::Window
            }
            _ => return self.opt_common_option(),
        };
        Ok(Some(FunctionOption { kind, pos }))
    }

    /// `common_func_opt_item`.
    fn opt_common_option(&mut self) -> Result<Option<FunctionOption>> {
        use FunctionOptionKind::*;
        let pos = self.pos();
        let Tok::Keyword(k) = self.peek() else { return Ok(None) };
        if !matches!(
            k,
            Kw::Called
                | Kw::Returns
                | Kw::Strict
                | Kw::Immutable
                | Kw::Stable
                | Kw::Volatile
                | Kw::External
                | Kw::Security
                | Kw::Leakproof
                | Kw::Not
                | Kw::Cost
                | Kw::Rows
                | Kw::Support
                | Kw::Set
                | Kw::Reset
                | Kw::Parallel
        ) {
            return Ok(None);
        }
        self.advance();
        let kind = match k {
            Kw::Called => self.expect_seq(&[Kw::On, Kw::Null, Kw::Input]).map(|()| Strict(false))?,
            Kw::Returns => self.expect_seq(&[Kw::Null, Kw::On, Kw::Null, Kw::Input]).map(|()| Strict(true))?,
            Kw::Strict => Strict(true),
            Kw::Immutable => Volatility(super::super::ast::Volatility::Immutable),
            Kw::Stable => Volatility(super::super::ast::Volatility::Stable),
            Kw::Volatile => Volatility(super::super::ast::Volatility::Volatile),
            Kw::External | Kw::Security => {
                if k == Kw::External {
                    self.expect_kw(Kw::Security)?;
                }
                match self.any(&[Kw::Definer, Kw::Invoker]) {
                    Some(k) => SecurityDefiner(k == Kw::Definer),
                    None => return Err(self.unexpected()),
                }
            }
            Kw::Leakproof => Leakproof(true),
            Kw::Not => self.expect_kw(Kw::Leakproof).map(|()| Leakproof(false))?,
            Kw::Cost => Cost(self.signed_number()?),
            Kw::Rows => Rows(self.signed_number()?),
            Kw::Support => Support(self.any_name()?),
            Kw::Set => Set(self.set_rest_more(false)?),
            Kw::Reset => Set(self.reset_rest()?),
            _ => Parallel(self.col_id()?),
        };
        Ok(Some(FunctionOption { kind, pos }))
    }

    /// `AlterFunctionStmt` behind the function.
    pub(super) fn alter_function(&mut self, object: ObjectType, function: FunctionRef) -> Result<Statement> {
        let mut options = Vec::new();
        while let Some(option) = self.opt_common_option()? {
            options.push(option);
        }
        if options.is_empty() {
            return Err(self.unexpected());
        }
        self.kw(Kw::Restrict);
        Ok(Statement::AlterFunction(Box::new(AlterFunction { object, function, options })))
    }

    /// CREATE AGGREGATE, in its new and its old form.
    pub(super) fn create_aggregate(&mut self, or_replace: bool) -> Result<Statement> {
        self.advance();
        let name = DefineName::Qualified(self.func_name()?);
        let mut define = Define {
            object: ObjectType::Aggregate,
            or_replace,
            old_style: is_ident(self.peek_at(1)) && self.peek_at(2) == Tok::Equal,
            if_not_exists: false,
            name,
            args: Vec::new(),
            direct_args: None,
            definition: Vec::new(),
            from: None,
        };
        if define.old_style {
            define.definition = self.paren_list(Self::old_aggr_elem)?;
        } else {
            (define.args, define.direct_args) = self.aggr_args()?;
            define.definition = self.definition()?;
        }
        Ok(Statement::Define(Box::new(define)))
    }

    /// `old_aggr_elem`: no keyword may name it.
    fn old_aggr_elem(&mut self) -> Result<DefElem> {
        if !is_ident(self.peek()) {
            return Err(self.unexpected());
        }
        let name = self.col_label()?;
        self.expect(Tok::Equal)?;
        let value = self.def_arg()?;
        Ok(plain_elem(name, Some(value)))
    }

    /// `CreatePLangStmt`.
    pub(super) fn create_language(&mut self, or_replace: bool) -> Result<Statement> {
        let trusted = self.kw(Kw::Trusted);
        self.kw(Kw::Procedural);
        self.expect_kw(Kw::Language)?;
        let name = self.col_id()?;
        let mut language = CreateLanguage { or_replace, trusted, name, handler: None, inline: None, validator: None };
        if self.kw(Kw::Handler) {
            language.handler = Some(self.any_name()?);
            if self.kw(Kw::Inline) {
                language.inline = Some(self.any_name()?);
            }
            if self.kw(Kw::Validator) {
                language.validator = Some(self.any_name()?);
            } else if self.kw(Kw::No) {
                self.expect_kw(Kw::Validator)?;
            }
        }
        Ok(Statement::CreateLanguage(Box::new(language)))
    }

    /// `CreateTransformStmt`.
    pub(super) fn create_transform(&mut self, or_replace: bool) -> Result<Statement> {
        self.expect_seq(&[Kw::Transform, Kw::For])?;
        let type_name = self.type_name()?;
        self.expect_kw(Kw::Language)?;
        let language = self.col_id()?;
        let mut transform = CreateTransform { or_replace, type_name, language, from_sql: None, to_sql: None };
        self.expect(Tok::LParen)?;
        loop {
            let Some(k) = self.any(&[Kw::From, Kw::To]) else { return Err(self.unexpected()) };
            let slot = if k == Kw::From { &mut transform.from_sql } else { &mut transform.to_sql };
            if slot.is_some() {
                return Err(self.previous_unexpected());
            }
            self.expect_seq(&[Kw::Sql, Kw::With, Kw::Function])?;
            *slot = Some(self.function_ref()?);
            if !self.take(Tok::Comma) {
                break;
            }
        }
        self.expect(Tok::RParen)?;
        Ok(Statement::CreateTransform(Box::new(transform)))
    }
}
