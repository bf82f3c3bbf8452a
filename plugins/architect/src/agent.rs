//! The agent around the survey.

use std::fs;
use std::path::Path;

use lint::Report;
use ringfence_sdk::prelude::*;
use serde::Serialize;
use source::{DEFAULT_MOUNT, LineCounts, Tree, each_file};

use crate::findings;
use crate::input::{Input, Only};
use crate::layout::{Layout, Place};
use crate::parts::{Parts, parts};
use crate::shards::{Piece, ShardPolicy, Split, split};
use crate::survey::{Entry, Survey, survey};

/// How many bytes of paths the shards name. They are the one list that cannot
/// be cut without leaving work undone, and an outcome may have 1 MiB by default.
const MAX_PATH_BYTES: usize = 384 << 10;

/// The bytes that a path in a list costs besides its text.
const BYTES_PER_PATH: usize = 3;

/// The most findings that are reported.
const MAX_FINDINGS: usize = 300;

/// Progress is told once for so many files: each time is a host call.
const FILES_PER_NOTE: usize = 50;

/// The agent of the role `architect`.
#[derive(Debug)]
pub struct Architect;

/// What the architect answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The shards alone.
    Split(Split),
    /// All of it.
    Survey(Box<Survey>),
}

impl Agent for Architect {
    type Input = Input;
    type Output = Answer;

    fn describe() -> Description {
        Description::new(
            "architect",
            env!("CARGO_PKG_VERSION"),
            "surveys a Rust tree and splits it into shards of about the same size",
        )
        .role("architect")
    }

    fn execute(input: Input, cx: &Context) -> Result<Outcome<Answer>, Failure> {
        let policy = input.policy()?;
        let root = cx.mount(input.mount.as_deref().unwrap_or(DEFAULT_MOUNT));
        let tree = Tree::open(&root).map_err(Failure::permanent)?;
        let paths = within_output(tree.files(), MAX_PATH_BYTES);
        let (answer, mut findings) = match input.only {
            Some(Only::Shards) => (Answer::Split(by_size(&root, paths, policy)), Vec::new()),
            None => {
                let (survey, findings) = by_content(&root, paths, policy, cx);
                (Answer::Survey(Box::new(survey)), findings)
            }
        };
        findings.append(&mut what_is_left_out(
            &tree,
            tree.files().len() - paths.len(),
        ));
        Ok(Outcome::completed(answer).with_findings(findings))
    }
}

/// Splits the files by what the folders say of their sizes. One that cannot be looked
/// at counts as empty: whoever gets it will say why. A survey counts those as empty that
/// it cannot read.
fn by_size(root: &Path, paths: &[String], policy: ShardPolicy) -> Split {
    let pieces: Vec<Piece> = paths
        .iter()
        .map(|path| Piece {
            path: path.clone(),
            bytes: fs::metadata(root.join(path)).map_or(0, |about| about.len()),
        })
        .collect();
    Split {
        files: pieces.len(),
        bytes: pieces.iter().map(|piece| piece.bytes).sum(),
        shards: split(pieces, policy),
    }
}

/// Reads the files and tells what there is.
fn by_content(
    root: &Path,
    paths: &[String],
    policy: ShardPolicy,
    cx: &Context,
) -> (Survey, Vec<Finding>) {
    let mut report = Report::default();
    let layout = Layout::of(root, paths);
    let mut entries = Vec::with_capacity(paths.len());
    each_file(root, paths, |path, reading| {
        let place = layout.place(path).cloned().unwrap_or_else(|| Place {
            name: path.to_owned(),
            root: String::new(),
        });
        let mut entry = Entry {
            path: path.to_owned(),
            place,
            bytes: 0,
            counts: LineCounts::default(),
            parts: Parts::default(),
        };
        match reading {
            Ok(reading) => {
                entry.bytes = reading.file.bytes();
                entry.counts = reading.file.comments().counts();
                entry.parts = parts(&reading, &entry.place, &layout);
            }
            Err(problem) => {
                if let Some(file) = problem.file() {
                    entry.bytes = file.bytes();
                    entry.counts = file.comments().counts();
                }
                report.enter(path);
                report.add(
                    "file-not-parsed",
                    Severity::Low,
                    problem.position(),
                    format!("the file cannot be analysed: {}", problem.message()),
                );
            }
        }
        entries.push(entry);
        if entries.len() % FILES_PER_NOTE == 0 {
            let fraction = entries.len() as f32 / paths.len() as f32;
            cx.progress(Activity::Working, Some(fraction), path);
        }
    });

    let shards = split(entries.iter().map(Entry::piece).collect(), policy);
    let survey = survey(&entries, layout.packages(), shards);
    findings::add(&entries, &survey, &mut report);
    cx.log()
        .with("files", survey.files)
        .with("shards", survey.shards.len())
        .info("the tree is surveyed");
    (survey, report.finish(MAX_FINDINGS).findings)
}

/// The first of the paths that an outcome has room to name.
fn within_output(paths: &[String], max_bytes: usize) -> &[String] {
    let mut bytes = 0;
    let count = paths
        .iter()
        .take_while(|path| {
            bytes += path.len() + BYTES_PER_PATH;
            bytes <= max_bytes
        })
        .count();
    &paths[..count]
}

fn what_is_left_out(tree: &Tree, beyond_output: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let count = tree.left_out() + beyond_output;
    if count > 0 {
        let message = format!(
            "{count} files or folders are beyond what one survey covers and are in no shard; hint: \
             mount a part of the tree"
        );
        findings.push(Finding::new("tree-cut", Severity::Medium, message));
    }
    if let Some(first) = tree.unreadable().first() {
        let message = format!(
            "{} folders cannot be listed and are in no shard, `{first}` among them",
            tree.unreadable().len()
        );
        findings.push(Finding::new("folder-not-read", Severity::Low, message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringfence_sdk::testing::{TestHost, TestRun};
    use serde_json::{Value, json};

    fn write(dir: &Path, path: &str, text: &str) {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        write(root, "Cargo.toml", "[package]\nname = \"my-crate\"\n");
        write(root, "src/lib.rs", "//! Docs.\n\npub mod a;\nmod b;\n");
        write(root, "src/a.rs", "use crate::b::B;\npub struct A(B);\n");
        write(
            root,
            "src/b.rs",
            "use super::a::A;\npub struct B(Box<A>);\n",
        );
        write(root, "src/broken.rs", "fn (\n// two\n");
        dir
    }

    fn run(dir: &Path, input: Value) -> TestRun<Answer> {
        TestHost::new()
            .mount("src", dir)
            .input(input)
            .execute::<Architect>()
    }

    fn surveyed(run: &TestRun<Answer>) -> &Survey {
        match run.completed() {
            Answer::Survey(survey) => survey,
            Answer::Split(split) => panic!("{split:?}"),
        }
    }

    fn only_split(run: &TestRun<Answer>) -> &Split {
        match run.completed() {
            Answer::Split(split) => split,
            Answer::Survey(survey) => panic!("{survey:?}"),
        }
    }

    #[test]
    fn a_tree_is_surveyed() {
        let dir = tree();
        let run = run(dir.path(), json!({}));
        let survey = surveyed(&run);
        assert_eq!((survey.files, survey.lines, survey.packages), (4, 10, 1));
        assert_eq!((survey.code, survey.comment, survey.blank), (7, 2, 1));
        assert_eq!(survey.public_items, 3);
        let names: Vec<_> = survey.modules.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(
            names,
            ["my_crate", "my_crate::a", "my_crate::b", "my_crate::broken"]
        );
        assert_eq!((survey.modules[1].uses, survey.modules[1].used_by), (1, 1));
        assert_eq!(survey.edges[0].to, "my_crate::b");
        assert_eq!(survey.cycles[0].modules, ["my_crate::a", "my_crate::b"]);
        assert_eq!(survey.shards.len(), 1);
        assert_eq!(survey.shards[0].files.len(), 4);
        assert_eq!(survey.shards[0].bytes, survey.bytes);
        let outcome = run.outcome.unwrap();
        let found: Vec<_> = outcome
            .findings()
            .iter()
            .map(|f| format!("{} {} {}", f.location.as_ref().unwrap(), f.rule, f.severity))
            .collect();
        assert_eq!(
            found,
            [
                "src/a.rs:1:1 module-cycle info",
                "src/broken.rs:1:4 file-not-parsed low"
            ]
        );
    }

    #[test]
    fn the_input_says_how_many_shards() {
        let dir = tree();
        let count = |input| surveyed(&run(dir.path(), input)).shards.len();
        assert_eq!(count(json!({ "shards": 3 })), 3);
        assert_eq!(count(json!({ "shards": 256 })), 4);
        assert_eq!(count(json!({ "max_bytes": 1 })), 4);
        assert_eq!(count(json!({ "max_bytes": 1_000_000 })), 1);
    }

    #[test]
    fn the_shards_alone_are_those_of_a_survey() {
        let dir = tree();
        for shards in [1, 2, 3] {
            let whole = run(dir.path(), json!({ "shards": shards }));
            let alone = run(dir.path(), json!({ "shards": shards, "only": "shards" }));
            let (whole, alone) = (surveyed(&whole), only_split(&alone));
            assert_eq!(alone.shards, whole.shards);
            assert_eq!((alone.files, alone.bytes), (4, whole.bytes));
        }
    }

    #[test]
    fn the_shards_alone_are_told_without_reading_a_file() {
        let dir = tree();
        let run = run(dir.path(), json!({ "only": "shards" }));
        assert_eq!(only_split(&run).shards[0].files.len(), 4);
        let findings = run.outcome.as_ref().unwrap().findings();
        assert!(findings.is_empty(), "one does not parse: {findings:?}");
    }

    #[test]
    fn an_input_that_cannot_be_met_is_refused() {
        let dir = tree();
        for input in [
            json!({ "shards": 0 }),
            json!({ "shards": 257 }),
            json!({ "max_bytes": 0 }),
            json!({ "shards": 1, "max_bytes": 1 }),
            json!({ "shard": 1 }),
            json!({ "only": "lines" }),
        ] {
            let run = run(dir.path(), input);
            assert!(matches!(run.failed(), Failure::InvalidInput(_)));
        }
    }

    #[test]
    fn a_missing_mount_and_an_empty_tree_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let empty = run(dir.path(), json!({}));
        assert_eq!(surveyed(&empty), &Survey::default());
        let run = run(&dir.path().join("none"), json!({}));
        assert!(matches!(run.failed(), Failure::Permanent(_)));
    }

    #[test]
    fn a_survey_of_a_huge_tree_fits_into_an_outcome() {
        let paths: Vec<_> = (0..20_000)
            .map(|i| {
                format!(
                    "packages/package-{}/src/a/rather/deep/folder/module_{i}.rs",
                    i % 40
                )
            })
            .collect();
        let kept = within_output(&paths, MAX_PATH_BYTES);
        assert!(kept.len() > 4_000 && kept.len() < paths.len());
        assert_eq!(within_output(&paths[..2_000], MAX_PATH_BYTES).len(), 2_000);
        let layout = Layout::of(Path::new("/does/not/exist"), kept);
        let entries: Vec<_> = kept
            .iter()
            .enumerate()
            .map(|(index, path)| {
                let mut parts = Parts::default();
                for other in kept.iter().cycle().skip(index).take(20) {
                    let name = layout.place(other).unwrap().name.clone();
                    parts.uses.insert(name, 100_000);
                }
                Entry {
                    path: path.clone(),
                    place: layout.place(path).unwrap().clone(),
                    bytes: 4_000_000,
                    counts: LineCounts {
                        code: 100_000,
                        comment: 100_000,
                        blank: 100_000,
                    },
                    parts,
                }
            })
            .collect();
        let pieces = entries.iter().map(Entry::piece).collect();
        let shards = split(pieces, ShardPolicy::exactly(256));
        let survey = survey(&entries, layout.packages(), shards);
        let mut report = Report::default();
        findings::add(&entries, &survey, &mut report);
        let findings = report.finish(MAX_FINDINGS).findings;
        let bytes = serde_json::to_vec(&survey).unwrap().len()
            + serde_json::to_vec(&findings).unwrap().len();
        assert!(bytes < 1 << 20, "{bytes}");
        assert_eq!(
            survey.modules.len() + survey.modules_truncated,
            entries.len()
        );
        assert_eq!(
            survey.edges.len() + survey.edges_truncated,
            20 * entries.len()
        );
        assert!(!survey.modules.is_empty() && !survey.edges.is_empty());
    }
}
