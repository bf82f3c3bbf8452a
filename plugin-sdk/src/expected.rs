//! What serde says of a misfit, in words for whoever wrote the document: of JSON,
//! and not of Rust's types.

use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// `problem` without Rust's types; `fields` are those of the object that was
/// expected, if one was.
pub(crate) fn plainly(problem: &str, fields: Option<&[&str]>) -> String {
    let split = ["invalid type: ", "invalid value: "]
        .iter()
        .find_map(|start| problem.strip_prefix(start))
        .and_then(|rest| rest.rsplit_once(", expected "));
    match split {
        Some((found, expected)) => {
            format!(
                "it is {}, and should be {}",
                is(found),
                should_be(expected, fields)
            )
        }
        None => match problem
            .strip_prefix("invalid length ")
            .and_then(|rest| rest.split_once(", expected "))
        {
            Some((len, expected)) => format!(
                "it is a list of {len} items, and should be {}",
                should_be(expected, fields)
            ),
            None => problem.to_owned(),
        },
    }
}

/// What serde calls a part of a JSON document, as JSON does.
fn is(found: &str) -> String {
    let bare = |rest: &str| rest.trim_matches('`').to_owned();
    if let Some((_, number)) = found
        .split_once("integer ")
        .or_else(|| found.split_once("floating point "))
    {
        return format!("the number {}", bare(number));
    }
    if let Some(value) = found.strip_prefix("boolean ") {
        return bare(value);
    }
    match found {
        "map" => "an object".to_owned(),
        "sequence" => "a list".to_owned(),
        "unit value" => "null".to_owned(),
        _ if found.starts_with("string ") => format!("the {found}"),
        _ => found.to_owned(),
    }
}

/// What a type takes, in JSON.
fn should_be(expected: &str, fields: Option<&[&str]>) -> String {
    let range = |from: i64, to: u64| format!("a whole number from {from} to {to}");
    match expected {
        "u8" => range(0, u8::MAX.into()),
        "u16" => range(0, u16::MAX.into()),
        "u32" => range(0, u32::MAX.into()),
        "u64" | "u128" | "usize" => "a whole number from 0".to_owned(),
        "i8" => range(i8::MIN.into(), i8::MAX as u64),
        "i16" => range(i16::MIN.into(), i16::MAX as u64),
        "i32" => range(i32::MIN.into(), i32::MAX as u64),
        "i64" | "i128" | "isize" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        "unit" => "null".to_owned(),
        "a borrowed string" => "a string".to_owned(),
        "string or map" => "a string or an object".to_owned(),
        _ if expected.starts_with("struct ") => object(fields.unwrap_or_default()),
        _ => expected.to_owned(),
    }
}

fn object(fields: &[&str]) -> String {
    let quoted: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
    match quoted.split_last() {
        None => "an object".to_owned(),
        Some((only, [])) => format!("an object with {only}"),
        Some((last, others)) => format!("an object with {} and {last}", others.join(", ")),
    }
}

/// The fields of `T`, if it is a struct: asked of the type itself.
pub(crate) fn fields_of<T: DeserializeOwned>() -> Option<&'static [&'static str]> {
    let mut fields = None;
    // It ends with an error, whatever the type.
    let _ = <T as Deserialize>::deserialize(Ask(&mut fields));
    fields
}

/// A deserializer that has no document: it only listens to what it is asked for.
struct Ask<'a>(&'a mut Option<&'static [&'static str]>);

#[derive(Debug)]
struct NoDocument;

impl fmt::Display for NoDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no document")
    }
}

impl std::error::Error for NoDocument {}

impl serde::de::Error for NoDocument {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = NoDocument;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoDocument> {
        Err(NoDocument)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, NoDocument> {
        *self.0 = Some(fields);
        Err(NoDocument)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier
        ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misfit_is_told_in_words_of_json() {
        for (problem, plain) in [
            (
                "invalid type: map, expected a sequence",
                "it is an object, and should be a list",
            ),
            (
                "invalid type: string \"a, expected b\", expected f64",
                "it is the string \"a, expected b\", and should be a number",
            ),
            (
                "invalid type: boolean `true`, expected string or map",
                "it is true, and should be a string or an object",
            ),
            (
                "invalid type: floating point `1.5`, expected u64",
                "it is the number 1.5, and should be a whole number from 0",
            ),
            (
                "invalid type: null, expected struct Input",
                "it is null, and should be an object",
            ),
            ("missing field `name`", "missing field `name`"),
        ] {
            assert_eq!(plainly(problem, None), plain);
        }
    }

    #[test]
    fn a_struct_says_its_fields_and_others_none() {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[allow(dead_code, reason = "only its shape matters")]
        struct Input {
            name: String,
            max_line: u32,
        }
        assert_eq!(fields_of::<Input>(), Some(["name", "max-line"].as_slice()));
        assert_eq!(fields_of::<Vec<Input>>(), None);
        assert_eq!(fields_of::<serde_json::Value>(), None);
        let fields = fields_of::<Input>();
        assert_eq!(
            plainly("invalid type: null, expected struct Input", fields),
            "it is null, and should be an object with `name` and `max-line`"
        );
        assert_eq!(object(&["name"]), "an object with `name`");
    }
}
