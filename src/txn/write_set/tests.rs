use super::*;
use crate::io::SimDisk;
use crate::storage::KeyRange;
use proptest::prelude::*;
use std::collections::BTreeMap;

type State = BTreeMap<(u32, Vec<u8>), Option<Vec<u8>>>;
type Line = ((u32, Vec<u8>), Option<Vec<u8>>);
type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

const TREES: u32 = 3;

/// A set that keeps little in memory.
fn write_set(bytes_max: u64) -> WriteSet {
    WriteSet::new(bytes_max, Room { memory_bytes: 100, disk: Some(Arc::new(SimDisk::new(1))) })
}

#[derive(Clone, Debug)]
enum Step {
    Change(u32, Vec<u8>, Option<Vec<u8>>),
    /// Puts of ascending keys, in several trees by turns.
    Ascend(u32, u8, Vec<u8>),
    Mark,
    UndoTo(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || prop::collection::vec(0u8..4, 0..3);
    let change = (0..TREES, key(), prop::option::of(key())).prop_map(|(t, k, v)| Step::Change(t, k, v));
    let ascend = (1..=TREES, 1u8..6, key()).prop_map(|(trees, len, from)| Step::Ascend(trees, len, from));
    let undo = (0usize..5).prop_map(Step::UndoTo);
    prop::collection::vec(prop_oneof![6 => change, 3 => ascend, 2 => Just(Step::Mark), 2 => undo], 0..40)
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let bound = || {
        (0..3, prop::collection::vec(0u8..4, 0..3)).prop_map(|(kind, key)| match kind {
            0 => Bound::Included(key),
            1 => Bound::Excluded(key),
            _ => Bound::Unbounded,
        })
    };
    (bound(), bound())
}

fn read(w: &WriteSet, before: u32, (lower, upper): &Bounds, direction: Direction) -> Vec<Line> {
    let (lower, upper) = (lower.as_ref().map(Vec::as_slice), upper.as_ref().map(Vec::as_slice));
    let of_tree = |tree| {
        let range = w.range(TreeId(tree), lower, upper, before, direction);
        range.map(move |(k, v)| ((tree, k.to_vec()), v.map(<[u8]>::to_vec)))
    };
    (0..TREES).flat_map(of_tree).collect()
}

/// Every way of asking answers as `state`, a copy made at `before`, does.
fn check(w: &WriteSet, before: u32, state: &State, range: &Bounds) {
    let (lower, upper) = range.clone();
    let asked = KeyRange { lower, upper };
    if !asked.is_empty() {
        for tree in 0..TREES {
            let within = state.iter().filter(|((t, key), _)| *t == tree && asked.contains(key));
            let mut expected: Vec<_> = within.map(|(k, v)| (k.clone(), v.clone())).collect();
            let mine = |direction| {
                let all = read(w, before, range, direction);
                all.into_iter().filter(|((t, _), _)| *t == tree).collect::<Vec<_>>()
            };
            assert_eq!(mine(Direction::Forward), expected);
            expected.reverse();
            assert_eq!(mine(Direction::Backward), expected);
        }
    }
    for tree in 0..TREES {
        assert_eq!(w.touches(TreeId(tree), before), state.keys().any(|(t, _)| *t == tree));
        for key in (0..21u8).map(|n| [n % 4, n / 4 % 4][..usize::from(n % 3)].to_vec()) {
            let own = w.get(TreeId(tree), &key, before).map(|v| v.map(<[u8]>::to_vec));
            assert_eq!(own.as_ref(), state.get(&(tree, key)));
        }
    }
}

/// What batches say.
fn states(batches: impl IntoIterator<Item = Batch>) -> Vec<Line> {
    let mut all = Vec::new();
    for batch in batches {
        let noted = batch.for_each(|op| {
            match op {
                Op::Put { tree, key, value } => all.push(((tree.0, key.to_vec()), Some(value.to_vec()))),
                Op::Delete { tree, key } => all.push(((tree.0, key.to_vec()), None)),
                _ => {}
            };
            Ok(())
        });
        noted.unwrap();
    }
    all
}

proptest! {
    #[test]
    fn savepoints_and_views_agree_with_copies(steps in steps(), range in bounds(), part_bytes in 0usize..40) {
        let mut w = write_set(1 << 20);
        let mut now = State::new();
        let mut changed: Vec<(u32, Vec<u8>)> = Vec::new();
        let mut marks: Vec<(Mark, State)> = Vec::new();
        let mut change = |w: &mut WriteSet, now: &mut State, tree: u32, key: Vec<u8>, value: Option<Vec<u8>>| {
            changed.truncate(w.mark().changes() as usize);
            w.change(TreeId(tree), &key, value.as_deref()).unwrap();
            changed.push((tree, key.clone()));
            for from in 0..changed.len() {
                let since = changed[from..].iter().any(|(t, k)| *t == tree && *k == key);
                assert_eq!(w.changed_since(TreeId(tree), &key, from as u32), since);
            }
            now.insert((tree, key), value);
        };
        for step in steps {
            match step {
                Step::Change(tree, key, value) => change(&mut w, &mut now, tree, key, value),
                Step::Ascend(trees, len, from) => {
                    for n in 0..len {
                        for tree in 0..trees {
                            let mut key = from.clone();
                            key.resize(1, 0);
                            key[0] = key[0].saturating_add(n).min(3);
                            key.push(n % 4);
                            change(&mut w, &mut now, tree, key, Some(vec![n]));
                        }
                    }
                }
                Step::Mark => marks.push((w.mark(), now.clone())),
                Step::UndoTo(back) => {
                    if let Some((mark, state)) = marks.len().checked_sub(back + 1).map(|i| marks[i].clone()) {
                        marks.truncate(marks.len() - back);
                        w.undo_to(mark);
                        now = state;
                    }
                }
            }
            check(&w, u32::MAX - 1, &now, &range);
            check(&w, u32::MAX - 1, &now, &(Bound::Unbounded, Bound::Unbounded));
            for (mark, state) in &marks {
                check(&w, mark.changes(), state, &range);
            }
        }
        let whole = w.encode();
        prop_assert_eq!(&states([whole]), &now.iter().map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>());
        let mut parts = Vec::new();
        let dealt = w.take_parts_with(Encoder::with_part_bytes(part_bytes), |part| {
            assert_eq!(part.parts().len(), 1);
            parts.push(part);
            Ok(())
        });
        dealt.unwrap();
        let encoded = states(parts);
        prop_assert_eq!(encoded, now.into_iter().collect::<Vec<_>>());
        w.reset();
        prop_assert!(w.is_empty() && w.encode().is_empty());
        check(&w, u32::MAX - 1, &State::new(), &(Bound::Unbounded, Bound::Unbounded));
    }
}

/// What a bulk load costs, and that what comes in no order costs more.
#[test]
fn ascending_keys_cost_little() {
    let value = [1; 100];
    let fits = |keys: &mut dyn Iterator<Item = u32>| {
        let mut w = write_set(1 << 20);
        let put = |key: u32| w.change(TreeId(500), &key.to_be_bytes(), Some(&value)).is_ok();
        keys.map(put).take_while(|&ok| ok).count()
    };
    let ascending = fits(&mut (0..));
    assert!(ascending >= (1 << 20) / (104 + 20), "{ascending}");
    let scattered = fits(&mut (0..).map(|n: u32| n.wrapping_mul(0x9E37_79B9)));
    assert!(scattered < (1 << 20) / (104 + 40), "{scattered}");
}

/// A commit in parts gives memory back as it goes, of two ascending trees that were filled by turns too.
#[test]
fn what_was_dealt_with_is_given_back() {
    let mut w = WriteSet::new(u64::MAX, Room { memory_bytes: u64::MAX, disk: None });
    for n in 0..100_000u32 {
        w.change(TreeId(n % 2), &n.to_be_bytes(), Some(&[1; 100])).unwrap();
    }
    let before = w.log.capacity();
    let mut n = 0;
    w.take_parts(|part| {
        n += part.len();
        Ok(())
    })
    .unwrap();
    assert_eq!(n, 100_000);
    assert!(before > 10 << 20 && w.log.capacity() < 2 << 20, "{before} {}", w.log.capacity());
    w.reset();
    w.change(TreeId(1), b"k", Some(b"v")).unwrap();
    assert_eq!(w.encode().len(), 1);
}

#[test]
fn a_full_set_refuses_and_keeps_what_it_has() {
    let mut w = write_set(200);
    w.change(TreeId(1), b"k", Some(b"old")).unwrap();
    let e = w.change(TreeId(1), b"k", Some(&[0; 200])).unwrap_err();
    assert_eq!(e.code(), SqlState::CONFIGURATION_LIMIT_EXCEEDED);
    assert_eq!(w.get(TreeId(1), b"k", 1), Some(Some(b"old".as_slice())));
    assert_eq!(w.encode().len(), 1);
}

#[test]
fn trees_made_and_dropped_leave_nothing() {
    let mut w = write_set(1 << 20);
    w.create_tree(TreeId(7));
    w.change(TreeId(7), b"k", Some(b"v")).unwrap();
    let mark = w.mark();
    w.drop_tree(TreeId(7));
    assert!(w.encode().is_empty());
    w.undo_to(mark);
    w.drop_tree(TreeId(3));
    w.change(TreeId(3), b"k", Some(b"v")).unwrap();
    w.change(TreeId(7), b"k", None).unwrap();
    let mut ops = Vec::new();
    w.encode()
        .for_each(|op| {
            ops.push(format!("{op:?}"));
            Ok(())
        })
        .unwrap();
    assert_eq!(ops, ["NewTree(TreeId(7))", "DropTree(TreeId(3))"]);
}
