//! Reading workflow files, and showing what is wrong with them.

use std::io::Read;
use std::path::{Component, Path, PathBuf};

use miette::{LabeledSpan, MietteDiagnostic, NamedSource};
use ringfence::flow::{
    Diagnostic, FailureCode, SourceFile, WorkflowBundle, WorkflowFile, WorkflowSource,
};

use crate::error::CliError;
use crate::output::{say, shown};
use crate::ui::picture;

/// The largest workflow file that is read, in bytes. The parser refuses
/// smaller ones; this keeps a giant out of memory.
const MAX_FILE: u64 = 64 << 20;

/// The longest line that is drawn, in bytes.
const MAX_DRAWN: usize = 500;

/// Reads a file, or a device that never ends, up to [`MAX_FILE`].
pub(super) fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(std::io::Error::other("it has more than 64 MiB"));
    }
    Ok(bytes)
}

/// Reads the files that a workflow names, from the folder of the one that
/// names them.
pub(crate) struct Folders;

impl WorkflowSource for Folders {
    fn read(&self, from: &str, path: &str) -> Result<SourceFile, String> {
        let path = lexical(&Path::new(from).with_file_name(path));
        let bytes = read_bounded(&path).map_err(|error| format!("cannot be read: {error}"))?;
        let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
        Ok(SourceFile {
            name: shown(&path),
            text,
        })
    }
}

/// The path without `.` and, as far as they can be taken away, `..`: the same
/// file, named in several ways, gets one name.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(plain.components().next_back(), Some(Component::Normal(_))) =>
            {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// A workflow file that was read.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn read(path: &Path) -> Result<Self, CliError> {
        let bytes = read_bounded(path).map_err(CliError::disk(path, "read the workflow"))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            CliError::Invalid(format!(
                "{}: the workflow is not UTF-8 text: byte {at} is not\nhint: save the file as UTF-8",
                shown(path)
            ))
        })?;
        Ok(Self {
            name: shown(path),
            text,
        })
    }

    /// Parses the file, and keeps all files that it is made of. What is wrong
    /// is printed.
    pub(crate) fn bundle(&self) -> Result<(WorkflowFile, WorkflowBundle), CliError> {
        WorkflowBundle::read(&self.name, &self.text, &Folders)
            .map_err(|errors| self.refuse(&errors))
    }

    /// Parses the file. What is wrong is printed.
    pub(crate) fn parse(&self) -> Result<WorkflowFile, CliError> {
        WorkflowFile::parse_with(&self.name, &self.text, &Folders)
            .map_err(|errors| self.refuse(&errors))
    }

    /// Prints what is wrong, and makes the error that ends the command.
    pub(crate) fn refuse(&self, diagnostics: &[Diagnostic]) -> CliError {
        self.show(diagnostics);
        self.error(diagnostics)
    }

    /// Prints what is wrong.
    pub(crate) fn show(&self, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            say(self.picture(diagnostic).trim_end());
        }
    }

    /// The error that ends a command when this is wrong.
    pub(crate) fn error(&self, diagnostics: &[Diagnostic]) -> CliError {
        let count = match diagnostics.len() {
            1 => "1 error".to_owned(),
            n => format!("{n} errors"),
        };
        let message = format!("{}: {count}", self.name);
        let no_agent = FailureCode::NoCapableAgent.as_str();
        if diagnostics.iter().all(|d| d.code == no_agent) {
            CliError::NoCapableAgent(message)
        } else {
            CliError::Invalid(message)
        }
    }

    /// The place in the file, with what is wrong there. Of a line that no
    /// screen can hold there is no picture.
    fn picture(&self, diagnostic: &Diagnostic) -> String {
        let span = &diagnostic.span;
        let longest = self
            .text
            .lines()
            .skip(span.line.saturating_sub(2) as usize)
            .take(3);
        if longest.map(str::len).max().unwrap_or(0) > MAX_DRAWN {
            let hint = diagnostic
                .hint
                .as_ref()
                .map(|hint| format!("\nhint: {hint}"));
            let place = format!("{}:{}:{}", self.name, span.line, span.column);
            return format!(
                "{place}: {}{}",
                diagnostic.message,
                hint.unwrap_or_default()
            );
        }
        let range = diagnostic.span.range();
        let label = Some(diagnostic.label.clone()).filter(|label| !label.is_empty());
        let label = LabeledSpan::new_with_span(label, range);
        let mut shown = MietteDiagnostic::new(&diagnostic.message)
            .with_code(diagnostic.code)
            .with_label(label);
        if let Some(hint) = &diagnostic.hint {
            shown = shown.with_help(hint);
        }
        let source = NamedSource::new(&self.name, self.text.clone());
        let report = miette::Report::new(shown).with_source_code(source);
        picture(report.as_ref())
    }
}
