//! Which folders answer at once, so that asking another thread for each of their
//! files takes longer than the file itself.

#[cfg(target_os = "linux")]
use std::ffi::OsString;
use std::fs::File;
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
/// a file, reads 64 KiB at most of one or lists a few, and how long it takes counts as
/// time that the attempt has run. What may take longer (opening what the kernel does not
/// know yet, listing many, mounts that are written, a filesystem of another machine or
/// program, in the folder or below it) is left to threads that may wait.
pub(crate) fn may_read_in_place(preopens: &[Preopen<'_>]) -> bool {
    let only_read = |preopen: &Preopen<'_>| preopen.access == MountAccess::ReadOnly;
    preopens.iter().all(only_read) && are_quick(preopens.iter().map(|preopen| preopen.path))
}

/// Whether a listing of the folder takes no longer than to read a piece of a file. How
/// many names it holds does not tell: a folder may stay as large as it once was, and is
/// read as a whole.
#[cfg(target_os = "linux")]
pub(crate) fn is_small(folder: &File) -> bool {
    /// In bytes.
    const MOST: i64 = 64 << 10;
    // overlayfs reads the folders of all its layers first.
    let is_known = |found: i64| LOCAL.contains(&found) && found != OVERLAY;
    rustix::fs::fstat(folder).is_ok_and(|found| found.st_size <= MOST)
        && rustix::fs::fstatfs(folder).is_ok_and(|found| is_known(fs_type(&found)))
}

/// Elsewhere nobody knows.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn is_small(_: &File) -> bool {
    false
}

/// What was opened at once.
#[derive(Debug)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "nobody knows there")
)]
pub(crate) enum Known {
    /// A regular file.
    File(File),
    /// A folder.
    Folder(File),
}

/// Opens a regular file or a folder below `folder` to be read, if the kernel knows the
/// way to it by heart and can do so at once. `None` where it does not, there is none, or
/// it is something else: whoever may wait finds out which.
#[cfg(target_os = "linux")]
pub(crate) fn open_known(folder: &File, path: &str, follow: bool) -> Option<Known> {
    use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fcntl_setfl, fstat, openat2};
    // A pipe that was put in its place is open at once, and is no file.
    let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    flags.set(OFlags::NOFOLLOW, !follow);
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV
        | ResolveFlags::CACHED;
    let file = openat2(folder, path, flags, Mode::empty(), resolve).ok()?;
    let found = fstat(&file).ok()?;
    let known = match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => Known::File,
        FileType::Directory => Known::Folder,
        _ => return None,
    };
    fcntl_setfl(&file, OFlags::empty()).ok()?;
    Some(known(file.into()))
}

/// Elsewhere nobody knows.
#[cfg(not(target_os = "linux"))]
pub(crate) fn open_known(_: &File, _: &str, _: bool) -> Option<Known> {
    None
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

/// `linux/magic.h`: overlayfs.
#[cfg(target_os = "linux")]
const OVERLAY: i64 = 0x794c_7630;

/// `linux/magic.h`: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs, ramfs, overlayfs, SquashFS and
/// EROFS; and that of OpenZFS.
#[cfg(target_os = "linux")]
const LOCAL: [i64; 10] = [
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0xf2f5_2010,
    0x0102_1994,
    0x8584_58f6,
    OVERLAY,
    0x7371_7368,
    0xe0f5_e1e2,
    0x2fc1_2fc1,
];

/// Whether the folder is on a filesystem that this machine's kernel reads from its
/// own disks or memory.
#[cfg(target_os = "linux")]
fn is_local(folder: &Path) -> bool {
    let found = rustix::fs::statfs(folder);
    found.is_ok_and(|found| LOCAL.contains(&fs_type(&found)))
}

#[cfg(target_os = "linux")]
#[allow(
    clippy::useless_conversion,
    reason = "it is another type on other machines"
)]
fn fs_type(found: &rustix::fs::StatFs) -> i64 {
    i64::from(found.f_type)
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
    fn only_a_file_or_a_folder_below_its_folder_is_opened_at_once() {
        use rustix::fs::{CWD, FileType, Mode, OFlags, fcntl_getfl, mknodat};
        use std::io::Read as _;
        use std::os::unix::fs::symlink;

        let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("folder")).unwrap();
        std::fs::write(at("folder/file"), "text").unwrap();
        std::fs::write(outside.path().join("file"), "secret").unwrap();
        symlink("folder/file", at("link")).unwrap();
        symlink(outside.path().join("file"), at("out")).unwrap();
        mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let folder = File::open(dir.path()).unwrap();
        // What was just looked at is known, unless the kernel needs the memory.
        let open = |path: &str, follow| {
            (0..100).find_map(|_| {
                drop(std::fs::metadata(at(path)));
                open_known(&folder, path, follow)
            })
        };
        let file = open("folder/file", true).expect("Linux 5.12 can");
        // Not all filesystems know where a link leads.
        for opened in [Some(file), open("link", true)].into_iter().flatten() {
            let Known::File(mut opened) = opened else {
                panic!("{opened:?}");
            };
            let flags = fcntl_getfl(&opened).unwrap();
            assert!(!flags.contains(OFlags::NONBLOCK));
            let mut text = String::new();
            opened.read_to_string(&mut text).unwrap();
            assert_eq!(text, "text");
        }
        let out = outside.path().join("file");
        let others = ["", "none", "folder/file/", "../x", "out", "pipe", "a\0b"];
        for path in others.into_iter().chain(out.to_str()) {
            assert!(open(path, true).is_none(), "{path:?}");
        }
        assert!(open("link", false).is_none());
        for path in ["folder", "folder/", "."] {
            assert!(matches!(open(path, true), Some(Known::Folder(_))), "{path}");
        }
        assert!(open("folder/file", false).is_some());
    }

    #[test]
    fn a_folder_that_was_large_once_or_is_the_kernels_is_not_small() {
        let folder = tempfile::tempdir().unwrap();
        let open = || File::open(folder.path()).unwrap();
        assert!(is_small(&open()) || !is_local(folder.path()));
        assert!(!is_small(&File::open("/proc").unwrap()));
        let names = (0..1_000).map(|n| folder.path().join(format!("{n:0>200}")));
        for name in names.clone() {
            std::fs::write(name, "").unwrap();
        }
        let size = || rustix::fs::fstat(open()).unwrap().st_size;
        assert_eq!(is_small(&open()), size() <= 64 << 10);
        for name in names {
            std::fs::remove_file(name).unwrap();
        }
        // Some filesystems shrink it.
        assert_eq!(is_small(&open()), size() <= 64 << 10);
    }

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
