//! What a check of stored data answers: one finding for each thing that is not as it should be. A check goes on after one,
//! so findings go to a callback and are no `Result`.

use super::{Error, SqlState};

#[derive(Clone, Debug)]
pub enum Finding {
    /// Bytes are not what was written: XX001, or the error that reading them gives.
    Damage(Error),
    /// What a crash may leave and nothing depends on.
    Note(String),
}

/// Is told each finding.
pub type Report<'a> = &'a mut dyn FnMut(Finding);

impl Finding {
    pub fn damage(message: impl Into<String>) -> Finding {
        Finding::Damage(Error::new(SqlState::DATA_CORRUPTED, message))
    }

    pub fn is_damage(&self) -> bool {
        matches!(self, Finding::Damage(_))
    }
}
