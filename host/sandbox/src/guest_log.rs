//! The log of one attempt: bounded, and clean enough to print.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringfence_flow::{AttemptObserver, Budgets, LogLevel, LogLine, clean_text};

/// The longest message of one line, in bytes.
const MAX_MESSAGE: usize = 4 << 10;

/// How many fields of one line are kept.
const MAX_FIELDS: usize = 32;

/// The longest name and value of a field, in bytes.
const MAX_FIELD_NAME: usize = 64;
const MAX_FIELD_VALUE: usize = 1 << 10;

/// How much of the end of stderr is kept to explain a trap.
const TAIL: usize = 2 << 10;

/// One of the guest's two text streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Takes what a guest logs and prints, drops what is over the budget, and
/// hands the rest to the observer. Shared with the guest's text streams.
pub(crate) struct GuestLog {
    observer: Arc<dyn AttemptObserver>,
    state: Mutex<LogState>,
}

#[derive(Debug)]
struct LogState {
    lines_left: u32,
    bytes_left: u64,
    kept: u32,
    dropped: u32,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    tail: Vec<u8>,
}

/// How many lines there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogCounts {
    /// Lines that the observer got.
    pub(crate) kept: u32,
    /// Lines over the budget.
    pub(crate) dropped: u32,
}

impl GuestLog {
    /// An empty log.
    pub(crate) fn new(observer: Arc<dyn AttemptObserver>, budgets: &Budgets) -> Self {
        Self {
            observer,
            state: Mutex::new(LogState {
                lines_left: budgets.log_lines,
                bytes_left: budgets.log_bytes.as_u64(),
                kept: 0,
                dropped: 0,
                stdout: Vec::new(),
                stderr: Vec::new(),
                tail: Vec::new(),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line that the guest logs.
    pub(crate) fn line(&self, level: LogLevel, message: &str, fields: &[(String, String)]) {
        let mut state = self.state();
        if state.is_spent() {
            state.dropped = state.dropped.saturating_add(1);
            return;
        }
        let line = LogLine {
            level,
            message: one_line(message, MAX_MESSAGE).into(),
            fields: fields
                .iter()
                .take(MAX_FIELDS)
                .map(|(name, value)| {
                    (
                        one_line(name, MAX_FIELD_NAME).into(),
                        one_line(value, MAX_FIELD_VALUE).into(),
                    )
                })
                .collect(),
        };
        self.keep(&mut state, line);
    }

    /// Bytes that the guest prints. Each line becomes one of the log's.
    pub(crate) fn print(&self, stream: Stream, bytes: &[u8]) {
        let mut state = self.state();
        if stream == Stream::Stderr {
            state.remember(bytes);
        }
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            state.append(stream, &rest[..end]);
            rest = &rest[end + 1..];
            self.end_line(&mut state, stream);
        }
        state.append(stream, rest);
    }

    /// Ends lines that the guest left open.
    pub(crate) fn finish(&self) {
        let mut state = self.state();
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !state.open(stream).is_empty() {
                self.end_line(&mut state, stream);
            }
        }
    }

    /// The end of what the guest wrote to stderr: where its language puts a
    /// panic's message.
    pub(crate) fn stderr_tail(&self) -> String {
        let state = self.state();
        String::from_utf8_lossy(&state.tail).trim().to_owned()
    }

    /// How many lines there were so far.
    pub(crate) fn counts(&self) -> LogCounts {
        let state = self.state();
        LogCounts {
            kept: state.kept,
            dropped: state.dropped,
        }
    }

    fn end_line(&self, state: &mut LogState, stream: Stream) {
        let bytes = std::mem::take(state.open(stream));
        if state.is_spent() {
            state.dropped = state.dropped.saturating_add(1);
            return;
        }
        let (level, name) = match stream {
            Stream::Stdout => (LogLevel::Info, "stdout"),
            Stream::Stderr => (LogLevel::Warn, "stderr"),
        };
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        let line = LogLine {
            level,
            message: one_line(text, MAX_MESSAGE).into(),
            fields: Arc::new([("stream".into(), name.into())]),
        };
        self.keep(state, line);
    }

    fn keep(&self, state: &mut LogState, line: LogLine) {
        let fields = line
            .fields
            .iter()
            .map(|(name, value)| name.len() + value.len());
        let bytes = (line.message.len() + fields.sum::<usize>()) as u64;
        match state.bytes_left.checked_sub(bytes) {
            Some(left) => {
                state.bytes_left = left;
                state.lines_left -= 1;
                state.kept += 1;
                self.observer.log(line);
            }
            None => {
                // Shorter lines that follow are dropped too: a log with holes
                // of unknown size misleads more than one that ends.
                state.bytes_left = 0;
                state.lines_left = 0;
                state.dropped = state.dropped.saturating_add(1);
            }
        }
    }
}

impl LogState {
    fn is_spent(&self) -> bool {
        self.lines_left == 0
    }

    fn open(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    fn append(&mut self, stream: Stream, bytes: &[u8]) {
        let line = self.open(stream);
        let room = (MAX_MESSAGE + 1).saturating_sub(line.len());
        line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn remember(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(TAIL)..];
        let excess = (self.tail.len() + bytes.len()).saturating_sub(TAIL);
        self.tail.drain(..excess);
        self.tail.extend_from_slice(bytes);
    }
}

/// `text` cleaned, cut to `max` bytes, and with its line breaks written as an
/// escape: a guest must not be able to forge a line.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let clean = clean_text(text, max);
    if clean.contains('\n') {
        clean.replace('\n', "\\n")
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringfence_flow::{ByteSize, GrantDecision, Progress};

    #[derive(Default)]
    struct Lines(Mutex<Vec<LogLine>>);

    impl AttemptObserver for Lines {
        fn progress(&self, _: Progress) {}
        fn log(&self, line: LogLine) {
            self.0.lock().unwrap().push(line);
        }
        fn decision(&self, _: GrantDecision) {}
    }

    fn log(lines: u32, bytes: u64) -> (Arc<Lines>, GuestLog) {
        let seen = Arc::new(Lines::default());
        let budgets = Budgets {
            log_lines: lines,
            log_bytes: ByteSize::bytes(bytes),
            ..Budgets::default()
        };
        (Arc::clone(&seen), GuestLog::new(seen, &budgets))
    }

    fn messages(lines: &Lines) -> Vec<String> {
        let lines = lines.0.lock().unwrap();
        lines.iter().map(|line| line.message.to_string()).collect()
    }

    #[test]
    fn lines_over_the_budget_are_dropped_and_counted() {
        let (seen, log) = log(2, 1_000);
        for n in 0..5 {
            log.line(LogLevel::Info, &n.to_string(), &[]);
        }
        assert_eq!(messages(&seen), ["0", "1"]);
        assert_eq!(
            log.counts(),
            LogCounts {
                kept: 2,
                dropped: 3
            }
        );
    }

    #[test]
    fn bytes_over_the_budget_are_dropped_and_counted() {
        let (seen, log) = log(100, 10);
        log.line(LogLevel::Info, "12345", &[("ab".into(), "c".into())]);
        log.line(LogLevel::Info, "123", &[]);
        log.line(LogLevel::Info, "1", &[]);
        assert_eq!(messages(&seen), ["12345"]);
        assert_eq!(
            log.counts(),
            LogCounts {
                kept: 1,
                dropped: 2
            }
        );
    }

    #[test]
    fn a_guest_cannot_forge_a_line() {
        let (seen, log) = log(10, 1_000);
        log.line(LogLevel::Info, "a\nERROR b\x1b[2K", &[]);
        assert_eq!(messages(&seen), [r"a\nERROR b\u{1b}[2K"]);
    }

    #[test]
    fn printed_lines_are_put_together_from_pieces() {
        let (seen, log) = log(10, 1_000);
        log.print(Stream::Stdout, b"one\r\ntw");
        log.print(Stream::Stderr, b"other");
        log.print(Stream::Stdout, b"o\nopen");
        log.finish();
        assert_eq!(messages(&seen), ["one", "two", "open", "other"]);
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let (seen, log) = log(10, 1 << 20);
        for _ in 0..1_000 {
            log.print(Stream::Stdout, &[b'x'; 1_000]);
        }
        log.finish();
        let messages = messages(&seen);
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].len(), MAX_MESSAGE + 3);
    }

    #[test]
    fn the_end_of_stderr_is_remembered_when_lines_are_dropped() {
        let (_, log) = log(0, 0);
        log.print(Stream::Stderr, &[b'x'; 3 * TAIL]);
        log.print(Stream::Stderr, b"\npanicked at here");
        let tail = log.stderr_tail();
        assert_eq!(tail.len(), TAIL);
        assert!(tail.ends_with("x\npanicked at here"));
    }
}
