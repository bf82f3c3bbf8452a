//! What the files above a file say of it.
//!
//! A file does not show that it is only built for tests, or that nothing
//! outside of its crate sees it: `#[cfg(test)] mod a;` and `mod a;` stand in
//! the file above. That file is scanned, not parsed, for it may be as large as
//! any other.

use std::collections::BTreeMap;
use std::path::Path;

use crate::SourceFile;
use crate::lexer::{LexemeKind, Lexemes, lexemes};

/// How a module is declared, along with all modules above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    /// Only tests build it.
    pub(crate) test_only: bool,
    /// It is not `pub`, and no `pub use` beside its declaration names it.
    pub(crate) private: bool,
}

impl Standing {
    fn below(self, parent: Self) -> Self {
        Self {
            test_only: self.test_only || parent.test_only,
            private: self.private || parent.private,
        }
    }
}

/// The declarations of the modules of a tree, read as they are asked for.
pub(crate) struct Declarations<'r> {
    root: &'r Path,
    /// What the module file of a folder declares, and how it stands itself.
    folders: BTreeMap<String, Folder>,
}

#[derive(Clone, Default)]
struct Folder {
    standing: Standing,
    modules: BTreeMap<String, Standing>,
}

impl<'r> Declarations<'r> {
    pub(crate) fn new(root: &'r Path) -> Self {
        Self {
            root,
            folders: BTreeMap::new(),
        }
    }

    /// How the file at `path` stands.
    pub(crate) fn standing(&mut self, path: &str) -> Standing {
        let Some(module) = module_path(path) else {
            return Standing::default();
        };
        let (folder, name) = module.rsplit_once('/').unwrap_or(("", module));
        if !self.folders.contains_key(folder) {
            let read = self.read(folder);
            self.folders.insert(folder.to_owned(), read);
        }
        let Some(folder) = self.folders.get(folder) else {
            return Standing::default();
        };
        folder
            .modules
            .get(name)
            .copied()
            .unwrap_or_default()
            .below(folder.standing)
    }

    /// Reads the file that declares the modules of a folder. Folders are no
    /// deeper than a tree may be, so this ends.
    fn read(&mut self, folder: &str) -> Folder {
        let within = |name: &str| match folder {
            "" => name.to_owned(),
            _ => format!("{folder}/{name}"),
        };
        let mut candidates = vec![within("mod.rs"), within("lib.rs"), within("main.rs")];
        if !folder.is_empty() {
            candidates.insert(0, format!("{folder}.rs"));
        }
        // A package with a program and a library declares modules in both.
        let mut found = Folder::default();
        for candidate in candidates {
            let Ok(file) = SourceFile::read(self.root, &candidate) else {
                continue;
            };
            found.standing = self.standing(&candidate);
            for (name, standing) in declared(file.text()) {
                merge(&mut found.modules, name, standing);
            }
            if !candidate.ends_with("lib.rs") {
                break;
            }
        }
        found
    }
}

/// Declared twice, a module stands as the freer declaration says.
fn merge(modules: &mut BTreeMap<String, Standing>, name: String, standing: Standing) {
    modules
        .entry(name)
        .and_modify(|known| {
            known.test_only &= standing.test_only;
            known.private &= standing.private;
        })
        .or_insert(standing);
}

/// The path of the module that a file holds; `None` for the root of a crate.
fn module_path(path: &str) -> Option<&str> {
    let module = path.strip_suffix(".rs")?;
    let (folder, name) = module.rsplit_once('/').unwrap_or(("", module));
    match name {
        "lib" | "main" => None,
        "mod" => (!folder.is_empty()).then_some(folder),
        _ => Some(module),
    }
}

/// The modules that a text declares without giving their content.
fn declared(text: &str) -> BTreeMap<String, Standing> {
    let mut modules = BTreeMap::new();
    let mut exported: Vec<&str> = Vec::new();
    let (mut test_only, mut public) = (false, false);
    let mut all = lexemes(text);
    let mut previous = "";
    while let Some(lexeme) = all.next() {
        match lexeme.text {
            "#" => test_only |= attribute(&mut all),
            "pub" => public = true,
            // `pub(crate)` does not reach out of the crate.
            "(" if previous == "pub" => public = false,
            "use" if public => {
                exported.extend(
                    all.by_ref()
                        .take_while(|lexeme| lexeme.text != ";")
                        .filter(|lexeme| lexeme.kind == LexemeKind::Ident)
                        .map(|lexeme| lexeme.text),
                );
                (test_only, public) = (false, false);
            }
            "mod" => {
                let name = all.next().map_or("", |name| name.text);
                if all.clone().next().is_some_and(|next| next.text == ";") {
                    let standing = Standing {
                        test_only,
                        private: !public,
                    };
                    merge(
                        &mut modules,
                        name.trim_start_matches("r#").to_owned(),
                        standing,
                    );
                }
                (test_only, public) = (false, false);
            }
            ";" | "{" | "}" => (test_only, public) = (false, false),
            _ => {}
        }
        previous = lexeme.text;
    }
    for name in exported {
        if let Some(standing) = modules.get_mut(name) {
            standing.private = false;
        }
    }
    modules
}

/// Reads an attribute and tells whether it is a `cfg` that only tests satisfy.
fn attribute(all: &mut Lexemes<'_>) -> bool {
    let mut words = Vec::new();
    let mut depth = 0_u32;
    for lexeme in all.by_ref() {
        match lexeme.kind {
            LexemeKind::Open => depth += 1,
            LexemeKind::Close => depth = depth.saturating_sub(1),
            LexemeKind::Ident => words.push(lexeme.text),
            LexemeKind::Punct if lexeme.text == "!" && depth == 0 => continue,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    words.first() == Some(&"cfg")
        && words.contains(&"test")
        && !words.contains(&"not")
        && !words.contains(&"any")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn standings(dir: &Path, paths: &[&str]) -> Vec<(bool, bool)> {
        let mut declarations = Declarations::new(dir);
        paths
            .iter()
            .map(|path| declarations.standing(path))
            .map(|standing| (standing.test_only, standing.private))
            .collect()
    }

    #[test]
    fn a_file_stands_as_the_files_above_it_say() {
        let dir = tree(&[
            (
                "src/lib.rs",
                "#![allow(x)]\n//! mod no;\nmod a;\npub mod b;\n#[cfg(test)]\nmod c;\npub(crate) mod d;\n\
                 mod e;\npub use e::{F, z::*};\n#[cfg(not(test))] pub mod f;\n\
                 cfg_x! { #[cfg(all(test, unix))] mod g; }\n#[cfg(test)] mod t { }\npub mod h;\n",
            ),
            ("src/b.rs", "mod i; pub mod j;"),
            ("src/c/mod.rs", "pub mod k;"),
        ]);
        let paths = [
            "src/lib.rs",
            "src/a.rs",
            "src/b.rs",
            "src/c/mod.rs",
            "src/d.rs",
            "src/e.rs",
            "src/f.rs",
            "src/g.rs",
            "src/h.rs",
            "src/b/i.rs",
            "src/b/j.rs",
            "src/c/k.rs",
            "src/unknown.rs",
            "src/a/l.rs",
        ];
        assert_eq!(
            standings(dir.path(), &paths),
            [
                (false, false),
                (false, true),
                (false, false),
                (true, true),
                (false, true),
                (false, false),
                (false, false),
                (true, true),
                (false, false),
                (false, true),
                (false, false),
                (true, true),
                (false, false),
                (false, false),
            ]
        );
    }

    #[test]
    fn a_module_of_a_library_and_a_program_stands_freely() {
        let dir = tree(&[
            ("lib.rs", "pub mod a; mod b;"),
            ("main.rs", "mod a; #[cfg(test)] mod b;"),
        ]);
        assert_eq!(
            standings(dir.path(), &["a.rs", "b.rs"]),
            [(false, false), (false, true)]
        );
    }
}
