//! Columns that line up. Cells may hold styles; widths count what the eye sees.

use unicode_width::UnicodeWidthStr;

use super::words::{DIM, paint};

/// A table without rules: a dim head, two spaces between columns.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads.
    pub(crate) fn new<const N: usize>(head: [&'static str; N]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.to_vec());
    }

    /// How many columns of the terminal it needs.
    pub(crate) fn width(&self) -> usize {
        let widths: Vec<usize> = self.widths().into_iter().filter(|width| *width > 0).collect();
        widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
    }

    /// The text, one line per row. Columns that are empty in every row are left out.
    pub(crate) fn render(&self) -> String {
        let widths = self.widths();
        let head: Vec<String> = self.head.iter().map(|h| paint(DIM, h)).collect();
        std::iter::once(&head).chain(&self.rows).map(|cells| line(cells, &widths)).collect()
    }

    /// Zero: the column is empty.
    fn widths(&self) -> Vec<usize> {
        let widest = |column: usize| self.rows.iter().filter_map(|r| r.get(column)).map(|c| seen(c)).max().unwrap_or(0);
        let with_head = |(column, head): (usize, &&str)| match widest(column) {
            0 => 0,
            cells => cells.max(head.width()),
        };
        self.head.iter().enumerate().map(with_head).collect()
    }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    let mut owed = 0;
    for (cell, &width) in cells.iter().zip(widths).filter(|(_, width)| **width > 0) {
        line.push_str(&" ".repeat(owed));
        line.push_str(cell);
        owed = width.saturating_sub(seen(cell)) + 2;
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

/// Columns that a text takes on the screen.
pub(super) fn seen(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_what_the_eye_sees_and_empty_ones_vanish() {
        let mut table = Table::new(["NAME", "NOTHING", "LEFT"]);
        table.row([paint(DIM, "größe"), String::new(), "1".to_owned()]);
        table.row(["日本語".to_owned(), String::new(), "22".to_owned()]);
        let seen = anstream::adapter::strip_str(&table.render()).to_string();
        assert_eq!(seen, "NAME    LEFT\ngröße   1\n日本語  22\n");
        assert_eq!(table.width(), 12);
    }
}
