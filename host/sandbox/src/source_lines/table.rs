//! The table: built from frames, kept as bytes, and looked up.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The most bytes that the table of one component may have. Whoever made the
/// component picks how many they are, the host keeps them while it is loaded. A
/// Rust agent with its libraries has some 300 KB; what is beyond has no lines.
pub(crate) const MAX_LEN: usize = 4 << 20;

/// The most that an entry of the table takes, beside its texts: four numbers of
/// five bytes.
const ENTRY_LEN: usize = 20;

/// The most frames of one instruction: functions that were inlined into each
/// other.
const MAX_DEPTH: usize = 64;

/// A function that an instruction belongs to, and the place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceFrame {
    /// The function's name, as the compiler wrote it.
    pub(crate) function: Option<String>,
    /// The file, without what is before the project on its author's disk.
    pub(crate) file: Option<String>,
    /// The line, from 1.
    pub(crate) line: Option<u32>,
}

/// The lines of a component, as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SourceLines(Arc<[u8]>);

impl SourceLines {
    /// Those that `bytes` hold; `None` if they are too many. That they are a
    /// table is found out when it is looked at.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= MAX_LEN).then(|| Self(bytes.into()))
    }

    /// Their bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// For each instruction, by its offset in the component's file, its frames,
    /// the innermost first; none where nothing is known.
    pub(crate) fn at(&self, offsets: &[Option<usize>]) -> Vec<Vec<SourceFrame>> {
        let table = postcard::from_bytes::<Table<'_>>(&self.0).ok();
        let frames = |offset: &Option<usize>| Some(table.as_ref()?.at((*offset)? as u64));
        offsets
            .iter()
            .map(|offset| frames(offset).unwrap_or_default())
            .collect()
    }
}

#[derive(Serialize, Deserialize)]
struct Table<'a> {
    #[serde(borrow)]
    texts: Vec<&'a str>,
    frames: Vec<Entry>,
    rows: Vec<Row>,
}

/// Numbers that count from 1; 0 is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Entry {
    function: u32,
    file: u32,
    line: u32,
    outer: u32,
}

#[derive(Serialize, Deserialize)]
struct Row {
    /// How far it is from the row before.
    step: u64,
    /// The frame from here to the next row.
    frame: u32,
}

impl Table<'_> {
    fn at(&self, offset: u64) -> Vec<SourceFrame> {
        let mut start = 0_u64;
        let mut frame = 0;
        for row in &self.rows {
            start = start.saturating_add(row.step);
            if start > offset {
                break;
            }
            frame = row.frame;
        }
        let mut frames = Vec::new();
        while let Some(entry) = nth(&self.frames, frame)
            && frames.len() < MAX_DEPTH
        {
            let text = |number| nth(&self.texts, number).map(|text| (*text).to_owned());
            frames.push(SourceFrame {
                function: text(entry.function),
                file: text(entry.file),
                line: (entry.line > 0).then_some(entry.line),
            });
            frame = entry.outer;
        }
        frames
    }
}

fn nth<T>(all: &[T], number: u32) -> Option<&T> {
    all.get(number.checked_sub(1)? as usize)
}

/// Makes the table.
#[derive(Default)]
pub(super) struct Builder {
    texts: Numbered<String>,
    frames: Numbered<Entry>,
    /// From and to, and the frame.
    rows: Vec<(u64, u64, u32)>,
    len: usize,
}

impl Builder {
    /// Adds the instructions from `start` to `end` with their frames, innermost
    /// first. Says whether there was room.
    pub(super) fn add(&mut self, start: u64, end: u64, frames: &[SourceFrame]) -> bool {
        if self.len + ENTRY_LEN > MAX_LEN {
            return false;
        }
        let mut outer = 0;
        for frame in frames.iter().take(MAX_DEPTH).rev() {
            let entry = Entry {
                function: self.text(frame.function.as_deref()),
                file: self.text(frame.file.as_deref()),
                line: frame.line.unwrap_or(0),
                outer,
            };
            let (number, is_new) = self.frames.number(entry);
            self.len += if is_new { ENTRY_LEN } else { 0 };
            outer = number;
        }
        match self.rows.last_mut() {
            Some((_, last_end, frame)) if *last_end == start && *frame == outer => *last_end = end,
            _ => {
                self.len += ENTRY_LEN;
                self.rows.push((start, end, outer));
            }
        }
        self.len <= MAX_LEN
    }

    fn text(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return 0 };
        let (number, is_new) = self.texts.number(text.to_owned());
        self.len += if is_new { text.len() + ENTRY_LEN } else { 0 };
        number
    }

    /// The table as bytes; none for a table of nothing, or for one that would
    /// be too long.
    pub(super) fn finish(mut self) -> SourceLines {
        if self.rows.is_empty() {
            return SourceLines::default();
        }
        self.rows.sort_by_key(|(start, ..)| *start);
        let table = Table {
            texts: self.texts.all.iter().map(String::as_str).collect(),
            rows: steps(&self.rows),
            frames: self.frames.all,
        };
        let bytes = postcard::to_allocvec(&table).unwrap_or_default();
        SourceLines::from_bytes(&bytes).unwrap_or_default()
    }
}

/// Rows from `ranges`, which are sorted, with one that ends each gap.
fn steps(ranges: &[(u64, u64, u32)]) -> Vec<Row> {
    let mut rows = Vec::with_capacity(ranges.len());
    let mut last = 0;
    let mut push = |at: u64, frame| {
        rows.push(Row {
            step: at - last,
            frame,
        });
        last = at;
    };
    for (index, (start, end, frame)) in ranges.iter().enumerate() {
        push(*start, *frame);
        let next = ranges.get(index + 1).map_or(u64::MAX, |next| next.0);
        if *end > *start && *end < next {
            push(*end, 0);
        }
    }
    rows
}

/// Things that are kept once, with numbers from 1.
struct Numbered<T> {
    all: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Numbered<T> {
    /// The number of `thing`, and whether it is new.
    fn number(&mut self, thing: T) -> (u32, bool) {
        if let Some(number) = self.numbers.get(&thing) {
            return (*number, false);
        }
        self.all.push(thing.clone());
        let number = u32::try_from(self.all.len()).unwrap_or(0);
        self.numbers.insert(thing, number);
        (number, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lines: &SourceLines, offset: usize) -> Vec<SourceFrame> {
        lines.at(&[Some(offset)]).remove(0)
    }

    fn frame(function: &str, line: u32) -> SourceFrame {
        SourceFrame {
            function: Some(function.to_owned()),
            file: Some("src/lib.rs".to_owned()),
            line: Some(line),
        }
    }

    #[test]
    fn an_instruction_has_the_frames_of_its_range() {
        let mut builder = Builder::default();
        let inlined = [frame("inner", 7), frame("outer", 3)];
        assert!(builder.add(200, 210, &[frame("later", 9)]));
        assert!(builder.add(100, 110, &inlined));
        assert!(builder.add(110, 120, &[frame("outer", 4)]));
        let lines = builder.finish();
        assert_eq!(at(&lines, 99), []);
        assert_eq!(at(&lines, 100), inlined);
        assert_eq!(at(&lines, 109), inlined);
        assert_eq!(at(&lines, 110), [frame("outer", 4)]);
        assert_eq!(at(&lines, 150), [], "a gap");
        assert_eq!(at(&lines, 205), [frame("later", 9)]);
        assert_eq!(at(&lines, usize::MAX), []);
    }

    #[test]
    fn what_is_not_known_stays_unknown() {
        let unknown = SourceFrame {
            function: None,
            file: None,
            line: None,
        };
        let mut builder = Builder::default();
        builder.add(0, 8, std::slice::from_ref(&unknown));
        assert_eq!(at(&builder.finish(), 4), [unknown]);
        assert_eq!(Builder::default().finish().as_bytes(), b"");
        assert_eq!(at(&SourceLines::default(), 4), []);
        assert_eq!(SourceLines::default().at(&[None, Some(1)]).len(), 2);
    }

    #[test]
    fn the_size_is_bounded() {
        let mut builder = Builder::default();
        let mut start = 0;
        while builder.add(
            start,
            start + 1,
            &[frame(&"f".repeat(1_000), start as u32 + 1)],
        ) {
            start += 2;
        }
        let lines = builder.finish();
        assert!(lines.as_bytes().len() <= MAX_LEN);
        assert!(at(&lines, 0).len() == 1 && start > 100_000, "{start}");
        assert!(SourceLines::from_bytes(&vec![0; MAX_LEN]).is_some());
        assert!(SourceLines::from_bytes(&vec![0; MAX_LEN + 1]).is_none());
    }

    #[test]
    fn bytes_that_are_no_table_say_nothing() {
        let mut builder = Builder::default();
        builder.add(100, 110, &[frame("f", 1)]);
        let whole = builder.finish();
        for len in 0..whole.as_bytes().len() {
            let part = SourceLines::from_bytes(&whole.as_bytes()[..len]).unwrap();
            assert_eq!(at(&part, 105), []);
        }
    }

    #[test]
    fn frames_that_turn_in_a_circle_end() {
        let table = Table {
            texts: vec!["f"],
            frames: vec![Entry {
                function: 1,
                file: 9,
                line: 0,
                outer: 1,
            }],
            rows: vec![Row { step: 1, frame: 1 }],
        };
        assert_eq!(table.at(5).len(), MAX_DEPTH);
    }
}
