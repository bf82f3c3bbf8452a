//! From a core module to a component: what programs in C, Zig, TinyGo and others
//! need that are built for WASI preview 1.
//!
//! wasmtime's adapter gives preview 1 to the module and takes WASI 0.2 from the
//! host. It ends every program that does not succeed with exit code 1, as WASI
//! 0.2 has no more; but the code is what a command answers with. So `proc_exit`
//! is taken past the adapter, to `exit-with-code`.

mod heap;

use ringfence_flow::{ByteSize, clean_text};
use wasi_preview1_component_adapter_provider as adapters;
use wasm_encoder::{EntityType, ImportSection, Module, RawSection};
use wasmtime::wasmparser::{BinaryReaderError, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::component_check::{CoreModuleKind, PREVIEW_1, Unfit};
use crate::folder::DEFAULT_COMPONENT_LIMIT;

/// The longest part of the encoder's messages that is shown, in bytes.
const MAX_MESSAGE: usize = 600;

/// The function of preview 1 that ends a program.
const EXIT: (&str, &str) = (PREVIEW_1, "proc_exit");

/// What takes its place: it has the same type.
const EXIT_WITH_CODE: (&str, &str) = ("wasi:cli/exit@0.2.0", "exit-with-code");

/// The world of a module that imports it.
const EXIT_WORLD: &str = "
    package ringfence:componentize;

    world exits-with-code {
        import wasi:cli/exit@0.2.0;
    }

    package wasi:cli@0.2.0 {
        interface exit {
            exit-with-code: func(status-code: u8);
        }
    }
";

/// Why no component can be made of some bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentizeError {
    /// They are one.
    #[error(
        "is a component already\nhint: put it into a plugins folder; `ringfence agents list` shows what becomes of it"
    )]
    AlreadyComponent,
    /// They are too many.
    #[error(
        "has {size}, and a component may have at most {limit}\nhint: build it with optimisation, and strip what it does not need"
    )]
    TooLarge {
        /// How many they are.
        size: ByteSize,
        /// The most that a component may have.
        limit: ByteSize,
    },
    /// They are no module, or one of which nothing can be made.
    #[error("{0}\nhint: {hint}", hint = .0.hint())]
    Unfit(Unfit),
    /// The module does not keep to its own rules.
    #[error(
        "cannot be made a component: {0}\nhint: build it again with current tools, for WASI preview 1"
    )]
    Refused(String),
}

/// Makes a component of `module`, a core module for WASI preview 1: a program
/// becomes a command, and what wit-bindgen has built for a world becomes a
/// component of it. What is not understood is left as it is, debug information
/// too.
///
/// The module is read in this process, so it should be the caller's own.
///
/// # Errors
/// Why no component can be made of it, and what to do.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, ComponentizeError> {
    check_size(module)?;
    let kind = match kind_of(module) {
        Some(kind) => kind.map_err(ComponentizeError::Unfit)?,
        None => return Err(ComponentizeError::AlreadyComponent),
    };
    if !kind.can_be_component() {
        return Err(ComponentizeError::Unfit(Unfit::CoreModule(kind)));
    }
    let adapter = match kind {
        CoreModuleKind::Program => adapters::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        _ => adapters::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
    };
    let with_heap = heap::with_realloc(module).map_err(|error| refused(&error.to_string()))?;
    let module = with_exit_codes(with_heap.as_deref().unwrap_or(module))?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.adapter(PREVIEW_1, adapter))
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| refused(&format!("{error:#}")))?;
    check_size(&component)?;
    Ok(component)
}

/// What `bytes` are; `None` for a component.
fn kind_of(bytes: &[u8]) -> Option<Result<CoreModuleKind, Unfit>> {
    match crate::component_check::classify(bytes) {
        Ok(()) => None,
        Err(Unfit::CoreModule(kind)) => Some(Ok(kind)),
        Err(unfit) => Some(Err(unfit)),
    }
}

fn check_size(bytes: &[u8]) -> Result<(), ComponentizeError> {
    let (size, limit) = (ByteSize::bytes(bytes.len() as u64), DEFAULT_COMPONENT_LIMIT);
    if size <= limit {
        return Ok(());
    }
    Err(ComponentizeError::TooLarge { size, limit })
}

/// `module`, with its exit codes taken past the adapter. One that never exits
/// with a code stays as it is.
fn with_exit_codes(module: &[u8]) -> Result<Vec<u8>, ComponentizeError> {
    let Some(mut renamed) = rename_exit(module).map_err(|error| refused(&error.to_string()))?
    else {
        return Ok(module.to_owned());
    };
    let mut resolve = Resolve::default();
    resolve
        .push_str("exit.wit", EXIT_WORLD)
        .and_then(|package| resolve.select_world(&[package], None))
        .and_then(|world| {
            embed_component_metadata(&mut renamed, &resolve, world, StringEncoding::UTF8)
        })
        .map_err(|error| refused(&format!("{error:#}")))?;
    Ok(renamed)
}

/// `module` with another import in place of [`EXIT`]; `None` where it has none.
fn rename_exit(module: &[u8]) -> Result<Option<Vec<u8>>, BinaryReaderError> {
    let mut renamed = Module::new();
    let mut found = false;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::ImportSection(section) = payload {
            let mut imports = ImportSection::new();
            for import in section.into_imports() {
                let import = import?;
                let is_exit = (import.module, import.name) == EXIT;
                let (from, name) = if is_exit {
                    EXIT_WITH_CODE
                } else {
                    (import.module, import.name)
                };
                found |= is_exit;
                let Ok(ty) = EntityType::try_from(import.ty) else {
                    // A type that the encoder does not know: nothing of preview 1.
                    return Ok(None);
                };
                imports.import(from, name, ty);
            }
            renamed.section(&imports);
        } else if let Some((id, range)) = payload.as_section() {
            let data = &module[range.start..range.end];
            renamed.section(&RawSection { id, data });
        }
    }
    Ok(found.then(|| renamed.finish()))
}

fn refused(message: &str) -> ComponentizeError {
    ComponentizeError::Refused(clean_text(message, MAX_MESSAGE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component_check::{AgentKind, ComponentInterface};

    fn module(text: &str) -> Vec<u8> {
        wat::parse_str(format!("(module {text})")).unwrap()
    }

    /// A program that ends with exit code 7.
    fn exits() -> Vec<u8> {
        module(
            r#"(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (func (export "_start") (call $exit (i32.const 7)))"#,
        )
    }

    fn refusal(bytes: &[u8]) -> String {
        componentize(bytes).unwrap_err().to_string()
    }

    #[test]
    fn a_program_becomes_a_command_that_exits_with_its_code() {
        let component = componentize(&exits()).unwrap();
        let interface = ComponentInterface::read(&component).unwrap();
        assert_eq!(interface.kind, AgentKind::Command);
        let has = |text: &str| {
            component
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        assert!(has("exit-with-code"));
    }

    #[test]
    fn a_program_that_never_exits_becomes_one_too() {
        let component = componentize(&module(
            r#"(memory (export "memory") 1) (func (export "_start"))"#,
        ));
        let interface = ComponentInterface::read(&component.unwrap()).unwrap();
        assert_eq!(interface.kind, AgentKind::Command);
    }

    #[test]
    fn what_no_component_can_be_made_of_is_told_with_what_to_do() {
        let shown = [
            ("a component", componentize(&exits()).unwrap()),
            ("a text", b"int main(void)".to_vec()),
            ("half a module", exits()[..40].to_vec()),
            ("a library", module("")),
            (
                "with something else",
                module(r#"(import "env" "log" (func))"#),
            ),
            (
                "not of preview 1",
                module(
                    r#"(import "wasi_snapshot_preview1" "reboot" (func))
                    (memory (export "memory") 1) (func (export "_start"))"#,
                ),
            ),
            (
                "of another type",
                module(
                    r#"(import "wasi_snapshot_preview1" "proc_exit" (func (param i64)))
                    (memory (export "memory") 1) (func (export "_start"))"#,
                ),
            ),
            (
                "not valid",
                module(r#"(memory (export "memory") 1) (func (export "_start") i32.add)"#),
            ),
        ]
        .map(|(what, bytes)| format!("{what}: {}", refusal(&bytes)));
        insta::assert_snapshot!(shown.join("\n\n"));
    }

    #[test]
    fn the_size_is_bounded() {
        let limit = DEFAULT_COMPONENT_LIMIT.as_u64() as usize;
        assert!(check_size(&vec![0; limit]).is_ok());
        let error = componentize(&vec![0; limit + 1]).unwrap_err();
        assert!(
            matches!(error, ComponentizeError::TooLarge { .. }),
            "{error}"
        );
    }
}
