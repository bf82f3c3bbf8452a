//! Whether something was printed as a page shows it.

/// Any number of lines.
const LINES: &str = "...";

/// Anything within a line.
const PART: &str = "[..]";

/// Whether `printed` is what is `shown`, where that leaves out lines and parts of
/// lines.
pub(crate) fn is_as_shown(shown: &[&str], printed: &[&str]) -> bool {
    match (shown.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((&LINES, rest)), _) => {
            let mut ends = 0..=printed.len();
            ends.any(|end| is_as_shown(rest, &printed[end..]))
        }
        (Some((shown, shown_rest)), Some((printed, printed_rest))) => {
            is_line_as_shown(shown, printed) && is_as_shown(shown_rest, printed_rest)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn is_line_as_shown(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (shown.trim_end(), printed.trim_end());
    let Some((first, shown)) = shown.split_once(PART) else {
        return shown == printed;
    };
    let Some(mut rest) = printed.strip_prefix(first) else {
        return false;
    };
    let (between, last) = shown.rsplit_once(PART).unwrap_or(("", shown));
    for part in between.split(PART) {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn what_is_left_out_may_be_anything() {
    let printed = ["one", "two 2 kB", "three"];
    for shown in [
        &["one", "two 2 kB", "three"][..],
        &["..."],
        &["...", "three"],
        &["one", "..."],
        &["one", "...", "two [..] kB", "three", "..."],
        &["one", "[..] 2 [..]B", "three"],
    ] {
        assert!(is_as_shown(shown, &printed), "{shown:?}");
    }
    for shown in [
        &[][..],
        &["one", "three"],
        &["one", "...", "two"],
        &["two 2 kB", "..."],
        &["one", "two [..] MB", "three"],
        &["...", "four"],
    ] {
        assert!(!is_as_shown(shown, &printed), "{shown:?}");
    }
}
