//! Which clause an expression stands in (PostgreSQL's `ParseExprKind`): it decides whether aggregates, window functions,
//! set-returning functions, subqueries and column references make sense there, and what the refusal says.

use crate::base::{Error, SqlState};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clause {
    /// Outside of any clause with a name.
    Other,
    JoinOn,
    JoinUsing,
    FromSubselect,
    FromFunction,
    Where,
    Having,
    Filter,
    WindowPartition,
    WindowOrder,
    WindowFrameRange,
    WindowFrameRows,
    WindowFrameGroups,
    SelectTarget,
    InsertTarget,
    UpdateSource,
    GroupBy,
    OrderBy,
    DistinctOn,
    Limit,
    Offset,
    Returning,
    MergeWhen,
    Values,
    ValuesSingle,
    CheckConstraint,
    ColumnDefault,
    IndexExpression,
    IndexPredicate,
    AlterColumnTransform,
    ExecuteParameter,
    CallArgument,
    CopyWhere,
    GeneratedColumn,
    PartitionBound,
    PartitionExpression,
}

impl Clause {
    /// `ParseExprKindName`.
    pub fn name(self) -> &'static str {
        match self {
            Clause::Other => "expression",
            Clause::JoinOn => "JOIN/ON",
            Clause::JoinUsing => "JOIN/USING",
            Clause::FromSubselect => "sub-SELECT in FROM",
            Clause::FromFunction => "function in FROM",
            Clause::Where | Clause::CopyWhere => "WHERE",
            Clause::Having => "HAVING",
            Clause::Filter => "FILTER",
            Clause::WindowPartition => "window PARTITION BY",
            Clause::WindowOrder => "window ORDER BY",
            Clause::WindowFrameRange => "window RANGE",
            Clause::WindowFrameRows => "window ROWS",
            Clause::WindowFrameGroups => "window GROUPS",
            Clause::SelectTarget => "SELECT",
            Clause::InsertTarget => "INSERT",
            Clause::UpdateSource => "UPDATE",
            Clause::GroupBy => "GROUP BY",
            Clause::OrderBy => "ORDER BY",
            Clause::DistinctOn => "DISTINCT ON",
            Clause::Limit => "LIMIT",
            Clause::Offset => "OFFSET",
            Clause::Returning => "RETURNING",
            Clause::MergeWhen => "MERGE WHEN",
            Clause::Values | Clause::ValuesSingle => "VALUES",
            Clause::CheckConstraint => "CHECK",
            Clause::ColumnDefault => "DEFAULT",
            Clause::IndexExpression => "index expression",
            Clause::IndexPredicate => "index predicate",
            Clause::AlterColumnTransform => "USING",
            Clause::ExecuteParameter => "EXECUTE",
            Clause::CallArgument => "CALL",
            Clause::GeneratedColumn => "GENERATED AS",
            Clause::PartitionBound => "partition bound",
            Clause::PartitionExpression => "PARTITION BY",
        }
    }

    /// The clause as refusals of aggregates, window functions, SRFs name it where that differs from [`Clause::name`].
    fn described(self) -> Option<&'static str> {
        Some(match self {
            Clause::JoinOn | Clause::JoinUsing => "JOIN conditions",
            Clause::FromFunction => "functions in FROM",
            Clause::WindowPartition | Clause::WindowOrder => "window definitions",
            Clause::MergeWhen => "MERGE WHEN conditions",
            Clause::CheckConstraint => "check constraints",
            Clause::ColumnDefault => "DEFAULT expressions",
            Clause::IndexExpression => "index expressions",
            Clause::IndexPredicate => "index predicates",
            Clause::AlterColumnTransform => "transform expressions",
            Clause::ExecuteParameter => "EXECUTE parameters",
            Clause::CallArgument => "CALL arguments",
            Clause::CopyWhere => "COPY FROM WHERE conditions",
            Clause::GeneratedColumn => "column generation expressions",
            Clause::PartitionBound => "partition bound",
            Clause::PartitionExpression => "partition key expressions",
            _ => return None,
        })
    }

    /// Why an aggregate (or GROUPING) may not be computed for this clause's query level, if so
    /// (`check_agglevels_and_constraints`).
    pub(super) fn refuses_aggregate(self, grouping: bool) -> Option<Error> {
        let what = if grouping { "grouping operations" } else { "aggregate functions" };
        let message = match self {
            Clause::Other
            | Clause::Having
            | Clause::WindowPartition
            | Clause::WindowOrder
            | Clause::SelectTarget
            | Clause::OrderBy
            | Clause::DistinctOn => return None,
            Clause::FromSubselect => format!("{what} are not allowed in FROM clause of their own query level"),
            _ => format!("{what} are not allowed in {}", self.described().unwrap_or(self.name())),
        };
        Some(Error::new(SqlState::GROUPING_ERROR, message))
    }

    /// `transformWindowFuncCall`.
    pub(super) fn refuses_window(self) -> Option<Error> {
        let place = match self {
            Clause::Other | Clause::SelectTarget | Clause::OrderBy | Clause::DistinctOn => return None,
            _ => self.described().unwrap_or(self.name()),
        };
        Some(Error::new(SqlState::WINDOWING_ERROR, format!("window functions are not allowed in {place}")))
    }

    /// `check_srf_call_placement`.
    pub(super) fn refuses_set_function(self) -> Option<Error> {
        let place = match self {
            Clause::Other
            | Clause::SelectTarget
            | Clause::OrderBy
            | Clause::GroupBy
            | Clause::DistinctOn
            | Clause::InsertTarget
            | Clause::ValuesSingle
            | Clause::FromFunction => return None,
            _ => self.described().unwrap_or(self.name()),
        };
        let message = format!("set-returning functions are not allowed in {place}");
        Some(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
    }

    /// `transformSubLink`.
    pub(super) fn refuses_subquery(self) -> Option<Error> {
        let place = match self {
            Clause::CheckConstraint => "check constraint",
            Clause::ColumnDefault => "DEFAULT expression",
            Clause::IndexExpression => "index expression",
            Clause::IndexPredicate => "index predicate",
            Clause::AlterColumnTransform => "transform expression",
            Clause::ExecuteParameter => "EXECUTE parameter",
            Clause::CallArgument => "CALL argument",
            Clause::CopyWhere => "COPY FROM WHERE condition",
            Clause::GeneratedColumn => "column generation expression",
            Clause::PartitionBound => "partition bound",
            Clause::PartitionExpression => "partition key expression",
            _ => return None,
        };
        Some(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot use subquery in {place}")))
    }

    /// `transformColumnRef`.
    pub(super) fn refuses_columns(self) -> Option<Error> {
        let place = match self {
            Clause::ColumnDefault => "DEFAULT expression",
            Clause::PartitionBound => "partition bound expression",
            _ => return None,
        };
        Some(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot use column reference in {place}")))
    }
}
