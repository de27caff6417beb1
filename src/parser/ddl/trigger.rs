//! Triggers, rules, event triggers.

use super::super::ast::*;
use super::super::cursor::{Parser, is_string};
use super::super::keywords::Keyword as Kw;
use super::super::lexer::Tok;
use super::super::statement::not_yet;
use crate::base::Result;

impl Parser<'_> {
    /// `CreateTrigStmt`, from [CONSTRAINT] TRIGGER on.
    pub(super) fn create_trigger(&mut self, or_replace: bool) -> Result<Statement> {
        let pos = self.pos();
        let constraint = self.kw(Kw::Constraint);
        self.expect_kw(Kw::Trigger)?;
        let name = self.col_id()?;
        let timing = self.trigger_timing(constraint)?;
        let events = self.trigger_events()?;
        self.expect_kw(Kw::On)?;
        let relation = self.relation_name()?;
        let mut trigger = CreateTrigger {
            or_replace,
            constraint,
            name,
            relation,
            timing,
            events,
            row: constraint,
            when: None,
            function: QualifiedName { parts: Vec::new() },
            args: Vec::new(),
            transitions: Vec::new(),
            constraint_timing: ConstraintTiming::default(),
            constraint_from: None,
        };
        if constraint {
            self.constraint_trigger(&mut trigger)?;
        } else {
            self.plain_trigger(&mut trigger)?;
        }
        if self.kw(Kw::When) {
            trigger.when = Some(self.parens(Self::a_expr)?);
        }
        self.expect_kw(Kw::Execute)?;
        self.function_or_procedure()?;
        trigger.function = self.func_name()?;
        self.expect(Tok::LParen)?;
        if !self.at(Tok::RParen) {
            trigger.args = self.list(Self::trigger_arg)?;
        }
        self.expect(Tok::RParen)?;
        if constraint && or_replace {
            return Err(not_yet("CREATE OR REPLACE CONSTRAINT TRIGGER is not supported", pos));
        }
        Ok(Statement::CreateTrigger(Box::new(trigger)))
    }

    fn function_or_procedure(&mut self) -> Result<()> {
        self.any(&[Kw::Function, Kw::Procedure]).map(drop).ok_or_else(|| self.unexpected())
    }

    /// `TriggerActionTime`; of a constraint trigger only AFTER.
    fn trigger_timing(&mut self, constraint: bool) -> Result<TriggerTiming> {
        if constraint {
            self.expect_kw(Kw::After)?;
            return Ok(TriggerTiming::After);
        }
        match self.any(&[Kw::Before, Kw::After, Kw::Instead]) {
            Some(Kw::Before) => Ok(TriggerTiming::Before),
            Some(Kw::After) => Ok(TriggerTiming::After),
            Some(_) => self.expect_kw(Kw::Of).map(|()| TriggerTiming::InsteadOf),
            None => Err(self.unexpected()),
        }
    }

    /// `TriggerEvents`: each event at most once.
    fn trigger_events(&mut self) -> Result<Vec<TriggerEvent>> {
        let mut events: Vec<TriggerEvent> = Vec::new();
        loop {
            let event = match self.any(&[Kw::Insert, Kw::Delete, Kw::Update, Kw::Truncate]) {
                Some(Kw::Insert) => TriggerEvent::Insert,
                Some(Kw::Delete) => TriggerEvent::Delete,
                Some(Kw::Update) if self.kw(Kw::Of) => TriggerEvent::Update(self.col_ids()?),
                Some(Kw::Update) => TriggerEvent::Update(Vec::new()),
                Some(_) => TriggerEvent::Truncate,
                None => return Err(self.unexpected()),
            };
            let same = |e: &TriggerEvent| std::mem::discriminant(e) == std::mem::discriminant(&event);
            if events.iter().any(same) {
                return Err(self.error_near("duplicate trigger events specified"));
            }
            events.push(event);
            if !self.kw(Kw::Or) {
                return Ok(events);
            }
        }
    }

    /// `OptConstrFromTable ConstraintAttributeSpec FOR EACH ROW`.
    fn constraint_trigger(&mut self, trigger: &mut CreateTrigger) -> Result<()> {
        if self.kw(Kw::From) {
            trigger.constraint_from = Some(self.relation_name()?);
        }
        trigger.constraint_timing = self.timing_attributes("TRIGGER")?;
        self.expect_seq(&[Kw::For, Kw::Each, Kw::Row])
    }

    /// `TriggerReferencing TriggerForSpec`.
    fn plain_trigger(&mut self, trigger: &mut CreateTrigger) -> Result<()> {
        if self.kw(Kw::Referencing) {
            while let Some(k) = self.any(&[Kw::Old, Kw::New]) {
                let Some(level) = self.any(&[Kw::Table, Kw::Row]) else { return Err(self.unexpected()) };
                self.kw(Kw::As);
                let name = self.col_id()?;
                trigger.transitions.push(TriggerTransition { name, new: k == Kw::New, table: level == Kw::Table });
            }
            if trigger.transitions.is_empty() {
                return Err(self.unexpected());
            }
        }
        if self.kw(Kw::For) {
            self.kw(Kw::Each);
            trigger.row = match self.any(&[Kw::Row, Kw::Statement]) {
                Some(k) => k == Kw::Row,
                None => return Err(self.unexpected()),
            };
        }
        Ok(())
    }

    /// `TriggerFuncArg`: always a string in the end.
    fn trigger_arg(&mut self) -> Result<String> {
        match self.peek() {
            Tok::Integer => Ok(self.integer()?.to_string()),
            Tok::Float => {
                let token = self.advance();
                Ok(self.token_text(token).to_string())
            }
            kind if is_string(kind) => self.string(),
            _ => Ok(self.col_label()?.name),
        }
    }

    /// `RuleStmt`, from RULE on.
    pub(super) fn create_rule(&mut self, or_replace: bool) -> Result<Statement> {
        self.expect_kw(Kw::Rule)?;
        let name = self.col_id()?;
        self.expect_seq(&[Kw::As, Kw::On])?;
        let event = match self.any(&[Kw::Select, Kw::Update, Kw::Delete, Kw::Insert]) {
            Some(Kw::Select) => RuleEvent::Select,
            Some(Kw::Update) => RuleEvent::Update,
            Some(Kw::Delete) => RuleEvent::Delete,
            Some(_) => RuleEvent::Insert,
            None => return Err(self.unexpected()),
        };
        self.expect_kw(Kw::To)?;
        let relation = self.relation_name()?;
        let filter = self.where_clause()?;
        self.expect_kw(Kw::Do)?;
        let instead = self.any(&[Kw::Instead, Kw::Also]) == Some(Kw::Instead);
        let actions = self.rule_actions()?;
        let rule = CreateRule { or_replace, name, event, relation, filter, instead, actions };
        Ok(Statement::CreateRule(Box::new(rule)))
    }

    /// `RuleActionList`.
    fn rule_actions(&mut self) -> Result<Vec<Statement>> {
        if self.kw(Kw::Nothing) {
            return Ok(Vec::new());
        }
        if !self.take(Tok::LParen) {
            return Ok(vec![self.rule_action()?]);
        }
        let mut actions = Vec::new();
        loop {
            while self.take(Tok::Semicolon) {}
            if self.take(Tok::RParen) {
                return Ok(actions);
            }
            actions.push(self.rule_action()?);
            if !self.at(Tok::RParen) {
                self.expect(Tok::Semicolon)?;
            }
        }
    }

    /// `RuleActionStmt`.
    fn rule_action(&mut self) -> Result<Statement> {
        if self.at_kw(Kw::Notify) {
            return self.notify_stmt();
        }
        let merge = self.at_kw(Kw::Merge);
        if merge { Err(self.unexpected()) } else { self.preparable_stmt() }
    }

    /// `CreateEventTrigStmt`, from EVENT on.
    pub(super) fn create_event_trigger(&mut self) -> Result<Statement> {
        self.expect_seq(&[Kw::Event, Kw::Trigger])?;
        let name = self.col_id()?;
        self.expect_kw(Kw::On)?;
        let event = self.col_label()?;
        let mut when = Vec::new();
        if self.kw(Kw::When) {
            loop {
                let variable = self.col_id()?;
                self.expect_kw(Kw::In)?;
                when.push((variable, self.paren_list(Self::string)?));
                if !self.kw(Kw::And) {
                    break;
                }
            }
        }
        self.expect_kw(Kw::Execute)?;
        self.function_or_procedure()?;
        let function = self.func_name()?;
        self.expect(Tok::LParen)?;
        self.expect(Tok::RParen)?;
        Ok(Statement::CreateEventTrigger(Box::new(CreateEventTrigger { name, event, when, function })))
    }
}
