//! Projects in Python and JavaScript: what they begin with, and what is told
//! where their packagers are not as they have to be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on panics, and one that is skipped says so"
)]

use std::fs;
#[cfg(unix)]
use std::path::Path;

use ringfence_flow::AgentName;
use ringfence_project::{Language, Project, create};
use tempfile::TempDir;

/// A new project called `hello`.
fn project(language: Language) -> (TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    let name = AgentName::new("hello").unwrap();
    create(&name, language, &folder.path().join("hello")).unwrap();
    let project = Project::open(&folder.path().join("hello")).unwrap();
    (folder, project)
}

fn text(project: &Project, path: &str) -> String {
    fs::read_to_string(project.folder().join(path)).unwrap()
}

/// A program that prints `said`, in place of a packager.
#[cfg(unix)]
fn program(path: &Path, said: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\necho '{said}'\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A package of npm that is nothing but its manifest.
fn package(project: &Project, name: &str, version: &str) {
    let folder = project.folder().join("node_modules").join(name);
    fs::create_dir_all(&folder).unwrap();
    let manifest = format!(r#"{{ "name": "{name}", "version": "{version}" }}"#);
    fs::write(folder.join("package.json"), manifest).unwrap();
}

fn missing(project: &Project) -> Vec<String> {
    let missing = project.missing();
    missing.iter().map(ToString::to_string).collect()
}

#[test]
fn a_new_agent_is_short() {
    for (language, source) in [
        (Language::Python, "src/agent.py"),
        (Language::JavaScript, "src/agent.js"),
    ] {
        let (_folder, project) = project(language);
        assert!(text(&project, source).lines().count() <= 30, "{source}");
        assert!(text(&project, "README.md").lines().count() <= 40);
        assert!(text(&project, source).contains("hello"));
    }
}

#[test]
fn a_new_project_carries_its_sdk_and_the_contract() {
    for (language, files) in [
        (
            Language::Python,
            [
                "sdk/ringfence_sdk/__init__.py",
                "sdk/ringfence_sdk/py.typed",
            ],
        ),
        (
            Language::JavaScript,
            ["sdk/package.json", "sdk/src/index.d.ts"],
        ),
    ] {
        let (_folder, project) = project(language);
        for file in files
            .into_iter()
            .chain(["wit/agent.wit", "cases/hello.yaml"])
        {
            assert!(project.folder().join(file).is_file(), "{file}");
        }
    }
}

#[cfg(unix)]
#[test]
fn the_packager_of_the_projects_own_environment_comes_first() {
    let (_folder, project) = project(Language::Python);
    let packager = project.folder().join(".venv/bin/componentize-py");
    program(&packager, "componentize-py 0.25.1");
    assert_eq!(missing(&project), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn a_packager_of_another_release_is_told_with_what_to_type() {
    let (_folder, project) = project(Language::Python);
    let venv = project.folder().join(".venv/bin");
    program(&venv.join("componentize-py"), "componentize-py 0.19.3");
    let venv = venv.display();
    assert_eq!(
        missing(&project),
        [format!(
            "`{venv}/componentize-py` is 0.19.3, and it takes 0.25.0\n\
             hint: `{venv}/pip install componentize-py==0.25.0`"
        )]
    );
}

#[test]
fn packages_that_are_not_installed_are_told_with_what_to_type() {
    let (_folder, project) = project(Language::JavaScript);
    let missing = missing(&project);
    if missing[0].starts_with("`node` is not installed") {
        eprintln!("skipped: there is no node here");
        return;
    }
    assert_eq!(
        missing,
        [
            "`@bytecodealliance/componentize-js` and `esbuild` are not installed in this project\n\
             hint: `npm install`"
        ]
    );
    package(&project, "@bytecodealliance/componentize-js", "0.19.3");
    package(&project, "esbuild", "0.28.2");
    assert_eq!(
        self::missing(&project),
        [
            "`@bytecodealliance/componentize-js` is 0.19.3 here, and it takes 0.23.0\n\
          hint: `npm install --save-dev @bytecodealliance/componentize-js@0.23.0`"
        ]
    );
    package(&project, "@bytecodealliance/componentize-js", "0.23.4");
    assert_eq!(self::missing(&project), Vec::<String>::new());
}

#[test]
fn a_module_that_is_not_there_is_told_before_anything_is_built() {
    let (_folder, project) = project(Language::Python);
    fs::remove_file(project.folder().join("src/agent.py")).unwrap();
    #[cfg(unix)]
    {
        let packager = project.folder().join(".venv/bin/componentize-py");
        program(&packager, "componentize-py 0.25.0");
        let error = project.build().unwrap_err().to_string();
        assert!(
            error.starts_with("there is no `src/agent.py` with the agent\nhint: "),
            "{error}"
        );
    }
}

#[test]
fn the_manifest_names_the_agent() {
    for (language, manifest, problem) in [
        (Language::Python, "[tool]", "it has no `[project]`"),
        (Language::Python, "[project]", "`[project]` has no `name`"),
        (Language::JavaScript, "{}", "it has no `name`"),
        (Language::JavaScript, "{", "EOF while parsing"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(language.manifest()), manifest).unwrap();
        let error = Project::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("package.json"),
        r#"{ "name": "@acme/hello" }"#,
    )
    .unwrap();
    let project = Project::open(folder.path()).unwrap();
    assert_eq!(project.name().as_str(), "hello");
}
