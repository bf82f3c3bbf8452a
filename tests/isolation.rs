//! What an agent can do to its host, to its neighbours and to the next
//! attempt: nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on panics"
)]

mod host;

use std::collections::BTreeMap;
use std::future::pending;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use host::{Host, request, request_with_mounts};
use ringfence_flow::{
    AgentName, AttemptResult, Budgets, FailureCode, LogLevel, MountAccess, MountGrant, MountName,
    Role, StopReason,
};
use ringfence_sandbox::{AgentConfig, Refusal};
use serde_json::{Value, json};
use tempfile::tempdir;

#[tokio::test]
async fn a_trap_says_what_and_where() {
    let host = Host::new(&["trap"]).await;
    let panic = json!({"kind": "panic", "message": "the \u{1b}[31msky\u{202e} fell"});
    let ran = host.run("trap", panic, Budgets::default()).await;
    ran.failed_with(FailureCode::Trap, "it gave up");
    ran.failed_with(FailureCode::Trap, r"the \u{1b}[31msky\u{202e} fell");
    ran.failed_with(FailureCode::Trap, "\n  in ");
    for (kind, says) in [
        ("unreachable", "it gave up"),
        ("abort", "it gave up"),
        ("exit", "the agent called `exit` with 1"),
        ("out-of-bounds", "it reached out of bounds of its memory"),
    ] {
        host.run("trap", json!({"kind": kind}), Budgets::default())
            .await
            .failed_with(FailureCode::Trap, says);
    }
}

#[tokio::test]
async fn an_outcome_that_is_none_is_refused() {
    let host = Host::new(&["bad-output"]).await;
    for (kind, says) in [
        ("broken", "the output's value is not a JSON document"),
        ("empty", "the output's value is not a JSON document"),
        ("deep", "nests deeper than 100 levels"),
        ("not-utf-8", "what the attempt returned cannot be read"),
        ("line-zero", "finding 1 names the path `../../etc/passwd`"),
        (
            "forged-artifact",
            "artifact 1 was neither put by this attempt nor given to it",
        ),
        ("bad-hash", "artifact 1 has a"),
    ] {
        host.run("bad-output", json!(kind), Budgets::default())
            .await
            .failed_with(FailureCode::InvalidOutput, says);
    }
}

#[tokio::test]
async fn a_failure_of_the_agent_is_its_own() {
    let host = Host::new(&["fail", "reject"]).await;
    for (kind, code) in [
        ("invalid-input", FailureCode::InvalidInput),
        ("permanent", FailureCode::Permanent),
        ("transient", FailureCode::Transient),
    ] {
        let input = json!({"kind": kind, "message": "why \u{7}"});
        host.run("fail", input, Budgets::default())
            .await
            .failed_with(code, r"why \u{7}");
    }
    let input = json!({"kind": "transient", "retry_after_ms": 1500});
    let ran = host.run("fail", input, Budgets::default()).await;
    assert_eq!(ran.failure().retry_after, Some(Duration::from_millis(1500)));
    let ran = host.run("reject", json!({}), Budgets::default()).await;
    let AttemptResult::Rejected(rejection) = &ran.report.result else {
        panic!("not rejected: {:?}", ran.report.result);
    };
    assert_eq!(rejection.findings.len(), 1);
}

#[tokio::test]
async fn nothing_of_one_attempt_shows_in_the_next() {
    let host = Host::with(&["hold-memory", "burn-fuel"], |config| {
        config.max_sandboxes = 1;
    })
    .await;
    let first = host
        .run("hold-memory", json!({"mib": 30}), Budgets::default())
        .await;
    host.run("burn-fuel", json!({"units": 100_000}), Budgets::default())
        .await
        .output();
    let second = host
        .run("hold-memory", json!({"mib": 30}), Budgets::default())
        .await;
    // A guest that found its memory used would allocate otherwise.
    assert_eq!(first.output(), second.output());
    assert_eq!(first.report.usage.fuel, second.report.usage.fuel);
    assert_eq!(
        first.report.usage.peak_memory,
        second.report.usage.peak_memory
    );
    let third = host
        .run("hold-memory", json!({"mib": 1}), Budgets::default())
        .await;
    assert!(third.report.usage.peak_memory < first.report.usage.peak_memory);
}

/// Each attempt looks through all its memory for what those before it wrote all over
/// theirs, on every core, whose pools are their own.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_of_one_attempt_never_shows_in_the_next() {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let host = Host::with(&["remember"], |config| config.max_sandboxes = 2).await;
    let cores = sched_getaffinity(None).unwrap();
    for core in (0..CpuSet::MAX_CPU).filter(|core| cores.is_set(*core)) {
        let mut this = CpuSet::new();
        this.set(core);
        sched_setaffinity(None, &this).unwrap();
        for _ in 0..200 {
            let ran = host.run("remember", json!(null), Budgets::default()).await;
            let found = ran.output().value.to_value();
            assert_eq!(found["in_static"], json!(false));
            assert_eq!(found["in_memory"], json!(0));
            let written = found["written"].as_u64().unwrap();
            assert!(written > 600_000, "{written}");
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_spinning_agent_does_not_stop_its_neighbour() {
    let host = Arc::new(Host::new(&["spin", "echo"]).await);
    let (end, stop) = tokio::sync::oneshot::channel::<()>();
    let spinning = tokio::spawn({
        let host = Arc::clone(&host);
        async move {
            let stop = Box::pin(async move {
                let _ = stop.await;
                StopReason::Cancelled
            });
            host.attempt("spin", request(json!(null)), Budgets::default(), stop)
                .await
        }
    });
    // One thread for both: the neighbour gets on only if the spinner yields.
    for n in 0..20 {
        let input = json!({ "n": n });
        let ran = host.run("echo", input.clone(), Budgets::default()).await;
        assert_eq!(ran.output().value.to_value()["input"], input);
        tokio::task::yield_now().await;
    }
    assert!(!spinning.is_finished());
    end.send(()).unwrap();
    let ran = spinning.await.unwrap();
    ran.failed_with(FailureCode::Cancelled, "the run was cancelled");
    assert!(ran.report.usage.cpu > Duration::ZERO);
}

#[tokio::test]
async fn an_attempt_is_stopped_while_it_spins_and_while_it_waits() {
    let host = Host::new(&["spin", "sleep-long"]).await;
    for (agent, input) in [("spin", json!(null)), ("sleep-long", json!({}))] {
        for (reason, code) in [
            (StopReason::Cancelled, FailureCode::Cancelled),
            (StopReason::Deadline, FailureCode::Deadline),
        ] {
            let stop = Box::pin(async move {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                reason
            });
            let ran = host
                .attempt(agent, request(input.clone()), Budgets::default(), stop)
                .await;
            assert_eq!(ran.failure().code, code, "{agent}");
        }
    }
}

#[tokio::test]
async fn dropping_an_attempt_frees_its_place() {
    let host = Host::with(&["sleep-long", "echo"], |config| config.max_sandboxes = 1).await;
    {
        let waiting = host.attempt(
            "sleep-long",
            request(json!({})),
            Budgets::default(),
            Box::pin(pending()),
        );
        let outcome = tokio::time::timeout(Duration::from_millis(20), waiting).await;
        assert!(outcome.is_err(), "it sleeps for ever");
    }
    host.run("echo", json!(1), Budgets::default())
        .await
        .output();
}

#[tokio::test]
async fn a_log_line_cannot_be_forged() {
    let host = Host::new(&["flood-log"]).await;
    let text = "fine\nERROR forged\u{1b}[2K\u{202e}";
    let ran = host
        .run(
            "flood-log",
            json!({"lines": 1, "text": text}),
            Budgets::default(),
        )
        .await;
    let logs = ran.seen.logs.lock().unwrap();
    assert_eq!(&*logs[0].message, r"fine\nERROR forged\u{1b}[2K\u{202e}");
    assert_eq!(logs[0].level, LogLevel::Info);
}

fn tries(report: &Value) -> BTreeMap<String, bool> {
    let tries = report["tries"].as_array().unwrap().iter();
    tries
        .map(|one| {
            let what = one["what"].as_str().unwrap().to_owned();
            (what, one["allowed"].as_bool().unwrap())
        })
        .collect()
}

/// What the guest was told of one try.
fn says<'a>(report: &'a Value, what: &str) -> &'a str {
    let mut tries = report["tries"].as_array().unwrap().iter();
    let found = tries.find(|one| one["what"] == what).unwrap();
    found["says"].as_str().unwrap()
}

#[tokio::test]
async fn nothing_is_granted_by_default() {
    let host = Host::new(&["read-env"]).await;
    let ran = host.run("read-env", json!({}), Budgets::default()).await;
    let report = ran.output().value.to_value();
    assert_eq!(report["environment"], json!([]));
    assert_eq!(report["arguments"], json!([]));
    assert!(report["clock_resolution_ns"].as_u64().unwrap() >= 1_000_000);
    for reading in report["clock_readings_ns"].as_array().unwrap() {
        assert_eq!(reading.as_u64().unwrap() % 1_000_000, 0);
    }
    let tries = tries(&report);
    assert!(tries.len() >= 10, "{tries:?}");
    assert!(tries.values().all(|allowed| !allowed), "{tries:?}");
    let decisions = ran.seen.decisions.lock().unwrap();
    let effects: Vec<_> = decisions.iter().map(|d| (&*d.effect, d.allowed)).collect();
    for effect in ["network dns", "network tcp", "network udp"] {
        assert!(effects.contains(&(effect, false)), "{effects:?}");
    }
}

#[tokio::test]
#[cfg(unix)]
async fn a_mount_is_all_that_an_agent_sees() {
    let outside = tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "s").unwrap();
    let mount = tempdir().unwrap();
    std::fs::write(mount.path().join("a.txt"), "a").unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), mount.path().join("escape")).unwrap();
    let name = MountName::new("src").unwrap();
    for access in [MountAccess::ReadOnly, MountAccess::ReadWrite] {
        let host = Host::with(&["read-env"], |config| {
            config.mounts.insert(name.clone(), mount.path().to_owned());
            let grant = MountGrant {
                name: name.clone(),
                access,
            };
            config.agents.insert(
                AgentName::new("read-env").unwrap(),
                AgentConfig {
                    mounts: vec![grant],
                    ..AgentConfig::default()
                },
            );
        })
        .await;
        let request = request_with_mounts(json!({"mount": "src"}), &["src"]);
        let ran = host
            .attempt("read-env", request, Budgets::default(), Box::pin(pending()))
            .await;
        let tries = tries(&ran.output().value.to_value());
        let may_write = access == MountAccess::ReadWrite;
        let asks = std::slice::from_ref(&name);
        assert_eq!(host.is_sealed("read-env", asks), !may_write);
        assert!(host.is_sealed("read-env", &[]), "it asks for no mount");
        assert!(tries["list the mount"]);
        assert_eq!(tries["write in the mount"], may_write, "{tries:?}");
        assert_eq!(tries["make a folder in the mount"], may_write, "{tries:?}");
        assert!(tries["hear that nothing is there to read"], "{tries:?}");
        let refused = tries["hear that nothing may be written, there or not"];
        assert_eq!(refused, !may_write, "{tries:?}");
        for outside in [
            "read above the mount",
            "read far above the mount",
            "read an absolute path below the mount",
            "follow the link `escape`",
            "make a link out of the mount",
            "rename out of the mount",
            "read /etc/passwd",
            "list /proc",
        ] {
            assert!(!tries[outside], "{outside}: {tries:?}");
        }
        let decisions = ran.seen.decisions.lock().unwrap();
        assert_eq!(&*decisions[0].effect, "mount src");
        assert!(decisions[0].allowed);
        let denied = |effect: &str| decisions.iter().any(|d| &*d.effect == effect && !d.allowed);
        assert_eq!(denied("write to a read-only mount"), !may_write);
        assert!(denied("leave a mount"), "{decisions:?}");
        std::fs::remove_dir(mount.path().join("probe")).ok();
    }
}

/// Two mounts, `a` to write and `b` to read, and beside them what no agent may
/// reach, with everything in `a` that could lead there.
#[cfg(target_os = "linux")]
fn two_mounts() -> tempfile::TempDir {
    use std::fs::{create_dir, write};
    use std::os::unix::fs::symlink;
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["a", "a/folder", "b", "outside"] {
        create_dir(at(name)).unwrap();
    }
    write(at("outside/secret"), "outside").unwrap();
    write(at("a/a.txt"), "a").unwrap();
    write(at("b/b.txt"), "b").unwrap();
    for (target, link) in [
        ("../outside/secret", "a/link"),
        ("../outside", "a/door"),
        ("ring", "a/ring"),
        ("/dev/zero", "a/zero"),
    ] {
        symlink(target, at(link)).unwrap();
    }
    symlink(at("outside/secret"), at("a/absolute")).unwrap();
    // Whoever opens one end of it waits for the other.
    let (here, mode) = (rustix::fs::CWD, rustix::fs::Mode::RWXU);
    rustix::fs::mknodat(here, at("a/pipe"), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    folder
}

#[cfg(target_os = "linux")]
async fn escape_host(folder: &std::path::Path, to_a: MountAccess, to_b: MountAccess) -> Host {
    Host::with(&["escape-mount"], |config| {
        let grants = [("a", to_a), ("b", to_b)];
        let mut agent = AgentConfig::default();
        for (name, access) in grants {
            let name = MountName::new(name).unwrap();
            config
                .mounts
                .insert(name.clone(), folder.join(name.as_str()));
            agent.mounts.push(MountGrant { name, access });
        }
        let name = AgentName::new("escape-mount").unwrap();
        config.agents.insert(name, agent);
    })
    .await
}

/// One attempt at everything, or at one thing so many times.
#[cfg(target_os = "linux")]
async fn escape(host: &Host, times: u32) -> host::Ran {
    let input = json!({"mount": "a", "other": "b", "times": times});
    let request = request_with_mounts(input, &["a", "b"]);
    // A round that reads, lists and writes calls the host a dozen times and more.
    let budgets = Budgets {
        host_calls: 100 * times.max(100),
        ..Budgets::default()
    };
    host.attempt("escape-mount", request, budgets, Box::pin(pending()))
        .await
}

/// All that lies in a folder, with what it holds or where it leads.
#[cfg(target_os = "linux")]
fn content(folder: &std::path::Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (
                name,
                std::fs::read_to_string(entry.path()).unwrap_or_default(),
            )
        })
        .collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_path_leads_out_of_a_mount() {
    let folder = two_mounts();
    let host = escape_host(folder.path(), MountAccess::ReadWrite, MountAccess::ReadOnly).await;
    let ran = escape(&host, 0).await;
    let report = ran.output().value.to_value();
    let tries = tries(&report);
    assert!(tries.len() >= 25, "{tries:?}");
    let allowed: Vec<_> = tries.iter().filter(|(_, allowed)| **allowed).collect();
    assert!(allowed.is_empty(), "{allowed:?}");
    let denied: Vec<_> = {
        let decisions = ran.seen.decisions.lock().unwrap();
        let denied = decisions.iter().filter(|d| !d.allowed);
        denied.map(|d| d.effect.to_string()).collect()
    };
    assert_eq!(
        denied,
        [
            "leave a mount",
            "make or move a symbolic link",
            "carry over to another mount",
            "open a pipe, socket or device",
            "write to a read-only mount"
        ]
    );
    let one = |name: &str, text: &str| BTreeMap::from([(name.to_owned(), text.to_owned())]);
    assert_eq!(
        content(&folder.path().join("outside")),
        one("secret", "outside")
    );
    assert_eq!(content(&folder.path().join("b")), one("b.txt", "b"));
    let opened = says(&report, "open a file as a folder");
    assert!(opened.starts_with("Not a directory"), "{opened}");
    assert_eq!(says(&report, "list a file"), "not-directory");
}

/// Where all mounts are only read, their files are read in the attempt's own thread.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_path_leads_out_of_mounts_that_are_only_read() {
    let folder = two_mounts();
    let names = || {
        let entries = std::fs::read_dir(folder.path().join("a")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let before = names();
    let host = escape_host(folder.path(), MountAccess::ReadOnly, MountAccess::ReadOnly).await;
    let ran = escape(&host, 0).await;
    let report = ran.output().value.to_value();
    let tries = tries(&report);
    let allowed: Vec<_> = tries.iter().filter(|(_, allowed)| **allowed).collect();
    assert!(tries.len() >= 25 && allowed.is_empty(), "{tries:?}");
    assert_eq!(names(), before);
    assert_eq!(
        says(&report, "make a file in an open folder"),
        "not-permitted"
    );
    let opened = says(&report, "open a file as a folder");
    assert!(opened.starts_with("Not a directory"), "{opened}");
    assert_eq!(says(&report, "list a file"), "not-directory");
    let read = escape(&host, 50).await.output().value.to_value();
    assert_eq!(read["read"], 0, "there is nothing to read: {read}");
}

/// An agent that may write two mounts copies from one to the other, and neither
/// moves nor links: what is granted of one does not become part of the other.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_is_carried_over_between_mounts_that_may_both_be_written() {
    let folder = two_mounts();
    let host = escape_host(
        folder.path(),
        MountAccess::ReadWrite,
        MountAccess::ReadWrite,
    )
    .await;
    let ran = escape(&host, 0).await;
    let report = ran.output().value.to_value();
    let tries = tries(&report);
    assert!(tries["write to the other mount"], "{tries:?}");
    for carried in [
        "rename across mounts",
        "make a hard link across mounts",
        "move a link",
        "multiply a link",
    ] {
        assert!(!tries[carried], "{carried}: {tries:?}");
    }
    assert!(!folder.path().join("b/renamed").exists());
    let decisions = ran.seen.decisions.lock().unwrap();
    let across = |d: &&ringfence_flow::GrantDecision| &*d.effect == "carry over to another mount";
    assert_eq!(decisions.iter().filter(across).count(), 1, "{decisions:?}");
}

/// Listings are the host's, so they count as memory that it holds for the agent, as long
/// as the agent holds them.
#[tokio::test]
async fn listings_count_as_memory_until_they_are_dropped() {
    // A thousand names of 200 bytes are some 260 KB, listed by a thread that may wait.
    listings_count_as_memory(1_000, 8, 15..32).await;
    // Two hundred are 52 KB, listed in the attempt's own thread, beside 1 MiB and more
    // of the agent's own memory.
    listings_count_as_memory(200, 4, 30..62).await;
}

async fn listings_count_as_memory(names: u32, mebibytes: u64, at_a_time: Range<u64>) {
    let mount = tempdir().unwrap();
    for n in 0..names {
        std::fs::write(mount.path().join(format!("{n:0>200}")), "").unwrap();
    }
    let folder = mount.path().to_owned();
    let host = Host::with(&["open-many"], |config| {
        let src = MountName::new("src").unwrap();
        config.mounts.insert(src.clone(), folder);
        let mut agent = AgentConfig::default();
        agent.mounts.push(MountGrant {
            name: src,
            access: MountAccess::ReadOnly,
        });
        let name = AgentName::new("open-many").unwrap();
        config.agents.insert(name, agent);
    })
    .await;
    let list = async |hold: bool| {
        let input = json!({ "count": 100, "list": "src", "hold": hold });
        let budgets = Budgets {
            memory: ringfence_flow::ByteSize::mib(mebibytes),
            ..Budgets::default()
        };
        let request = request_with_mounts(input, &["src"]);
        let ran = host
            .attempt("open-many", request, budgets, Box::pin(pending()))
            .await;
        ran.output().value.to_value().as_u64().unwrap()
    };
    let held = list(true).await;
    assert!(at_a_time.contains(&held), "{held} at a time");
    assert_eq!(list(false).await, 100, "one after the other");
}

/// A folder of the mount is a link to outside half of the time: whichever the
/// agent meets, it sees what is inside or an error.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_turns_into_a_link_does_not_lead_out_of_a_mount() {
    swapped_with_a_link(MountAccess::ReadWrite).await;
    // Then files are read, and opened, in the attempt's own thread.
    swapped_with_a_link(MountAccess::ReadOnly).await;
}

#[cfg(target_os = "linux")]
async fn swapped_with_a_link(access: MountAccess) {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use std::sync::atomic::{AtomicBool, Ordering};
    let folder = two_mounts();
    let inside = folder.path().join("a/swap");
    let link = folder.path().join("a/other");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(inside.join("secret"), "inside").unwrap();
    std::fs::write(folder.path().join("outside/elsewhere"), "").unwrap();
    std::os::unix::fs::symlink("../outside", &link).unwrap();
    let host = escape_host(folder.path(), access, MountAccess::ReadOnly).await;
    let over = Arc::new(AtomicBool::new(false));
    let swapping = std::thread::spawn({
        let over = Arc::clone(&over);
        move || {
            let mut swaps = 0_u64;
            while !over.load(Ordering::Relaxed) {
                renameat_with(CWD, &inside, CWD, &link, RenameFlags::EXCHANGE).unwrap();
                swaps += 1;
            }
            swaps
        }
    });
    let ran = escape(&host, 800).await;
    over.store(true, Ordering::Relaxed);
    let swaps = swapping.join().unwrap();
    let report = ran.output().value.to_value();
    let read = report["read"].as_u64().unwrap();
    assert!(
        swaps > 100 && (1..800).contains(&read),
        "{swaps} swaps, {read} read"
    );
    assert_eq!(report["seen"], json!(["inside"]));
    assert!(!folder.path().join("outside/planted").exists());
}

/// Without a pin, two files of one name keep each other out; with one, nobody
/// takes the name or its grants by dropping a file.
#[tokio::test]
async fn a_pinned_name_belongs_to_one_component() {
    let hash = async |name: &str| {
        let host = host::sandbox(&[name], |_| {}).await;
        host.loaded()[0].profile().hash
    };
    let pinned = hash("twin-a").await;
    let load = async |sha256| {
        let folder = tempdir().unwrap();
        let names = ["twin-a", "twin-b"];
        host::load_from(folder.path(), &names, |config| {
            let agent = AgentConfig {
                sha256,
                ..AgentConfig::default()
            };
            config.agents.insert(AgentName::new("twin").unwrap(), agent);
        })
        .await
    };
    let loading = load(Some(pinned)).await;
    assert_eq!(loading.sandbox.loaded()[0].profile().hash, pinned);
    let codes: Vec<_> = loading.refused.iter().map(Refusal::code).collect();
    assert_eq!(codes, ["not-pinned"]);
    let loading = load(None).await;
    assert!(loading.sandbox.loaded().is_empty());
    let codes: Vec<_> = loading.refused.iter().map(Refusal::code).collect();
    assert_eq!(codes, ["same-name"; 2]);
}

#[tokio::test]
async fn a_command_is_an_agent() {
    let host = Host::with(&["cat-command", "exit-command"], |config| {
        for name in ["cat-command", "exit-command"] {
            let agent = AgentConfig {
                roles: vec![Role::new("test").unwrap()],
                ..AgentConfig::default()
            };
            config.agents.insert(AgentName::new(name).unwrap(), agent);
        }
    })
    .await;
    let ran = host
        .run("cat-command", json!({"a": 1}), Budgets::default())
        .await;
    let value = ran.output().value.to_value();
    assert_eq!(value["input"], json!({"a": 1}));
    assert_eq!(value["role"], json!("test"));
    assert_eq!(ran.output().findings.len(), 1);
    assert!(
        ran.seen.logs.lock().unwrap()[0]
            .message
            .starts_with("read ")
    );
    let exit = async |code: u8| {
        let ran = host
            .run("exit-command", json!({ "code": code }), Budgets::default())
            .await;
        match ran.report.result {
            AttemptResult::Completed(_) => "completed",
            AttemptResult::Rejected(_) => "rejected",
            AttemptResult::Failed(failure) => {
                assert!(
                    failure.message.contains(&format!("ending with {code}")),
                    "{failure}"
                );
                failure.code.as_str()
            }
        }
    };
    assert_eq!(exit(0).await, "completed");
    assert_eq!(exit(3).await, "rejected");
    for (code, says) in [
        (1, "transient"),
        (2, "transient"),
        (63, "transient"),
        (64, "permanent"),
        (78, "permanent"),
        (79, "transient"),
        (255, "transient"),
    ] {
        assert_eq!(exit(code).await, says, "{code}");
    }
}
