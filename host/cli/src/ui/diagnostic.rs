//! Pictures of what is wrong in a file.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

/// The width of a picture, in columns.
const WIDTH: usize = 100;

/// Draws what is wrong, where, and what to do about it.
pub(crate) fn picture(diagnostic: &dyn Diagnostic) -> String {
    let theme = if console::colors_enabled_stderr() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let mut text = String::new();
    let drawn = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .render_report(&mut text, diagnostic);
    match drawn {
        Ok(()) => text,
        Err(_) => diagnostic.to_string(),
    }
}
