//! The changes of many transactions as if they were one: of each entry the last state, in the order of the trees. Whoever
//! applies them passes each leaf once, and an entry that a thousand transactions changed is changed once.
//!
//! Only for trees that nobody reads meanwhile.

use crate::base::TreeId;
use crate::storage::batch::Encoder;
use crate::storage::{Batch, Op};
use std::cmp::Ordering;

/// How many bytes of keys and values are gathered, and how many changes.
const BYTES_MAX: usize = 32 << 20;
const CHANGES_MAX: usize = 1 << 20;

/// How much of a key is in its head.
const HEAD_LEN: u32 = 8;

/// Stands for a value's length: deleted.
const DELETED: u32 = u32::MAX;

/// A change: its key and behind it its value are at `start` of the bytes.
struct Change {
    tree: TreeId,
    /// The first bytes of the key: mostly all that sorting looks at.
    head: u64,
    /// Later changes have greater ones.
    start: u32,
    key_len: u32,
    value_len: u32,
}

#[derive(Default)]
pub(super) struct Gathered {
    changes: Vec<Change>,
    bytes: Vec<u8>,
}

impl Gathered {
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= BYTES_MAX || self.changes.len() >= CHANGES_MAX
    }

    /// Takes a put or a delete; false for what is neither, which must not change places with those around it.
    pub fn take(&mut self, op: Op<'_>) -> bool {
        let (tree, key, value) = match op {
            Op::Put { tree, key, value } => (tree, key, Some(value)),
            Op::Delete { tree, key } => (tree, key, None),
            Op::NewTree(_) | Op::DropTree(_) => return false,
        };
        let start = u32::try_from(self.bytes.len()).expect("a record is far smaller than 4 GiB, and so is BYTES_MAX");
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        // So that the next change has a greater start even when this one is empty.
        self.bytes.push(0);
        self.changes.push(Change {
            tree,
            head: head_of(key),
            start,
            key_len: key.len() as u32,
            value_len: value.map_or(DELETED, |v| v.len() as u32),
        });
        true
    }

    /// Calls `apply` with what was gathered, in order, in batches of a part's size, and forgets it.
    pub fn hand_over<E>(&mut self, mut apply: impl FnMut(Batch) -> Result<(), E>) -> Result<(), E> {
        let Gathered { changes, bytes } = self;
        let key = |c: &Change| &bytes[c.start as usize..][..c.key_len as usize];
        let by_key = |a: &Change, b: &Change| -> Ordering {
            let by_head = (a.tree, a.head).cmp(&(b.tree, b.head));
            by_head.then_with(|| match (a.key_len, b.key_len) {
                // All of both is in the heads: the longer one goes on with zeros.
                (..=HEAD_LEN, ..=HEAD_LEN) => a.key_len.cmp(&b.key_len),
                _ => key(a).cmp(key(b)),
            })
        };
        changes.sort_unstable_by(|a, b| by_key(a, b).then(a.start.cmp(&b.start)));
        let mut encoder = Encoder::new();
        for same in changes.chunk_by(|a, b| by_key(a, b).is_eq()) {
            let last = same.last().expect("a chunk is not empty");
            let value = match last.value_len {
                DELETED => None,
                len => Some(&bytes[(last.start + last.key_len) as usize..][..len as usize]),
            };
            encoder.push(match value {
                Some(value) => Op::Put { tree: last.tree, key: key(last), value },
                None => Op::Delete { tree: last.tree, key: key(last) },
            });
            if let Some(batch) = encoder.take_full() {
                apply(batch)?;
            }
        }
        let rest = encoder.finish();
        changes.clear();
        bytes.clear();
        if rest.is_empty() { Ok(()) } else { apply(rest) }
    }
}

/// Two keys with different heads are in the order of these.
fn head_of(key: &[u8]) -> u64 {
    let mut head = [0; 8];
    let len = key.len().min(8);
    head[..len].copy_from_slice(&key[..len]);
    u64::from_be_bytes(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_is_no_entry_is_refused() {
        let mut g = Gathered::default();
        assert!(!g.take(Op::NewTree(TreeId(1))) && !g.take(Op::DropTree(TreeId(1))));
        assert!(!g.is_full());
        assert!(g.take(Op::Put { tree: TreeId(1), key: b"k", value: &vec![0; BYTES_MAX] }));
        assert!(g.is_full());
    }

    type Ops = Vec<(u32, Vec<u8>, Option<Vec<u8>>)>;

    proptest! {
        #[test]
        fn the_last_state_of_each_entry_comes_once_and_in_order(
            ops in prop::collection::vec((0u32..3, prop::collection::vec(0u8..2, 0..12), prop::option::of(prop::collection::vec(any::<u8>(), 0..3))), 0..200)
        ) {
            let ops: Ops = ops;
            let mut g = Gathered::default();
            let mut expected = BTreeMap::new();
            for (tree, key, value) in &ops {
                let tree = TreeId(*tree);
                let taken = match value {
                    Some(value) => g.take(Op::Put { tree, key, value }),
                    None => g.take(Op::Delete { tree, key }),
                };
                assert!(taken);
                expected.insert((tree, key.clone()), value.clone());
            }
            let mut found = Vec::new();
            let collect = |batch: Batch| {
                batch.for_each(|op| {
                    found.push(match op {
                        Op::Put { tree, key, value } => ((tree, key.to_vec()), Some(value.to_vec())),
                        Op::Delete { tree, key } => ((tree, key.to_vec()), None),
                        other => panic!("{other:?}"),
                    });
                    Ok(())
                })
            };
            g.hand_over(collect).unwrap();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
            g.hand_over(|_| -> Result<(), ()> { panic!("nothing is left") }).unwrap();
        }
    }
}
