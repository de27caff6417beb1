//! Planning walks the logical plan by recursion. A deep plan (a UNION of a thousand SELECTs) gets a stack that is large
//! enough, on a thread of its own; one that is deeper still is refused, and so is a plan that is too deep to run.

use super::plan::Plan;
use crate::base::{Error, Result, SqlState};
use crate::binder::rel::{Query, Rel};

/// Up to this depth the caller's stack does.
const SHALLOW: usize = 24;
const DEEPEST: usize = 4096;
/// What one level takes of the stack, in unoptimised builds.
const LEVEL_BYTES: usize = 48 << 10;
/// Levels of operators that call each other.
const DEEPEST_PLAN: usize = 160;

fn too_deep() -> Error {
    Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
}

fn depth(rel: &Rel) -> usize {
    let mut below = 0;
    rel.for_each_input(&mut |input| below = below.max(depth(input)));
    below + 1
}

/// Runs the planner for a query on a stack of the right size.
pub(super) fn with_stack<T: Send>(query: &Query, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let levels = depth(&query.root) + query.subqueries.iter().map(|s| depth(&s.root)).sum::<usize>();
    if levels <= SHALLOW {
        return work();
    }
    if levels > DEEPEST {
        return Err(too_deep());
    }
    std::thread::scope(|scope| {
        let thread =
            std::thread::Builder::new().stack_size(levels * LEVEL_BYTES + (1 << 20)).spawn_scoped(scope, work)?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn plan_depth(plan: &Plan) -> usize {
    1 + plan.children().into_iter().map(plan_depth).max().unwrap_or(0)
}

/// Refuses a plan whose operators would call each other too deeply.
pub(super) fn check_depth(plan: &Plan) -> Result<()> {
    if plan_depth(plan) > DEEPEST_PLAN { Err(too_deep()) } else { Ok(()) }
}
