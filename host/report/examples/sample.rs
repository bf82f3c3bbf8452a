//! Writes the reports of runs that never took place, to look at them:
//! `cargo run -p ringfence-report --example sample -- FOLDER`.

#[path = "../tests/fixture/mod.rs"]
mod fixture;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use ringfence_flow::RunRecord;
use ringfence_report::{SourceLookup, html, markdown, sarif};

const GRAPH: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="520" height="70" font-family="sans-serif" font-size="13"><g fill="none" stroke="#888"><path d="M110 35h40M260 35h40"/><rect x="10" y="18" width="100" height="34" rx="6"/><rect x="150" y="18" width="110" height="34" rx="6"/><rect x="300" y="18" width="100" height="34" rx="6"/></g><g fill="#888" text-anchor="middle"><text x="60" y="40">survey</text><text x="205" y="40">security</text><text x="350" y="40">gate</text></g></svg>"##;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    fs::create_dir_all(&folder)?;
    let write = |name: &str, record: &RunRecord, sources: &dyn SourceLookup| {
        let path = |extension: &str| folder.join(name).with_extension(extension);
        fs::write(path("html"), html(record, sources, Some(GRAPH))?)?;
        fs::write(path("md"), markdown(record, sources)?)?;
        fs::write(path("sarif"), sarif(record, sources)?)?;
        Ok::<(), Box<dyn Error>>(())
    };
    write("review", &fixture::review(), &fixture::sources())?;
    write("hostile", &fixture::hostile(), &fixture::hostile_sources())?;
    write("large", &fixture::large(5_000, 2_000), &fixture::sources())?;
    write("resumed", &fixture::resumed(), &fixture::sources())?;
    write("empty", &RunRecord::new(), &fixture::sources())
}
