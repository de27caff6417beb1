//! The reading of a COPY's data on a thread of its own, beside the inserting. Both ways are short queues: whoever is
//! ahead waits.

use super::read::{Piece, Reader};
use crate::base::Result;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{Builder, JoinHandle};

/// How many chunks of data may lie waiting, and how many batches of rows.
const CHUNKS: usize = 2;
const PIECES: usize = 4;

/// A reader on its way: pieces come in the order of the data, an error as the last.
pub(super) struct Worker {
    /// None when all has been handed over.
    chunks: Option<SyncSender<Vec<u8>>>,
    pieces: Receiver<Result<Piece>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Gives the reader back when there can be no more threads.
    pub fn start(reader: Box<Reader>) -> Result<Worker, Box<Reader>> {
        let (chunks, to_read) = sync_channel::<Vec<u8>>(CHUNKS);
        let (read, pieces) = sync_channel(PIECES);
        let (lend, borrowed) = sync_channel::<Box<Reader>>(1);
        let run = move || {
            if let Ok(reader) = borrowed.recv() {
                // Nobody listens when the other side has failed.
                let _ = read_all(reader, &to_read, &read);
            }
        };
        match Builder::new().name("copy".into()).spawn(run) {
            Ok(thread) => {
                lend.send(reader).expect("the thread waits for it");
                Ok(Worker { chunks: Some(chunks), pieces, thread: Some(thread) })
            }
            Err(_) => Err(reader),
        }
    }

    /// Hands over what has gathered, and takes a piece that must be taken first or happens to be there. None: there is
    /// nothing to do but to gather more.
    pub fn ready(&mut self, gathered: &mut Vec<u8>) -> Option<Result<Piece>> {
        match self.hand_over(gathered) {
            true => self.pieces.try_recv().ok(),
            false => self.wait(),
        }
    }

    /// False when the queue is full, or the thread has ended with an error.
    fn hand_over(&mut self, gathered: &mut Vec<u8>) -> bool {
        if gathered.is_empty() {
            return true;
        }
        let Some(chunks) = &self.chunks else { return false };
        match chunks.try_send(std::mem::take(gathered)) {
            Ok(()) => true,
            Err(TrySendError::Full(chunk) | TrySendError::Disconnected(chunk)) => {
                *gathered = chunk;
                false
            }
        }
    }

    /// Nothing follows: the pieces that are left, none at the end.
    pub fn finish(&mut self, gathered: &mut Vec<u8>) -> Option<Result<Piece>> {
        if self.hand_over(gathered) {
            self.chunks = None;
        }
        self.wait()
    }

    fn wait(&mut self) -> Option<Result<Piece>> {
        match self.pieces.recv() {
            Ok(piece) => Some(piece),
            Err(_) => {
                self.join();
                None
            }
        }
    }

    fn join(&mut self) {
        self.chunks = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
    }
}

/// None when nobody listens any more.
fn read_all(mut reader: Box<Reader>, chunks: &Receiver<Vec<u8>>, pieces: &SyncSender<Result<Piece>>) -> Option<()> {
    let hand_out = |reader: &mut Reader, last| {
        loop {
            match reader.next(last) {
                Ok(None) => return Some(()),
                Ok(Some(piece)) => pieces.send(Ok(piece)).ok()?,
                Err(e) => {
                    let _ = pieces.send(Err(e));
                    return None;
                }
            }
        }
    };
    while let Ok(chunk) = chunks.recv() {
        reader.push(&chunk);
        drop(chunk);
        hand_out(&mut reader, false)?;
    }
    hand_out(&mut reader, true)
}
