//! Makes the operators of a plan. An operator keeps the `Arc` of its node's particulars, so this copies nothing but
//! pointers and a short statement pays for a handful of small allocations.

use super::instrument::Numbering;
use super::{
    BoxOperator, aggregate, append, cte, distinct, filter, function_scan, hash_join, limit, lock_rows, lookup, modify,
    nested_loop, project, project_set, recursive, result, scan, set_op, sort, system_scan, window,
};
use crate::planner::plan::{Node, Plan};

/// The plan's depth is bounded by the planner.
pub(crate) fn build(plan: &Plan, numbering: &Numbering) -> BoxOperator {
    let number = numbering.take();
    let child = |plan: &Plan| build(plan, numbering);
    let operator: BoxOperator = match &plan.node {
        Node::Result(n) => Box::new(result::ResultOp::new(n)),
        Node::Values(n) => Box::new(result::ValuesOp::new(n, &plan.types)),
        Node::Gate(n) => Box::new(filter::GateOp::new(n, child(&n.input))),
        Node::Lookup(n) => Box::new(lookup::LookupOp::new(n)),
        Node::SeqScan(n) | Node::IndexScan(n) => Box::new(scan::ScanOp::new(n)),
        Node::SystemScan(n) => Box::new(system_scan::SystemScanOp::new(n)),
        Node::FunctionScan(n) => Box::new(function_scan::FunctionScanOp::new(n)),
        Node::CteScan(n) => Box::new(cte::CteScanOp::new(n)),
        Node::WorkTableScan(n) => Box::new(recursive::WorkTableOp::new(n)),
        Node::Filter(n) => Box::new(filter::FilterOp::new(n, child(&n.input))),
        Node::Project(n) => Box::new(project::ProjectOp::new(n, child(&n.input))),
        Node::ProjectSet(n) => Box::new(project_set::ProjectSetOp::new(n, child(&n.input))),
        Node::NestedLoop(n) => {
            let (left, right) = (child(&n.left), child(&n.right));
            Box::new(nested_loop::NestedLoopOp::new(n, left, right))
        }
        Node::HashJoin(n) => {
            let (left, right) = (child(&n.left), child(&n.right));
            Box::new(hash_join::HashJoinOp::new(n, left, right))
        }
        Node::Aggregate(n) => Box::new(aggregate::AggregateOp::new(n, child(&n.input))),
        Node::Window(n) => Box::new(window::WindowOp::new(n, child(&n.input))),
        Node::Distinct(n) => Box::new(distinct::DistinctOp::new(n, child(&n.input))),
        Node::Sort(n) => Box::new(sort::SortOp::new(n, child(&n.input))),
        Node::Limit(n) => Box::new(limit::LimitOp::new(n, child(&n.input))),
        Node::SetOp(n) => {
            let (left, right) = (child(&n.left), child(&n.right));
            Box::new(set_op::SetOpOp::new(n, left, right))
        }
        Node::Append(n) => Box::new(append::AppendOp::new(n.inputs.iter().map(child).collect())),
        Node::RecursiveUnion(n) => {
            let (seed, step) = (child(&n.seed), child(&n.step));
            Box::new(recursive::RecursiveUnionOp::new(n, seed, step))
        }
        Node::LockRows(n) => Box::new(lock_rows::LockRowsOp::new(n, child(&n.input))),
        Node::Insert(n) => Box::new(modify::ModifyOp::new(n, child(&n.input))),
        Node::Update(n) => Box::new(modify::ModifyOp::new(n, child(&n.input))),
        Node::Merge(n) => Box::new(modify::ModifyOp::new(n, child(&n.input))),
        Node::Delete(n) => Box::new(modify::ModifyOp::new(n, child(&n.input))),
    };
    numbering.wrap(number, operator)
}
