//! Columns that line up.

use console::measure_text_width;

/// Rows of cells, printed with two spaces between the columns.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
}

impl Table {
    /// A table whose columns with these numbers, from 0, are flush right.
    pub(crate) fn flush_right(columns: &[usize]) -> Self {
        Self {
            rows: Vec::new(),
            right: columns.to_vec(),
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines, without spaces at their ends.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<_> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells
                    .map(|cell| measure_text_width(cell))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        self.rows.iter().map(move |row| {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let space = " ".repeat(widths[column] - measure_text_width(cell));
                if self.right.contains(&column) {
                    format!("{space}{cell}")
                } else {
                    format!("{cell}{space}")
                }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::flush_right(&[1]);
        table.row(["a".into(), "1".into(), "x".into()]);
        table.row(["long".into(), "100".into(), String::new()]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines, ["a       1  x", "long  100"]);
    }
}
