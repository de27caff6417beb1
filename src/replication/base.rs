//! The stream of a base copy, within CopyData: a head, which pages there are, their images, and an end.
//!
//! ```text
//! h  version u32, cluster u128, timeline u32, LSN u64, chain u32, page size u32, checkpoint u32, pages u64,
//!    run: the root's payload; crc32c of all that
//! l  for each of some pages: id u32, epoch u32
//! p  number of the first page u64, images
//! e
//! ```
//!
//! Little-endian. Images check themselves against the list, and that against them; the log that follows must continue the
//! chain of the head.

use crate::base::bytes::{Reader, put_run};
use crate::base::{Error, Lsn, PageId, Result, SqlState};
use crate::engine::{BaseCopy, BaseHead, BaseWriter};
use crate::io::Disk;
use crate::storage::{Epoch, Root};
use crate::wal::{Identity, Place};
use std::sync::Arc;

const VERSION: u32 = 1;
const HEAD: u8 = b'h';
const LIST: u8 = b'l';
const PAGES: u8 = b'p';
const END: u8 = b'e';

/// Pages of the list in one message.
const LISTED: usize = 16 << 10;
/// Images in one message.
const IMAGES: usize = 32;

fn wrong(why: impl Into<String>) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("the base copy received is damaged: {}", why.into()))
}

fn encode_head(head: &BaseHead) -> Vec<u8> {
    let mut out = vec![HEAD];
    out.extend(VERSION.to_le_bytes());
    out.extend(head.identity.cluster.to_le_bytes());
    out.extend(head.identity.timeline.to_le_bytes());
    out.extend(head.place.at.0.to_le_bytes());
    out.extend(head.place.chain.to_le_bytes());
    out.extend((head.page_bytes as u32).to_le_bytes());
    out.extend(head.checkpoint.0.to_le_bytes());
    out.extend((head.pages as u64).to_le_bytes());
    put_run(&mut out, &head.root.payload);
    let crc = crc32c::crc32c(&out);
    out.extend(crc.to_le_bytes());
    out
}

fn decode_head(message: &[u8]) -> Result<BaseHead> {
    let (body, crc) = message.split_last_chunk::<4>().ok_or_else(|| wrong("its head is cut short"))?;
    if u32::from_le_bytes(*crc) != crc32c::crc32c(body) {
        return Err(wrong("the checksum of its head does not match"));
    }
    let mut r = Reader::new(&body[1..]);
    let version = r.u32()?;
    if version != VERSION {
        return Err(Error::unsupported(format!("version {version} of the base copy")));
    }
    let cluster = u128::from_le_bytes(r.array()?);
    let identity = Identity { cluster, timeline: r.u32()? };
    let place = Place { at: Lsn(r.u64()?), chain: r.u32()? };
    let page_bytes = r.u32()? as usize;
    let checkpoint = Epoch(r.u32()?);
    let pages = usize::try_from(r.u64()?).map_err(|_| wrong("it has too many pages"))?;
    let root = Root { lsn: place.at, payload: r.run()?.to_vec() };
    if root.payload.len() > Root::PAYLOAD_BYTES_MAX {
        return Err(wrong("its root is too long"));
    }
    Ok(BaseHead { identity, place, page_bytes, checkpoint, root, pages })
}

/// The messages of a copy, one after the other.
pub struct BaseSender {
    copy: BaseCopy,
    list: Vec<(PageId, Epoch)>,
    next: Next,
    images: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Next {
    Head,
    List(usize),
    Pages(usize),
    Over,
}

impl BaseSender {
    pub fn new(copy: BaseCopy) -> BaseSender {
        let list = copy.pages().collect();
        BaseSender { copy, list, next: Next::Head, images: Vec::new() }
    }

    /// Puts the next message into `out`, in place of what was there; false behind the last. It reads from the disk.
    pub fn next(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        match self.next {
            Next::Head => {
                *out = encode_head(self.copy.head());
                self.next = Next::List(0);
            }
            Next::List(from) if from < self.list.len() => {
                let to = (from + LISTED).min(self.list.len());
                out.push(LIST);
                for (pid, epoch) in &self.list[from..to] {
                    out.extend(pid.0.to_le_bytes());
                    out.extend(epoch.0.to_le_bytes());
                }
                self.next = Next::List(to);
            }
            Next::List(_) => {
                self.next = Next::Pages(0);
                return self.next(out);
            }
            Next::Pages(from) if from < self.list.len() => {
                self.copy.read(from, IMAGES, &mut self.images)?;
                out.push(PAGES);
                out.extend((from as u64).to_le_bytes());
                out.extend_from_slice(&self.images);
                self.next = Next::Pages(from + IMAGES);
            }
            Next::Pages(_) => {
                out.push(END);
                self.next = Next::Over;
            }
            Next::Over => return Ok(false),
        }
        Ok(true)
    }

    /// The log behind the copy stays as long as this.
    pub fn into_copy(self) -> BaseCopy {
        self.copy
    }
}

/// Makes the files of a copy of its messages.
pub struct BaseReceiver {
    disk: Arc<dyn Disk>,
    state: Receiving,
}

enum Receiving {
    Nothing,
    List(BaseHead, Vec<(PageId, Epoch)>),
    Pages { writer: Box<BaseWriter>, head: BaseHead, put: usize },
    Over,
}

/// How far a copy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseProgress {
    pub head: BaseHead,
    pub pages_put: usize,
    /// All is durable.
    pub done: bool,
}

impl BaseReceiver {
    pub fn new(disk: Arc<dyn Disk>) -> BaseReceiver {
        BaseReceiver { disk, state: Receiving::Nothing }
    }

    /// Takes the next message. Blocks while it writes.
    ///
    /// Errors: XX001 for a message that cannot be, 0A000 for the stream of a newer version; those of the disk.
    pub fn take(&mut self, message: &[u8]) -> Result<BaseProgress> {
        let (&kind, body) = message.split_first().ok_or_else(|| wrong("an empty message"))?;
        let state = std::mem::replace(&mut self.state, Receiving::Over);
        self.state = match (kind, state) {
            (HEAD, Receiving::Nothing) => self.begin(decode_head(message)?, Vec::new())?,
            (LIST, Receiving::List(head, mut list)) => {
                for pair in body.chunks(8) {
                    let mut r = Reader::new(pair);
                    list.push((PageId(r.u32()?), Epoch(r.u32()?)));
                }
                self.begin(head, list)?
            }
            (PAGES, Receiving::Pages { mut writer, head, put }) => {
                let mut r = Reader::new(body);
                let first = usize::try_from(r.u64()?).map_err(|_| wrong("a page behind the last"))?;
                writer.put(first, r.rest())?;
                let put = put + r.rest().len() / head.page_bytes;
                Receiving::Pages { writer, head, put }
            }
            (END, Receiving::Pages { writer, head, put }) => {
                writer.finish()?;
                return Ok(BaseProgress { head, pages_put: put, done: true });
            }
            _ => return Err(wrong("a message at the wrong time")),
        };
        let (head, pages_put) = match &self.state {
            Receiving::List(head, _) => (head.clone(), 0),
            Receiving::Pages { head, put, .. } => (head.clone(), *put),
            Receiving::Nothing | Receiving::Over => unreachable!("these end above"),
        };
        Ok(BaseProgress { head, pages_put, done: false })
    }

    /// Begins with the images once all pages are listed.
    fn begin(&self, head: BaseHead, list: Vec<(PageId, Epoch)>) -> Result<Receiving> {
        if list.len() > head.pages {
            return Err(wrong("more pages than it says"));
        }
        if list.len() < head.pages {
            return Ok(Receiving::List(head, list));
        }
        let writer = Box::new(BaseWriter::create(self.disk.clone(), head.clone(), list)?);
        Ok(Receiving::Pages { writer, head, put: 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head() -> BaseHead {
        let place = Place { at: Lsn(77), chain: 5 };
        let root = Root { lsn: Lsn(77), payload: vec![1, 2, 3] };
        let identity = Identity { cluster: u128::MAX - 1, timeline: 3 };
        BaseHead { identity, place, page_bytes: 512, checkpoint: Epoch(9), root, pages: 0 }
    }

    #[test]
    fn a_head_round_trips_and_damage_shows() {
        let bytes = encode_head(&head());
        assert_eq!(decode_head(&bytes).unwrap(), head());
        for at in 1..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 4;
            assert!(decode_head(&bytes).is_err(), "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut receiver = BaseReceiver::new(Arc::new(crate::io::SimDisk::new(1)));
            receiver.take(&encode_head(&head())).unwrap();
            let _ = receiver.take(&bytes);
        }
    }
}
