//! Workflow files: what they say, and how they are read and checked.

mod model;

pub use model::{
    DEFAULT_CONCURRENCY, DEFAULT_MAX_ROUNDS, ForEach, InputSpec, InputType, OnFailure, OnReject,
    Require, Task, TaskBody, Workflow, empty_input,
};
