//! The JSON Schema of events.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::Value;

use crate::{
    AgentName, ByteSize, ContentHash, EVENT_SCHEMA, Fuel, InputName, Json, MAX_ID_LEN, MountName,
    Role, RunEvent, RunId, TaskId, Timestamp, WorkflowName,
};

/// The JSON Schema of [`RunEvent`]: of each line that `--format json` prints,
/// of what a journal tells, and of what the library streams.
///
/// Readers take fields and kinds of events that they do not know; another
/// meaning of what is there has another [`EVENT_SCHEMA`].
#[must_use]
pub fn event_schema() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<RunEvent>();
    schema.insert("title".to_owned(), "An event of a Ringfence run".into());
    schema.insert("version".to_owned(), EVENT_SCHEMA.into());
    let mut schema = schema.to_value();
    plain(&mut schema);
    schema
}

/// Takes the links out of descriptions: they are for readers of the code.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(text)) = members.get_mut("description") {
                *text = text.replace("[`", "`").replace("`]", "`");
            }
            members.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

/// Describes types that are written as something simpler than what they are.
macro_rules! written_as {
    ($($name:ident: $schema:expr;)*) => {$(
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

fn identifier(what: &str) -> Schema {
    json_schema!({
        "type": "string",
        "description": what,
        "pattern": "^[a-z][a-z0-9_-]*$",
        "maxLength": MAX_ID_LEN,
    })
}

fn number(what: &str) -> Schema {
    json_schema!({ "type": "integer", "minimum": 0, "description": what })
}

written_as! {
    AgentName: identifier("The name of an agent");
    Role: identifier("What an agent is for");
    TaskId: identifier("The name of a task in its workflow");
    WorkflowName: identifier("The name of a workflow");
    InputName: identifier("The name of an input of a workflow");
    MountName: identifier("The name of a mounted folder");
    RunId: identifier("The name of a run");
    Timestamp: number("Microseconds since 1970-01-01T00:00:00Z");
    ByteSize: number("Bytes");
    Fuel: number("Units of fuel");
    ContentHash: json_schema!({
        "type": "string",
        "description": "A SHA-256",
        "pattern": "^(sha256:)?[0-9a-f]{64}$",
    });
    Json: json_schema!({ "description": "Any JSON document" });
}
