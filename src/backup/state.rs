//! What a timeline's part of a store should hold, in one object that is written again and again. All else is immutable;
//! this one is what tells that an object is missing which nothing else would miss: the last piece of the log, or a whole
//! snapshot.

use super::layout::{Layout, parse_lsn};
use super::object;
use crate::base::{Lsn, Result};
use crate::io::ObjectStore;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The log is there from here
    pub log_from: Lsn,
    /// up to here,
    pub log_to: Lsn,
    /// but for these parts, which could not be kept until the store took them.
    pub gaps: Vec<(Lsn, Lsn)>,
    /// Every commit before this time, in microseconds since 1970, is in the log that is there.
    pub time_us: u64,
    /// Snapshots that are there.
    pub snapshots: Vec<Lsn>,
    /// The store was found to overwrite what it should not have.
    pub unconditional: bool,
    /// Where this timeline began and those that it follows on, but for the first: what lies before is theirs as well.
    pub forks: Vec<(u32, Lsn)>,
}

/// The JSON text.
#[derive(Serialize, Deserialize)]
struct Text {
    format: u32,
    log_from: String,
    log_to: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<(String, String)>,
    time_us: u64,
    snapshots: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unconditional: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    timelines: Vec<(u32, String)>,
}

const FORMAT: u32 = 1;

impl State {
    pub fn encode(&self) -> Vec<u8> {
        let text = Text {
            format: FORMAT,
            log_from: self.log_from.to_string(),
            log_to: self.log_to.to_string(),
            gaps: self.gaps.iter().map(|(from, to)| (from.to_string(), to.to_string())).collect(),
            time_us: self.time_us,
            snapshots: self.snapshots.iter().map(Lsn::to_string).collect(),
            unconditional: self.unconditional,
            timelines: self.forks.iter().map(|(timeline, start)| (*timeline, start.to_string())).collect(),
        };
        serde_json::to_vec_pretty(&text).expect("numbers and strings are JSON")
    }

    fn decode(key: &str, content: &[u8]) -> Result<State> {
        let text: Text = serde_json::from_slice(content).map_err(|e| object::damaged(key, e))?;
        super::check_format(key, text.format, FORMAT)?;
        let forks = text.timelines.iter().map(|(timeline, start)| Ok((*timeline, parse_lsn(start)?)));
        let gaps = text.gaps.iter().map(|(from, to)| Ok((parse_lsn(from)?, parse_lsn(to)?)));
        Ok(State {
            log_from: parse_lsn(&text.log_from)?,
            log_to: parse_lsn(&text.log_to)?,
            gaps: gaps.collect::<Result<_>>()?,
            time_us: text.time_us,
            snapshots: text.snapshots.iter().map(|id| parse_lsn(id)).collect::<Result<_>>()?,
            unconditional: text.unconditional,
            forks: forks.collect::<Result<_>>()?,
        })
    }

    /// None when there is none. XX001 when it is damaged.
    pub fn read(store: &dyn ObjectStore, layout: &Layout) -> Result<Option<State>> {
        let key = layout.state();
        let Some(found) = store.get(&key)? else { return Ok(None) };
        State::decode(&key, &object::open(&key, found)?).map(Some)
    }

    pub fn write(&self, store: &dyn ObjectStore, layout: &Layout) -> Result<()> {
        let key = layout.state();
        store.put(&key, object::seal(&key, self.encode()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::SimObjects;
    use crate::wal::Identity;

    #[test]
    fn it_round_trips() {
        let (store, layout) = (SimObjects::new(1), Layout::new(Identity { cluster: 1, timeline: 1 }));
        assert_eq!(State::read(&store, &layout).unwrap(), None);
        let state = State {
            log_from: Lsn(1),
            log_to: Lsn(0x5_0000_0009),
            gaps: vec![(Lsn(3), Lsn(4))],
            time_us: 77,
            snapshots: vec![Lsn(2), Lsn(9)],
            unconditional: true,
            forks: vec![(2, Lsn(7))],
        };
        state.write(&store, &layout).unwrap();
        assert_eq!(State::read(&store, &layout).unwrap(), Some(state));
        store.flip(&layout.state(), 30);
        assert!(State::read(&store, &layout).is_err());
    }
}
