//! `wasi:io/streams`, paid for by the byte.
//!
//! Everything is wasmtime-wasi's; this adds the charge for what is copied.

use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi_io::bindings::wasi::io::streams::{
    self, Host, HostInputStream, HostOutputStream,
};
use wasmtime_wasi_io::poll::DynPollable;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream, StreamError, StreamResult};

use crate::meter::Meter;

/// The view of an attempt that streams get.
pub(crate) struct MeteredIo<'a> {
    /// Where the streams are.
    pub(crate) table: &'a mut ResourceTable,
    /// Who counts.
    pub(crate) meter: &'a mut Meter,
}

/// Names [`MeteredIo`] to the linker.
pub(crate) struct MeteredStreams;

impl HasData for MeteredStreams {
    type Data<'a> = MeteredIo<'a>;
}

type Input = Resource<DynInputStream>;
type Output = Resource<DynOutputStream>;

impl MeteredIo<'_> {
    fn counted(&mut self, result: StreamResult<u64>) -> StreamResult<u64> {
        if let Ok(bytes) = &result {
            self.meter.copy(*bytes as usize);
        }
        result
    }

    fn carried(&mut self, result: StreamResult<Vec<u8>>) -> StreamResult<Vec<u8>> {
        if let Ok(bytes) = &result {
            self.meter.copy(bytes.len());
        }
        result
    }
}

impl Host for MeteredIo<'_> {
    fn convert_stream_error(
        &mut self,
        error: StreamError,
    ) -> wasmtime::Result<streams::StreamError> {
        Host::convert_stream_error(self.table, error)
    }
}

impl HostInputStream for MeteredIo<'_> {
    fn read(&mut self, stream: Input, len: u64) -> StreamResult<Vec<u8>> {
        let read = HostInputStream::read(self.table, stream, len);
        self.carried(read)
    }

    async fn blocking_read(&mut self, stream: Input, len: u64) -> StreamResult<Vec<u8>> {
        let read = HostInputStream::blocking_read(self.table, stream, len).await;
        self.carried(read)
    }

    fn skip(&mut self, stream: Input, len: u64) -> StreamResult<u64> {
        let skipped = HostInputStream::skip(self.table, stream, len);
        self.counted(skipped)
    }

    async fn blocking_skip(&mut self, stream: Input, len: u64) -> StreamResult<u64> {
        let skipped = HostInputStream::blocking_skip(self.table, stream, len).await;
        self.counted(skipped)
    }

    fn subscribe(&mut self, stream: Input) -> wasmtime::Result<Resource<DynPollable>> {
        HostInputStream::subscribe(self.table, stream)
    }

    async fn drop(&mut self, stream: Input) -> wasmtime::Result<()> {
        HostInputStream::drop(self.table, stream).await
    }
}

impl HostOutputStream for MeteredIo<'_> {
    fn check_write(&mut self, stream: Output) -> StreamResult<u64> {
        HostOutputStream::check_write(self.table, stream)
    }

    fn write(&mut self, stream: Output, contents: Vec<u8>) -> StreamResult<()> {
        self.meter.copy(contents.len());
        HostOutputStream::write(self.table, stream, contents)
    }

    async fn blocking_write_and_flush(
        &mut self,
        stream: Output,
        contents: Vec<u8>,
    ) -> StreamResult<()> {
        self.meter.copy(contents.len());
        HostOutputStream::blocking_write_and_flush(self.table, stream, contents).await
    }

    fn flush(&mut self, stream: Output) -> StreamResult<()> {
        HostOutputStream::flush(self.table, stream)
    }

    async fn blocking_flush(&mut self, stream: Output) -> StreamResult<()> {
        HostOutputStream::blocking_flush(self.table, stream).await
    }

    fn subscribe(&mut self, stream: Output) -> wasmtime::Result<Resource<DynPollable>> {
        HostOutputStream::subscribe(self.table, stream)
    }

    fn write_zeroes(&mut self, stream: Output, len: u64) -> StreamResult<()> {
        self.meter.copy(len as usize);
        HostOutputStream::write_zeroes(self.table, stream, len)
    }

    async fn blocking_write_zeroes_and_flush(
        &mut self,
        stream: Output,
        len: u64,
    ) -> StreamResult<()> {
        self.meter.copy(len as usize);
        HostOutputStream::blocking_write_zeroes_and_flush(self.table, stream, len).await
    }

    fn splice(&mut self, to: Output, from: Input, len: u64) -> StreamResult<u64> {
        let moved = HostOutputStream::splice(self.table, to, from, len);
        self.counted(moved)
    }

    async fn blocking_splice(&mut self, to: Output, from: Input, len: u64) -> StreamResult<u64> {
        let moved = HostOutputStream::blocking_splice(self.table, to, from, len).await;
        self.counted(moved)
    }

    async fn drop(&mut self, stream: Output) -> wasmtime::Result<()> {
        HostOutputStream::drop(self.table, stream).await
    }
}
