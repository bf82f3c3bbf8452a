//! The allocator of agents: small blocks come from lists by size and go back to
//! them, large ones are the C library's.
//!
//! An attempt is short and alone in its memory, so small blocks are never joined
//! again. The C library's allocator joins them each time, with which an agent that
//! reads and writes documents or syntax trees spends a quarter of its time.

#![allow(unsafe_code, reason = "an allocator is unsafe to write")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::arch::wasm32::memory_grow;
use std::cell::Cell;
use std::ptr::{NonNull, null_mut, with_exposed_provenance_mut};

/// The size of a block is a multiple of this, and so is its address.
const STEP: usize = 16;

/// The largest small block, in bytes.
const LARGEST: usize = 1_024;

const CLASSES: usize = LARGEST / STEP;

/// A page of WebAssembly, in bytes.
const PAGE: usize = 64 << 10;

/// How many pages there can be.
const PAGES: usize = (usize::MAX >> 16) + 1;

/// How many bits a word has.
const WORD: usize = u32::BITS as usize;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator {
    free: [const { Cell::new(None) }; CLASSES],
    rest: Cell::new(0),
    own: [const { Cell::new(0) }; PAGES / WORD],
};

struct Allocator {
    /// The first free block of each size. It holds the next one.
    free: [Cell<Option<Block>>; CLASSES],
    /// Where the rest of the newest page begins; it ends with the page.
    rest: Cell<usize>,
    /// Which pages are cut into blocks: a bit for each.
    own: [Cell<u32>; PAGES / WORD],
}

/// A block that is free.
#[derive(Clone, Copy)]
struct Block(NonNull<Option<Block>>);

// SAFETY: an agent has one thread.
unsafe impl Sync for Allocator {}

/// Which list blocks of this layout are in, if they are small.
const fn class(layout: Layout) -> Option<usize> {
    if layout.size() > LARGEST || layout.align() > STEP {
        return None;
    }
    Some(layout.size().saturating_sub(1) / STEP)
}

impl Allocator {
    /// Whether a block is cut from a page. What the host lifts into the agent is
    /// not, however small.
    fn is_own(&self, block: *mut u8) -> bool {
        let page = block.addr() / PAGE;
        self.own[page / WORD].get() >> (page % WORD) & 1 != 0
    }

    #[cold]
    fn cut(&self, class: usize) -> *mut u8 {
        let size = (class + 1) * STEP;
        // At the start of a page nothing is left of the one before.
        let left = self.rest.get().wrapping_neg() % PAGE;
        if left < size && !self.take_page() {
            return null_mut();
        }
        let block = self.rest.get();
        self.rest.set(block + size);
        with_exposed_provenance_mut(block)
    }

    /// False if there is none.
    fn take_page(&self) -> bool {
        let page = memory_grow::<0>(1);
        if page == usize::MAX {
            return false;
        }
        let word = &self.own[page / WORD];
        word.set(word.get() | 1 << (page % WORD));
        self.rest.set(page * PAGE);
        true
    }
}

// SAFETY: each block is in one list or in use, and as large as its class says.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class(layout) else {
            // SAFETY: the caller keeps what it promises.
            return unsafe { System.alloc(layout) };
        };
        let Some(Block(block)) = self.free[class].get() else {
            return self.cut(class);
        };
        // SAFETY: it is free, so it holds the next one.
        self.free[class].set(unsafe { block.read() });
        block.as_ptr().cast()
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match (class(layout), NonNull::new(block.cast())) {
            (Some(class), Some(free)) if self.is_own(block) => {
                // SAFETY: nobody uses it any more, and a block has room for this.
                unsafe { free.write(self.free[class].get()) };
                self.free[class].set(Some(Block(free)));
            }
            // SAFETY: the caller keeps what it promises.
            _ => unsafe { System.dealloc(block, layout) },
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if class(layout).is_none() || !self.is_own(block) {
            // SAFETY: the caller keeps what it promises.
            return unsafe { System.realloc(block, layout, size) };
        }
        // SAFETY: the caller promises a size that fits the alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        if class(new) == class(layout) {
            return block;
        }
        // SAFETY: the blocks are different ones, and the caller keeps its promises.
        unsafe {
            let to = self.alloc(new);
            if !to.is_null() {
                to.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            to
        }
    }
}

/// Where the host puts what it gives. The C library, which asks for files and
/// folders, frees what it was given itself, so this is its own memory.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_size: usize,
    align: usize,
    size: usize,
) -> *mut u8 {
    // SAFETY: the canonical ABI gives powers of two, and sizes that fit.
    let (before, layout) = unsafe {
        (
            Layout::from_size_align_unchecked(old_size, align),
            Layout::from_size_align_unchecked(size, align),
        )
    };
    if size == 0 {
        return std::ptr::without_provenance_mut(align);
    }
    let block = if old_size == 0 {
        // SAFETY: the size is not zero.
        unsafe { System.alloc(layout) }
    } else {
        // SAFETY: it was given out above.
        unsafe { System.realloc(old, before, size) }
    };
    if block.is_null() {
        std::process::abort();
    }
    block
}
