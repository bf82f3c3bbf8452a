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
        let before = core::arch::wasm32::memory_grow::<0>(PAGES);
        let in_static = SLOT.load(Ordering::Relaxed) == mark;
        let in_memory = count(mark);
        SLOT.store(mark, Ordering::Relaxed);
        fill(before, mark);
        std::mem::forget(vec![mark; 100_000]);
        Ok(Outcome::completed(Found {
            in_static,
            in_memory,
            written: count(mark),
        }))
    }
}

/// How often `mark` is in the memory, at any place for a word.
fn count(mark: u64) -> u64 {
    let words = core::arch::wasm32::memory_size::<0>() * 65_536 / 8;
    // Not the first word: no pointer to it can be read.
    let is_mark = |word: &usize| {
        // SAFETY: the address is inside the memory and aligned.
        unsafe { std::ptr::read_volatile((word * 8) as *const u64) == mark }
    };
    (1..words).filter(is_mark).count() as u64
}

/// Writes `mark` all over the pages from `first` on.
fn fill(first: usize, mark: u64) {
    let start = first * 65_536 / 8;
    for word in start..start + PAGES * 65_536 / 8 {
        // SAFETY: these pages were just grown, and nobody else has them.
        unsafe { std::ptr::write_volatile((word * 8) as *mut u64, mark) };
    }
}

ringfence_sdk::register!(Remember);
