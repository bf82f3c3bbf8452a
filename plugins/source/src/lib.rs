//! Rust source trees as the standard agents read them.
//!
//! A [`Tree`] lists the files of a mount, a [`SourceFile`] is one of them with
//! its text, lines and comments, and [`each_file`] reads, parses and drops one
//! file after the other, so that an attempt needs memory for the largest file
//! and not for the tree. It also looks up how the file's module is declared,
//! so that what only tests build is known as such.
//!
//! [`walk`] goes through a parsed file and tells a [`Visitor`] of each item,
//! function, statement, expression, path and macro call together with the
//! [`Scope`] it stands in: its module, function, loop depth, whether it is
//! test code, async or unsafe, and which lints are allowed there. It looks into
//! the arguments of macros where these are expressions, statements or items.
//!
//! Source text is not trusted: no input makes this crate panic, recurse deeper
//! than its limits or follow a link out of the tree.
//!
//! ```
//! use source::{Scope, SourceFile, Visitor, walk};
//!
//! struct Unwraps(Vec<u32>);
//!
//! impl Visitor for Unwraps {
//!     fn expr(&mut self, expr: &syn::Expr, scope: &Scope) {
//!         if let syn::Expr::MethodCall(call) = expr
//!             && call.method == "unwrap"
//!             && !scope.in_test()
//!         {
//!             self.0.push(source::Position::of(&call.method).line);
//!         }
//!     }
//! }
//!
//! let file = SourceFile::new("src/a.rs", "fn f() {\n    print!(\"{}\", g().unwrap());\n}\n");
//! let mut unwraps = Unwraps(Vec::new());
//! walk(&file, &file.parse().unwrap(), &mut unwraps);
//! assert_eq!(unwraps.0, [2]);
//! ```

mod attributes;
mod comments;
mod declarations;
mod edit;
mod file;
mod file_kind;
mod input;
mod lexer;
mod lints;
mod macros;
mod nesting;
mod position;
mod reading;
mod scope;
mod test_code;
mod tree;
mod walk;

pub use comments::{Comment, Comments, LineCounts};
pub use edit::LineEdit;
pub use file::{ParseProblem, ReadProblem, SourceFile};
pub use file_kind::FileKind;
pub use input::{DEFAULT_MOUNT, FileInput, UnknownFile};
pub use lexer::{Lexeme, LexemeKind, lexemes};
pub use macros::MacroBody;
pub use nesting::{MAX_LEXEMES, MAX_STACK};
pub use position::Position;
pub use reading::{Problem, Reading, each_file};
pub use scope::Scope;
pub use test_code::{has_test_attribute, is_test_only};
pub use tree::{MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES, Tree, TreeError};
pub use walk::{Function, FunctionKind, Visitor, walk};

pub use syn;
