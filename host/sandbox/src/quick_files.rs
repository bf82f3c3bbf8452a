//! Which folders answer at once, so that asking another thread for each of their
//! files takes longer than the file itself.

use std::path::Path;

use ringfence_flow::MountAccess;

use crate::grants::Preopen;

/// Whether a guest with these folders may read files in the attempt's own thread.
///
/// Then a core is held up by no more than the guest's own reading: each call reads
/// 64 KiB at most of a local file, and how long it takes counts as time that the
/// attempt has run. What may take longer (writing, a listing, a filesystem of another
/// machine or program) is left to threads that may wait.
pub(crate) fn may_read_in_place(preopens: &[Preopen<'_>]) -> bool {
    let is_quick = |preopen: &Preopen<'_>| match preopen.access {
        MountAccess::ReadOnly => is_local(preopen.path),
        MountAccess::ReadWrite => false,
    };
    preopens.iter().all(is_quick)
}

/// Whether the folder is on a filesystem that this machine's kernel reads from its
/// own disks or memory.
#[cfg(target_os = "linux")]
#[allow(
    clippy::useless_conversion,
    reason = "it is another type on other machines"
)]
fn is_local(folder: &Path) -> bool {
    /// `linux/magic.h`: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs, ramfs, overlayfs,
    /// SquashFS and EROFS; and that of OpenZFS.
    const LOCAL: [i64; 10] = [
        0xef53,
        0x5846_5342,
        0x9123_683e,
        0xf2f5_2010,
        0x0102_1994,
        0x8584_58f6,
        0x794c_7630,
        0x7371_7368,
        0xe0f5_e1e2,
        0x2fc1_2fc1,
    ];
    let found = rustix::fs::statfs(folder);
    found.is_ok_and(|found| LOCAL.contains(&i64::from(found.f_type)))
}

/// Elsewhere nobody knows.
#[cfg(not(target_os = "linux"))]
fn is_local(_folder: &Path) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use ringfence_flow::MountName;

    use super::*;

    #[test]
    fn local_folders_that_are_only_read_are_read_in_place() {
        let name = MountName::new("src").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let preopen = |path, access| Preopen {
            name: &name,
            path,
            access,
        };
        let read = preopen(folder.path(), MountAccess::ReadOnly);
        let write = preopen(folder.path(), MountAccess::ReadWrite);
        // procfs is the kernel's, and takes as long as it takes.
        let other = preopen(Path::new("/proc"), MountAccess::ReadOnly);
        let gone = preopen(Path::new("/no/such/folder"), MountAccess::ReadOnly);
        assert!(may_read_in_place(&[]));
        assert!(may_read_in_place(std::slice::from_ref(&read)));
        assert!(!may_read_in_place(&[read.clone(), write]));
        assert!(!may_read_in_place(&[other]));
        assert!(!may_read_in_place(&[read, gone]));
    }
}
