//! Which statements lock one row that their parameters name, so that the lock can come before the snapshot.

use super::plan::{LockStrength, LockWait, Lookup, Node, Plan};
use crate::expr::Expr;
use crate::txn::LockMode;

pub fn lock_mode(strength: LockStrength) -> LockMode {
    match strength {
        LockStrength::KeyShare => LockMode::KeyShare,
        LockStrength::Share => LockMode::ShareRow,
        LockStrength::NoKeyUpdate => LockMode::NoKeyUpdate,
        LockStrength::Update => LockMode::Update,
    }
}

/// The lookup whose row a plan locks whatever the row holds, and how.
pub fn first_lock(plan: &Plan) -> Option<(&Lookup, LockMode)> {
    let (mut plan, mode) = match &plan.node {
        Node::Project(n) => return first_lock(&n.input),
        Node::Limit(n) => return first_lock(&n.input),
        Node::Update(n) => {
            let generated = n.table.generated.iter().map(|g| g.0);
            let columns: Vec<usize> = n.set.iter().map(|s| s.0).chain(generated).collect();
            (&n.input, n.table.def.update_lock(&columns))
        }
        Node::Delete(n) => (&n.input, LockMode::Update),
        Node::LockRows(n) => match n.targets.as_slice() {
            [one] if one.wait == LockWait::Block => (&n.input, lock_mode(one.strength)),
            _ => return None,
        },
        _ => return None,
    };
    loop {
        plan = match &plan.node {
            Node::Project(n) => &n.input,
            // A subquery needs the snapshot.
            Node::Lookup(n) if n.filter.is_none() && !n.key.iter().any(Expr::has_subquery) => return Some((n, mode)),
            _ => return None,
        };
    }
}
