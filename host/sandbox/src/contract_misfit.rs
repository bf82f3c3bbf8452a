//! What a component that names the contract's interface gets wrong in it, told
//! before any of its code runs.

use std::fmt::Write as _;

use ringfence_flow::clean_text;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{ComponentNamedList, InstancePre, Lift, Lower};

use crate::agent::AGENT;
use crate::bindings::exports::ringfence::agent::agent::Description;
use crate::bindings::ringfence::agent::types::{Failure, Outcome, Task};
use crate::component_check::AGENT_FUNCTIONS;
use crate::refusal::show_names;

/// The longest part of wasmtime's messages that is shown, in bytes.
const MAX_DIFFERENCE: usize = 600;

/// How deep into a type is looked. Whoever makes the component picks its depth.
const MAX_NESTING: usize = 4;

/// The longest signature that is shown, in bytes.
const MAX_SIGNATURE: usize = 200;

/// Why a component does not fit the contract that it names.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContractMisfit {
    /// It leaves out functions.
    #[error("its `{AGENT}` lacks {}; it has {}", show_names(.missing), show_names(.found))]
    Lacks {
        missing: Vec<&'static str>,
        found: Vec<String>,
    },
    /// A function is of another type.
    #[error("its `{name}` is `{signature}`, where the contract has `{wanted}`: {difference}")]
    OtherType {
        name: &'static str,
        signature: String,
        wanted: &'static str,
        difference: String,
    },
}

/// Compares the functions of a plugin with those of the contract.
///
/// # Errors
/// The first difference, as far as it can be told.
pub(crate) fn check<T: 'static>(linked: &InstancePre<T>) -> Result<(), ContractMisfit> {
    let found = functions(linked);
    let missing: Vec<_> = AGENT_FUNCTIONS
        .into_iter()
        .filter(|wanted| !found.iter().any(|(name, _)| name == wanted))
        .collect();
    if !missing.is_empty() {
        let found = found.into_iter().map(|(name, _)| name).collect();
        return Err(ContractMisfit::Lacks { missing, found });
    }
    for (name, function) in &found {
        match name.as_str() {
            "describe" => compare::<T, (), (Description,)>(
                linked,
                ("describe", "func() -> description"),
                function,
            )?,
            "can-handle" => compare::<T, (&Task,), (bool,)>(
                linked,
                ("can-handle", "func(task: task) -> bool"),
                function,
            )?,
            "execute" => compare::<T, (&Task,), (Result<Outcome, Failure>,)>(
                linked,
                ("execute", "func(task: task) -> result<outcome, failure>"),
                function,
            )?,
            // More than is asked for does no harm.
            _ => {}
        }
    }
    Ok(())
}

/// The functions that it exports in the contract's interface, with their types.
fn functions<T: 'static>(linked: &InstancePre<T>) -> Vec<(String, ComponentFunc)> {
    let engine = linked.engine();
    let exports = linked.component().component_type();
    let Some(ComponentItem::ComponentInstance(agent)) =
        exports.get_export(engine, AGENT).map(|export| export.ty)
    else {
        return Vec::new();
    };
    let functions = agent
        .exports(engine)
        .filter_map(|(name, item)| match item.ty {
            ComponentItem::ComponentFunc(function) => Some((name.to_owned(), function)),
            _ => None,
        });
    functions.collect()
}

/// Compares one function with what the contract has under its name.
fn compare<T, P, R>(
    linked: &InstancePre<T>,
    (name, wanted): (&'static str, &'static str),
    function: &ComponentFunc,
) -> Result<(), ContractMisfit>
where
    T: 'static,
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let compared = function.typecheck::<P, R>(&linked.instance_type());
    compared.map_err(|error| ContractMisfit::OtherType {
        name,
        signature: clean_text(&signature(function), MAX_SIGNATURE),
        wanted,
        difference: clean_text(&format!("{error:#}"), MAX_DIFFERENCE),
    })
}

fn signature(function: &ComponentFunc) -> String {
    let params: Vec<_> = function
        .params()
        .map(|(name, ty)| format!("{name}: {}", shape(&ty, MAX_NESTING)))
        .collect();
    let mut text = format!("func({})", params.join(", "));
    for result in function.results() {
        let _ = write!(text, " -> {}", shape(&result, MAX_NESTING));
    }
    text
}

/// What kind of type it is, with what is in it down to `nesting`. The names of
/// types are not known here.
fn shape(ty: &Type, nesting: usize) -> String {
    let Some(nesting) = nesting.checked_sub(1) else {
        return "...".to_owned();
    };
    let inner = |ty: Option<Type>| ty.map_or_else(|| "_".to_owned(), |ty| shape(&ty, nesting));
    let word = match ty {
        Type::Bool => "bool",
        Type::S8 => "s8",
        Type::U8 => "u8",
        Type::S16 => "s16",
        Type::U16 => "u16",
        Type::S32 => "s32",
        Type::U32 => "u32",
        Type::S64 => "s64",
        Type::U64 => "u64",
        Type::Float32 => "f32",
        Type::Float64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::List(list) => return format!("list<{}>", inner(Some(list.ty()))),
        Type::Option(option) => return format!("option<{}>", inner(Some(option.ty()))),
        Type::Result(result) => {
            return format!("result<{}, {}>", inner(result.ok()), inner(result.err()));
        }
        Type::Record(_) => "record",
        Type::Tuple(_) => "tuple",
        Type::Variant(_) => "variant",
        Type::Enum(_) => "enum",
        Type::Flags(_) => "flags",
        Type::Own(_) | Type::Borrow(_) => "resource",
        Type::Map(_) => "map",
        Type::Future(_) => "future",
        Type::Stream(_) => "stream",
        Type::ErrorContext => "error-context",
        Type::FixedLengthList(_) => "list",
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use wasmtime::component::Component;

    use super::*;
    use crate::component_check::AgentKind;

    /// What is said of a component whose interface has these functions: pairs of a
    /// name and a type.
    fn said(functions: &[(&str, &str)]) -> String {
        let lifted: String = functions
            .iter()
            .enumerate()
            .map(|(index, (_, ty))| {
                let core = if ty.contains("param") { "g" } else { "f" };
                format!(
                    "(func $f{index} {ty} (canon lift (core func $m \"{core}\")
                        (memory (core memory $m \"memory\"))
                        (realloc (core func $m \"realloc\"))))
                    "
                )
            })
            .collect();
        let exports: String = functions
            .iter()
            .enumerate()
            .map(|(index, (name, _))| format!("(export \"{name}\" (func $f{index}))"))
            .collect();
        let text = format!(
            "(component
                (core module $code
                    (memory (export \"memory\") 1)
                    (func (export \"f\") (result i32) (i32.const 0))
                    (func (export \"g\") (param i32 i32 i32) (result i32) (i32.const 0))
                    (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
                (core instance $m (instantiate $code))
                {lifted}
                (instance $agent {exports})
                (export \"{AGENT}\" (instance $agent)))"
        );
        let engine = crate::engine::pooled(1).unwrap();
        let linker = crate::link::linker(&engine).unwrap();
        let component = Component::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        let error = crate::agent::AgentPre::new(&linker, &component, AgentKind::Plugin)
            .err()
            .unwrap();
        error.to_string()
    }

    #[test]
    fn what_does_not_fit_is_told_as_far_as_it_can_be() {
        let string = "(result string)";
        let shown = [
            ("nothing of it", said(&[])),
            ("a part of it", said(&[("describe", string)])),
            (
                "other functions",
                said(&[
                    ("describe", string),
                    ("can-handle", string),
                    ("run", string),
                ]),
            ),
            (
                "another result",
                said(&[
                    ("describe", string),
                    ("can-handle", string),
                    ("execute", string),
                ]),
            ),
            (
                "other parameters",
                said(&[
                    (
                        "execute",
                        "(param \"input\" string) (param \"n\" u32) \
                         (result (list (option (list (list (list u8))))))",
                    ),
                    ("describe", string),
                    ("can-handle", string),
                ]),
            ),
        ]
        .map(|(what, said)| format!("{what}: {said}"));
        insta::assert_snapshot!(shown.join("\n\n"));
    }
}
