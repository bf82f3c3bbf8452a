//! Reads the tables and values of a TOML document, and collects what is wrong
//! with them instead of stopping at the first.

use std::collections::BTreeSet;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use miette::NamedSource;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::ConfigProblem;

/// A value and its place in the file.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// The problems of one file, as they are found.
pub(super) struct Problems {
    source: Arc<NamedSource<Arc<str>>>,
    found: Vec<ConfigProblem>,
}

impl Problems {
    pub(super) fn new(name: &str, text: &str) -> Self {
        Self {
            source: Arc::new(NamedSource::new(name, Arc::from(text)).with_language("toml")),
            found: Vec::new(),
        }
    }

    /// Notes one. `label` stands below the place in the picture.
    pub(super) fn add(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        let problem = ConfigProblem::new(
            &self.source,
            span,
            message.into(),
            label.into(),
            hint.into(),
        );
        // Two syntax errors at one place are one to whoever mends it.
        if !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn into_found(self) -> Vec<ConfigProblem> {
        self.found
    }
}

/// One table of the file, and its name for messages.
#[derive(Clone)]
pub(super) struct Table<'d, 'i> {
    /// Its name as the file has it, for example `[agents.security]`; empty
    /// for the file itself.
    pub(super) name: String,
    entries: &'d DeTable<'i>,
}

impl<'d, 'i> Table<'d, 'i> {
    pub(super) fn root(document: &'d Spanned<DeTable<'i>>) -> Self {
        Self {
            name: String::new(),
            entries: document.get_ref(),
        }
    }

    /// `value` as a table.
    pub(super) fn of(name: String, value: &'d Value<'i>, problems: &mut Problems) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(entries) => Some(Self { name, entries }),
            other => {
                let hint = format!("write `{name}` and below it one key a line");
                problems.add(
                    value.span(),
                    format!("`{name}` is a table, and this is {}", kind(other)),
                    "not a table",
                    hint,
                );
                None
            }
        }
    }

    /// The value of `key`.
    pub(super) fn get(&self, key: &str) -> Option<&'d Value<'i>> {
        self.entries.get(key)
    }

    /// The table `key`, if it is there.
    pub(super) fn table(&self, key: &str, problems: &mut Problems) -> Option<Self> {
        let value = self.get(key)?;
        Self::of(self.name_of_table(key), value, problems)
    }

    /// What a table below this one is called.
    pub(super) fn name_of_table(&self, key: &str) -> String {
        match self.name.strip_suffix(']') {
            Some(name) => format!("{name}.{key}]"),
            None => format!("[{key}]"),
        }
    }

    /// The keys with their places and values.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'d str, Range<usize>, &'d Value<'i>)> {
        self.entries
            .iter()
            .map(|(key, value)| (&**key.get_ref(), key.span(), value))
    }

    /// Notes each key that is not `known`, with the nearest that is.
    pub(super) fn check_keys(&self, known: &[&str], problems: &mut Problems) {
        for (key, span, _) in self.entries() {
            if known.contains(&key) {
                continue;
            }
            let place = match self.name.as_str() {
                "" => "the configuration".to_owned(),
                name => format!("`{name}`"),
            };
            problems.add(
                span,
                format!("{place} has no key `{key}`"),
                "unknown key",
                suggest(key, known),
            );
        }
    }

    /// The text at `key`, parsed.
    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        key: &str,
        example: &str,
        problems: &mut Problems,
    ) -> Option<T> {
        self.parsed_with(key, example, str::parse, problems)
    }

    /// The text at `key`, parsed by `parse`. An error's text says what is
    /// wrong, and after a semicolon what to write.
    pub(super) fn parsed_with<T, E: std::fmt::Display>(
        &self,
        key: &str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
        problems: &mut Problems,
    ) -> Option<T> {
        let value = self.get(key)?;
        let text = text(key, value, example, problems)?;
        match parse(text) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                let error = error.to_string();
                let (message, hint) = match error.split_once("; ") {
                    Some((message, hint)) => (message, hint.to_owned()),
                    None => (&*error, format!("for example `{key} = {example}`")),
                };
                problems.add(value.span(), message, "", hint);
                None
            }
        }
    }

    /// The whole number at `key`, which is in `range`.
    pub(super) fn number(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<u32>,
        problems: &mut Problems,
    ) -> Option<u32> {
        let value = self.get(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(integer) => {
                i128::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
            }
            other => {
                problems.add(
                    value.span(),
                    format!("`{key}` is a whole number, and this is {}", kind(other)),
                    "not a whole number",
                    "write its digits alone, without quotes or a point".to_owned(),
                );
                return None;
            }
        };
        let fits = number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| range.contains(number));
        if fits.is_none() {
            problems.add(
                value.span(),
                format!(
                    "`{key}` is a number from {} to {}",
                    range.start(),
                    range.end()
                ),
                "out of range",
                None,
            );
        }
        fits
    }

    /// The list of texts at `key`, each parsed by `parse`. What is there twice
    /// is a problem.
    pub(super) fn list<T>(
        &self,
        key: &str,
        example: &str,
        mut parse: impl FnMut(&str, Range<usize>, &mut Problems) -> Option<T>,
        problems: &mut Problems,
    ) -> Option<Vec<T>> {
        let value = self.get(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            problems.add(
                value.span(),
                format!(
                    "`{key}` is a list of texts, and this is {}",
                    kind(value.get_ref())
                ),
                "not a list",
                format!("for example `{key} = [{example}]`"),
            );
            return None;
        };
        let mut seen = BTreeSet::new();
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            let Some(text) = text(key, item, example, problems) else {
                continue;
            };
            if !seen.insert(text) {
                problems.add(
                    item.span(),
                    format!("`{key}` names {text:?} twice"),
                    "again",
                    "take one out".to_owned(),
                );
                continue;
            }
            list.extend(parse(text, item.span(), problems));
        }
        Some(list)
    }
}

fn text<'d>(
    key: &str,
    value: &'d Value<'_>,
    example: &str,
    problems: &mut Problems,
) -> Option<&'d str> {
    let text = value.get_ref().as_str();
    if text.is_none() {
        problems.add(
            value.span(),
            format!(
                "`{key}` takes a text, and this is {}",
                kind(value.get_ref())
            ),
            "not a text",
            format!("write it in quotes, for example `{example}`"),
        );
    }
    text
}

pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The nearest of `known` to what somebody wrote, or all of them.
pub(super) fn suggest(written: &str, known: &[&str]) -> String {
    match ringfence_flow::nearest(written, known.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => {
            let all: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
            format!("the keys here are {}", all.join(", "))
        }
    }
}
