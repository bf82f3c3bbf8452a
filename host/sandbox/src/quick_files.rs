//! Which folders answer at once, so that asking another thread for each of their
//! files takes longer than the file itself.

#[cfg(target_os = "linux")]
use std::ffi::OsString;
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
#[cfg(target_os = "linux")]
use std::path::PathBuf;

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
    let only_read = |preopen: &Preopen<'_>| preopen.access == MountAccess::ReadOnly;
    preopens.iter().all(only_read) && are_quick(preopens.iter().map(|preopen| preopen.path))
}

/// Whether each folder is local, with no other filesystem mounted below it.
#[cfg(target_os = "linux")]
fn are_quick<'a>(mut folders: impl ExactSizeIterator<Item = &'a Path>) -> bool {
    if folders.len() == 0 {
        return true;
    }
    let Ok(mounts) = std::fs::read("/proc/self/mountinfo") else {
        return false;
    };
    folders.all(|folder| is_local(folder) && is_whole(folder, &mounts))
}

/// Elsewhere nobody knows.
#[cfg(not(target_os = "linux"))]
fn are_quick<'a>(folders: impl ExactSizeIterator<Item = &'a Path>) -> bool {
    folders.len() == 0
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

/// Whether none of `mounts` is below the folder.
#[cfg(target_os = "linux")]
fn is_whole(folder: &Path, mounts: &[u8]) -> bool {
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    mounts.split(|byte| *byte == b'\n').all(|line| {
        // `man 5 proc_pid_mountinfo`: the fifth is where it is mounted.
        let place = line.split(|byte| *byte == b' ').nth(4).unwrap_or_default();
        let place = unescaped(place);
        place == folder || !place.starts_with(&folder)
    })
}

/// Spaces, tabs, line breaks and backslashes are written as `\\` and three octal digits.
#[cfg(target_os = "linux")]
fn unescaped(place: &[u8]) -> PathBuf {
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
    OsString::from_vec(out).into()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use ringfence_flow::MountName;

    use super::*;

    #[test]
    fn what_is_mounted_below_a_folder_is_told_from_what_is_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let whole = |below: &str| {
            let place = folder.display();
            let mounts =
                format!("1 2 0:3 / {place}{below} rw - ext4 /dev/a rw\n2 2 0:4 / / rw -\n");
            is_whole(&folder, mounts.as_bytes())
        };
        assert!(!whole("/net"));
        assert!(whole("") && whole("2"));
        assert!(!is_whole(
            Path::new("/"),
            b"1 2 0:3 / /proc rw - proc proc rw\n"
        ));
        let place = unescaped(b"/a\\040b\\134c\\9");
        assert_eq!(place, Path::new("/a b\\c\\9"));
        assert!(
            !are_quick([Path::new("/")].into_iter()),
            "procfs is below it"
        );
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
