//! `wasi:random`: random to the guest, the same in a replay.
//!
//! The numbers are drawn from the run, task, round, attempt and agent. So an
//! attempt that runs again after a crash draws the same, and the same
//! component with the same input costs the same fuel. A guest must not make
//! keys or passwords of them: whoever knows the run's name can draw them too.

use ringfence_flow::{AgentName, RunId, TaskKey, TaskRequest};
use sha2::{Digest, Sha256};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use crate::broken::Misuse;
use crate::state::AttemptState;

/// The most random bytes in one call: the guest picks the number, the host
/// computes them without a pause.
const MAX_RANDOM: u64 = 1 << 20;

/// A stream of random bytes: SHA-256 in counter mode.
#[derive(Clone, Debug)]
pub(crate) struct Randomness {
    source: Source,
    counter: u64,
}

/// What the numbers come from. Most guests draw none, so the key is made when
/// the first one does.
#[derive(Clone, Debug)]
enum Source {
    Attempt {
        agent: AgentName,
        run: RunId,
        key: TaskKey,
        round: u32,
        attempt: u32,
    },
    Key([u8; 32]),
}

impl Source {
    fn key(&self) -> [u8; 32] {
        let (agent, run, key, round, attempt) = match self {
            Self::Key(key) => return *key,
            Self::Attempt {
                agent,
                run,
                key,
                round,
                attempt,
            } => (agent, run, key, round, attempt),
        };
        let mut hash = Sha256::new();
        for part in [agent.as_str(), run.as_str(), key.task.as_str()] {
            // The length keeps two lists of names apart that read the same.
            hash.update([part.len() as u8]);
            hash.update(part);
        }
        // An item counts from 0, no item is the one before.
        hash.update(key.item.map_or(0, |item| u64::from(item) + 1).to_le_bytes());
        hash.update(round.to_le_bytes());
        hash.update(attempt.to_le_bytes());
        hash.finalize().into()
    }
}

impl Randomness {
    /// What `agent` draws in an attempt at `request`.
    pub(crate) fn of(agent: &AgentName, request: &TaskRequest) -> Self {
        Self {
            source: Source::Attempt {
                agent: agent.clone(),
                run: request.run.clone(),
                key: request.key.clone(),
                round: request.round,
                attempt: request.attempt,
            },
            counter: 0,
        }
    }

    /// What an agent draws when it describes itself.
    pub(crate) const fn for_describe() -> Self {
        Self::from_key([0; 32])
    }

    const fn from_key(key: [u8; 32]) -> Self {
        Self {
            source: Source::Key(key),
            counter: 0,
        }
    }

    fn block(&mut self) -> [u8; 32] {
        let key = self.source.key();
        self.source = Source::Key(key);
        let mut hash = Sha256::new();
        hash.update(key);
        hash.update(self.counter.to_le_bytes());
        self.counter += 1;
        hash.finalize().into()
    }

    fn number(&mut self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.block();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            let block = self.block();
            let wanted = block.len().min(count - bytes.len());
            bytes.extend_from_slice(&block[..wanted]);
        }
        bytes
    }
}

impl AttemptState {
    fn random_bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        if count > MAX_RANDOM {
            return Err(Misuse(format!(
                "asked for {count} random bytes at once, and the most is {MAX_RANDOM}"
            ))
            .into());
        }
        self.memory.hold(count)?;
        self.memory.release(count);
        self.meter.copy(count as usize);
        Ok(self.random.bytes(count as usize))
    }
}

impl random::Host for AttemptState {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random.number())
    }
}

impl insecure::Host for AttemptState {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random.number())
    }
}

impl insecure_seed::Host for AttemptState {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.random.number(), self.random.number()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_draws_the_same_and_another_does_not() {
        let mut one = Randomness::from_key([1; 32]);
        let mut again = Randomness::from_key([1; 32]);
        let mut other = Randomness::from_key([2; 32]);
        let drawn = one.bytes(100);
        assert_eq!(drawn.len(), 100);
        assert_eq!(drawn, again.bytes(100));
        assert_ne!(drawn, other.bytes(100));
        assert_ne!(drawn, one.bytes(100), "the stream goes on");
    }
}
