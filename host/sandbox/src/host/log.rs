//! `ringfence:agent/log`.

use ringfence_flow::LogLevel;

use crate::bindings::ringfence::agent::log::{Host, Level};
use crate::state::AttemptState;

impl Host for AttemptState {
    fn write(
        &mut self,
        level: Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let carried = fields.iter().map(|(name, value)| name.len() + value.len());
        self.meter.copy(message.len() + carried.sum::<usize>());
        if self.meter.has_too_many_calls() {
            return Ok(());
        }
        let level = match level {
            Level::Trace => LogLevel::Trace,
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        self.log.line(level, &message, &fields);
        Ok(())
    }
}
