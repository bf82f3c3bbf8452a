//! `ringfence new`

use std::path::{Path, PathBuf};

use ringfence_project::{Project, create};

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
    if !missing.is_empty() {
        say("\nbefore it can be built:");
        for missing in missing {
            say(&format!("  {}: {}", missing.what, missing.hint));
        }
    }
    say(&format!("\nnow: {}", steps(&folder)));
    Ok(())
}

/// What to type next.
fn steps(folder: &Path) -> String {
    let folder = shown(folder);
    let folder = match folder.contains(char::is_whitespace) {
        true => format!("'{folder}'"),
        false => folder,
    };
    format!("`cd {folder}`, then `ringfence test`; README.md says the rest")
}
