//! Styles in the syntax of whoever draws the line, and labels in which nothing is syntax by accident.

use anstyle::{AnsiColor, Color, Effects, Style};

use crate::cli::DrawnBy;

/// Who draws, and does it want colours?
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drawn {
    /// Who.
    pub(crate) by: DrawnBy,
    /// With colours?
    pub(crate) colours: bool,
}

impl Drawn {
    /// Text in a style.
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        let text = self.literal(text);
        if !self.colours {
            return text;
        }
        // Prompts must know what takes no room: zsh by %{…%}, readline by these two control characters.
        match self.by {
            DrawnBy::Claude | DrawnBy::Fish => format!("{style}{text}{style:#}"),
            DrawnBy::Zsh => format!("%{{{style}%}}{text}%{{{style:#}%}}"),
            DrawnBy::Bash => format!("\x01{style}\x02{text}\x01{style:#}\x02"),
            DrawnBy::Tmux => format!("#[{}]{text}#[default]", tmux(style)),
        }
    }

    fn literal(self, text: &str) -> String {
        let shown = text.chars().filter(|c| !c.is_control());
        match self.by {
            DrawnBy::Claude | DrawnBy::Fish | DrawnBy::Bash => shown.collect(),
            DrawnBy::Tmux => shown.collect::<String>().replace('#', "##"),
            DrawnBy::Zsh => shown.collect::<String>().replace('%', "%%"),
        }
    }
}

/// `fg=red,bold`: the styles that our views use.
fn tmux(style: Style) -> String {
    let colour = match style.get_fg_color() {
        Some(Color::Ansi(AnsiColor::Red)) => Some("fg=red"),
        Some(Color::Ansi(AnsiColor::Yellow)) => Some("fg=yellow"),
        Some(Color::Ansi(AnsiColor::Green)) => Some("fg=green"),
        _ => None,
    };
    let effect = |effect, word| style.get_effects().contains(effect).then_some(word);
    let words = [colour, effect(Effects::BOLD, "bold"), effect(Effects::DIMMED, "dim")];
    words.into_iter().flatten().collect::<Vec<_>>().join(",")
}
