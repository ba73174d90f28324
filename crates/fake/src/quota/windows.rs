//! Plan windows: they begin with the first use, fill, and start anew when their time has come.

use super::{Cost, ModelWindow, Reading, Window};

const FIVE_HOURS_S: i64 = 5 * 3600;
const SEVEN_DAYS_S: i64 = 7 * 24 * 3600;
const MONTH_S: i64 = 30 * 24 * 3600;

/// One window of one account.
#[derive(Clone, Debug)]
pub(crate) struct PlanWindow {
    pub(crate) window: Window,
    /// Which models it counts; `None`: all.
    pub(crate) scope: Option<ModelWindow>,
    pub(crate) used_percent: f64,
    pub(crate) resets_at: Option<i64>,
}

impl PlanWindow {
    fn new(window: Window, scope: Option<ModelWindow>) -> Self {
        Self { window, scope, used_percent: 0.0, resets_at: None }
    }

    pub(crate) fn length_s(&self) -> i64 {
        match self.window {
            Window::FiveHour => FIVE_HOURS_S,
            Window::SevenDay | Window::Model(_) => SEVEN_DAYS_S,
            Window::Month => MONTH_S,
        }
    }

    pub(crate) fn counts(&self, model: &str) -> bool {
        self.scope.as_ref().is_none_or(|scope| model.contains(&scope.models))
    }

    pub(crate) fn spent(&self) -> bool {
        self.used_percent >= 100.0
    }

    /// `5h`, `7d`, `7d_<suffix>`: its name in headers.
    pub(crate) fn header_name(&self) -> String {
        match &self.window {
            Window::FiveHour => "5h".to_owned(),
            Window::SevenDay => "7d".to_owned(),
            Window::Month => "30d".to_owned(),
            Window::Model(suffix) => format!("7d_{suffix}"),
        }
    }
}

/// All windows of one account.
#[derive(Clone, Debug)]
pub(crate) struct Windows(pub(crate) Vec<PlanWindow>);

impl Windows {
    pub(crate) fn new(models: &[ModelWindow]) -> Self {
        let mut all = vec![PlanWindow::new(Window::FiveHour, None), PlanWindow::new(Window::SevenDay, None)];
        all.extend(models.iter().map(|m| PlanWindow::new(Window::Model(m.suffix.clone()), Some(m.clone()))));
        Self(all)
    }

    pub(crate) fn add(&mut self, window: Window) {
        self.0.push(PlanWindow::new(window, None));
    }

    pub(crate) fn remove(&mut self, window: &Window) {
        self.0.retain(|known| known.window != *window);
    }

    /// Empties the windows whose time has come. Call before anything else.
    pub(crate) fn roll(&mut self, now: i64) {
        for window in &mut self.0 {
            if window.resets_at.is_some_and(|at| at <= now) {
                window.used_percent = 0.0;
                window.resets_at = None;
            }
        }
    }

    /// The spent windows that count this model.
    pub(crate) fn spent<'a>(&'a self, model: &'a str) -> impl Iterator<Item = &'a PlanWindow> {
        self.0.iter().filter(move |window| window.spent() && window.counts(model))
    }

    pub(crate) fn find(&self, wanted: &Window) -> Option<&PlanWindow> {
        self.0.iter().find(|window| window.window == *wanted)
    }

    /// Is a window that counts this model spent?
    pub(crate) fn spent_for(&self, model: &str) -> bool {
        self.spent(model).next().is_some()
    }

    /// One answered request.
    pub(crate) fn charge(&mut self, cost: &Cost, model: &str, now: i64) {
        for window in self.0.iter_mut().filter(|window| window.counts(model)) {
            window.used_percent += match window.window {
                Window::FiveHour => cost.five_hour,
                Window::SevenDay => cost.seven_day,
                Window::Month => cost.seven_day / 4.0,
                Window::Model(_) => cost.model,
            };
            let ends = now + window.length_s();
            window.resets_at.get_or_insert(ends);
        }
    }

    pub(crate) fn set(&mut self, window: &Window, used_percent: f64, resets_at: i64) {
        if !self.0.iter().any(|known| known.window == *window)
            && let Window::Model(suffix) = window
        {
            let scope = ModelWindow { suffix: suffix.clone(), display_name: suffix.clone(), models: suffix.clone() };
            self.0.push(PlanWindow::new(window.clone(), Some(scope)));
        }
        if *window == Window::Month && !self.0.iter().any(|known| known.window == *window) {
            self.add(Window::Month);
        }
        for known in self.0.iter_mut().filter(|known| known.window == *window) {
            known.used_percent = used_percent;
            known.resets_at = Some(resets_at);
        }
    }

    pub(crate) fn readings(&self) -> Vec<Reading> {
        let reading =
            |w: &PlanWindow| Reading { window: w.window.clone(), used_percent: w.used_percent, resets_at: w.resets_at };
        self.0.iter().map(reading).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_with_its_first_use_fills_and_starts_anew_at_its_second() {
        let mut windows = Windows::new(&[ModelWindow::fable()]);
        let cost = Cost { five_hour: 50.0, seven_day: 10.0, model: 100.0 };
        windows.charge(&cost, "claude-opus-5", 1000);
        windows.charge(&cost, "claude-opus-5", 2000);
        assert_eq!(windows.0[0].resets_at, Some(1000 + FIVE_HOURS_S));
        assert!(windows.spent_for("claude-opus-5"));
        windows.roll(1000 + FIVE_HOURS_S - 1);
        assert!(windows.spent_for("claude-opus-5"));
        windows.roll(1000 + FIVE_HOURS_S);
        assert!(!windows.spent_for("claude-opus-5"));
        assert!((windows.0[1].used_percent - 20.0).abs() < 1e-9, "the week goes on");
    }

    #[test]
    fn a_model_window_binds_only_its_models() {
        let mut windows = Windows::new(&[ModelWindow::fable()]);
        windows.charge(&Cost { five_hour: 1.0, seven_day: 1.0, model: 100.0 }, "claude-fable-5", 0);
        assert!(windows.spent_for("claude-fable-5"));
        assert!(!windows.spent_for("claude-opus-5"));
    }
}
