//! A disk below SQLite that fails when it is told to: it returns errors in the
//! middle of a write, drops what a failed sync should have kept, and loses its
//! power, after which of what was not synced some sectors are there and some
//! are not.
//!
//! This is a VFS that hands everything to that of the platform, and keeps
//! beside each file what of it would be found after a loss of power. All files
//! of one folder are one disk.
#![allow(
    unsafe_code,
    reason = "SQLite has no other way to look below it; each function says why it is sound"
)]

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, Once, PoisonError};
use std::{fs, ptr};

use rusqlite::ffi::{
    SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE, SQLITE_OK, SQLITE_OPEN_MAIN_DB,
    SQLITE_OPEN_MAIN_JOURNAL, SQLITE_OPEN_WAL, sqlite3_file, sqlite3_int64, sqlite3_io_methods,
    sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

/// What a disk writes at once.
const SECTOR: usize = 512;

/// The methods of the platform's VFS, which a file had before.
type Methods = &'static sqlite3_io_methods;

/// Draws without an order of its own: SplitMix64.
#[derive(Clone, Copy)]
pub struct Draws(pub u64);

impl Draws {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What was done to a file since it was last synced.
enum Change {
    Written(usize, Vec<u8>),
    Truncated(usize),
}

#[derive(Default)]
struct Contents {
    /// What is there whatever happens.
    durable: Vec<u8>,
    pending: Vec<Change>,
}

impl Contents {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            apply(&mut self.durable, &change, |_| true);
        }
    }
}

/// Applies those sectors of a change that `kept` picks.
fn apply(bytes: &mut Vec<u8>, change: &Change, mut kept: impl FnMut(usize) -> bool) {
    match change {
        Change::Written(at, data) => {
            for (number, sector) in data.chunks(SECTOR).enumerate() {
                if kept(number) {
                    let from = at + number * SECTOR;
                    let to = from + sector.len();
                    bytes.resize(bytes.len().max(to), 0);
                    bytes[from..to].copy_from_slice(sector);
                }
            }
        }
        Change::Truncated(size) => {
            if kept(0) {
                bytes.resize(*size, 0);
            }
        }
    }
}

/// What goes wrong with a disk: after so many of its operations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A write that is left in the middle, with the error of a full disk.
    pub full_after: Option<u64>,
    /// A sync that fails and forgets what it should have kept.
    pub sync_fails_after: Option<u64>,
    /// The power is gone.
    pub power_after: Option<u64>,
}

#[derive(Default)]
struct Disk {
    files: BTreeMap<PathBuf, Contents>,
    faults: Faults,
    operations: u64,
    off: bool,
}

impl Disk {
    /// Counts an operation. False if the power is gone.
    fn works(&mut self) -> bool {
        self.operations += 1;
        self.off |= is_due(&mut self.faults.power_after, self.operations);
        !self.off
    }
}

/// Whether something that happens once is due.
fn is_due(after: &mut Option<u64>, operations: u64) -> bool {
    after.is_some_and(|after| operations > after) && after.take().is_some()
}

#[derive(Default)]
struct State {
    disks: HashMap<PathBuf, Disk>,
    /// The open files, by their addresses.
    open: HashMap<usize, (PathBuf, Methods)>,
}

impl State {
    /// The disk that a file is on.
    fn disk(&mut self, path: &Path) -> &mut Disk {
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        self.disks.entry(folder).or_default()
    }

    fn file(&self, file: *mut sqlite3_file) -> (PathBuf, Methods) {
        self.open[&(file as usize)].clone()
    }
}

static STATE: LazyLock<Mutex<State>> = LazyLock::new(Mutex::default);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on, all files that SQLite opens in this process lie on such disks.
pub fn install() {
    static ONCE: Once = Once::new();
    // Sound: the platform's VFS lives as long as the process, the copy of it
    // is leaked, and SQLite reads it only.
    ONCE.call_once(|| unsafe {
        let platform = sqlite3_vfs_find(ptr::null());
        let ours = Box::leak(Box::new(*platform));
        ours.zName = c"failing".as_ptr();
        ours.pAppData = platform.cast();
        ours.pNext = ptr::null_mut();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        // These go by the platform's own data, which is not there any more.
        ours.iVersion = 2;
        assert_eq!(sqlite3_vfs_register(ours, 1), SQLITE_OK);
    });
}

/// Sets what goes wrong with the disk of a folder, from now on.
pub fn arm(folder: &Path, faults: Faults) {
    let mut state = state();
    let disk = state.disks.entry(folder.to_owned()).or_default();
    disk.faults = faults;
    disk.operations = 0;
}

/// Whether the disk of a folder has lost its power.
pub fn is_off(folder: &Path) -> bool {
    state().disks.get(folder).is_some_and(|disk| disk.off)
}

/// Takes the power from the disk of a folder, and writes to `to` what is found
/// on it afterwards.
pub fn lose_power(folder: &Path, to: &Path, draws: &mut Draws) {
    let mut state = state();
    let disk = state.disks.entry(folder.to_owned()).or_default();
    disk.off = true;
    for (path, contents) in &disk.files {
        let mut bytes = contents.durable.clone();
        // All, none, or any sectors of what was on its way.
        let luck = draws.below(3);
        for change in &contents.pending {
            apply(&mut bytes, change, |_| match luck {
                0 => false,
                1 => draws.below(2) == 0,
                _ => true,
            });
        }
        if let Some(name) = path.file_name() {
            fs::write(to.join(name), bytes).unwrap();
        }
    }
}

/// The platform's VFS.
fn platform(vfs: *mut sqlite3_vfs) -> *mut sqlite3_vfs {
    // Sound: SQLite hands over the VFS that `install` has registered.
    unsafe { (*vfs).pAppData.cast() }
}

fn path(name: *const c_char) -> PathBuf {
    // Sound: SQLite's file names end in a zero.
    let name = unsafe { CStr::from_ptr(name) };
    OsStr::from_bytes(name.to_bytes()).into()
}

/// What is told apart from files that need not last, as the index of the log.
const LASTING: c_int = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;

// Sound, as all that follow: the arguments are passed on as they came, and
// `file` is one that this function has seen open.
unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    unsafe {
        let platform = platform(vfs);
        let code = (*platform).xOpen.unwrap()(platform, name, file, flags, out_flags);
        if code != SQLITE_OK || name.is_null() || flags & LASTING == 0 {
            return code;
        }
        let path = path(name);
        let methods: Methods = &*(*file).pMethods;
        let ours = Box::leak(Box::new(*methods));
        ours.xWrite = Some(write);
        ours.xTruncate = Some(truncate);
        ours.xSync = Some(sync);
        ours.xClose = Some(close);
        (*file).pMethods = ours;
        let mut state = state();
        let disk = state.disk(&path);
        let there = || Contents {
            durable: fs::read(&path).unwrap(),
            pending: Vec::new(),
        };
        disk.files.entry(path.clone()).or_insert_with(there);
        state.open.insert(file as usize, (path, methods));
        code
    }
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    let path = path(name);
    let mut state = state();
    let disk = state.disk(&path);
    if !disk.works() {
        return SQLITE_IOERR_WRITE;
    }
    disk.files.remove(&path);
    let platform = platform(vfs);
    unsafe { (*platform).xDelete.unwrap()(platform, name, sync) }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let (_, methods) = state().file(file);
    state().open.remove(&(file as usize));
    unsafe { methods.xClose.unwrap()(file) }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    data: *const c_void,
    count: c_int,
    at: sqlite3_int64,
) -> c_int {
    let mut state = state();
    let (path, methods) = state.file(file);
    let disk = state.disk(&path);
    if !disk.works() {
        return SQLITE_IOERR_WRITE;
    }
    let is_full = is_due(&mut disk.faults.full_after, disk.operations);
    let count = if is_full { count / 2 } else { count };
    // Sound: SQLite hands over as many bytes as it says.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), count as usize) };
    let contents = disk.files.entry(path).or_default();
    let change = Change::Written(at as usize, bytes.to_vec());
    contents.pending.push(change);
    let code = unsafe { methods.xWrite.unwrap()(file, data, count, at) };
    if is_full { SQLITE_FULL } else { code }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    let mut state = state();
    let (path, methods) = state.file(file);
    let disk = state.disk(&path);
    if !disk.works() {
        return SQLITE_IOERR_WRITE;
    }
    let contents = disk.files.entry(path).or_default();
    contents.pending.push(Change::Truncated(size as usize));
    unsafe { methods.xTruncate.unwrap()(file, size) }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    let mut state = state();
    let (path, methods) = state.file(file);
    let disk = state.disk(&path);
    if !disk.works() {
        return SQLITE_IOERR_FSYNC;
    }
    let contents = disk.files.entry(path).or_default();
    if is_due(&mut disk.faults.sync_fails_after, disk.operations) {
        // What was to be kept is marked as kept, and is not: Linux does so.
        contents.pending.clear();
        return SQLITE_IOERR_FSYNC;
    }
    contents.sync();
    unsafe { methods.xSync.unwrap()(file, flags) }
}
