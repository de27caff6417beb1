//! What the log says about trees: the format of a transaction's changes, and the only form in which a tree is changed.
//!
//! A committed transaction is one `Batch` record, or, when that would be larger than a part may be, `Part` records and
//! an `End`; only with the `End` does a transaction in parts exist. The payload of `Batch`:
//!
//! | bytes | meaning |
//! |---|---|
//! | 1 | format, [`FORMAT`] |
//! | ops to the end | |
//!
//! and of each op:
//!
//! | bytes | meaning |
//! |---|---|
//! | 1 | 1 put, 2 delete, 3 new tree, 4 drop tree |
//! | varint | tree |
//! | varint | put, delete: how many bytes the key shares with the previous key of this payload |
//! | run | put, delete: the rest of the key |
//! | run | put: the value |
//!
//! New trees come first, dropped trees last, puts and deletes between them in (tree, key) order, one for each key.
//!
//! The payload of `Part` is its number among the transaction's parts, from 0, as varint, then the same as in a `Batch`.
//! The payload of `End` is the format, then as varint the number of parts. Part 0 begins a transaction: parts before it
//! without an `End` are of a transaction that failed. `Abandoned`, whose payload is the format, says so at once, for whoever
//! follows the log and would wait for the `End`; it may be missing.

use crate::base::bytes::{Reader, put_run, put_varint};
use crate::base::{Error, Result, SqlState, TreeId};

/// The record kinds in the log, which keeps those below 16 to itself.
pub const KIND_BATCH: u8 = 16;
pub const KIND_PART: u8 = 17;
pub const KIND_END: u8 = 18;
pub const KIND_ABANDONED: u8 = 19;

pub const FORMAT: u8 = 1;

/// A part is closed when it has grown beyond this: what the writer does about one, others wait for.
pub const PART_BYTES: usize = 128 << 10;

const PUT: u8 = 1;
const DELETE: u8 = 2;
const NEW_TREE: u8 = 3;
const DROP_TREE: u8 = 4;

/// One change. Each sets a state: deleting nothing changes nothing, putting what is there replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op<'a> {
    Put { tree: TreeId, key: &'a [u8], value: &'a [u8] },
    Delete { tree: TreeId, key: &'a [u8] },
    NewTree(TreeId),
    DropTree(TreeId),
}

/// The encoded changes of one transaction: one or more payloads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    parts: Vec<Vec<u8>>,
    ops: usize,
}

impl Batch {
    pub fn parts(&self) -> &[Vec<u8>] {
        &self.parts
    }

    /// Number of changes.
    pub fn len(&self) -> usize {
        self.ops
    }

    pub fn is_empty(&self) -> bool {
        self.ops == 0
    }

    pub fn byte_len(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    /// Takes one payload from the log, behind those before it.
    pub fn push_part(&mut self, payload: &[u8]) -> Result<()> {
        let mut ops = Ops::new(payload)?;
        while ops.next()?.is_some() {
            self.ops += 1;
        }
        self.parts.push(payload.to_vec());
        Ok(())
    }

    /// Calls `visit` with each change in order.
    pub fn for_each(&self, mut visit: impl FnMut(Op<'_>) -> Result<()>) -> Result<()> {
        self.parts.iter().try_for_each(|part| for_each_op(part, &mut visit))
    }
}

/// Calls `visit` with each change of one payload in order.
pub fn for_each_op(payload: &[u8], mut visit: impl FnMut(Op<'_>) -> Result<()>) -> Result<()> {
    let mut ops = Ops::new(payload)?;
    while let Some(op) = ops.next()? {
        visit(op)?;
    }
    Ok(())
}

/// Builds a [`Batch`]. The caller keeps the order that the format asks for.
#[derive(Default)]
pub struct Encoder {
    batch: Batch,
    last_key: Vec<u8>,
    part_bytes: Option<usize>,
}

impl Encoder {
    pub fn new() -> Encoder {
        Encoder::default()
    }

    /// With parts of another size than [`PART_BYTES`].
    pub fn with_part_bytes(bytes: usize) -> Encoder {
        Encoder { part_bytes: Some(bytes), ..Encoder::default() }
    }

    pub fn push(&mut self, op: Op<'_>) {
        let limit = self.part_bytes.unwrap_or(PART_BYTES);
        if self.batch.parts.last().is_none_or(|part| part.len() > limit) {
            self.batch.parts.push(vec![FORMAT]);
            self.last_key.clear();
        }
        self.batch.ops += 1;
        let out = self.batch.parts.last_mut().expect("just pushed");
        match op {
            Op::Put { tree, key, value } => {
                put_op(out, PUT, tree);
                put_key(out, &mut self.last_key, key);
                put_run(out, value);
            }
            Op::Delete { tree, key } => {
                put_op(out, DELETE, tree);
                put_key(out, &mut self.last_key, key);
            }
            Op::NewTree(tree) => put_op(out, NEW_TREE, tree),
            Op::DropTree(tree) => put_op(out, DROP_TREE, tree),
        }
    }

    /// Whether what was pushed fills a part.
    pub fn is_full(&self) -> bool {
        let limit = self.part_bytes.unwrap_or(PART_BYTES);
        self.batch.parts.last().is_some_and(|part| part.len() > limit)
    }

    /// Hands over what was pushed, once it fills a part; what is pushed next begins another batch.
    pub fn take_full(&mut self) -> Option<Batch> {
        self.is_full().then(|| std::mem::take(&mut self.batch))
    }

    pub fn finish(self) -> Batch {
        self.batch
    }
}

fn put_op(out: &mut Vec<u8>, op: u8, tree: TreeId) {
    out.push(op);
    put_varint(out, u64::from(tree.0));
}

fn put_key(out: &mut Vec<u8>, last: &mut Vec<u8>, key: &[u8]) {
    let shared = last.iter().zip(key).take_while(|(a, b)| a == b).count();
    put_varint(out, shared as u64);
    put_run(out, &key[shared..]);
    last.truncate(shared);
    last.extend_from_slice(&key[shared..]);
}

/// What stands before the changes in a `Part` record.
pub fn encode_part_number(number: usize) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, number as u64);
    out
}

/// Splits the payload of a `Part` record into its number and its changes.
pub fn decode_part(payload: &[u8]) -> Result<(usize, &[u8])> {
    let mut r = Reader::new(payload);
    let number = usize::try_from(r.varint()?).map_err(|_| corrupt("part number is out of range"))?;
    Ok((number, r.rest()))
}

/// The payload of an `End` record.
pub fn encode_end(parts: usize) -> Vec<u8> {
    let mut out = vec![FORMAT];
    put_varint(&mut out, parts as u64);
    out
}

/// The payload of an `Abandoned` record.
pub const ABANDONED: [u8; 1] = [FORMAT];

/// How many parts an `End` record closes.
pub fn decode_end(payload: &[u8]) -> Result<usize> {
    let mut r = Reader::new(payload);
    check_format(r.u8()?)?;
    let parts = r.varint()?;
    if !r.is_empty() {
        return Err(corrupt("bytes behind the end of a transaction's last record"));
    }
    usize::try_from(parts).map_err(|_| corrupt("number of parts is out of range"))
}

fn check_format(format: u8) -> Result<()> {
    if format == FORMAT {
        return Ok(());
    }
    let message = format!("log record has format {format}, which this version does not know");
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).hint("The log was written by a newer version."))
}

fn corrupt(message: &str) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, message)
}

/// Reads the changes of one payload.
struct Ops<'a> {
    rest: Reader<'a>,
    key: Vec<u8>,
}

impl<'a> Ops<'a> {
    fn new(payload: &'a [u8]) -> Result<Ops<'a>> {
        let mut rest = Reader::new(payload);
        check_format(rest.u8()?)?;
        Ok(Ops { rest, key: Vec::new() })
    }

    fn next(&mut self) -> Result<Option<Op<'_>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let op = self.rest.u8()?;
        let tree = u32::try_from(self.rest.varint()?).map_err(|_| corrupt("tree number is out of range"))?;
        let tree = TreeId(tree);
        Ok(Some(match op {
            PUT => {
                self.key()?;
                Op::Put { tree, value: self.rest.run()?, key: &self.key }
            }
            DELETE => {
                self.key()?;
                Op::Delete { tree, key: &self.key }
            }
            NEW_TREE => Op::NewTree(tree),
            DROP_TREE => Op::DropTree(tree),
            other => return Err(corrupt(&format!("unknown change {other} in a log record"))),
        }))
    }

    fn key(&mut self) -> Result<()> {
        let shared = usize::try_from(self.rest.varint()?).unwrap_or(usize::MAX);
        if shared > self.key.len() {
            return Err(corrupt("a key shares more bytes than the previous key has"));
        }
        self.key.truncate(shared);
        self.key.extend_from_slice(self.rest.run()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(ops: &[Op<'_>], part_bytes: usize) -> Batch {
        let mut e = Encoder::with_part_bytes(part_bytes);
        ops.iter().for_each(|&op| e.push(op));
        e.finish()
    }

    #[test]
    fn golden_bytes() {
        let t = TreeId(300);
        let ops = [
            Op::NewTree(t),
            Op::Put { tree: t, key: b"abc", value: b"xy" },
            Op::Delete { tree: t, key: b"abd" },
            Op::DropTree(TreeId(2)),
        ];
        let batch = encode(&ops, PART_BYTES);
        let hex: String = batch.parts()[0].iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(
            hex,
            "0103ac0201ac020003616263027879\
                         02ac02020164\
                         0402"
        );
        assert_eq!(encode_end(300), [1, 0xac, 2]);
        assert_eq!(decode_end(&[1, 0xac, 2]).unwrap(), 300);
    }

    #[test]
    fn a_newer_format_is_named_as_such() {
        let e = Batch::default().push_part(&[FORMAT + 1]).unwrap_err();
        assert_eq!(e.code(), SqlState::FEATURE_NOT_SUPPORTED);
        assert!(e.fields().hint.as_deref().unwrap().contains("newer version"));
    }

    fn owned() -> impl Strategy<Value = Vec<(u8, u32, Vec<u8>, Vec<u8>)>> {
        let bytes = || prop::collection::vec(0u8..4, 0..6);
        prop::collection::vec((1u8..5, 0u32..1000, bytes(), bytes()), 0..30)
    }

    proptest! {
        #[test]
        fn round_trip_in_parts_of_any_size(list in owned(), part_bytes in 0usize..40) {
            let ops: Vec<Op> = list.iter().map(|(kind, tree, key, value)| match *kind {
                PUT => Op::Put { tree: TreeId(*tree), key, value },
                DELETE => Op::Delete { tree: TreeId(*tree), key },
                NEW_TREE => Op::NewTree(TreeId(*tree)),
                _ => Op::DropTree(TreeId(*tree)),
            }).collect();
            let batch = encode(&ops, part_bytes);
            let mut from_log = Batch::default();
            for part in batch.parts() {
                from_log.push_part(part).unwrap();
            }
            prop_assert_eq!(&from_log, &batch);
            let mut i = 0;
            batch.for_each(|op| { assert_eq!(op, ops[i]); i += 1; Ok(()) }).unwrap();
            prop_assert_eq!(i, ops.len());
        }

        #[test]
        fn damaged_payloads_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut payload = vec![FORMAT];
            payload.extend(bytes);
            let _ = Batch::default().push_part(&payload);
            let _ = decode_end(&payload);
        }
    }
}
