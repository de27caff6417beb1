//! Function calls: ordinary ones with their aggregate and window clauses, and those with a syntax of their own.

use super::ast::*;
use super::cursor::{Parser, is_ident, is_string, is_type_function_name, refuse};
use super::keywords::Keyword as Kw;
use super::lexer::Tok;
use crate::base::{Error, Result, SqlState};

fn node(kind: ExprKind, pos: Pos) -> Expr {
    Expr { kind, pos }
}

fn special(function: SpecialFunction, pos: Pos) -> Expr {
    node(ExprKind::Special(Box::new(function)), pos)
}

impl Parser<'_> {
    /// `func_expr` behind an ordinary function's name, or a literal of a type with modifiers, which begins alike.
    #[inline(never)]
    pub(super) fn func_expr(&mut self, name: QualifiedName) -> Result<Expr> {
        let (mut call, plain) = self.func_application(name)?;
        if plain && is_string(self.peek()) {
            return self.literal_with_modifiers(call);
        }
        self.within_group(&mut call)?;
        if self.kw(Kw::Filter) {
            call.filter = Some(self.parens(|p| {
                p.expect_kw(Kw::Where)?;
                p.a_expr()
            })?);
        }
        if self.kw(Kw::Over) {
            call.over = Some(match self.peek() {
                Tok::LParen => Over::Spec(self.window_specification()?),
                _ => Over::Name(self.col_id()?),
            });
        }
        let pos = call.pos;
        Ok(node(ExprKind::Function(call), pos))
    }

    /// `func_application` behind the name. The flag says that the arguments might be a type's modifiers.
    pub(super) fn func_application(&mut self, name: QualifiedName) -> Result<(Box<FunctionCall>, bool)> {
        let pos = name.pos();
        let mut call = Box::new(FunctionCall {
            name,
            args: Vec::new(),
            star: false,
            distinct: false,
            variadic: false,
            order_by: Vec::new(),
            within_group: false,
            filter: None,
            over: None,
            pos,
        });
        self.expect(Tok::LParen)?;
        if self.take(Tok::RParen) {
            return Ok((call, false));
        }
        if self.take(Tok::Star) {
            call.star = true;
            self.expect(Tok::RParen)?;
            return Ok((call, false));
        }
        call.distinct = self.kw(Kw::Distinct);
        let quantified = call.distinct || self.kw(Kw::All);
        loop {
            call.variadic = !quantified && self.kw(Kw::Variadic);
            call.args.push(self.func_arg_expr()?);
            if call.variadic || !self.take(Tok::Comma) {
                break;
            }
        }
        call.order_by = self.opt_sort_clause()?;
        self.expect(Tok::RParen)?;
        let plain = !(quantified || call.variadic);
        Ok((call, plain))
    }

    /// `func_name '(' func_arg_list opt_sort_clause ')' Sconst`.
    fn literal_with_modifiers(&mut self, call: Box<FunctionCall>) -> Result<Expr> {
        if let Some(name) = call.args.iter().find_map(|a| a.name.as_ref()) {
            return Err(refuse("type modifier cannot have parameter name", name.pos));
        }
        if let Some(sort) = call.order_by.first() {
            return Err(refuse("type modifier cannot have ORDER BY", sort.expr.location()));
        }
        let modifiers = call.args.into_iter().map(|a| a.value).collect();
        self.named_literal(call.name, modifiers)
    }

    /// `within_group_clause`.
    fn within_group(&mut self, call: &mut FunctionCall) -> Result<()> {
        let pos = self.pos();
        if !self.kw(Kw::Within) {
            return Ok(());
        }
        self.expect_kw(Kw::Group)?;
        let order_by = self.parens(Self::sort_clause)?;
        if !call.order_by.is_empty() {
            return Err(refuse("cannot use multiple ORDER BY clauses with WITHIN GROUP", pos));
        }
        if call.distinct {
            return Err(refuse("cannot use DISTINCT with WITHIN GROUP", pos));
        }
        if call.variadic {
            return Err(refuse("cannot use VARIADIC with WITHIN GROUP", pos));
        }
        call.order_by = order_by;
        call.within_group = true;
        Ok(())
    }

    /// `func_arg_expr`.
    pub(super) fn func_arg_expr(&mut self) -> Result<FunctionArg> {
        let name = if self.at_named_arg() {
            let name = self.type_function_name()?;
            self.advance();
            Some(name)
        } else {
            None
        };
        Ok(FunctionArg { name, value: self.a_expr()? })
    }

    fn at_named_arg(&self) -> bool {
        matches!(self.peek_at(1), Tok::ColonEqual | Tok::Arrow) && is_type_function_name(self.peek())
    }

    /// `func_expr_windowless`: what may stand as a function in FROM or as an index key.
    pub(super) fn func_expr_windowless(&mut self) -> Result<Expr> {
        if let Tok::Keyword(k) = self.peek()
            && self.at_special_function(k)
        {
            return self.func_expr_common(k);
        }
        let name = self.func_name()?;
        let (call, _) = self.func_application(name)?;
        let pos = call.pos;
        Ok(node(ExprKind::Function(call), pos))
    }

    /// Whether a function or an expression that looks like one begins here: a name and a parenthesis.
    pub(super) fn at_function(&self) -> bool {
        if let Tok::Keyword(k) = self.peek()
            && self.at_special_function(k)
        {
            return true;
        }
        let first = self.peek();
        if !super::cursor::is_col_id(first) {
            // A word that can name nothing else.
            return is_type_function_name(first);
        }
        let mut ahead = 1;
        while self.peek_at(ahead) == Tok::Dot {
            ahead += 2;
        }
        let named = if ahead > 1 { super::cursor::is_col_id(first) } else { is_type_function_name(first) };
        named && self.peek_at(ahead) == Tok::LParen
    }

    /// `window_specification`.
    pub(super) fn window_specification(&mut self) -> Result<WindowSpec> {
        let pos = self.expect(Tok::LParen)?.pos();
        let base = match self.peek() {
            Tok::Keyword(Kw::Partition | Kw::Range | Kw::Rows | Kw::Groups) => None,
            kind if super::cursor::is_col_id(kind) => Some(self.col_id()?),
            _ => None,
        };
        let partition_by = if self.kw(Kw::Partition) {
            self.expect_kw(Kw::By)?;
            self.expr_list()?
        } else {
            Vec::new()
        };
        let order_by = self.opt_sort_clause()?;
        let frame = self.opt_frame_clause()?;
        self.expect(Tok::RParen)?;
        Ok(WindowSpec { base, partition_by, order_by, frame, pos })
    }

    /// `opt_frame_clause`.
    fn opt_frame_clause(&mut self) -> Result<Option<WindowFrame>> {
        let pos = self.pos();
        let mode = match self.any(&[Kw::Range, Kw::Rows, Kw::Groups]) {
            Some(Kw::Range) => FrameMode::Range,
            Some(Kw::Rows) => FrameMode::Rows,
            Some(_) => FrameMode::Groups,
            None => return Ok(None),
        };
        let between = self.kw(Kw::Between);
        let start_pos = self.pos();
        let start = self.frame_bound()?;
        let mut end = FrameBound::CurrentRow;
        let mut end_pos = start_pos;
        if between {
            self.expect_kw(Kw::And)?;
            end_pos = self.pos();
            end = self.frame_bound()?;
        }
        check_frame((&start, start_pos), (&end, end_pos), between)?;
        let exclude = self.opt_exclusion()?;
        Ok(Some(WindowFrame { mode, start, end, between, exclude, pos }))
    }

    /// `frame_bound`.
    fn frame_bound(&mut self) -> Result<FrameBound> {
        if self.at_kw(Kw::Unbounded) && matches!(self.kw_at(1), Some(Kw::Preceding | Kw::Following)) {
            self.advance();
            let preceding = self.advance().kind == Tok::Keyword(Kw::Preceding);
            return Ok(if preceding { FrameBound::UnboundedPreceding } else { FrameBound::UnboundedFollowing });
        }
        if self.seq(&[Kw::Current, Kw::Row]) {
            return Ok(FrameBound::CurrentRow);
        }
        let offset = Box::new(self.a_expr()?);
        match self.any(&[Kw::Preceding, Kw::Following]) {
            Some(Kw::Preceding) => Ok(FrameBound::Preceding(offset)),
            Some(_) => Ok(FrameBound::Following(offset)),
            None => Err(self.unexpected()),
        }
    }

    /// `opt_window_exclusion_clause`.
    fn opt_exclusion(&mut self) -> Result<FrameExclusion> {
        if !self.kw(Kw::Exclude) {
            return Ok(FrameExclusion::NoOthers);
        }
        match self.any(&[Kw::Current, Kw::Group, Kw::Ties, Kw::No]) {
            Some(Kw::Current) => self.expect_kw(Kw::Row).map(|()| FrameExclusion::CurrentRow),
            Some(Kw::Group) => Ok(FrameExclusion::Group),
            Some(Kw::Ties) => Ok(FrameExclusion::Ties),
            Some(_) => self.expect_kw(Kw::Others).map(|()| FrameExclusion::NoOthers),
            None => Err(self.unexpected()),
        }
    }

    /// Whether one of `func_expr_common_subexpr` begins here. Those whose keyword may also name a column need their
    /// parenthesis.
    pub(super) fn at_special_function(&self, k: Kw) -> bool {
        let paren = self.peek_at(1) == Tok::LParen;
        match k {
            Kw::Cast
            | Kw::CurrentDate
            | Kw::CurrentTime
            | Kw::CurrentTimestamp
            | Kw::Localtime
            | Kw::Localtimestamp
            | Kw::CurrentRole
            | Kw::CurrentUser
            | Kw::SessionUser
            | Kw::User
            | Kw::CurrentCatalog => true,
            Kw::CurrentSchema => !paren,
            Kw::Collation => self.kw_at(1) == Some(Kw::For),
            Kw::Extract
            | Kw::Normalize
            | Kw::Overlay
            | Kw::Position
            | Kw::Substring
            | Kw::Treat
            | Kw::Trim
            | Kw::Nullif
            | Kw::Coalesce
            | Kw::Greatest
            | Kw::Least
            | Kw::Xmlconcat
            | Kw::Xmlelement
            | Kw::Xmlexists
            | Kw::Xmlforest
            | Kw::Xmlparse
            | Kw::Xmlpi
            | Kw::Xmlroot
            | Kw::Xmlserialize => paren,
            _ => false,
        }
    }

    /// `func_expr_common_subexpr`.
    #[inline(never)]
    pub(super) fn func_expr_common(&mut self, k: Kw) -> Result<Expr> {
        let pos = self.advance().pos();
        if let Some(function) = sql_value_function(k) {
            return self.sql_value(function, pos);
        }
        match k {
            Kw::Cast => self.cast(pos),
            Kw::Coalesce => Ok(node(ExprKind::Coalesce(self.paren_list(Self::a_expr)?), pos)),
            Kw::Greatest => Ok(node(ExprKind::Greatest(self.paren_list(Self::a_expr)?), pos)),
            Kw::Least => Ok(node(ExprKind::Least(self.paren_list(Self::a_expr)?), pos)),
            Kw::Nullif => self.nullif(pos),
            Kw::Extract => self.extract(pos),
            Kw::Normalize => self.normalize(pos),
            Kw::Overlay => self.overlay(pos),
            Kw::Position => self.position(pos),
            Kw::Substring => self.substring(pos),
            Kw::Trim => self.trim(pos),
            Kw::Treat => self.treat(pos),
            Kw::Collation => {
                self.expect_kw(Kw::For)?;
                let arg = self.parens(Self::a_expr)?;
                Ok(special(SpecialFunction::CollationFor { arg }, pos))
            }
            _ => self.xml_expr(k, pos),
        }
    }

    fn sql_value(&mut self, function: SqlValueFunction, pos: Pos) -> Result<Expr> {
        use SqlValueFunction::*;
        let timed = matches!(function, CurrentTime | CurrentTimestamp | LocalTime | LocalTimestamp);
        let precision = if timed && self.at(Tok::LParen) { Some(self.parens(Self::integer)?) } else { None };
        Ok(node(ExprKind::SqlValue { function, precision }, pos))
    }

    fn cast(&mut self, pos: Pos) -> Result<Expr> {
        let (arg, target) = self.expr_as_type()?;
        Ok(node(ExprKind::TypeCast { arg: Box::new(arg), target: Box::new(target), form: CastForm::Cast }, pos))
    }

    /// `'(' a_expr AS Typename ')'`.
    fn expr_as_type(&mut self) -> Result<(Expr, TypeName)> {
        self.parens(|p| {
            let arg = p.a_expr()?;
            p.expect_kw(Kw::As)?;
            Ok((arg, p.type_name()?))
        })
    }

    fn treat(&mut self, pos: Pos) -> Result<Expr> {
        let (arg, target) = self.expr_as_type()?;
        Ok(special(SpecialFunction::Treat { arg, target }, pos))
    }

    fn nullif(&mut self, pos: Pos) -> Result<Expr> {
        self.expect(Tok::LParen)?;
        let left = self.a_expr()?;
        self.expect(Tok::Comma)?;
        let right = self.a_expr()?;
        self.expect(Tok::RParen)?;
        Ok(node(ExprKind::NullIf(Box::new(left), Box::new(right)), pos))
    }

    /// `extract_list`.
    fn extract(&mut self, pos: Pos) -> Result<Expr> {
        self.expect(Tok::LParen)?;
        let token = self.token();
        let field = match token.kind {
            kind if is_string(kind) => Ident::new(self.string()?, token.pos()),
            Tok::Keyword(Kw::Year | Kw::Month | Kw::Day | Kw::Hour | Kw::Minute | Kw::Second) => self.col_label()?,
            kind if is_ident(kind) => self.col_label()?,
            _ => return Err(self.unexpected()),
        };
        self.expect_kw(Kw::From)?;
        let source = self.a_expr()?;
        self.expect(Tok::RParen)?;
        Ok(special(SpecialFunction::Extract { field, source }, pos))
    }

    fn normalize(&mut self, pos: Pos) -> Result<Expr> {
        self.expect(Tok::LParen)?;
        let string = self.a_expr()?;
        let mut form = None;
        if self.take(Tok::Comma) {
            form = self.opt_normal_form();
            if form.is_none() {
                return Err(self.unexpected());
            }
        }
        self.expect(Tok::RParen)?;
        Ok(special(SpecialFunction::Normalize { string, form }, pos))
    }

    /// `position_list`.
    fn position(&mut self, pos: Pos) -> Result<Expr> {
        self.expect(Tok::LParen)?;
        let substring = self.b_expr()?;
        self.expect_kw(Kw::In)?;
        let string = self.b_expr()?;
        self.expect(Tok::RParen)?;
        Ok(special(SpecialFunction::Position { substring, string }, pos))
    }

    /// The rest of a call in the ordinary syntax, for SUBSTRING(a, b) and OVERLAY(a, b, c): the user's own function of
    /// that name, found by search path. `first` is the first argument if there is one.
    fn ordinary_call(&mut self, name: &str, first: Option<FunctionArg>, pos: Pos) -> Result<Expr> {
        let mut args = Vec::new();
        if let Some(first) = first {
            args.push(first);
            while self.take(Tok::Comma) {
                args.push(self.func_arg_expr()?);
            }
        }
        self.expect(Tok::RParen)?;
        let call = FunctionCall {
            name: QualifiedName { parts: vec![Ident::new(name, pos)] },
            args,
            star: false,
            distinct: false,
            variadic: false,
            order_by: Vec::new(),
            within_group: false,
            filter: None,
            over: None,
            pos,
        };
        Ok(node(ExprKind::Function(Box::new(call)), pos))
    }

    /// `overlay_list`.
    fn overlay(&mut self, pos: Pos) -> Result<Expr> {
        self.expect(Tok::LParen)?;
        let first = if self.at(Tok::RParen) { None } else { Some(self.func_arg_expr()?) };
        let string = match first {
            Some(FunctionArg { name: None, value }) if self.at_kw(Kw::Placing) => value,
            first => return self.ordinary_call("overlay", first, pos),
        };
        self.advance();
        let replacement = self.a_expr()?;
        self.expect_kw(Kw::From)?;
        let from = self.a_expr()?;
        let length = if self.kw(Kw::For) { Some(self.a_expr()?) } else { None };
        self.expect(Tok::RParen)?;
        Ok(special(SpecialFunction::Overlay { string, replacement, from, length }, pos))
    }

    /// `substr_list`.
    fn substring(&mut self, pos: Pos) -> Result<Expr> {
        let special_form = |p: &Self| p.at_any(&[Kw::From, Kw::For, Kw::Similar]);
        self.expect(Tok::LParen)?;
        let first = match self.peek() {
            Tok::RParen => None,
            _ if self.at_named_arg() => Some(self.func_arg_expr()?),
            _ => Some(FunctionArg { name: None, value: self.substring_expr()? }),
        };
        let string = match first {
            Some(FunctionArg { name: None, value }) if special_form(self) => value,
            first => return self.ordinary_call("substring", first, pos),
        };
        let (mut from, mut length) = (None, None);
        match self.advance().kind {
            Tok::Keyword(Kw::Similar) => {
                let pattern = self.a_expr()?;
                self.expect_kw(Kw::Escape)?;
                let escape = self.a_expr()?;
                self.expect(Tok::RParen)?;
                return Ok(special(SpecialFunction::SubstringSimilar { string, pattern, escape }, pos));
            }
            Tok::Keyword(Kw::From) => {
                from = Some(self.a_expr()?);
                if self.kw(Kw::For) {
                    length = Some(self.a_expr()?);
                }
            }
            _ => {
                length = Some(self.a_expr()?);
                if self.kw(Kw::From) {
                    from = Some(self.a_expr()?);
                }
            }
        }
        self.expect(Tok::RParen)?;
        Ok(special(SpecialFunction::Substring { string, from, length }, pos))
    }

    /// `trim_list` and the side before it.
    fn trim(&mut self, pos: Pos) -> Result<Expr> {
        self.expect(Tok::LParen)?;
        let side = match self.any(&[Kw::Both, Kw::Leading, Kw::Trailing]) {
            Some(Kw::Leading) => TrimSide::Leading,
            Some(Kw::Trailing) => TrimSide::Trailing,
            _ => TrimSide::Both,
        };
        let (mut chars, mut args) = (None, Vec::new());
        if self.kw(Kw::From) {
            args = self.expr_list()?;
        } else {
            let first = self.a_expr()?;
            if self.kw(Kw::From) {
                chars = Some(first);
                args = self.expr_list()?;
            } else {
                args.push(first);
                while self.take(Tok::Comma) {
                    args.push(self.a_expr()?);
                }
            }
        }
        self.expect(Tok::RParen)?;
        Ok(special(SpecialFunction::Trim { side, chars, args }, pos))
    }

    /// The SQL/XML constructs.
    fn xml_expr(&mut self, k: Kw, pos: Pos) -> Result<Expr> {
        self.expect(Tok::LParen)?;
        let xml = match k {
            Kw::Xmlconcat => XmlExpr::Concat(self.expr_list()?),
            Kw::Xmlelement => self.xml_element()?,
            Kw::Xmlexists => {
                let pattern = self.c_expr()?;
                XmlExpr::Exists { pattern, document: self.xmlexists_argument()? }
            }
            Kw::Xmlforest => XmlExpr::Forest(self.list(Self::xml_attribute)?),
            Kw::Xmlparse => {
                let document = self.document_or_content()?;
                let arg = self.a_expr()?;
                let word = self.any(&[Kw::Preserve, Kw::Strip]);
                if word.is_some() {
                    self.expect_kw(Kw::Whitespace)?;
                }
                XmlExpr::Parse { document, arg, preserve_whitespace: word == Some(Kw::Preserve) }
            }
            Kw::Xmlpi => {
                self.expect_kw(Kw::Name)?;
                let name = self.col_label()?;
                let content = if self.take(Tok::Comma) { Some(self.a_expr()?) } else { None };
                XmlExpr::Pi { name, content }
            }
            Kw::Xmlroot => self.xml_root()?,
            _ => {
                let document = self.document_or_content()?;
                let arg = self.a_expr()?;
                self.expect_kw(Kw::As)?;
                XmlExpr::Serialize { document, arg, target: self.type_name()? }
            }
        };
        self.expect(Tok::RParen)?;
        Ok(node(ExprKind::Xml(Box::new(xml)), pos))
    }

    fn document_or_content(&mut self) -> Result<bool> {
        match self.any(&[Kw::Document, Kw::Content]) {
            Some(k) => Ok(k == Kw::Document),
            None => Err(self.unexpected()),
        }
    }

    /// `xml_attribute_el`.
    pub(super) fn xml_attribute(&mut self) -> Result<XmlAttribute> {
        let value = self.a_expr()?;
        let name = if self.kw(Kw::As) { Some(self.col_label()?) } else { None };
        Ok(XmlAttribute { value, name })
    }

    fn xml_element(&mut self) -> Result<XmlExpr> {
        self.expect_kw(Kw::Name)?;
        let name = self.col_label()?;
        let (mut attributes, mut content) = (Vec::new(), Vec::new());
        if self.take(Tok::Comma) {
            let more = if self.at_kw(Kw::Xmlattributes) && self.peek_at(1) == Tok::LParen {
                self.advance();
                attributes = self.paren_list(Self::xml_attribute)?;
                self.take(Tok::Comma)
            } else {
                true
            };
            if more {
                content = self.expr_list()?;
            }
        }
        Ok(XmlExpr::Element { name, attributes, content })
    }

    /// `xmlexists_argument`.
    pub(super) fn xmlexists_argument(&mut self) -> Result<Expr> {
        self.expect_kw(Kw::Passing)?;
        self.opt_passing_mech()?;
        let document = self.c_expr()?;
        self.opt_passing_mech()?;
        Ok(document)
    }

    /// BY REF or BY VALUE, which mean nothing.
    fn opt_passing_mech(&mut self) -> Result<()> {
        if self.kw(Kw::By) && self.any(&[Kw::Ref, Kw::Value]).is_none() {
            return Err(self.unexpected());
        }
        Ok(())
    }

    fn xml_root(&mut self) -> Result<XmlExpr> {
        let arg = self.a_expr()?;
        self.expect(Tok::Comma)?;
        self.expect_kw(Kw::Version)?;
        let version = if self.seq(&[Kw::No, Kw::Value]) { None } else { Some(self.a_expr()?) };
        let mut standalone = None;
        if self.take(Tok::Comma) {
            self.expect_kw(Kw::Standalone)?;
            standalone = Some(match self.any(&[Kw::Yes, Kw::No]) {
                Some(Kw::Yes) => XmlStandalone::Yes,
                Some(_) if self.kw(Kw::Value) => XmlStandalone::NoValue,
                Some(_) => XmlStandalone::No,
                None => return Err(self.unexpected()),
            });
        }
        Ok(XmlExpr::Root { arg, version, standalone })
    }
}

fn sql_value_function(k: Kw) -> Option<SqlValueFunction> {
    use SqlValueFunction::*;
    Some(match k {
        Kw::CurrentDate => CurrentDate,
        Kw::CurrentTime => CurrentTime,
        Kw::CurrentTimestamp => CurrentTimestamp,
        Kw::Localtime => LocalTime,
        Kw::Localtimestamp => LocalTimestamp,
        Kw::CurrentRole => CurrentRole,
        Kw::CurrentUser => CurrentUser,
        Kw::SessionUser => SessionUser,
        Kw::User => User,
        Kw::CurrentCatalog => CurrentCatalog,
        Kw::CurrentSchema => CurrentSchema,
        _ => return None,
    })
}

/// The frames that gram.y refuses in `frame_extent`.
fn check_frame(start: (&FrameBound, Pos), end: (&FrameBound, Pos), between: bool) -> Result<()> {
    use FrameBound::*;
    let refused = |message: &str, pos| Err(Error::new(SqlState::WINDOWING_ERROR, message).at(pos));
    match (start.0, end.0) {
        (UnboundedFollowing, _) => refused("frame start cannot be UNBOUNDED FOLLOWING", start.1),
        (Following(_), _) if !between => {
            refused("frame starting from following row cannot end with current row", start.1)
        }
        (_, UnboundedPreceding) => refused("frame end cannot be UNBOUNDED PRECEDING", end.1),
        (CurrentRow, Preceding(_)) => refused("frame starting from current row cannot have preceding rows", end.1),
        (Following(_), Preceding(_) | CurrentRow) => {
            refused("frame starting from following row cannot have preceding rows", end.1)
        }
        _ => Ok(()),
    }
}
