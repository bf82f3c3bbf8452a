//! The listings of `workflows/real-estate.yaml`: made by a seeded generator,
//! with planted faults, and decoys that lie just inside of what is right.

mod csv;
mod draw;
mod fault;
mod plant;
mod row;
mod text;
mod town;

use std::fs;

use crate::error::Error;
use crate::project::Project;

use fault::Fate;
use row::Row;

/// From which everything is drawn; another seed gives other listings.
const SEED: u64 = 2026;

/// Where the files lie.
const FOLDER: &str = "workflows/real-estate";

/// A file of the example, and what is in it.
struct File {
    name: &'static str,
    content: String,
}

/// Makes the files anew.
pub(crate) fn write(project: &Project) -> Result<(), Error> {
    for file in files() {
        let path = project.path(FOLDER).join(file.name);
        fs::write(&path, file.content).map_err(Error::file("write", &path))?;
        println!("{FOLDER}/{}", file.name);
    }
    Ok(())
}

fn files() -> [File; 3] {
    let rows = plant::rows(SEED);
    [
        File {
            name: "listings.csv",
            content: csv::listings(&rows),
        },
        File {
            name: "towns.csv",
            content: csv::towns(),
        },
        File {
            name: "expected.json",
            content: expected(&rows),
        },
    ]
}

/// What was planted, and what has to come of each row: one row a line.
fn expected(rows: &[Row]) -> String {
    let lines: Vec<_> = rows.iter().zip(2..).map(expected_row).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn expected_row((row, line): (&Row, u32)) -> String {
    let fate = row.fault.map_or(Fate::Listed, fault::Fault::fate);
    serde_json::json!({
        "line": line,
        "id": row.id,
        "fault": row.fault.map(fault::Fault::rule),
        "decoy": row.decoy,
        "fate": fate.as_str(),
        "price": row.price,
        "area": row.area,
        "postcode": row.right_postcode(),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_committed_files_are_what_the_generator_gives() {
        for file in files() {
            let path = Project::find().path(FOLDER).join(file.name);
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == file.content,
                "{} is not what the generator gives\nhint: run `cargo xtask listings`",
                path.display()
            );
        }
    }

    #[test]
    fn every_fault_and_every_decoy_is_planted() {
        let rows = plant::rows(SEED);
        let mut faults: BTreeMap<&str, usize> = BTreeMap::new();
        for fault in rows.iter().filter_map(|row| row.fault) {
            *faults.entry(fault.rule()).or_default() += 1;
        }
        assert_eq!(faults.len(), fault::Fault::ALL.len(), "{faults:?}");
        assert!(faults.values().all(|count| *count >= 3), "{faults:?}");
        let decoys = rows.iter().filter(|row| row.decoy.is_some()).count();
        assert!(decoys >= 20, "{decoys}");
        assert!(
            rows.iter()
                .all(|row| row.fault.is_none() || row.decoy.is_none()),
            "a decoy has no fault"
        );
    }

    #[test]
    fn another_seed_gives_other_listings_and_the_same_seed_the_same() {
        let csv = |seed| csv::listings(&plant::rows(seed));
        assert_eq!(csv(1), csv(1));
        assert_ne!(csv(1), csv(2));
    }
}
