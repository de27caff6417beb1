//! A snapshot: which checkpoint it is, and where its parts are. It is written last, so a snapshot exists once its manifest
//! does, and whole. All of it stays as it is, but that one that was taken by itself may become one that somebody wants kept.

use super::layout::{Kind, Layout, cluster_name, parse_cluster, parse_lsn, position_name};
use super::object;
use crate::base::{Error, Lsn, Result};
use crate::io::ObjectStore;
use crate::storage::{Epoch, Root};
use crate::wal::{Identity, Place};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub identity: Identity,
    /// The checkpoint's place in the log. Its position is the snapshot's id.
    pub place: Place,
    /// The checkpoint's number in its data file.
    pub epoch: Epoch,
    /// What the checkpoint says beside its pages.
    pub payload: Vec<u8>,
    /// When it was taken, microseconds since 1970: nothing in it was committed later.
    pub time_us: u64,
    /// Somebody asked for it: it is kept until it is deleted.
    pub on_demand: bool,
    pub page_bytes: usize,
    pub pages: u64,
    /// How many of the pages were uploaded for it,
    pub pages_uploaded: u64,
    /// and how many bytes in all.
    pub bytes_uploaded: u64,
    /// The packs that hold its pages, as its map numbers them.
    pub packs: Vec<PackInfo>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackInfo {
    pub name: u128,
    /// How many of its pages the snapshot needs, and how many it has.
    pub pages: u32,
    pub pages_total: u32,
    /// The object's length.
    pub bytes: u64,
}

/// The JSON text.
#[derive(Serialize, Deserialize)]
struct Text {
    format: u32,
    cluster: String,
    timeline: u32,
    lsn: String,
    chain: u32,
    checkpoint: u32,
    payload: String,
    time_us: u64,
    #[serde(default)]
    on_demand: bool,
    page_bytes: usize,
    pages: u64,
    pages_uploaded: u64,
    bytes_uploaded: u64,
    packs: Vec<PackText>,
}

#[derive(Serialize, Deserialize)]
struct PackText {
    name: String,
    pages: u32,
    pages_total: u32,
    bytes: u64,
}

const FORMAT: u32 = 1;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

impl Manifest {
    pub fn id(&self) -> Lsn {
        self.place.at
    }

    /// The id as people see it.
    pub fn name(&self) -> String {
        position_name(self.id())
    }

    pub fn root(&self) -> Root {
        Root { lsn: self.place.at, payload: self.payload.clone() }
    }

    pub fn encode(&self) -> Vec<u8> {
        let packs = self.packs.iter().map(|p| PackText {
            name: cluster_name(p.name),
            pages: p.pages,
            pages_total: p.pages_total,
            bytes: p.bytes,
        });
        let text = Text {
            format: FORMAT,
            cluster: cluster_name(self.identity.cluster),
            timeline: self.identity.timeline,
            lsn: self.place.at.to_string(),
            chain: self.place.chain,
            checkpoint: self.epoch.0,
            payload: hex(&self.payload),
            time_us: self.time_us,
            on_demand: self.on_demand,
            page_bytes: self.page_bytes,
            pages: self.pages,
            pages_uploaded: self.pages_uploaded,
            bytes_uploaded: self.bytes_uploaded,
            packs: packs.collect(),
        };
        serde_json::to_vec_pretty(&text).expect("numbers and strings are JSON")
    }

    fn decode(key: &str, content: &[u8]) -> Result<Manifest> {
        let text: Text = serde_json::from_slice(content).map_err(|e| object::damaged(key, e))?;
        super::check_format(key, text.format, FORMAT)?;
        let wrong = |what: &str| -> Error { object::damaged(key, format_args!("its {what} cannot be read")) };
        let packs = text.packs.iter().map(|p| {
            let name = parse_cluster(&p.name)?;
            Some(PackInfo { name, pages: p.pages, pages_total: p.pages_total, bytes: p.bytes })
        });
        let cluster = parse_cluster(&text.cluster).ok_or_else(|| wrong("cluster"))?;
        let payload = unhex(&text.payload).filter(|p| p.len() <= Root::PAYLOAD_BYTES_MAX);
        Ok(Manifest {
            identity: Identity { cluster, timeline: text.timeline },
            place: Place { at: parse_lsn(&text.lsn)?, chain: text.chain },
            epoch: Epoch(text.checkpoint),
            payload: payload.ok_or_else(|| wrong("payload"))?,
            time_us: text.time_us,
            on_demand: text.on_demand,
            page_bytes: text.page_bytes,
            pages: text.pages,
            pages_uploaded: text.pages_uploaded,
            bytes_uploaded: text.bytes_uploaded,
            packs: packs.collect::<Option<_>>().ok_or_else(|| wrong("list of packs"))?,
        })
    }

    /// Reads one that must be there.
    pub fn read(store: &dyn ObjectStore, layout: &Layout, id: Lsn) -> Result<Manifest> {
        let key = layout.manifest(id);
        let manifest = Manifest::decode(&key, &object::read(store, &key)?)?;
        if manifest.id() == id && manifest.identity == layout.identity {
            return Ok(manifest);
        }
        Err(object::damaged(&key, "it is another snapshot's"))
    }

    /// Those of all snapshots that are there, ascending.
    pub fn read_all(store: &dyn ObjectStore, layout: &Layout) -> Result<Vec<Manifest>> {
        Manifest::list(store, layout)?.into_iter().map(|id| Manifest::read(store, layout, id)).collect()
    }

    /// The ids of the snapshots that are there, ascending.
    pub fn list(store: &dyn ObjectStore, layout: &Layout) -> Result<Vec<Lsn>> {
        let found = store.list(&layout.manifests())?;
        let mut ids: Vec<Lsn> = found
            .iter()
            .filter_map(|object| match layout.parse(&object.key) {
                Some(Kind::Manifest(id)) => Some(id),
                _ => None,
            })
            .collect();
        ids.sort();
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_round_trips() {
        let manifest = Manifest {
            identity: Identity { cluster: 5, timeline: 2 },
            place: Place { at: Lsn(0x1_0000_0042), chain: 7 },
            epoch: Epoch(9),
            payload: vec![1, 0xab],
            time_us: 1_700_000_000_000_000,
            on_demand: true,
            page_bytes: 8192,
            pages: 3,
            pages_uploaded: 1,
            bytes_uploaded: 1000,
            packs: vec![PackInfo { name: 0xfeed, pages: 1, pages_total: 2, bytes: 55 }],
        };
        assert_eq!(Manifest::decode("k", &manifest.encode()).unwrap(), manifest);
        assert_eq!(manifest.name(), "0000000100000042");
        assert!(Manifest::decode("k", b"{}").is_err());
        let older = String::from_utf8(manifest.encode()).unwrap().replacen("\"on_demand\": true,", "", 1);
        assert!(!Manifest::decode("k", older.as_bytes()).unwrap().on_demand);
        let newer = String::from_utf8(manifest.encode()).unwrap().replacen("\"format\": 1", "\"format\": 2", 1);
        let e = Manifest::decode("k", newer.as_bytes()).unwrap_err();
        assert_eq!(e.code(), crate::base::SqlState::FEATURE_NOT_SUPPORTED);
    }
}
