//! Which folders answer at once, so that asking another thread for each of their
//! files takes longer than the file itself.

use std::path::Path;

use ringfence_flow::MountAccess;

use crate::grants::Preopen;

/// Whether a guest with these folders may read files in the attempt's own thread.
///
/// Then a core is held up by no more than the guest's own reading: each call looks at
/// a file or reads 64 KiB at most of one, and how long it takes counts as time that the
/// attempt has run. What may take longer (opening, a listing, mounts that are written,
/// a filesystem of another machine or program, in the folder or below it) is left to
/// threads that may wait.
pub(crate) fn may_read_in_place(preopens: &[Preopen<'_>]) -> bool {
    let is_quick = |preopen: &Preopen<'_>| match preopen.access {
        MountAccess::ReadOnly => is_local(preopen.path) && is_whole(preopen.path),
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

/// Whether no other filesystem is mounted below the folder.
#[cfg(target_os = "linux")]
fn is_whole(folder: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    let (Ok(folder), Ok(mounts)) = (folder.canonicalize(), std::fs::read(MOUNTS)) else {
        return false;
    };
    let folder = folder.as_os_str().as_bytes();
    mounts.split(|byte| *byte == b'\n').all(|line| {
        // `man 5 proc_pid_mountinfo`: the fifth is where it is mounted.
        let place = line.split(|byte| *byte == b' ').nth(4).unwrap_or_default();
        !is_below(&unescaped(place), folder)
    })
}

#[cfg(target_os = "linux")]
const MOUNTS: &str = "/proc/self/mountinfo";

#[cfg(target_os = "linux")]
fn is_below(place: &[u8], folder: &[u8]) -> bool {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    let rest = place.strip_prefix(folder);
    rest.is_some_and(|rest| rest.len() > 1 && rest[0] == b'/')
}

/// Spaces, tabs, line breaks and backslashes are written as `\\` and three octal digits.
#[cfg(target_os = "linux")]
fn unescaped(place: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(place.len());
    let mut rest = place;
    while let [first, more @ ..] = rest {
        let digits = more.first_chunk::<3>().filter(|_| *first == b'\\');
        let octal = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|octal| u8::from_str_radix(octal, 8).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &more[3..];
            }
            None => {
                out.push(*first);
                rest = more;
            }
        }
    }
    out
}

/// Elsewhere nobody knows.
#[cfg(not(target_os = "linux"))]
fn is_whole(_folder: &Path) -> bool {
    false
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
    fn what_is_mounted_below_a_folder_is_told_from_what_is_beside_it() {
        assert!(is_below(b"/srv/src/net", b"/srv/src"));
        assert!(is_below(b"/proc", b"/"));
        assert!(!is_below(b"/srv/src", b"/srv/src"));
        assert!(!is_below(b"/srv/src2", b"/srv/src"));
        assert!(!is_below(b"/", b"/"));
        assert_eq!(unescaped(b"/a\\040b\\134c\\9"), b"/a b\\c\\9");
        assert!(!is_whole(Path::new("/")), "procfs is below it");
    }

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
