//! The one error type. Its fields are those of PostgreSQL's ErrorResponse; it is boxed, so a `Result` stays one word.
//!
//! Two things that are not errors travel the same road, because they too end a statement in the middle of whatever it
//! was doing: "wait for this lock, then run me again" and "run me again on a newer snapshot". They are the
//! [`Flow`] of an error; the session acts on them and no client ever sees one.

use super::sqlstate::SqlState;
use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the session does with an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// Report it: the statement failed.
    #[default]
    Fail,
    /// The transaction waits for a lock: await it, then run the statement again on a fresh snapshot.
    Wait,
    /// The statement met a row newer than its snapshot: run it again on a fresh one (READ COMMITTED).
    Restart,
}

/// The fields of PostgreSQL's ErrorResponse and NoticeResponse.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    pub code: SqlState,
    pub flow: Flow,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// Byte offset into the statement's text where the trouble is, from 0. (The wire counts characters from 1.)
    pub position: Option<usize>,
    /// The call stack, PostgreSQL's CONTEXT.
    pub context: Option<String>,
    pub schema: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub data_type: Option<String>,
    pub constraint: Option<String>,
}

#[derive(Clone)]
pub struct Error(Box<Fields>);

impl Error {
    pub fn new(code: SqlState, message: impl Into<String>) -> Error {
        Error(Box::new(Fields { code, message: message.into(), ..Fields::default() }))
    }

    /// 0A000: what is not built yet, by name. `Error::unsupported("MERGE")` reads `MERGE is not supported`.
    pub fn unsupported(feature: impl fmt::Display) -> Error {
        Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{feature} is not supported"))
    }

    /// XX000: an invariant of ours does not hold.
    pub fn internal(message: impl Into<String>) -> Error {
        Error::new(SqlState::INTERNAL_ERROR, message)
    }

    /// Ends the statement to wait for the lock that the transaction has queued for.
    pub fn wait() -> Error {
        let mut e = Error::new(SqlState::INTERNAL_ERROR, "lock wait reached a client");
        e.0.flow = Flow::Wait;
        e
    }

    /// Ends the statement to run it again on a fresh snapshot.
    pub fn restart() -> Error {
        let mut e =
            Error::new(SqlState::T_R_SERIALIZATION_FAILURE, "could not serialize access due to concurrent update");
        e.0.flow = Flow::Restart;
        e
    }

    pub fn detail(mut self, text: impl Into<String>) -> Error {
        self.0.detail = Some(text.into());
        self
    }

    pub fn hint(mut self, text: impl Into<String>) -> Error {
        self.0.hint = Some(text.into());
        self
    }

    pub fn context(mut self, text: impl Into<String>) -> Error {
        self.0.context = Some(text.into());
        self
    }

    /// Sets the byte offset in the statement's text, unless an inner call has set a closer one.
    pub fn at(mut self, position: usize) -> Error {
        self.0.position.get_or_insert(position);
        self
    }

    /// Forgets the position: it counts in a text that is not the statement's, or PostgreSQL tells none.
    pub fn nowhere(mut self) -> Error {
        self.0.position = None;
        self
    }

    pub fn table(mut self, schema: impl Into<String>, table: impl Into<String>) -> Error {
        self.0.schema = Some(schema.into());
        self.0.table = Some(table.into());
        self
    }

    pub fn column(mut self, name: impl Into<String>) -> Error {
        self.0.column = Some(name.into());
        self
    }

    pub fn data_type(mut self, name: impl Into<String>) -> Error {
        self.0.data_type = Some(name.into());
        self
    }

    pub fn constraint(mut self, name: impl Into<String>) -> Error {
        self.0.constraint = Some(name.into());
        self
    }

    pub fn code(&self) -> SqlState {
        self.0.code
    }

    pub fn flow(&self) -> Flow {
        self.0.flow
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn fields(&self) -> &Fields {
        &self.0
    }

    pub fn fields_mut(&mut self) -> &mut Fields {
        &mut self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.0.code, self.0.message)?;
        if let Some(detail) = &self.0.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// 58030: the operating system refused.
impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Error {
        let code = match e.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => SqlState::DISK_FULL,
            _ => SqlState::IO_ERROR,
        };
        Error::new(code, e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_position_wins() {
        let e = Error::unsupported("MERGE").at(7).at(0);
        assert_eq!(e.fields().position, Some(7));
        assert_eq!(format!("{e:?}"), "[0A000] MERGE is not supported");
    }
}
