//! `.remuda.toml`.

use crate::trial::Trial;

#[tokio::test(flavor = "multi_thread")]
async fn use_project_writes_the_file_and_shows_it() {
    let trial = Trial::new().await;
    trial.add_free(&["my work", "personal"]);
    let file = trial.project().join(".remuda.toml");
    let none = trial.remuda(&["use", "--project"]).ok();
    assert!(none.out.contains("No project file"), "{none:?}");
    let pinned = trial.remuda(&["use", "MY WORK", "--project"]).ok();
    assert!(pinned.out.contains("Undo: rm "), "{pinned:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "account = \"my work\"\n");
    let other = trial.remuda(&["use", "personal", "--project"]).ok();
    assert!(other.out.contains("Undo: remuda use 'my work' --project"), "{other:?}");
    assert!(trial.remuda(&["use", "--project"]).ok().out.contains("personal"));
    assert_eq!(trial.remuda(&["status", "--json"]).json()["active"], "my work", "nothing else changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn use_project_does_not_write_what_does_not_exist() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    trial.remuda(&["use", "wrok", "--project"]).failed(1, &["did you mean \"work\"?"]);
    assert!(!trial.project().join(".remuda.toml").exists());
}
