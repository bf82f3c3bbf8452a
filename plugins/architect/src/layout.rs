//! Which module a file holds, told from where cargo looks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The longest manifest that is read. Only the name of the package is wanted.
const MAX_MANIFEST: usize = 256 << 10;

/// How many bytes of folders and names are told of packages that are not named after
/// their folders. Those beyond it count as if they were.
const MAX_PACKAGE_BYTES: usize = 96 << 10;

/// The packages that are not named after their folders, by folder, each as code writes
/// it.
pub(crate) type Packages = BTreeMap<String, String>;

/// Reads the manifests of the packages that the files at `paths` (relative to `root`)
/// belong to.
pub(crate) fn packages(root: &Path, paths: &[String]) -> Packages {
    let folders: BTreeSet<&str> = paths.iter().map(|path| split_package(path).0).collect();
    let mut room = MAX_PACKAGE_BYTES;
    let mut packages = Packages::new();
    for folder in folders {
        let Some(name) = told_name(root, folder) else {
            continue;
        };
        if name == name_of_folder(folder) {
            continue;
        }
        if let Some(rest) = room.checked_sub(folder.len() + name.len()) {
            room = rest;
            packages.insert(folder.to_owned(), name);
        }
    }
    packages
}

/// The module that a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its full name: `ringfence_flow::retry`.
    pub(crate) name: String,
    /// What `crate` stands for in it.
    pub(crate) root: String,
}

/// The modules of a tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    places: BTreeMap<String, Place>,
    names: BTreeSet<String>,
    packages: BTreeSet<String>,
}

impl Layout {
    /// The modules that the files at `paths` hold. A package that is not in `packages`
    /// is named after its folder.
    pub(crate) fn of<'a>(paths: impl IntoIterator<Item = &'a String>, packages: &Packages) -> Self {
        let mut layout = Self::default();
        for path in paths {
            let (folder, rest) = split_package(path);
            let package = match packages.get(folder) {
                Some(name) => name.clone(),
                None => name_of_folder(folder),
            };
            let place = place(&package, rest);
            layout.names.insert(place.name.clone());
            layout.packages.insert(package);
            layout.places.insert(path.clone(), place);
        }
        layout
    }

    /// The module that the file at `path` holds.
    pub(crate) fn place(&self, path: &str) -> Option<&Place> {
        self.places.get(path)
    }

    /// The same; of a file that is not in the tree, a module of its own.
    pub(crate) fn place_or_path(&self, path: &str) -> Place {
        self.place(path).cloned().unwrap_or_else(|| Place {
            name: path.to_owned(),
            root: String::new(),
        })
    }

    /// The number of packages.
    pub(crate) fn packages(&self) -> usize {
        self.packages.len()
    }

    /// The module that a path (`crate::a::B`, in parts) in `place` leads into,
    /// if it is another module of the tree. `depth` is the number of inline
    /// modules around the path.
    pub(crate) fn resolve(&self, place: &Place, depth: u32, parts: &[String]) -> Option<&str> {
        let mut rest = parts;
        let mut base = match parts.first()?.as_str() {
            "crate" => {
                rest = &parts[1..];
                place.root.clone()
            }
            "self" if depth == 0 => {
                rest = &parts[1..];
                place.name.clone()
            }
            "super" => {
                let supers = parts.iter().take_while(|part| *part == "super").count();
                rest = &parts[supers..];
                // Within inline modules the first ones stay in the file.
                let up = supers.checked_sub(usize::try_from(depth).ok()?)?;
                ancestor(&place.name, up)?
            }
            first if depth == 0 && self.names.contains(&join(&place.name, first)) => {
                place.name.clone()
            }
            first if self.packages.contains(first) => {
                rest = &parts[1..];
                first.to_owned()
            }
            _ => return None,
        };
        for part in rest {
            let next = join(&base, part);
            if !self.names.contains(&next) {
                break;
            }
            base = next;
        }
        let target = self.names.get(&base)?;
        (*target != place.name).then_some(target)
    }
}

/// Whether one of the modules lies within the other.
pub(crate) fn related(a: &str, b: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.starts_with("::"))
    };
    within(a, b) || within(b, a)
}

fn join(module: &str, name: &str) -> String {
    format!("{module}::{name}")
}

fn ancestor(module: &str, up: usize) -> Option<String> {
    let mut module = module;
    for _ in 0..up {
        module = module.rsplit_once("::")?.0;
    }
    Some(module.to_owned())
}

/// The folder of the package that a file belongs to, and the rest of its path.
fn split_package(path: &str) -> (&str, &str) {
    let mut start = 0;
    for part in path.split('/') {
        if matches!(part, "src" | "tests" | "benches" | "examples")
            && start + part.len() < path.len()
        {
            return (path[..start].trim_end_matches('/'), &path[start..]);
        }
        start += part.len() + 1;
    }
    match path.rsplit_once('/') {
        Some((folder, "build.rs")) => (folder, "build.rs"),
        _ => ("", path),
    }
}

/// The module of a file whose path within its package is `rest`.
fn place(package: &str, rest: &str) -> Place {
    let stem = rest.strip_suffix(".rs").unwrap_or(rest);
    let mut parts: Vec<&str> = stem.split('/').collect();
    let in_src = parts.first() == Some(&"src");
    if in_src {
        parts.remove(0);
    }
    // What cargo builds as a crate of its own has its own `crate`.
    let target = match parts.as_slice() {
        ["tests" | "benches" | "examples" | "bin", _, ..] => 2,
        ["build"] if !in_src => 1,
        _ => 0,
    };
    let names_its_folder = match parts.as_slice() {
        // `tests/a/main.rs` is the test `a`.
        [_, _, "main"] => target == 2,
        ["lib"] | [_, .., "mod"] => true,
        _ => false,
    };
    if names_its_folder {
        parts.pop();
    }
    let name = |parts: &[&str]| {
        let mut name = package.to_owned();
        for part in parts {
            name.push_str("::");
            name.push_str(part);
        }
        name
    };
    Place {
        root: name(&parts[..target.min(parts.len())]),
        name: name(&parts),
    }
}

/// The name that the manifest in `folder` gives its package, as code writes it.
fn told_name(root: &Path, folder: &str) -> Option<String> {
    let manifest = fs::read(root.join(folder).join("Cargo.toml")).ok()?;
    if manifest.len() > MAX_MANIFEST {
        return None;
    }
    let name = manifest_name(std::str::from_utf8(&manifest).ok()?)?;
    Some(in_code(&name))
}

/// The name of a package whose manifest gives none.
fn name_of_folder(folder: &str) -> String {
    match folder.rsplit('/').next() {
        Some(last) if !last.is_empty() => in_code(last),
        _ => "crate".to_owned(),
    }
}

fn in_code(name: &str) -> String {
    name.replace('-', "_")
}

/// The `name` in the `[package]` table of a manifest. Manifests write both on
/// lines of their own; a name that is written otherwise is not found, and the
/// folder's name serves.
fn manifest_name(text: &str) -> Option<String> {
    let mut in_package = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_package = line == "[package]";
        } else if in_package
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "name"
        {
            let name = value.trim().strip_prefix('"')?.split('"').next()?;
            let valid = !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
            return valid.then(|| name.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(files: &[(&str, &str)]) -> Layout {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let paths: Vec<_> = files
            .iter()
            .map(|(path, _)| (*path).to_owned())
            .filter(|path| path.ends_with(".rs"))
            .collect();
        Layout::of(&paths, &packages(dir.path(), &paths))
    }

    #[test]
    fn files_hold_the_modules_that_cargo_finds_in_them() {
        let layout = layout(&[
            (
                "x/flow/Cargo.toml",
                "[package]\nversion = \"1\"\nname = \"the-flow\"\n[lib]\nname = \"no\"\n",
            ),
            ("x/flow/src/lib.rs", ""),
            ("x/flow/src/main.rs", ""),
            ("x/flow/src/a/mod.rs", ""),
            ("x/flow/src/a/b.rs", ""),
            ("x/flow/src/bin/t.rs", ""),
            ("x/flow/tests/s/main.rs", ""),
            ("x/flow/tests/s/c.rs", ""),
            ("x/flow/build.rs", ""),
            ("y/src/lib.rs", ""),
            ("loose/z.rs", ""),
        ]);
        for (path, name, root) in [
            ("x/flow/src/lib.rs", "the_flow", "the_flow"),
            ("x/flow/src/main.rs", "the_flow::main", "the_flow"),
            ("x/flow/src/a/mod.rs", "the_flow::a", "the_flow"),
            ("x/flow/src/a/b.rs", "the_flow::a::b", "the_flow"),
            (
                "x/flow/src/bin/t.rs",
                "the_flow::bin::t",
                "the_flow::bin::t",
            ),
            (
                "x/flow/tests/s/main.rs",
                "the_flow::tests::s",
                "the_flow::tests::s",
            ),
            (
                "x/flow/tests/s/c.rs",
                "the_flow::tests::s::c",
                "the_flow::tests::s",
            ),
            ("x/flow/build.rs", "the_flow::build", "the_flow::build"),
            ("y/src/lib.rs", "y", "y"),
            ("loose/z.rs", "crate::loose::z", "crate"),
        ] {
            let place = layout.place(path).unwrap();
            assert_eq!((&*place.name, &*place.root), (name, root), "{path}");
        }
        assert_eq!(layout.packages(), 3);
    }

    #[test]
    fn packages_that_there_is_no_room_to_name_are_named_after_their_folders() {
        let dir = tempfile::tempdir().unwrap();
        let named = |length: usize| {
            let folder = dir.path().join("a");
            fs::create_dir_all(&folder).unwrap();
            let manifest = format!("[package]\nname = \"{}\"\n", "x".repeat(length));
            fs::write(folder.join("Cargo.toml"), manifest).unwrap();
            let paths = ["a/src/lib.rs".to_owned()];
            let layout = Layout::of(&paths, &packages(dir.path(), &paths));
            layout.place(&paths[0]).unwrap().name.len()
        };
        let longest = MAX_PACKAGE_BYTES - "a".len();
        assert_eq!(named(longest), longest);
        assert_eq!(named(longest + 1), 1);
    }

    #[test]
    fn paths_lead_to_the_innermost_module() {
        let layout = layout(&[
            ("a/src/lib.rs", ""),
            ("a/src/b.rs", ""),
            ("a/src/b/c.rs", ""),
            ("a/src/d.rs", ""),
            ("e/src/lib.rs", ""),
            ("e/src/f.rs", ""),
        ]);
        let resolve = |path: &str, depth, to: &str| {
            let parts: Vec<_> = to.split("::").map(str::to_owned).collect();
            layout
                .resolve(layout.place(path).unwrap(), depth, &parts)
                .map(str::to_owned)
        };
        for (path, depth, to, expected) in [
            ("a/src/d.rs", 0, "crate::b::c::X", Some("a::b::c")),
            ("a/src/d.rs", 0, "crate::b::X", Some("a::b")),
            ("a/src/d.rs", 0, "crate::X", Some("a")),
            ("a/src/d.rs", 0, "super::b::X", Some("a::b")),
            ("a/src/d.rs", 1, "super::b::X", None),
            ("a/src/d.rs", 1, "super::super::b::X", Some("a::b")),
            ("a/src/b/c.rs", 0, "super::super::d", Some("a::d")),
            ("a/src/b/c.rs", 0, "super::super::super::super::d", None),
            ("a/src/b.rs", 0, "self::c::X", Some("a::b::c")),
            ("a/src/b.rs", 0, "c::X", Some("a::b::c")),
            ("a/src/b.rs", 0, "e::f::g", Some("e::f")),
            ("a/src/b.rs", 0, "std::fs", None),
            ("a/src/b.rs", 0, "self::X", None),
            ("e/src/f.rs", 0, "a::b::c::d::e", Some("a::b::c")),
        ] {
            assert_eq!(resolve(path, depth, to).as_deref(), expected, "{path} {to}");
        }
    }

    #[test]
    fn a_module_is_related_to_those_it_lies_in() {
        assert!(related("a::b::c", "a"));
        assert!(related("a::b", "a::b::c"));
        assert!(!related("a::b", "a::bc"));
        assert!(!related("a::b", "a::c"));
    }
}
