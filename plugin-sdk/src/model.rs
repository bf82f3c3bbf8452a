//! Asking a language model that the operator grants.

use std::fmt;

use crate::Failure;

/// Who says a message.
///
/// ```
/// use ringfence_sdk::{ModelRequest, Speaker};
/// let request = ModelRequest::new().user("Why?");
/// assert_eq!(request.messages[0].speaker, Speaker::User);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// The instructions.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
///
/// ```
/// use ringfence_sdk::{ModelMessage, Speaker};
/// let message = ModelMessage { speaker: Speaker::User, content: "Why?".into() };
/// assert_eq!(message.content, "Why?");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelMessage {
    /// Who says it.
    pub speaker: Speaker,
    /// What is said.
    pub content: String,
}

/// A conversation to go on with, and how.
///
/// ```
/// use ringfence_sdk::ModelRequest;
/// let request = ModelRequest::new()
///     .system("You review Rust code.")
///     .user("fn main() {}")
///     .max_tokens(200)
///     .temperature(0.0);
/// assert_eq!(request.messages.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelRequest {
    /// Which of the granted models; the first one by default.
    pub model: Option<String>,
    /// What was said so far.
    pub messages: Vec<ModelMessage>,
    /// The longest answer, in tokens; by default the model's own limit.
    pub max_tokens: Option<u32>,
    /// From 0 for the likeliest answer upwards; by default the model's own.
    pub temperature: Option<f32>,
    /// A JSON Schema that the answer has to satisfy.
    pub response_schema: Option<serde_json::Value>,
}

impl ModelRequest {
    /// An empty conversation.
    ///
    /// ```
    /// assert!(ringfence_sdk::ModelRequest::new().messages.is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one of the granted models.
    ///
    /// ```
    /// let request = ringfence_sdk::ModelRequest::new().model("small");
    /// assert_eq!(request.model.as_deref(), Some("small"));
    /// ```
    #[must_use]
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.model = Some(name.into());
        self
    }

    /// The same with more instructions.
    ///
    /// ```
    /// let request = ringfence_sdk::ModelRequest::new().system("Be brief.");
    /// assert_eq!(request.messages.len(), 1);
    /// ```
    #[must_use]
    pub fn system(self, content: impl Into<String>) -> Self {
        self.message(Speaker::System, content)
    }

    /// The same with one more question.
    ///
    /// ```
    /// let request = ringfence_sdk::ModelRequest::new().user("Why?");
    /// assert_eq!(request.messages.len(), 1);
    /// ```
    #[must_use]
    pub fn user(self, content: impl Into<String>) -> Self {
        self.message(Speaker::User, content)
    }

    /// The same with something that the model said.
    ///
    /// ```
    /// let request = ringfence_sdk::ModelRequest::new().user("Why?").assistant("Because.");
    /// assert_eq!(request.messages.len(), 2);
    /// ```
    #[must_use]
    pub fn assistant(self, content: impl Into<String>) -> Self {
        self.message(Speaker::Assistant, content)
    }

    fn message(mut self, speaker: Speaker, content: impl Into<String>) -> Self {
        self.messages.push(ModelMessage {
            speaker,
            content: content.into(),
        });
        self
    }

    /// The same with a longest answer, in tokens.
    ///
    /// ```
    /// let request = ringfence_sdk::ModelRequest::new().max_tokens(100);
    /// assert_eq!(request.max_tokens, Some(100));
    /// ```
    #[must_use]
    pub const fn max_tokens(mut self, count: u32) -> Self {
        self.max_tokens = Some(count);
        self
    }

    /// The same with a temperature.
    ///
    /// ```
    /// let request = ringfence_sdk::ModelRequest::new().temperature(0.0);
    /// assert_eq!(request.temperature, Some(0.0));
    /// ```
    #[must_use]
    pub const fn temperature(mut self, temperature: f32) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// The same with a JSON Schema that the answer has to satisfy.
    ///
    /// ```
    /// let request = ringfence_sdk::ModelRequest::new()
    ///     .response_schema(serde_json::json!({ "type": "object" }));
    /// assert!(request.response_schema.is_some());
    /// ```
    #[must_use]
    pub fn response_schema(mut self, schema: serde_json::Value) -> Self {
        self.response_schema = Some(schema);
        self
    }
}

/// What a model said.
///
/// ```
/// use ringfence_sdk::ModelResponse;
/// let response = ModelResponse::of("Because.");
/// assert_eq!(response.content, "Because.");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelResponse {
    /// The answer.
    pub content: String,
    /// Tokens that were read.
    pub prompt_tokens: u32,
    /// Tokens that were written.
    pub completion_tokens: u32,
    /// The model that answered, by the name that its provider uses.
    pub model: String,
}

impl ModelResponse {
    /// An answer that cost nothing: for tests.
    ///
    /// ```
    /// assert_eq!(ringfence_sdk::ModelResponse::of("yes").completion_tokens, 0);
    /// ```
    #[must_use]
    pub fn of(content: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            ..Self::default()
        }
    }
}

/// Why a model did not answer. Converts to a [`Failure`]: a model that is
/// unavailable is a transient one, the others are permanent.
///
/// ```
/// use ringfence_sdk::{Failure, ModelError};
/// let failure = Failure::from(ModelError::Unavailable("overloaded".into()));
/// assert!(matches!(failure, Failure::Transient { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// The operator does not grant it.
    Denied(String),
    /// The tokens that this attempt may use are spent.
    BudgetExhausted(String),
    /// The model cannot be reached, or is busy.
    Unavailable(String),
    /// The request makes no sense to the model.
    InvalidRequest(String),
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(message) => write!(f, "the model is not granted: {message}"),
            Self::BudgetExhausted(message) => write!(f, "the model's budget is spent: {message}"),
            Self::Unavailable(message) => write!(f, "the model is unavailable: {message}"),
            Self::InvalidRequest(message) => write!(f, "the model refuses the request: {message}"),
        }
    }
}

impl std::error::Error for ModelError {}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Unavailable(_) => Self::transient(error),
            ModelError::Denied(_)
            | ModelError::BudgetExhausted(_)
            | ModelError::InvalidRequest(_) => Self::permanent(error),
        }
    }
}
