//! Names that somebody may have meant.

/// The candidate that is nearest to `text`, if one is near enough to be what
/// was meant: at most a third of it differs, or it begins with it.
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = normal(text);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = normal(candidate);
            let distance = strsim::damerau_levenshtein(&wanted, &other);
            let longest = wanted.chars().count().max(other.chars().count());
            // One letter in three; of two letters none, as any would do.
            let allowed = longest / 3;
            let is_prefix = wanted.len() >= 3
                && (other.starts_with(&wanted) || wanted.starts_with(&other) && other.len() >= 3);
            (distance <= allowed || is_prefix).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// What does not tell names apart: case and the kind of separator. Cut, as
/// the distance takes time with the product of both lengths.
fn normal(text: &str) -> String {
    text.chars()
        .take(64)
        .map(|c| {
            if c == '_' || c == ' ' {
                '-'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// Names in backticks, at most `most` of them: "`a`, `b` and 3 more".
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>, most: usize) -> String {
    let names: Vec<_> = names.into_iter().collect();
    let shown: Vec<_> = names
        .iter()
        .take(most)
        .map(|name| format!("`{name}`"))
        .collect();
    match (names.len().saturating_sub(most), shown.as_slice()) {
        (0, []) => "none".to_owned(),
        (0, [one]) => one.clone(),
        (0, [head @ .., last]) => format!("{} and {last}", head.join(", ")),
        (more, shown) => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found() {
        let names = ["needs", "role", "for_each", "priority"];
        assert_eq!(nearest("need", names), Some("needs"));
        assert_eq!(nearest("for-each", names), Some("for_each"));
        assert_eq!(nearest("Role", names), Some("role"));
        assert_eq!(nearest("prio", names), Some("priority"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest("x", ["y-long"]), None);
    }

    #[test]
    fn names_are_listed() {
        assert_eq!(list([], 3), "none");
        assert_eq!(list(["a"], 3), "`a`");
        assert_eq!(list(["a", "b", "c"], 3), "`a`, `b` and `c`");
        assert_eq!(list(["a", "b", "c"], 2), "`a`, `b` and 1 more");
    }
}
