//! Workflow files from end to end: every mistake is told with its place and a
//! hint, and no file, however hostile, costs more than it should.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use ringfence_flow::{
    AgentName, AgentProfile, Budgets, ByteSize, ContentHash, Diagnostic, FailureCode, Finding,
    HostFacts, InputValue, Json, MAX_FILE_SIZE, MountAccess, MountGrant, MountName, NoFiles,
    Output, Role, RunId, Scope, Severity, TaskId, TaskResults, TaskStatus, WorkflowFile,
    render_diagnostics, workflow_schema,
};
use serde_json::{Value, json};

fn files(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn bad() -> Vec<(String, String)> {
    files("tests/bad")
}

fn shipped() -> Vec<(String, String)> {
    files("../../workflows")
}

fn parse(text: &str) -> Result<WorkflowFile, Vec<Diagnostic>> {
    WorkflowFile::parse("test.yaml", text)
}

fn parse_good(text: &str) -> WorkflowFile {
    parse(text)
        .unwrap_or_else(|errors| panic!("{}", render_diagnostics("test.yaml", text, &errors)))
}

fn codes(text: &str) -> Vec<&'static str> {
    let errors = parse(text).unwrap_err();
    errors.iter().map(|error| error.code).collect()
}

#[test]
fn every_bad_file_is_explained() {
    let mut listing = String::new();
    for (name, text) in bad() {
        let errors = WorkflowFile::parse(&name, &text).expect_err(&name);
        let shown = render_diagnostics(&name, &text, &errors);
        writeln!(listing, "{}\n{shown}", "=".repeat(70)).unwrap();
    }
    insta::assert_snapshot!("bad_workflows", listing);
}

#[test]
fn places_lie_in_the_file() {
    for (name, text) in bad() {
        for error in WorkflowFile::parse(&name, &text).unwrap_err() {
            let related = error.related.iter().map(|related| related.span);
            for span in related.chain([error.span]) {
                assert!(text.get(span.range()).is_some(), "{name}: {error:?}");
                let line = text[..span.start].matches('\n').count() + 1;
                assert_eq!(span.line as usize, line, "{name}: {error:?}");
            }
        }
    }
}

#[test]
fn shipped_workflows_are_right() {
    let shipped = shipped();
    assert!(shipped.len() >= 2);
    for (name, text) in shipped {
        let file = WorkflowFile::parse(&name, &text)
            .unwrap_or_else(|errors| panic!("{}", render_diagnostics(&name, &text, &errors)));
        assert_eq!(format!("{}.yaml", file.plan().workflow().name), name);
    }
}

#[test]
fn the_review_mends_only_what_can_be_mended() {
    let (_, text) = shipped()
        .into_iter()
        .find(|(name, _)| name == "review.yaml")
        .unwrap();
    let file = parse_good(&text);
    let workflow = file.plan().workflow();
    let fix = workflow
        .tasks
        .iter()
        .find(|task| task.id.as_str() == "fix")
        .unwrap();
    let finding = |mended: bool| Finding {
        rule: "r".into(),
        severity: Severity::Low,
        message: "m".into(),
        location: None,
        fix: mended.then(|| ringfence_flow::Edit {
            path: "a.rs".into(),
            first: 1,
            last: 1,
            replacement: "".into(),
        }),
    };
    for (mended, expected) in [(false, false), (true, true)] {
        let mut results = TaskResults::default();
        for task in ["security", "performance", "quality"] {
            let output = Output {
                findings: [finding(false), finding(mended)].into(),
                ..Output::default()
            };
            results.insert(TaskId::new(task).unwrap(), TaskStatus::Completed, output);
        }
        let inputs = workflow.bind_inputs(BTreeMap::new()).unwrap();
        let scope = Scope::new(&RunId::new("r").unwrap(), &inputs, Arc::new(results));
        assert_eq!(fix.when.as_ref().unwrap().eval_bool(&scope), Ok(expected));
    }
}

const FULL: &str = r#"
version: 1
name: full
description: Everything that a file can say.
inputs:
  files: { type: array, default: [a.rs], description: The files. }
  level: { type: string, enum: [low, high], default: low }
concurrency: 4
deadline: 1h
priority: high
defaults:
  timeout: 30s
  retry: { max_retries: 5, initial: 2s, factor: 3, max: 2m, jitter: none, escalate: true }
  budget: { fuel: 20G, memory: 128MiB }
  priority: low
  on_failure: continue
tasks:
  look:
    role: reviewer
    for_each: { items: "${{ inputs.files }}", concurrency: 2 }
    input: { file: "${{ item }}", number: "${{ index }}", text: "level ${{ inputs.level }}" }
    mounts: src
    fallback: [reviewer-basic]
  again:
    role: reviewer
    agent: strict
    needs: look
    when: ${{ tasks.look.status == "completed" }}
    budget:
      fuel: 1000
      time: 10s
      memory: 1GiB
      output: 2MiB
      artifacts: 0B
      log-lines: 0
      log-bytes: 1KiB
      host-calls: 7
      open-resources: 8
    retry: { max_retries: 0 }
    on_failure: skip_dependents
  hurry: { role: developer, priority: emergency, timeout: 5s }
  vote:
    require: { at_least: 1 }
    needs: [again, look]
    on_reject: { redo_from: look, max_rounds: 2 }
"#;

#[test]
fn a_full_file_is_read_to_the_letter() {
    let file = parse_good(FULL);
    insta::assert_debug_snapshot!("full_workflow", file.plan().workflow());
}

#[test]
fn json_is_yaml() {
    let text = json!({"version": 1, "name": "j", "tasks": {"a": {"role": "reviewer", "input": {"x": "${{ run.id }}"}}}});
    parse_good(&text.to_string());
    parse_good(&serde_json::to_string_pretty(&text).unwrap());
}

#[test]
fn an_emergency_is_not_retried_unless_the_file_says_so() {
    let retries = |text: &str| -> Vec<u32> {
        let file = parse_good(text);
        file.plan()
            .workflow()
            .tasks
            .iter()
            .map(|task| task.retry.max_retries)
            .collect()
    };
    let tasks = "tasks:\n  a: { role: r }\n  b: { role: r, priority: emergency }\n  c: { role: r, priority: emergency, retry: { max_retries: 2 } }\n";
    assert_eq!(retries(&format!("version: 1\nname: w\n{tasks}")), [3, 0, 2]);
    let defaults = "defaults: { retry: { max_retries: 5 } }";
    assert_eq!(
        retries(&format!("version: 1\nname: w\n{defaults}\n{tasks}")),
        [5, 0, 2]
    );
    assert_eq!(
        retries(&format!(
            "version: 1\nname: w\npriority: emergency\n{tasks}"
        )),
        [0, 0, 2]
    );
    assert_eq!(
        retries(&format!(
            "version: 1\nname: w\npriority: emergency\n{defaults}\n{tasks}"
        )),
        [5, 5, 2]
    );
}

#[test]
fn one_mistake_does_not_hide_or_make_another() {
    let text = "version: 1\nname: w\ntasks:\n  Bad: { role: r }\n  b: { role: r, needs: [Bad] }\n  c: { role: r, needs: [b], on_reject: { redo_from: b, rounds: 2 } }\n  d: { role: r, needs: [q], when: \"${{ inputs.x }}\" }\n";
    assert_eq!(
        codes(text),
        [
            "invalid-name",
            "invalid-name",
            "unknown-key",
            "unknown-dependency",
            "unknown-name"
        ]
    );
    let text = "version: 1\nname: w\nconcurrency: 0\ntasks:\n  a: { role: r, needs: [b] }\n  b: { role: r, needs: [a] }\n";
    assert_eq!(codes(text), ["invalid-number", "cycle"]);
}

#[test]
fn errors_are_told_up_to_a_number() {
    let mut text = "version: 1\nname: w\ntasks:\n".to_owned();
    for task in 0..5_000 {
        writeln!(text, "  t{task}: {{ rol: r }}").unwrap();
    }
    let errors = parse(&text).unwrap_err();
    assert_eq!(errors.len(), 101);
    assert_eq!(errors[100].message, "there are 9900 more errors");
}

// Hostile files.

#[test]
fn a_huge_file_is_refused_before_it_is_read() {
    let text = format!("version: 1\nname: w\n# {}\n", "x".repeat(50_000_000));
    assert_eq!(codes(&text), ["file-too-large"]);
}

#[test]
fn ten_thousand_tasks_are_read_and_more_are_refused() {
    let file = |tasks: usize| {
        let mut text = "version: 1\nname: w\ntasks:\n  t0: { role: r }\n".to_owned();
        for task in 1..tasks {
            let last = task - 1;
            writeln!(text, "  t{task}: {{ role: r, needs: t{last}, when: \"${{{{ tasks.t0.status == 'completed' }}}}\" }}").unwrap();
        }
        text
    };
    assert_eq!(parse_good(&file(10_000)).plan().waves().len(), 10_000);
    assert_eq!(codes(&file(10_001)), ["too-many-tasks"]);
}

#[test]
fn deep_and_wide_files_end() {
    for text in [
        "[".repeat(1_000_000),
        "{".repeat(1_000_000),
        "{a: ".repeat(100_000),
        "- ".repeat(1_000_000),
        "a:\n ".repeat(100_000),
        "? ".repeat(100_000),
        "&a ".repeat(100_000),
        "!".repeat(1_000_000),
        "\"".repeat(100_001),
        "|".repeat(100_000),
        format!(
            "version: 1\nname: w\ntasks: {{ a: {{ role: r, input: \"{}\" }} }}",
            "${{ ".repeat(10_000)
        ),
        format!(
            "version: 1\nname: w\ntasks: {{ a: {{ role: r, when: \"{}1\" }} }}",
            "(".repeat(8_000)
        ),
    ] {
        assert!(parse(&text).is_err());
    }
}

#[test]
fn what_is_no_text_is_refused() {
    let errors = WorkflowFile::parse_bytes("w", b"version: 1\nname: \xff\n", &NoFiles).unwrap_err();
    assert_eq!(
        (errors[0].code, errors[0].span.line, errors[0].span.column),
        ("no-text", 2, 7)
    );
    assert!(WorkflowFile::parse_bytes("w", b"\x7fELF\x02\x01\x01\0\0", &NoFiles).is_err());
    assert!(WorkflowFile::parse_bytes("w", b"\0asm\x01\0\0\0", &NoFiles).is_err());
    assert!(WorkflowFile::parse_bytes("w", &[0; 64], &NoFiles).is_err());
    assert!(MAX_FILE_SIZE > ByteSize::mib(1));
}

// Checks against a host.

fn agent(name: &str, roles: &[&str], mounts: &[&str]) -> Arc<AgentProfile> {
    Arc::new(AgentProfile {
        name: AgentName::new(name).unwrap(),
        version: "1.0.0".into(),
        summary: "".into(),
        roles: roles.iter().map(|role| Role::new(role).unwrap()).collect(),
        hash: ContentHash::from_bytes([0; 32]),
        instances: 1,
        mounts: mounts
            .iter()
            .map(|mount| MountGrant {
                name: MountName::new(mount).unwrap(),
                access: MountAccess::ReadOnly,
            })
            .collect(),
    })
}

#[test]
fn a_host_that_cannot_run_it_is_told_why() {
    let text = r#"version: 1
name: host
defaults: { budget: { fuel: 100G } }
tasks:
  a: { role: reviwer }
  b: { role: astronaut }
  c: { role: reviewer, agent: strct, fallback: [tester, gone] }
  d: { role: tester, mounts: [src, out], timeout: 2h }
  e: { role: reviewer, mounts: [src] }
  f: { require: all, needs: [e] }
"#;
    let file = parse_good(text);
    let ceiling = Budgets {
        fuel: "50G".parse().unwrap(),
        ..Budgets::default()
    };
    let given = BTreeSet::from([MountName::new("src").unwrap()]);
    let agents = [
        agent("strict", &["reviewer"], &["docs"]),
        agent("lenient", &["reviewer"], &[]),
        agent("tester", &["tester"], &["src", "out"]),
    ];
    let facts = HostFacts {
        agents: &agents,
        ceiling: &ceiling,
        defaults: &Budgets::default(),
        mounts_given: Some(&given),
    };
    let errors = file.check_against(&facts);
    insta::assert_snapshot!("host_check", render_diagnostics("host.yaml", text, &errors));
}

#[test]
fn a_host_that_can_run_it_has_nothing_to_say() {
    let (_, text) = shipped()
        .into_iter()
        .find(|(name, _)| name == "review.yaml")
        .unwrap();
    let roles = [
        "architect",
        "security",
        "performance",
        "reviewer",
        "developer",
        "tester",
        "quality-gate",
    ];
    let agents = roles.map(|role| agent(role, &[role], &["src"]));
    let budgets = Budgets::default();
    let facts = HostFacts {
        agents: &agents,
        ceiling: &Budgets {
            time: std::time::Duration::from_secs(600),
            host_calls: 10_000_000,
            ..budgets
        },
        defaults: &budgets,
        mounts_given: None,
    };
    assert_eq!(parse_good(&text).check_against(&facts), []);
    let none = HostFacts {
        agents: &[],
        ..facts
    };
    let codes: BTreeSet<_> = parse_good(&text)
        .check_against(&none)
        .iter()
        .map(|e| e.code)
        .collect();
    assert_eq!(
        codes,
        BTreeSet::from([FailureCode::NoCapableAgent.as_str()])
    );
}

// Inputs.

fn bind(given: &[(&str, InputValue)]) -> Result<Value, Vec<String>> {
    let text = r#"
version: 1
name: inputs
inputs:
  path: { type: string }
  level: { type: string, enum: [low, high], default: low }
  count: { type: integer, default: 3 }
  ratio: { type: number, default: 0.5 }
  strict: { type: boolean, default: false }
  files: { type: array, default: [] }
  more: { type: object, default: {} }
tasks: { a: { role: r } }
"#;
    let given = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    parse_good(text)
        .plan()
        .workflow()
        .bind_inputs(given)
        .map(|json| json.to_value())
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn text(text: &str) -> InputValue {
    InputValue::Text(text.to_owned())
}

#[test]
fn inputs_are_read_as_their_type_says() {
    assert_eq!(
        bind(&[
            ("path", text("7")),
            ("count", text("-4")),
            ("ratio", text("2")),
            ("strict", text("true")),
            ("files", text(r#"["a"]"#)),
            ("more", InputValue::Json(json!({"a": 1}))),
        ]),
        Ok(json!({
            "path": "7", "level": "low", "count": -4, "ratio": 2, "strict": true,
            "files": ["a"], "more": {"a": 1},
        }))
    );
}

#[test]
fn every_wrong_input_is_told() {
    let errors = bind(&[
        ("levl", text("low")),
        ("level", text("medium")),
        ("count", text("1.5")),
        ("strict", text("yes")),
        ("files", text("a.rs")),
        ("more", InputValue::Json(json!([]))),
    ]);
    insta::assert_debug_snapshot!("wrong_inputs", errors.unwrap_err());
}

// The schema.

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&workflow_schema()).unwrap()
}

fn as_json(text: &str) -> Value {
    // The reader itself turns YAML into JSON here: a task's input keeps it.
    let indented: String = text.lines().map(|line| format!("      {line}\n")).collect();
    let wrapped = format!("version: 1\nname: w\ntasks:\n  a:\n    role: r\n    input:\n{indented}");
    let escaped = wrapped.replace("${{", "$${{");
    let file = parse_good(&escaped);
    let scope = Scope::new(&RunId::new("r").unwrap(), &Json::null(), Arc::default());
    let input = file.plan().workflow().tasks[0].input.clone().unwrap();
    input.render(&scope).unwrap().to_value()
}

#[test]
fn the_schema_takes_every_good_file() {
    let validator = validator();
    for (name, text) in shipped()
        .into_iter()
        .chain([("full".to_owned(), FULL.to_owned())])
    {
        let errors: Vec<_> = validator
            .iter_errors(&as_json(&text))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_schema_refuses_files_with_a_mistake_in_their_form() {
    let validator = validator();
    for name in [
        "for-each",
        "inputs",
        "key-case",
        "keys-later",
        "missing",
        "mounts",
        "no-tasks",
        "not-a-map",
        "numbers",
        "priority",
        "role-missing",
        "tasks-list",
        "version",
        "version-2",
        "vote",
        "budget-kinds",
        "durations",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/bad/{name}.yaml"));
        let text = fs::read_to_string(path).unwrap();
        assert!(!validator.is_valid(&as_json(&text)), "{name}");
    }
}

/// The reader takes exactly the keys of the schema: each is tried, and what
/// the reader says of a wrong key names all that it takes.
#[test]
fn the_schema_has_the_keys_that_are_read() {
    let schema = workflow_schema();
    let keys = |pointer: &str| -> BTreeSet<String> {
        let object = schema
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{pointer}"));
        object.as_object().unwrap().keys().cloned().collect()
    };
    let read = |text: &str| -> BTreeSet<String> {
        let errors = parse(text).unwrap_err();
        let unknown = errors
            .iter()
            .find(|error| error.code == "unknown-key")
            .unwrap();
        let hint = unknown.hint.as_deref().unwrap();
        hint.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    let task = |body: &str| format!("version: 1\nname: w\ntasks: {{ a: {{ role: r, {body} }} }}");
    let zz = "zzzzzzzz: 1";
    for (pointer, text) in [
        ("/properties", format!("{zz}\n")),
        (
            "/properties/defaults/properties",
            format!("defaults: {{ {zz} }}\n"),
        ),
        (
            "/$defs/input/properties",
            format!("inputs: {{ a: {{ {zz} }} }}\n"),
        ),
        ("/$defs/task/properties", task(zz)),
        (
            "/$defs/retry/properties",
            task(&format!("retry: {{ {zz} }}")),
        ),
        (
            "/$defs/budget/properties",
            task(&format!("budget: {{ {zz} }}")),
        ),
        (
            "/$defs/task/properties/on_reject/properties",
            task(&format!("on_reject: {{ {zz} }}")),
        ),
        (
            "/$defs/task/properties/for_each/oneOf/1/properties",
            task(&format!("for_each: {{ {zz} }}")),
        ),
        (
            "/$defs/task/properties/require/oneOf/1/properties",
            task(&format!("require: {{ {zz} }}")),
        ),
    ] {
        assert_eq!(keys(pointer), read(&text), "{pointer}");
    }
}

#[test]
fn the_schema_describes_every_key() {
    fn check(schema: &Value, path: &str) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (key, value) in properties {
                let described = value.get("description").is_some() || value.get("$ref").is_some();
                assert!(described, "{path}/{key}");
            }
        }
        match schema {
            Value::Object(map) => map
                .iter()
                .for_each(|(key, value)| check(value, &format!("{path}/{key}"))),
            Value::Array(items) => items.iter().for_each(|value| check(value, path)),
            _ => {}
        }
    }
    check(&workflow_schema(), "");
}

// Anything at all.

/// A good or bad file with some of its bytes taken out, doubled or replaced.
fn mangled() -> impl Strategy<Value = String> {
    let sources: Vec<String> = bad()
        .into_iter()
        .chain(shipped())
        .map(|(_, text)| text)
        .chain([FULL.to_owned()])
        .collect();
    let junk = prop::sample::select(vec![
        "", " ", "\n", ":", "- ", "{", "}", "[", "]", "\"", "'", "${{", "}}", "*", "&a ", "\t",
        "#", "|", ">", "!", "?", "0", "null", "ä", "\u{202e}", "\u{feff}", "needs", "tasks.a",
    ]);
    let edit = (any::<prop::sample::Index>(), 0..12_usize, junk);
    (
        prop::sample::select(sources),
        prop::collection::vec(edit, 1..8),
    )
        .prop_map(|(mut text, edits)| {
            for (at, length, junk) in edits {
                let chars: Vec<usize> = text
                    .char_indices()
                    .map(|(at, _)| at)
                    .chain([text.len()])
                    .collect();
                let first = at.index(chars.len());
                let last = (first + length).min(chars.len() - 1);
                text.replace_range(chars[first]..chars[last], junk);
            }
            text
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_file_makes_the_reader_panic(text in mangled()) {
        match parse(&text) {
            Ok(file) => prop_assert!(!file.plan().workflow().tasks.is_empty()),
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in &errors {
                    prop_assert!(text.get(error.span.range()).is_some(), "{error:?}");
                }
                let shown = render_diagnostics("w.yaml", &text, &errors);
                let has_bidi = shown.contains('\u{202e}');
                prop_assert!(!has_bidi);
            }
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }
}
