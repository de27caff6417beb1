//! Names of things: `ColId`, `any_name`, `qualified_name`, `func_name`, aliases, roles, operators.

use super::ast::*;
use super::cursor::{Parser, is_col_id, is_col_label, is_ident, is_type_function_name, refuse};
use super::keywords::{Keyword as Kw, KeywordClass};
use super::lexer::Tok;
use crate::base::{Error, Result, SqlState};

impl Parser<'_> {
    /// `ColId`, also `name`.
    pub(super) fn col_id(&mut self) -> Result<Ident> {
        self.name_if(is_col_id(self.peek()))
    }

    /// `type_function_name`.
    pub(super) fn type_function_name(&mut self) -> Result<Ident> {
        self.name_if(is_type_function_name(self.peek()))
    }

    /// `ColLabel`: any word at all.
    pub(super) fn col_label(&mut self) -> Result<Ident> {
        self.name_if(is_col_label(self.peek()))
    }

    /// `NonReservedWord`.
    pub(super) fn non_reserved_word(&mut self) -> Result<Ident> {
        let fits = match self.peek() {
            Tok::Keyword(k) => k.class() != KeywordClass::Reserved,
            other => is_ident(other),
        };
        self.name_if(fits)
    }

    fn name_if(&mut self, fits: bool) -> Result<Ident> {
        if !fits {
            return Err(self.unexpected());
        }
        let token = self.advance();
        self.name_of(token)
    }

    /// `name_list`, `columnList`.
    pub(super) fn col_ids(&mut self) -> Result<Vec<Ident>> {
        self.list(Self::col_id)
    }

    /// `opt_column_list`: in parentheses, or nothing.
    pub(super) fn opt_columns(&mut self) -> Result<Vec<Ident>> {
        self.opt_paren_list(Self::col_id)
    }

    /// `attrs`: `.label` any number of times, behind `first`.
    pub(super) fn attrs(&mut self, first: Ident) -> Result<QualifiedName> {
        let mut parts = vec![first];
        while self.take(Tok::Dot) {
            parts.push(self.col_label()?);
        }
        Ok(QualifiedName { parts })
    }

    /// `any_name`.
    pub(super) fn any_name(&mut self) -> Result<QualifiedName> {
        let first = self.col_id()?;
        self.attrs(first)
    }

    /// `func_name`: one part may be a type or function keyword, the first of several may not.
    pub(super) fn func_name(&mut self) -> Result<QualifiedName> {
        if self.peek_at(1) == Tok::Dot {
            return self.any_name();
        }
        if is_col_id(self.peek()) && !is_type_function_name(self.peek()) {
            // Such a word could only be the first of several.
            self.advance();
            return Err(self.unexpected());
        }
        let name = self.type_function_name()?;
        self.refuse_indirection()?;
        Ok(QualifiedName { parts: vec![name] })
    }

    /// `qualified_name`.
    pub(super) fn relation_name(&mut self) -> Result<RelationName> {
        let first = self.col_id()?;
        self.refuse_indirection()?;
        if !self.at(Tok::Dot) {
            return Ok(RelationName { catalog: None, schema: None, name: first.name, pos: first.pos });
        }
        let name = self.attrs(first)?;
        self.relation_of(name)
    }

    /// Where the grammar takes any indirection and then refuses all but names, the error is behind it.
    pub(super) fn refuse_indirection(&mut self) -> Result<()> {
        if self.at(Tok::LBracket) || self.at(Tok::Dot) && self.peek_at(1) == Tok::Star {
            self.indirection()?;
            return Err(self.unexpected());
        }
        Ok(())
    }

    /// `makeRangeVarFromQualifiedName`: at most three parts.
    pub(super) fn relation_of(&self, name: QualifiedName) -> Result<RelationName> {
        let pos = name.pos();
        let shown = name.to_string();
        let mut parts: Vec<String> = name.parts.into_iter().map(|p| p.name).collect();
        if parts.len() > 3 {
            return Err(refuse(format!("improper qualified name (too many dotted names): {shown}"), pos));
        }
        let name = parts.pop().expect("a name has a part");
        let schema = parts.pop();
        Ok(RelationName { catalog: parts.pop(), schema, name, pos })
    }

    /// `relation_expr`: `name [*]`, `ONLY name`, `ONLY (name)`.
    pub(super) fn relation_expr(&mut self) -> Result<RelationRef> {
        if self.kw(Kw::Only) {
            let name = if self.at(Tok::LParen) { self.parens(Self::relation_name)? } else { self.relation_name()? };
            return Ok(RelationRef { name, children: false });
        }
        let name = self.relation_name()?;
        self.take(Tok::Star);
        Ok(RelationRef { name, children: true })
    }

    /// `relation_expr_opt_alias`: SET is no alias here.
    pub(super) fn relation_with_alias(&mut self) -> Result<(RelationRef, Option<Alias>)> {
        let relation = self.relation_expr()?;
        let alias = if self.kw(Kw::As) || is_col_id(self.peek()) && !self.at_kw(Kw::Set) {
            let name = self.col_id()?;
            Some(Alias { name: name.name, columns: Vec::new(), pos: name.pos })
        } else {
            None
        };
        Ok((relation, alias))
    }

    /// `opt_alias_clause`: `[AS] name [(columns)]`.
    pub(super) fn opt_alias(&mut self) -> Result<Option<Alias>> {
        if !(self.kw(Kw::As) || is_col_id(self.peek())) {
            return Ok(None);
        }
        let name = self.col_id()?;
        let columns = self.opt_paren_list(Self::col_id)?;
        Ok(Some(Alias { name: name.name, columns, pos: name.pos }))
    }

    /// Takes a word that means nothing if a name follows it; otherwise the word is the name.
    pub(super) fn noise(&mut self, word: Kw) -> bool {
        is_col_id(self.peek_at(1)) && self.kw(word)
    }

    /// `if_not_exists` of CREATE statements.
    pub(super) fn if_not_exists(&mut self) -> Result<bool> {
        if !self.at_seq(&[Kw::If, Kw::Not]) {
            return Ok(false);
        }
        self.expect_seq(&[Kw::If, Kw::Not, Kw::Exists])?;
        Ok(true)
    }

    /// `IF_P EXISTS` of DROP and ALTER statements.
    pub(super) fn if_exists(&mut self) -> bool {
        self.seq(&[Kw::If, Kw::Exists])
    }

    /// `opt_drop_behavior`.
    pub(super) fn drop_behavior(&mut self) -> DropBehavior {
        if self.kw(Kw::Cascade) {
            return DropBehavior::Cascade;
        }
        self.kw(Kw::Restrict);
        DropBehavior::Restrict
    }

    /// `RoleSpec`.
    pub(super) fn role_spec(&mut self) -> Result<RoleSpec> {
        let pos = self.pos();
        let kind = match self.peek() {
            Tok::Keyword(Kw::CurrentRole) => RoleKind::CurrentRole,
            Tok::Keyword(Kw::CurrentUser) => RoleKind::CurrentUser,
            Tok::Keyword(Kw::SessionUser) => RoleKind::SessionUser,
            _ => {
                let name = self.non_reserved_word()?;
                let kind = match name.name.as_str() {
                    "public" => RoleKind::Public,
                    "none" => return Err(reserved_role("none", pos)),
                    _ => RoleKind::Name(name.name),
                };
                return Ok(RoleSpec { kind, pos });
            }
        };
        self.advance();
        Ok(RoleSpec { kind, pos })
    }

    /// `role_list`.
    pub(super) fn role_list(&mut self) -> Result<Vec<RoleSpec>> {
        self.list(Self::role_spec)
    }

    /// `RoleId`: a role by its own name only.
    pub(super) fn role_id(&mut self) -> Result<Ident> {
        let spec = self.role_spec()?;
        let refused = |name: &str| {
            Err(Error::new(SqlState::RESERVED_NAME, format!("{name} cannot be used as a role name here")).at(spec.pos))
        };
        match spec.kind {
            RoleKind::Name(name) => Ok(Ident { name, pos: spec.pos }),
            RoleKind::Public => Err(reserved_role("public", spec.pos)),
            RoleKind::SessionUser => refused("SESSION_USER"),
            RoleKind::CurrentUser => refused("CURRENT_USER"),
            RoleKind::CurrentRole => refused("CURRENT_ROLE"),
        }
    }

    /// `all_Op`: an operator without schema.
    pub(super) fn all_op(&mut self) -> Result<OperatorName> {
        let token = self.token();
        match symbol(token.kind) {
            Some(name) => {
                self.advance();
                Ok(OperatorName::plain(name, token.pos()))
            }
            None => {
                self.expect(Tok::Op)?;
                Ok(OperatorName::plain(self.token_text(token), token.pos()))
            }
        }
    }

    /// `any_operator`: `[schema.]op`.
    pub(super) fn any_operator(&mut self) -> Result<OperatorName> {
        let pos = self.pos();
        let mut schema = Vec::new();
        while is_col_id(self.peek()) {
            schema.push(self.col_id()?);
            self.expect(Tok::Dot)?;
        }
        Ok(OperatorName { schema, pos, ..self.all_op()? })
    }

    /// `OPERATOR ( any_operator )`; the position is that of the word OPERATOR.
    pub(super) fn operator_in_parens(&mut self) -> Result<OperatorName> {
        let pos = self.pos();
        self.expect_kw(Kw::Operator)?;
        let name = self.parens(Self::any_operator)?;
        Ok(OperatorName { pos, ..name })
    }

    /// `qual_all_Op`: an operator, or OPERATOR(...).
    pub(super) fn qual_all_op(&mut self) -> Result<OperatorName> {
        if self.at_kw(Kw::Operator) { self.operator_in_parens() } else { self.all_op() }
    }
}

fn reserved_role(name: &str, pos: Pos) -> Error {
    Error::new(SqlState::RESERVED_NAME, format!("role name \"{name}\" is reserved")).at(pos)
}

/// `MathOp`: the spelling of an operator that has a token of its own.
#[inline]
pub(super) fn symbol(kind: Tok) -> Option<&'static str> {
    Some(match kind {
        Tok::Plus => "+",
        Tok::Minus => "-",
        Tok::Star => "*",
        Tok::Slash => "/",
        Tok::Percent => "%",
        Tok::Caret => "^",
        Tok::Less => "<",
        Tok::Greater => ">",
        Tok::Equal => "=",
        Tok::LessEqual => "<=",
        Tok::GreaterEqual => ">=",
        Tok::NotEqual => "<>",
        _ => return None,
    })
}
