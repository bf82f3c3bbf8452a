//! Comma-separated values (RFC 4180), one record a line.

use std::fmt;

/// A cell, and the column in characters at which its content begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) column: u32,
}

/// Why a line is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CsvError {
    /// A quoted cell does not end in the line.
    OpenQuote,
    /// Something follows the quote that ends a cell.
    AfterQuote,
}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenQuote => "a quoted cell has no end",
            Self::AfterQuote => "something follows a quoted cell",
        })
    }
}

/// The cells of a line.
pub(crate) fn cells(line: &str) -> Result<Vec<Cell>, CsvError> {
    let mut cells = Vec::new();
    let mut characters = line.chars().peekable();
    let mut column = 1;
    loop {
        let quoted = characters.next_if_eq(&'"').is_some();
        column += u32::from(quoted);
        let mut cell = Cell {
            text: String::new(),
            column,
        };
        loop {
            match characters.next() {
                None if quoted => return Err(CsvError::OpenQuote),
                None => {
                    cells.push(cell);
                    return Ok(cells);
                }
                Some('"') if quoted => {
                    column += 1;
                    if characters.next_if_eq(&'"').is_none() {
                        break;
                    }
                    column += 1;
                    cell.text.push('"');
                }
                Some(',') if !quoted => {
                    column += 1;
                    break;
                }
                Some(character) => {
                    column += 1;
                    cell.text.push(character);
                }
            }
        }
        cells.push(cell);
        if quoted {
            match characters.next() {
                None => return Ok(cells),
                Some(',') => column += 1,
                Some(_) => return Err(CsvError::AfterQuote),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<(String, u32)> {
        let cells = cells(line).unwrap();
        cells
            .into_iter()
            .map(|cell| (cell.text, cell.column))
            .collect()
    }

    #[test]
    fn cells_and_their_columns() {
        let cell = |text: &str, column| (text.to_owned(), column);
        assert_eq!(split(""), [cell("", 1)]);
        assert_eq!(
            split("a,,ü,d"),
            [cell("a", 1), cell("", 3), cell("ü", 4), cell("d", 6)]
        );
        assert_eq!(split("\"a,b\",c"), [cell("a,b", 2), cell("c", 7)]);
        assert_eq!(
            split("\"say \"\"x\"\"\",c"),
            [cell("say \"x\"", 2), cell("c", 13)]
        );
        assert_eq!(split("a,\"\""), [cell("a", 1), cell("", 4)]);
        assert_eq!(split("a,"), [cell("a", 1), cell("", 3)]);
        assert_eq!(split("5\" pipe,b"), [cell("5\" pipe", 1), cell("b", 9)]);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        assert_eq!(cells("a,\"b"), Err(CsvError::OpenQuote));
        assert_eq!(cells("\"a\"b,c"), Err(CsvError::AfterQuote));
    }
}
