//! What guests can import: the contract, and WASI 0.2 without HTTP.
//!
//! Everything is linked for every agent. What an agent is not granted answers
//! with the interface's own error.

use wasmtime::Engine;
use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{self as wasi, cli, clocks, filesystem, random, sockets};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};
use wasmtime_wasi_io::bindings::wasi::io;

use crate::bindings::ringfence::agent;
use crate::grants::Effect;
use crate::host::{MeteredStreams, tell_refusals};
use crate::state::AttemptState;

type S = AttemptState;

/// Interfaces that only need the table of resources.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// A linker with everything that the host has.
///
/// # Errors
/// None that a test would not find: two functions of one name.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<AttemptState>> {
    let mut linker = Linker::new(engine);
    add_contract(&mut linker)?;
    add_io(&mut linker)?;
    add_cli(&mut linker)?;
    add_files_and_clocks(&mut linker)?;
    add_sockets(&mut linker)?;
    tell_refusals(&mut linker)?;
    Ok(linker)
}

fn add_contract(l: &mut Linker<S>) -> wasmtime::Result<()> {
    agent::log::add_to_linker::<S, HasSelf<S>>(l, S::called)?;
    agent::progress::add_to_linker::<S, HasSelf<S>>(l, S::called)?;
    agent::artifacts::add_to_linker::<S, HasSelf<S>>(l, S::called)?;
    agent::model::add_to_linker::<S, HasSelf<S>>(l, S::called)?;
    agent::types::add_to_linker::<S, HasSelf<S>>(l, S::called)
}

fn add_io(l: &mut Linker<S>) -> wasmtime::Result<()> {
    io::error::add_to_linker::<S, Table>(l, |s| &mut s.called_by_any().table)?;
    io::poll::add_to_linker::<S, Table>(l, |s| &mut s.called_by_any().table)?;
    io::streams::add_to_linker::<S, MeteredStreams>(l, S::called_io)
}

fn add_cli(l: &mut Linker<S>) -> wasmtime::Result<()> {
    cli::exit::add_to_linker::<S, WasiCli>(l, |s| s.called_by_any().cli())?;
    cli::environment::add_to_linker::<S, WasiCli>(l, |s| s.called_by_any().cli())?;
    cli::stdin::add_to_linker::<S, WasiCli>(l, |s| s.called_by_any().cli())?;
    cli::stdout::add_to_linker::<S, WasiCli>(l, |s| s.called_by_any().cli())?;
    cli::stderr::add_to_linker::<S, WasiCli>(l, |s| s.called_by_any().cli())?;
    cli::terminal_input::add_to_linker::<S, WasiCli>(l, |s| s.called_by_any().cli())?;
    cli::terminal_output::add_to_linker::<S, WasiCli>(l, |s| s.called_by_any().cli())?;
    cli::terminal_stdin::add_to_linker::<S, WasiCli>(l, |s| s.called_by_any().cli())?;
    cli::terminal_stdout::add_to_linker::<S, WasiCli>(l, |s| s.called_by_any().cli())?;
    cli::terminal_stderr::add_to_linker::<S, WasiCli>(l, |s| s.called_by_any().cli())
}

fn add_files_and_clocks(l: &mut Linker<S>) -> wasmtime::Result<()> {
    // Asked by engines of JavaScript, too, while they give up.
    clocks::wall_clock::add_to_linker::<S, WasiClocks>(l, |s| s.called_by_any().clocks())?;
    clocks::monotonic_clock::add_to_linker::<S, WasiClocks>(l, |s| s.called_by_any().clocks())?;
    // Asked by whoever opens standard error for the first time.
    filesystem::preopens::add_to_linker::<S, WasiFilesystem>(l, |s| {
        s.called_by_any().filesystem()
    })?;
    filesystem::types::add_to_linker::<S, WasiFilesystem>(l, |s| s.called().filesystem())?;
    random::random::add_to_linker::<S, HasSelf<S>>(l, S::called)?;
    random::insecure::add_to_linker::<S, HasSelf<S>>(l, S::called)?;
    random::insecure_seed::add_to_linker::<S, HasSelf<S>>(l, S::called)
}

fn add_sockets(l: &mut Linker<S>) -> wasmtime::Result<()> {
    let options = wasi::LinkOptions::default();
    sockets::instance_network::add_to_linker::<S, WasiSockets>(l, |s| s.called().sockets())?;
    sockets::network::add_to_linker::<S, WasiSockets>(l, &(&options).into(), |s| {
        s.called().sockets()
    })?;
    sockets::ip_name_lookup::add_to_linker::<S, WasiSockets>(l, |s| {
        s.called_denied(Effect::Dns).sockets()
    })?;
    sockets::tcp_create_socket::add_to_linker::<S, WasiSockets>(l, |s| {
        s.called_denied(Effect::Tcp).sockets()
    })?;
    sockets::udp_create_socket::add_to_linker::<S, WasiSockets>(l, |s| {
        s.called_denied(Effect::Udp).sockets()
    })?;
    sockets::tcp::add_to_linker::<S, WasiSockets>(l, |s| s.called_denied(Effect::Tcp).sockets())?;
    sockets::udp::add_to_linker::<S, WasiSockets>(l, |s| s.called_denied(Effect::Udp).sockets())
}
