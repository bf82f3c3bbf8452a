//! Makes a new project.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ringfence_flow::AgentName;

use crate::language::Language;
use crate::template::CONTRACT;

/// Why no project was made. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScaffoldError {
    /// Something is there already.
    #[error(
        "`{}` is there already, and not empty\nhint: choose another name, or another folder with `--to DIR`",
        .0.display()
    )]
    Exists(PathBuf),
    /// A file could not be written.
    #[error("`{}` cannot be written: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Makes the project of an agent called `name` in `folder`, and says which files
/// it has, as paths relative to it. The folder may be there if it is empty.
///
/// # Errors
/// [`ScaffoldError`]; then nothing has been made.
pub fn create(
    name: &AgentName,
    language: Language,
    folder: &Path,
) -> Result<Vec<String>, ScaffoldError> {
    let files = files(name, language);
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| ScaffoldError::File { path, source }
    };
    let is_there = match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => true,
            Some(_) => return Err(ScaffoldError::Exists(folder.to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(_) if folder.exists() => return Err(ScaffoldError::Exists(folder.to_owned())),
        Err(error) => return Err(at(folder)(error)),
    };
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(at(parent))?;
    // Written beside its place and moved there whole; dropped where it fails.
    let staging = tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .tempdir_in(parent)
        .map_err(at(parent))?;
    for (path, text) in &files {
        let to = staging.path().join(path);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        fs::write(&to, text).map_err(at(&folder.join(path)))?;
    }
    allow_others(staging.path()).map_err(at(folder))?;
    if is_there {
        fs::remove_dir(folder).map_err(at(folder))?;
    }
    fs::rename(staging.path(), folder).map_err(at(folder))?;
    // It has another name now, so there is nothing to remove.
    let _ = staging.keep();
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// All files of a new project, in the order of their paths.
fn files(name: &AgentName, language: Language) -> Vec<(String, String)> {
    let toolchain = language.toolchain();
    let template = toolchain.template().into_iter();
    let mut files: Vec<_> = template
        .map(|file| (file.path.to_owned(), file.filled(name)))
        .collect();
    let vendored = toolchain.vendored().into_iter();
    files.extend(vendored.map(|(path, text)| (path, text.to_owned())));
    files.push((CONTRACT.path.to_owned(), CONTRACT.text.to_owned()));
    files.sort();
    files
}

/// A temporary folder is for its user alone; a project is as other folders are.
#[cfg(unix)]
fn allow_others(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let inner = folder.join("wit");
    let mode = fs::metadata(inner)?.permissions().mode();
    fs::set_permissions(folder, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn allow_others(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> AgentName {
        AgentName::new("hello").unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_project_is_made_whole_and_with_the_name_of_the_agent() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("deep/hello");
        let files = create(&name(), Language::Rust, &folder).unwrap();
        assert!(files.contains(&"wit/agent.wit".to_owned()));
        assert!(files.contains(&"sdk/src/lib.rs".to_owned()));
        for file in &files {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            assert!(!text.contains("{{name}}"), "{file}");
        }
        let project = crate::Project::open(&folder).unwrap();
        assert_eq!(project.name(), &name());
        assert_eq!(
            names(&parent.path().join("deep")),
            ["hello"],
            "nothing beside it"
        );
    }

    #[test]
    fn an_empty_folder_is_taken_and_a_full_one_is_not() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("hello");
        fs::create_dir(&folder).unwrap();
        create(&name(), Language::Rust, &folder).unwrap();
        fs::write(folder.join("src/lib.rs"), "mine").unwrap();
        let again = create(&name(), Language::Rust, &folder);
        assert!(matches!(again, Err(ScaffoldError::Exists(_))));
        assert_eq!(
            fs::read_to_string(folder.join("src/lib.rs")).unwrap(),
            "mine"
        );

        let file = parent.path().join("file");
        fs::write(&file, "mine").unwrap();
        let over = create(&name(), Language::Rust, &file);
        assert!(matches!(over, Err(ScaffoldError::Exists(_))));
    }

    #[test]
    fn where_it_cannot_be_made_nothing_is_left() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let error = create(&name(), Language::Rust, &file.join("hello")).unwrap_err();
        assert!(matches!(error, ScaffoldError::File { .. }), "{error}");
        assert_eq!(names(parent.path()), ["file"]);
    }
}
