//! Hands the host strings and lists that are too long for anybody.

use ringfence_sdk::prelude::*;

struct GiantStrings;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Where {
    Log,
    LogFields,
    Note,
    ArtifactName,
    MediaType,
    Failure,
    Reason,
    Rule,
    FindingPath,
    ManyFindings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    r#where: Where,
    bytes: usize,
}

impl Agent for GiantStrings {
    type Input = Input;
    type Output = String;

    fn describe() -> Description {
        Description::new(
            "giant-strings",
            env!("CARGO_PKG_VERSION"),
            "hands the host strings and lists that are too long for anybody",
        )
        .role("test")
        .role("giant-strings")
    }

    fn execute(input: Input, cx: &Context) -> Result<Outcome<String>, Failure> {
        let giant = || "x".repeat(input.bytes);
        let mut outcome = Outcome::completed("done".to_owned());
        let finding = |message: &str| Finding::new("giant", Severity::Info, message);
        match input.r#where {
            Where::Log => cx.log().info(giant()),
            Where::LogFields => {
                let mut line = cx.log().with("field", 0);
                for n in 0..input.bytes / 16 {
                    line = line.with("field", n);
                }
                line.info("many fields");
            }
            Where::Note => cx.progress(Activity::Working, None, giant()),
            Where::ArtifactName => {
                cx.put_artifact(&giant(), "text/plain", b"x")?;
            }
            Where::MediaType => {
                cx.put_artifact("a", &giant(), b"x")?;
            }
            Where::Failure => return Err(Failure::permanent(giant())),
            Where::Reason => return Ok(Outcome::rejected(giant())),
            Where::Rule => {
                outcome = outcome.with_findings([Finding::new(giant(), Severity::Info, "x")]);
            }
            Where::FindingPath => {
                outcome = outcome.with_findings([finding("x").at(giant(), 1, 1)]);
            }
            Where::ManyFindings => {
                outcome = outcome.with_findings((0..input.bytes / 64).map(|_| finding("x")));
            }
        }
        Ok(outcome)
    }
}

ringfence_sdk::register!(GiantStrings);
