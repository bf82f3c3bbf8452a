//! The trait that an agent implements.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Context, Description, Failure, Outcome, Task};

/// An agent: what it is called, and what it does with a task.
///
/// Nothing of it lives longer than one attempt: each runs in a sandbox of its
/// own, so there is no `self`.
///
/// ```
/// use ringfence_sdk::prelude::*;
///
/// struct WordCount;
///
/// impl Agent for WordCount {
///     type Input = String;
///     type Output = usize;
///
///     fn describe() -> Description {
///         Description::new("word-count", "1.0.0", "counts the words of a text").role("counter")
///     }
///
///     fn can_handle(task: &Task) -> bool {
///         task.input::<String>().is_ok()
///     }
///
///     fn execute(text: String, _: &Context) -> Result<Outcome<usize>, Failure> {
///         Ok(Outcome::completed(text.split_whitespace().count()))
///     }
/// }
///
/// ringfence_sdk::register!(WordCount);
/// # let run = ringfence_sdk::testing::TestHost::new()
/// #     .input("two words".into())
/// #     .execute::<WordCount>();
/// # assert_eq!(run.outcome, Ok(Outcome::completed(2)));
/// ```
pub trait Agent {
    /// What a task's input has to look like. An input that does not fit fails
    /// the attempt as [`Failure::InvalidInput`] before `execute` is called,
    /// with the name of the field. [`serde_json::Value`] takes everything.
    type Input: DeserializeOwned;

    /// What the value of an outcome looks like.
    type Output: Serialize;

    /// Who this is. Called once when the host loads the component, under a
    /// small budget, and remembered: it has to give the same each time.
    fn describe() -> Description;

    /// Whether this agent is able to do `task`. Called under a small budget
    /// where the role alone leaves the host a choice of agents. By default,
    /// always.
    fn can_handle(task: &Task) -> bool {
        let _ = task;
        true
    }

    /// Does the work.
    ///
    /// # Errors
    /// A [`Failure`], whose case says whether trying again can help. `?`
    /// converts those of `std::io`.
    fn execute(input: Self::Input, cx: &Context) -> Result<Outcome<Self::Output>, Failure>;
}

/// Makes an [`Agent`] the one that this component exports. Once in a crate,
/// whose manifest says `crate-type = ["cdylib"]`.
///
/// ```
/// use ringfence_sdk::prelude::*;
///
/// struct Yes;
///
/// impl Agent for Yes {
///     type Input = serde_json::Value;
///     type Output = bool;
///
///     fn describe() -> Description {
///         Description::new("yes", "1.0.0", "agrees").role("reviewer")
///     }
///
///     fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<bool>, Failure> {
///         Ok(Outcome::completed(true))
///     }
/// }
///
/// ringfence_sdk::register!(Yes);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! register {
    ($agent:ty) => {
        const _: () = {
            type Exported = $crate::guest::Exported<$agent>;

            #[cfg(target_family = "wasm")]
    $crate::bindings::export!(Exported with_types_in $crate::bindings);

            #[cfg(not(target_family = "wasm"))]
            const _: ::core::marker::PhantomData<Exported> = ::core::marker::PhantomData;
        };
    };
}
