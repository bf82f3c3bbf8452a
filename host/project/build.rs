//! Embeds the templates, and the SDKs that projects carry with them.
//!
//! Each folder of `templates/` becomes a list of files, named in upper case: a
//! file that is dropped there is part of every new project of that language.

use std::path::{Path, PathBuf};
use std::{env, error, fs};

type Error = Box<dyn error::Error>;

/// The SDKs, and where they are.
const SDKS: [(&str, &str); 3] = [
    ("SDK_SOURCE", "src"),
    ("PYTHON_SDK", "python/ringfence_sdk"),
    ("JAVASCRIPT_SDK", "js/src"),
];

/// What an interpreter leaves behind where it was tried.
const LEFT_BEHIND: &str = "__pycache__";

fn main() -> Result<(), Error> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut lists = String::new();
    let templates = here.join("templates");
    println!("cargo::rerun-if-changed={}", templates.display());
    for folder in entries(&templates)? {
        let language = name(&folder).to_uppercase();
        lists += &list(&language, &folder)?;
    }
    for (constant, folder) in SDKS {
        let sdk = here.join("../../plugin-sdk").join(folder);
        println!("cargo::rerun-if-changed={}", sdk.display());
        lists += &list(constant, &sdk)?;
    }
    let to = PathBuf::from(env::var("OUT_DIR")?).join("embedded.rs");
    fs::write(to, lists)?;
    Ok(())
}

/// A constant called `constant` with all files below `root`.
fn list(constant: &str, root: &Path) -> Result<String, Error> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    let mut text = format!("pub(crate) const {constant}: &[TemplateFile] = &[\n");
    for file in files {
        let parts: Vec<_> = file.strip_prefix(root)?.iter().collect();
        let parts: Vec<_> = parts.iter().map(|part| part.to_string_lossy()).collect();
        let path = parts.join("/");
        text += &format!("    TemplateFile {{ path: {path:?}, text: include_str!({file:?}) }},\n");
    }
    Ok(text + "];\n")
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    for path in entries(folder)? {
        match path.is_dir() {
            true if name(&path) == LEFT_BEHIND => {}
            true => collect(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

/// What is in a folder, in the order of the names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut entries = entries.collect::<Result<Vec<_>, Error>>()?;
    entries.sort();
    Ok(entries)
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
