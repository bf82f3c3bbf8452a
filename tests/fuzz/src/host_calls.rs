//! Host functions, called with arbitrary values by a guest that follows a script.

use std::fs;
use std::sync::{Mutex, OnceLock, PoisonError};

use ringfence_flow::{AgentName, MountAccess, MountGrant, MountName};
use ringfence_sandbox::AgentConfig;

use crate::live::Live;

const GUEST: &str = "scripted";

/// The host, and a folder with the mount `src` and beside it what no agent may
/// reach.
struct Stage {
    live: Live,
    around: tempfile::TempDir,
}

fn stage() -> &'static Mutex<Stage> {
    static STAGE: OnceLock<Mutex<Stage>> = OnceLock::new();
    STAGE.get_or_init(|| {
        let around = tempfile::tempdir().unwrap();
        fs::create_dir(around.path().join("src")).unwrap();
        fs::write(around.path().join("secret"), "secret").unwrap();
        let name = MountName::new("src").unwrap();
        let live = Live::start(&[GUEST], |config| {
            let folder = around.path().join("src");
            config.mounts.insert(name.clone(), folder);
            let grant = MountGrant {
                name,
                access: MountAccess::ReadWrite,
            };
            let agent = AgentConfig {
                mounts: vec![grant],
                ..AgentConfig::default()
            };
            let name = AgentName::new(GUEST).unwrap();
            config.agents.insert(name, agent);
        });
        Mutex::new(Stage { live, around })
    })
}

pub(crate) fn host_calls(bytes: &[u8]) {
    let stage = stage().lock().unwrap_or_else(PoisonError::into_inner);
    // Each starts from the same.
    let src = stage.around.path().join("src");
    fs::remove_dir_all(&src).unwrap();
    fs::create_dir(&src).unwrap();
    fs::write(src.join("a"), "a").unwrap();
    let script = &bytes[..bytes.len().min(4096)];
    let agent = AgentName::new(GUEST).unwrap();
    stage.live.attempt(&agent, serde_json::json!(script));
    let mut left: Vec<_> = fs::read_dir(stage.around.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["secret", "src"], "something was made outside");
    let secret = fs::read_to_string(stage.around.path().join("secret")).unwrap();
    assert_eq!(secret, "secret");
}
