//! The way to a trap, as the author of an agent reads it: functions, and lines
//! where they are known, and what its language wrote about it, without what every
//! panic goes through and every agent of that language says.

use std::fmt;

use ringfence_flow::clean_text;
use wasmtime::{Error, FrameInfo, WasmBacktrace};

use crate::source_lines::{SourceFrame, SourceLines};

/// How many steps are shown.
const MAX_STEPS: usize = 8;

/// The longest name of a function or file that is shown, in bytes. The guest
/// picks it.
const MAX_NAME: usize = 160;

/// Functions that every panic goes through, and that say nothing of its cause.
const PANIC_MACHINERY: [&str; 6] = [
    "core::panicking::",
    "std::panicking::",
    "std::panic::",
    "std::process::abort",
    "std::sys::",
    "__rustc",
];

/// The same, by their whole names.
const PANIC_FUNCTIONS: [&str; 3] = ["rust_panic", "rust_begin_unwind", "abort"];

/// Rust's own crates. What they do before they give up (`unwrap`, an index out
/// of bounds) is their caller's fault; what they do
/// before `main` is nobody's.
const STANDARD: [&str; 3] = ["core::", "alloc::", "std::"];

/// How the symbols begin between the host's call and an agent's own code, in
/// agents of the SDK and in others that wit-bindgen made.
const GLUE: [&str; 4] = [
    "ringfence:agent/",
    "ringfence_sdk::",
    "_export_",
    "wit_dylib_export_call",
];

/// The same, by their whole names.
const GLUE_FUNCTIONS: [&str; 3] = ["export_describe", "export_can_handle", "export_execute"];

/// Where the SDK's own source is: in its repository, or in a registry.
const GLUE_FILES: [&str; 2] = ["plugin-sdk/src/", "ringfence-sdk-"];

/// Functions that are there where an interpreter runs the agent. Its own functions
/// are the same for every agent; what they were about stands in what it wrote.
const INTERPRETERS: [&str; 2] = ["_PyEval_", "_PyObject_"];

/// Lines with which a language's runtime ends, and that say nothing of a cause.
const EPILOGUES: [&str; 5] = [
    "note: run with `RUST_BACKTRACE=1`",
    // componentize-py, after a traceback.
    "thread '<unnamed>' (1) panicked at runtime/src/lib.rs:",
    "Python function threw an unexpected exception",
    // The SDK for JavaScript, and componentize-js, after an error.
    "\"ringfence-sdk: told above\"",
    "Redirecting call to abort() to mozalloc_abort",
];

/// The steps that led to an error, innermost first.
#[derive(Debug, Default)]
pub(crate) struct Backtrace {
    steps: Vec<Step>,
    is_unknown: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Step {
    function: Option<String>,
    file: Option<String>,
    line: Option<u32>,
}

impl Backtrace {
    /// That of `error`; without steps for one that did not arise in a guest, or that
    /// arose in an interpreter, whose functions say nothing of the agent.
    pub(crate) fn of(error: &Error, lines: &SourceLines) -> Self {
        let Some(trace) = error.downcast_ref::<WasmBacktrace>() else {
            return Self::default();
        };
        let frames = trace.frames();
        let offsets: Vec<_> = frames.iter().map(FrameInfo::module_offset).collect();
        let names = frames.iter().map(FrameInfo::func_name);
        if names.clone().flatten().any(is_of_interpreter) {
            return Self::default();
        }
        let steps = names
            .zip(lines.at(&offsets))
            .flat_map(|(name, source)| steps_of(name.map(demangled), source));
        let steps = worth_showing(steps.collect());
        Self {
            is_unknown: steps.is_empty() && !frames.is_empty(),
            steps,
        }
    }

    /// Whether the guest was on its way somewhere, but nothing says where.
    pub(crate) fn is_unknown(&self) -> bool {
        self.is_unknown
    }
}

impl fmt::Display for Backtrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps
            .iter()
            .try_for_each(|step| write!(f, "\n  {step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.function {
            Some(function) => write!(f, "in {}", shown(function))?,
            None => f.write_str("in a function without a name")?,
        }
        if let Some(file) = &self.file {
            write!(f, " at {}", shown(file))?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
        }
        Ok(())
    }
}

/// What a guest wrote last, up to where its language's runtime speaks for itself.
pub(crate) fn last_words(tail: &str) -> String {
    let lines = tail
        .lines()
        .filter(|line| !starts_with_any(line, &EPILOGUES));
    let lines: Vec<_> = lines.collect();
    lines.join("\n").trim().to_owned()
}

fn starts_with_any(text: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| text.starts_with(start))
}

fn is_of_interpreter(name: &str) -> bool {
    starts_with_any(name, &INTERPRETERS)
}

/// A name on one line, bounded and clean.
fn shown(name: &str) -> String {
    clean_text(&name.replace('\n', "\\n"), MAX_NAME)
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// The steps of one function of the code that runs, of which others may be a
/// part that were inlined into it.
fn steps_of(name: Option<String>, source: Vec<SourceFrame>) -> Vec<Step> {
    if source.is_empty() {
        let step = name.map(|name| Step {
            function: Some(name),
            file: None,
            line: None,
        });
        return step.into_iter().collect();
    }
    let outermost = source.len() - 1;
    let steps = source.into_iter().enumerate().map(|(index, frame)| {
        let said = frame.function.as_deref().map(demangled);
        let function = match (&name, said) {
            // Both mean the same, and the symbol says it with its path.
            (Some(name), Some(said)) if index == outermost && is_of(name, &said) => {
                Some(name.clone())
            }
            (Some(name), None) if index == outermost => Some(name.clone()),
            (_, said) => said,
        };
        Step {
            function,
            file: frame.file,
            line: frame.line,
        }
    });
    steps.collect()
}

/// Whether the symbol `name` is that of the function which debug information
/// calls `said`, perhaps without its path.
fn is_of(name: &str, said: &str) -> bool {
    let last = said.rsplit("::").next().unwrap_or(said);
    let bare = last.split('<').next().unwrap_or(last);
    !bare.is_empty() && name.contains(bare)
}

fn worth_showing(mut steps: Vec<Step>) -> Vec<Step> {
    let named = |step: &Step, is: &dyn Fn(&str) -> bool| step.function.as_deref().is_some_and(is);
    let is_machinery = |name: &str| {
        PANIC_FUNCTIONS.contains(&name)
            || PANIC_MACHINERY.iter().any(|start| name.starts_with(start))
    };
    let is_standard = |name: &str| STANDARD.iter().any(|start| name.starts_with(start));
    steps.retain(|step| !named(step, &is_machinery));
    let is_own = |step: &Step| !named(step, &is_standard);
    if let (Some(first), Some(last)) = (
        steps.iter().position(is_own),
        steps
            .iter()
            .rposition(|step| is_own(step) && !is_glue(step)),
    ) && first <= last
    {
        steps.truncate(last + 1);
        steps.drain(..first);
    }
    steps.truncate(MAX_STEPS);
    steps
}

/// Whether it leads to an agent's own code and is none of it.
fn is_glue(step: &Step) -> bool {
    let named = step.function.as_deref().is_some_and(|name| {
        GLUE_FUNCTIONS.contains(&name) || GLUE.iter().any(|start| name.starts_with(start))
    });
    let placed = step
        .file
        .as_deref()
        .is_some_and(|file| GLUE_FILES.iter().any(|start| file.starts_with(start)));
    named || placed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(function: Option<&str>, line: u32) -> SourceFrame {
        SourceFrame {
            function: function.map(str::to_owned),
            file: Some("src/lib.rs".to_owned()),
            line: Some(line),
        }
    }

    fn shown(functions: Vec<(Option<&str>, Vec<SourceFrame>)>) -> String {
        let steps = functions
            .into_iter()
            .flat_map(|(name, source)| steps_of(name.map(demangled), source));
        let steps = worth_showing(steps.collect());
        let is_unknown = steps.is_empty();
        Backtrace { steps, is_unknown }.to_string()
    }

    #[test]
    fn functions_are_named_with_their_lines() {
        let found = shown(vec![
            (Some("core::panicking::panic_fmt"), vec![]),
            (Some("_RNvNtCs1234_4core6option13unwrap_failed"), vec![]),
            (
                Some("<agent::Linter as ringfence_sdk::Agent>::execute"),
                vec![source(Some("inner<u8>"), 17), source(Some("execute"), 9)],
            ),
            (Some("agent#run"), vec![]),
            (Some("ringfence_sdk::guest::run"), vec![]),
            (Some("ringfence:agent/agent@0.1.0#execute"), vec![]),
        ]);
        assert_eq!(
            found,
            "\n  in inner<u8> at src/lib.rs:17\
             \n  in <agent::Linter as ringfence_sdk::Agent>::execute at src/lib.rs:9\
             \n  in agent#run"
        );
        let only = vec![(Some("ringfence:agent/agent@0.1.0#execute"), vec![])];
        assert_eq!(shown(only), "\n  in ringfence:agent/agent@0.1.0#execute");
    }

    #[test]
    fn a_symbol_that_is_another_function_does_not_take_its_place() {
        let found = shown(vec![(
            Some("<core::iter::Map<I> as Iterator>::fold"),
            vec![source(Some("price"), 4)],
        )]);
        assert_eq!(found, "\n  in price at src/lib.rs:4");
    }

    #[test]
    fn a_function_may_have_no_name() {
        assert_eq!(
            shown(vec![(None, vec![source(None, 3)])]),
            "\n  in a function without a name at src/lib.rs:3"
        );
        assert_eq!(shown(vec![(None, vec![])]), "");
    }

    #[test]
    fn only_what_panics_is_machinery() {
        let found = shown(vec![
            (Some("abort"), vec![]),
            (Some("rust_panic"), vec![]),
            (Some("abort_mission"), vec![]),
            (Some("std::io::read"), vec![]),
            (Some("main"), vec![]),
            (Some("std::rt::lang_start"), vec![]),
        ]);
        assert_eq!(found, "\n  in abort_mission\n  in std::io::read\n  in main");
        let only = shown(vec![(Some("std::io::read"), vec![])]);
        assert_eq!(only, "\n  in std::io::read", "better than nothing");
    }

    #[test]
    fn names_are_bounded_and_clean() {
        let forged = source(Some("a\n  in b\u{1b}[2J"), 1);
        let long = SourceFrame {
            file: Some("x".repeat(10_000)),
            ..source(Some(&"f".repeat(10_000)), 2)
        };
        let many = vec![source(Some("again"), 5); 100];
        let found = shown(vec![(None, vec![forged, long]), (None, many)]);
        assert!(found.starts_with("\n  in a\\n  in b"), "{found}");
        assert!(!found.contains('\u{1b}') && found.len() < 900, "{found}");
        assert_eq!(
            found.lines().filter(|line| !line.is_empty()).count(),
            MAX_STEPS
        );
    }

    #[test]
    fn an_interpreter_is_told_by_its_functions() {
        assert!(is_of_interpreter("_PyEval_EvalFrameDefault"));
        assert!(!is_of_interpreter("evaluate"));
    }

    #[test]
    fn a_runtime_does_not_have_the_last_word() {
        let python = "ValueError: the well is empty\n\n\
             thread '<unnamed>' (1) panicked at runtime/src/lib.rs:1293:29:\n\
             Python function threw an unexpected exception\n\
             note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";
        assert_eq!(last_words(python), "ValueError: the well is empty");
        let rust = "thread '<unnamed>' (1) panicked at src/lib.rs:9:5:\nno\n\
             note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";
        assert_eq!(
            last_words(rust),
            "thread '<unnamed>' (1) panicked at src/lib.rs:9:5:\nno"
        );
    }
}
