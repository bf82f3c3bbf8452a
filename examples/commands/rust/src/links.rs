//! The links of a Markdown text.

/// A link, and where it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link<'a> {
    /// What it leads to, as it is written.
    pub(crate) target: &'a str,
    /// The line, from 1.
    pub(crate) line: usize,
    /// The column of the target in characters, from 1.
    pub(crate) column: usize,
}

impl<'a> Link<'a> {
    /// The file that it leads to; none if that is on another machine or in the
    /// same text.
    pub(crate) fn file(&self) -> Option<&'a str> {
        let is_elsewhere = self.target.split('/').next()?.contains(':');
        let file = self.target.split(['#', '?']).next()?;
        (!is_elsewhere && !file.is_empty()).then_some(file)
    }
}

/// The links of `text`, without those in code.
pub(crate) fn links(text: &str) -> Vec<Link<'_>> {
    let mut found = Vec::new();
    let mut is_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            found.extend(links_of(line).map(|(column, target)| Link {
                target,
                line: index + 1,
                column,
            }));
        }
    }
    found
}

/// The targets of `[text](target)` in a line, with their columns.
fn links_of(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.match_indices("](").filter_map(move |(at, opening)| {
        let start = at + opening.len();
        let before = &line[..start];
        if before.matches('`').count() % 2 == 1 {
            return None;
        }
        let target = line[start..].split([')', ' ']).next()?;
        let is_link = line[start..].contains(')') && !target.is_empty();
        is_link.then_some((before.chars().count() + 1, target))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Vec<&str> {
        links(text).iter().map(|link| link.target).collect()
    }

    #[test]
    fn links_are_found_with_their_places() {
        let found = links("# A\n\nsee [b](b.md) and [ü](c/d.md#e \"title\")");
        assert_eq!(
            found[0],
            Link {
                target: "b.md",
                line: 3,
                column: 9
            }
        );
        assert_eq!((found[1].target, found[1].column), ("c/d.md#e", 23));
        assert_eq!(found[1].file(), Some("c/d.md"));
    }

    #[test]
    fn code_has_no_links() {
        assert_eq!(targets("```\n[a](b)\n```\n`[c](d)` [e](f)"), ["f"]);
        assert!(targets("a]( b [c]() d](e").is_empty());
    }

    #[test]
    fn only_files_can_be_missing() {
        let file = |target| {
            Link {
                target,
                line: 1,
                column: 1,
            }
            .file()
        };
        for elsewhere in ["https://a.org/b", "mailto:a@b", "#part", ""] {
            assert_eq!(file(elsewhere), None, "{elsewhere}");
        }
        assert_eq!(file("a/b:c.md"), Some("a/b:c.md"));
    }
}
