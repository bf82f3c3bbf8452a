//! `ringfence graph`

use std::path::Path;

use ringfence::flow::graph;

use super::workflow::Source;
use crate::args::{Drawing, GraphArgs};
use crate::error::CliError;

pub(crate) fn graph(args: &GraphArgs) -> Result<(), CliError> {
    let file = Source::read(&args.file)?.parse()?;
    let drawing = args
        .drawing
        .or_else(|| args.output.as_deref().and_then(by_ending))
        .unwrap_or(Drawing::Mermaid);
    let drawn = match drawing {
        Drawing::Mermaid => graph::mermaid(file.plan()),
        Drawing::Dot => graph::dot(file.plan()),
        Drawing::Svg => graph::svg(file.plan()),
    };
    match &args.output {
        Some(path) => std::fs::write(path, drawn).map_err(CliError::disk(path, "write")),
        None => {
            crate::output::print(&drawn);
            Ok(())
        }
    }
}

fn by_ending(path: &Path) -> Option<Drawing> {
    match path.extension()?.to_str()? {
        "mmd" | "md" => Some(Drawing::Mermaid),
        "dot" | "gv" => Some(Drawing::Dot),
        "svg" => Some(Drawing::Svg),
        _ => None,
    }
}
