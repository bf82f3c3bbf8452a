//! Where a guest's text streams lead: lines to the log, and for a command its
//! standard output to a buffer of bounded size.

use std::sync::{Arc, Mutex, PoisonError};

use ringfence_flow::{BudgetKind, ByteSize};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi_io::bytes::Bytes;
use wasmtime_wasi_io::streams::StreamError;

use crate::broken::BudgetBroken;
use crate::guest_log::{GuestLog, Stream};

/// The most that a guest may write at once; the host allocates as much.
const MAX_WRITE: usize = 64 << 10;

/// A text stream whose lines go to the log.
#[derive(Clone)]
pub(crate) struct LogStream {
    log: Arc<GuestLog>,
    stream: Stream,
}

impl LogStream {
    /// `stream` of whoever writes to `log`.
    pub(crate) fn new(log: &Arc<GuestLog>, stream: Stream) -> Self {
        Self {
            log: Arc::clone(log),
            stream,
        }
    }
}

/// A stream whose bytes are kept, up to the output's budget.
#[derive(Clone)]
pub(crate) struct Capture {
    bytes: Arc<Mutex<Vec<u8>>>,
    max: usize,
}

impl Capture {
    /// An empty buffer for at most `max`.
    pub(crate) fn new(max: ByteSize) -> Self {
        Self {
            bytes: Arc::default(),
            max: usize::try_from(max.as_u64()).unwrap_or(usize::MAX),
        }
    }

    /// What was written so far; the buffer is empty afterwards.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn append(&self, more: &[u8]) -> Result<(), BudgetBroken> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        if more.len() > self.max - bytes.len() {
            return Err(BudgetBroken(BudgetKind::Output));
        }
        bytes.extend_from_slice(more);
        Ok(())
    }
}

macro_rules! always_ready_stream {
    ($name:ident, $write:expr) => {
        impl IsTerminal for $name {
            fn is_terminal(&self) -> bool {
                false
            }
        }

        impl StdoutStream for $name {
            fn p2_stream(&self) -> Box<dyn OutputStream> {
                Box::new(self.clone())
            }

            /// Only WASI 0.3 asks for this, and it is not linked.
            fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
                Box::new(tokio::io::sink())
            }
        }

        #[wasmtime_wasi::async_trait]
        impl Pollable for $name {
            async fn ready(&mut self) {}
        }

        #[wasmtime_wasi::async_trait]
        impl OutputStream for $name {
            fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
                let write: fn(&Self, &[u8]) -> Result<(), BudgetBroken> = $write;
                write(self, &bytes).map_err(|broken| StreamError::Trap(broken.into()))
            }

            fn flush(&mut self) -> StreamResult<()> {
                Ok(())
            }

            fn check_write(&mut self) -> StreamResult<usize> {
                Ok(MAX_WRITE)
            }
        }
    };
}

always_ready_stream!(LogStream, |this, bytes| {
    this.log.print(this.stream, bytes);
    Ok(())
});
always_ready_stream!(Capture, Capture::append);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_keeps_what_fits_and_breaks_on_more() {
        let mut capture = Capture::new(ByteSize::bytes(5));
        capture.write(Bytes::from_static(b"abc")).unwrap();
        capture.write(Bytes::from_static(b"de")).unwrap();
        let Err(StreamError::Trap(error)) = capture.write(Bytes::from_static(b"f")) else {
            panic!("a byte too many was taken");
        };
        assert_eq!(
            error.downcast_ref(),
            Some(&BudgetBroken(BudgetKind::Output))
        );
        assert_eq!(capture.take(), b"abcde");
    }
}
