//! One call of one agent in a sandbox of its own.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ringfence_flow::{
    ArtifactStore, AttemptObserver, Budgets, ByteSize, ContentHash, Fuel, MountAccess, MountName,
    StopReason, StopSignal, Usage,
};
use tokio::time::sleep_until;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

use crate::agent::{AgentPre, Answer, Question};
use crate::clock::{CoarseMonotonicClock, CoarseWallClock, Stopwatch};
use crate::cpu::OnCore;
use crate::grants::{Denials, Preopen};
use crate::guest_log::{GuestLog, Stream};
use crate::host::{OpenFolders, Randomness};
use crate::limiter::MemoryMeter;
use crate::meter::{self, Meter};
use crate::quick_files::may_read_in_place;
use crate::state::AttemptState;
use crate::stdio::{Capture, LogStream};
use crate::turns::{InTurn, Turn, Turns};

/// Handles to resources that a component may hold at once, its own included.
/// The guest makes them, the host keeps 16 bytes for each.
const MAX_HANDLES: usize = 65_536;

/// What a sandbox is made of.
pub(crate) struct Sandboxing<'a> {
    /// What the attempt may use.
    pub(crate) budgets: &'a Budgets,
    /// Who watches.
    pub(crate) observer: Arc<dyn AttemptObserver>,
    /// Where artifacts go.
    pub(crate) artifacts: Option<Arc<dyn ArtifactStore>>,
    /// The artifacts that it was given.
    pub(crate) given_artifacts: BTreeMap<ContentHash, u64>,
    /// The folders that it sees.
    pub(crate) preopens: Vec<Preopen<'a>>,
    /// What it draws at random.
    pub(crate) random: Randomness,
    /// What a command reads and where it writes.
    pub(crate) stdio: Option<CommandStdio>,
}

/// The standard streams of a command.
pub(crate) struct CommandStdio {
    /// What it reads.
    pub(crate) stdin: Vec<u8>,
    /// Where it writes.
    pub(crate) stdout: Capture,
}

/// A granted folder that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "the folder of the mount `{mount}` cannot be opened: {source}\nhint: check the path given with `--mount {mount}=PATH`"
)]
pub(crate) struct MountUnavailable {
    mount: MountName,
    source: wasmtime::Error,
}

/// How a call ended.
pub(crate) enum Ending {
    /// With an answer.
    Answered(Answer),
    /// With an error of the guest, a host function or the host.
    Broke(wasmtime::Error),
    /// Its time was up.
    TimedOut,
    /// Somebody stopped it.
    Stopped(StopReason),
}

/// A call that is over. The sandbox is gone but for its state.
pub(crate) struct Finished {
    /// How it ended.
    pub(crate) ending: Ending,
    /// What it used. The bytes of the outcome are not in it yet.
    pub(crate) usage: Usage,
    /// What is left of the sandbox.
    pub(crate) state: AttemptState,
}

/// Makes a sandbox, asks the agent in it, and throws the sandbox away.
///
/// # Errors
/// A granted folder cannot be opened; then nothing was run.
pub(crate) async fn run(
    engine: &Engine,
    turns: &Turns,
    agent: &AgentPre,
    question: Question<'_>,
    sandboxing: Sandboxing<'_>,
    stop: &mut StopSignal,
) -> Result<Finished, MountUnavailable> {
    let watch = Stopwatch::start();
    let budgets = *sandboxing.budgets;
    let turn = turns.line_up(watch);
    let mut store = new_store(engine, sandboxing, watch, turn.clone())?;
    let mut cpu = Duration::ZERO;
    let ending = {
        let call = pin!(agent.ask(&mut store, question));
        let call = pin!(InTurn::new(call, turn));
        let deadline = watch.deadline(budgets.time);
        tokio::select! {
            biased;
            reason = stop => Ending::Stopped(reason),
            answer = OnCore::new(call, &mut cpu) => match answer {
                Ok(answer) => Ending::Answered(answer),
                Err(error) => Ending::Broke(error),
            },
            // Made when the call has to wait: a timer counts as a user of the
            // runtime, and that count is shared by all cores.
            () = async { sleep_until(deadline).await } => Ending::TimedOut,
        }
    };
    let left = store.get_fuel().unwrap_or(0);
    let state = store.into_data();
    state.log.finish();
    let logged = state.log.counts();
    let usage = Usage {
        fuel: Fuel::units(budgets.fuel.as_u64().saturating_sub(left)),
        peak_memory: state.memory.peak(),
        wall: watch.elapsed(),
        cpu,
        bytes_out: ByteSize::bytes(state.meter.artifact_bytes()),
        host_calls: state.meter.host_calls(),
        log_lines: logged.kept,
        log_lines_dropped: logged.dropped,
    };
    Ok(Finished {
        ending,
        usage,
        state,
    })
}

fn new_store(
    engine: &Engine,
    sandboxing: Sandboxing<'_>,
    watch: Stopwatch,
    turn: Turn,
) -> Result<Store<AttemptState>, MountUnavailable> {
    let budgets = sandboxing.budgets;
    let log = Arc::new(GuestLog::new(Arc::clone(&sandboxing.observer), budgets));
    let mut table = ResourceTable::new();
    table.set_max_capacity(budgets.open_resources as usize);
    let reads_in_place = may_read_in_place(&sandboxing.preopens);
    let state = AttemptState {
        wasi: wasi_context(
            &sandboxing.preopens,
            reads_in_place,
            sandboxing.stdio,
            &log,
            watch,
        )?,
        table,
        meter: Meter::new(budgets),
        memory: MemoryMeter::new(budgets.memory),
        log,
        observer: sandboxing.observer,
        artifacts: sandboxing.artifacts,
        known_artifacts: sandboxing.given_artifacts,
        random: sandboxing.random,
        denials: Denials::default(),
        folders: OpenFolders::default(),
        reads_in_place,
    };
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    store.call_hook(meter::at_border);
    store.set_max_component_handles(MAX_HANDLES);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        let next = Box::pin(turn.clone().give_way());
        Ok(UpdateDeadline::YieldCustom(1, next))
    });
    // The engine meters fuel, so this cannot fail; if it did, a sandbox
    // without fuel is the safe one.
    let _ = store.set_fuel(budgets.fuel.as_u64());
    Ok(store)
}

/// What WASI gives to a guest: text streams that lead to the log, coarse
/// clocks and the mounts that were granted. No environment, no arguments, no
/// network.
fn wasi_context(
    preopens: &[Preopen<'_>],
    reads_in_place: bool,
    stdio: Option<CommandStdio>,
    log: &Arc<GuestLog>,
    watch: Stopwatch,
) -> Result<WasiCtx, MountUnavailable> {
    let mut builder = WasiCtxBuilder::new();
    builder
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .allow_blocking_current_thread(reads_in_place)
        .wall_clock(CoarseWallClock)
        .monotonic_clock(CoarseMonotonicClock(watch))
        .stderr(LogStream::new(log, Stream::Stderr));
    match stdio {
        Some(CommandStdio { stdin, stdout }) => {
            builder.stdin(MemoryInputPipe::new(stdin)).stdout(stdout)
        }
        None => builder.stdout(LogStream::new(log, Stream::Stdout)),
    };
    for preopen in preopens {
        let perms = match preopen.access {
            MountAccess::ReadOnly => FsPerms::ReadOnly,
            MountAccess::ReadWrite => FsPerms::ReadWrite,
        };
        builder
            .preopened_dir(preopen.path, format!("/{}", preopen.name), perms)
            .map_err(|source| MountUnavailable {
                mount: preopen.name.clone(),
                source,
            })?;
    }
    Ok(builder.build())
}
