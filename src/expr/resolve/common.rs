//! The type that the branches of CASE, the arms of UNION, the items of an array share (`select_common_type`).

use super::coerce::can_coerce;
use crate::base::{Error, Oid, Result, SqlState};
use crate::expr::function::CastContext;
use crate::types::{SqlType, oid, type_info, type_name};

/// A type's category and whether it is preferred in it. Types from outside the built-in table are `U`ser-defined.
pub fn category(ty: Oid) -> (u8, bool) {
    match type_info(ty) {
        Some(t) => (t.category, t.preferred),
        None => (b'U', false),
    }
}

/// What comes out of looking at one more type.
enum Step {
    Keep,
    Take,
    Conflict,
}

fn step(so_far: Oid, next: Oid) -> Step {
    if next == oid::UNKNOWN || next == so_far {
        return Step::Keep;
    }
    if so_far == oid::UNKNOWN {
        return Step::Take;
    }
    let (so_far_category, preferred) = category(so_far);
    if category(next).0 != so_far_category {
        return Step::Conflict;
    }
    let forth = can_coerce(so_far, next, CastContext::Implicit);
    let back = can_coerce(next, so_far, CastContext::Implicit);
    if !preferred && forth && !back { Step::Take } else { Step::Keep }
}

/// The common type of the types, or none when their categories differ. All unknown is `text`.
pub fn select_common_type(types: &[Oid]) -> Option<Oid> {
    common(types).ok()
}

fn common(types: &[Oid]) -> Result<Oid, (Oid, Oid)> {
    let mut chosen = *types.first().unwrap_or(&oid::UNKNOWN);
    for &next in types.iter().skip(1) {
        match step(chosen, next) {
            Step::Keep => {}
            Step::Take => chosen = next,
            Step::Conflict => return Err((chosen, next)),
        }
    }
    Ok(if chosen == oid::UNKNOWN { oid::TEXT } else { chosen })
}

/// The common type of expressions of these types. `construct` is named in the error, as `CASE`, `UNION`, `VALUES`,
/// `ARRAY`, `COALESCE`, `GREATEST`, `LEAST`, `IN`, `JOIN/USING`. The modifier survives when all agree on it.
pub fn common_type(construct: &str, types: &[SqlType]) -> Result<SqlType> {
    let oids: Vec<Oid> = types.iter().map(|t| t.oid).collect();
    let chosen = common(&oids).map_err(|(a, b)| {
        Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!("{construct} types {} and {} cannot be matched", type_name(a), type_name(b)),
        )
    })?;
    let same = types.iter().all(|t| t.oid == chosen && t.typmod == types[0].typmod);
    Ok(if same { types[0] } else { SqlType::of(chosen) })
}
