//! Texts that people, or those who would harm them, write.

use std::path::Path;
use std::sync::Arc;

use ringfence::config::Config;
use ringfence_flow::{
    Expression, JournalEntry, Json, RunEvent, RunId, RunRecord, Scope, Template, WorkflowFile,
};

pub(crate) fn workflow(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match WorkflowFile::parse("fuzz.yaml", &text) {
        Ok(file) => {
            let plan = file.into_plan();
            // What is accepted can be shown.
            for index in plan.indices() {
                assert!(!plan.task(index).id.as_str().is_empty());
            }
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            for error in errors {
                assert!(error.span.end <= text.len().max(1), "{error:?}");
                assert!(!error.message.is_empty());
            }
        }
    }
}

pub(crate) fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Config::parse(&text, Path::new("ringfence.toml")) {
        Ok(config) => drop((config.host(), config.sandbox())),
        Err(invalid) => assert!(!invalid.to_string().is_empty()),
    }
}

pub(crate) fn expression(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let scope = scope();
    if let Ok(expression) = Expression::parse(&text) {
        assert_eq!(expression.text(), text);
        drop(expression.eval(&scope));
        drop(expression.eval_bool(&scope));
        drop(expression.eval_list(&scope));
    }
    let value = serde_json::Value::from(text.as_ref());
    if let Ok(template) = Template::parse(&value) {
        drop(template.render(&scope));
    }
}

fn scope() -> Scope {
    let inputs = serde_json::json!({"a": 1, "b": "text", "list": [1, 2.5, null, {"c": "d"}]});
    let run = RunId::new("fuzz").unwrap();
    Scope::new(&run, &Json::from(inputs), Arc::default())
}

pub(crate) fn event(bytes: &[u8]) {
    if let Ok(event) = serde_json::from_slice::<RunEvent>(bytes) {
        let mut record = RunRecord::new();
        record.apply(&event);
        // What was read is written so that it is read as the same.
        let text = serde_json::to_string(&event).unwrap();
        let again: RunEvent = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
    }
    if let Ok(entry) = serde_json::from_slice::<JournalEntry>(bytes) {
        let text = serde_json::to_string(&entry).unwrap();
        assert!(serde_json::from_str::<JournalEntry>(&text).is_ok());
    }
    // A whole history, an event a line.
    let mut record = RunRecord::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(event) = serde_json::from_slice::<RunEvent>(line) {
            record.apply(&event);
        }
    }
    let _: Arc<str> = serde_json::to_string(&record).unwrap().into();
}
