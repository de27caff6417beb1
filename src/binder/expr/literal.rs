//! Constants (`make_const`).

use crate::base::Result;
use crate::binder::state::Binder;
use crate::expr::Expr;
use crate::parser::ast::Constant;
use crate::types::{SqlType, parse_text};

impl Binder<'_> {
    pub fn transform_constant(&mut self, constant: &Constant, pos: usize) -> Result<Expr> {
        Ok(match constant {
            Constant::Null => Expr::null(SqlType::UNKNOWN),
            Constant::Bool(value) => Expr::constant(*value, SqlType::BOOL),
            Constant::Integer(value) => Expr::constant(*value, SqlType::INT4),
            Constant::Float(text) => return self.number(text, pos),
            Constant::String(text) => Expr::constant(text.as_str(), SqlType::UNKNOWN),
            Constant::BitString(text) => {
                let value = parse_text(SqlType::BIT, text, self.env.format).map_err(|e| e.at(pos))?;
                Expr::Const { value, ty: SqlType::BIT }
            }
        })
    }

    /// A whole number is `int8` if it fits; all else is `numeric`.
    fn number(&mut self, text: &str, pos: usize) -> Result<Expr> {
        if let Ok(value) = text.parse::<i64>() {
            return Ok(match i32::try_from(value) {
                Ok(small) => Expr::constant(small, SqlType::INT4),
                Err(_) => Expr::constant(value, SqlType::INT8),
            });
        }
        let value = parse_text(SqlType::NUMERIC, text, self.env.format).map_err(|e| e.at(pos))?;
        Ok(Expr::Const { value, ty: SqlType::NUMERIC })
    }
}
