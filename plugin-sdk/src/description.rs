//! Who an agent is.

use serde_json::Value;

/// Who an agent is: its name, its version, what it is for.
///
/// ```
/// use ringfence_sdk::Description;
///
/// let description = Description::new("linter", "1.2.0", "finds what compiles but should not")
///     .role("reviewer")
///     .role("security");
/// assert_eq!(description.roles, ["reviewer", "security"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The agent's name, unique in a host: lower-case letters, digits, `-`
    /// and `_`, a letter first, at most 64 bytes.
    pub name: String,
    /// Its version, best `env!("CARGO_PKG_VERSION")`.
    pub version: String,
    /// One sentence on what it does.
    pub summary: String,
    /// The roles that it plays, each written as a name is. At least one.
    pub roles: Vec<String>,
    /// A JSON Schema of the input, for people and tools.
    pub input_schema: Option<Value>,
    /// A JSON Schema of the output's value, for people and tools.
    pub output_schema: Option<Value>,
}

impl Description {
    /// A description without roles; add at least one.
    ///
    /// ```
    /// use ringfence_sdk::Description;
    /// let description = Description::new("hello", env!("CARGO_PKG_VERSION"), "greets by name");
    /// assert!(description.roles.is_empty());
    /// ```
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        version: impl Into<String>,
        summary: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            summary: summary.into(),
            roles: Vec::new(),
            input_schema: None,
            output_schema: None,
        }
    }

    /// The same with one more role.
    ///
    /// ```
    /// use ringfence_sdk::Description;
    /// let description = Description::new("hello", "1.0.0", "greets").role("greeter");
    /// assert_eq!(description.roles, ["greeter"]);
    /// ```
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// The same with a JSON Schema of the input.
    ///
    /// ```
    /// use ringfence_sdk::Description;
    /// let description = Description::new("hello", "1.0.0", "greets")
    ///     .input_schema(serde_json::json!({ "type": "object", "required": ["name"] }));
    /// assert!(description.input_schema.is_some());
    /// ```
    #[must_use]
    pub fn input_schema(mut self, schema: Value) -> Self {
        self.input_schema = Some(schema);
        self
    }

    /// The same with a JSON Schema of the output's value.
    ///
    /// ```
    /// use ringfence_sdk::Description;
    /// let description = Description::new("hello", "1.0.0", "greets")
    ///     .output_schema(serde_json::json!({ "type": "string" }));
    /// assert!(description.output_schema.is_some());
    /// ```
    #[must_use]
    pub fn output_schema(mut self, schema: Value) -> Self {
        self.output_schema = Some(schema);
        self
    }
}
