//! The inputs of a run: what the user gives, checked against the workflow.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{InputSpec, InputType, Json, Workflow, suggest};

/// A value that the user gives for an input.
#[derive(Clone, Debug, PartialEq)]
pub enum InputValue {
    /// Text of the command line, read as the input's type says.
    Text(String),
    /// A value that has to be of the input's type already.
    Json(Value),
}

/// Why the given inputs don't fit the workflow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The workflow does not take it.
    #[error("there is no input `{name}`{}", hint(.nearest.as_ref().map(|near| format!("did you mean `{near}`?")), .known))]
    Unknown {
        /// The name.
        name: String,
        /// The input that may have been meant.
        nearest: Option<String>,
        /// The inputs there are.
        known: Vec<String>,
    },
    /// It has no default and is not given.
    #[error("the input `{name}` is missing; hint: add `--input {name}={}`", .kind.example())]
    Missing {
        /// The name.
        name: String,
        /// Its type.
        kind: InputType,
    },
    /// It is not of the input's type.
    #[error("the input `{name}` is to be {}, not `{given}`; hint: for example `--input {name}={}`", .kind.describe(), .kind.example())]
    WrongType {
        /// The name.
        name: String,
        /// Its type.
        kind: InputType,
        /// The value, cut short.
        given: String,
    },
    /// It is none of the allowed values.
    #[error("the input `{name}` cannot be `{given}`; hint: it is one of {}", .allowed.join(", "))]
    NotAllowed {
        /// The name.
        name: String,
        /// The value, cut short.
        given: String,
        /// The values that are allowed, as JSON.
        allowed: Vec<String>,
    },
    /// It is no JSON that a run can carry.
    #[error("the input `{name}` cannot be used: {reason}")]
    NoJson {
        /// The name.
        name: String,
        /// Why.
        reason: String,
    },
}

fn hint(nearest: Option<String>, known: &[String]) -> String {
    let hint = nearest.unwrap_or_else(|| match known {
        [] => "the workflow takes none".to_owned(),
        known => format!(
            "there are {}",
            suggest::list(known.iter().map(String::as_str), 16)
        ),
    });
    format!("; hint: {hint}")
}

impl InputType {
    /// The word for it in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    /// Whether `value` is of this type.
    #[must_use]
    pub fn takes(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }

    const fn describe(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "`true` or `false`",
            Self::Array => "a JSON list",
            Self::Object => "a JSON object",
        }
    }

    const fn example(self) -> &'static str {
        match self {
            Self::String => "TEXT",
            Self::Integer => "3",
            Self::Number => "1.5",
            Self::Boolean => "true",
            Self::Array => "'[\"a\", \"b\"]'",
            Self::Object => "'{\"a\": 1}'",
        }
    }

    /// Reads the text of a command line.
    fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::String => Some(text.into()),
            _ => serde_json::from_str(text.trim()).ok(),
        }
    }
}

impl Workflow {
    /// The inputs of a run as one object, defaults filled in, in the order of
    /// the file.
    ///
    /// # Errors
    /// All [`InputError`]s at once.
    pub fn bind_inputs(
        &self,
        mut given: BTreeMap<String, InputValue>,
    ) -> Result<Json, Vec<InputError>> {
        let mut errors = Vec::new();
        let mut bound = serde_json::Map::new();
        for spec in &self.inputs {
            let name = spec.name.as_str();
            match bind(spec, given.remove(name)) {
                Ok(value) => drop(bound.insert(name.to_owned(), value)),
                Err(error) => errors.push(error),
            }
        }
        let known = || self.inputs.iter().map(|input| input.name.as_str());
        for name in given.into_keys() {
            errors.push(InputError::Unknown {
                nearest: suggest::nearest(&name, known()).map(str::to_owned),
                known: known().map(str::to_owned).collect(),
                name,
            });
        }
        if errors.is_empty() {
            Ok(Json::from(Value::Object(bound)))
        } else {
            Err(errors)
        }
    }
}

fn bind(spec: &InputSpec, given: Option<InputValue>) -> Result<Value, InputError> {
    let name = || spec.name.to_string();
    let Some(given) = given else {
        return spec.default.clone().ok_or_else(|| InputError::Missing {
            name: name(),
            kind: spec.kind,
        });
    };
    let (value, shown) = match given {
        InputValue::Text(text) => (spec.kind.read(&text), text),
        InputValue::Json(value) => {
            let shown = value.to_string();
            (Some(value), shown)
        }
    };
    let given = crate::clean_text(&shown, 100);
    let value = value
        .filter(|value| spec.kind.takes(value))
        .ok_or_else(|| InputError::WrongType {
            name: name(),
            kind: spec.kind,
            given: given.clone(),
        })?;
    if !spec.allowed.is_empty() && !spec.allowed.contains(&value) {
        return Err(InputError::NotAllowed {
            name: name(),
            given,
            allowed: spec.allowed.iter().map(ToString::to_string).collect(),
        });
    }
    Json::parse(&value.to_string()).map_err(|error| InputError::NoJson {
        name: name(),
        reason: error.to_string(),
    })?;
    Ok(value)
}
