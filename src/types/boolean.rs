//! `bool` from text (`boolin`): any unambiguous beginning of true, false, yes, no, on, off; or 1 and 0.

use super::text::{invalid_syntax, trim};
use crate::base::Result;

pub(super) fn parse(text: &str) -> Result<bool> {
    read(trim(text)).ok_or_else(|| invalid_syntax("boolean", text))
}

/// The rule without the error, which settings share; no white space is skipped.
pub fn read(word: &str) -> Option<bool> {
    let begins = |whole: &str, least: usize| {
        word.len() >= least && whole.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word))
    };
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || word == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_enough_unless_ambiguous() {
        for text in ["t", "TRUE", " tru ", "y", "yes", "on", "1", "\ttrue\n"] {
            assert!(parse(text).unwrap(), "{text}");
        }
        for text in ["f", "fals", "n", "No", "of", "OFF", "0"] {
            assert!(!parse(text).unwrap(), "{text}");
        }
        for text in ["", "o", "truee", "2", "11", "ja", "tr ue"] {
            let message = parse(text).unwrap_err().message().to_string();
            assert_eq!(message, format!("invalid input syntax for type boolean: \"{text}\""));
        }
    }
}
