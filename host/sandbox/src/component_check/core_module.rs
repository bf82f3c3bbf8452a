//! What a core module was built for, told by what it imports and exports.
//!
//! A core module is what compilers for C, Zig or TinyGo make, and no agent yet.
//! Whether a component can be made of it, and how, depends on this.

use serde::{Deserialize, Serialize};
use wasmtime::wasmparser::{Parser, Payload};

use super::{MAX_NAMES, MAX_NAMES_LEN, Unfit, invalid};

/// The module that programs for WASI preview 1 import.
pub(crate) const PREVIEW_1: &str = "wasi_snapshot_preview1";

/// How wasm-bindgen, whose modules run in a browser, names what it imports.
const BROWSER: [&str; 3] = ["__wbindgen", "wbg", "./"];

/// How the custom section begins in which wit-bindgen says what a module is to
/// become.
const WORLD_SECTION: &str = "component-type";

/// The function that makes a module a program.
const ENTRY: &str = "_start";

/// What a core module was built for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CoreModuleKind {
    /// A program for WASI preview 1: it has `_start`.
    Program,
    /// A component that is not finished: it says which world it is for.
    World,
    /// Functions without a program, for whoever embeds them.
    Library,
    /// A module of wasm-bindgen, for a browser.
    Browser,
    /// It imports from modules that nobody has.
    Foreign(Vec<String>),
}

impl CoreModuleKind {
    /// Reads what `bytes`, a core module, import and export.
    ///
    /// # Errors
    /// They are not well-formed, or have more names than any real module.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Unfit> {
        let mut foreign = Vec::new();
        let (mut has_entry, mut has_world) = (false, false);
        let mut names = Names::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(invalid)? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import.map_err(invalid)?;
                        names.add(import.module.len() + import.name.len())?;
                        if import.module != PREVIEW_1 {
                            foreign.push(format!("{}.{}", import.module, import.name));
                        }
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        has_entry |= export.map_err(invalid)?.name == ENTRY;
                    }
                }
                Payload::CustomSection(section) => {
                    has_world |= section.name().starts_with(WORLD_SECTION);
                }
                _ => {}
            }
        }
        Ok(if has_world {
            Self::World
        } else if is_for_browser(&foreign) {
            Self::Browser
        } else if !foreign.is_empty() {
            Self::Foreign(foreign)
        } else if has_entry {
            Self::Program
        } else {
            Self::Library
        })
    }

    /// Whether [`componentize`](crate::componentize()) makes a component of it.
    #[must_use]
    pub const fn can_be_component(&self) -> bool {
        matches!(self, Self::Program | Self::World)
    }

    /// What it is, to stand after "is".
    pub(crate) fn describe(&self) -> String {
        let what = match self {
            Self::Program => "a program for WASI preview 1: a core module, not a component",
            Self::World => "a core module that is to become a component, and is none yet",
            Self::Library => "a core module without a program (`_start`), not a component",
            Self::Browser => "a core module for a browser (wasm-bindgen), not a component",
            Self::Foreign(imports) => {
                return format!(
                    "a core module, not a component, and imports what WASI does not have: {}",
                    crate::refusal::show_names(imports)
                );
            }
        };
        what.to_owned()
    }

    /// What to do or type next, with the module in `file`.
    pub(crate) fn hint(&self, file: &str) -> String {
        match self {
            Self::Program => format!(
                "make a component of it with `ringfence componentize {file} -o {file}`; \
                 Rust builds one at once with `--target wasm32-wasip2`"
            ),
            Self::World => {
                format!("make a component of it with `ringfence componentize {file} -o {file}`")
            }
            Self::Library => "give it a `main` and link it as a program (in C without \
                 `-mexec-model=reactor` and `--no-entry`), or build a Rust agent with \
                 `--target wasm32-wasip2`"
                .to_owned(),
            Self::Browser => {
                "build it with `--target wasm32-wasip2`, and without wasm-bindgen".to_owned()
            }
            Self::Foreign(_) => {
                "link it with what it misses, for WASI: in C with `clang --target=wasm32-wasi` \
                 and without `--allow-undefined`, in Rust with `--target wasm32-wasip2`"
                    .to_owned()
            }
        }
    }
}

fn is_for_browser(imports: &[String]) -> bool {
    imports
        .iter()
        .any(|import| BROWSER.iter().any(|prefix| import.starts_with(prefix)))
}

/// Counts names: whoever made the module picks how many, and the host keeps
/// them for its message.
#[derive(Default)]
struct Names {
    count: usize,
    len: usize,
}

impl Names {
    fn add(&mut self, len: usize) -> Result<(), Unfit> {
        self.count += 1;
        self.len += len;
        if self.count <= MAX_NAMES && self.len <= MAX_NAMES_LEN {
            return Ok(());
        }
        Err(Unfit::TooManyNames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(module: &str) -> CoreModuleKind {
        CoreModuleKind::read(&wat::parse_str(format!("(module {module})")).unwrap()).unwrap()
    }

    const WRITE: &str = r#"(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))"#;

    #[test]
    fn what_a_module_imports_and_exports_says_what_it_is_for() {
        use CoreModuleKind::{Browser, Library, Program, World};
        assert_eq!(kind(""), Library);
        assert_eq!(kind(WRITE), Library);
        assert_eq!(kind(r#"(func (export "_start"))"#), Program);
        let program = format!(r#"{WRITE} (func (export "_start"))"#);
        assert_eq!(kind(&program), Program);
        assert_eq!(kind(r#"(@custom "component-type:agent" "x")"#), World);
        let browser = r#"(import "__wbindgen_placeholder__" "__wbindgen_throw" (func))"#;
        assert_eq!(kind(browser), Browser);
        let foreign = r#"(import "env" "log" (func)) (func (export "_start"))"#;
        assert_eq!(
            kind(foreign),
            CoreModuleKind::Foreign(vec!["env.log".to_owned()])
        );
    }

    #[test]
    fn the_number_of_imports_is_bounded() {
        let module = |count: usize| {
            let imports = r#"(import "env" "log" (func))"#.repeat(count);
            wat::parse_str(format!("(module {imports})")).unwrap()
        };
        assert!(CoreModuleKind::read(&module(MAX_NAMES)).is_ok());
        assert_eq!(
            CoreModuleKind::read(&module(MAX_NAMES + 1)),
            Err(Unfit::TooManyNames)
        );
    }

    #[test]
    fn the_bytes_of_all_imports_are_bounded() {
        let module = |len: usize| {
            let name = "a".repeat(len - "env".len());
            wat::parse_str(format!(r#"(module (import "env" {name:?} (func)))"#)).unwrap()
        };
        assert!(CoreModuleKind::read(&module(MAX_NAMES_LEN)).is_ok());
        assert_eq!(
            CoreModuleKind::read(&module(MAX_NAMES_LEN + 1)),
            Err(Unfit::TooManyNames)
        );
    }
}
