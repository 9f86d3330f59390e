//! File-system access: disk operations, permissions, symbolic links, paths, temporary folders,
//! atomic writes, shares, and files that could not be deleted.

pub(in crate::store) mod atomic_file;
pub(in crate::store) mod disk;
pub(in crate::store) mod paths;
pub(in crate::store) mod permissions;
pub(in crate::store) mod share;
pub(in crate::store) mod symlinks;
pub(in crate::store) mod temp_folder;
pub(in crate::store) mod undeleted;
