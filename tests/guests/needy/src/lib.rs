//! Decodes what the task `survey` gave into a type of its own.

use ringfence_sdk::prelude::*;

struct Needy;

#[derive(Deserialize)]
struct Survey {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    path: String,
}

impl Agent for Needy {
    type Input = serde_json::Value;
    type Output = usize;

    fn describe() -> Description {
        Description::new(
            "needy",
            env!("CARGO_PKG_VERSION"),
            "decodes what a task needs into a type of its own",
        )
        .role("test")
        .role("needy")
    }

    fn execute(_: serde_json::Value, cx: &Context) -> Result<Outcome<usize>, Failure> {
        let Some(need) = cx.task().need("survey") else {
            return Ok(Outcome::completed(0));
        };
        let survey: Survey = need.decode()?;
        let bytes = survey.files.iter().map(|file| file.path.len()).sum();
        Ok(Outcome::completed(bytes))
    }
}

ringfence_sdk::register!(Needy);
