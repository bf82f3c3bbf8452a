//! Values beside each other.

use serde_json::Value;
use similar::TextDiff;

/// How many lines around a difference are shown.
const CONTEXT: usize = 3;

/// Whether two values are the same document: the order of keys is of no matter,
/// nor is whether a number is written as `1` or `1.0`.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64() && (one.is_f64() || other.is_f64())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let found = |(key, value)| other.get(key).is_some_and(|other| same(value, other));
            one.len() == other.len() && one.iter().all(found)
        }
        (one, other) => one == other,
    }
}

/// Whether `whole` holds `part`: a map has its keys, with values that hold its
/// values; a list has its items, in their order; anything else is the same.
pub(crate) fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            let found = |(key, value)| whole.get(key).is_some_and(|whole| holds(whole, value));
            part.iter().all(found)
        }
        (Value::Array(whole), Value::Array(part)) => {
            let mut rest = whole.iter();
            part.iter().all(|part| rest.any(|whole| holds(whole, part)))
        }
        (whole, part) => same(whole, part),
    }
}

/// What differs, line by line: `-` is what was before or expected, `+` what is.
/// Empty where nothing does.
pub(crate) fn diff(before: &Value, now: &Value) -> String {
    if same(before, now) {
        return String::new();
    }
    // The keys in one order, so that only what differs does.
    diff_texts(&pretty(&sorted(before)), &pretty(&sorted(now)))
}

/// The same for texts.
pub(crate) fn diff_texts(before: &str, now: &str) -> String {
    let diff = TextDiff::from_lines(before, now);
    let mut text = String::new();
    for group in diff.grouped_ops(CONTEXT) {
        if !text.is_empty() {
            text.push_str("  ...\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end_matches('\n');
            text.push_str(&format!("{} {line}\n", change.tag()));
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let entries = entries.into_iter();
            entries
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_document_is_the_same_however_it_is_written() {
        assert!(same(
            &json!({ "a": 1, "b": [2] }),
            &json!({ "b": [2.0], "a": 1 })
        ));
        assert!(!same(&json!({ "a": 1 }), &json!({ "a": 1, "b": null })));
        assert!(!same(&json!(1), &json!("1")));
        assert!(!same(&json!([1, 2]), &json!([2, 1])));
        assert!(!same(
            &json!(9_007_199_254_740_993_u64),
            &json!(9_007_199_254_740_992_u64)
        ));
    }

    #[test]
    fn a_whole_holds_its_parts() {
        let whole = json!({ "name": "a", "items": [1, { "x": 1, "y": 2 }, 3] });
        for part in [
            json!({}),
            json!({ "name": "a" }),
            json!({ "items": [1, 3] }),
            json!({ "items": [{ "y": 2 }] }),
            json!({ "items": [] }),
        ] {
            assert!(holds(&whole, &part), "{part}");
        }
        for other in [
            json!({ "nam": "a" }),
            json!({ "items": [3, 1] }),
            json!({ "items": [{ "z": 2 }] }),
            json!([]),
        ] {
            assert!(!holds(&whole, &other), "{other}");
        }
    }

    #[test]
    fn a_difference_shows_its_lines() {
        let before = json!({ "b": 1, "a": { "text": "x" } });
        let now = json!({ "a": { "text": "y" }, "b": 1 });
        assert_eq!(
            diff(&before, &now),
            "  {\n    \"a\": {\n-     \"text\": \"x\"\n+     \"text\": \"y\"\n    },\n    \"b\": 1\n  }"
        );
        assert_eq!(diff(&before, &before), "");
        assert_eq!(diff(&json!(1), &json!(2)), "- 1\n+ 2");
    }
}
