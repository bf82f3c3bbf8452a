//! The browser that the tests of the HTML report open.

use std::env;
use std::process::Command;

use crate::debian_packages;
use crate::report::Done;

/// The package that brings it.
const PACKAGE: &str = "chromium";

/// Installs the browser where it is missing and that is possible. Where it is
/// not, the tests that need one say what to do.
pub(crate) fn provide() -> Done {
    if env::var_os("RINGFENCE_NO_BROWSER").is_some() {
        return Done::Skipped("RINGFENCE_NO_BROWSER is set".to_owned());
    }
    let named = env::var("CHROMIUM").unwrap_or_else(|_| PACKAGE.to_owned());
    if starts(&named) {
        return Done::Passed;
    }
    match debian_packages::install(&[PACKAGE]) {
        Ok(()) => Done::Passed,
        Err(why) => Done::Skipped(format!(
            "`{named}` is not there and cannot be installed: {why}"
        )),
    }
}

fn starts(browser: &str) -> bool {
    let version = Command::new(browser).arg("--version").output();
    version.is_ok_and(|said| said.status.success())
}
