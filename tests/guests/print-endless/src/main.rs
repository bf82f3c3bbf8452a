//! A plain command: prints for ever.

use std::io::{self, Write};

fn main() {
    let mut stdout = io::stdout().lock();
    loop {
        // What cannot be written is tried again: it does not give up by itself.
        let _ = stdout.write_all(&[b'x'; 4096]);
    }
}
