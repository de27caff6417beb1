//! Random small histories at each isolation level, interleaved by one thread, so that a seed is a history.
//!
//! Each transaction reads and appends to lists under a few keys: what it read then names the transactions before it.

use super::tests::{new_tree, open};
use crate::base::{Result, TreeId};
use crate::io::{Rng, SimDisk, seeds};
use crate::storage::{Direction, Entries, KeyRange};
use crate::txn::{Access, Isolation, LockKey, LockMode, Locked, Txn, Wait};
use std::collections::BTreeMap;

const KEYS: u64 = 3;
const TRANSACTIONS: usize = 5;

/// The lists by key.
type Lists = BTreeMap<u64, Vec<u8>>;

/// A committed transaction, and what it did.
type Ran = (u8, Vec<Did>);

/// What committed, and the lists at the end.
type History = (Vec<Ran>, Lists);

#[derive(Clone, Debug)]
enum Did {
    Read {
        key: u64,
        saw: Vec<u8>,
    },
    /// What it added itself to; locked and found current first.
    Append {
        key: u64,
        to: Vec<u8>,
    },
    /// All keys and lists.
    Scan(Lists),
}

struct Client {
    number: u8,
    txn: Txn,
    did: Vec<Did>,
    left: u64,
}

impl Client {
    fn read(&self, tree: TreeId, key: u64) -> Result<Vec<u8>> {
        let mut list = Vec::new();
        self.txn.get(&self.txn.view(), tree, &key.to_be_bytes(), &mut list)?;
        Ok(list)
    }

    /// One statement. False: it met somebody's lock, and gives up.
    fn step(&mut self, tree: TreeId, rng: &mut Rng) -> Result<bool> {
        self.txn.begin_statement(Access::Write)?;
        let key = rng.below(KEYS);
        let did = match rng.below(5) {
            0 => Did::Scan(self.scan(tree)?),
            1 | 2 => Did::Read { key, saw: self.read(tree, key)? },
            _ => {
                let row = LockKey::Row { tree, key: &key.to_be_bytes() };
                if self.txn.lock(&row, LockMode::NoKeyUpdate, Wait::No)? == Locked::Busy {
                    return Ok(false);
                }
                self.txn.check_current(&self.txn.view(), tree, &key.to_be_bytes())?;
                let to = self.read(tree, key)?;
                self.txn.put(tree, &key.to_be_bytes(), &[to.as_slice(), &[self.number]].concat())?;
                Did::Append { key, to }
            }
        };
        self.did.push(did);
        self.txn.next_command();
        Ok(true)
    }

    fn scan(&self, tree: TreeId) -> Result<Lists> {
        let mut scan = self.txn.scan(self.txn.view(), tree, KeyRange::all(), Direction::Forward);
        let mut out = Entries::new();
        while scan.next(&self.txn, &mut out, 10)? {}
        Ok(out.iter().map(|(k, v)| (u64::from_be_bytes(k.try_into().unwrap()), v.to_vec())).collect())
    }
}

fn history(isolation: Isolation, seed: u64) -> History {
    let mut rng = Rng::new(seed);
    let engine = open(&SimDisk::new(seed)).unwrap();
    let tree = new_tree(&engine);
    let mut running = Vec::new();
    let mut committed = Vec::new();
    let mut begun = 0;
    while begun < TRANSACTIONS || !running.is_empty() {
        if begun < TRANSACTIONS && (running.is_empty() || rng.chance(1, 3)) {
            begun += 1;
            let txn = engine.begin(isolation);
            running.push(Client { number: begun as u8, txn, did: Vec::new(), left: 1 + rng.below(4) });
        }
        let at = rng.below(running.len() as u64) as usize;
        let client = &mut running[at];
        let ended = if client.left == 0 {
            if client.txn.commit().is_ok() {
                committed.push((client.number, std::mem::take(&mut client.did)));
            }
            true
        } else {
            client.left -= 1;
            !matches!(client.step(tree, &mut rng), Ok(true))
        };
        if ended {
            running.swap_remove(at).txn.rollback();
        }
        if rng.chance(1, 4) {
            engine.purge();
        }
    }
    let txn = engine.begin(Isolation::ReadCommitted);
    let mut last = Client { number: 0, txn, did: Vec::new(), left: 0 };
    last.txn.begin_statement(Access::Write).unwrap();
    let lists = last.scan(tree).unwrap();
    (committed, lists)
}

/// Whether running these one after the other gives each what it read.
fn explains(order: &[&Ran], end: &Lists) -> bool {
    let mut lists: Lists = BTreeMap::new();
    for (number, did) in order {
        for step in did {
            let fits = match step {
                Did::Read { key, saw } => lists.get(key).unwrap_or(&Vec::new()) == saw,
                Did::Scan(saw) => lists == *saw,
                Did::Append { key, to } => {
                    let list = lists.entry(*key).or_default();
                    let fits = list == to;
                    list.push(*number);
                    fits
                }
            };
            if !fits {
                return false;
            }
        }
    }
    lists == *end
}

/// Whether any order of the rest, behind those chosen, explains what was read.
fn any_order<'h>(chosen: &mut Vec<&'h Ran>, rest: &mut Vec<&'h Ran>, end: &Lists) -> bool {
    if rest.is_empty() {
        return explains(chosen, end);
    }
    (0..rest.len()).any(|at| {
        chosen.push(rest.remove(at));
        let found = any_order(chosen, rest, end);
        rest.insert(at, chosen.pop().expect("pushed above"));
        found
    })
}

fn is_serial((committed, end): &History) -> bool {
    any_order(&mut Vec::new(), &mut committed.iter().collect(), end)
}

/// I14, the highest level: what has committed could have run one after the other.
#[test]
fn serializable_transactions_have_a_serial_order() {
    let mut several = 0;
    for seed in seeds(300) {
        let history = history(Isolation::Serializable, seed);
        several += usize::from(history.0.len() > 2);
        assert!(is_serial(&history), "seed {seed}: {history:#?}");
    }
    assert!(several > 10, "too few commit for this to say anything");
}

/// The level below allows more, so the check above can fail.
#[test]
fn repeatable_read_transactions_need_not_have_one() {
    assert!((0..300).any(|seed| !is_serial(&history(Isolation::RepeatableRead, seed))));
}

/// I14, the levels below: no append is lost, a transaction at REPEATABLE READ sees one state, and a statement at READ
/// COMMITTED sees one that was there.
#[test]
fn lower_levels_lose_no_update_and_read_whole_states() {
    for (isolation, seed) in
        [Isolation::RepeatableRead, Isolation::ReadCommitted].into_iter().flat_map(|i| (0..150).map(move |s| (i, s)))
    {
        let (committed, end) = history(isolation, seed);
        let all = committed.iter().flat_map(|(number, did)| did.iter().map(move |did| (*number, did)));
        for (number, did) in all {
            let seen = match did {
                Did::Append { key, to } => {
                    let list = &end[key];
                    assert_eq!(list[to.len()], number, "seed {seed}: an append is not where it was made");
                    vec![(key, to)]
                }
                Did::Read { key, saw } => vec![(key, saw)],
                Did::Scan(lists) => lists.iter().collect(),
            };
            for (key, saw) in seen {
                let whole = end.get(key).is_some_and(|list| list.starts_with(saw)) || saw.is_empty();
                assert!(whole, "seed {seed}: {number} read {saw:?} under {key}, which never was: {end:?}");
            }
        }
        if isolation == Isolation::RepeatableRead {
            for (number, did) in &committed {
                assert_eq!(first_reads_differ(*number, did), None, "seed {seed}: {number}");
            }
        }
    }
}

/// A key that a transaction read twice with different results, its own appends aside.
fn first_reads_differ(number: u8, did: &[Did]) -> Option<u64> {
    let mut seen: Lists = BTreeMap::new();
    let mut differs = |key: u64, list: &[u8]| {
        let others: Vec<u8> = list.iter().copied().filter(|n| *n != number).collect();
        *seen.entry(key).or_insert_with(|| others.clone()) != others
    };
    did.iter().find_map(|did| match did {
        Did::Read { key, saw } | Did::Append { key, to: saw } => differs(*key, saw).then_some(*key),
        Did::Scan(lists) => (0..KEYS).find(|key| differs(*key, lists.get(key).map_or(&[], Vec::as_slice))),
    })
}
