//! Which engines can run which compiled code.

use std::fmt;
use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};
use wasmtime::Engine;

/// What compiled code and an engine have in common when the engine can run
/// the code: the compiler's version, target, settings and features.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compatibility([u8; Self::LEN]);

impl Compatibility {
    /// Its length in bytes.
    pub(crate) const LEN: usize = 32;

    /// That of the code which `engine` makes and runs.
    pub(crate) fn of(engine: &Engine) -> Self {
        let mut hasher = DigestHasher(Sha256::new_with_prefix(env!("CARGO_PKG_VERSION")));
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Self(hasher.0.finalize().into())
    }

    /// Its bytes.
    pub(crate) const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for Compatibility {
    /// The first 16 hexadecimal digits: enough to tell folders apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Compatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Keeps all bits of what is hashed: 64 would let two engines meet by chance.
struct DigestHasher(Sha256);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not used: the whole digest is taken instead.
    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{compile_config, pooled};

    #[test]
    fn who_compiles_and_who_runs_are_compatible() {
        let compiling = Engine::new(&compile_config()).unwrap();
        let running = pooled(1).unwrap();
        assert_eq!(Compatibility::of(&compiling), Compatibility::of(&running));
    }

    #[test]
    fn another_configuration_is_not_compatible() {
        let engine = Engine::new(&compile_config()).unwrap();
        let mut config = compile_config();
        config.consume_fuel(false);
        let other = Engine::new(&config).unwrap();
        assert_ne!(Compatibility::of(&engine), Compatibility::of(&other));
    }
}
