//! Pages against a `BTreeMap`, with every change checked.

use super::layout::{PAGE_BYTES_MIN, RUN};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const PAGE: usize = PAGE_BYTES_MIN;
const LIMITS: Limits = Limits::of(PAGE);

type Model = BTreeMap<Vec<u8>, (u64, bool, Vec<u8>)>;

fn put(page: &mut [u8], key: &[u8], hdr: u64, ghost: bool, value: &[u8]) -> bool {
    let mut node = NodeMut::new(page);
    let at = node.node().search(key);
    node.put(at, key, hdr, ghost, value)
}

fn same(page: &[u8], model: &Model) {
    let node = Node::new(page);
    node.check().unwrap_or_else(|what| panic!("{what}"));
    assert_eq!(node.len(), model.len());
    for (at, (key, (hdr, ghost, value))) in model.iter().enumerate() {
        assert_eq!(node.search(key), Ok(at));
        assert_eq!(&node.key(at), key);
        assert_eq!(node.slot(at), Slot { hdr: *hdr, ghost: *ghost, value });
    }
}

/// Keys from a small alphabet behind a shared beginning, so that prefixes, equal heads and collisions are common.
fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0xff), any::<u8>()], 0..7)
            .prop_map(|tail| [b"common/".as_slice(), &tail].concat()),
        1 => (proptest::collection::vec(0..2u8, 4), LIMITS.key - 11..=LIMITS.key - 11)
            .prop_map(|(tail, pad)| [b"common/".as_slice(), &vec![7; pad], &tail].concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_page_is_a_map(
        fences in any::<bool>(),
        ops in proptest::collection::vec((keys(), 0..8usize, 0..30usize, any::<u8>()), 1..120),
    ) {
        let mut page = vec![0u8; PAGE];
        let (lower, upper) = if fences { (b"common/".as_slice(), Some(b"common0".as_slice())) } else { (&b""[..], None) };
        NodeMut::init(&mut page, 0, lower, upper);
        let mut model = Model::new();
        for (hdr, (key, kind, len, byte)) in (1u64..).zip(ops) {
            let value = vec![byte; len];
            match kind {
                0 | 1 => {
                    if let Ok(at) = Node::new(&page).search(&key) {
                        NodeMut::new(&mut page).remove(at);
                    }
                    model.remove(&key);
                }
                2 => {
                    if put(&mut page, &key, hdr, true, b"") {
                        model.insert(key, (hdr, true, Vec::new()));
                    }
                }
                _ => {
                    let free = Node::new(&page).free_bytes();
                    let before = page.clone();
                    let known = model.get(&key).map(|(_, _, old)| old.len());
                    let fits = put(&mut page, &key, hdr, false, &value);
                    let need = known.map_or(Node::new(&page).needed_bytes(&key, 10) + len, |old| len.saturating_sub(old));
                    prop_assert_eq!(fits, need <= free);
                    if fits {
                        model.insert(key, (hdr, false, value));
                    } else {
                        prop_assert!(before == page);
                    }
                }
            }
            same(&page, &model);
        }
    }

    #[test]
    fn a_full_page_splits_and_its_halves_merge(
        start in keys(),
        entries in proptest::collection::vec((keys(), 0..60usize), 2..60),
        inner in any::<bool>(),
    ) {
        let mut page = vec![0u8; PAGE];
        let level = u8::from(inner);
        NodeMut::init(&mut page, level, b"", None);
        if inner {
            NodeMut::new(&mut page).put_child(0, b"", 99);
        }
        let mut refused = None;
        for (n, (key, len)) in (100u32..).zip(entries) {
            let at = Node::new(&page).search(&key);
            let len = len.min(LIMITS.entry - key.len());
            let fits = match at {
                Ok(_) if inner => true,
                Err(at) if inner => NodeMut::new(&mut page).put_child(at, &key, n),
                at => NodeMut::new(&mut page).put(at, &key, u64::from(n), false, &vec![1; len]),
            };
            if !fits {
                refused = Some((at, key));
                break;
            }
        }
        Node::new(&page).check().unwrap();
        let node = Node::new(&page);
        let (at, key) = refused.unwrap_or_else(|| (node.search(&start), start));
        if node.len() < 2 {
            return Ok(());
        }
        let cut = node.cut(at, &key);
        let (mut left, mut right) = (vec![0; PAGE], vec![0; PAGE]);
        NodeMut::fill(&mut left, b"", Some(&cut.separator), &[(node, 0..cut.at)]);
        NodeMut::fill(&mut right, &cut.separator, None, &[(node, cut.at..node.len())]);
        let (l, r) = (Node::new(&left), Node::new(&right));
        prop_assert_eq!(l.len() + r.len(), node.len());
        prop_assert!(!inner || l.len() > 0 && r.len() > 0);
        l.check().unwrap();
        prop_assert!(inner && r.len() == 0 || r.check().is_ok());
        prop_assert!(l.merged_bytes(r) <= PAGE);
        let mut merged = vec![0; PAGE];
        NodeMut::fill(&mut merged, b"", None, &[(l, 0..l.len()), (r, 0..r.len())]);
        prop_assert!(Node::new(&merged).used_bytes() <= l.merged_bytes(r));
        Node::new(&merged).check().unwrap();
        for i in 0..node.len() {
            prop_assert_eq!(node.key(i), Node::new(&merged).key(i));
            if inner {
                prop_assert_eq!(node.child(i), Node::new(&merged).child(i));
            } else {
                prop_assert_eq!(node.slot(i), Node::new(&merged).slot(i));
            }
        }
    }

    #[test]
    fn damaged_bytes_are_refused_without_a_panic(at in 16..PAGE, byte in any::<u8>()) {
        let mut page = vec![0u8; PAGE];
        NodeMut::init(&mut page, 0, b"a", Some(b"b"));
        for n in 0..9u8 {
            put(&mut page, &[b'a', n], u64::from(n), n == 3, if n == 3 { b"" } else { b"value" });
        }
        page[at] = byte;
        let _ = Node::new(&page).check();
    }
}

#[test]
fn inserts_one_behind_the_other_are_a_run() {
    let mut page = vec![0u8; PAGE];
    NodeMut::init(&mut page, 0, b"", Some(b"z"));
    for n in 0..10u8 {
        put(&mut page, &[b'k', n * 2], 0, false, b"");
    }
    assert_eq!(page[RUN], 9);
    let cut = Node::new(&page).cut(Err(10), b"l");
    assert_eq!(cut, Cut { at: 10, separator: b"l".to_vec() });
    put(&mut page, &[b'k', 3], 0, false, b"");
    assert_eq!(page[RUN], 0);
    let cut = Node::new(&page).cut(Err(11), b"l");
    assert_eq!(cut.at, 5);
}

#[test]
fn longest_keys_split() {
    let mut page = vec![0u8; PAGE];
    let key = |byte: u8| [vec![byte; LIMITS.key - 1], vec![b'x']].concat();
    NodeMut::init(&mut page, 0, &key(1), Some(&key(9)));
    assert!(put(&mut page, &key(4), 1, false, &[0; LIMITS.entry - LIMITS.key]));
    assert!(!put(&mut page, &key(5), 1, false, &[0; LIMITS.entry - LIMITS.key]));
    assert_eq!(Node::new(&page).cut(Err(1), &key(5)).at, 1);
    assert_eq!(Node::new(&page).cut(Err(0), &key(3)).at, 0);
}
