//! What compiling one component may cost.

use std::time::Duration;

use ringfence_flow::ByteSize;

/// What compiling one component may cost. Whoever drops a component picks
/// what it takes to compile it, and the host pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompileLimits {
    /// Address space of the process that compiles. Default 2 GiB. Only on
    /// Unix, and not on macOS, see
    /// [`missing_protections`](crate::missing_protections).
    pub memory: ByteSize,
    /// Time on a core, all threads together, rounded up to seconds. Default
    /// 60 s. Only on Unix.
    pub cpu: Duration,
    /// Time on the clock. Default 10 minutes: it is there for a process that waits,
    /// and many others may share the cores.
    pub wall: Duration,
    /// Size of the compiled code. Default 1 GiB.
    pub code: ByteSize,
    /// Threads of the process that compiles. Each takes up to 128 MiB of
    /// address space. Default 4.
    pub threads: u32,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            memory: ByteSize::mib(2048),
            cpu: Duration::from_secs(60),
            wall: Duration::from_secs(600),
            code: ByteSize::mib(1024),
            threads: 4,
        }
    }
}

/// What the parent tells the child before the component: three numbers of
/// eight bytes, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChildHeader {
    /// Bytes of address space.
    pub(crate) memory: u64,
    /// Seconds of time on a core.
    pub(crate) cpu_seconds: u64,
    /// Threads.
    pub(crate) threads: u64,
}

impl ChildHeader {
    /// Its length in bytes.
    pub(crate) const LEN: usize = 24;

    pub(crate) fn encode(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (memory, rest) = bytes.split_at_mut(8);
        let (cpu, threads) = rest.split_at_mut(8);
        memory.copy_from_slice(&self.memory.to_le_bytes());
        cpu.copy_from_slice(&self.cpu_seconds.to_le_bytes());
        threads.copy_from_slice(&self.threads.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: [u8; Self::LEN]) -> Self {
        let number = |index: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[index * 8..index * 8 + 8]);
            u64::from_le_bytes(number)
        };
        Self {
            memory: number(0),
            cpu_seconds: number(1),
            threads: number(2),
        }
    }
}

impl From<&CompileLimits> for ChildHeader {
    fn from(limits: &CompileLimits) -> Self {
        Self {
            memory: limits.memory.as_u64(),
            cpu_seconds: limits.cpu.as_millis().div_ceil(1000).max(1) as u64,
            threads: u64::from(limits.threads.max(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_comes_back_as_it_went() {
        let limits = CompileLimits {
            cpu: Duration::from_millis(1_001),
            ..CompileLimits::default()
        };
        let header = ChildHeader::from(&limits);
        assert_eq!(header.cpu_seconds, 2, "rounded up");
        assert_eq!(ChildHeader::decode(header.encode()), header);
    }
}
