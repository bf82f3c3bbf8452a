//! `wasi:filesystem/types`: wasmtime's own functions, and each refusal told to
//! the audit with the rule behind it.
//!
//! Only functions that a mount's grant can refuse are here. They stand in front
//! of wasmtime's, which they call, but for the one that makes symbolic links:
//! wasmtime keeps a guest from following a link out of its mount, but not from
//! making one, and whoever follows it later, a person or another program, is in
//! no sandbox.

use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorStat, ErrorCode, Filesize, Host as _, HostDescriptor as _,
    MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynOutputStream, FsResult};

use crate::grants::Effect;
use crate::state::AttemptState;

type Fd = Resource<Descriptor>;
type Stream = Resource<DynOutputStream>;

/// The interface under the name that wasmtime gives it.
const FILES: &str = "wasi:filesystem/types@0.2.12";

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
    let mut files = linker.instance(FILES)?;
    told!(files, "open-at",
        open_at(fd: Fd, follow: PathFlags, path: String, open: OpenFlags, flags: DescriptorFlags).await -> Fd,
        writes: opens_to_write(open, flags), to: [fd]);
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
    told!(files, "rename-at", rename_at(fd: Fd, path: String, target: Fd, name: String).await -> (),
        writes: true, to: [fd, target]);
    told!(files, "link-at",
        link_at(fd: Fd, follow: PathFlags, path: String, target: Fd, name: String).await -> (),
        writes: true, to: [fd, target]);
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
fn told<T>(
    state: &mut AttemptState,
    effect: Effect,
    done: FsResult<T>,
) -> Result<std::result::Result<T, ErrorCode>> {
    let error = match done {
        Ok(value) => return Ok(Ok(value)),
        Err(error) => state.filesystem().convert_error_code(error)?,
    };
    if error == ErrorCode::NotPermitted {
        state.denials.deny(effect, &*state.observer);
    }
    Ok(Err(error))
}
