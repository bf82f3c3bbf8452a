//! Says of a task what its input tells it to, when asked whether it can handle it.

use ringfence_sdk::prelude::*;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Yes,
    No,
    Trap,
    Spin,
}

struct Picky;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    answer: Answer,
}

impl Agent for Picky {
    type Input = Input;
    type Output = bool;

    fn describe() -> Description {
        Description::new(
            "picky",
            env!("CARGO_PKG_VERSION"),
            "says of a task what its input tells it to, when asked whether it can handle it",
        )
        .role("test")
        .role("picky")
    }

    fn can_handle(task: &Task) -> bool {
        match task.input::<Input>() {
            Ok(Input { answer }) => match answer {
                Answer::Yes => true,
                Answer::No => false,
                Answer::Trap => panic!("asked to trap"),
                Answer::Spin => loop {
                    std::hint::black_box(());
                },
            },
            Err(_) => false,
        }
    }

    fn execute(input: Input, _: &Context) -> Result<Outcome<bool>, Failure> {
        Ok(Outcome::completed(matches!(input.answer, Answer::Yes)))
    }
}

ringfence_sdk::register!(Picky);
