//! Landlock and seccomp: what Linux lets a process give up for good.
//!
//! Both are used as far as the kernel has them. Where it lacks one, the other
//! and the limits still hold, and the host tells its operator (`protections`).

use std::collections::BTreeMap;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetError,
    Scope,
};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

/// The newest version of Landlock that is used where the kernel has it.
const LANDLOCK: ABI = ABI::V6;

/// What compiling needs of the system: memory, threads that wait for each
/// other, the pipes that are open already, and an end.
const ALLOWED: &[libc::c_long] = &[
    libc::SYS_brk,
    libc::SYS_clock_gettime,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_read,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Gives up the sight of all files, and TCP, and (from Linux 6.12 on) signals
/// to other processes. Threads that are started later give it up as well.
pub(crate) fn give_up_surroundings() -> Result<(), RulesetError> {
    ruleset(CompatLevel::BestEffort)?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .restrict_self()?;
    Ok(())
}

/// Gives up all system calls, for all threads, but those that compiling needs.
/// The others are answered with `EPERM`.
pub(crate) fn give_up_system_calls() -> Result<(), seccompiler::Error> {
    match arch() {
        Some(arch) => seccompiler::apply_filter_all_threads(&filter(arch)?),
        None => Ok(()),
    }
}

fn filter(arch: TargetArch) -> Result<BpfProgram, BackendError> {
    let itself = u64::from(std::process::id());
    let to_itself = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, itself)?;
    let mut rules: BTreeMap<_, _> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    // Which `abort` needs.
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![to_itself])?]);
    SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        SeccompAction::Allow,
        arch,
    )?
    .try_into()
}

/// This machine, if seccompiler knows it.
fn arch() -> Option<TargetArch> {
    std::env::consts::ARCH.try_into().ok()
}

/// Whether this kernel has Landlock.
pub(crate) fn has_landlock() -> bool {
    // Makes rules, and does not set them.
    ruleset(CompatLevel::HardRequirement)
        .and_then(Ruleset::create)
        .is_ok()
}

/// Whether this kernel filters system calls, and the filter for this machine
/// is known.
pub(crate) fn has_seccomp() -> bool {
    arch().is_some() && std::path::Path::new("/proc/sys/kernel/seccomp/actions_avail").exists()
}

fn ruleset(level: CompatLevel) -> Result<Ruleset, RulesetError> {
    let abi = match level {
        CompatLevel::HardRequirement => ABI::V1,
        _ => LANDLOCK,
    };
    let ruleset = Ruleset::default()
        .set_compatibility(level)
        .handle_access(AccessFs::from_all(abi))?;
    match level {
        CompatLevel::HardRequirement => Ok(ruleset),
        _ => ruleset.handle_access(AccessNet::from_all(abi)),
    }
}
