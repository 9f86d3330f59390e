//! The object store that deltalake-core uses, on the store's own [`Disk`].
//!
//! deltalake's own local store does not sync files, and does not work on shares without hard
//! links. It also reads every log file in another thread, and reads the metadata of all of them to
//! find the newest. This one syncs, and reads directly.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attributes, CopyMode, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, UploadPart,
};

use crate::error::Error as StoreError;
use crate::store::delta::retention::{CHECKPOINT_HINT, latest_checkpoint};
use crate::store::fs::atomic_file::{AtomicFile, Publish};
use crate::store::fs::disk::Disk;
use crate::store::fs::paths::{file_name, parent_or_current};

/// A folder as an object store.
#[derive(Debug, Clone)]
pub(in crate::store) struct DiskObjectStore {
    disk: Arc<dyn Disk>,
    local: LocalFileSystem,
}

impl DiskObjectStore {
    /// Returns the object store of a folder, which must exist.
    pub(in crate::store) fn new(disk: Arc<dyn Disk>, folder: &std::path::Path) -> Result<Self> {
        Ok(DiskObjectStore { disk, local: LocalFileSystem::new_with_prefix(folder)? })
    }

    fn write(&self, location: &Path, payload: &PutPayload, mode: &PutMode) -> Result<PutResult> {
        let path = self.local.path_to_filesystem(location)?;
        let publish = match mode {
            PutMode::Create => Publish::Exclusive,
            PutMode::Overwrite | PutMode::Update(_) => Publish::Replace,
        };
        let written = self.write_file(&path, payload, publish);
        written.map_err(|error| object_store_error(&path, into_io_error(error)))?;
        Ok(PutResult { e_tag: None, version: None })
    }

    /// Writes a file. Readers of the log ignore its temporary name, which starts with a dot.
    fn write_file(
        &self,
        path: &std::path::Path,
        payload: &PutPayload,
        publish: Publish,
    ) -> crate::error::Result<()> {
        let mut file = AtomicFile::create_unnamed(&self.disk, parent_or_current(path))?;
        payload.iter().try_for_each(|part| file.write_bytes(part))?;
        file.publish(&file_name(path), publish).map(drop)
    }

    /// Reads a file or a range of it. Returns `None` if the file does not have the range.
    fn read(&self, location: &Path, options: &GetOptions) -> Result<Option<GetResult>> {
        let path = self.local.path_to_filesystem(location)?;
        let failed = |source: io::Error| object_store_error(&path, source);
        // Without the hint, the whole log is listed. With a wrong one, it could not be read.
        if file_name(&path) == CHECKPOINT_HINT
            && latest_checkpoint(parent_or_current(&path)).is_none()
        {
            return Err(failed(io::ErrorKind::NotFound.into()));
        }
        let mut file = File::open(&path).map_err(failed)?;
        let meta = object_meta(location.clone(), &file.metadata().map_err(failed)?);
        let range = match options.range.as_ref().map(|range| range.as_range(meta.size)) {
            None => 0..meta.size,
            Some(Ok(range)) => range,
            Some(Err(_)) => return Ok(None),
        };
        let mut bytes = Vec::new();
        if !options.head {
            let length = range.end - range.start;
            file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
            let read = file.take(length).read_to_end(&mut bytes).map_err(failed)?;
            if read as u64 != length {
                return Err(failed(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        let payload = GetResultPayload::Stream(stream::iter([Ok(bytes.into())]).boxed());
        Ok(Some(GetResult { payload, meta, range, attributes: Attributes::default() }))
    }

    /// Lists the log files by name, because the log is read in the order of the list.
    ///
    /// The metadata of a file is read only when the file is next, and only for names after
    /// `offset`. So versions before the newest checkpoint cost nothing but the list of names.
    fn list_log(&self, log: &Path, offset: Option<&Path>) -> Result<ObjectMetaStream> {
        let path = self.local.path_to_filesystem(log)?;
        let start = offset.and_then(|offset| offset.filename()).unwrap_or_default();
        let mut names = Vec::new();
        match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(object_store_error(&path, error)),
            Ok(entries) => {
                for entry in entries {
                    let name = entry.map_err(|error| object_store_error(&path, error))?.file_name();
                    // Names that start with a dot are unfinished files.
                    names.extend(
                        name.into_string()
                            .ok()
                            .filter(|name| !name.starts_with('.') && name.as_str() > start),
                    );
                }
            }
        }
        names.sort_unstable();
        let log = log.clone();
        let describe = move |name: String| {
            let location = Path::parse(format!("{log}/{name}")).ok()?;
            let path = path.join(name);
            // This follows a link. A file that was deleted meanwhile is left out.
            match fs::metadata(&path) {
                Ok(meta) => meta.is_file().then(|| Ok(object_meta(location, &meta))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => Some(Err(object_store_error(&path, error))),
            }
        };
        Ok(stream::iter(names.into_iter().filter_map(describe)).boxed())
    }

    fn list_sorted(&self, prefix: Option<&Path>, offset: Option<&Path>) -> ObjectMetaStream {
        match (prefix, offset) {
            (Some(log), _) if log.as_ref() == LOG_DIR => match self.list_log(log, offset) {
                Ok(list) => list,
                Err(error) => stream::iter([Err(error)]).boxed(),
            },
            (_, Some(offset)) => sort_by_location(self.local.list_with_offset(prefix, offset)),
            _ => sort_by_location(self.local.list(prefix)),
        }
    }
}

type ObjectMetaStream = BoxStream<'static, Result<ObjectMeta>>;

/// The folder of the log in the folder of the table.
const LOG_DIR: &str = "_delta_log";

fn object_meta(location: Path, meta: &fs::Metadata) -> ObjectMeta {
    let last_modified = meta.modified().unwrap_or(std::time::UNIX_EPOCH).into();
    ObjectMeta { location, last_modified, size: meta.len(), e_tag: None, version: None }
}

/// Returns true if the options request a file or a range of it without conditions.
fn is_unconditional(options: &GetOptions) -> bool {
    options.if_match.is_none()
        && options.if_none_match.is_none()
        && options.if_modified_since.is_none()
        && options.if_unmodified_since.is_none()
        && options.version.is_none()
}

/// Returns the cause of an error of the file system.
fn into_io_error(error: StoreError) -> io::Error {
    match error {
        StoreError::Io { source, .. } => source,
        other => io::Error::other(other),
    }
}

fn object_store_error(path: &std::path::Path, source: io::Error) -> Error {
    let path = path.display().to_string();
    match source.kind() {
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: source.into() },
        io::ErrorKind::NotFound => Error::NotFound { path, source: source.into() },
        _ => Error::Generic { store: "disk", source: source.into() },
    }
}

impl fmt::Display for DiskObjectStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("disk")
    }
}

#[async_trait]
impl ObjectStore for DiskObjectStore {
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
        Ok(Box::new(MultipartBuffer {
            object_store: self.clone(),
            location: location.clone(),
            parts: Vec::new(),
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if is_unconditional(&options)
            && let Some(read) = self.read(location, &options)?
        {
            return Ok(read);
        }
        self.local.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let (disk, root) = (Arc::clone(&self.disk), self.local.clone());
        let delete = move |location: Result<Path>| {
            let location = location?;
            let path: PathBuf = root.path_to_filesystem(&location)?;
            disk.remove(&path).map_err(|error| object_store_error(&path, error))?;
            Ok(location)
        };
        locations.map(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> ObjectMetaStream {
        self.list_sorted(prefix, None)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> ObjectMetaStream {
        self.list_sorted(prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.local.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let content = self.local.get_opts(from, GetOptions::default()).await?.bytes().await?;
        let mode = match options.mode {
            CopyMode::Overwrite => PutMode::Overwrite,
            CopyMode::Create => PutMode::Create,
        };
        self.write(to, &content.into(), &mode).map(drop)
    }
}

/// Sorts a list by name.
fn sort_by_location(list: ObjectMetaStream) -> ObjectMetaStream {
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

/// A file that is written in parts: a checkpoint of the log, which has a few megabytes.
#[derive(Debug)]
struct MultipartBuffer {
    object_store: DiskObjectStore,
    location: Path,
    parts: Vec<PutPayload>,
}

#[async_trait]
impl MultipartUpload for MultipartBuffer {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        self.parts.push(part);
        Box::pin(std::future::ready(Ok(())))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let whole = self.parts.iter().flat_map(|part| part.iter().cloned()).collect();
        self.object_store.write(&self.location, &whole, &PutMode::Overwrite)
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.clear();
        Ok(())
    }
}
