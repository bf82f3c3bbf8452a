//! What led to a trap, as the agent's author can use it: the functions of the
//! agent, and what its language wrote about it, without what every agent of that
//! language says.

use ringfence_flow::clean_text;
use wasmtime::{Error, WasmBacktrace};

/// How many functions of a backtrace are named.
const MAX_FRAMES: usize = 8;

/// The longest name of a function, in bytes. The guest picks it.
const MAX_FUNCTION_NAME: usize = 160;

/// Functions that every panic goes through, and that say nothing of its cause; the
/// last ones are how each attempt begins.
const MACHINERY: [&str; 11] = [
    "core::panicking::",
    "std::panicking::",
    "std::panic::",
    "std::process::abort",
    "std::sys::",
    "__rustc",
    "rust_panic",
    "rust_begin_unwind",
    "abort",
    "wit_dylib_export_call",
    "ringfence:agent/",
];

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

/// The functions that led to a trap, innermost first, a line each. None where they
/// are those of an interpreter.
pub(crate) fn backtrace(error: &Error) -> String {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else {
        return String::new();
    };
    let names = trace
        .frames()
        .iter()
        .filter_map(wasmtime::FrameInfo::func_name);
    functions(names)
}

fn functions<'a>(names: impl Iterator<Item = &'a str> + Clone) -> String {
    if names
        .clone()
        .any(|name| starts_with_any(name, &INTERPRETERS))
    {
        return String::new();
    }
    let names = names
        .map(|name| format!("{:#}", rustc_demangle::demangle(name)))
        .filter(|name| !starts_with_any(name, &MACHINERY))
        .take(MAX_FRAMES);
    names
        .map(|name| format!("\n  in {}", clean_text(&name, MAX_FUNCTION_NAME)))
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_panics_and_of_the_contract_are_left_out() {
        let names = [
            "__rustc::rust_begin_unwind",
            "core::panicking::panic_fmt",
            "_ZN5agent4work17h0123456789abcdefE",
            "ringfence:agent/agent@0.1.0#execute",
        ];
        assert_eq!(functions(names.into_iter()), "\n  in agent::work");
    }

    #[test]
    fn the_functions_of_an_interpreter_are_left_out() {
        let names = [
            "long_add",
            "_PyEval_EvalFrameDefault",
            "wit_dylib_export_call",
        ];
        assert_eq!(functions(names.into_iter()), "");
    }

    #[test]
    fn the_number_of_functions_is_bounded() {
        let names = vec!["f"; 3 * MAX_FRAMES];
        assert_eq!(
            functions(names.into_iter()).lines().skip(1).count(),
            MAX_FRAMES
        );
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
