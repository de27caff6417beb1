//! Where each timeline of a cluster begins: a promotion begins one. Kept in the file `timelines`, a line for each but the
//! first: its number and the position, `2 0/1A2B`.

use super::text_file;
use crate::base::{Lsn, Result};
use crate::io::Disk;

pub const HISTORY_FILE: &str = "timelines";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(Vec<(u32, Lsn)>);

impl History {
    pub fn parse(text: &str) -> Option<History> {
        let line = |line: &str| {
            let (timeline, start) = line.split_once(' ')?;
            Some((timeline.parse().ok()?, Lsn::parse(start)?))
        };
        text.lines().map(line).collect::<Option<Vec<_>>>().map(History)
    }

    pub fn text(&self) -> String {
        self.0.iter().map(|(timeline, start)| format!("{timeline} {start}\n")).collect()
    }

    pub fn load(disk: &dyn Disk) -> Result<History> {
        match text_file::read(disk, HISTORY_FILE)? {
            None => Ok(History::default()),
            Some(text) => History::parse(&text).ok_or_else(|| text_file::damaged(HISTORY_FILE)),
        }
    }

    pub fn store(&self, disk: &dyn Disk) -> Result<()> {
        text_file::write(disk, HISTORY_FILE, &self.text())
    }

    /// A timeline begins. What was said of it or of later ones never came true.
    pub fn begin(&mut self, timeline: u32, start: Lsn) {
        self.0.retain(|(known, _)| *known < timeline);
        self.0.push((timeline, start));
    }

    /// Where each timeline but the first begins.
    pub fn forks(&self) -> Vec<(u32, Lsn)> {
        self.0.clone()
    }

    /// Where a timeline begins; none for the first, and for one that is not known.
    pub fn start(&self, timeline: u32) -> Option<Lsn> {
        self.0.iter().find(|(known, _)| *known == timeline).map(|(_, start)| *start)
    }

    pub fn knows(&self, timeline: u32) -> bool {
        timeline <= 1 || self.0.iter().any(|(known, _)| *known == timeline)
    }

    /// What a timeline follows on, and itself.
    pub fn up_to(&self, timeline: u32) -> History {
        History(self.0.iter().copied().filter(|(known, _)| *known <= timeline).collect())
    }

    /// Where the history that this tells parts from that of `timeline`; none when it does not, as far as is known.
    pub fn parts_from(&self, timeline: u32) -> Option<Lsn> {
        self.0.iter().filter(|(known, _)| *known > timeline).map(|(_, start)| *start).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::SimDisk;

    #[test]
    fn a_history_round_trips_and_says_where_it_parts() {
        let disk = SimDisk::new(1);
        assert_eq!(History::load(&disk).unwrap(), History::default());
        let mut history = History::default();
        history.begin(2, Lsn(100));
        history.begin(3, Lsn(300));
        history.store(&disk).unwrap();
        assert_eq!(History::load(&disk).unwrap(), history);
        assert_eq!(history.text(), "2 0/64\n3 0/12C\n");
        assert_eq!((history.parts_from(1), history.parts_from(2)), (Some(Lsn(100)), Some(Lsn(300))));
        assert_eq!((history.start(1), history.start(3)), (None, Some(Lsn(300))));
        assert_eq!((history.parts_from(3), history.knows(3), history.knows(4)), (None, true, false));
        history.begin(2, Lsn(90));
        assert_eq!(history.text(), "2 0/5A\n");
        assert_eq!(History::parse("2 x\n"), None);
    }
}
