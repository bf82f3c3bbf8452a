use agent::{Greeter, Greeting};
use ringfence_sdk::serde_json::json;
use ringfence_sdk::testing::TestHost;

/// Runs natively: quick, and a debugger works.
#[test]
fn greets_by_name() {
    let run = TestHost::new().input(json!({ "name": "Ada" })).execute::<Greeter>();
    let text = "Hello, Ada!".to_owned();
    assert_eq!(run.completed(), &Greeting { text });
    assert_eq!(run.logs[0].message, "greeting somebody");
}

/// Runs the component, as a host would: budgets hold, and nothing is granted.
#[test]
fn greets_in_the_sandbox() {
    let run = TestHost::new().input(json!({ "name": "Ada" })).execute_in_sandbox();
    assert_eq!(run.completed(), &json!({ "text": "Hello, Ada!" }));
    assert!(run.usage.fuel < 1_000_000);
}
