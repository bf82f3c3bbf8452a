//! Agents that trap or break their budgets again and again are set aside, over
//! runs, until a person releases them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;

use support::{Ended, plugins, ringfence};

const CONFIG: &str = "schema = 1
plugins = [\".\"]
[set-aside]
after = 3
";

const WORKFLOW: &str = "version: 1
name: once
defaults: { retry: { max_retries: 0 } }
tasks:
  a: { role: trap, input: { kind: unreachable } }
";

fn stage() -> tempfile::TempDir {
    let folder = plugins(&["trap", "echo"]);
    fs::create_dir(folder.path().join("run")).unwrap();
    fs::write(folder.path().join("ringfence.toml"), CONFIG).unwrap();
    fs::write(folder.path().join("w.yaml"), WORKFLOW).unwrap();
    folder
}

fn say(folder: &tempfile::TempDir, args: &[&str]) -> Ended {
    ringfence(folder.path())
        .env("XDG_RUNTIME_DIR", folder.path().join("run"))
        .args(["--journal", "j.sqlite"])
        .args(args)
        .output()
        .unwrap()
        .into()
}

#[test]
fn faults_in_a_row_count_over_runs_until_a_person_releases_the_agent() {
    let folder = stage();
    for _ in 0..3 {
        let ended = say(&folder, &["run", "w.yaml"]).expect(1);
        assert!(ended.stdout.contains("trap"), "{}", ended.stdout);
    }
    let ended = say(&folder, &["run", "w.yaml"]).expect(5);
    let whole = format!("{}{}", ended.stdout, ended.stderr);
    assert!(whole.contains("no-capable-agent"), "{whole}");
    assert!(
        whole.contains("`trap` was set aside after 3 faults in a row, the last of them trap"),
        "{whole}"
    );
    assert!(whole.contains("ringfence agents release trap"), "{whole}");

    let listed = say(&folder, &["agents", "list"]).expect(0).stdout;
    assert!(listed.contains("set aside: 1"), "{listed}");
    assert!(listed.contains("`trap`: 3 faults in a row"), "{listed}");
    let json = say(&folder, &["agents", "list", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(json["agents"][1]["conduct"]["set-aside"], true);
    assert_eq!(json["agents"][0]["conduct"]["set-aside"], false);

    let wrong = say(&folder, &["agents", "release", "echo"])
        .expect(2)
        .stderr;
    assert!(wrong.contains("`echo` is not set aside"), "{wrong}");
    assert!(wrong.contains("these are: `trap`"), "{wrong}");
    say(&folder, &["agents", "release", "trap"]).expect(0);
    let ended = say(&folder, &["run", "w.yaml"]).expect(1);
    assert!(ended.stdout.contains("it gave up"), "{}", ended.stdout);
    say(&folder, &["agents", "release", "trap"]).expect(2);
}

#[test]
fn the_run_that_sets_an_agent_aside_says_so_and_goes_on_without_it() {
    let folder = stage();
    let workflow = "version: 1
name: many
defaults: { retry: { max_retries: 0 } }
tasks:
  a:
    role: trap
    for_each: { items: 'range(10)', concurrency: 1 }
    input: { kind: unreachable }
    on_failure: continue
  b: { role: echo, needs: [a] }
";
    fs::write(folder.path().join("many.yaml"), workflow).unwrap();
    let ended = say(&folder, &["run", "many.yaml"]).expect(0);
    assert!(
        ended
            .stderr
            .contains("`trap` is set aside after 3 faults in a row"),
        "{}",
        ended.stderr
    );
    let run = say(&folder, &["runs", "list", "--format", "json"])
        .expect(0)
        .json();
    let run = run[0]["run"].as_str().unwrap().to_owned();
    let events = say(&folder, &["runs", "events", &run, "--format", "json"])
        .expect(0)
        .stdout;
    let started = events
        .lines()
        .filter(|line| line.contains("attempt-started"));
    assert_eq!(started.count(), 3 + 1, "{events}");
}

/// Or a file could set aside whom it likes, for all other workflows.
#[test]
fn a_budget_that_the_workflow_made_tight_sets_nobody_aside() {
    let folder = stage();
    let workflow = "version: 1
name: tight
tasks:
  a:
    role: echo
    for_each: range(4)
    budget: { fuel: '1000' }
    retry: { max_retries: 0 }
    on_failure: continue
";
    fs::write(folder.path().join("tight.yaml"), workflow).unwrap();
    let ended = say(&folder, &["run", "tight.yaml"]).expect(0);
    let whole = format!("{}{}", ended.stdout, ended.stderr);
    assert!(whole.contains("out-of-fuel"), "{whole}");
    let json = say(&folder, &["agents", "list", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(json["agents"][0]["profile"]["name"], "echo", "{json:#}");
    assert_eq!(json["agents"][0]["conduct"]["set-aside"], false);
    assert_eq!(json["agents"][0]["conduct"]["faults"], 0);
}
