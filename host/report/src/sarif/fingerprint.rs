//! Fingerprints: the same finding in two runs has the same one.

use std::collections::HashMap;
use std::sync::Arc;

use ringfence_flow::Finding;
use sha2::{Digest, Sha256};

use crate::SourceLookup;

/// Makes the fingerprints of a run's findings, one after the other.
pub(super) struct Fingerprints<'a> {
    sources: &'a dyn SourceLookup,
    files: HashMap<Arc<str>, Option<Arc<str>>>,
    seen: HashMap<[u8; 32], u32>,
}

impl<'a> Fingerprints<'a> {
    pub(super) fn new(sources: &'a dyn SourceLookup) -> Self {
        Self {
            sources,
            files: HashMap::new(),
            seen: HashMap::new(),
        }
    }

    /// The fingerprint of the next finding: 32 hexadecimal digits.
    ///
    /// Made from the rule, the path and the text of the line, so that it stays
    /// when lines above come and go; from the message where the line is not
    /// known. Findings that agree in all of these are numbered.
    pub(super) fn next(&mut self, finding: &Finding) -> String {
        let text = self
            .line(finding)
            .unwrap_or_else(|| Arc::clone(&finding.message));
        let path = finding.location.as_ref().map_or("", |place| &place.path);
        let mut hash = Sha256::new();
        for part in [&finding.rule, path, text.trim()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let base: [u8; 32] = hash.finalize().into();
        let occurrence = self.seen.entry(base).or_default();
        let mut hash = Sha256::new();
        hash.update(base);
        hash.update(occurrence.to_le_bytes());
        *occurrence += 1;
        hash.finalize()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    fn line(&mut self, finding: &Finding) -> Option<Arc<str>> {
        let place = finding.location.as_ref()?;
        let sources = self.sources;
        let file = self
            .files
            .entry(Arc::clone(&place.path))
            .or_insert_with(|| sources.source(&place.path))
            .as_ref()?;
        let index = usize::try_from(place.line.checked_sub(1)?).ok()?;
        Some(file.lines().nth(index)?.into())
    }
}

#[cfg(test)]
mod tests {
    use ringfence_flow::{Location, Severity};

    use super::*;

    struct OneFile(&'static str);

    impl SourceLookup for OneFile {
        fn source(&self, path: &str) -> Option<Arc<str>> {
            (path == "a.rs").then(|| self.0.into())
        }
    }

    fn at(line: u32) -> Finding {
        Finding {
            rule: "todo".into(),
            severity: Severity::Low,
            message: "later".into(),
            location: Some(Location {
                path: "a.rs".into(),
                line,
                column: 1,
            }),
            fix: None,
        }
    }

    #[test]
    fn a_line_that_moves_keeps_its_fingerprint() {
        let before = Fingerprints::new(&OneFile("todo!()\n")).next(&at(1));
        let after = Fingerprints::new(&OneFile("\n    todo!()\n")).next(&at(2));
        assert_eq!(before, after);
        assert_eq!(before.len(), 32);
        let other = Fingerprints::new(&OneFile("todo!(1)\n")).next(&at(1));
        assert_ne!(before, other);
    }

    #[test]
    fn equal_lines_are_told_apart() {
        let mut fingerprints = Fingerprints::new(&OneFile("todo!()\ntodo!()\n"));
        assert_ne!(fingerprints.next(&at(1)), fingerprints.next(&at(2)));
    }

    #[test]
    fn a_missing_line_leaves_the_message() {
        let known = Fingerprints::new(&OneFile("later\n")).next(&at(1));
        let unknown = Fingerprints::new(&OneFile("")).next(&at(9));
        assert_eq!(known, unknown);
        assert_eq!(unknown, Fingerprints::new(&OneFile("")).next(&at(0)));
    }
}
