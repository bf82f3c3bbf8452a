//! Places and edits: paths become relative references, lines become regions.

use ringfence_flow::{Edit, Location};

use super::model;
use super::model::{
    ArtifactChange, ArtifactLocation, Content, Fix, Message, PhysicalLocation, Region, Replacement,
};

/// What paths are relative to.
pub(super) const BASE: &str = "SRCROOT";

/// A path as a relative reference (RFC 3986); `None` if it leads out of the
/// mount or names nothing.
fn reference(path: &str) -> Option<ArtifactLocation> {
    let mut uri = String::with_capacity(path.len());
    for part in path.split('/') {
        if matches!(part, "" | "." | "..") {
            return None;
        }
        if !uri.is_empty() {
            uri.push('/');
        }
        for byte in part.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    uri.push(char::from(byte));
                }
                byte => uri.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    Some(ArtifactLocation {
        uri,
        uri_base_id: BASE,
    })
}

pub(super) fn of(place: &Location) -> model::Location {
    match reference(&place.path) {
        Some(artifact_location) => model::Location {
            physical_location: Some(PhysicalLocation {
                artifact_location,
                region: Region {
                    start_line: place.line.max(1),
                    start_column: Some(place.column.max(1)),
                    ..Region::default()
                },
            }),
            message: None,
        },
        None => model::Location {
            physical_location: None,
            message: Some(Message::new(&format!(
                "`{}` line {} is not a place below the mount",
                place.path, place.line
            ))),
        },
    }
}

/// An edit as a fix; `None` if it is outside of the mount or its lines are no
/// range.
pub(super) fn fix(edit: &Edit) -> Option<Fix> {
    let artifact_location = reference(&edit.path)?;
    if edit.first == 0 || edit.last < edit.first {
        return None;
    }
    let lines = edit
        .replacement
        .strip_suffix('\n')
        .unwrap_or(&edit.replacement);
    // A region without columns ends before the line break of its last line,
    // which is right for a replacement and holds in the last line of a file
    // too. Where lines go away their break goes with them.
    let deleted_region = if edit.replacement.is_empty() {
        Region {
            start_line: edit.first,
            start_column: Some(1),
            end_line: Some(edit.last.saturating_add(1)),
            end_column: Some(1),
        }
    } else {
        Region {
            start_line: edit.first,
            end_line: Some(edit.last),
            ..Region::default()
        }
    };
    let description = match (edit.replacement.is_empty(), edit.first == edit.last) {
        (true, true) => format!("Delete line {}.", edit.first),
        (true, false) => format!("Delete lines {} to {}.", edit.first, edit.last),
        (false, true) => format!("Replace line {}.", edit.first),
        (false, false) => format!("Replace lines {} to {}.", edit.first, edit.last),
    };
    Some(Fix {
        description: Message::new(&description),
        artifact_changes: [ArtifactChange {
            artifact_location,
            replacements: [Replacement {
                deleted_region,
                inserted_content: Content {
                    text: lines.to_owned(),
                },
            }],
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(path: &str) -> Option<String> {
        reference(path).map(|location| location.uri)
    }

    #[test]
    fn paths_are_encoded() {
        assert_eq!(uri("src/lib.rs").unwrap(), "src/lib.rs");
        assert_eq!(uri("a b/ü#?.rs").unwrap(), "a%20b/%C3%BC%23%3F.rs");
        assert_eq!(
            uri("javascript:alert(1)").unwrap(),
            "javascript%3Aalert%281%29",
            "a relative path, not another scheme"
        );
    }

    #[test]
    fn paths_that_lead_out_are_no_places() {
        for path in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/"] {
            assert_eq!(uri(path), None, "{path:?}");
        }
    }

    fn edit(first: u32, last: u32, replacement: &str) -> Edit {
        Edit {
            path: "a.rs".into(),
            first,
            last,
            replacement: replacement.into(),
        }
    }

    #[test]
    fn a_replacement_keeps_the_line_break() {
        let fix = fix(&edit(3, 4, "one\ntwo\n")).unwrap();
        let replacement = &fix.artifact_changes[0].replacements[0];
        assert_eq!(replacement.inserted_content.text, "one\ntwo");
        let region = &replacement.deleted_region;
        assert_eq!(
            (region.start_line, region.end_line, region.end_column),
            (3, Some(4), None)
        );
    }

    #[test]
    fn a_deletion_takes_it_away() {
        let fix = fix(&edit(3, 3, "")).unwrap();
        let region = &fix.artifact_changes[0].replacements[0].deleted_region;
        assert_eq!((region.end_line, region.end_column), (Some(4), Some(1)));
    }

    #[test]
    fn lines_that_are_no_range_are_no_fix() {
        assert!(fix(&edit(0, 1, "x")).is_none());
        assert!(fix(&edit(2, 1, "x")).is_none());
        assert!(fix(&edit(u32::MAX, u32::MAX, "")).is_some());
    }
}
