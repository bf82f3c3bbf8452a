//! The allocator of agents: the C library's, with lists of the small blocks that
//! were given back.
//!
//! An attempt is short and alone in its memory, so a small block is kept for the next
//! one of its size. The C library joins it with its neighbours and cuts it again,
//! with which an agent that reads and writes documents or syntax trees spends a
//! quarter of its time. Where there is none to be had again, small blocks are cut from
//! chunks, one after the other.

#![allow(unsafe_code, reason = "an allocator is unsafe to write")]

use std::alloc::{GlobalAlloc, Layout, System, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{NonNull, null_mut, without_provenance_mut};

/// The sizes of small blocks are multiples of this, in bytes.
const STEP: usize = 16;

/// The largest small block, in bytes.
const LARGEST: usize = 1_024;

/// What the C library aligns every block to, as the standard library has it.
const ALIGN: usize = 8;

/// What small blocks are cut from, in bytes. The C library writes behind it: a larger one
/// has a short attempt touch one more page.
const CHUNK: usize = 2 * 1_024;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator {
    free: [const { Cell::new(None) }; LARGEST / STEP],
    uncut: Cell::new((null_mut(), 0)),
};

struct Allocator {
    /// The first free block of each size. It holds the next one.
    free: [Cell<Option<Block>>; LARGEST / STEP],
    /// Where the next block is cut off, and how many bytes there are.
    uncut: Cell<(*mut u8, usize)>,
}

/// A block that is free.
#[derive(Clone, Copy)]
struct Block(NonNull<Option<Block>>);

// SAFETY: an agent has one thread.
unsafe impl Sync for Allocator {}

/// Which list a block of this layout goes to, if it is small. None is empty.
const fn list(layout: Layout) -> Option<usize> {
    let last = layout.size().wrapping_sub(1);
    if last >= LARGEST || layout.align() > ALIGN {
        return None;
    }
    Some(last / STEP)
}

/// With as much room as any block of its list.
const fn with_room(layout: Layout) -> Layout {
    match list(layout) {
        // SAFETY: neither the alignment nor a small size is more than it can be.
        Some(list) => unsafe { Layout::from_size_align_unchecked((list + 1) * STEP, ALIGN) },
        None => layout,
    }
}

impl Allocator {
    /// A block that nobody had. Apart, so that taking one from a list moves no stack
    /// pointer for what happens here.
    ///
    /// # Safety
    /// The layout is not empty.
    #[inline(never)]
    unsafe fn new_block(&self, layout: Layout) -> *mut u8 {
        if list(layout).is_none() {
            // SAFETY: the caller promises the same.
            return unsafe { System.alloc(layout) };
        }
        let size = with_room(layout).size();
        let (mut next, mut room) = self.uncut.get();
        if room < size {
            // SAFETY: it is not empty, and a chunk fits the alignment.
            next = unsafe { System.alloc(Layout::from_size_align_unchecked(CHUNK, ALIGN)) };
            if next.is_null() {
                return next;
            }
            room = CHUNK;
        }
        // SAFETY: the chunk goes on for `room` bytes from here, and `size` is no more.
        self.uncut.set((unsafe { next.add(size) }, room - size));
        next
    }
}

// SAFETY: each block is in one list or in use, and has the room that its list asks for.
// A small one is never the C library's again, and sizes of them keep the alignment.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some(list) = list(layout)
            && let Some(Block(block)) = self.free[list].get()
        {
            // SAFETY: it is free, so it holds the next one.
            self.free[list].set(unsafe { block.read() });
            return block.as_ptr().cast();
        }
        // SAFETY: the caller promises that it is not empty.
        unsafe { self.new_block(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match (list(layout), NonNull::new(block.cast())) {
            (Some(list), Some(free)) => {
                // SAFETY: nobody uses it any more, and the smallest has room for this.
                unsafe { free.write(self.free[list].get()) };
                self.free[list].set(Some(Block(free)));
            }
            // SAFETY: the caller keeps what it promises.
            _ => unsafe { System.dealloc(block, layout) },
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises a size that fits the alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (list(layout), list(new)) {
            // SAFETY: the caller keeps what it promises.
            (None, None) => unsafe { System.realloc(block, layout, size) },
            (Some(old), Some(new)) if old == new => block,
            // SAFETY: the blocks are different ones, and the caller keeps its promises.
            _ => unsafe {
                let to = self.alloc(new);
                if !to.is_null() {
                    to.copy_from_nonoverlapping(block, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                to
            },
        }
    }
}

/// Where the host puts what it gives. It is the C library's, which asks for files and
/// folders and frees what it was given itself, with the room that a list asks for, if
/// the agent frees it.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_size: usize,
    align: usize,
    size: usize,
) -> *mut u8 {
    if size == 0 {
        return without_provenance_mut(align);
    }
    // SAFETY: the canonical ABI gives powers of two, sizes that fit, and in `old` what
    // was given out here.
    unsafe {
        let layout = with_room(Layout::from_size_align_unchecked(size, align));
        let block = match old_size {
            0 => System.alloc(layout),
            _ => {
                let before = with_room(Layout::from_size_align_unchecked(old_size, align));
                System.realloc(old, before, layout.size())
            }
        };
        if block.is_null() {
            handle_alloc_error(layout);
        }
        block
    }
}
