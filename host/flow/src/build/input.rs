//! An input of a workflow that is being built.

use serde_json::{Map, Value};

use crate::InputType;

/// An input of a workflow that is being built.
#[derive(Clone, Debug)]
#[must_use]
pub struct InputBuilder {
    pub(super) fields: Map<String, Value>,
}

/// An input of this type, without a default.
pub fn input(kind: InputType) -> InputBuilder {
    InputBuilder {
        fields: Map::from_iter([("type".to_owned(), kind.as_str().into())]),
    }
}

impl InputBuilder {
    /// One sentence on what it is for.
    pub fn description(self, text: &str) -> Self {
        self.set("description", text)
    }

    /// The values that are allowed.
    pub fn one_of<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Self {
        let values: Vec<Value> = values.into_iter().map(Into::into).collect();
        self.set("enum", values)
    }

    /// The value when none is given.
    pub fn default(self, value: impl Into<Value>) -> Self {
        self.set("default", value)
    }

    fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(key.to_owned(), value.into());
        self
    }
}
