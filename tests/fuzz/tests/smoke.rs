//! A bounded smoke of each target: its corpus, and mutations of it that are the
//! same each time. `cargo xtask fuzz` goes on from there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

use ringfence_fuzz::{Target, target};

/// Draws that are the same each time: xorshift.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn corpus(target: Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target.name);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "a corpus for {}", target.name);
    files.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// `bytes` with something changed: a bit, a byte, a piece that is left out,
/// doubled, or taken from elsewhere.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], draws: &mut Draws) {
    for _ in 0..=draws.below(4) {
        let at = draws.below(bytes.len() + 1);
        let len = draws.below(32).min(bytes.len() - at);
        match draws.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << draws.below(8),
            1 if at < bytes.len() => bytes[at] = draws.next() as u8,
            2 => drop(bytes.drain(at..at + len)),
            3 => {
                let piece = bytes[at..at + len].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => {
                let from = draws.below(other.len() + 1);
                let piece = &other[from..other.len().min(from + 1 + draws.below(64))];
                bytes.splice(at..at, piece.iter().copied());
            }
            _ => bytes.insert(at, draws.next() as u8),
        }
    }
}

fn smoke(name: &str) {
    let target = target(name);
    let corpus = corpus(target);
    for bytes in &corpus {
        (target.run)(bytes);
    }
    let mut draws = Draws(0x9e37_79b9_7f4a_7c15);
    let more = std::env::var("RINGFENCE_SMOKE").ok();
    let times: u32 = more.map_or(1, |text| text.parse().unwrap());
    for _ in 0..target.smoke * times {
        let mut bytes = corpus[draws.below(corpus.len())].clone();
        let other = &corpus[draws.below(corpus.len())];
        mutate(&mut bytes, other, &mut draws);
        (target.run)(&bytes);
    }
}

#[test]
fn workflow() {
    smoke("workflow");
}

#[test]
fn config() {
    smoke("config");
}

#[test]
fn expression() {
    smoke("expression");
}

#[test]
fn event() {
    smoke("event");
}

#[test]
fn component() {
    smoke("component");
}

#[test]
fn host_calls() {
    smoke("host-calls");
}
