//! Paragraphs for a terminal of 80 columns.

use super::table::seen;

/// Columns that every terminal has.
pub(crate) const WIDTH: usize = 80;

/// Lines of at most [`WIDTH`] columns, each indented and ended with a line break. Styles take no room. A word that is
/// longer stays whole: it may be something to copy.
pub(crate) fn paragraph(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = seen(word);
        if column == 0 || column + 1 + width > WIDTH {
            if column > 0 {
                lines.push('\n');
            }
            lines.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += width;
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_full_but_never_wider() {
        let text = paragraph(&"1234567 ".repeat(20), 2);
        assert!(text.lines().all(|line| line.starts_with("  1") && line.len() <= WIDTH), "{text}");
        assert_eq!(text.lines().next().map(str::len), Some(73), "nine words; a tenth would end in column 81");
        assert!(text.ends_with("1234567\n"));
    }

    #[test]
    fn a_long_word_stays_whole() {
        let word = "x".repeat(100);
        assert_eq!(paragraph(&format!("a {word} b"), 0), format!("a\n{word}\nb\n"));
    }
}
