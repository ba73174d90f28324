//! `remuda dashboard`.

use remuda_control::types::Empty;
use remuda_control::verb::OpenDashboard;
use secrecy::ExposeSecret;

use super::{Context, OK};
use crate::cli::DashboardArgs;
use crate::launch;

pub(super) async fn dashboard(context: &Context, args: DashboardArgs) -> anyhow::Result<u8> {
    let daemon = launch::daemon(&context.paths).await?;
    let link = daemon.call::<OpenDashboard>(Empty {}).await?;
    if !args.no_browser && webbrowser::open(link.url.0.expose_secret()).is_ok() {
        context.out.note("The dashboard opens in your browser. If it does not, open this link; it opens once:");
    }
    // The way in for a browser is printed for the person who asked for it.
    context.out.answer(link, |link| format!("{}\n", link.url.0.expose_secret()))?;
    Ok(OK)
}
