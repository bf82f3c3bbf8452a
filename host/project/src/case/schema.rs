//! The JSON Schema of case files, for editors.

use ringfence_flow::{FailureCode, LogLevel, MAX_ID_LEN, Priority, Severity};
use serde_json::{Value, json};

use super::read_expect::{CODES, LEVELS};

/// The JSON Schema (draft 2020-12) of case files. It knows the keys, the types and
/// the forms of names, durations and sizes; whether a folder is there only
/// `ringfence test` knows.
#[must_use]
pub fn case_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ringfence cases",
        "description": "Tasks for an agent, and what is expected of each: `cases/*.yaml` of its project.",
        "type": "array",
        "items": {
            "type": "object",
            "required": ["name", "task", "expect"],
            "additionalProperties": false,
            "properties": {
                "name": text("What the case is called, unique in its file."),
                "task": task(),
                "expect": expect(),
                "uses": uses(),
            },
        },
        "$defs": {
            "finding": finding(),
            "artifact": artifact(),
            "expected-finding": expected_finding(),
        },
    })
}

fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string" })
}

fn count(description: &str, least: u32) -> Value {
    json!({ "description": description, "type": "integer", "minimum": least, "maximum": u32::MAX - 1 })
}

fn name(description: &str) -> Value {
    json!({ "description": description, "type": "string", "pattern": "^[a-z][a-z0-9_-]*$", "maxLength": MAX_ID_LEN })
}

fn duration(description: &str) -> Value {
    json!({ "description": description, "type": "string", "pattern": "^([0-9]+(ms|s|m|h))+$", "examples": ["30s"] })
}

fn size(description: &str) -> Value {
    json!({ "description": description, "type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)$", "examples": ["2MiB"] })
}

fn list(description: &str, of: &str) -> Value {
    json!({ "description": description, "type": "array", "items": { "$ref": format!("#/$defs/{of}") } })
}

fn severity() -> Value {
    json!({ "enum": Severity::ALL.map(Severity::as_str) })
}

fn task() -> Value {
    json!({
        "description": "The task, as a workflow would give it.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "id": { "description": "The task's name. Default `case`.", "type": "string", "pattern": "^[a-z][a-z0-9_-]*(\\[[0-9]+\\])?$" },
            "role": name("The role to play. Default: the agent's first."),
            "priority": { "description": "How urgent it is. Default normal.", "enum": Priority::ALL.map(Priority::as_str) },
            "attempt": count("Which attempt of the round, counted from 1.", 1),
            "round": count("Which round, counted from 1.", 1),
            "input": { "description": "The input: any value. Default `{}`." },
            "needs": {
                "description": "What the tasks gave that this one needs.",
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["task"],
                    "additionalProperties": false,
                    "properties": {
                        "task": name("The task."),
                        "value": { "description": "Its value. Default `null`." },
                        "findings": list("What it found.", "finding"),
                        "artifacts": list("The artifacts that it put.", "artifact"),
                    },
                },
            },
            "feedback": list("What the gate had to say that rejected the round before.", "finding"),
            "mounts": {
                "description": "The folders that the agent sees, by name, relative to this file; `:rw` at the end to write.",
                "type": "object",
                "propertyNames": { "pattern": "^[a-z][a-z0-9_-]*$" },
                "additionalProperties": { "type": "string", "minLength": 1 },
            },
            "artifacts": list("What is in the artifact store beside the artifacts of `needs`.", "artifact"),
            "timeout": duration("How long the attempt may take. Default 30s."),
        },
    })
}

fn finding() -> Value {
    json!({
        "type": "object",
        "required": ["rule", "severity", "message"],
        "additionalProperties": false,
        "properties": {
            "rule": text("The rule, in kebab case."),
            "severity": severity(),
            "message": text("One sentence."),
            "location": {
                "type": "object",
                "required": ["path", "line"],
                "additionalProperties": false,
                "properties": {
                    "path": text("The file, relative to its mount."),
                    "line": count("The line, from 1.", 1),
                    "column": count("The column, from 1. Default 1.", 1),
                },
            },
            "fix": {
                "description": "Whole lines to replace.",
                "type": "object",
                "required": ["path", "first", "last", "replacement"],
                "additionalProperties": false,
                "properties": {
                    "path": text("The file, relative to its mount."),
                    "first": count("The first line, from 1.", 1),
                    "last": count("The last line, inclusive.", 1),
                    "replacement": text("What stands there afterwards."),
                },
            },
        },
    })
}

fn artifact() -> Value {
    let content = ["text", "hex", "file"].map(|key| json!({ "required": [key] }));
    json!({
        "type": "object",
        "required": ["name"],
        "additionalProperties": false,
        "oneOf": content,
        "properties": {
            "name": text("Its name."),
            "media_type": text("Its media type. Default `text/plain`."),
            "text": text("Its content."),
            "hex": { "description": "Its content, two hexadecimal digits a byte.", "type": "string", "pattern": "^([0-9a-fA-F]{2})*$" },
            "file": text("A file that holds its content, relative to this file."),
        },
    })
}

fn expect() -> Value {
    let ends = ["completed", "contains", "rejected", "fails"];
    json!({
        "description": "What is to come of it: exactly one of `completed`, `contains`, `rejected`, `fails`, and more if you like.",
        "type": "object",
        "additionalProperties": false,
        "oneOf": ends.map(|key| json!({ "required": [key] })),
        "properties": {
            "completed": { "description": "Completes with exactly this value." },
            "contains": { "description": "Completes with a value that holds this: maps may have more keys, lists more items in between." },
            "rejected": {
                "description": "Rejects.",
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": {
                    "reason": text("A part of the reason."),
                    "findings": list("All findings, in their order.", "expected-finding"),
                },
            },
            "fails": { "description": "Fails with this code.", "enum": CODES.map(FailureCode::as_str) },
            "message": text("A part of the failure's message."),
            "findings": list("All findings, in their order.", "expected-finding"),
            "logs": {
                "description": "Log lines in this order, others may be in between; `[]` for none at all.",
                "type": "array",
                "items": { "oneOf": [
                    text("A part of the line."),
                    {
                        "type": "object",
                        "additionalProperties": false,
                        "properties": {
                            "level": { "enum": LEVELS.map(LogLevel::as_str) },
                            "message": text("A part of the line."),
                        },
                    },
                ] },
            },
            "artifacts": {
                "description": "All artifacts of the output, in any order.",
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "additionalProperties": false,
                    "properties": {
                        "name": text("Its name."),
                        "media_type": text("Its media type."),
                        "text": text("Its whole content."),
                        "contains": text("A part of its content."),
                    },
                },
            },
        },
    })
}

fn expected_finding() -> Value {
    json!({
        "description": "What a finding is to be like; what is not said is not looked at.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "rule": text("Its rule."),
            "severity": severity(),
            "message": text("A part of its message."),
            "path": text("The file of its place."),
            "line": count("The line of its place, from 1.", 1),
            "fix": { "description": "Whether it carries a fix.", "type": "boolean" },
        },
    })
}

fn uses() -> Value {
    json!({
        "description": "What the attempt may use at most; the same component uses the same fuel on every machine.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "fuel": { "description": "Fuel, about one unit an instruction.", "type": ["string", "integer"], "examples": ["10M"] },
            "memory": size("The most memory held at once."),
            "time": duration("Time on the clock, which differs from machine to machine."),
            "output": size("The outcome and the artifacts put."),
            "host-calls": count("Calls of host functions.", 0),
        },
    })
}

#[cfg(test)]
mod tests {
    use ringfence_flow::document::Keys;

    use super::super::keys;
    use super::*;

    /// The keys of a schema's object are those that the reader takes.
    #[test]
    fn the_schema_has_the_keys_of_the_reader() {
        let schema = case_schema();
        let case = &schema["items"];
        let task = &case["properties"]["task"];
        let expect = &case["properties"]["expect"];
        let finding = &schema["$defs"]["finding"];
        let table: [(&Value, &Keys); 12] = [
            (case, &keys::CASE),
            (task, &keys::TASK),
            (&task["properties"]["needs"]["items"], &keys::NEED),
            (finding, &keys::FINDING),
            (&finding["properties"]["location"], &keys::LOCATION),
            (&finding["properties"]["fix"], &keys::EDIT),
            (&schema["$defs"]["artifact"], &keys::ARTIFACT),
            (expect, &keys::EXPECT),
            (&expect["properties"]["rejected"], &keys::REJECTED),
            (
                &schema["$defs"]["expected-finding"],
                &keys::EXPECTED_FINDING,
            ),
            (
                &expect["properties"]["artifacts"]["items"],
                &keys::EXPECTED_ARTIFACT,
            ),
            (&case["properties"]["uses"], &keys::USES),
        ];
        for (schema, keys) in table {
            let properties = schema["properties"].as_object().unwrap();
            let found: Vec<_> = properties.keys().map(String::as_str).collect();
            assert_eq!(found, keys.known, "{}", keys.what);
        }
        let log = &expect["properties"]["logs"]["items"]["oneOf"][1]["properties"];
        let found: Vec<_> = log
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(found, keys::EXPECTED_LOG.known);
    }

    #[test]
    fn the_cases_of_the_template_fit_the_schema() {
        let validator = jsonschema::validator_for(&case_schema()).unwrap();
        for file in crate::template::RUST {
            if !file.path.starts_with("cases/") {
                continue;
            }
            let value = ringfence_flow::document::read(file.text, |_, root| Some(root.to_json()));
            let errors: Vec<_> = validator
                .iter_errors(&value.unwrap())
                .map(|error| error.to_string())
                .collect();
            assert_eq!(errors, [""; 0], "{}", file.path);
        }
    }
}
