//! Queries: `SelectStmt` and its clauses.

use super::ast::*;
use super::cursor::{Parser, is_ident, refuse};
use super::keywords::Keyword as Kw;
use super::lexer::Tok;
use crate::base::{Error, Result, SqlState};

impl Parser<'_> {
    /// Whether a query that is not in parentheses begins here.
    pub(super) fn at_query_start(&self) -> bool {
        match self.peek() {
            Tok::Keyword(Kw::Select | Kw::With | Kw::Table) => true,
            Tok::Keyword(Kw::Values) => self.peek_at(1) == Tok::LParen,
            _ => false,
        }
    }

    /// Whether something that continues a parenthesised query stands here.
    pub(super) fn at_query_tail(&self) -> bool {
        self.at_any(&[Kw::Union, Kw::Intersect, Kw::Except, Kw::Order, Kw::Limit, Kw::Offset, Kw::Fetch, Kw::For])
    }

    /// `select_with_parens`.
    pub(super) fn select_with_parens(&mut self) -> Result<Query> {
        self.expect(Tok::LParen)?;
        let query = self.select_no_parens()?;
        self.expect(Tok::RParen)?;
        Ok(query)
    }

    /// `select_no_parens`, or a query in parentheses with or without clauses behind them.
    pub(super) fn select_no_parens(&mut self) -> Result<Query> {
        let pos = self.pos();
        let with = self.opt_with()?;
        self.select_after_with(with, pos)
    }

    /// The query behind its WITH clause; `pos` is where that began.
    pub(super) fn select_after_with(&mut self, with: Option<With>, pos: Pos) -> Result<Query> {
        self.enter()?;
        let outer = std::mem::replace(&mut self.height, 0);
        let first = self.select_operand()?;
        let query = self.select_rest(first, with, pos)?;
        let height = self.height + 1;
        self.raise(height)?;
        self.height = self.height.max(outer);
        self.leave();
        Ok(query)
    }

    /// The same, when its first operand has been read already with its parentheses.
    pub(super) fn select_behind_parens(&mut self, first: Query) -> Result<Query> {
        let pos = first.pos;
        self.select_rest(first, None, pos)
    }

    /// Set operations and clauses behind the first operand.
    fn select_rest(&mut self, first: Query, with: Option<With>, pos: Pos) -> Result<Query> {
        let mut query = self.set_operations(first, 0)?;
        query.pos = pos;
        self.insert_options(&mut query, with)?;
        Ok(query)
    }

    /// `select_clause` by climbing: INTERSECT binds more tightly than UNION and EXCEPT; all associate to the left.
    fn set_operations(&mut self, mut left: Query, min: u8) -> Result<Query> {
        let mut tall = self.height + 1;
        loop {
            let (kind, level) = match self.peek() {
                Tok::Keyword(Kw::Union) => (SetOpKind::Union, 1),
                Tok::Keyword(Kw::Except) => (SetOpKind::Except, 1),
                Tok::Keyword(Kw::Intersect) => (SetOpKind::Intersect, 2),
                _ => break,
            };
            if level < min {
                break;
            }
            let pos = self.advance().pos();
            let all = self.any(&[Kw::All, Kw::Distinct]) == Some(Kw::All);
            self.height = 0;
            let operand = self.select_operand()?;
            let right = self.set_operations(operand, level + 1)?;
            tall = tall.max(self.height) + 1;
            self.raise(tall)?;
            let start = left.pos;
            let (left_body, right_body) = (operand_body(left), operand_body(right));
            left = bare_query(
                QueryBody::SetOp(Box::new(SetOp { kind, all, left: left_body, right: right_body, pos })),
                start,
            );
        }
        self.height = tall;
        Ok(left)
    }

    /// `simple_select` other than a set operation, or `select_with_parens`.
    fn select_operand(&mut self) -> Result<Query> {
        let pos = self.pos();
        let body = match self.peek() {
            Tok::Keyword(Kw::Select) => QueryBody::Select(Box::new(self.simple_select()?)),
            Tok::Keyword(Kw::Values) => QueryBody::Values(self.values_clause()?),
            Tok::Keyword(Kw::Table) => QueryBody::Select(Box::new(self.table_command()?)),
            Tok::LParen => return self.select_with_parens(),
            _ => return Err(self.unexpected()),
        };
        Ok(bare_query(body, pos))
    }

    /// `values_clause`.
    pub(super) fn values_clause(&mut self) -> Result<Vec<Vec<Expr>>> {
        self.expect_kw(Kw::Values)?;
        self.list(|p| p.paren_list(Self::a_expr))
    }

    /// `TABLE relation_expr`.
    fn table_command(&mut self) -> Result<Select> {
        let pos = self.advance().pos();
        let relation = self.relation_expr()?;
        let star = Expr::new(ExprKind::Column(ColumnRef { parts: Vec::new(), star: true }), pos);
        let mut select = empty_select(pos);
        select.targets = vec![SelectTarget { expr: star, alias: None }];
        select.from = vec![TableRef::Relation { relation, alias: None, sample: None }];
        Ok(select)
    }

    /// SELECT and its own clauses.
    fn simple_select(&mut self) -> Result<Select> {
        let mut select = empty_select(self.advance().pos());
        if self.kw(Kw::Distinct) {
            let on = self.kw(Kw::On);
            let list = if on { self.paren_list(Self::a_expr)? } else { Vec::new() };
            select.distinct = Some(if on { Distinct::On(list) } else { Distinct::All });
            select.targets = self.target_list()?;
        } else {
            let all = self.kw(Kw::All);
            if !all || self.at_target() {
                select.targets = self.opt_target_list()?;
            }
        }
        if self.kw(Kw::Into) {
            select.into = Some(self.opt_temp_table_name()?);
        }
        if self.kw(Kw::From) {
            select.from = self.table_refs()?;
        }
        select.filter = self.where_clause()?;
        if self.kw(Kw::Group) {
            self.expect_kw(Kw::By)?;
            select.group_distinct = self.any(&[Kw::All, Kw::Distinct]) == Some(Kw::Distinct);
            select.group_by = self.list(Self::group_by_item)?;
        }
        if self.kw(Kw::Having) {
            select.having = Some(self.a_expr()?);
        }
        if self.kw(Kw::Window) {
            select.windows = self.list(Self::window_definition)?;
        }
        Ok(select)
    }

    /// `where_clause`.
    pub(super) fn where_clause(&mut self) -> Result<Option<Expr>> {
        if self.kw(Kw::Where) { self.a_expr().map(Some) } else { Ok(None) }
    }

    /// Whether something other than the end of an empty target list stands here.
    fn at_target(&self) -> bool {
        match self.peek() {
            Tok::Eof | Tok::Semicolon | Tok::RParen => false,
            Tok::Keyword(k) => !matches!(
                k,
                Kw::From
                    | Kw::Into
                    | Kw::Where
                    | Kw::Group
                    | Kw::Having
                    | Kw::Window
                    | Kw::Union
                    | Kw::Intersect
                    | Kw::Except
                    | Kw::Order
                    | Kw::Limit
                    | Kw::Offset
                    | Kw::Fetch
                    | Kw::For
                    | Kw::On
                    | Kw::Returning
                    | Kw::With
            ),
            _ => true,
        }
    }

    /// `opt_target_list`.
    fn opt_target_list(&mut self) -> Result<Vec<SelectTarget>> {
        if self.at_target() { self.target_list() } else { Ok(Vec::new()) }
    }

    /// `target_list`.
    pub(super) fn target_list(&mut self) -> Result<Vec<SelectTarget>> {
        self.list(Self::target_el)
    }

    /// `target_el`.
    fn target_el(&mut self) -> Result<SelectTarget> {
        if self.at(Tok::Star) {
            let pos = self.advance().pos();
            let expr = Expr::new(ExprKind::Column(ColumnRef { parts: Vec::new(), star: true }), pos);
            return Ok(SelectTarget { expr, alias: None });
        }
        let expr = self.target_expr()?;
        let alias = if self.kw(Kw::As) {
            Some(self.col_label()?)
        } else {
            match self.peek() {
                Tok::Keyword(k) if k.is_bare_label() => Some(self.col_label()?),
                kind if is_ident(kind) => Some(self.col_label()?),
                _ => None,
            }
        };
        Ok(SelectTarget { expr, alias })
    }

    /// `OptTempTableName`.
    pub(super) fn opt_temp_table_name(&mut self) -> Result<IntoClause> {
        let persistence = self.opt_temp()?;
        let optional_table = persistence.is_some() || self.at_kw(Kw::Table);
        if optional_table {
            self.kw(Kw::Table);
        }
        let name = self.relation_name()?;
        Ok(IntoClause { name, persistence: persistence.unwrap_or(Persistence::Permanent) })
    }

    /// `OptTemp`: [LOCAL | GLOBAL] TEMP[ORARY], UNLOGGED.
    pub(super) fn opt_temp(&mut self) -> Result<Option<Persistence>> {
        if self.at_any(&[Kw::Local, Kw::Global]) && matches!(self.kw_at(1), Some(Kw::Temp | Kw::Temporary)) {
            self.advance();
        }
        Ok(match self.any(&[Kw::Temp, Kw::Temporary, Kw::Unlogged]) {
            Some(Kw::Unlogged) => Some(Persistence::Unlogged),
            Some(_) => Some(Persistence::Temporary),
            None => None,
        })
    }

    /// `group_by_item`. An expression in GROUP BY that is `()` is the empty set.
    fn group_by_item(&mut self) -> Result<GroupItem> {
        self.enter()?;
        let paren = self.peek_at(1) == Tok::LParen;
        let item = match self.peek() {
            Tok::LParen if self.peek_at(1) == Tok::RParen => {
                self.advance();
                self.advance();
                GroupItem::Empty
            }
            Tok::Keyword(Kw::Rollup) if paren => {
                self.advance();
                GroupItem::Rollup(self.paren_list(Self::a_expr)?)
            }
            Tok::Keyword(Kw::Cube) if paren => {
                self.advance();
                GroupItem::Cube(self.paren_list(Self::a_expr)?)
            }
            Tok::Keyword(Kw::Grouping) if self.kw_at(1) == Some(Kw::Sets) => {
                self.advance();
                self.advance();
                GroupItem::Sets(self.paren_list(Self::group_by_item)?)
            }
            _ => GroupItem::Expr(self.a_expr()?),
        };
        self.leave();
        Ok(item)
    }

    /// `window_definition`.
    fn window_definition(&mut self) -> Result<WindowDef> {
        let name = self.col_id()?;
        self.expect_kw(Kw::As)?;
        Ok(WindowDef { name, spec: self.window_specification()? })
    }

    /// `opt_sort_clause`.
    pub(super) fn opt_sort_clause(&mut self) -> Result<Vec<SortBy>> {
        if self.at_kw(Kw::Order) { self.sort_clause() } else { Ok(Vec::new()) }
    }

    /// `sort_clause`.
    pub(super) fn sort_clause(&mut self) -> Result<Vec<SortBy>> {
        self.expect_seq(&[Kw::Order, Kw::By])?;
        self.list(Self::sort_by)
    }

    /// `sortby`.
    fn sort_by(&mut self) -> Result<SortBy> {
        let expr = self.a_expr()?;
        let direction =
            if self.kw(Kw::Using) { SortDirection::Using(self.qual_all_op()?) } else { self.opt_asc_desc() };
        Ok(SortBy { expr, direction, nulls: self.opt_nulls_order()? })
    }

    /// `opt_asc_desc`.
    pub(super) fn opt_asc_desc(&mut self) -> SortDirection {
        match self.any(&[Kw::Asc, Kw::Desc]) {
            Some(Kw::Asc) => SortDirection::Asc,
            Some(_) => SortDirection::Desc,
            None => SortDirection::Default,
        }
    }

    /// `opt_nulls_order`.
    pub(super) fn opt_nulls_order(&mut self) -> Result<NullsOrder> {
        if !(self.at_kw(Kw::Nulls) && matches!(self.kw_at(1), Some(Kw::First | Kw::Last))) {
            return Ok(NullsOrder::Default);
        }
        self.advance();
        Ok(if self.advance().kind == Tok::Keyword(Kw::First) { NullsOrder::First } else { NullsOrder::Last })
    }

    /// ORDER BY, then locking and limits in either order; refused where the query has one already, as a parenthesised
    /// query may (`insertSelectOptions`).
    fn insert_options(&mut self, query: &mut Query, with: Option<With>) -> Result<()> {
        if self.at_kw(Kw::Order) {
            let order_by = self.sort_clause()?;
            if !query.order_by.is_empty() {
                return Err(refuse("multiple ORDER BY clauses not allowed", order_by[0].expr.location()));
            }
            query.order_by = order_by;
        }
        let mut locking = Vec::new();
        let mut unlocked = false;
        if self.at_kw(Kw::For) {
            unlocked = self.for_locking_clause(&mut locking)?;
        }
        let limited = self.select_limit(query)?;
        if limited && locking.is_empty() && !unlocked && self.at_kw(Kw::For) {
            self.for_locking_clause(&mut locking)?;
        }
        query.locking.append(&mut locking);
        let ties = limited && query.limit.as_ref().is_some_and(|l| l.with_ties);
        if ties && query.locking.iter().any(|l| l.wait == LockWait::SkipLocked) {
            let message = "SKIP LOCKED and WITH TIES options cannot be used together";
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
        if let Some(with) = with {
            if query.with.is_some() {
                return Err(refuse("multiple WITH clauses not allowed", with.pos));
            }
            query.with = Some(with);
        }
        Ok(())
    }

    /// `for_locking_clause`. True for FOR READ ONLY, which locks nothing.
    fn for_locking_clause(&mut self, locking: &mut Vec<Locking>) -> Result<bool> {
        if self.at_seq(&[Kw::For, Kw::Read]) {
            self.expect_seq(&[Kw::For, Kw::Read, Kw::Only])?;
            return Ok(true);
        }
        while self.kw(Kw::For) {
            let strength = self.lock_strength()?;
            let of = if self.kw(Kw::Of) { self.list(Self::relation_name)? } else { Vec::new() };
            let wait = if self.kw(Kw::Nowait) {
                LockWait::NoWait
            } else if self.kw(Kw::Skip) {
                self.expect_kw(Kw::Locked)?;
                LockWait::SkipLocked
            } else {
                LockWait::Block
            };
            locking.push(Locking { strength, of, wait });
        }
        Ok(false)
    }

    /// `for_locking_strength` behind FOR.
    fn lock_strength(&mut self) -> Result<LockStrength> {
        match self.any(&[Kw::Update, Kw::No, Kw::Share, Kw::Key]) {
            Some(Kw::Update) => Ok(LockStrength::Update),
            Some(Kw::No) => self.expect_seq(&[Kw::Key, Kw::Update]).map(|()| LockStrength::NoKeyUpdate),
            Some(Kw::Share) => Ok(LockStrength::Share),
            Some(_) => self.expect_kw(Kw::Share).map(|()| LockStrength::KeyShare),
            None => Err(self.unexpected()),
        }
    }

    /// `opt_select_limit`: LIMIT, FETCH and OFFSET in either order. True if anything stood here.
    fn select_limit(&mut self, query: &mut Query) -> Result<bool> {
        let (mut limit, mut offset) = (None, None);
        loop {
            match self.peek() {
                Tok::Keyword(Kw::Limit | Kw::Fetch) if limit.is_none() => limit = Some(self.limit_clause()?),
                Tok::Keyword(Kw::Offset) if offset.is_none() => offset = Some(self.offset_clause()?),
                _ => break,
            }
        }
        let any = limit.is_some() || offset.is_some();
        if let Some(offset) = offset {
            if query.offset.is_some() {
                return Err(refuse("multiple OFFSET clauses not allowed", offset.location()));
            }
            query.offset = Some(offset);
        }
        if let Some(limit) = limit {
            self.insert_limit(query, limit)?;
        }
        Ok(any)
    }

    fn insert_limit(&self, query: &mut Query, limit: Limit) -> Result<()> {
        let pos = limit.count.as_ref().map_or(limit.pos, Expr::location);
        if query.limit.is_some() {
            return Err(refuse("multiple LIMIT clauses not allowed", pos));
        }
        if limit.with_ties && query.order_by.is_empty() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "WITH TIES cannot be specified without ORDER BY clause"));
        }
        query.limit = Some(limit);
        Ok(())
    }

    /// `limit_clause`.
    fn limit_clause(&mut self) -> Result<Limit> {
        let pos = self.pos();
        if self.kw(Kw::Limit) {
            let count = if self.kw(Kw::All) { None } else { Some(self.a_expr()?) };
            if self.at(Tok::Comma) {
                return Err(self.limit_comma(pos));
            }
            return Ok(Limit { count, with_ties: false, pos });
        }
        self.expect_kw(Kw::Fetch)?;
        if self.any(&[Kw::First, Kw::Next]).is_none() {
            return Err(self.unexpected());
        }
        let count = if self.at_any(&[Kw::Row, Kw::Rows]) {
            Some(Expr::new(ExprKind::Const(Constant::Integer(1)), pos))
        } else {
            Some(self.fetch_first_value()?)
        };
        if self.any(&[Kw::Row, Kw::Rows]).is_none() {
            return Err(self.unexpected());
        }
        let with_ties = if self.kw(Kw::With) {
            self.expect_kw(Kw::Ties)?;
            true
        } else {
            self.expect_kw(Kw::Only)?;
            false
        };
        Ok(Limit { count, with_ties, pos })
    }

    #[cold]
    fn limit_comma(&mut self, pos: Pos) -> Error {
        self.advance();
        match self.a_expr() {
            Err(e) => e,
            Ok(_) => refuse("LIMIT #,# syntax is not supported", pos).hint("Use separate LIMIT and OFFSET clauses."),
        }
    }

    /// `select_fetch_first_value`: a `c_expr` or a signed number.
    fn fetch_first_value(&mut self) -> Result<Expr> {
        let pos = self.pos();
        if matches!(self.peek(), Tok::Plus | Tok::Minus) {
            let number = self.signed_number()?;
            let constant = number.parse().map_or(Constant::Float(number), Constant::Integer);
            return Ok(Expr::new(ExprKind::Const(constant), pos));
        }
        self.c_expr()
    }

    /// `offset_clause`: the ROW or ROWS of the standard's form goes only with a `c_expr`.
    fn offset_clause(&mut self) -> Result<Expr> {
        self.advance();
        let value = self.a_expr()?;
        self.any(&[Kw::Row, Kw::Rows]);
        Ok(value)
    }

    /// `opt_with_clause`.
    pub(super) fn opt_with(&mut self) -> Result<Option<With>> {
        if !self.at_kw(Kw::With) {
            return Ok(None);
        }
        let pos = self.advance().pos();
        let recursive = self.noise(Kw::Recursive);
        let ctes = self.list(Self::common_table_expr)?;
        Ok(Some(With { recursive, ctes, pos }))
    }

    /// `common_table_expr`.
    fn common_table_expr(&mut self) -> Result<Cte> {
        let name = self.col_id()?;
        let columns = self.opt_columns()?;
        self.expect_kw(Kw::As)?;
        let materialized = if self.kw(Kw::Materialized) {
            Some(true)
        } else if self.kw(Kw::Not) {
            self.expect_kw(Kw::Materialized)?;
            Some(false)
        } else {
            None
        };
        let statement = self.parens(Self::preparable_stmt)?;
        let search = self.opt_search()?;
        let cycle = self.opt_cycle()?;
        Ok(Cte { name, columns, materialized, statement, search, cycle })
    }

    /// `opt_search_clause`.
    fn opt_search(&mut self) -> Result<Option<CteSearch>> {
        let pos = self.pos();
        if !self.kw(Kw::Search) {
            return Ok(None);
        }
        let Some(order) = self.any(&[Kw::Depth, Kw::Breadth]) else { return Err(self.unexpected()) };
        self.expect_seq(&[Kw::First, Kw::By])?;
        let columns = self.col_ids()?;
        self.expect_kw(Kw::Set)?;
        let sequence_column = self.col_id()?;
        Ok(Some(CteSearch { breadth_first: order == Kw::Breadth, columns, sequence_column, pos }))
    }

    /// `opt_cycle_clause`.
    fn opt_cycle(&mut self) -> Result<Option<CteCycle>> {
        let pos = self.pos();
        if !self.kw(Kw::Cycle) {
            return Ok(None);
        }
        let columns = self.col_ids()?;
        self.expect_kw(Kw::Set)?;
        let mark_column = self.col_id()?;
        let boolean = |value| Expr::new(ExprKind::Const(Constant::Bool(value)), pos);
        let (mut mark_value, mut mark_default) = (boolean(true), boolean(false));
        if self.kw(Kw::To) {
            mark_value = self.aexpr_const()?;
            self.expect_kw(Kw::Default)?;
            mark_default = self.aexpr_const()?;
        }
        self.expect_kw(Kw::Using)?;
        let path_column = self.col_id()?;
        Ok(Some(CteCycle { columns, mark_column, mark_value, mark_default, path_column, pos }))
    }

    /// `AexprConst`: a literal of any kind.
    fn aexpr_const(&mut self) -> Result<Expr> {
        let error = self.unexpected();
        let expr = self.c_expr()?;
        match &expr.kind {
            ExprKind::Const(_) => Ok(expr),
            ExprKind::TypeCast { form: CastForm::Literal, .. } => Ok(expr),
            _ => Err(error),
        }
    }

    /// `where_or_current_clause`.
    pub(super) fn where_or_current(&mut self) -> Result<Option<Expr>> {
        if !self.kw(Kw::Where) {
            return Ok(None);
        }
        let pos = self.pos();
        if self.at_seq(&[Kw::Current, Kw::Of]) {
            self.advance();
            self.advance();
            return Ok(Some(Expr::new(ExprKind::CurrentOf(self.col_id()?), pos)));
        }
        self.a_expr().map(Some)
    }
}

fn empty_select(pos: Pos) -> Select {
    Select {
        distinct: None,
        targets: Vec::new(),
        into: None,
        from: Vec::new(),
        filter: None,
        group_by: Vec::new(),
        group_distinct: false,
        having: None,
        windows: Vec::new(),
        pos,
    }
}

pub(super) fn bare_query(body: QueryBody, pos: Pos) -> Query {
    Query { with: None, body, order_by: Vec::new(), limit: None, offset: None, locking: Vec::new(), pos }
}

/// A query as an operand: its body alone if it is nothing more.
fn operand_body(query: Query) -> QueryBody {
    let bare = query.with.is_none()
        && query.order_by.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && query.locking.is_empty();
    if bare { query.body } else { QueryBody::Query(Box::new(query)) }
}

/// 42601 for a subquery in FROM without a name.
pub(super) fn alias_needed(query: &Query, pos: Pos) -> Error {
    let (what, example) = match query.body {
        QueryBody::Values(_) => ("VALUES", "FROM (VALUES ...) [AS] foo."),
        _ => ("subquery", "FROM (SELECT ...) [AS] foo."),
    };
    Error::new(SqlState::SYNTAX_ERROR, format!("{what} in FROM must have an alias"))
        .hint(format!("For example, {example}"))
        .at(pos)
}
