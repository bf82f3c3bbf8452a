//! What the tests share: guests written as WebAssembly text, a host that
//! loads them, and an observer that remembers.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test program uses a part of it; a test that cannot go on panics"
)]

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringfence_flow::{
    AgentName, ArtifactError, ArtifactStore, Attempt, AttemptObserver, AttemptReport,
    AttemptResult, AttemptRunner as _, BoxFuture, Budgets, ByteSize, ContentHash, Failure,
    FailureCode, GrantDecision, Json, LogLine, MountName, Output, Progress, Role, RunId,
    StopSignal, TaskId, TaskKey, TaskRequest,
};
use ringfence_sandbox::{Refusal, Sandbox, SandboxConfig};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A world with the parts of WASI that the guests here import.
const WORLD: &str = r"
package test:guest;
world guest {
    import wasi:random/random@0.2.0;
    import wasi:sockets/instance-network@0.2.0;
    import wasi:sockets/tcp-create-socket@0.2.0;
    import wasi:clocks/monotonic-clock@0.2.0;
    import wasi:cli/environment@0.2.0;
    import wasi:filesystem/preopens@0.2.0;
    include ringfence:agent/agent-plugin@0.1.0;
}
";

const WASI: [(&str, &str); 6] = [
    (
        "io.wit",
        "package wasi:io@0.2.0;
         interface poll { resource pollable { ready: func() -> bool; block: func(); } }",
    ),
    (
        "random.wit",
        "package wasi:random@0.2.0;
         interface random { get-random-bytes: func(len: u64) -> list<u8>; get-random-u64: func() -> u64; }",
    ),
    (
        "clocks.wit",
        "package wasi:clocks@0.2.0;
         interface monotonic-clock {
            use wasi:io/poll@0.2.0.{pollable};
            now: func() -> u64;
            resolution: func() -> u64;
            subscribe-duration: func(when: u64) -> pollable;
         }",
    ),
    (
        "cli.wit",
        "package wasi:cli@0.2.0;
         interface environment {
            get-environment: func() -> list<tuple<string, string>>;
            get-arguments: func() -> list<string>;
         }",
    ),
    (
        "sockets.wit",
        "package wasi:sockets@0.2.0;
         interface network {
            resource network;
            enum error-code { unknown, access-denied, not-supported, invalid-argument, out-of-memory,
                timeout, concurrency-conflict, not-in-progress, would-block, invalid-state,
                new-socket-limit, address-not-bindable, address-in-use, remote-unreachable,
                connection-refused, connection-reset, connection-aborted, datagram-too-large,
                name-unresolvable, temporary-resolver-failure, permanent-resolver-failure }
            enum ip-address-family { ipv4, ipv6 }
         }
         interface instance-network {
            use network.{network};
            instance-network: func() -> network;
         }
         interface tcp {
            resource tcp-socket;
         }
         interface tcp-create-socket {
            use network.{error-code, ip-address-family};
            use tcp.{tcp-socket};
            create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
         }",
    ),
    (
        "filesystem.wit",
        "package wasi:filesystem@0.2.0;
         interface types { resource descriptor; }
         interface preopens {
            use types.{descriptor};
            get-directories: func() -> list<tuple<descriptor, string>>;
         }",
    ),
];

/// A task as the canonical ABI passes it.
const TASK: &str = "(param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64)";

/// A guest that implements the contract.
pub struct Guest {
    name: String,
    imports: String,
    globals: String,
    describe: String,
    can_handle: String,
    execute: String,
    value: String,
    memory: u32,
    has_names: bool,
}

impl Guest {
    /// A guest called `name` that completes with `null`.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            imports: String::new(),
            globals: String::new(),
            describe: String::new(),
            can_handle: "(i32.const 1)".to_owned(),
            execute: String::new(),
            value: "null".to_owned(),
            memory: 1,
            has_names: true,
        }
    }

    /// With core imports.
    pub fn import(mut self, text: &str) -> Self {
        self.imports.push_str(text);
        self
    }

    /// With more core definitions: globals, functions, tables, a start function.
    pub fn define(mut self, text: &str) -> Self {
        self.globals.push_str(text);
        self
    }

    /// That runs `text` before it describes itself.
    pub fn describe(mut self, text: &str) -> Self {
        self.describe = text.to_owned();
        self
    }

    /// That answers `can-handle` with what `text` leaves on the stack.
    pub fn can_handle(mut self, text: &str) -> Self {
        self.can_handle = text.to_owned();
        self
    }

    /// That runs `text` before it completes. Locals `$i` and `$j` are there.
    pub fn execute(mut self, text: &str) -> Self {
        self.execute = text.to_owned();
        self
    }

    /// That completes with `value`.
    pub fn value(mut self, value: &str) -> Self {
        self.value = value.to_owned();
        self
    }

    /// With so many pages of memory at the start.
    pub fn pages(mut self, pages: u32) -> Self {
        self.memory = pages;
        self
    }

    /// Without the names of its functions, as a stripped one.
    pub fn without_names(mut self) -> Self {
        self.has_names = false;
        self
    }

    /// The component.
    ///
    /// Memory: the result of `execute` is at 1024, of `describe` at 1280,
    /// texts are at 2048 and 2304, scratch at 3072, and the allocator's heap
    /// starts at 4096.
    pub fn build(&self) -> Vec<u8> {
        let Self {
            name,
            imports,
            globals,
            describe,
            can_handle,
            execute,
            value,
            memory,
            has_names,
        } = self;
        let (name_len, value_len) = (name.len(), value.len());
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        let text = format!(
            r#"(module
            {imports}
            (memory (export "memory") {memory})
            (global $heap (mut i32) (i32.const 4096))
            {globals}
            (data (i32.const 2048) "{name}")
            (data (i32.const 2176) "1.0")
            (data (i32.const 2192) "tester")
            (data (i32.const 2304) "{escaped}")
            (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and
                    (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
                (global.set $heap (i32.add (local.get $at) (local.get 3)))
                (loop $grow
                    (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
                        (then
                            (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1))
                                (then unreachable))
                            (br $grow))))
                (local.get $at))
            (func (export "ringfence:agent/agent@0.1.0#describe") (result i32)
                {describe}
                (i32.store (i32.const 1280) (i32.const 2048))
                (i32.store (i32.const 1284) (i32.const {name_len}))
                (i32.store (i32.const 1288) (i32.const 2176))
                (i32.store (i32.const 1292) (i32.const 3))
                (i32.store (i32.const 1304) (i32.const 1400))
                (i32.store (i32.const 1308) (i32.const 1))
                (i32.store (i32.const 1400) (i32.const 2192))
                (i32.store (i32.const 1404) (i32.const 6))
                (i32.const 1280))
            (func (export "ringfence:agent/agent@0.1.0#can-handle")
                {TASK} (result i32)
                {can_handle})
            (func $execute (export "ringfence:agent/agent@0.1.0#execute")
                {TASK} (result i32)
                (local $i i32) (local $j i64)
                (i32.store (i32.const 1036) (i32.const 2304))
                (i32.store (i32.const 1040) (i32.const {value_len}))
                {execute}
                (i32.const 1024)))"#
        );
        let mut module = wat::parse_str(&text).expect("the guest's text is WebAssembly");
        if !has_names {
            hide_names(&mut module);
        }
        let mut resolve = Resolve::default();
        resolve
            .push_str("agent.wit", include_str!("../../../../wit/agent.wit"))
            .expect("the contract parses");
        for (file, text) in WASI {
            resolve
                .push_str(file, text)
                .expect("the part of WASI parses");
        }
        let package = resolve
            .push_str("guest.wit", WORLD)
            .expect("the world parses");
        let world = resolve
            .select_world(&[package], Some("guest"))
            .expect("there is one world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("the metadata can be embedded");
        ComponentEncoder::default()
            .module(&module)
            .expect("the module fits the world")
            .encode()
            .expect("the component can be made")
    }
}

/// Calls the section of a core module that holds its names something else.
fn hide_names(module: &mut [u8]) {
    const SECTION: &[u8] = b"\x04name";
    let at = module
        .windows(SECTION.len())
        .rposition(|bytes| bytes == SECTION)
        .expect("the text has names");
    module[at..at + SECTION.len()].copy_from_slice(b"\x04nope");
}

/// A host with guests.
pub struct Rig {
    pub sandbox: Sandbox,
    pub refused: Vec<Refusal>,
    _folder: TempDir,
}

impl Rig {
    /// Loads `guests` with the default configuration.
    pub async fn new(guests: &[Guest]) -> Self {
        Self::with(guests, |_| {}).await
    }

    /// Loads `guests` with a configuration that `change` makes.
    pub async fn with(guests: &[Guest], change: impl FnOnce(&mut SandboxConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for guest in guests {
            let path = folder.path().join(format!("{}.wasm", guest.name));
            std::fs::write(path, guest.build()).unwrap();
        }
        let mut config = SandboxConfig {
            plugins: vec![folder.path().to_owned()],
            max_sandboxes: 8,
            ..SandboxConfig::default()
        };
        change(&mut config);
        let loading = Sandbox::load(config, &()).await.unwrap();
        Self {
            sandbox: loading.sandbox,
            refused: loading.refused,
            _folder: folder,
        }
    }

    /// Runs one attempt of `agent` within `budgets`.
    pub async fn run(&self, agent: &str, budgets: Budgets) -> Ran {
        self.stopped_by(agent, budgets, Box::pin(pending())).await
    }

    /// Runs one attempt that `stop` may stop.
    pub async fn stopped_by(&self, agent: &str, budgets: Budgets, stop: StopSignal) -> Ran {
        self.attempt(agent, budgets, stop, request()).await
    }

    /// Runs one attempt at `request`.
    pub async fn attempt(
        &self,
        agent: &str,
        budgets: Budgets,
        stop: StopSignal,
        request: TaskRequest,
    ) -> Ran {
        let seen = Arc::new(Seen::default());
        let report = self
            .sandbox
            .execute(Attempt {
                agent: AgentName::new(agent).unwrap(),
                request,
                budgets,
                artifacts: Arc::new(Artifacts::default()),
                observer: Arc::clone(&seen) as Arc<dyn AttemptObserver>,
                stop,
            })
            .await;
        Ran { report, seen }
    }
}

/// A task of no interest.
pub fn request() -> TaskRequest {
    TaskRequest::first(
        RunId::new("r-1").unwrap(),
        TaskKey::single(TaskId::new("only").unwrap()),
        Role::new("tester").unwrap(),
        Json::null(),
        Duration::from_secs(30),
    )
}

/// The same with mounts.
pub fn request_with_mounts(names: &[&str]) -> TaskRequest {
    TaskRequest {
        mounts: names
            .iter()
            .map(|name| MountName::new(name).unwrap())
            .collect(),
        ..request()
    }
}

/// An attempt that is over.
pub struct Ran {
    pub report: AttemptReport,
    pub seen: Arc<Seen>,
}

impl Ran {
    /// The output, if it completed.
    #[track_caller]
    pub fn output(&self) -> &Output {
        match &self.report.result {
            AttemptResult::Completed(output) => output,
            other => panic!("did not complete: {other:?}"),
        }
    }

    /// The failure, if it failed.
    #[track_caller]
    pub fn failure(&self) -> &Failure {
        match &self.report.result {
            AttemptResult::Failed(failure) => failure,
            other => panic!("did not fail: {other:?}"),
        }
    }

    /// Asserts that it failed with `code`, and that the message has `part`.
    #[track_caller]
    pub fn failed_with(&self, code: FailureCode, part: &str) {
        let failure = self.failure();
        assert_eq!(failure.code, code, "{failure}");
        assert!(failure.message.contains(part), "{failure}");
    }
}

/// Remembers what it sees.
#[derive(Default)]
pub struct Seen {
    pub logs: Mutex<Vec<LogLine>>,
    pub progress: Mutex<Vec<Progress>>,
    pub decisions: Mutex<Vec<GrantDecision>>,
}

impl AttemptObserver for Seen {
    fn progress(&self, progress: Progress) {
        self.progress.lock().unwrap().push(progress);
    }

    fn log(&self, line: LogLine) {
        self.logs.lock().unwrap().push(line);
    }

    fn decision(&self, decision: GrantDecision) {
        self.decisions.lock().unwrap().push(decision);
    }
}

/// Artifacts in memory.
#[derive(Default)]
pub struct Artifacts(Mutex<BTreeMap<ContentHash, Arc<[u8]>>>);

impl ArtifactStore for Artifacts {
    fn put(&self, content: Arc<[u8]>) -> BoxFuture<'_, Result<ContentHash, ArtifactError>> {
        let hash = ContentHash::from_bytes(Sha256::digest(&content).into());
        self.0.lock().unwrap().insert(hash, content);
        Box::pin(async move { Ok(hash) })
    }

    fn size(&self, hash: ContentHash) -> BoxFuture<'_, Result<ByteSize, ArtifactError>> {
        let found = self
            .0
            .lock()
            .unwrap()
            .get(&hash)
            .map(|content| content.len() as u64);
        Box::pin(async move {
            found
                .map(ByteSize::bytes)
                .ok_or(ArtifactError::NotFound(hash))
        })
    }

    fn get(&self, hash: ContentHash) -> BoxFuture<'_, Result<Arc<[u8]>, ArtifactError>> {
        let found = self.0.lock().unwrap().get(&hash).cloned();
        Box::pin(async move { found.ok_or(ArtifactError::NotFound(hash)) })
    }
}
