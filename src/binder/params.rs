//! Parameters whose types are found out from where they are used (`parse_param.c`).
//!
//! A parameter of unknown type is an `Expr::Param` of type `unknown` until something coerces it; then its type is settled
//! for all later uses. A use that stayed unknown while another settled the type is ambiguous, as in PostgreSQL.

use super::state::{Binder, Parameters};
use crate::base::{Error, Oid, Result, SqlState};
use crate::expr::Expr;
use crate::expr::resolve::ParamTypes;
use crate::types::{SqlType, format_type, oid, type_name};

/// `MaxAllocSize / sizeof(Oid)` in PostgreSQL; the protocol cannot bind more than this.
const PARAMS_MAX: i32 = 65535;

pub(super) struct Params {
    allowed: bool,
    growing: bool,
    slots: Vec<Slot>,
}

#[derive(Clone, Copy)]
struct Slot {
    ty: SqlType,
    /// How many uses have been handed out as unknown and not been coerced yet.
    unsettled: usize,
    position: Option<usize>,
}

impl Params {
    pub fn new(parameters: Parameters<'_>) -> Params {
        let slot = |ty| Slot { ty, unsettled: 0, position: None };
        let declared = |&t: &Oid| slot(if t == Oid::INVALID { SqlType::UNKNOWN } else { SqlType::of(t) });
        match parameters {
            Parameters::Forbidden => Params { allowed: false, growing: false, slots: Vec::new() },
            Parameters::Infer(types) => {
                Params { allowed: true, growing: true, slots: types.iter().map(declared).collect() }
            }
            Parameters::Fixed(types) => {
                Params { allowed: true, growing: false, slots: types.iter().map(|&t| slot(t)).collect() }
            }
        }
    }

    /// A use of `$number`.
    fn reference(&mut self, number: i32, position: usize) -> Result<Expr> {
        let exists = self.allowed && number > 0 && number <= PARAMS_MAX;
        if !exists || (!self.growing && number as usize > self.slots.len()) {
            return Err(
                Error::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter ${number}")).at(position)
            );
        }
        let index = number as usize - 1;
        if index >= self.slots.len() {
            self.slots.resize(index + 1, Slot { ty: SqlType::UNKNOWN, unsettled: 0, position: None });
        }
        let slot = &mut self.slots[index];
        slot.position.get_or_insert(position);
        if slot.ty.oid == oid::UNKNOWN {
            slot.unsettled += 1;
        }
        Ok(Expr::Param { index, ty: slot.ty })
    }

    /// An expression with uses of parameters in it has been copied.
    fn copied(&mut self, expr: &Expr) {
        expr.visit(&mut |e| {
            if let Expr::Param { index, ty } = e
                && ty.oid == oid::UNKNOWN
            {
                self.slots[*index].unsettled += 1;
            }
            true
        });
    }

    /// Forbids parameters for a while: in stored text.
    pub fn suspend(&mut self) -> bool {
        std::mem::replace(&mut self.allowed, false)
    }

    pub fn resume(&mut self, allowed: bool) {
        self.allowed = allowed;
    }

    /// The types of all parameters, once everything is bound (`check_variable_parameters`).
    pub fn finish(&self) -> Result<Vec<SqlType>> {
        for (i, slot) in self.slots.iter().enumerate() {
            let undetermined = slot.ty.oid == oid::UNKNOWN;
            if !undetermined && slot.unsettled == 0 {
                continue;
            }
            let code = if undetermined { SqlState::INDETERMINATE_DATATYPE } else { SqlState::AMBIGUOUS_PARAMETER };
            let mut error = Error::new(code, format!("could not determine data type of parameter ${}", i + 1));
            if let Some(position) = slot.position.filter(|_| !undetermined) {
                error = error.at(position);
            }
            return Err(error);
        }
        Ok(self.slots.iter().map(|s| s.ty).collect())
    }
}

impl ParamTypes for Params {
    fn settle(&mut self, index: usize, ty: SqlType) -> Result<()> {
        let slot = &mut self.slots[index];
        slot.unsettled = slot.unsettled.saturating_sub(1);
        if slot.ty.oid == oid::UNKNOWN {
            slot.ty = ty.bare();
        } else if slot.ty.oid != ty.oid {
            let types = format!("{} versus {}", format_type(slot.ty), type_name(ty.oid));
            return Err(Error::new(
                SqlState::AMBIGUOUS_PARAMETER,
                format!("inconsistent types deduced for parameter ${}", index + 1),
            )
            .detail(types));
        }
        Ok(())
    }
}

impl Binder<'_> {
    pub fn param_reference(&mut self, number: i32, position: usize) -> Result<Expr> {
        self.params.reference(number, position)
    }

    /// A copy of an expression that is to be evaluated twice.
    pub fn copy(&mut self, expr: &Expr) -> Expr {
        self.params.copied(expr);
        expr.clone()
    }
}
