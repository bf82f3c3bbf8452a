//! Where in a file a walk stands.

use crate::FileKind;

/// A function around the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FunctionFrame {
    pub(crate) name: String,
    pub(crate) is_const: bool,
}

/// What changes from one place to the next and is put back on the way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Surroundings {
    pub(crate) test: bool,
    pub(crate) is_async: bool,
    pub(crate) is_unsafe: bool,
    pub(crate) loops: u32,
    pub(crate) closures: u32,
    pub(crate) macros: u32,
    pub(crate) trait_impl: bool,
    pub(crate) in_trait: bool,
    pub(crate) is_constant: bool,
    pub(crate) modules: u32,
}

/// Where in a file a place is.
#[derive(Clone, Debug)]
pub struct Scope {
    pub(crate) kind: FileKind,
    pub(crate) names: Vec<String>,
    pub(crate) functions: Vec<FunctionFrame>,
    pub(crate) now: Surroundings,
    pub(crate) lints: Vec<String>,
}

impl Scope {
    pub(crate) fn of(kind: FileKind) -> Self {
        Self {
            kind,
            names: Vec::new(),
            functions: Vec::new(),
            now: Surroundings {
                test: kind.is_test(),
                ..Surroundings::default()
            },
            lints: Vec::new(),
        }
    }

    /// What the file is for.
    #[must_use]
    pub fn file_kind(&self) -> FileKind {
        self.kind
    }

    /// The names of the inline modules, types, traits and functions around the
    /// place, outermost first, joined by `::`; `""` at the top of a file.
    #[must_use]
    pub fn path(&self) -> String {
        self.names.join("::")
    }

    /// The name of the innermost function around the place.
    #[must_use]
    pub fn function(&self) -> Option<&str> {
        self.functions.last().map(|function| function.name.as_str())
    }

    /// Whether the place is test code: a test, below `#[cfg(test)]`, or in a
    /// file whose [`FileKind::is_test`].
    #[must_use]
    pub fn in_test(&self) -> bool {
        self.now.test
    }

    /// Whether the place runs as part of a future: an `async` function, block
    /// or closure is around it, with no other function or closure between.
    #[must_use]
    pub fn in_async(&self) -> bool {
        self.now.is_async
    }

    /// Whether the innermost function is `const`.
    #[must_use]
    pub fn in_const_fn(&self) -> bool {
        self.functions
            .last()
            .is_some_and(|function| function.is_const)
    }

    /// Whether the place is computed by the compiler or once: it is in the value
    /// of a `const` or `static`, or in a `const` block.
    #[must_use]
    pub fn in_constant(&self) -> bool {
        self.now.is_constant
    }

    /// How many inline modules are around the place.
    #[must_use]
    pub fn module_depth(&self) -> u32 {
        self.now.modules
    }

    /// Whether an `unsafe` block or function is around the place, with no other
    /// function between.
    #[must_use]
    pub fn in_unsafe(&self) -> bool {
        self.now.is_unsafe
    }

    /// How many `for`, `while` and `loop` bodies of the same function are
    /// around the place. What a `for` loop iterates over is outside of it, the
    /// condition of a `while` inside.
    #[must_use]
    pub fn loop_depth(&self) -> u32 {
        self.now.loops
    }

    /// How many closures of the same function are around the place.
    #[must_use]
    pub fn closure_depth(&self) -> u32 {
        self.now.closures
    }

    /// Whether the place is among the arguments of a macro call.
    #[must_use]
    pub fn in_macro(&self) -> bool {
        self.now.macros > 0
    }

    /// Whether the place is in an `impl Trait for Type`.
    #[must_use]
    pub fn in_trait_impl(&self) -> bool {
        self.now.trait_impl
    }

    /// Whether the place is in the definition of a trait.
    #[must_use]
    pub fn in_trait(&self) -> bool {
        self.now.in_trait
    }

    /// Whether an `#[allow]` or `#[expect]` around the place, or on the file,
    /// names the lint: `clippy::unwrap_used`, `missing_docs`.
    #[must_use]
    pub fn allows(&self, lint: &str) -> bool {
        self.lints.iter().any(|allowed| allowed == lint)
    }
}
