//! A promotion that loses power anywhere: the directory is a replica's or a primary's, and a primary's once it could write.

use super::base::{BaseReceiver, BaseSender};
use super::files;
use super::{Replication, ReplicationOptions};
use crate::base::Result;
use crate::catalog::CatalogStore;
use crate::engine::{CheckpointOptions, Engine, EngineOptions};
use crate::io::{Disk, SimClock, SimDisk, SimEntropy};
use crate::wal::WalOptions;
use std::sync::Arc;

fn open(disk: &SimDisk, follows: bool) -> Result<Arc<Engine>> {
    let options = EngineOptions {
        wal: WalOptions {
            segment_bytes: 1 << 20,
            first_segment_bytes: 1 << 20,
            on_fatal: Arc::new(|_| {}),
            ..WalOptions::default()
        },
        buffer_bytes: 4 << 20,
        checkpoint: CheckpointOptions { automatic: false, ..CheckpointOptions::default() },
        follows,
        on_fatal: Arc::new(|_| {}),
        ..EngineOptions::default()
    };
    Engine::open(Arc::new(disk.clone()), Arc::new(SimClock::new(1)), &SimEntropy::new(1), options)
}

/// The files of a replica that has everything.
fn replica() -> SimDisk {
    let primary = open(&SimDisk::new(1), false).unwrap();
    CatalogStore::open(primary.clone()).unwrap();
    primary.checkpoint().unwrap();
    let disk = SimDisk::new(2);
    let mut sender = BaseSender::new(primary.base_copy().unwrap());
    let mut receiver = BaseReceiver::new(Arc::new(disk.clone()));
    let mut message = Vec::new();
    while sender.next(&mut message).unwrap() {
        receiver.take(&message).unwrap();
    }
    files::keep_marker(&disk, "slot").unwrap();
    disk
}

fn node(disk: &SimDisk) -> Result<Arc<Replication>> {
    let engine = open(disk, true)?;
    let catalog = CatalogStore::open(engine.clone())?;
    let options = ReplicationOptions { slots_most: 1, ..ReplicationOptions::default() };
    let (clock, entropy) = (Arc::new(SimClock::new(1)), Arc::new(SimEntropy::new(2)));
    Replication::open(Arc::new(disk.clone()), clock, entropy, engine, catalog, options)
}

#[test]
fn a_promotion_that_is_cut_short_did_or_did_not_happen() {
    let (mut did, mut did_not) = (0, 0);
    for at in 1.. {
        let disk = replica();
        let node = node(&disk).unwrap();
        disk.crash_at(at);
        let promoted = node.become_primary("slot");
        let could_write = !node.in_recovery();
        drop(node);
        if !disk.has_crashed() {
            promoted.unwrap();
            assert!(could_write && did > 0 && did_not > 0, "{did} {did_not}");
            return;
        }
        disk.reboot();
        let any: Arc<dyn Disk> = Arc::new(disk.clone());
        files::settle_promotion(&any).unwrap();
        let engine = open(&disk, false).unwrap();
        let (timeline, history) = (engine.wal().identity().timeline, super::History::load(&disk).unwrap());
        assert_eq!(history.knows(2), timeline == 2);
        match files::read_marker(&disk).unwrap() {
            None => {
                assert_eq!(timeline, 2);
                did += 1;
            }
            Some(slot) => {
                assert_eq!((slot.as_str(), timeline, could_write), ("slot", 1, false));
                did_not += 1;
            }
        }
    }
}
