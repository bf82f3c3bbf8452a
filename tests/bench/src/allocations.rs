//! The most bytes that are allocated at once while somebody wants to know.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use mimalloc::MiMalloc;

static COUNTS: AtomicBool = AtomicBool::new(false);
static BYTES: AtomicI64 = AtomicI64::new(0);
static MOST: AtomicI64 = AtomicI64::new(0);

/// The allocator of the program, and a count.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: i64) {
    if COUNTS.load(Ordering::Relaxed) {
        let before = BYTES.fetch_add(bytes, Ordering::Relaxed);
        MOST.fetch_max(before + bytes, Ordering::Relaxed);
    }
}

#[allow(unsafe_code, reason = "an allocator is unsafe to write")]
// SAFETY: passes everything on to the program's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller keeps what it promises.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller keeps what it promises.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        // SAFETY: the caller keeps what it promises.
        unsafe { MiMalloc.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller keeps what it promises.
        unsafe { MiMalloc.dealloc(at, layout) }
    }
}

/// The most bytes that `work` holds at once, beside what was there before.
pub(crate) fn of<T>(work: impl FnOnce() -> T) -> i64 {
    BYTES.store(0, Ordering::Relaxed);
    MOST.store(0, Ordering::Relaxed);
    COUNTS.store(true, Ordering::Relaxed);
    drop(work());
    COUNTS.store(false, Ordering::Relaxed);
    MOST.load(Ordering::Relaxed)
}
