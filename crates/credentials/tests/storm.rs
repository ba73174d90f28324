//! Many processes and many requests against a vendor that forgives nothing: whatever the order of events, no refresh
//! token is shown twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub, reason = "a test")]

mod live;

use std::sync::Arc;
use std::time::Duration;

use live::{ACCOUNT, add_expired, keeper, open, refreshes, stored_pair};
use remuda_core::route::Refreshed;
use remuda_fake::{AccountSpec, Config, Fake};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_refusals_in_four_processes_burns_no_token() {
    let home = tempfile::tempdir().unwrap();
    let vendor = Fake::start(Config::default()).await.unwrap();
    let account = vendor.add_account(AccountSpec::subscription("main")).unwrap();
    let outside = open(home.path()).await;
    add_expired(&outside, ACCOUNT, "main", &account).await;

    let mut keepers = Vec::new();
    for _ in 0..4 {
        keepers.push(keeper(Arc::new(open(home.path()).await), &vendor.token_url()));
    }
    let mut storm = JoinSet::new();
    for (number, keeper) in keepers.iter().cycle().take(24).enumerate() {
        let keeper = keeper.clone();
        storm.spawn(async move {
            for round in 0..6 {
                let token = keeper.token(ACCOUNT).await.unwrap();
                // Some report late, some for a generation that others have reported already, some not at all.
                if (number + round) % 3 != 0 {
                    tokio::task::yield_now().await;
                    assert_eq!(keeper.rejected(ACCOUNT, token.generation()).await, Refreshed::Renewed);
                }
                if (number + round) % 7 == 0 {
                    keeper.resync().await.unwrap();
                }
            }
        });
    }
    storm.join_all().await;
    for keeper in &keepers {
        assert!(keeper.shutdown(Duration::from_secs(10)).await);
    }

    assert_eq!(vendor.violations(), Vec::<String>::new());
    let (pair, generation) = stored_pair(&outside, ACCOUNT).await;
    assert!(live::works(&vendor, &pair.access).await);
    assert_eq!(refreshes(&vendor).len() as u64, generation - 1, "one exchange per generation");
    assert!(generation > 6, "it was a storm: {generation}");
}
