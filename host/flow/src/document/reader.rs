//! Reads values out of the tree and notes everything that is wrong with them.

use std::collections::HashMap;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use super::Keys;
use crate::diagnostic::{Diagnostic, Source, TextSpan};
use crate::yaml::{Entry, Node, NodeKind};
use crate::{ByteSize, Fuel, InvalidId, Rate, parse_duration, suggest};

/// The most errors that are told at once.
const MAX_ERRORS: usize = 100;

/// Reads the values of one file.
#[derive(Debug)]
pub struct Reader<'a> {
    source: &'a Source<'a>,
    errors: Vec<Diagnostic>,
}

/// The entries of a map by key.
#[derive(Debug)]
pub struct Fields<'n> {
    entries: HashMap<&'n str, &'n Entry>,
    what: &'static str,
    range: Range<usize>,
}

impl<'n> Fields<'n> {
    /// The value of a key, if it is there.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// Where a key stands, if it is there.
    #[must_use]
    pub fn key_range(&self, key: &str) -> Option<Range<usize>> {
        self.entries.get(key).map(|entry| entry.key.range.clone())
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(source: &'a Source<'a>, errors: Vec<Diagnostic>) -> Self {
        Self { source, errors }
    }

    /// Notes something that is wrong.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.errors.push(diagnostic);
    }

    /// The place of these bytes.
    #[must_use]
    pub fn span(&self, range: &Range<usize>) -> TextSpan {
        self.source.span(range.clone())
    }

    /// What stands at these bytes.
    #[must_use]
    pub fn text_at(&self, range: &Range<usize>) -> &'a str {
        self.source.text.get(range.clone()).unwrap_or_default()
    }

    /// All errors in the order of the file.
    #[must_use]
    pub fn into_errors(mut self) -> Vec<Diagnostic> {
        self.errors
            .sort_by_key(|error| (error.span.start, error.span.end));
        self.errors.dedup();
        let more = self.errors.len().saturating_sub(MAX_ERRORS);
        if more > 0 {
            self.errors.truncate(MAX_ERRORS);
            let end = self.source.text.len();
            let message = format!("there are {more} more errors");
            let last = Diagnostic::new("too-many-errors", message, self.source.span(end..end));
            self.errors
                .push(last.hinting("mend these first".to_owned()));
        }
        self.errors
    }

    /// Whether something is wrong so far.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Notes that `key` has a value of another type than `wanted`, which is a few
    /// words with an article; `example` is a value that would do.
    pub fn wrong_type(&mut self, node: &Node, key: &str, wanted: &str, example: &str) {
        let found = node.describe();
        let message = match node.kind {
            NodeKind::Null => format!("`{key}` is empty; it is to be {wanted}"),
            _ => format!("`{key}` is {found}; it is to be {wanted}"),
        };
        let diagnostic = Diagnostic::new("wrong-type", message, self.span(&node.range))
            .labelled(format!("this is {found}"))
            .hinting(Some(format!("for example `{key}: {example}`")));
        self.report(diagnostic);
    }

    /// The entries of a map that has only keys of `keys`. `key` is shown as it
    /// is.
    pub fn fields<'n>(&mut self, node: &'n Node, key: &str, keys: &Keys) -> Option<Fields<'n>> {
        let NodeKind::Map(entries) = &node.kind else {
            let known = suggest::list(keys.known.iter().copied(), 32);
            let found = match node.kind {
                NodeKind::Null => "empty",
                _ => node.describe(),
            };
            let message = format!("{key} is {found}; it is to be a map");
            let diagnostic = Diagnostic::new("wrong-type", message, self.span(&node.range));
            self.report(diagnostic.hinting(Some(format!("its keys are {known}"))));
            return None;
        };
        for entry in entries {
            self.check_key(entry, keys);
        }
        Some(Fields {
            entries: entries
                .iter()
                .map(|entry| (entry.key.text.as_str(), entry))
                .collect(),
            what: keys.what,
            range: node.range.clone(),
        })
    }

    fn check_key(&mut self, entry: &Entry, keys: &Keys) {
        let key = entry.key.text.as_str();
        if keys.known.contains(&key) {
            return;
        }
        let span = self.span(&entry.key.range);
        if keys.later.contains(&key) {
            let message = format!("`{key}` of {} is not supported by this version", keys.what);
            self.report(
                Diagnostic::new("unsupported-key", message, span).hinting("remove it".to_owned()),
            );
            return;
        }
        let near = suggest::nearest(key, keys.known.iter().copied());
        let hint = near.map_or_else(
            || {
                format!(
                    "its keys are {}",
                    suggest::list(keys.known.iter().copied(), 32)
                )
            },
            |near| format!("did you mean `{near}`?"),
        );
        let message = match key {
            "<<" => "merge keys are not supported".to_owned(),
            _ => format!("`{key}` is no key of {}", keys.what),
        };
        self.report(Diagnostic::new("unknown-key", message, span).hinting(Some(hint)));
    }

    /// The value of a key that has to be there. Where it is not, `blame` is the
    /// place that is shown, or else where the map begins.
    pub fn required<'n>(
        &mut self,
        fields: &Fields<'n>,
        key: &str,
        blame: Option<&Range<usize>>,
        example: &str,
    ) -> Option<&'n Node> {
        let found = fields.get(key);
        if found.is_none() {
            let start = fields.range.start;
            let place = blame.cloned().unwrap_or(start..start);
            let message = format!("{} has no `{key}`", fields.what);
            let diagnostic = Diagnostic::new("missing-key", message, self.span(&place));
            self.report(diagnostic.hinting(Some(format!("add `{key}: {example}`"))));
        }
        found
    }

    /// A text.
    pub fn text<'n>(&mut self, node: &'n Node, key: &str, example: &str) -> Option<&'n str> {
        if let NodeKind::Text { text, .. } = &node.kind {
            return Some(text);
        }
        self.wrong_type(node, key, "a text", example);
        None
    }

    /// A name: of a task, a role, an agent, a mount, an input.
    pub fn name<T: FromStr<Err = InvalidId>>(&mut self, node: &Node, key: &str) -> Option<T> {
        let text = self.text(node, key, "some-name")?;
        let range = node.range.clone();
        self.name_of(text, &range)
    }

    /// The same for a text that stands at `range`.
    pub fn name_of<T: FromStr<Err = InvalidId>>(
        &mut self,
        text: &str,
        range: &Range<usize>,
    ) -> Option<T> {
        match text.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                let better = kebab(text);
                let hint = better
                    .parse::<T>()
                    .is_ok()
                    .then(|| format!("for example `{better}`"));
                let diagnostic =
                    Diagnostic::new("invalid-name", error.to_string(), self.span(range));
                self.report(diagnostic.hinting(hint));
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, node: &Node, key: &str) -> Option<bool> {
        if let NodeKind::Bool(value) = node.kind {
            return Some(value);
        }
        self.wrong_type(node, key, "`true` or `false`", "true");
        None
    }

    /// A duration that is longer than nothing.
    pub fn duration(&mut self, node: &Node, key: &str) -> Option<Duration> {
        let text = match &node.kind {
            NodeKind::Text { text, .. } => text,
            NodeKind::Number(number) => {
                self.wrong_type(node, key, "a duration with a unit", &format!("{number}s"));
                return None;
            }
            _ => {
                self.wrong_type(node, key, "a duration", "30s");
                return None;
            }
        };
        match parse_duration(text) {
            Ok(Duration::ZERO) => self.is_zero(node, key),
            Ok(duration) => Some(duration),
            Err(error) => self.invalid("invalid-duration", node, &error.to_string()),
        }
    }

    /// A size in bytes with a unit; nothing at all only where `zero` allows it.
    pub fn size(&mut self, node: &Node, key: &str, zero: bool) -> Option<ByteSize> {
        let text = match &node.kind {
            NodeKind::Text { text, .. } => text,
            NodeKind::Number(number) => {
                self.wrong_type(node, key, "a size with a unit", &format!("{number}MiB"));
                return None;
            }
            _ => {
                self.wrong_type(node, key, "a size", "64MiB");
                return None;
            }
        };
        match text.parse::<ByteSize>() {
            Ok(size) if size.as_u64() == 0 && !zero => self.is_zero(node, key),
            Ok(size) => Some(size),
            Err(error) => self.invalid("invalid-size", node, &error.to_string()),
        }
    }

    /// An amount of fuel that is more than nothing.
    pub fn fuel(&mut self, node: &Node, key: &str) -> Option<Fuel> {
        let text = match &node.kind {
            NodeKind::Text { text, .. } => text.clone(),
            NodeKind::Number(number) => number.to_string(),
            _ => {
                self.wrong_type(node, key, "an amount of fuel", "10G");
                return None;
            }
        };
        match text.parse::<Fuel>() {
            Ok(fuel) if fuel.as_u64() == 0 => self.is_zero(node, key),
            Ok(fuel) => Some(fuel),
            Err(error) => self.invalid("invalid-fuel", node, &error.to_string()),
        }
    }

    /// A number for a period.
    pub fn rate(&mut self, node: &Node, key: &str) -> Option<Rate> {
        match &node.kind {
            NodeKind::Text { text, .. } => match text.parse::<Rate>() {
                Ok(rate) => Some(rate),
                Err(error) => self.invalid("invalid-rate", node, &error.to_string()),
            },
            NodeKind::Number(number) => {
                self.wrong_type(node, key, "a rate with a period", &format!("{number}/s"));
                None
            }
            _ => {
                self.wrong_type(node, key, "a rate", "10/s");
                None
            }
        }
    }

    /// A whole number in a range.
    pub fn count(&mut self, node: &Node, key: &str, legal: Range<u32>) -> Option<u32> {
        let NodeKind::Number(number) = &node.kind else {
            self.wrong_type(node, key, "a whole number", &legal.start.max(1).to_string());
            return None;
        };
        let count = number.as_u64().and_then(|n| u32::try_from(n).ok());
        match count.filter(|count| legal.contains(count)) {
            Some(count) => Some(count),
            None => {
                let last = legal.end.saturating_sub(1);
                let message = format!(
                    "`{key}` is a whole number from {} to {last}, not {number}",
                    legal.start
                );
                self.invalid("invalid-number", node, &message)
            }
        }
    }

    /// A number in a range.
    pub fn number(&mut self, node: &Node, key: &str, least: f64, most: f64) -> Option<f64> {
        let NodeKind::Number(number) = &node.kind else {
            self.wrong_type(node, key, "a number", "2");
            return None;
        };
        match number
            .as_f64()
            .filter(|value| (least..=most).contains(value))
        {
            Some(value) => Some(value),
            None => {
                let message = format!("`{key}` is a number from {least} to {most}, not {number}");
                self.invalid("invalid-number", node, &message)
            }
        }
    }

    /// One of a few words.
    pub fn word<T: Copy>(&mut self, node: &Node, key: &str, words: &[(&str, T)]) -> Option<T> {
        let names = || words.iter().map(|(word, _)| *word);
        let NodeKind::Text { text, .. } = &node.kind else {
            let wanted = format!("one of {}", suggest::list(names(), 16));
            self.wrong_type(
                node,
                key,
                &wanted,
                words.first().map_or("", |(word, _)| *word),
            );
            return None;
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| word == text) {
            return Some(*value);
        }
        let hint = suggest::nearest(text, names()).map_or_else(
            || format!("it is one of {}", suggest::list(names(), 16)),
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("`{text}` is no value of `{key}`");
        let diagnostic = Diagnostic::new("unknown-value", message, self.span(&node.range));
        self.report(diagnostic.hinting(Some(hint)));
        None
    }

    /// The items of a list; anything else is a list of one.
    pub fn items<'n>(&mut self, node: &'n Node, key: &str) -> Vec<&'n Node> {
        match &node.kind {
            NodeKind::List(items) => items.iter().collect(),
            NodeKind::Null | NodeKind::Map(_) => {
                self.wrong_type(node, key, "a list of names", "[some-name]");
                Vec::new()
            }
            _ => vec![node],
        }
    }

    /// Names of a list, each with its place, none twice.
    pub fn names<T: FromStr<Err = InvalidId> + PartialEq + std::fmt::Display>(
        &mut self,
        node: &Node,
        key: &str,
    ) -> Vec<(T, Range<usize>)> {
        let mut found: Vec<(T, Range<usize>)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for item in self.items(node, key) {
            let Some(name) = self.name::<T>(item, key) else {
                continue;
            };
            if seen.insert(name.to_string()) {
                found.push((name, item.range.clone()));
                continue;
            }
            let mut diagnostic = Diagnostic::new(
                "duplicate-name",
                format!("`{key}` names `{name}` twice"),
                self.span(&item.range),
            )
            .hinting("remove one of them".to_owned());
            if let Some((_, first)) = found.iter().find(|(other, _)| *other == name) {
                diagnostic = diagnostic.also(self.span(first), "first here");
            }
            self.report(diagnostic);
        }
        found
    }

    fn is_zero<T>(&mut self, node: &Node, key: &str) -> Option<T> {
        self.invalid("zero-limit", node, &format!("`{key}` cannot be zero"))
    }

    fn invalid<T>(&mut self, code: &'static str, node: &Node, message: &str) -> Option<T> {
        // These errors carry what to write after a semicolon.
        let (message, hint) = match message.split_once("; ") {
            Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
            None => (message.to_owned(), None),
        };
        let diagnostic = Diagnostic::new(code, message, self.span(&node.range));
        self.report(diagnostic.hinting(hint));
        None
    }
}

/// The text as an identifier, as far as that goes.
fn kebab(text: &str) -> String {
    let mut out = String::new();
    let mut lower_before = false;
    for c in text.chars().take(crate::MAX_ID_LEN) {
        if c.is_ascii_uppercase() && lower_before {
            out.push('-');
        }
        lower_before = c.is_ascii_lowercase() || c.is_ascii_digit();
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '-' | '_') => out.push(c),
            _ if out.ends_with('-') => {}
            _ => out.push('-'),
        }
    }
    out.trim_matches(|c: char| c == '-' || c.is_ascii_digit())
        .to_owned()
}
