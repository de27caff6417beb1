//! What evaluation needs besides the expression and its input: parameters, settings, the session, subplans.

use super::function::Function;
use super::random::Random;
use super::regexp::RegexCache;
use super::tree::{Quantified, SubqueryId};
use crate::base::{Error, Result, SqlState};
use crate::types::{Datum, DatumRef, FormatContext};
use std::sync::atomic::{AtomicBool, Ordering};

/// What only the session knows: settings, sequences, the catalog, the clock.
pub trait Host {
    /// Answers a function whose kernel is [`Kernel::Host`](super::function::Kernel::Host). Arguments are as the call has
    /// them, NULLs included unless the function is strict.
    fn call(&mut self, func: &Function, args: &[DatumRef<'_>]) -> Result<Datum>;

    /// The clock, in microseconds since 2000-01-01 UTC.
    fn clock_us(&mut self) -> i64;

    /// A notice for the client, or a warning when the code is of the class of warnings.
    fn notice(&mut self, notice: Error);

    /// A warning for the client, whatever its code.
    fn warning(&mut self, warning: Error);
}

/// Runs the subqueries of a statement; the executor implements it. Outer values are already in
/// [`EvalContext::exec`] when a method is called. While one runs, `cx.subplans` is none: the implementation puts itself
/// back for what its plan evaluates.
pub trait Subplans {
    /// The one value of the only row; NULL if there is no row; 21000 if there are more.
    fn scalar(&mut self, id: SubqueryId, cx: &mut EvalContext<'_>) -> Result<Datum>;

    fn exists(&mut self, id: SubqueryId, cx: &mut EvalContext<'_>) -> Result<bool>;

    /// The first column as an array.
    fn array(&mut self, id: SubqueryId, cx: &mut EvalContext<'_>) -> Result<Datum>;

    /// `left op ANY|ALL (subquery)`, `left` already evaluated. An implementation may hash the subquery's rows, or loop over
    /// them with [`quantified_row`](super::eval::quantified_row).
    fn quantified(
        &mut self,
        id: SubqueryId,
        test: &Quantified,
        left: &[DatumRef<'_>],
        cx: &mut EvalContext<'_>,
    ) -> Result<Option<bool>>;
}

/// What a session keeps from statement to statement for evaluation's sake.
pub struct EvalState {
    pub random: Random,
    pub regexes: RegexCache,
}

impl EvalState {
    /// `seed` makes the session's random numbers; it comes from the system's randomness, or a test's seed.
    pub fn new(seed: [u8; 32]) -> EvalState {
        EvalState { random: Random::new(seed), regexes: RegexCache::default() }
    }
}

pub struct EvalContext<'a> {
    pub params: &'a [Datum],
    /// Values that nested loops and correlated subqueries set for what is below them, by slot.
    pub exec: &'a mut Vec<Datum>,
    pub format: &'a FormatContext,
    pub host: &'a mut dyn Host,
    pub subplans: Option<&'a mut dyn Subplans>,
    pub state: &'a mut EvalState,
    pub cancelled: &'a AtomicBool,
    /// `statement_timestamp()`, microseconds since 2000-01-01 UTC.
    pub statement_us: i64,
    /// `now()`.
    pub transaction_us: i64,
}

impl EvalContext<'_> {
    /// 57014 when the statement has been cancelled. Why is the session's to say: it replaces the message.
    pub fn check_cancelled(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(SqlState::QUERY_CANCELED, "canceling statement due to user request"));
        }
        Ok(())
    }

    /// The same context for a shorter time.
    pub fn reborrow(&mut self) -> EvalContext<'_> {
        EvalContext {
            params: self.params,
            exec: self.exec,
            format: self.format,
            host: self.host,
            subplans: match &mut self.subplans {
                Some(s) => Some(&mut **s),
                None => None,
            },
            state: self.state,
            cancelled: self.cancelled,
            statement_us: self.statement_us,
            transaction_us: self.transaction_us,
        }
    }
}

/// A host for expressions that need no session: folding constants, tests.
pub struct NoHost;

impl Host for NoHost {
    fn call(&mut self, func: &Function, _args: &[DatumRef<'_>]) -> Result<Datum> {
        Err(Error::internal(format!("function {} needs a session", func.name)))
    }

    fn clock_us(&mut self) -> i64 {
        0
    }

    fn notice(&mut self, _notice: Error) {}

    fn warning(&mut self, _warning: Error) {}
}
