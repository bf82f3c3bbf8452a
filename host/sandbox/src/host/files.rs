//! `wasi:filesystem/types`: wasmtime's own functions, and each refusal told to
//! the audit with the rule behind it.
//!
//! Functions that a grant or a budget can refuse stand in front of wasmtime's, which
//! they call, and are stricter in these:
//!
//! - No symbolic link is made, moved or linked to: wasmtime keeps a guest from
//!   following one out of its mount, but whoever follows it later, a person or
//!   another program, is in no sandbox.
//! - Nothing is moved or hard-linked from one mount into another, though both may
//!   be written: what is granted of one must not become part of the other.
//! - Only files and folders are opened: the end of a pipe would keep a thread of
//!   the host waiting for whoever opens the other.
//! - Nothing is written to the disk for a guest that may only read, and nobody takes
//!   its advice on what to read ahead.
//!
//! Listings are the host's own ([`Listing`]), as wasmtime reads a folder whole: they are
//! read no further than there is memory for, and count as memory until they are dropped.

use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::filesystem::{Descriptor, Dir, File, OpenMode, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::filesystem::preopens::Host as _;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, Filesize, Host as _,
    HostDescriptor as _, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynOutputStream, FsResult};

#[cfg(unix)]
use super::listing;
use super::listing::Listing;
use crate::grants::Effect;
use crate::quick_files::{self, Known};
use crate::state::AttemptState;

type Fd = Resource<Descriptor>;
type Stream = Resource<DynOutputStream>;

/// The interfaces under the names that wasmtime gives them.
const FILES: &str = "wasi:filesystem/types@0.2.12";
const ROOTS: &str = "wasi:filesystem/preopens@0.2.12";

/// Puts a function of a descriptor in front of wasmtime's: its name, its
/// signature, whether it writes, and the descriptors that this takes.
macro_rules! told {
    ($files:ident, $name:literal, $method:ident($($argument:ident: $type:ty),+) $(.$await:tt)? -> $answer:ty,
     writes: $writes:expr, to: [$($to:ident),+]) => {
        $files.func_wrap_async(
            concat!("[method]descriptor.", $name),
            |mut store: StoreContextMut<'_, AttemptState>, ($($argument,)+): ($($type,)+)| {
                Box::new(async move {
                    let state = store.data_mut().called();
                    let effect = reached_for(state, $writes, &[$(&$to),+]);
                    let done: FsResult<$answer> = state.filesystem().$method($($argument),+)$(.$await)?;
                    Ok((told(state, effect, done)?,))
                })
            },
        )?;
    };
}

/// Puts the functions in the linker, which has wasmtime's already.
///
/// # Errors
/// None that a test would not find.
pub(crate) fn tell_refusals(linker: &mut Linker<AttemptState>) -> Result<()> {
    linker.allow_shadowing(true);
    linker.instance(ROOTS)?.func_wrap(
        "get-directories",
        |mut store: StoreContextMut<'_, AttemptState>, (): ()| {
            // Asked by whoever opens standard error for the first time, too.
            let state = store.data_mut().called_by_any();
            let roots = state.filesystem().get_directories()?;
            state.folders.roots(&roots);
            Ok((roots,))
        },
    )?;
    let mut files = linker.instance(FILES)?;
    told!(files, "stat-at", stat_at(fd: Fd, follow: PathFlags, path: String).await -> DescriptorStat,
        writes: false, to: [fd]);
    told!(files, "metadata-hash-at",
        metadata_hash_at(fd: Fd, follow: PathFlags, path: String).await -> MetadataHashValue,
        writes: false, to: [fd]);
    told!(files, "readlink-at", readlink_at(fd: Fd, path: String).await -> String,
        writes: false, to: [fd]);
    told!(files, "write", write(fd: Fd, bytes: Vec<u8>, offset: Filesize).await -> Filesize,
        writes: true, to: [fd]);
    told!(files, "write-via-stream", write_via_stream(fd: Fd, offset: Filesize) -> Stream,
        writes: true, to: [fd]);
    told!(files, "append-via-stream", append_via_stream(fd: Fd) -> Stream,
        writes: true, to: [fd]);
    told!(files, "set-size", set_size(fd: Fd, size: Filesize).await -> (),
        writes: true, to: [fd]);
    told!(files, "set-times", set_times(fd: Fd, read: NewTimestamp, written: NewTimestamp).await -> (),
        writes: true, to: [fd]);
    told!(files, "set-times-at",
        set_times_at(fd: Fd, follow: PathFlags, path: String, read: NewTimestamp, written: NewTimestamp).await -> (),
        writes: true, to: [fd]);
    told!(files, "create-directory-at", create_directory_at(fd: Fd, path: String).await -> (),
        writes: true, to: [fd]);
    told!(files, "remove-directory-at", remove_directory_at(fd: Fd, path: String).await -> (),
        writes: true, to: [fd]);
    told!(files, "unlink-file-at", unlink_file_at(fd: Fd, path: String).await -> (),
        writes: true, to: [fd]);
    files.func_wrap_async(
        "[method]descriptor.open-at",
        |mut store: StoreContextMut<'_, AttemptState>,
         (fd, follow, path, open, flags): (Fd, PathFlags, String, OpenFlags, DescriptorFlags)| {
            Box::new(async move {
                let state = store.data_mut().called();
                Ok((state.open(fd, follow, path, open, flags).await?,))
            })
        },
    )?;
    for (name, data_only) in [("sync", false), ("sync-data", true)] {
        files.func_wrap_async(
            &format!("[method]descriptor.{name}"),
            move |mut store: StoreContextMut<'_, AttemptState>, (fd,): (Fd,)| {
                Box::new(async move {
                    let state = store.data_mut().called();
                    Ok((state.sync_what_may_be_written(fd, data_only).await?,))
                })
            },
        )?;
    }
    files.func_wrap(
        "[method]descriptor.advise",
        |mut store: StoreContextMut<'_, AttemptState>,
         (_, _, _, _): (Fd, Filesize, Filesize, Advice)| {
            store.data_mut().called();
            let taken: Told<()> = Ok(());
            Ok((taken,))
        },
    )?;
    files.func_wrap_async(
        "[method]descriptor.read-directory",
        |mut store: StoreContextMut<'_, AttemptState>, (fd,): (Fd,)| {
            Box::new(async move { Ok((store.data_mut().called().list(fd).await?,)) })
        },
    )?;
    files.resource(
        "directory-entry-stream",
        ResourceType::host::<Listing>(),
        |mut store, listing| {
            let state = store.data_mut().called();
            let listing = state.table.delete(Resource::<Listing>::new_own(listing))?;
            state.memory.release(listing.held());
            Ok(())
        },
    )?;
    files.func_wrap(
        "[method]directory-entry-stream.read-directory-entry",
        |mut store: StoreContextMut<'_, AttemptState>, (listing,): (Resource<Listing>,)| {
            let state = store.data_mut().called();
            Ok((state.table.get_mut(&listing)?.next(),))
        },
    )?;
    files.func_wrap_async(
        "[method]descriptor.rename-at",
        |mut store: StoreContextMut<'_, AttemptState>,
         (fd, path, target, name): (Fd, String, Fd, String)| {
            Box::new(async move {
                let state = store.data_mut().called();
                if let Err(denied) = state.may_move(&fd, &path, &target).await? {
                    return Ok((Err(denied),));
                }
                let effect = reached_for(state, true, &[&fd, &target]);
                let done = state.filesystem().rename_at(fd, path, target, name).await;
                Ok((told(state, effect, done)?,))
            })
        },
    )?;
    files.func_wrap_async(
        "[method]descriptor.link-at",
        |mut store: StoreContextMut<'_, AttemptState>,
         (fd, follow, path, target, name): (Fd, PathFlags, String, Fd, String)| {
            Box::new(async move {
                let state = store.data_mut().called();
                if let Err(denied) = state.may_move(&fd, &path, &target).await? {
                    return Ok((Err(denied),));
                }
                let effect = reached_for(state, true, &[&fd, &target]);
                let done = state
                    .filesystem()
                    .link_at(fd, follow, path, target, name)
                    .await;
                Ok((told(state, effect, done)?,))
            })
        },
    )?;
    files.func_wrap(
        "[method]descriptor.symlink-at",
        |mut store: StoreContextMut<'_, AttemptState>, (_, _, _): (Fd, String, String)| {
            let answer: std::result::Result<(), _> = Err(ErrorCode::NotPermitted);
            store.data_mut().called_denied(Effect::SymbolicLink);
            Ok((answer,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// What the guest is told.
type Told<T> = std::result::Result<T, ErrorCode>;

impl AttemptState {
    /// Opens a file or a folder, and nothing else.
    async fn open(
        &mut self,
        fd: Fd,
        follow: PathFlags,
        path: String,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Told<Fd>> {
        let mount = self.folders.mount_of(&fd);
        let effect = reached_for(self, opens_to_write(open, flags), &[&fd]);
        let only_reads =
            (open & !OpenFlags::DIRECTORY) == OpenFlags::empty() && flags == DescriptorFlags::READ;
        match self.kind(&fd, follow, path.clone()).await {
            Ok(
                DescriptorType::RegularFile
                | DescriptorType::Directory
                | DescriptorType::SymbolicLink,
            ) => {}
            // wasmtime calls pipes and sockets unknown.
            Ok(_) => return Ok(Err(self.denied(Effect::SpecialFile))),
            // What else is wrong, with the flags before the path, is told where it is
            // opened.
            Err(error) => match self.filesystem().convert_error_code(error)? {
                ErrorCode::NoEntry if only_reads => return Ok(Err(ErrorCode::NoEntry)),
                _ => {}
            },
        }
        let wants_folder = open.contains(OpenFlags::DIRECTORY);
        if only_reads && let Some(opened) = self.open_in_place(&fd, follow, &path, wants_folder) {
            let opened = self.table.push(opened)?;
            self.folders.opened(&opened, mount);
            return Ok(Ok(opened));
        }
        let before = match self.call_aside(&fd) {
            Ok(before) => before,
            Err(error) => return Ok(Err(error)),
        };
        let borrowed = Resource::new_borrow(fd.rep());
        let done = self
            .filesystem()
            .open_at(borrowed, follow, path, open, flags)
            .await;
        self.call_as_before(&fd, before)?;
        if let Ok(opened) = &done {
            self.folders.opened(opened, mount);
            self.read_in_place(opened)?;
        }
        told(self, effect, done)
    }

    /// Opens a file or a folder to be read in the attempt's own thread, where that is
    /// done and keeps it from nothing.
    fn open_in_place(
        &self,
        fd: &Fd,
        follow: PathFlags,
        path: &str,
        wants_folder: bool,
    ) -> Option<Descriptor> {
        let Descriptor::Dir(folder) = self.table.get(fd).ok().filter(|_| self.reads_in_place)?
        else {
            return None;
        };
        let follow = follow.contains(PathFlags::SYMLINK_FOLLOW);
        let (perms, mode) = (folder.perms, OpenMode::READ);
        match quick_files::open_known(&folder.dir, path, follow)? {
            Known::Folder(found) => Some(Descriptor::Dir(Dir::new(found, perms, mode, true))),
            Known::File(_) if wants_folder => None,
            Known::File(found) => Some(Descriptor::File(File::new(found, perms, mode, true))),
        }
    }

    /// Lists a folder, as far as there is memory for its names.
    async fn list(&mut self, fd: Fd) -> Result<Told<Resource<Listing>>> {
        let listing = match self.read_folder(fd).await {
            Ok(listing) => listing,
            Err(error) => return self.filesystem().convert_error_code(error).map(Err),
        };
        if self.memory.hold(listing.held()).is_err() {
            return Ok(Err(ErrorCode::InsufficientMemory));
        }
        Ok(Ok(self.table.push(listing)?))
    }

    #[cfg(unix)]
    async fn read_folder(&mut self, fd: Fd) -> FsResult<Listing> {
        let folder = match self.table.get(&fd)? {
            Descriptor::Dir(folder) => folder.dir.clone(),
            Descriptor::File(_) => return Err(ErrorCode::NotDirectory.into()),
        };
        let most = self.memory.left();
        Ok(listing::list(folder, most, self.reads_in_place).await?)
    }

    /// Only on Unix can a folder be read through its handle: elsewhere wasmtime reads it,
    /// whole, before it is counted.
    #[cfg(not(unix))]
    async fn read_folder(&mut self, fd: Fd) -> FsResult<Listing> {
        let read = self.filesystem().read_directory(fd).await?;
        let mut listing = Listing::new();
        for entry in self.table.delete(read)? {
            match entry {
                Ok(entry) => listing.add(Ok((entry.type_, &entry.name))),
                Err(error) => {
                    let error = self.filesystem().convert_error_code(error);
                    listing.add(Err(error.map_err(wasmtime_wasi::p2::FsError::trap)?));
                }
            }
        }
        Ok(listing)
    }

    /// Has the calls on a folder made by threads that may wait, where they are made in
    /// the attempt's own: opening may take long, as a pipe may have been put in the place of
    /// a file since it was looked at. Gives what stood in its place.
    fn call_aside(&mut self, fd: &Fd) -> Told<Option<Descriptor>> {
        let Some(entry) = self.table.get_mut(fd).ok().filter(|_| self.reads_in_place) else {
            return Ok(None);
        };
        let Descriptor::Dir(folder) = &*entry else {
            return Ok(None);
        };
        let handle = folder.dir.try_clone().map_err(|_| ErrorCode::Io)?;
        let aside = Dir::new(handle, folder.perms, folder.open_mode, false);
        Ok(Some(std::mem::replace(entry, Descriptor::Dir(aside))))
    }

    fn call_as_before(&mut self, fd: &Fd, before: Option<Descriptor>) -> Result<()> {
        if let Some(before) = before {
            *self.table.get_mut(fd)? = before;
        }
        Ok(())
    }

    /// Has what was just opened read in the attempt's own thread, where that is done
    /// and it is a file or a folder.
    fn read_in_place(&mut self, opened: &Fd) -> Result<()> {
        if !self.reads_in_place {
            return Ok(());
        }
        let entry = self.table.get_mut(opened)?;
        let (Descriptor::File(File { file: handle, .. })
        | Descriptor::Dir(Dir { dir: handle, .. })) = &*entry;
        let is_quick = |found: std::fs::Metadata| found.is_file() || found.is_dir();
        if !handle.metadata().is_ok_and(is_quick) {
            return Ok(());
        }
        // Without another handle it goes on as it was opened.
        let Ok(handle) = handle.try_clone() else {
            return Ok(());
        };
        *entry = match entry {
            Descriptor::File(file) => {
                Descriptor::File(File::new(handle, file.perms, file.open_mode, true))
            }
            Descriptor::Dir(folder) => {
                Descriptor::Dir(Dir::new(handle, folder.perms, folder.open_mode, true))
            }
        };
        Ok(())
    }

    /// Has the disk written, unless the descriptor may only be read: then nothing that
    /// it was used for is to be written.
    async fn sync_what_may_be_written(&mut self, fd: Fd, data_only: bool) -> Result<Told<()>> {
        let perms = match self.table.get(&fd)? {
            Descriptor::File(file) => file.perms,
            Descriptor::Dir(folder) => folder.perms,
        };
        if perms == FsPerms::ReadOnly {
            return Ok(Ok(()));
        }
        let done = match data_only {
            true => self.filesystem().sync_data(fd).await,
            false => self.filesystem().sync(fd).await,
        };
        told(self, Effect::LeaveMount, done)
    }

    /// Whether what lies at `path` may get a place below `target`, too.
    async fn may_move(&mut self, fd: &Fd, path: &str, target: &Fd) -> Result<Told<()>> {
        let mounts = (self.folders.mount_of(fd), self.folders.mount_of(target));
        if mounts.0 != mounts.1 {
            return Ok(Err(self.denied(Effect::AcrossMounts)));
        }
        let itself = PathFlags::empty();
        let kind = self.kind(fd, itself, path.to_owned()).await;
        if matches!(kind, Ok(DescriptorType::SymbolicLink)) {
            return Ok(Err(self.denied(Effect::SymbolicLink)));
        }
        Ok(Ok(()))
    }

    /// What lies at `path`, or why it cannot be looked at.
    async fn kind(&mut self, fd: &Fd, follow: PathFlags, path: String) -> FsResult<DescriptorType> {
        let fd = Resource::new_borrow(fd.rep());
        let stat = self.filesystem().stat_at(fd, follow, path).await;
        stat.map(|stat| stat.type_)
    }

    fn denied(&mut self, effect: Effect) -> ErrorCode {
        self.denials.deny(effect, &*self.observer);
        ErrorCode::NotPermitted
    }
}

/// What a call reached for, should it not be permitted.
fn reached_for(state: &AttemptState, writes: bool, to: &[&Fd]) -> Effect {
    let is_read_only = |fd: &&Fd| match state.table.get(fd) {
        Ok(Descriptor::Dir(folder)) => folder.perms == FsPerms::ReadOnly,
        Ok(Descriptor::File(file)) => file.perms == FsPerms::ReadOnly,
        Err(_) => false,
    };
    if writes && to.iter().any(is_read_only) {
        Effect::WriteReadOnly
    } else {
        Effect::LeaveMount
    }
}

fn opens_to_write(open: OpenFlags, flags: DescriptorFlags) -> bool {
    open.intersects(OpenFlags::CREATE | OpenFlags::EXCLUSIVE | OpenFlags::TRUNCATE)
        || flags.intersects(DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY)
}

/// The answer that the guest gets.
fn told<T>(state: &mut AttemptState, effect: Effect, done: FsResult<T>) -> Result<Told<T>> {
    let error = match done {
        Ok(value) => return Ok(Ok(value)),
        Err(error) => state.filesystem().convert_error_code(error)?,
    };
    if error == ErrorCode::NotPermitted {
        state.denials.deny(effect, &*state.observer);
    }
    Ok(Err(error))
}
