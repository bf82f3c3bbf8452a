//! Takes, grows, shrinks and gives back blocks of all sizes in no order, and looks
//! whether each still holds what was written to it.

use ringfence_sdk::prelude::*;

struct Churn;

/// What to do.
#[derive(Deserialize)]
struct Input {
    /// How many times.
    steps: u32,
    /// How large a block may be, in bytes.
    largest: usize,
    /// Texts that the host put into the memory.
    texts: Vec<String>,
}

/// How many blocks there are at once, at most.
const BLOCKS: usize = 400;

/// A block and what each of its bytes is.
struct Block {
    bytes: Vec<u8>,
    mark: u8,
}

impl Block {
    fn new(size: usize, mark: u8) -> Self {
        Self {
            bytes: vec![mark; size],
            mark,
        }
    }

    fn check(&self) {
        assert!(
            self.bytes.iter().all(|byte| *byte == self.mark),
            "a block of {} bytes holds something else",
            self.bytes.len()
        );
    }
}

/// Numbers in no order (Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most.max(1)
    }
}

impl Agent for Churn {
    type Input = Input;
    type Output = usize;

    fn describe() -> Description {
        Description::new(
            "churn",
            env!("CARGO_PKG_VERSION"),
            "uses memory in no order",
        )
        .role("test")
        .role("churn")
    }

    fn execute(input: Input, _: &Context) -> Result<Outcome<usize>, Failure> {
        let mut numbers = Numbers(7);
        let mut blocks: Vec<Block> = Vec::new();
        // What the host put there grows and goes like anything else.
        let mut texts = input.texts;
        for step in 0..input.steps {
            let size = numbers.below(input.largest);
            if blocks.len() < BLOCKS {
                blocks.push(Block::new(size, step as u8));
                continue;
            }
            let at = numbers.below(blocks.len());
            blocks[at].check();
            match numbers.below(4) {
                0 => drop(blocks.swap_remove(at)),
                1 => {
                    let mark = blocks[at].mark;
                    blocks[at].bytes.resize(size, mark);
                }
                2 => {
                    blocks[at].bytes.truncate(size);
                    blocks[at].bytes.shrink_to_fit();
                }
                _ => {
                    blocks[at] = Block::new(size, step as u8);
                    texts.pop();
                    if let Some(text) = texts.last_mut() {
                        text.push('.');
                    }
                }
            }
        }
        blocks.iter().for_each(Block::check);
        Ok(Outcome::completed(blocks.len()))
    }
}

ringfence_sdk::register!(Churn);
