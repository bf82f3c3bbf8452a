//! Entries of a run as rows of the file.
//!
//! Entries of one run look much alike, so those that are committed at once are packed:
//! as lines of JSON, compressed. What takes long in a commit is what SQLite does for
//! each row, and what the disk does for each page.

use std::borrow::Cow;

use ringfence_flow::JournalEntry;

/// The most text of a row, in bytes; an entry that is longer lies beside the file.
pub(crate) const LONGEST: usize = 64 * 1024;

/// An entry that is alone and no longer than this many bytes stays text: a row of it
/// fits a page as it is, and people can read it.
const PLAIN: usize = 2 * 1024;

/// How a packed body begins. Text begins with a brace.
const PACKED: u8 = 1;

/// A row with one or more entries.
#[derive(Debug)]
pub(crate) struct Row {
    /// The number of the first entry in its run.
    pub(crate) number: u64,
    /// The number of the first event of that entry.
    pub(crate) first: u64,
    /// The entries.
    pub(crate) body: Body,
}

/// Where entries are, and how.
#[derive(Debug)]
pub(crate) enum Body {
    /// In the row, as [`text`] reads it.
    Inside(Vec<u8>),
    /// One entry as JSON, to lie beside the file.
    Beside(Vec<u8>),
}

/// Gives `take` the rows for entries of one run, which come in order with their numbers.
pub(crate) fn pack<'a, E: From<serde_json::Error>>(
    entries: impl Iterator<Item = (u64, &'a JournalEntry)>,
    mut take: impl FnMut(Row) -> Result<(), E>,
) -> Result<(), E> {
    let mut gathered = Gathered::default();
    for (number, entry) in entries {
        let line = gathered.add(number, entry)?;
        if gathered.text.len() <= LONGEST {
            continue;
        }
        let mut last = gathered.split_off(line, number, entry.first);
        if !gathered.text.is_empty() {
            take(gathered.row())?;
        }
        if last.text.len() > LONGEST {
            take(Row {
                number,
                first: entry.first,
                body: Body::Beside(std::mem::take(&mut last.text)),
            })?;
        }
        gathered = last;
    }
    match gathered.text.is_empty() {
        true => Ok(()),
        false => take(gathered.row()),
    }
}

/// The entries of the next row.
#[derive(Default)]
struct Gathered {
    number: u64,
    first: u64,
    /// One in each line.
    text: Vec<u8>,
}

impl Gathered {
    /// Adds an entry, and says where its line begins.
    fn add(&mut self, number: u64, entry: &JournalEntry) -> serde_json::Result<usize> {
        if self.text.is_empty() {
            (self.number, self.first) = (number, entry.first);
        } else {
            self.text.push(b'\n');
        }
        let line = self.text.len();
        serde_json::to_writer(&mut self.text, entry)?;
        Ok(line)
    }

    /// Takes the last line off.
    fn split_off(&mut self, line: usize, number: u64, first: u64) -> Self {
        let text = self.text.split_off(line);
        // With the line break before it.
        self.text.pop();
        Self {
            number,
            first,
            text,
        }
    }

    fn row(&self) -> Row {
        let stays_text = self.text.len() <= PLAIN && !self.text.contains(&b'\n');
        let body = if stays_text {
            self.text.clone()
        } else {
            compress(&self.text)
        };
        Row {
            number: self.number,
            first: self.first,
            body: Body::Inside(body),
        }
    }
}

fn compress(text: &[u8]) -> Vec<u8> {
    let mut body = vec![PACKED];
    body.append(&mut lz4_flex::block::compress_prepend_size(text));
    body
}

/// The text of a row's body: an entry in each line.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn text(body: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let Some((&PACKED, packed)) = body.split_first() else {
        return Ok(body.into());
    };
    // Asked first: it is allocated before anything is read.
    match lz4_flex::block::uncompressed_size(packed) {
        Ok((length, _)) if length > LONGEST => Err(format!("{length} bytes are no row")),
        _ => lz4_flex::block::decompress_size_prepended(packed)
            .map(Cow::from)
            .map_err(|error| error.to_string()),
    }
}

/// The entries of a row's text, each as JSON.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringfence_flow::{
        AgentName, LogLevel, LogLine, RunEventKind, RunPath, TaskId, TaskKey, Timestamp,
    };

    /// An entry whose JSON is longer than its text by [`around`] bytes.
    fn entry(number: u64, text: &str) -> JournalEntry {
        JournalEntry {
            first: number + 1,
            at: Timestamp::default(),
            path: RunPath::outermost(),
            input: None,
            events: vec![RunEventKind::AttemptLog {
                key: TaskKey::single(TaskId::new("t").unwrap()),
                agent: AgentName::new("a").unwrap(),
                attempt: 1,
                line: LogLine {
                    level: LogLevel::Info,
                    message: text.into(),
                    fields: std::sync::Arc::default(),
                },
            }],
        }
    }

    fn around() -> usize {
        serde_json::to_vec(&entry(0, "")).unwrap().len()
    }

    fn packed(entries: &[JournalEntry]) -> Vec<Row> {
        let mut rows = Vec::new();
        pack((0..).zip(entries), |row| {
            rows.push(row);
            Ok::<_, serde_json::Error>(())
        })
        .unwrap();
        rows
    }

    /// The body of each row, if it is inside.
    fn bodies(rows: Vec<Row>) -> Vec<Option<Vec<u8>>> {
        let body = |row: Row| match row.body {
            Body::Inside(body) => Some(body),
            Body::Beside(_) => None,
        };
        rows.into_iter().map(body).collect()
    }

    fn read(body: &[u8]) -> Vec<JournalEntry> {
        let text = text(body).unwrap();
        lines(&text)
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    #[test]
    fn what_is_kept_at_once_is_one_row_and_smaller() {
        let entries: Vec<_> = (0..100).map(|n| entry(n, "as the last time")).collect();
        let rows = packed(&entries);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].number, rows[0].first), (0, 1));
        let body = bodies(rows).remove(0).unwrap();
        assert!(body.len() < 100 * around() / 5, "{}", body.len());
        assert_eq!(read(&body), entries);
    }

    #[test]
    fn a_row_is_full_at_its_longest_and_no_sooner() {
        let half = LONGEST / 2 - around();
        // The line break between them is one byte.
        for (second, expected) in [(half - 1, 1), (half, 2)] {
            let entries = [entry(0, &"x".repeat(half)), entry(1, &"y".repeat(second))];
            let rows = packed(&entries);
            let begins: Vec<_> = rows.iter().map(|row| (row.number, row.first)).collect();
            assert_eq!(begins, [(0, 1), (1, 2)][..expected]);
            let read: Vec<_> = bodies(rows)
                .into_iter()
                .flat_map(|body| read(&body.unwrap()))
                .collect();
            assert_eq!(read, entries);
        }
    }

    #[test]
    fn an_entry_that_is_too_long_lies_beside_and_those_around_it_stay_in_order() {
        let longest = LONGEST - around();
        for (length, is_beside) in [(longest, false), (longest + 1, true)] {
            let entries = [entry(0, "a"), entry(1, &"x".repeat(length)), entry(2, "b")];
            let rows = packed(&entries);
            let numbers: Vec<_> = rows.iter().map(|row| row.number).collect();
            assert_eq!(numbers, [0, 1, 2]);
            let bodies = bodies(rows);
            assert_eq!(bodies[1].is_none(), is_beside);
            assert_eq!(read(bodies[2].as_deref().unwrap()), entries[2..]);
        }
    }

    #[test]
    fn a_short_entry_alone_stays_text() {
        for (length, is_text) in [(PLAIN, true), (PLAIN + 1, false)] {
            let entries = [entry(0, &"x".repeat(length - around()))];
            let body = bodies(packed(&entries)).remove(0).unwrap();
            assert_eq!(body.starts_with(b"{"), is_text);
            assert_eq!(read(&body), entries);
        }
    }

    #[test]
    fn nothing_is_no_row() {
        assert!(packed(&[]).is_empty());
    }

    #[test]
    fn a_damaged_row_is_no_text_and_takes_no_memory() {
        let entries: Vec<_> = (0..9).map(|n| entry(n, "a")).collect();
        let body = bodies(packed(&entries)).remove(0).unwrap();
        let cut = body[..body.len() - 9].to_vec();
        assert!(text(&cut).is_err());
        assert!(text(&[PACKED]).is_err());
        let mut huge = body;
        huge[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(text(&huge).unwrap_err(), "4294967295 bytes are no row");
    }
}
