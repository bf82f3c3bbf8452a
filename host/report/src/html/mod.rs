//! One self-contained HTML page.

mod data;
mod policy;
mod view;

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, escape_formatter};
use ringfence_flow::{RunRecord, clean_text};

use crate::{ReportError, SourceLookup};
use data::Data;
use view::View;

const STYLE: &str = concat!(
    include_str!("assets/page.css"),
    include_str!("assets/findings.css"),
    include_str!("assets/timeline.css"),
);

const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("assets/dom.js"),
    include_str!("assets/state.js"),
    include_str!("assets/findings.js"),
    include_str!("assets/timeline.js"),
    include_str!("assets/attempts.js"),
    include_str!("assets/logs.js"),
    include_str!("assets/start.js"),
    "})();\n",
);

/// A run as one HTML page without any other file: verdict, workflow graph,
/// findings with their source lines and fixes, timeline, tasks, attempts and
/// what they used against their budgets, failures, decisions on grants, logs.
///
/// `graph_svg` is a drawing of the workflow; it is shown as an image, so
/// nothing in it can run.
///
/// The page fetches nothing and its content security policy forbids it to.
/// The filters of the findings are kept in the address, after the `#`, so that
/// a view can be shared: `report.html#severity=high,critical&file=src/lib.rs`.
///
/// # Errors
/// [`ReportError`] if the data or the page cannot be rendered.
pub fn html(
    record: &RunRecord,
    sources: &dyn SourceLookup,
    graph_svg: Option<&str>,
) -> Result<String, ReportError> {
    let data = Data::of(record, sources)
        .to_script()
        .map_err(|source| ReportError::Json {
            format: "HTML",
            source,
        })?;
    let view = View::of(record, STYLE, SCRIPT, data, graph_svg);
    render(&view).map_err(|source| ReportError::Template {
        format: "HTML",
        source,
    })
}

fn render(view: &View) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // Guest text cannot turn a line around either.
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => {
            escape_formatter(out, state, &Value::from(clean_text(text, usize::MAX)))
        }
        _ => escape_formatter(out, state, value),
    });
    environment
        .template_from_named_str("page.html", include_str!("assets/page.html"))?
        .render(Value::from(Serde(view)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_never_writes_markup() {
        for sink in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!SCRIPT.contains(sink), "{sink}");
        }
        assert!(!SCRIPT.contains("</"), "it would end the element");
        assert!(!STYLE.contains("</"), "it would end the element");
        assert!(!STYLE.contains("url("), "nothing is fetched");
    }
}
