//! Reads the files of the mount `data`, and splits the rows into shards.

use std::collections::BTreeMap;

use ringfence_sdk::prelude::*;
use serde_json::Value;

use crate::csv::{Cell, cells};
use crate::listing::FILE;

/// The mount that holds the files.
const MOUNT: &str = "data";

/// The towns, with their postcodes and what a square metre costs.
const TOWNS: &str = "towns.csv";

/// The columns that a listing has to have.
const COLUMNS: [&str; 12] = [
    "id", "title", "street", "town", "postcode", "kind", "area", "rooms", "year", "price",
    "energy", "text",
];

/// What the task may say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    /// How many rows a shard has at most.
    #[serde(default = "default_rows")]
    shard_rows: usize,
}

const fn default_rows() -> usize {
    25
}

#[derive(Serialize)]
struct Intake {
    rows: usize,
    towns: BTreeMap<String, Town>,
    shards: Vec<Shard>,
}

#[derive(Serialize)]
struct Shard {
    rows: Vec<Row>,
}

/// A row of the file, word for word.
#[derive(Clone, Debug, Serialize)]
struct Row {
    line: u32,
    /// The columns at which the cells begin.
    at: BTreeMap<String, u32>,
    cells: BTreeMap<String, String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Town {
    postcodes: Vec<String>,
    guide: u32,
}

pub(crate) fn execute(cx: &Context) -> Result<Outcome<Value>, Failure> {
    let input: Input = cx.task().input()?;
    if input.shard_rows == 0 {
        return Err(Failure::invalid_input(
            "`input.shard_rows` is 0\nhint: 25 is the default",
        ));
    }
    let rows = rows(FILE, &read(cx, FILE)?, &COLUMNS)?;
    let towns = towns(&read(cx, TOWNS)?)?;
    cx.log()
        .with("rows", rows.len())
        .with("towns", towns.len())
        .info("read");
    let intake = Intake {
        rows: rows.len(),
        towns,
        shards: rows
            .chunks(input.shard_rows)
            .map(|rows| Shard {
                rows: rows.to_vec(),
            })
            .collect(),
    };
    let value = serde_json::to_value(intake)
        .map_err(|error| Failure::permanent(format!("the rows are no JSON: {error}")))?;
    Ok(Outcome::completed(value))
}

fn read(cx: &Context, file: &str) -> Result<String, Failure> {
    std::fs::read_to_string(cx.mount(MOUNT).join(file)).map_err(|error| {
        Failure::permanent(format!(
            "cannot read `{file}` in the mount `{MOUNT}`: {error}\nhint: `--mount {MOUNT}=PATH` \
             names the folder that holds it"
        ))
    })
}

/// The rows of a file that has these columns, in any order.
fn rows(file: &str, text: &str, columns: &[&str]) -> Result<Vec<Row>, Failure> {
    let mut lines = (1..).zip(text.trim_start_matches('\u{feff}').lines());
    let (_, header) = lines
        .next()
        .ok_or_else(|| Failure::permanent(format!("`{file}` is empty")))?;
    let names = split(file, 1, header)?;
    for column in columns {
        if !names.iter().any(|name| name.text == *column) {
            return Err(Failure::permanent(format!(
                "`{file}` has no column `{column}`\nhint: its first line names {}",
                columns.join(", ")
            )));
        }
    }
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| row(file, number, line, &names))
        .collect()
}

fn row(file: &str, line: u32, text: &str, names: &[Cell]) -> Result<Row, Failure> {
    let found = split(file, line, text)?;
    if found.len() != names.len() {
        return Err(Failure::permanent(format!(
            "{file}:{line} has {} cells, and the first line has {}\nhint: put cells with commas \
             into double quotes",
            found.len(),
            names.len()
        )));
    }
    let mut row = Row {
        line,
        at: BTreeMap::new(),
        cells: BTreeMap::new(),
    };
    for (name, cell) in names.iter().zip(found) {
        row.at.insert(name.text.clone(), cell.column);
        row.cells.insert(name.text.clone(), cell.text);
    }
    Ok(row)
}

fn split(file: &str, line: u32, text: &str) -> Result<Vec<Cell>, Failure> {
    cells(text).map_err(|error| Failure::permanent(format!("{file}:{line} is no record: {error}")))
}

fn towns(text: &str) -> Result<BTreeMap<String, Town>, Failure> {
    let mut towns = BTreeMap::new();
    for mut row in rows(TOWNS, text, &["town", "postcodes", "guide"])? {
        let mut cell = |name: &str| row.cells.remove(name).unwrap_or_default();
        let (name, postcodes, guide) = (cell("town"), cell("postcodes"), cell("guide"));
        let guide = guide.parse().map_err(|_| {
            Failure::permanent(format!(
                "{TOWNS}:{}: the guide price `{guide}` is no number of euros",
                row.line
            ))
        })?;
        let postcodes = postcodes.split_whitespace().map(str::to_owned).collect();
        towns.insert(name, Town { postcodes, guide });
    }
    Ok(towns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<T>(result: Result<T, Failure>) -> String {
        match result {
            Ok(_) => panic!("it was taken"),
            Err(failure) => failure.message().to_owned(),
        }
    }

    #[test]
    fn columns_may_come_in_any_order_and_others_are_kept() {
        let rows = rows("f", "b,a,c\n1,2,3\n\n4,\"5,6\",7\n", &["a", "b"]).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].line, 4);
        assert_eq!(rows[1].cells["a"], "5,6");
        assert_eq!(rows[1].at["a"], 4);
        assert_eq!(rows[1].cells["c"], "7");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_line() {
        assert_eq!(message(rows("f.csv", "", &["a"])), "`f.csv` is empty");
        assert!(
            message(rows("f.csv", "a,c\n", &["a", "b"])).starts_with("`f.csv` has no column `b`")
        );
        assert!(
            message(rows("f.csv", "a,b\n1,2\n1,2,3\n", &["a"])).starts_with("f.csv:3 has 3 cells")
        );
        assert_eq!(
            message(rows("f.csv", "a\n\"1\n", &["a"])),
            "f.csv:2 is no record: a quoted cell has no end"
        );
        assert!(message(towns("town,postcodes,guide\nA,1 2,dear\n")).contains("`dear`"));
    }

    #[test]
    fn a_town_has_postcodes_and_a_guide_price() {
        let towns = towns("town,postcodes,guide\nA,1 2,3000\n").unwrap();
        assert_eq!(
            towns["A"],
            Town {
                postcodes: vec!["1".to_owned(), "2".to_owned()],
                guide: 3000
            }
        );
    }
}
