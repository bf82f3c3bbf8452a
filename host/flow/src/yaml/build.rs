//! From the parser's events to the tree.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{Entry, Key, MAX_DEPTH, MAX_FILE_SIZE, MAX_NODES, Node, NodeKind, scalar};
use crate::diagnostic::{Diagnostic, Source};

/// Reads the one document of a file. Duplicate keys are reported and the file
/// is read on; anything else that is wrong ends it.
pub(crate) fn parse(source: &Source<'_>, errors: &mut Vec<Diagnostic>) -> Option<Node> {
    match read(source, errors) {
        Ok(node) => Some(node),
        Err(error) => {
            errors.push(*error);
            None
        }
    }
}

type Stop = Box<Diagnostic>;

fn read(source: &Source<'_>, errors: &mut Vec<Diagnostic>) -> Result<Node, Stop> {
    check_text(source)?;
    let body = source.text.strip_prefix('\u{feff}').unwrap_or(source.text);
    let mut builder = Builder {
        source,
        errors,
        // The parser counts characters from after the mark.
        skipped: usize::from(body.len() < source.text.len()),
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
    };
    let mut documents = 0;
    for event in Parser::new_from_str(body) {
        let (event, span) = event.map_err(|error| {
            let at = source.byte(error.marker().index() + builder.skipped);
            // The parser has a limit of its own, which it meets first where it
            // has to look ahead.
            if error.info().contains("recursion limit") {
                return too_deep(source, at..at + 1);
            }
            let diagnostic = Diagnostic::new(
                "yaml-syntax",
                format!("this is no YAML: {}", error.info().trim_end_matches('.')),
                source.span(at..at + 1),
            );
            Box::new(diagnostic.hinting(syntax_hint(source.text, at)))
        })?;
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                let place = source.span(builder.range(span));
                let message = "a file holds one document";
                return Err(Box::new(
                    Diagnostic::new("several-documents", message, place)
                        .labelled("a second one starts here")
                        .hinting("put each workflow into a file of its own".to_owned()),
                ));
            }
        }
        builder.take(event, span)?;
    }
    builder.root.ok_or_else(|| {
        Box::new(
            Diagnostic::new("empty-file", "the file is empty", source.span(0..0))
                .hinting("start with `version: 1`, a `name` and `tasks`".to_owned()),
        )
    })
}

fn check_text(source: &Source<'_>) -> Result<(), Stop> {
    let size = source.text.len() as u64;
    if size > MAX_FILE_SIZE.as_u64() {
        let message = format!(
            "a file has at most {MAX_FILE_SIZE}, this one has {}",
            crate::ByteSize::bytes(size)
        );
        return Err(Box::new(Diagnostic::new(
            "file-too-large",
            message,
            source.span(0..0),
        )));
    }
    let control = source
        .text
        .char_indices()
        .find(|(_, c)| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}'));
    match control {
        None => Ok(()),
        Some((at, c)) => {
            let message = format!(
                "the control character U+{:04X} has no place in a text file",
                u32::from(c)
            );
            let span = source.span(at..at + c.len_utf8());
            Err(Box::new(
                Diagnostic::new("control-character", message, span).hinting("remove it".to_owned()),
            ))
        }
    }
}

/// What is wrong most often where YAML does not parse.
fn syntax_hint(text: &str, at: usize) -> Option<String> {
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].lines().next()?;
    if line.trim_start_matches(' ').starts_with('\t') {
        return Some("indent with spaces, not with tabs".to_owned());
    }
    if line.contains("${{") && !line.contains(['"', '\'']) {
        return Some("put quotes around `${{ ... }}` inside `{ }` and `[ ]`".to_owned());
    }
    None
}

fn too_deep(source: &Source<'_>, range: Range<usize>) -> Stop {
    let message = format!("lists and maps nest deeper than {MAX_DEPTH} levels");
    Box::new(Diagnostic::new(
        "nested-too-deep",
        message,
        source.span(range),
    ))
}

/// A list or map that is still open.
struct Open {
    kind: OpenKind,
    start: usize,
    anchor: usize,
    size: usize,
}

enum OpenKind {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        seen: HashSet<String>,
        key: Option<Key>,
    },
}

struct Builder<'a, 'e> {
    source: &'a Source<'a>,
    errors: &'e mut Vec<Diagnostic>,
    skipped: usize,
    open: Vec<Open>,
    /// The values with an anchor, and how many values each holds.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder<'_, '_> {
    fn range(&self, span: Span) -> Range<usize> {
        let start = self.source.byte(span.start.index() + self.skipped);
        let end = self.source.byte(span.end.index() + self.skipped);
        start..end.max(start)
    }

    fn stop<T>(
        &self,
        code: &'static str,
        message: impl Into<String>,
        range: Range<usize>,
        hint: &str,
    ) -> Result<T, Stop> {
        let diagnostic = Diagnostic::new(code, message, self.source.span(range));
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Err(Box::new(diagnostic.hinting(hint)))
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        let range = self.range(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), &range)?;
                // Between brackets the span runs on over the blanks that follow.
                let raw = self.source.text.get(range.clone()).unwrap_or_default();
                let range = range.start..range.start + raw.trim_end().len();
                let node = self.scalar(&text, style, range);
                self.count(1, &node.range)?;
                self.place(node, anchor, 1)
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor) else {
                    return self.stop("yaml-syntax", "an alias cannot hold itself", range, "");
                };
                let (mut node, size) = (node.clone(), *size);
                node.range = range;
                self.count(size, &node.range)?;
                self.place(node, 0, size)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), &range)?;
                self.open(OpenKind::List(Vec::new()), anchor, range)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), &range)?;
                let kind = OpenKind::Map {
                    entries: Vec::new(),
                    seen: HashSet::new(),
                    key: None,
                };
                self.open(kind, anchor, range)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(range.end),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn refuse_tag(&self, tagged: bool, range: &Range<usize>) -> Result<(), Stop> {
        if tagged {
            let hint = "remove the `!...`; put quotes around what is a text";
            return self.stop("yaml-tag", "tags are not supported", range.clone(), hint);
        }
        Ok(())
    }

    fn scalar(&self, text: &str, style: ScalarStyle, range: Range<usize>) -> Node {
        let raw = self.source.text.get(range.clone()).unwrap_or_default();
        let inner = match style {
            ScalarStyle::Plain => Some((0, raw)),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => raw
                .get(1..raw.len().saturating_sub(1))
                .map(|inner| (1, inner)),
            ScalarStyle::Literal | ScalarStyle::Folded => None,
        };
        let verbatim = inner
            .filter(|(_, inner)| *inner == text)
            .map(|(offset, _)| range.start + offset);
        let kind = match style {
            ScalarStyle::Plain => match scalar::plain(text, range.start) {
                NodeKind::Text { text, .. } => NodeKind::Text { text, verbatim },
                other => other,
            },
            _ => NodeKind::Text {
                text: text.to_owned(),
                verbatim,
            },
        };
        Node { kind, range }
    }

    fn count(&mut self, size: usize, range: &Range<usize>) -> Result<(), Stop> {
        self.nodes += size;
        if self.nodes > MAX_NODES {
            let message = format!("the file holds more than {MAX_NODES} values, aliases expanded");
            return self.stop("file-too-large", message, range.clone(), "");
        }
        Ok(())
    }

    fn open(&mut self, kind: OpenKind, anchor: usize, range: Range<usize>) -> Result<(), Stop> {
        if self.open.len() == MAX_DEPTH {
            return Err(too_deep(self.source, range));
        }
        self.count(1, &range)?;
        if let Some(Open {
            kind: OpenKind::Map { key: None, .. },
            ..
        }) = self.open.last()
        {
            let message = "a key is a text, not a list or a map";
            let hint = "put quotes around a value that starts with `{` or `[`";
            return self.stop("yaml-key", message, range, hint);
        }
        self.open.push(Open {
            kind,
            start: range.start,
            anchor,
            size: 1,
        });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let kind = match open.kind {
            OpenKind::List(items) => NodeKind::List(items),
            OpenKind::Map { entries, .. } => NodeKind::Map(entries),
        };
        // The end of a block stands where the next thing starts.
        let text = self.source.text.get(open.start..end).unwrap_or_default();
        let range = open.start..open.start + text.trim_end().len();
        self.place(Node { kind, range }, open.anchor, open.size)
    }

    fn place(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Stop> {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.size += size;
        match &mut open.kind {
            OpenKind::List(items) => items.push(node),
            OpenKind::Map { entries, seen, key } => match key.take() {
                Some(key) => {
                    if seen.insert(key.text.clone()) {
                        entries.push(Entry { key, value: node });
                    } else {
                        let first = entries.iter().find(|entry| entry.key.text == key.text);
                        let mut diagnostic = Diagnostic::new(
                            "duplicate-key",
                            format!("the key `{}` is there twice", key.text),
                            self.source.span(key.range),
                        )
                        .labelled("again here")
                        .hinting("remove one of them".to_owned());
                        if let Some(first) = first {
                            let place = self.source.span(first.key.range.clone());
                            diagnostic = diagnostic.also(place, "first here");
                        }
                        self.errors.push(diagnostic);
                    }
                }
                None => {
                    let text = match node.kind {
                        NodeKind::Text { text, .. } => text,
                        _ => self
                            .source
                            .text
                            .get(node.range.clone())
                            .unwrap_or_default()
                            .to_owned(),
                    };
                    *key = Some(Key {
                        text,
                        range: node.range,
                    });
                }
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<serde_json::Value, Vec<Diagnostic>> {
        let mut errors = Vec::new();
        let node = parse(&Source::new(text), &mut errors);
        match node {
            Some(node) if errors.is_empty() => Ok(node.to_json()),
            _ => Err(errors),
        }
    }

    fn code(text: &str) -> &'static str {
        json(text).unwrap_err()[0].code
    }

    #[test]
    fn yaml_and_json_are_read() {
        let expected = serde_json::json!({"a": [1, "x: y", null], "b": {"c": true}});
        assert_eq!(
            json("a: [1, 'x: y', ~]\nb:\n  c: true\n").unwrap(),
            expected
        );
        assert_eq!(json(&expected.to_string()).unwrap(), expected);
        assert_eq!(json("\u{feff}a: ä\r\nb: |\r\n  x\r\n").unwrap()["a"], "ä");
        assert_eq!(
            json("a: &x [1]\nb: *x\n").unwrap()["b"],
            serde_json::json!([1])
        );
    }

    #[test]
    fn texts_know_where_they_stand() {
        let text = "\u{feff}ä: 1\nk: \"v ${{ x }}\"\nl: plain\n";
        let node = parse(&Source::new(text), &mut Vec::new()).unwrap();
        let NodeKind::Map(entries) = node.kind else {
            panic!("a map")
        };
        assert_eq!(&text[entries[1].value.place(6..7)], "x");
        assert_eq!(&text[entries[2].value.place(0..5)], "plain");
        assert_eq!(&text[entries[0].key.range.clone()], "ä");
    }

    #[test]
    fn the_size_has_a_limit() {
        let comment = |size: usize| format!("a: 1\n#{}", "x".repeat(size - 6));
        let limit = MAX_FILE_SIZE.as_u64() as usize;
        assert!(json(&comment(limit)).is_ok());
        assert_eq!(code(&comment(limit + 1)), "file-too-large");
    }

    #[test]
    fn the_depth_has_a_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(json(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(code(&nested(MAX_DEPTH + 1)), "nested-too-deep");
        assert_eq!(code(&"{a: ".repeat(100_000)), "nested-too-deep");
        assert_eq!(code(&"- ".repeat(100_000)), "nested-too-deep");
    }

    #[test]
    fn aliases_are_counted() {
        let list = |items: usize| format!("a: &a [{}]\nb: [*a, *a]\n", "1,".repeat(items));
        // A map, two lists, two keys, and three times the list with its items.
        assert!(json(&list((MAX_NODES - 7) / 3)).is_ok());
        assert_eq!(code(&list(MAX_NODES / 3 + 1)), "file-too-large");
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..30 {
            let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert_eq!(code(&bomb), "file-too-large");
        assert_eq!(code("a: &a [*a]"), "yaml-syntax");
    }

    #[test]
    fn what_has_no_place_in_a_workflow_is_refused() {
        assert_eq!(code(""), "empty-file");
        assert_eq!(code("# nothing\n"), "empty-file");
        assert_eq!(code("a: 1\n---\nb: 2\n"), "several-documents");
        assert_eq!(code("a: 1\na: 2\n"), "duplicate-key");
        assert_eq!(code("a: !!str 1\n"), "yaml-tag");
        assert_eq!(code("[a]: 1\n"), "yaml-key");
        assert_eq!(code("a: \u{0}\n"), "control-character");
        assert_eq!(code("a: b: c\n"), "yaml-syntax");
        assert_eq!(code("a:\n\t- b\n"), "yaml-syntax");
        assert_eq!(code("a: [1\n"), "yaml-syntax");
    }
}
