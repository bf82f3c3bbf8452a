//! The files as text (RFC 4180, with line breaks of one byte).

use super::row::Row;
use super::town;

/// The first line of the listings.
const HEADER: &str = "id,title,street,town,postcode,kind,area,rooms,year,price,energy,text";

pub(super) fn listings(rows: &[Row]) -> String {
    let mut csv = format!("{HEADER}\n");
    for row in rows {
        let cells = &row.cells;
        let line = [
            row.id.as_str(),
            &cells.title,
            &cells.street,
            row.town.name,
            &cells.postcode,
            row.kind.as_str(),
            &cells.area,
            &cells.rooms,
            &cells.year,
            &cells.price,
            &cells.energy,
            &cells.text,
        ]
        .map(quoted);
        csv.push_str(&line.join(","));
        csv.push('\n');
    }
    csv
}

pub(super) fn towns() -> String {
    let mut csv = "town,postcodes,guide\n".to_owned();
    for town in &town::TOWNS {
        csv.push_str(&format!(
            "{},{},{}\n",
            town.name,
            town.postcodes.join(" "),
            town.guide
        ));
    }
    csv
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_to_be_is_quoted() {
        assert_eq!(quoted("two rooms; quiet"), "two rooms; quiet");
        assert_eq!(quoted("a, b"), "\"a, b\"");
        assert_eq!(quoted("the \"mill\""), "\"the \"\"mill\"\"\"");
    }
}
