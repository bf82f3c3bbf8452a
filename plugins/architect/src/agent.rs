//! The agent around the survey.

use std::fs;
use std::path::Path;

use lint::Report;
use ringfence_sdk::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use source::{DEFAULT_MOUNT, FileInput, LineCounts, Tree, each_file};

use crate::findings;
use crate::input::{Input, Job};
use crate::layout::{Layout, packages};
use crate::part::Part;
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
    /// What one shard holds.
    Part(Part),
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
        let root = cx.mount(input.mount.as_deref().unwrap_or(DEFAULT_MOUNT));
        let (answer, findings) = match input.job()? {
            Job::Whole(policy) => {
                let tree = Listed::open(&root)?;
                let (survey, found) = whole(&root, tree.paths(), policy, cx);
                (
                    Answer::Survey(Box::new(survey)),
                    tree.and_what_is_left_out(found),
                )
            }
            Job::Split(policy) => {
                let tree = Listed::open(&root)?;
                let split = by_size(&root, tree.paths(), policy);
                (Answer::Split(split), tree.and_what_is_left_out(Vec::new()))
            }
            Job::Part(files) => {
                let (split, _) = needed::<Split>(cx)?;
                let layout = Layout::of(split.paths(), &split.packages);
                let mut report = Report::default();
                let entries = read(&root, &checked(files)?, &layout, cx, &mut report);
                let findings = report.finish(MAX_FINDINGS).findings;
                let part = Part::of(&entries).map_err(|_| too_many_files(files.len()))?;
                (Answer::Part(part), findings)
            }
            Job::Join => {
                let (survey, findings) = join(cx)?;
                (Answer::Survey(Box::new(survey)), findings)
            }
        };
        Ok(Outcome::completed(answer).with_findings(findings))
    }
}

/// The files of a tree, as far as an outcome has room to name them.
struct Listed {
    tree: Tree,
    count: usize,
}

impl Listed {
    fn open(root: &Path) -> Result<Self, Failure> {
        let tree = Tree::open(root).map_err(Failure::permanent)?;
        let count = within_output(tree.files(), MAX_PATH_BYTES).len();
        Ok(Self { tree, count })
    }

    fn paths(&self) -> &[String] {
        &self.tree.files()[..self.count]
    }

    fn and_what_is_left_out(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        let beyond_output = self.tree.files().len() - self.count;
        findings.append(&mut what_is_left_out(&self.tree, beyond_output));
        findings
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
        packages: packages(root, paths),
        shards: split(pieces, policy),
    }
}

/// Reads all files and tells what there is.
fn whole(
    root: &Path,
    paths: &[String],
    policy: ShardPolicy,
    cx: &Context,
) -> (Survey, Vec<Finding>) {
    let mut report = Report::default();
    let layout = Layout::of(paths, &packages(root, paths));
    let entries = read(root, paths, &layout, cx, &mut report);
    let shards = split(entries.iter().map(Entry::piece).collect(), policy);
    let survey = survey(&entries, layout.packages(), shards);
    let findings = told(&entries, &survey, report, cx);
    (survey, findings)
}

/// Tells what there is from what was found out about each shard.
fn join(cx: &Context) -> Result<(Survey, Vec<Finding>), Failure> {
    let (split, about_tree) = needed::<Split>(cx)?;
    let (parts, about_files) = needed::<Vec<Option<Part>>>(cx)?;
    let layout = Layout::of(split.paths(), &split.packages);
    // Items that failed may have left nothing.
    let missing = split
        .shards
        .len()
        .saturating_sub(parts.iter().flatten().count());
    let parts = parts.into_iter().flatten();
    let mut uses_left_out = 0_usize;
    let mut entries: Vec<Entry> = parts
        .inspect(|part| uses_left_out = uses_left_out.saturating_add(part.uses_left_out))
        .flat_map(|part| part.entries(&layout))
        .collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries.dedup_by(|a, b| a.path == b.path);
    let mut report = Report::default();
    report.take_over(about_files.iter().cloned());
    let mut survey = survey(&entries, layout.packages(), split.shards);
    survey.edges_truncated = survey.edges_truncated.saturating_add(uses_left_out);
    let mut findings = told(&entries, &survey, report, cx);
    findings.extend_from_slice(about_tree);
    if missing > 0 {
        let message = format!("{missing} shards of the tree are not in the survey");
        findings.push(Finding::new("survey-incomplete", Severity::Medium, message));
    }
    Ok((survey, findings))
}

/// Adds what stands out in the survey to what was found in files.
fn told(entries: &[Entry], survey: &Survey, mut report: Report, cx: &Context) -> Vec<Finding> {
    findings::add(entries, survey, &mut report);
    cx.log()
        .with("files", survey.files)
        .with("shards", survey.shards.len())
        .info("the tree is surveyed");
    report.finish(MAX_FINDINGS).findings
}

/// What was found out about files, in their order.
fn read(
    root: &Path,
    paths: &[String],
    layout: &Layout,
    cx: &Context,
    report: &mut Report,
) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(paths.len());
    each_file(root, paths, |path, reading| {
        let mut entry = Entry {
            path: path.to_owned(),
            place: layout.place_or_path(path),
            bytes: 0,
            counts: LineCounts::default(),
            parts: Parts::default(),
        };
        match reading {
            Ok(reading) => {
                entry.bytes = reading.file.bytes();
                entry.counts = reading.file.comments().counts();
                entry.parts = parts(&reading, &entry.place, layout);
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
    entries
}

/// What a task gave that this one needs and whose answer is a `T`, and what it found.
fn needed<T: DeserializeOwned>(cx: &Context) -> Result<(T, &[Finding]), Failure> {
    let needs = cx.task().needs.iter();
    let mut fitting = needs.filter_map(|need| Some((need.decode().ok()?, &*need.findings)));
    fitting.next().ok_or_else(|| {
        Failure::invalid_input(
            "no task that this one needs gave the shards, or the parts, of a tree\nhint: a part \
             needs a task of `only: shards`, and to join them takes that and a `for_each` of \
             `only: part`",
        )
    })
}

fn too_many_files(count: usize) -> Failure {
    Failure::invalid_input(format!(
        "a part of {count} files is more than one outcome can tell of\nhint: let `only: shards` \
         make more `shards`"
    ))
}

/// The files, if they are paths below the mount.
fn checked(files: &[String]) -> Result<Vec<String>, Failure> {
    let input = FileInput {
        files: Some(files.to_vec()),
        mount: None,
    };
    let named = input.named().unwrap_or_else(|| Ok(Vec::new()));
    named.map_err(|unknown| Failure::invalid_input(unknown.to_string()))
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
    use crate::layout::Packages;
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
            other => panic!("{other:?}"),
        }
    }

    fn only_split(run: &TestRun<Answer>) -> &Split {
        match run.completed() {
            Answer::Split(split) => split,
            other => panic!("{other:?}"),
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

    /// What each shard of the tree holds, as a `for_each` gives it.
    fn in_parts(dir: &Path, split: &Value) -> (Value, Vec<Finding>) {
        let (mut parts, mut findings) = (Vec::new(), Vec::new());
        for shard in split["shards"].as_array().unwrap() {
            let run = TestHost::new()
                .mount("src", dir)
                .need("shards", split.clone(), [])
                .input(json!({ "only": "part", "files": shard["files"] }))
                .execute::<Architect>();
            parts.push(serde_json::to_value(run.completed()).unwrap());
            findings.extend_from_slice(run.outcome.as_ref().unwrap().findings());
        }
        (Value::Array(parts), findings)
    }

    #[test]
    fn a_survey_in_parts_is_that_of_the_whole() {
        let dir = tree();
        write(
            dir.path(),
            "other-1.2/Cargo.toml",
            "[package]\nname = \"other\"\n",
        );
        write(
            dir.path(),
            "other-1.2/src/lib.rs",
            "use my_crate::a::A;\npub struct C(A);\n",
        );
        for shards in [1, 2, 5] {
            let whole = run(dir.path(), json!({ "shards": shards }));
            let split = run(dir.path(), json!({ "shards": shards, "only": "shards" }));
            let split = serde_json::to_value(only_split(&split)).unwrap();
            assert_eq!(split["packages"]["other-1.2"], "other");
            let (parts, found) = in_parts(dir.path(), &split);
            let about_tree = Finding::new("tree-cut", Severity::Medium, "too much");
            let joined = TestHost::new()
                .need("shards", split, [about_tree.clone()])
                .need("parts", parts, found)
                .input(json!({ "only": "join" }))
                .execute::<Architect>();
            assert_eq!(surveyed(&joined), surveyed(&whole));
            let findings =
                |run: &TestRun<Answer>| run.outcome.as_ref().unwrap().findings().to_vec();
            let expected = [findings(&whole), vec![about_tree]].concat();
            assert_eq!(findings(&joined), expected);
        }
    }

    #[test]
    fn a_survey_without_some_parts_says_so() {
        let dir = tree();
        let split = run(dir.path(), json!({ "shards": 2, "only": "shards" }));
        let split = serde_json::to_value(only_split(&split)).unwrap();
        let (parts, _) = in_parts(dir.path(), &split);
        for parts in [json!([null, parts[1]]), json!([parts[1], parts[1]])] {
            let is_missing = parts[0].is_null();
            let joined = TestHost::new()
                .need("shards", split.clone(), [])
                .need("parts", parts, [])
                .input(json!({ "only": "join" }))
                .execute::<Architect>();
            assert_eq!(surveyed(&joined).files, 2, "each file once");
            let findings = joined.outcome.as_ref().unwrap().findings();
            let told = findings
                .iter()
                .any(|found| found.rule == "survey-incomplete");
            assert_eq!(told, is_missing);
        }
    }

    #[test]
    fn a_part_without_shards_and_a_join_without_parts_are_refused() {
        let dir = tree();
        let split = run(dir.path(), json!({ "only": "shards" }));
        let split = serde_json::to_value(only_split(&split)).unwrap();
        let other = TestHost::new().need("fix", json!({ "shards": 3 }), []);
        let alone = TestHost::new().need("shards", split, []);
        for (host, input) in [
            (TestHost::new(), json!({ "only": "part", "files": [] })),
            (other, json!({ "only": "part", "files": [] })),
            (alone, json!({ "only": "join" })),
        ] {
            let run = host
                .mount("src", dir.path())
                .input(input)
                .execute::<Architect>();
            let Failure::InvalidInput(why) = run.failed() else {
                panic!("{:?}", run.failed());
            };
            assert!(why.contains("hint: a part needs a task"), "{why}");
        }
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
            json!({ "only": "part" }),
            json!({ "only": "part", "files": ["a.rs"], "shards": 2 }),
            json!({ "only": "join", "max_bytes": 2 }),
            json!({ "only": "join", "files": ["a.rs"] }),
            json!({ "only": "shards", "files": ["a.rs"] }),
            json!({ "files": ["a.rs"] }),
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
        let layout = Layout::of(kept, &Packages::new());
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
