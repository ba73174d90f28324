//! The only place that prints. Answers go to standard output, everything else to standard error; colours only on a
//! terminal that wants them (`NO_COLOR`, `CLICOLOR`); with `--json` standard output holds one JSON document and nothing
//! else.

use std::io::{self, IsTerminal, Write};

use remuda_control::{Failure, FailureAnswer, Versioned};
use serde::Serialize;

use crate::view;

/// Where a command writes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    json: bool,
}

impl Out {
    /// `json`: the person asked for `--json`.
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Can a person be asked? Both ends must be a terminal, and nobody may be parsing our output.
    pub(crate) fn can_ask(self) -> bool {
        !self.json && io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Columns of the terminal; `None` when the output goes elsewhere.
    pub(crate) fn columns(self) -> Option<usize> {
        terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
    }

    /// The answer of a command: its JSON, or what `text` makes of it.
    pub(crate) fn answer<T: Serialize>(self, answer: T, text: impl FnOnce(&T) -> String) -> io::Result<()> {
        if self.json {
            let mut json = serde_json::to_string_pretty(&Versioned::new(answer))?;
            json.push('\n');
            self.print(&json)
        } else {
            let text = text(&answer);
            self.print(&text)
        }
    }

    /// One line of a list that grows (`log --follow`): compact JSON or what `text` makes of it.
    pub(crate) fn line<T: Serialize>(self, item: T, text: impl FnOnce(&T) -> String) -> io::Result<()> {
        let line = if self.json { serde_json::to_string(&Versioned::new(item))? } else { text(&item) };
        self.print(&(line + "\n"))
    }

    /// Part of a story that is told while it happens. Who wants JSON gets the end alone.
    pub(crate) fn tell(self, text: &str) -> io::Result<()> {
        if self.json { Ok(()) } else { self.print(text) }
    }

    /// A line for a program that draws it: its styles are that program's, so they stay although it is no terminal.
    pub(crate) fn drawn<T: Serialize>(self, line: T, text: impl FnOnce(&T) -> String) -> io::Result<()> {
        if self.json {
            return self.answer(line, |_| String::new());
        }
        let text = text(&line) + "\n";
        let mut stdout = io::stdout().lock();
        gone_is_fine(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
    }

    /// Text as it is, to standard output.
    pub(crate) fn print(self, text: &str) -> io::Result<()> {
        let mut stdout = anstream::stdout().lock();
        gone_is_fine(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
    }

    /// Shows `text` in place of what was there: for `--watch`, on a terminal only. Written over, not cleared first, and all
    /// at once where the terminal can (mode 2026), so that nothing flickers. What does not fit is left out: a terminal that
    /// scrolls would show it twice.
    pub(crate) fn repaint(self, text: &str) -> io::Result<()> {
        let rows = terminal_size::terminal_size_of(io::stdout()).map_or(usize::MAX, |(_, rows)| usize::from(rows.0));
        let mut screen = String::from("\x1b[?2026h\x1b[H");
        for line in text.lines().take(rows.saturating_sub(1)) {
            screen.push_str(line);
            screen.push_str("\x1b[K\n");
        }
        screen.push_str("\x1b[J\x1b[?2026l");
        self.print(&screen)
    }

    /// Leaves what is on the screen above a new, empty one.
    pub(crate) fn clear(self) -> io::Result<()> {
        self.print("\x1b[2J")
    }

    /// Something for the person beside the answer, to standard error.
    pub(crate) fn note(self, text: &str) {
        let mut stderr = anstream::stderr().lock();
        // A person who cannot be told anything cannot be told that either.
        let _ = writeln!(stderr, "{text}").and_then(|()| stderr.flush());
    }

    /// Asks and reads one line. `None`: the input ended.
    pub(crate) fn ask(self, question: &str) -> io::Result<Option<String>> {
        let mut stderr = anstream::stderr().lock();
        write!(stderr, "{question} ")?;
        stderr.flush()?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line)? == 0 {
            writeln!(stderr)?;
            return Ok(None);
        }
        Ok(Some(line.trim().to_owned()))
    }

    /// Asks for a secret: what is typed is not shown.
    pub(crate) fn ask_secret(self, question: &str) -> io::Result<Option<String>> {
        let _hidden = Hidden::start()?;
        let answer = self.ask(question);
        self.note("");
        answer
    }

    /// What went wrong: JSON on standard output, or words on standard error.
    pub(crate) fn failure(self, failure: &Failure) {
        let shown = if self.json {
            self.answer(FailureAnswer { error: failure.clone() }, |_| String::new())
        } else {
            writeln!(anstream::stderr().lock(), "{}", view::failure(failure))
        };
        // There is nowhere left to say that saying it failed; the exit code still tells.
        drop(shown);
    }
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden {
    shown: rustix::termios::Termios,
}

impl Hidden {
    fn start() -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let shown = tcgetattr(io::stdin())?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &hidden)?;
        Ok(Self { shown })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // If the terminal is gone, nobody can see anything on it.
        let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &self.shown);
    }
}

/// A reader that has seen enough (`remuda log | head`) is no failure.
fn gone_is_fine(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
