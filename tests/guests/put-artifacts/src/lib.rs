//! Puts so many artifacts of so many bytes, no two alike.

use ringfence_sdk::prelude::*;

struct PutArtifacts;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    count: usize,
    bytes: usize,
}

impl Agent for PutArtifacts {
    type Input = Input;
    type Output = usize;

    fn describe() -> Description {
        Description::new(
            "put-artifacts",
            env!("CARGO_PKG_VERSION"),
            "puts so many artifacts of so many bytes, no two alike",
        )
        .role("test")
        .role("put-artifacts")
    }

    fn execute(input: Input, cx: &Context) -> Result<Outcome<usize>, Failure> {
        let mut outcome = Outcome::completed(input.count);
        for number in 0..input.count {
            let mut content = number.to_string().into_bytes();
            content.resize(input.bytes, b'.');
            let name = format!("artifact-{number}.txt");
            outcome = outcome.with_artifact(cx.put_artifact(&name, "text/plain", &content)?);
        }
        Ok(outcome)
    }
}

ringfence_sdk::register!(PutArtifacts);
