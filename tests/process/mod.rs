//! What this process takes of the system.

#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "each suite uses a part of it; a test that cannot go on panics"
)]

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Resident memory, in bytes.
pub fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size() as u64
}

/// Descriptors that are open.
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Files that are open while an agent is loaded into the pool of another core.
pub const OPEN_FOR_A_MOMENT: usize = 2;

/// Threads that wait for a disk come and go, so many at the most.
pub const COME_AND_GO: usize = 8;

/// Threads.
pub fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// A sandbox has no more pools, whatever the number of cores.
const POOLS: usize = 8;

/// Does `work` on one core after the other, so that the pool of each has touched what it
/// will keep. All of it has to run in the thread that calls.
pub async fn on_each_core(work: impl AsyncFn()) {
    let cores = sched_getaffinity(None).unwrap();
    for core in (0..CpuSet::MAX_CPU)
        .filter(|core| cores.is_set(*core))
        .take(POOLS)
    {
        let mut this = CpuSet::new();
        this.set(core);
        sched_setaffinity(None, &this).unwrap();
        work().await;
    }
    sched_setaffinity(None, &cores).unwrap();
}
