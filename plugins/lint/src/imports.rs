//! What the names in a file stand for, as far as its `use` lines say.

use std::collections::HashMap;

use syn::visit::Visit;
use syn::{ItemUse, Path, UseTree};

/// The names that `use` brings into a file, each with its full path.
///
/// One table serves the whole file: a `use` inside of a function counts
/// everywhere. Two names of one file that differ only by scope are rare, and
/// rules ask for particular crates, so that a mix-up shows at once.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    names: HashMap<String, String>,
    globs: Vec<String>,
}

impl Imports {
    /// The imports of a file.
    #[must_use]
    pub fn of(file: &syn::File) -> Self {
        let mut imports = Self::default();
        imports.visit_file(file);
        imports
    }

    /// The path, its first segment replaced by what it was imported from:
    /// after `use std::fs;` the path `fs::read` is `std::fs::read`. Generic
    /// arguments are left out.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> String {
        let mut full = String::new();
        for (index, segment) in path.segments.iter().enumerate() {
            let name = segment.ident.to_string();
            if index > 0 {
                full.push_str("::");
                full.push_str(&name);
                continue;
            }
            match self.names.get(&name) {
                Some(import) if path.leading_colon.is_none() => full.push_str(import),
                _ => full.push_str(&name),
            }
        }
        full
    }

    /// Whether a `use` names something of the crate `krate`.
    #[must_use]
    pub fn mentions(&self, krate: &str) -> bool {
        self.names
            .values()
            .chain(&self.globs)
            .any(|path| path.split("::").next() == Some(krate))
    }

    /// Whether everything in the module `path` was imported.
    #[must_use]
    pub fn has_glob(&self, path: &str) -> bool {
        self.globs.iter().any(|glob| glob == path)
    }

    fn add(&mut self, tree: &UseTree, prefix: &str) {
        let below = |name: &syn::Ident| {
            if prefix.is_empty() {
                name.to_string()
            } else {
                format!("{prefix}::{name}")
            }
        };
        match tree {
            UseTree::Path(path) => self.add(&path.tree, &below(&path.ident)),
            UseTree::Name(name) if name.ident == "self" => {
                if let Some(last) = prefix.rsplit("::").next() {
                    self.names.insert(last.to_owned(), prefix.to_owned());
                }
            }
            UseTree::Name(name) => {
                self.names
                    .insert(name.ident.to_string(), below(&name.ident));
            }
            UseTree::Rename(rename) => {
                let full = if rename.ident == "self" {
                    prefix.to_owned()
                } else {
                    below(&rename.ident)
                };
                self.names.insert(rename.rename.to_string(), full);
            }
            UseTree::Glob(_) => self.globs.push(prefix.to_owned()),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add(tree, prefix);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add(&item.tree, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(text: &str) -> Imports {
        Imports::of(&syn::parse_file(text).unwrap())
    }

    fn resolve(imports: &Imports, path: &str) -> String {
        imports.resolve(&syn::parse_str(path).unwrap())
    }

    #[test]
    fn names_are_led_back_to_where_they_come_from() {
        let imports = imports(
            "use std::{fs, io::{self, Read}, process::Command as Cmd};\n\
             fn f() { use regex::Regex; }",
        );
        for (path, full) in [
            ("fs::read", "std::fs::read"),
            ("io::stdin", "std::io::stdin"),
            ("Read", "std::io::Read"),
            ("Cmd::new", "std::process::Command::new"),
            ("Regex::new", "regex::Regex::new"),
            ("::fs::read", "fs::read"),
            ("other::fs", "other::fs"),
            ("Vec::<u8>::new", "Vec::new"),
        ] {
            assert_eq!(resolve(&imports, path), full);
        }
    }

    #[test]
    fn crates_and_globs_are_known() {
        let imports = imports("use tokio::fs::*;\nuse regex as r;");
        assert!(imports.mentions("tokio") && imports.mentions("regex"));
        assert!(!imports.mentions("fs"));
        assert!(imports.has_glob("tokio::fs") && !imports.has_glob("tokio"));
        assert_eq!(resolve(&imports, "r::Regex"), "regex::Regex");
    }
}
