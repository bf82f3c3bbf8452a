//! Where in its author's source an instruction of a component comes from.
//!
//! Debug information is a program for a small machine that whoever made the
//! component wrote, and reading it costs what they like. So it is read once, by
//! the process that compiles and under its limits (`dwarf.rs`), into a table
//! without tricks that the host keeps beside the code and looks at when an
//! attempt traps:
//!
//! ```text
//! rows:   offset in the file -> frame
//! frames: function, file, line -> the frame that it was inlined into
//! texts:  the names of functions and files
//! ```

mod dwarf;
mod path;
mod table;

pub(crate) use table::{MAX_LEN, SourceFrame, SourceLines};
