//! Object stores by URL: a folder, or a bucket of an S3-compatible service.
//!
//! The requests run on a small runtime of their own, so that the rest of the program may be threads or tasks.

use super::objects::{ObjectInfo, ObjectStore};
use crate::base::{Error, Result, SqlState};
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientConfigKey, ObjectStoreExt, PutMode, PutOptions, RetryConfig};
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// An object is up to 64 MiB, and a line to it may be slow.
const REQUEST_TIMEOUT: &str = "10 minutes";
/// Whoever asks tries again by himself; a server that stops should not wait for long.
const RETRIES_MAX: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

pub struct RealObjects {
    url: String,
    store: Arc<dyn object_store::ObjectStore>,
    /// What every key begins with.
    prefix: Path,
    /// None only while it is dropped.
    runtime: Option<Runtime>,
}

impl RealObjects {
    /// Opens `s3://bucket/prefix`, with what the environment says of AWS (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_REGION`, `AWS_ENDPOINT`, ...), or a folder: `file:///path` or just its path. A folder that does not exist is
    /// made if `create` says so.
    ///
    /// Errors: 22023 when it is no such URL; 58P01 when there is no such folder; 58030.
    pub fn open(url: &str, create: bool) -> Result<RealObjects> {
        let (store, prefix) = match url.split_once("://") {
            Some(("s3" | "s3a", rest)) => s3(url, rest)?,
            Some(("file", path)) if path.starts_with('/') => (folder(path, create)?, Path::default()),
            None if !url.is_empty() => (folder(url, create)?, Path::default()),
            _ => return Err(invalid(url, "expected s3://BUCKET/PREFIX, file:///PATH or a path")),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(RealObjects { url: url.to_string(), store, prefix, runtime: Some(runtime) })
    }

    fn run<T>(&self, request: impl Future<Output = object_store::Result<T>>) -> object_store::Result<T> {
        self.runtime.as_ref().expect("it is there until the store is dropped").block_on(request)
    }

    fn path(&self, key: &str) -> Path {
        key.split('/').filter(|part| !part.is_empty()).fold(self.prefix.clone(), |path, part| path.join(part))
    }

    fn failed(&self, doing: &str, key: &str, e: &object_store::Error) -> Error {
        let code = match e {
            object_store::Error::NotFound { .. } => SqlState::UNDEFINED_FILE,
            _ => SqlState::IO_ERROR,
        };
        Error::new(code, format!("could not {doing} \"{key}\" in {}: {e}", self.url))
    }
}

impl Drop for RealObjects {
    fn drop(&mut self) {
        // It may be dropped within another runtime, where nothing may block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn invalid(url: &str, why: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("\"{url}\" is not the URL of an object store: {why}"))
}

fn folder(path: &str, create: bool) -> Result<Arc<dyn object_store::ObjectStore>> {
    if create {
        std::fs::create_dir_all(path)
            .map_err(|e| Error::new(SqlState::IO_ERROR, format!("could not create folder \"{path}\": {e}")))?;
    }
    let missing = |e| Error::new(SqlState::UNDEFINED_FILE, format!("could not open folder \"{path}\": {e}"));
    std::fs::read_dir(path).map_err(missing)?;
    let store = LocalFileSystem::new_with_prefix(path).map_err(|e| invalid(path, &e.to_string()))?;
    Ok(Arc::new(store.with_fsync(true).with_automatic_cleanup(true)))
}

fn s3(url: &str, rest: &str) -> Result<(Arc<dyn object_store::ObjectStore>, Path)> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(invalid(url, "it names no bucket"));
    }
    // Another part of the program may have chosen one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST_TIMEOUT)
        .with_retry(RetryConfig { max_retries: RETRIES_MAX, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() });
    let endpoint = ["AWS_ENDPOINT", "AWS_ENDPOINT_URL"].iter().find_map(|name| std::env::var(name).ok());
    if endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")) {
        builder = builder.with_allow_http(true);
    }
    let store = builder.build().map_err(|e| invalid(url, &e.to_string()))?;
    let prefix = Path::parse(prefix.trim_matches('/')).map_err(|e| invalid(url, &e.to_string()))?;
    Ok((Arc::new(store), prefix))
}

impl ObjectStore for RealObjects {
    fn name(&self) -> String {
        self.url.clone()
    }

    fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        let done = self.run(async { self.store.put(&self.path(key), bytes.into()).await });
        done.map(drop).map_err(|e| self.failed("write", key, &e))
    }

    fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<bool> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.run(async { self.store.put_opts(&self.path(key), bytes.into(), options).await }) {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
            Err(e) => Err(self.failed("write", key, &e)),
        }
    }

    fn get(&self, key: &str) -> Result<Option<Bytes>> {
        match self.run(async { self.store.get(&self.path(key)).await?.bytes().await }) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(self.failed("read", key, &e)),
        }
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>> {
        match self.run(async { self.store.get_range(&self.path(key), range).await }) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(self.failed("read", key, &e)),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<ObjectInfo>> {
        let path = self.path(folder);
        let listed = self.run(async { self.store.list(Some(&path)).try_collect::<Vec<_>>().await });
        let listed = listed.map_err(|e| self.failed("list", folder, &e))?;
        let prefix = self.prefix.as_ref();
        let mut found: Vec<ObjectInfo> = listed
            .into_iter()
            .filter_map(|meta| {
                let key = meta.location.as_ref().strip_prefix(prefix)?.trim_start_matches('/').to_string();
                Some(ObjectInfo { key, bytes: meta.size })
            })
            .collect();
        found.sort();
        Ok(found)
    }

    fn folders(&self, folder: &str) -> Result<Vec<String>> {
        let path = self.path(folder);
        let listed = self.run(async { self.store.list_with_delimiter(Some(&path)).await });
        let listed = listed.map_err(|e| self.failed("list", folder, &e))?;
        let mut names: Vec<String> =
            listed.common_prefixes.iter().filter_map(|p| p.filename().map(str::to_string)).collect();
        names.sort();
        Ok(names)
    }

    fn delete(&self, key: &str) -> Result<()> {
        match self.run(async { self.store.delete(&self.path(key)).await }) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(self.failed("delete", key, &e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every store promises.
    fn keeps_its_promises(store: &dyn ObjectStore) {
        let text = |s: &'static str| Bytes::from_static(s.as_bytes());
        assert_eq!(store.get("a/b/one").unwrap(), None);
        assert_eq!(store.list("a").unwrap(), []);
        store.put("a/b/one", text("hello")).unwrap();
        store.put("a/b/one", text("hello, world")).unwrap();
        assert!(!store.put_if_absent("a/b/one", text("other")).unwrap());
        assert!(store.put_if_absent("a/two", text("2")).unwrap());
        assert!(store.put_if_absent("c", text("")).unwrap());
        assert_eq!(store.get("a/b/one").unwrap(), Some(text("hello, world")));
        assert_eq!(store.get_range("a/b/one", 7..9).unwrap(), Some(text("wo")));
        assert_eq!(store.get_range("none", 0..1).unwrap(), None);
        let info = |key: &str, bytes| ObjectInfo { key: key.to_string(), bytes };
        assert_eq!(store.list("").unwrap(), [info("a/b/one", 12), info("a/two", 1), info("c", 0)]);
        assert_eq!(store.list("a").unwrap(), [info("a/b/one", 12), info("a/two", 1)]);
        assert_eq!((store.folders("").unwrap(), store.folders("a").unwrap()), (vec!["a".into()], vec!["b".into()]));
        store.delete("a/b/one").unwrap();
        store.delete("a/b/one").unwrap();
        assert_eq!(store.list("a").unwrap(), [info("a/two", 1)]);
    }

    #[test]
    fn a_folder_keeps_its_promises() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let path = path.to_str().unwrap();
        assert_eq!(RealObjects::open(path, false).err().unwrap().code(), SqlState::UNDEFINED_FILE);
        keeps_its_promises(&RealObjects::open(path, true).unwrap());
        let again = RealObjects::open(&format!("file://{path}"), false).unwrap();
        assert_eq!(again.list("a").unwrap().len(), 1);
    }

    #[test]
    fn the_simulated_one_does_too() {
        keeps_its_promises(&super::super::SimObjects::new(1));
    }

    #[test]
    fn what_is_no_store_is_refused() {
        for url in ["", "ftp://x", "s3://", "file://relative"] {
            assert_eq!(RealObjects::open(url, false).err().unwrap().code(), SqlState::INVALID_PARAMETER_VALUE, "{url}");
        }
    }
}
