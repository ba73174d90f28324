//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write;

/// A page of figures.
#[derive(Debug, Default)]
pub(crate) struct Text {
    page: String,
}

impl Text {
    /// What is to come.
    pub(crate) fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing into a text cannot fail.
        let _ = write!(self.page, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// One figure.
    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.page.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let begin = if at == 0 { '{' } else { ',' };
            let _ = write!(self.page, "{begin}{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.page.push('}');
        }
        let _ = writeln!(self.page, " {value}");
    }

    /// The page.
    pub(crate) fn done(self) -> String {
        self.page
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::histogram::Histogram;
    use super::*;

    #[test]
    fn what_labels_hold_cannot_break_the_page() {
        let mut text = Text::default();
        text.sample("x", &[("account", "a\"} 1\nb\\"), ("end", "served")], 2.5);
        text.sample("y", &[], 3.0);
        assert_eq!(text.done(), "x{account=\"a\\\"} 1\\nb\\\\\",end=\"served\"} 2.5\ny 3\n");
    }

    #[test]
    fn buckets_add_up() {
        let mut histogram = Histogram::new(&[0.5, 2.0]);
        [0.1, 0.5, 1.0, 9.0].into_iter().for_each(|value| histogram.add(value));
        let mut text = Text::default();
        histogram.write(&mut text, "h", ("vendor", "v"));
        assert_eq!(
            text.done(),
            "h_bucket{vendor=\"v\",le=\"0.5\"} 2\nh_bucket{vendor=\"v\",le=\"2\"} 3\nh_bucket{vendor=\"v\",le=\"+Inf\"} 4\n\
             h_sum{vendor=\"v\"} 10.6\nh_count{vendor=\"v\"} 4\n"
        );
    }
}
