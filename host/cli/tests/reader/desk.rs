//! Where a reader sits: a folder with nothing in it, and a shell that has the command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::block::{Block, BlockKind, Typed, blocks, typed};
use super::compare::is_as_shown;
use super::tools::Tools;
use crate::support::{author, root};

/// There is one desk, and one page at a time lies on it: so cargo finds what it has
/// built for another page.
static DESK: Mutex<()> = Mutex::new(());

/// Where cargo puts what it builds in a project.
const BUILT: &str = "target";

/// A folder that a page is gone through in.
pub(crate) struct Desk {
    _ours: MutexGuard<'static, ()>,
    /// The folder that was empty.
    folder: PathBuf,
    /// Where the reader is now.
    here: PathBuf,
    /// What earlier pages left cargo.
    kept: PathBuf,
    tools: Tools,
}

/// Goes through a page of the guide: writes its files, types its commands, and
/// compares what they print.
pub(crate) fn go_through(page: &str, tools: Tools) {
    let path = root().join("docs/guide").join(page);
    let text = fs::read_to_string(&path).unwrap();
    let mut desk = Desk::cleared(tools);
    for block in blocks(&text).unwrap_or_else(|error| panic!("{page}: {error}")) {
        match &block.kind {
            BlockKind::File(file) => desk.write(file, &block.text),
            BlockKind::Console => desk.type_all(page, &block),
            BlockKind::Shown => {}
        }
    }
}

impl Desk {
    fn cleared(tools: Tools) -> Self {
        let ours = DESK.lock().unwrap_or_else(PoisonError::into_inner);
        let guide = root().join("target/guide");
        let (folder, kept) = (guide.join("desk"), guide.join("kept"));
        if folder.is_dir() {
            keep_what_was_built(&folder, &kept);
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        Self {
            _ours: ours,
            here: folder.clone(),
            folder,
            kept,
            tools,
        }
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.here.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn type_all(&mut self, page: &str, block: &Block) {
        for typed in typed(&block.text) {
            if self.tools.stand_in_for(typed.command, &self.here) {
                continue;
            }
            let place = format!("{page}, the block of line {}", block.line);
            self.type_one(&place, &typed);
            self.give_back_what_was_built();
        }
    }

    fn type_one(&mut self, place: &str, typed: &Typed<'_>) {
        let after = self.folder.join(".here");
        let script = format!(
            "{{ {}\n}} 2>&1; code=$?; pwd > '{}'; exit $code",
            typed.command,
            after.display()
        );
        let output = self.shell().args(["-c", &script]).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<_> = printed.lines().collect();
        let told = || format!("{place}: `{}` printed\n\n{printed}", typed.command);
        assert_eq!(output.status.code(), Some(typed.code()), "{}", told());
        // A command that shows nothing may print what it likes.
        if !typed.printed.is_empty() {
            assert!(is_as_shown(&typed.printed, &lines), "{}", told());
        }
        self.here = fs::read_to_string(&after).unwrap().trim_end().into();
    }

    /// A shell as an author has it, whose runs are kept apart from theirs.
    fn shell(&self) -> Command {
        let ringfence = Path::new(env!("CARGO_BIN_EXE_ringfence")).parent().unwrap();
        let prepared = author(&self.here);
        let variables = prepared
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        let mut path = ringfence.as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell
            .current_dir(&self.here)
            .env_clear()
            .envs(variables)
            .env("PATH", path)
            .env("XDG_STATE_HOME", self.folder.join(".state"));
        shell
    }

    /// A project that has just been made gets what cargo has built before.
    fn give_back_what_was_built(&self) {
        let built = self.here.join(BUILT);
        if self.here.join("Cargo.toml").is_file() && self.kept.exists() && !built.exists() {
            fs::rename(&self.kept, built).unwrap();
        }
    }
}

fn keep_what_was_built(folder: &Path, kept: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let built = entry.unwrap().path().join(BUILT);
        if built.is_dir() && !kept.exists() {
            fs::rename(built, kept).unwrap();
        }
    }
}
