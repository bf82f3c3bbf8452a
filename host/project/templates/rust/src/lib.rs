use ringfence_sdk::prelude::*;

pub struct Greeter;

#[derive(Deserialize)]
pub struct Input {
    name: String,
}

#[derive(Debug, PartialEq, Serialize)]
pub struct Greeting {
    pub text: String,
}

impl Agent for Greeter {
    type Input = Input;
    type Output = Greeting;

    fn describe() -> Description {
        Description::new("{{name}}", env!("CARGO_PKG_VERSION"), "greets by name").role("greeter")
    }

    fn execute(input: Input, cx: &Context) -> Result<Outcome<Greeting>, Failure> {
        cx.log().info("greeting somebody");
        let text = format!("Hello, {}!", input.name);
        Ok(Outcome::completed(Greeting { text }))
    }
}

ringfence_sdk::register!(Greeter);
