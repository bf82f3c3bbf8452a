//! Values as JSON, up to a size.
//!
//! Agents and workflow files pick what a value holds, and a few characters of
//! an expression can make a list of lists that no memory holds; so a value is
//! written to a buffer that refuses to grow, and is never measured before.

use std::io::{self, Write};

use minijinja::Value;
use serde::Serialize;

use crate::Json;

/// The longest text that an expression or template gives, in bytes: 16 MiB.
pub const MAX_RENDERED: usize = 16 << 20;

/// Why a value is no JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum RenderError {
    #[error("the value is larger than {} MiB", MAX_RENDERED >> 20)]
    TooLarge,
    #[error("the value cannot be written as JSON: {0}")]
    NoJson(String),
}

struct Bounded<'a> {
    buffer: &'a mut Vec<u8>,
    full: bool,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > MAX_RENDERED {
            self.full = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.buffer.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Appends `value` as JSON.
pub(super) fn write_json(buffer: &mut Vec<u8>, value: &impl Serialize) -> Result<(), RenderError> {
    let mut bounded = Bounded {
        buffer,
        full: false,
    };
    match serde_json::to_writer(&mut bounded, value) {
        Ok(()) => Ok(()),
        Err(_) if bounded.full => Err(RenderError::TooLarge),
        Err(error) => Err(RenderError::NoJson(error.to_string())),
    }
}

/// Appends `value` as it reads in a text: strings as they are, everything
/// else as JSON.
pub(super) fn write_text(buffer: &mut Vec<u8>, value: &Value) -> Result<(), RenderError> {
    match value.as_str() {
        None => write_json(buffer, value),
        Some(text) if buffer.len() + text.len() > MAX_RENDERED => Err(RenderError::TooLarge),
        Some(text) => {
            buffer.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
}

/// What was written, as text.
pub(super) fn into_text(buffer: Vec<u8>) -> Result<String, RenderError> {
    String::from_utf8(buffer).map_err(|error| RenderError::NoJson(error.to_string()))
}

/// `value` as a JSON document.
pub(super) fn to_json(value: &Value) -> Result<Json, RenderError> {
    let mut buffer = Vec::new();
    write_json(&mut buffer, value)?;
    Json::parse(&into_text(buffer)?).map_err(|error| RenderError::NoJson(error.to_string()))
}

/// An item of a list as a JSON document; `null` if it is none, which items of
/// outputs and inputs always are.
#[must_use]
pub fn item_json(item: &Value) -> Json {
    to_json(item).unwrap_or_default()
}
