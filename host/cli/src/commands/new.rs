//! `ringfence new`

use std::path::{Path, PathBuf};

use ringfence_project::{Missing, Project, create};

use crate::args::NewArgs;
use crate::error::CliError;
use crate::output::{say, shown};

pub(crate) fn new(args: &NewArgs) -> Result<(), CliError> {
    let folder = match &args.to {
        Some(folder) => folder.clone(),
        None => PathBuf::from(args.name.as_str()),
    };
    create(&args.name, args.lang, &folder)?;
    say(&format!(
        "made `{}`, an agent in {}",
        shown(&folder),
        args.lang
    ));
    let missing = Project::open(&folder)?.missing();
    say(&format!("\nnow: {}", steps(&folder, &missing)));
    Ok(())
}

/// What to type next.
fn steps(folder: &Path, missing: &[Missing]) -> String {
    let folder = shown(folder);
    let folder = match folder.contains(char::is_whitespace) {
        true => format!("'{folder}'"),
        false => folder,
    };
    let before: String = missing
        .iter()
        .map(|Missing { what, hint }| format!("\n  {hint}, as {what}"))
        .collect();
    match before.is_empty() {
        true => format!("`cd {folder}`, then `ringfence test`; README.md says the rest"),
        false => {
            format!("`cd {folder}`, then{before}\nand `ringfence test`; README.md says the rest")
        }
    }
}
