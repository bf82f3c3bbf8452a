//! Why a file of the plugins folder is not loaded.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringfence_flow::{
    AgentName, ByteSize, ContentHash, Failure, FailureCode, InvalidId, clean_text, show_duration,
};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::component_check::{DescriptionProblem, SDK_VERSION, Unfit};

/// The longest path that is shown, in bytes. Whoever drops a file names it.
const MAX_SHOWN_PATH: usize = 1024;

/// The longest name of an import or export that is shown, in bytes. Whoever
/// makes a component names them, and a name may have 100,000 bytes.
const MAX_SHOWN_NAME: usize = 100;

/// How many imports or exports a message names before it counts the rest.
const MAX_SHOWN_NAMES: usize = 8;

/// A file that is not loaded, and why. The refusal of one file never stops
/// the others.
///
/// Serializes as `path`, `code`, `message` and `hint`.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", show_path(.path))]
pub struct Refusal {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: RefusalReason,
}

impl Refusal {
    /// A refusal of `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, reason: RefusalReason) -> Self {
        Self {
            path: path.into(),
            reason,
        }
    }

    /// The stable code of the reason, see [`RefusalReason::code`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.reason.code()
    }

    /// What to do about it, see [`RefusalReason::hint`]; where that is a command,
    /// with this file.
    #[must_use]
    pub fn hint(&self) -> String {
        match &self.reason {
            RefusalReason::Unfit(unfit) => unfit.hint_for(&typed_path(&self.path)),
            reason => reason.hint(),
        }
    }
}

impl Serialize for Refusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Refusal", 4)?;
        fields.serialize_field(
            "path",
            &clean_text(&self.path.to_string_lossy(), MAX_SHOWN_PATH),
        )?;
        fields.serialize_field("code", self.code())?;
        fields.serialize_field("message", &self.reason.to_string())?;
        fields.serialize_field("hint", &self.hint())?;
        fields.end()
    }
}

/// Why a file is not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalReason {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// A folder, pipe, socket or device.
    #[error("is no regular file")]
    NotAFile,
    /// The file is larger than a component may be.
    #[error("has {size}, and a component may have at most {limit}")]
    TooLarge {
        /// The file's size.
        size: ByteSize,
        /// The most that is accepted.
        limit: ByteSize,
    },
    /// No agent can be made of what the file holds.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A component that does not validate.
    #[error("is not a valid component: {message}")]
    InvalidComponent {
        /// What is wrong with it.
        message: String,
    },
    /// The names fit the contract but the types don't.
    #[error("does not fit the contract: {message}")]
    TypeMismatch {
        /// What does not fit.
        message: String,
    },
    /// Compiling took too long on the clock.
    #[error("took more than {} to compile", show_duration(*.limit))]
    CompileTimedOut {
        /// The most that it may take.
        limit: Duration,
    },
    /// Compiling took too long on a core.
    #[error("took more than {} on a core to compile", show_duration(*.limit))]
    CompileTooMuchTime {
        /// The most that it may take.
        limit: Duration,
    },
    /// Compiling took too much memory.
    #[error("needs more than {limit} of memory to compile")]
    CompileOutOfMemory {
        /// The most that it may take.
        limit: ByteSize,
    },
    /// The compiled code is larger than what is accepted.
    #[error("compiles to more than {limit} of code")]
    CompiledTooLarge {
        /// The most that is accepted.
        limit: ByteSize,
    },
    /// The compiler crashed.
    #[error("crashes the compiler: {how}")]
    CompilerCrashed {
        /// The signal or exit code, and the last thing it said.
        how: String,
    },
    /// The compiler cannot be started, or is not of this host. Says nothing
    /// of the component.
    #[error("cannot be compiled: {message}")]
    CompilerUnavailable {
        /// What went wrong.
        message: String,
    },
    /// `describe` failed or broke its budget.
    #[error("cannot say what it is: `describe` failed with {}: {}", .0.code, .0.message)]
    DescribeFailed(Failure),
    /// `describe` answered with something that no agent can be.
    #[error("has a description that is not valid: {}", show_problems(.0))]
    InvalidDescription(Vec<DescriptionProblem>),
    /// The file of a command gives it its name, and the name is none.
    #[error("is a command, whose file gives it its name: {0}")]
    InvalidFileName(InvalidId),
    /// A command to which the configuration gives no role.
    #[error("is a command, and `ringfence.toml` gives it no role")]
    NoRoles {
        /// The command's name.
        name: AgentName,
    },
    /// The configuration gives roles to an agent that says them itself.
    #[error("says its roles itself, but `ringfence.toml` gives it others")]
    RolesOfPlugin {
        /// The agent's name.
        name: AgentName,
    },
    /// The configuration says which component has this name, and it is another.
    #[error("calls itself `{name}`, and `ringfence.toml` says that another component is `{name}`")]
    NotPinned {
        /// The name.
        name: AgentName,
        /// The SHA-256 of this one.
        hash: ContentHash,
    },
    /// Several files hold an agent of this name. None of them is loaded: to
    /// choose by file name would let a dropped file take another's place.
    #[error("holds an agent named `{name}`, and so does {}", show_paths(.others, *.more))]
    SameName {
        /// The name.
        name: AgentName,
        /// The other files, or some of them.
        others: Vec<PathBuf>,
        /// How many there are beside them.
        more: usize,
    },
}

impl RefusalReason {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::NotAFile => "not-a-file",
            Self::TooLarge { .. } => "component-too-large",
            Self::Unfit(unfit) => unfit.code(),
            Self::InvalidComponent { .. } => "invalid-component",
            Self::TypeMismatch { .. } => "type-mismatch",
            Self::CompileTimedOut { .. } => "compile-timed-out",
            Self::CompileTooMuchTime { .. } => "compile-too-much-time",
            Self::CompileOutOfMemory { .. } => "compile-out-of-memory",
            Self::CompiledTooLarge { .. } => "compiled-too-large",
            Self::CompilerCrashed { .. } => "compiler-crashed",
            Self::CompilerUnavailable { .. } => "compiler-unavailable",
            Self::DescribeFailed(_) => "describe-failed",
            Self::InvalidDescription(_) => "invalid-description",
            Self::InvalidFileName(_) => "invalid-file-name",
            Self::NoRoles { .. } => "no-roles",
            Self::RolesOfPlugin { .. } => "roles-of-plugin",
            Self::NotPinned { .. } => "not-pinned",
            Self::SameName { .. } => "same-name",
        }
    }

    /// What to do or type next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                "let the user who runs the host read it, for example with `chmod a+r`".to_owned()
            }
            Self::Unreadable(_) => "check the file and the disk, then copy it again".to_owned(),
            Self::NotAFile => {
                "put a component's file there, or take it out of the folder".to_owned()
            }
            Self::TooLarge { .. } => "build it with `--release` and strip its debug information \
                 with `wasm-tools strip --all`"
                .to_owned(),
            Self::Unfit(unfit) => unfit.hint(),
            Self::InvalidComponent { .. } => {
                "build it again with current tools; `wasm-tools validate` shows more".to_owned()
            }
            Self::TypeMismatch { .. } => format!(
                "build it again with `ringfence-sdk` {SDK_VERSION}, or against this \
                 version's `wit/agent.wit`"
            ),
            Self::CompileTimedOut { .. } => "try again when the machine has less to do; \
                 if it has nothing else to do, split the component's largest functions"
                .to_owned(),
            Self::CompileTooMuchTime { .. } | Self::CompileOutOfMemory { .. } => {
                "split its largest functions, or leave out what it does not need; \
                 the host remembers this file and does not try it again"
                    .to_owned()
            }
            Self::CompiledTooLarge { .. } => "leave out what it does not need".to_owned(),
            Self::CompilerCrashed { .. } => "do not trust this file; if it is your own, \
                 build it with other settings and report the crash"
                .to_owned(),
            Self::CompilerUnavailable { .. } => {
                "check that the host's own program can be started and is of one version".to_owned()
            }
            Self::DescribeFailed(failure) => describe_hint(failure.code),
            Self::InvalidDescription(_) => "mend the agent's `describe`".to_owned(),
            Self::InvalidFileName(_) => {
                "rename the file to the agent's name, for example `my-agent.wasm`".to_owned()
            }
            Self::NoRoles { name } => {
                format!("add `[agents.{name}]` with `roles = [\"...\"]` to `ringfence.toml`")
            }
            Self::RolesOfPlugin { name } => {
                format!("take `roles` out of `[agents.{name}]` in `ringfence.toml`")
            }
            Self::NotPinned { name, hash } => format!(
                "take it out of the folder; if it is the one that you want, \
                 write `sha256 = \"{hash}\"` under `[agents.{name}]`"
            ),
            Self::SameName { .. } => "keep one of them and take the others out of the folder; \
                 none is loaded until then"
                .to_owned(),
        }
    }
}

fn describe_hint(code: FailureCode) -> String {
    match code {
        FailureCode::OutOfFuel
        | FailureCode::TimedOut
        | FailureCode::OutOfMemory
        | FailureCode::OutputTooLarge
        | FailureCode::TooManyHostCalls => {
            "let `describe` return constants; it gets a small budget".to_owned()
        }
        _ => "mend the agent's `describe`; it is called with nothing granted".to_owned(),
    }
}

/// `path` as it can be shown: clean, bounded and in backticks.
pub(crate) fn show_path(path: &Path) -> String {
    // A name may hold a line break, which would forge a line.
    let name = path.to_string_lossy().replace('\n', "\\n");
    format!("`{}`", clean_text(&name, MAX_SHOWN_PATH))
}

/// `path` as a person types it in a shell. One with other letters than these is
/// left for the person to write: whoever drops a file names it, and the line is
/// there to be copied.
fn typed_path(path: &Path) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    match path.to_str() {
        Some(text)
            if text.len() <= MAX_SHOWN_PATH
                && text.chars().all(is_plain)
                && !text.starts_with('-') =>
        {
            text.to_owned()
        }
        _ => "FILE.wasm".to_owned(),
    }
}

fn show_paths(paths: &[PathBuf], more: usize) -> String {
    let shown: Vec<_> = paths.iter().map(|path| show_path(path)).collect();
    match more {
        0 => join(&shown),
        more => format!("{} and {more} more", join(&shown)),
    }
}

pub(crate) fn show_names(names: &[impl AsRef<str>]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let shown: Vec<_> = names
        .iter()
        .map(|name| format!("`{}`", clean_text(name.as_ref(), MAX_SHOWN_NAME)))
        .collect();
    join(&shown)
}

fn show_problems(problems: &[DescriptionProblem]) -> String {
    let shown: Vec<_> = problems
        .iter()
        .take(MAX_SHOWN_NAMES)
        .map(ToString::to_string)
        .collect();
    shown.join("; ")
}

fn join(shown: &[String]) -> String {
    let (first, rest) = shown.split_at(shown.len().min(MAX_SHOWN_NAMES));
    let mut text = first.join(", ");
    if !rest.is_empty() {
        let _ = fmt::Write::write_fmt(&mut text, format_args!(" and {} more", rest.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component_check::CoreModuleKind;

    fn one_of_each() -> Vec<RefusalReason> {
        let name = AgentName::new("linter").unwrap();
        let supported = vec!["ringfence:agent@0.1.0".to_owned()];
        vec![
            RefusalReason::Unreadable(io::Error::from(io::ErrorKind::PermissionDenied)),
            RefusalReason::NotAFile,
            RefusalReason::TooLarge {
                size: ByteSize::mib(200),
                limit: ByteSize::mib(64),
            },
            RefusalReason::Unfit(Unfit::NotWebAssembly {
                detail: "it is empty".to_owned(),
            }),
            RefusalReason::Unfit(Unfit::CoreModule(CoreModuleKind::Program)),
            RefusalReason::Unfit(Unfit::OtherWorld {
                exports: Vec::new(),
                wanted: "ringfence:agent/agent@0.1.0".to_owned(),
            }),
            RefusalReason::Unfit(Unfit::OtherContractVersion {
                built_for: "ringfence:agent@0.2.0".to_owned(),
                supported,
            }),
            RefusalReason::Unfit(Unfit::UnknownImports {
                imports: vec!["wasi:http/types@0.2.0".to_owned()],
            }),
            RefusalReason::Unfit(Unfit::TooManyNames),
            RefusalReason::InvalidComponent {
                message: "type mismatch at offset 12".to_owned(),
            },
            RefusalReason::TypeMismatch {
                message: "`describe` returns a string".to_owned(),
            },
            RefusalReason::CompileTooMuchTime {
                limit: Duration::from_secs(60),
            },
            RefusalReason::CompileTimedOut {
                limit: Duration::from_secs(60),
            },
            RefusalReason::CompileOutOfMemory {
                limit: ByteSize::mib(2048),
            },
            RefusalReason::CompiledTooLarge {
                limit: ByteSize::mib(1024),
            },
            RefusalReason::CompilerCrashed {
                how: "signal 11".to_owned(),
            },
            RefusalReason::CompilerUnavailable {
                message: "no such file".to_owned(),
            },
            RefusalReason::DescribeFailed(Failure::new(FailureCode::OutOfFuel, "spent 1G")),
            RefusalReason::InvalidDescription(vec![DescriptionProblem::NoRoles]),
            RefusalReason::InvalidFileName(AgentName::new("My Tool").unwrap_err()),
            RefusalReason::NoRoles { name: name.clone() },
            RefusalReason::RolesOfPlugin { name: name.clone() },
            RefusalReason::NotPinned {
                name: name.clone(),
                hash: ContentHash::from_bytes([7; 32]),
            },
            RefusalReason::SameName {
                name,
                others: vec![PathBuf::from("plugins/b.wasm")],
                more: 0,
            },
        ]
    }

    #[test]
    fn codes_are_kebab_case_and_unique() {
        let mut codes: Vec<_> = one_of_each().iter().map(RefusalReason::code).collect();
        for code in &codes {
            assert!(
                code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'),
                "{code}"
            );
        }
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }

    #[test]
    fn each_message_with_its_hint() {
        let shown: Vec<_> = one_of_each()
            .into_iter()
            .map(|reason| {
                let refusal = Refusal::new("plugins/a.wasm", reason);
                format!("{refusal}\nhint: {}", refusal.hint())
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n\n"));
    }

    #[test]
    fn each_core_module_is_told_what_becomes_of_it() {
        use CoreModuleKind::{Browser, Foreign, Library, Program, World};
        let foreign = Foreign(vec!["env.log".to_owned()]);
        let shown: Vec<_> = [Program, World, Library, Browser, foreign]
            .into_iter()
            .map(|kind| {
                let refusal = Refusal::new("plugins/a.wasm", Unfit::CoreModule(kind).into());
                format!("{refusal}\nhint: {}", refusal.hint())
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n\n"));
    }

    #[test]
    fn a_line_to_copy_never_holds_a_name_that_a_shell_would_read() {
        for name in [
            "a b.wasm",
            "$(reboot).wasm",
            "a\n.wasm",
            "`x`.wasm",
            "-o.wasm",
            "ü.wasm",
        ] {
            let reason = Unfit::CoreModule(CoreModuleKind::Program).into();
            let hint = Refusal::new(name, reason).hint();
            assert!(
                hint.contains("componentize FILE.wasm -o FILE.wasm"),
                "{hint}"
            );
        }
    }

    #[test]
    fn whoever_names_things_cannot_write_to_the_terminal() {
        let refusal = Refusal::new(
            "plugins/\u{1b}[2J\u{202e}.wasm",
            RefusalReason::Unfit(Unfit::UnknownImports {
                imports: vec!["\u{1b}[31mx".repeat(1000); 20],
            }),
        );
        let text = refusal.to_string();
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
        assert!(text.ends_with("and 12 more"), "{text}");
        assert!(text.len() < 2000, "{}", text.len());
    }

    #[test]
    fn a_refusal_serializes_with_its_code_and_hint() {
        let refusal = Refusal::new("a.wasm", Unfit::CoreModule(CoreModuleKind::Program).into());
        let json = serde_json::to_value(&refusal).unwrap();
        assert_eq!(json["code"], "core-module");
        assert_eq!(json["path"], "a.wasm");
        assert!(json["hint"].as_str().unwrap().contains("wasm32-wasip2"));
    }
}
