//! Text in paragraphs of at most 80 columns, with hanging indents.

/// Columns.
const WIDTH: usize = 80;

/// A text that is being written.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

impl Page {
    /// A heading, or a paragraph that stands alone, after an empty line.
    pub(super) fn section(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.write("", "", text);
    }

    /// A paragraph below a heading.
    pub(super) fn line(&mut self, text: &str) {
        self.write("  ", "    ", text);
    }

    /// An entry of a numbered list.
    pub(super) fn numbered(&mut self, number: usize, text: &str) {
        self.write(&format!("  {number}. "), "     ", text);
    }

    /// A paragraph that belongs to a numbered entry.
    pub(super) fn detail(&mut self, text: &str) {
        self.write("     ", "       ", text);
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// Breaks between words. A word that is longer than a line stays whole: it may be something to copy.
    fn write(&mut self, first: &str, rest: &str, text: &str) {
        let mut column = 0;
        for word in text.split_whitespace() {
            let width = word.chars().count();
            if column == 0 {
                self.text.push_str(first);
                column = first.chars().count();
            } else if column + 1 + width > WIDTH {
                self.text.push('\n');
                self.text.push_str(rest);
                column = rest.chars().count();
            } else {
                self.text.push(' ');
                column += 1;
            }
            self.text.push_str(word);
            column += width;
        }
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paragraphs_hang_and_long_words_stay_whole() {
        let mut page = Page::default();
        let word = "x".repeat(90);
        page.numbered(1, &format!("{} {word} end", "word ".repeat(20)));
        let text = page.finish();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("  1. word") && lines[0].len() <= WIDTH);
        assert!(lines[1].starts_with("     word"));
        assert!(lines.contains(&format!("     {word}").as_str()));
        assert_eq!(lines.last(), Some(&"     end"));
    }
}
