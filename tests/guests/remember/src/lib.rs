//! Looks through all its memory for a mark, and leaves the mark wherever it can:
//! in a static, in the heap, and in pages that it grows.

#![allow(
    unsafe_code,
    reason = "memory that nobody has written yet is what it looks at"
)]

use std::sync::atomic::{AtomicU64, Ordering};

use ringfence_sdk::prelude::*;

struct Remember;

/// What a search leaves: half of the mark, so that the code does not hold it.
const HALF: u64 = 0x5ec2_e7ab_1e0f_0d2d;

/// Pages of 64 KiB that it grows its memory by: more than stays with a slot of the
/// pool, so that both ways to clear one are met.
const PAGES: usize = 64;

static SLOT: AtomicU64 = AtomicU64::new(0);

/// Where the mark was found.
#[derive(Serialize)]
struct Found {
    in_static: bool,
    in_memory: u64,
    /// How often it is there once it was written: that the search finds it.
    written: u64,
}

impl Agent for Remember {
    type Input = ();
    type Output = Found;

    fn describe() -> Description {
        Description::new(
            "remember",
            env!("CARGO_PKG_VERSION"),
            "looks for what attempts before it left in memory",
        )
        .role("test")
        .role("remember")
    }

    fn execute((): (), _: &Context) -> Result<Outcome<Found>, Failure> {
        let mark = std::hint::black_box(HALF).wrapping_mul(3);
        let before = memory::grow(PAGES);
        let in_static = SLOT.load(Ordering::Relaxed) == mark;
        let in_memory = memory::count(mark);
        SLOT.store(mark, Ordering::Relaxed);
        memory::fill(before, PAGES, mark);
        std::mem::forget(vec![mark; 100_000]);
        Ok(Outcome::completed(Found {
            in_static,
            in_memory,
            written: memory::count(mark),
        }))
    }
}

/// The memory as the guest has it.
#[cfg(target_arch = "wasm32")]
mod memory {
    use core::arch::wasm32::{memory_grow, memory_size};

    const WORDS: usize = 65_536 / 8;

    /// The first of so many new pages.
    pub(crate) fn grow(pages: usize) -> usize {
        memory_grow::<0>(pages)
    }

    /// How often `mark` is in the memory, at any place for a word.
    pub(crate) fn count(mark: u64) -> u64 {
        // Not the first word: no pointer to it can be read.
        let is_mark = |word: &usize| {
            // SAFETY: the address is inside the memory and aligned.
            unsafe { std::ptr::read_volatile((word * 8) as *const u64) == mark }
        };
        (1..memory_size::<0>() * WORDS).filter(is_mark).count() as u64
    }

    /// Writes `mark` all over so many pages from `first` on, which were just grown.
    pub(crate) fn fill(first: usize, pages: usize, mark: u64) {
        for word in first * WORDS..(first + pages) * WORDS {
            // SAFETY: nobody else has these pages.
            unsafe { std::ptr::write_volatile((word * 8) as *mut u64, mark) };
        }
    }
}

/// Outside a sandbox there is no memory of its own to look at.
#[cfg(not(target_arch = "wasm32"))]
mod memory {
    pub(crate) fn grow(_: usize) -> usize {
        0
    }

    pub(crate) fn count(_: u64) -> u64 {
        0
    }

    pub(crate) fn fill(_: usize, _: usize, _: u64) {}
}

ringfence_sdk::register!(Remember);
