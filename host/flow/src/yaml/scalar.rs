//! What a scalar without quotes means: YAML 1.2's core schema.

use serde_json::Number;

use super::NodeKind;

/// The value of `text` that stands without quotes.
pub(super) fn plain(text: &str, at: usize) -> NodeKind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => NodeKind::Null,
        "true" | "True" | "TRUE" => NodeKind::Bool(true),
        "false" | "False" | "FALSE" => NodeKind::Bool(false),
        _ => number(text).map_or_else(
            || NodeKind::Text {
                text: text.to_owned(),
                verbatim: Some(at),
            },
            NodeKind::Number,
        ),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(hex) = text.strip_prefix("0x") {
        return prefixed(hex, 16);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return prefixed(octal, 8);
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() {
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        return unsigned
            .parse::<u64>()
            .map(Number::from)
            .or_else(|_| unsigned.parse::<i64>().map(Number::from))
            .ok()
            .or_else(|| float(unsigned));
    }
    let is_float = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    is_float.then(|| float(text)).flatten()
}

fn prefixed(digits: &str, radix: u32) -> Option<Number> {
    let legal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    legal
        .then(|| u64::from_str_radix(digits, radix).ok())
        .flatten()
        .map(Number::from)
}

fn float(text: &str) -> Option<Number> {
    Number::from_f64(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let json = |text: &str| {
            let range = 0..text.len();
            super::super::Node {
                kind: plain(text, 0),
                range,
            }
            .to_json()
        };
        let cases = [
            ("null", serde_json::json!(null)),
            ("~", serde_json::json!(null)),
            ("True", serde_json::json!(true)),
            ("12", serde_json::json!(12)),
            ("-12", serde_json::json!(-12)),
            ("+1", serde_json::json!(1)),
            ("0x1F", serde_json::json!(31)),
            ("0o17", serde_json::json!(15)),
            ("1.5", serde_json::json!(1.5)),
            ("1e3", serde_json::json!(1000.0)),
            ("18446744073709551615", serde_json::json!(u64::MAX)),
            ("no", serde_json::json!("no")),
            ("1.2.3", serde_json::json!("1.2.3")),
            ("30s", serde_json::json!("30s")),
            ("-", serde_json::json!("-")),
            (".", serde_json::json!(".")),
            ("0x", serde_json::json!("0x")),
            ("0x+1", serde_json::json!("0x+1")),
            (".inf", serde_json::json!(".inf")),
        ];
        for (text, expected) in cases {
            assert_eq!(json(text), expected, "{text}");
        }
    }
}
