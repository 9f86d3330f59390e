//! What deltalake-core writes with: its idea of an object store, on the store's own [`Disk`].
//!
//! Its own way to write to a local file system neither brings files to disk nor works on shares
//! without hard links. Its own way to read one hands every file of the log to another thread, and
//! looks at each of them to read the newest; here it reads as a program does.

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

use crate::store::fs::disk::{Disk, parent_or_current};

/// A folder as an object store.
#[derive(Debug, Clone)]
pub(in crate::store) struct DiskObjectStore {
    disk: Arc<dyn Disk>,
    local: LocalFileSystem,
}

impl DiskObjectStore {
    /// The folder must be there.
    pub(in crate::store) fn new(disk: Arc<dyn Disk>, folder: &std::path::Path) -> Result<Self> {
        Ok(DiskObjectStore { disk, local: LocalFileSystem::new_with_prefix(folder)? })
    }

    fn write(&self, location: &Path, payload: &PutPayload, mode: &PutMode) -> Result<PutResult> {
        let path = self.local.path_to_filesystem(location)?;
        let failed = |source: io::Error| object_store_error(&path, source);
        let folder = parent_or_current(&path);
        self.disk.create_folder(folder).map_err(failed)?;
        // Readers of the log pass names with a dot in front by.
        let unnamed = folder.join(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
        let written = self.write_temp_file(&unnamed, payload).and_then(|()| match mode {
            PutMode::Create => self.disk.rename_exclusive(&unnamed, &path),
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

    fn write_temp_file(&self, path: &std::path::Path, payload: &PutPayload) -> io::Result<()> {
        let mut file = self.disk.create(path)?;
        payload.iter().try_for_each(|part| file.write_all(part))?;
        file.sync().map(drop)
    }

    /// A file, or the range of it that is asked for; `None` for a range that it does not have.
    fn read(&self, location: &Path, options: &GetOptions) -> Result<Option<GetResult>> {
        let path = self.local.path_to_filesystem(location)?;
        let failed = |source: io::Error| object_store_error(&path, source);
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

    /// The files right in the log's folder, in the order of their names: the log is read in the
    /// order that it is listed in. A file is looked at when its turn comes, and never one that is
    /// not named behind `offset`, so that the versions before the newest checkpoint cost nothing
    /// but their names.
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
                    // Names with a dot in front are unfinished work.
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
        let look = move |name: String| {
            let location = Path::parse(format!("{log}/{name}")).ok()?;
            let path = path.join(name);
            // Through a link, if it is one. What went away since is no file of the folder.
            match fs::metadata(&path) {
                Ok(meta) => meta.is_file().then(|| Ok(object_meta(location, &meta))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => Some(Err(object_store_error(&path, error))),
            }
        };
        Ok(stream::iter(names.into_iter().filter_map(look)).boxed())
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

/// The folder of the log in that of the table.
const LOG_DIR: &str = "_delta_log";

fn object_meta(location: Path, meta: &fs::Metadata) -> ObjectMeta {
    let last_modified = meta.modified().unwrap_or(std::time::UNIX_EPOCH).into();
    ObjectMeta { location, last_modified, size: meta.len(), e_tag: None, version: None }
}

/// Whether a whole file or a range of it is asked for, whatever became of it.
fn is_unconditional(options: &GetOptions) -> bool {
    options.if_match.is_none()
        && options.if_none_match.is_none()
        && options.if_modified_since.is_none()
        && options.if_unmodified_since.is_none()
        && options.version.is_none()
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

/// A list in the order of names.
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

/// A file that comes in parts: a checkpoint of the log, of some megabytes at most.
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
