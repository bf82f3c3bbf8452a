//! The form of events is a promise.

use ringfence_flow::{EVENT_SCHEMA, event_schema};

/// Whoever changes what is there gives it another [`EVENT_SCHEMA`]; whoever
/// adds to it takes the new snapshot.
#[test]
fn the_form_of_events_changes_on_purpose_only() {
    insta::assert_json_snapshot!(format!("events-{EVENT_SCHEMA}"), event_schema());
}

#[test]
fn it_refuses_what_is_no_event() {
    let schema = jsonschema::validator_for(&event_schema()).unwrap();
    let event = |event: &str| {
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        serde_json::json!({ "schema": 1, "run": "r-1", "seq": 1, "at": 5, "event": event })
    };
    assert!(schema.is_valid(&event(r#"{"type":"run-resumed","away-us":1}"#)));
    for wrong in [
        r#"{"type":"run-resumed"}"#,
        r#"{"type":"run-resumed","away-us":-1}"#,
        r#"{"type":"run-resurrected"}"#,
        r#"{"type":"run-retried","tasks":["Not A Name"]}"#,
    ] {
        assert!(!schema.is_valid(&event(wrong)), "{wrong}");
    }
}
