//! What a change does to a text, line by line, as `diff -u` shows it.

/// Lines of context around a change.
const CONTEXT: usize = 2;
/// More than settings files have; beyond it the changed part is shown whole.
const MOST_CELLS: usize = 4_000_000;

enum Line<'a> {
    Same(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// The changed lines with some around them. Empty: nothing changes. Client keys are cut to their beginning.
#[must_use]
pub fn diff(before: &str, after: &str) -> String {
    let lines = compare(&before.lines().collect::<Vec<_>>(), &after.lines().collect::<Vec<_>>());
    let changed: Vec<bool> = lines.iter().map(|line| !matches!(line, Line::Same(_))).collect();
    let mut out = String::new();
    let mut shown = true;
    for (at, line) in lines.iter().enumerate() {
        let near = &changed[at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(changed.len())];
        if !near.contains(&true) {
            if shown && !out.is_empty() {
                out.push_str("  …\n");
            }
            shown = false;
            continue;
        }
        shown = true;
        let (mark, text) = match line {
            Line::Same(text) => (' ', text),
            Line::Old(text) => ('-', text),
            Line::New(text) => ('+', text),
        };
        out.push_str(&format!("{mark} {}\n", without_keys(text)));
    }
    out.strip_suffix("  …\n").map(str::to_owned).unwrap_or(out)
}

/// `rmd_abcd…` in place of a whole key.
fn without_keys(line: &str) -> String {
    const SHOWN: usize = 8;
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("rmd_") {
        let key = &rest[at..];
        let end = key.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(key.len());
        out.push_str(&rest[..at]);
        out.push_str(&key[..end.min(SHOWN)]);
        if end > SHOWN {
            out.push('…');
        }
        rest = &key[end..];
    }
    out + rest
}

fn compare<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let same = |(a, b): &(&&str, &&str)| a == b;
    let head = old.iter().zip(new).take_while(same).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(same).count();
    let (old_mid, new_mid) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let mut out: Vec<Line<'a>> = old[..head].iter().map(|line| Line::Same(line)).collect();
    if old_mid.len().saturating_mul(new_mid.len()) > MOST_CELLS {
        out.extend(old_mid.iter().map(|line| Line::Old(line)));
        out.extend(new_mid.iter().map(|line| Line::New(line)));
    } else {
        middle(old_mid, new_mid, &mut out);
    }
    out.extend(old_rest[old_rest.len() - tail..].iter().map(|line| Line::Same(line)));
    out
}

/// The longest common subsequence decides what counts as the same.
fn middle<'a>(old: &[&'a str], new: &[&'a str], out: &mut Vec<Line<'a>>) {
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            out.push(Line::Same(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            out.push(Line::Old(old[i]));
            i += 1;
        } else {
            out.push(Line::New(new[j]));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_shown_with_two_lines_around_it() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let after = "1\n2\n3\n4\nx\n6\n7\n8\n9\nkey = \"rmd_abcdefgh-_1234\"";
        let shown = "  3\n  4\n- 5\n+ x\n  6\n  7\n  8\n  9\n+ key = \"rmd_abcd…\"\n";
        assert_eq!(diff(before, after), shown);
        assert_eq!(diff(before, before), "");
    }

    #[test]
    fn far_apart_changes_have_a_gap_between_them() {
        let lines: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let before = lines.join("\n");
        let after = before.replace("0\n1\n", "0\na\n").replace("\n19", "");
        assert_eq!(diff(&before, &after).matches('…').count(), 1, "{}", diff(&before, &after));
    }
}
