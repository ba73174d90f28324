//! What can be wrong with the machine: each a clear message, and nothing lost.

use std::os::unix::fs::PermissionsExt;

use crate::trial::{Trial, ended, exchange};

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named_with_the_way_out() {
    let trial = Trial::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let listen = address.to_string();
    trial
        .remuda(&["serve", "--listen", &listen])
        .failed(1, &[&format!("port {} is taken", address.port()), "--listen", "config.toml"]);
    trial.serve();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_others_can_reach_is_refused_without_tls() {
    let trial = Trial::new().await;
    for address in ["0.0.0.0:4747", "[::]:4747", "192.168.1.2:80"] {
        trial.remuda(&["serve", "--listen", address]).failed(2, &[address, "no TLS", "SSH"]);
    }
    trial.remuda(&["serve", "--listen", "everywhere"]).failed(2, &["no address"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_cannot_be_used_is_named() {
    let trial = Trial::new().await;
    let file = trial.project().join("file");
    std::fs::write(&file, "").unwrap();
    for args in [&["status"][..], &["serve"], &["login", "anthropic", "--paste"]] {
        let mut command = trial.command(args);
        command.env("REMUDA_HOME", file.join("herd"));
        ended(command).failed(1, &["file/herd", "REMUDA_HOME"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_store_is_refused_and_left_as_it_is() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let database = trial.home().join("remuda.db");
    for end in ["-wal", "-shm"] {
        let _may_be_absent = std::fs::remove_file(trial.home().join(format!("remuda.db{end}")));
    }
    let garbage = b"this is no database, and must not be taken for an empty one".repeat(100);
    std::fs::write(&database, &garbage).unwrap();
    for args in [&["status"][..], &["serve"], &["accounts"], &["use", "work"]] {
        trial.remuda(args).failed(1, &["remuda.db", "left as it"]);
    }
    assert_eq!(std::fs::read(&database).unwrap(), garbage);

    let moved = trial.json(&["doctor", "--quarantine"])["quarantined"][0]["to"].clone();
    assert_eq!(std::fs::read(moved.as_str().unwrap()).unwrap(), garbage);
    assert_eq!(trial.json(&["accounts"])["accounts"], serde_json::json!([]), "a new store has begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_moved_aside_while_the_store_is_in_use_or_when_it_is_sound() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let daemon = trial.serve();
    trial.remuda(&["doctor", "--quarantine"]).failed(1, &["in use", "remuda stop"]);
    trial.remuda(&["stop"]).ok();
    assert_eq!(daemon.wait(), 0);
    assert_eq!(trial.json(&["doctor", "--quarantine"])["quarantined"], serde_json::json!([]));
    assert_eq!(trial.json(&["accounts"])["accounts"][0]["label"], "work");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_or_missing_key_file_is_refused_and_the_right_one_opens_again() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let file = trial.home().join("key");
    let right = std::fs::read(&file).unwrap();
    std::fs::write(&file, [7; 32]).unwrap();
    trial.remuda(&["accounts"]).failed(1, &["key", "put the right key back"]);
    std::fs::remove_file(&file).unwrap();
    trial.remuda(&["accounts"]).failed(1, &["key", "put it back"]);
    assert!(!file.exists(), "no new key is made");
    std::fs::write(&file, right).unwrap();
    let daemon = trial.serve();
    assert_eq!(daemon.ask(&trial.key(&[]), "hello").status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_the_configuration_is_named_with_its_line() {
    let trial = Trial::new().await;
    std::fs::write(trial.home().join("config.toml"), "\nlisten_on = '127.0.0.1:1'\n").unwrap();
    trial.remuda(&["status"]).failed(2, &["config.toml, line 2", "listen_on", "did you mean `listen`?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_what_others_can_read_with_the_command_that_mends_it() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    trial.remuda(&["doctor"]).ok();
    let key = trial.home().join("key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let found = trial.remuda(&["doctor"]);
    assert_eq!(found.code, 1, "{found:?}");
    assert!(found.out.contains(&format!("chmod 0600 {}", key.display())), "{found:?}");
    trial.remuda(&["accounts"]).ok();
    trial.remuda(&["doctor"]).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_is_moved_aside_only_when_a_person_says_so() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let sound = trial.remuda(&["doctor"]).ok();
    assert!(sound.out.contains("is sound"), "{sound:?}");
    let database = trial.home().join("remuda.db");
    for end in ["-wal", "-shm"] {
        let _may_be_absent = std::fs::remove_file(trial.home().join(format!("remuda.db{end}")));
    }
    std::fs::write(&database, "what is left of it").unwrap();
    let found = trial.remuda(&["doctor"]);
    assert!(found.code == 1 && found.out.contains("remuda doctor --quarantine"), "{found:?}");
    assert_eq!(std::fs::read_to_string(&database).unwrap(), "what is left of it");
    let moved = trial.json(&["doctor", "--quarantine"]);
    let aside = moved["quarantined"][0]["to"].as_str().unwrap();
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "what is left of it");
    assert_eq!(trial.json(&["accounts"])["accounts"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_leaves_a_store_alone_that_a_daemon_works_on() {
    let trial = Trial::new().await;
    let daemon = trial.serve();
    let examined = trial.remuda(&["doctor"]).ok();
    assert!(examined.out.contains("a daemon works on it"), "{examined:?}");
    drop(daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_garbage_get_a_clear_answer_and_cost_nothing() {
    let trial = Trial::new().await;
    trial.add_free(&["work"]);
    let daemon = trial.serve();
    let key = trial.key(&[]);
    let messages = format!("{}/anthropic/v1/messages", daemon.url);
    let json = "content-type: application/json\r\nanthropic-version: 2023-06-01\r\n";
    let stranger = exchange("POST", &messages, &format!("{json}x-api-key: rmd_wrong\r\n"), "{}");
    assert!(matches!(stranger.status, 401 | 403) && stranger.body.contains("client key"), "{stranger:?}");
    let rebound = exchange("POST", &messages, &format!("{json}x-api-key: {key}\r\nhost: evil.example\r\n"), "{}");
    assert_eq!(rebound.status, 403, "{rebound:?}");
    let garbage = exchange("POST", &messages, &format!("{json}x-api-key: {key}\r\n"), "{garbage");
    assert!((400..500).contains(&garbage.status) && garbage.body.contains("error"), "{garbage:?}");
    assert_eq!(daemon.ask(&key, "hello").status, 200);
}
