//! An object store in memory that fails: a call may answer an error with or without having done what was asked, which is
//! what a network makes of it. Objects can be damaged and lost.

use super::entropy::Rng;
use super::objects::{ObjectInfo, ObjectStore};
use crate::base::{Error, Result, SqlState};
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Shared handle: clones are the same store.
#[derive(Clone)]
pub struct SimObjects {
    state: Arc<Mutex<State>>,
}

struct State {
    rng: Rng,
    objects: BTreeMap<String, Bytes>,
    /// One call in so many fails; 0: none does.
    failing: u64,
    /// Every call fails.
    down: bool,
    ignores_conditions: bool,
    puts: u64,
}

impl SimObjects {
    pub fn new(seed: u64) -> SimObjects {
        let state = State {
            rng: Rng::new(seed),
            objects: BTreeMap::new(),
            failing: 0,
            down: false,
            ignores_conditions: false,
            puts: 0,
        };
        SimObjects { state: Arc::new(Mutex::new(state)) }
    }

    /// From now on one call in `one_in` fails; half of those have been carried out. 0: none fails.
    pub fn fail(&self, one_in: u64) {
        self.state.lock().failing = one_in;
    }

    pub fn set_down(&self, down: bool) {
        self.state.lock().down = down;
    }

    /// It overwrites where it should refuse to, and says that it wrote.
    pub fn ignore_conditions(&self) {
        self.state.lock().ignores_conditions = true;
    }

    /// Changes one byte of an object.
    pub fn flip(&self, key: &str, at: usize) {
        let mut s = self.state.lock();
        let object = s.objects.get_mut(key).expect("the object is there");
        let mut bytes = object.to_vec();
        bytes[at] ^= 0x20;
        *object = bytes.into();
    }

    /// Takes an object out, to be put back by a test.
    pub fn take(&self, key: &str) -> Bytes {
        self.state.lock().objects.remove(key).expect("the object is there")
    }

    /// Bytes written by `put` so far.
    pub fn bytes_put(&self) -> u64 {
        self.state.lock().puts
    }

    /// Carries a call out, or not, and answers it, or not.
    fn call<T>(&self, what: &str, key: &str, call: impl FnOnce(&mut State) -> T) -> Result<T> {
        let s = &mut *self.state.lock();
        let failed = || Error::new(SqlState::IO_ERROR, format!("could not {what} \"{key}\": simulated failure"));
        if s.down {
            return Err(failed());
        }
        if s.failing > 0 && s.rng.chance(1, s.failing) {
            if s.rng.chance(1, 2) {
                call(s);
            }
            return Err(failed());
        }
        Ok(call(s))
    }
}

/// What is behind the folder in the key of something in it.
fn within<'a>(key: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() { Some(key) } else { key.strip_prefix(folder)?.strip_prefix('/') }
}

impl ObjectStore for SimObjects {
    fn name(&self) -> String {
        "a simulated store".to_string()
    }

    fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        self.call("write", key, |s| {
            s.puts += bytes.len() as u64;
            s.objects.insert(key.to_string(), bytes);
        })
    }

    fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<bool> {
        self.call("write", key, |s| {
            if s.objects.contains_key(key) && !s.ignores_conditions {
                return false;
            }
            s.puts += bytes.len() as u64;
            s.objects.insert(key.to_string(), bytes);
            true
        })
    }

    fn get(&self, key: &str) -> Result<Option<Bytes>> {
        self.call("read", key, |s| s.objects.get(key).cloned())
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>> {
        self.call("read", key, |s| {
            let object = s.objects.get(key)?;
            let end = (range.end as usize).min(object.len());
            Some(object.slice((range.start as usize).min(end)..end))
        })
    }

    fn list(&self, folder: &str) -> Result<Vec<ObjectInfo>> {
        self.call("list", folder, |s| {
            let inside = s.objects.iter().filter(|(key, _)| within(key, folder).is_some());
            inside.map(|(key, object)| ObjectInfo { key: key.clone(), bytes: object.len() as u64 }).collect()
        })
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>> {
        self.call("list", folder, |s| {
            let inside = s.objects.keys().filter_map(|key| within(key, folder)?.split_once('/'));
            inside.map(|(name, _)| name.to_string()).collect::<BTreeSet<_>>().into_iter().collect()
        })
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.call("delete", key, |s| {
            s.objects.remove(key);
        })
    }
}
