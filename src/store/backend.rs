//! What deltalake-core writes with: its idea of an object store, on the store's own [`Disk`].
//!
//! Its own way to write to a local file system neither brings files to disk nor works on shares
//! without hard links. Reads go to the local file system as they are.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};

use super::disk::{Disk, above};

/// A folder as an object store.
#[derive(Debug, Clone)]
pub(super) struct Backend {
    disk: Arc<dyn Disk>,
    files: LocalFileSystem,
}

impl Backend {
    /// The folder must be there.
    pub(super) fn new(disk: Arc<dyn Disk>, folder: &std::path::Path) -> Result<Self> {
        Ok(Backend { disk, files: LocalFileSystem::new_with_prefix(folder)? })
    }

    fn write(&self, location: &Path, payload: &PutPayload, mode: &PutMode) -> Result<PutResult> {
        let path = self.files.path_to_filesystem(location)?;
        let failed = |source: std::io::Error| failed(&path, source);
        let folder = above(&path);
        self.disk.create_folder(folder).map_err(failed)?;
        // Readers of the log pass names with a dot in front by.
        let unnamed = folder.join(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
        let written = self.write_unnamed(&unnamed, payload).and_then(|()| match mode {
            PutMode::Create => self.disk.rename_new(&unnamed, &path),
            PutMode::Overwrite | PutMode::Update(_) => self.disk.rename(&unnamed, &path),
        });
        if let Err(error) = written {
            // What is left of it is named like nothing that anybody reads.
            let _ = self.disk.remove(&unnamed);
            return Err(failed(error));
        }
        self.disk.sync_folder(folder).map_err(failed)?;
        Ok(PutResult { e_tag: None, version: None })
    }

    fn write_unnamed(&self, path: &std::path::Path, payload: &PutPayload) -> std::io::Result<()> {
        let mut file = self.disk.create(path)?;
        payload.iter().try_for_each(|part| file.write_all(part))?;
        file.sync().map(drop)
    }
}

fn failed(path: &std::path::Path, source: std::io::Error) -> Error {
    let path = path.display().to_string();
    match source.kind() {
        std::io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: source.into() },
        std::io::ErrorKind::NotFound => Error::NotFound { path, source: source.into() },
        _ => Error::Generic { store: "disk", source: source.into() },
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("disk")
    }
}

#[async_trait]
impl ObjectStore for Backend {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.write(location, &payload, &options.mode)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(Parts { backend: self.clone(), location: location.clone(), parts: Vec::new() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (disk, root) = (Arc::clone(&self.disk), self.files.clone());
        let delete = move |location: Result<Path>| {
            let location = location?;
            let path: PathBuf = root.path_to_filesystem(&location)?;
            disk.remove(&path).map_err(|error| failed(&path, error))?;
            Ok(location)
        };
        locations.map(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.files.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        sorted(self.files.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let content = self.files.get_opts(from, GetOptions::default()).await?.bytes().await?;
        let mode = match options.mode {
            CopyMode::Overwrite => PutMode::Overwrite,
            CopyMode::Create => PutMode::Create,
        };
        self.write(to, &content.into(), &mode).map(drop)
    }
}

/// A list in the order of names: the log is read in the order that it is listed in.
fn sorted(list: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
    let all = async move {
        let mut all: Vec<_> = list.collect().await;
        all.sort_by(|one, other| match (one, other) {
            (Ok(one), Ok(other)) => one.location.cmp(&other.location),
            (one, other) => one.is_ok().cmp(&other.is_ok()),
        });
        stream::iter(all)
    };
    stream::once(all).flatten().boxed()
}

/// A file that comes in parts: a checkpoint of the log, of some megabytes at most.
#[derive(Debug)]
struct Parts {
    backend: Backend,
    location: Path,
    parts: Vec<PutPayload>,
}

#[async_trait]
impl MultipartUpload for Parts {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        self.parts.push(part);
        Box::pin(std::future::ready(Ok(())))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let whole = self.parts.iter().flat_map(|part| part.iter().cloned()).collect();
        self.backend.write(&self.location, &whole, &PutMode::Overwrite)
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.clear();
        Ok(())
    }
}
