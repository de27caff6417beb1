//! Polymorphic arguments: which concrete types `anyelement`, `anyarray`, `anycompatible` and their kin stand for in a call
//! (`enforce_generic_type_consistency`).

use super::coerce::can_coerce;
use super::common::select_common_type;
use crate::base::{Error, Oid, Result, SqlState};
use crate::expr::function::CastContext;
use crate::types::{array_of, element_of, oid, type_info, type_name};

/// Whether the type is one of the `any*` that a call makes concrete (`"any"` is not).
pub fn is_polymorphic(ty: Oid) -> bool {
    is_element_family(ty) || is_compatible_family(ty)
}

fn is_element_family(ty: Oid) -> bool {
    matches!(ty, oid::ANYELEMENT | oid::ANYARRAY | oid::ANYNONARRAY | oid::ANYENUM | oid::ANYRANGE | oid::ANYMULTIRANGE)
}

fn is_compatible_family(ty: Oid) -> bool {
    matches!(
        ty,
        oid::ANYCOMPATIBLE
            | oid::ANYCOMPATIBLEARRAY
            | oid::ANYCOMPATIBLENONARRAY
            | oid::ANYCOMPATIBLERANGE
            | oid::ANYCOMPATIBLEMULTIRANGE
    )
}

fn mismatch(message: String) -> Error {
    Error::new(SqlState::DATATYPE_MISMATCH, message)
}

fn name(ty: Oid) -> String {
    type_name(ty)
}

/// What the two families stand for.
#[derive(Clone, Copy, Debug, Default)]
struct Bindings {
    element: Option<Oid>,
    array: Option<Oid>,
    compatible: Option<Oid>,
    compatible_array: Option<Oid>,
}

/// The declared types of a call with the polymorphic ones replaced, and the result type. `declared` has one entry for
/// each of `actual`.
pub fn resolve_polymorphic(actual: &[Oid], declared: &[Oid], ret: Oid) -> Result<(Vec<Oid>, Oid)> {
    if !declared.iter().any(|&d| is_polymorphic(d)) {
        return Ok((declared.to_vec(), ret));
    }
    let mut b = Bindings::default();
    bind_elements(actual, declared, &mut b)?;
    bind_compatible(actual, declared, &mut b)?;
    let concrete = declared.iter().zip(actual).map(|(&d, &a)| replace(d, Some(a), &b)).collect::<Result<_>>()?;
    Ok((concrete, replace(ret, None, &b)?))
}

fn replace(declared: Oid, actual: Option<Oid>, b: &Bindings) -> Result<Oid> {
    let undetermined = || mismatch("could not determine polymorphic type because input has type unknown".into());
    match declared {
        oid::ANYELEMENT | oid::ANYNONARRAY | oid::ANYENUM => b.element.ok_or_else(undetermined),
        oid::ANYARRAY => match b.array {
            Some(array) => Ok(array),
            None => array_type(b.element.ok_or_else(undetermined)?),
        },
        oid::ANYCOMPATIBLE | oid::ANYCOMPATIBLENONARRAY => b.compatible.ok_or_else(undetermined),
        oid::ANYCOMPATIBLEARRAY => match b.compatible_array {
            Some(array) => Ok(array),
            None => array_type(b.compatible.ok_or_else(undetermined)?),
        },
        other if is_polymorphic(other) => actual.ok_or_else(undetermined),
        other => Ok(other),
    }
}

fn array_type(element: Oid) -> Result<Oid> {
    array_of(element).ok_or_else(|| {
        Error::new(SqlState::UNDEFINED_OBJECT, format!("could not find array type for data type {}", name(element)))
    })
}

/// `anyelement` and kin: every argument must agree exactly.
fn bind_elements(actual: &[Oid], declared: &[Oid], b: &mut Bindings) -> Result<()> {
    let family = declared.iter().filter(|&&d| is_element_family(d)).count();
    if family == 0 {
        return Ok(());
    }
    for (&d, &a) in declared.iter().zip(actual) {
        let slot = match d {
            _ if a == oid::UNKNOWN => continue,
            oid::ANYELEMENT | oid::ANYNONARRAY | oid::ANYENUM => &mut b.element,
            oid::ANYARRAY => &mut b.array,
            _ => continue,
        };
        match *slot {
            Some(seen) if seen != a => {
                let what = if d == oid::ANYARRAY { "anyarray" } else { "anyelement" };
                return Err(mismatch(format!("arguments declared \"{what}\" are not all alike")).detail(format!(
                    "{} versus {}",
                    name(seen),
                    name(a)
                )));
            }
            _ => *slot = Some(a),
        }
    }
    if let Some(array) = b.array {
        if array == oid::ANYARRAY {
            b.element.get_or_insert(oid::ANYELEMENT);
            return Ok(());
        }
        let element = element_of(array).ok_or_else(|| {
            mismatch(format!("argument declared {} is not an array but type {}", "anyarray", name(array)))
        })?;
        match b.element {
            None => b.element = Some(element),
            Some(seen) if seen != element => {
                return Err(mismatch(
                    "argument declared anyarray is not consistent with argument declared anyelement".into(),
                )
                .detail(format!("{} versus {}", name(array), name(seen))));
            }
            Some(_) => {}
        }
    }
    if b.element.is_none() {
        return Err(mismatch("could not determine polymorphic type because input has type unknown".into()));
    }
    let element = b.element.expect("just checked");
    if declared.contains(&oid::ANYNONARRAY) && element_of(element).is_some() {
        return Err(mismatch(format!("type matched to anynonarray is an array type: {}", name(element))));
    }
    if declared.contains(&oid::ANYENUM) && type_info(element).is_some_and(|t| t.kind != b'e') {
        return Err(mismatch(format!("type matched to anyenum is not an enum type: {}", name(element))));
    }
    Ok(())
}

/// `anycompatible` and kin: the arguments' common type.
fn bind_compatible(actual: &[Oid], declared: &[Oid], b: &mut Bindings) -> Result<()> {
    let mut types = Vec::new();
    let mut any = false;
    for (&d, &a) in declared.iter().zip(actual) {
        match d {
            oid::ANYCOMPATIBLE | oid::ANYCOMPATIBLENONARRAY => {
                any = true;
                if a != oid::UNKNOWN {
                    types.push(a);
                }
            }
            oid::ANYCOMPATIBLEARRAY => {
                any = true;
                if a != oid::UNKNOWN {
                    let element = element_of(a).ok_or_else(|| {
                        mismatch(format!(
                            "argument declared {} is not an array but type {}",
                            "anycompatiblearray",
                            name(a)
                        ))
                    })?;
                    types.push(element);
                }
            }
            _ => {}
        }
    }
    if !any {
        return Ok(());
    }
    let common = match types.len() {
        0 => oid::TEXT,
        _ => select_common_type(&types)
            .ok_or_else(|| mismatch("arguments of anycompatible family cannot be cast to a common type".to_string()))?,
    };
    if !types.iter().all(|&t| can_coerce(t, common, CastContext::Implicit)) {
        return Err(mismatch("arguments of anycompatible family cannot be cast to a common type".into()));
    }
    if declared.contains(&oid::ANYCOMPATIBLENONARRAY) && element_of(common).is_some() {
        return Err(mismatch(format!("type matched to anycompatiblenonarray is an array type: {}", name(common))));
    }
    b.compatible = Some(common);
    if declared.contains(&oid::ANYCOMPATIBLEARRAY) {
        b.compatible_array = Some(array_type(common)?);
    }
    Ok(())
}

/// Whether the polymorphic arguments of a candidate could be made concrete (`check_generic_type_consistency`).
pub fn polymorphic_fits(actual: &[Oid], declared: &[Oid]) -> bool {
    for (&d, &a) in declared.iter().zip(actual) {
        let fits = match d {
            _ if a == oid::UNKNOWN => true,
            oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY => element_of(a).is_some() || a == oid::ANYARRAY,
            oid::ANYENUM => type_info(a).is_some_and(|t| t.kind == b'e'),
            oid::ANYRANGE | oid::ANYCOMPATIBLERANGE => type_info(a).is_some_and(|t| t.kind == b'r'),
            oid::ANYMULTIRANGE | oid::ANYCOMPATIBLEMULTIRANGE => type_info(a).is_some_and(|t| t.kind == b'm'),
            _ => true,
        };
        if !fits {
            return false;
        }
    }
    let mut b = Bindings::default();
    let elements = bind_elements(actual, declared, &mut b);
    // All-unknown arguments are a candidate; they fail only when it is chosen.
    let undetermined = declared.iter().zip(actual).all(|(&d, &a)| !is_element_family(d) || a == oid::UNKNOWN);
    (elements.is_ok() || undetermined) && bind_compatible(actual, declared, &mut b).is_ok()
}
