//! The pages under docs/ say what the code does: their tables and diagrams are
//! made from it. `RINGFENCE_UPDATE_DOCS=1` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fmt::Write;
use std::fs;

use ringfence::flow::{
    FailureCode, MAX_ID_LEN, Priority, Retry, TaskState, TaskStatus, WorkflowFile, WorkflowSource,
    event_schema, graph, show_duration, workflow_schema,
};
use serde_json::Value;
use support::{root, run};

const BEGIN: &str = "<!-- generated: ";
const END: &str = "<!-- end -->";

/// What belongs between the markers of a section.
fn generated(name: &str) -> String {
    match name.split_once(' ') {
        Some(("diagram", pattern)) => {
            let file = pattern_file(pattern);
            format!(
                "```mermaid\n{}\n```",
                graph::mermaid(file.plan()).trim_end()
            )
        }
        Some(("file", pattern)) => {
            let body = pattern_text(pattern)
                .lines()
                .skip_while(|line| line.starts_with('#'))
                .fold(String::new(), |text, line| text + line + "\n");
            format!("```yaml\n{}\n```", body.trim())
        }
        _ => match name {
            "task-fields" => fields(&schema("/$defs/task/properties")),
            "workflow-fields" => fields(&schema("/properties")),
            "retry-fields" => fields(&schema("/$defs/retry/properties")),
            "identifiers" => identifiers(),
            "priorities" => priorities(),
            "event-kinds" => event_kinds(),
            "event-types" => event_types(),
            "failure-codes" => failure_codes(),
            "states" => states(),
            "statuses" => statuses(),
            "standard-agents" => standard_agents(),
            other => panic!("nothing is called `{other}`"),
        },
    }
}

fn pattern_text(name: &str) -> String {
    fs::read_to_string(root().join(format!("workflows/patterns/{name}.yaml"))).unwrap()
}

struct Patterns;

impl WorkflowSource for Patterns {
    fn read(&self, _from: &str, path: &str) -> Result<ringfence::flow::SourceFile, String> {
        Ok(ringfence::flow::SourceFile {
            name: path.to_owned(),
            text: pattern_text(path.trim_end_matches(".yaml")),
        })
    }
}

fn pattern_file(name: &str) -> WorkflowFile {
    WorkflowFile::parse_with(name, &pattern_text(name), &Patterns).unwrap()
}

fn schema(pointer: &str) -> Value {
    workflow_schema().pointer(pointer).unwrap().clone()
}

/// A table of the keys of a map: what a description says after its first
/// sentence that starts with `Default` is the default.
fn fields(properties: &Value) -> String {
    let mut table = "| key | what it says |\n|---|---|\n".to_owned();
    for (key, property) in properties.as_object().unwrap() {
        let property = match property.get("$ref") {
            Some(name) => schema(name.as_str().unwrap().trim_start_matches('#')),
            None => property.clone(),
        };
        let description = match property["description"].as_str() {
            Some(text) => text.to_owned(),
            None => panic!("`{key}` says nothing of itself"),
        };
        let words = words_of(&property);
        writeln!(
            table,
            "| `{key}` | {}{words} |",
            description.replace('|', "\\|")
        )
        .unwrap();
    }
    table.trim_end().to_owned()
}

/// The words that a key takes, if it takes no others.
fn words_of(property: &Value) -> String {
    let words = property["enum"].as_array().into_iter().flatten();
    let words: Vec<_> = words
        .filter_map(Value::as_str)
        .map(|word| format!("`{word}`"))
        .collect();
    match words.as_slice() {
        [] => String::new(),
        words => format!(" One of {}.", words.join(", ")),
    }
}

/// The kinds of events, each with its fields.
fn event_kinds() -> String {
    let schema = event_schema();
    let kinds = schema["$defs"]["RunEventKind"]["oneOf"].as_array().unwrap();
    let mut text = "| `type` | when | fields |\n|---|---|---|\n".to_owned();
    for kind in kinds {
        let properties = kind["properties"].as_object().unwrap();
        let name = properties["type"]["const"].as_str().unwrap();
        let fields: Vec<_> = properties
            .iter()
            .filter(|(name, _)| *name != "type")
            .map(|(name, field)| format!("`{name}`{}", typed(field)))
            .collect();
        let when = said(kind);
        writeln!(text, "| `{name}` | {when} | {} |", fields.join(", ")).unwrap();
    }
    text.trim_end().to_owned()
}

/// The types that fields of events have.
fn event_types() -> String {
    let schema = event_schema();
    let mut text = "| type | what it is | fields or words |\n|---|---|---|\n".to_owned();
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        if name == "RunEventKind" {
            continue;
        }
        let fields = definition["properties"].as_object().into_iter().flatten();
        let fields = fields.map(|(name, field)| format!("`{name}`{}", typed(field)));
        let choices = definition["oneOf"].as_array().into_iter().flatten();
        let words = choices.filter_map(|choice| {
            let word = choice
                .get("const")
                .or(choice["properties"]["state"].get("const"));
            let object = || choice["properties"].as_object()?.keys().next().cloned();
            let word = word.and_then(Value::as_str).map(str::to_owned);
            Some(format!("`{}`", word.or_else(object)?))
        });
        let parts: Vec<_> = fields.chain(words).collect();
        let what = said(definition);
        writeln!(text, "| {name} | {what} | {} |", parts.join(", ")).unwrap();
    }
    text.trim_end().to_owned()
}

/// What a schema says of itself, in one line.
fn said(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    // An example is for readers of the code.
    let text = text.split("\n```").next().unwrap();
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

/// The name of a field's type, where it has one.
fn typed(field: &Value) -> String {
    let of = |field: &Value| Some(field["$ref"].as_str()?.rsplit('/').next()?.to_owned());
    let choices = field["anyOf"].as_array().into_iter().flatten();
    match of(field).or_else(|| choices.filter_map(of).next()) {
        Some(name) => format!(" ({name})"),
        None => match of(&field["items"]) {
            Some(name) => format!(" (list of {name})"),
            None => String::new(),
        },
    }
}

fn identifiers() -> String {
    let name = schema("/properties/name");
    format!(
        "at most {MAX_ID_LEN} bytes of lower-case letters, digits, `-` and `_`, a letter first (`{}`).",
        name["pattern"].as_str().unwrap()
    )
}

fn priorities() -> String {
    let mut table = "| priority | head start |\n|---|---|\n".to_owned();
    for priority in Priority::ALL {
        let start = match priority {
            Priority::Emergency => "before all others".to_owned(),
            other => show_duration(other.head_start()),
        };
        let default = if priority == Priority::default() {
            " (default)"
        } else {
            ""
        };
        writeln!(table, "| `{priority}`{default} | {start} |").unwrap();
    }
    table.trim_end().to_owned()
}

fn failure_codes() -> String {
    let mut table =
        "| code | retried | counts for the breaker | fallback |\n|---|---|---|---|\n".to_owned();
    for code in FailureCode::ALL {
        let retry = match code.retry() {
            Retry::AfterBackoff => "after the backoff",
            Retry::WithEscalation => "with `escalate`",
            Retry::Never if code == FailureCode::InvalidOutput => "where `on` names it",
            Retry::Never => "no",
        };
        let yes = |yes| if yes { "yes" } else { "no" };
        let (breaker, fallback) = (yes(code.counts_for_breaker()), yes(code.allows_fallback()));
        writeln!(table, "| `{code}` | {retry} | {breaker} | {fallback} |").unwrap();
    }
    table.trim_end().to_owned()
}

fn states() -> String {
    let (waiting, running) = (TaskState::Waiting.as_str(), TaskState::Running.as_str());
    let mut text = format!(
        "```mermaid\nstateDiagram-v2\n    [*] --> {waiting}\n    {waiting} --> {running}: it starts\n"
    );
    for status in TaskStatus::ALL {
        let from = match status {
            TaskStatus::Skipped => waiting,
            TaskStatus::Completed
            | TaskStatus::Rejected
            | TaskStatus::Failed
            | TaskStatus::Cancelled => running,
        };
        writeln!(text, "    {from} --> {status}").unwrap();
    }
    writeln!(
        text,
        "    {waiting} --> {}: the run stops",
        TaskStatus::Cancelled
    )
    .unwrap();
    writeln!(
        text,
        "    {} --> {waiting}: a gate sends it back\n```",
        TaskStatus::Completed
    )
    .unwrap();
    text.trim_end().to_owned()
}

fn statuses() -> String {
    let mut table = "| status | meaning | dependents |\n|---|---|---|\n".to_owned();
    for status in TaskStatus::ALL {
        let (meaning, dependents) = match status {
            TaskStatus::Completed => ("it gave an output; a gate approved", "run"),
            TaskStatus::Rejected => (
                "a gate rejected, and no round was left",
                "run if a vote counts it or `on_failure` lets the run go on",
            ),
            TaskStatus::Failed => ("every retry and fallback was spent", "as `on_failure` says"),
            TaskStatus::Skipped => (
                "`when` was false, or something it needs was skipped for good",
                "run after `when`, else they are skipped, too",
            ),
            TaskStatus::Cancelled => ("the run stopped first", "are cancelled, too"),
        };
        writeln!(table, "| `{status}` | {meaning} | {dependents} |").unwrap();
    }
    table.trim_end().to_owned()
}

fn standard_agents() -> String {
    let listed = run(&root(), &["agents", "list", "--format", "json"])
        .expect(0)
        .json();
    let mut table = "| agent | roles | what it does |\n|---|---|---|\n".to_owned();
    for agent in listed["agents"].as_array().unwrap() {
        let profile = &agent["profile"];
        let roles: Vec<_> = profile["roles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| format!("`{}`", r.as_str().unwrap()))
            .collect();
        let (name, summary) = (
            profile["name"].as_str().unwrap(),
            profile["summary"].as_str().unwrap(),
        );
        writeln!(table, "| `{name}` | {} | {summary} |", roles.join(", ")).unwrap();
    }
    table.trim_end().to_owned()
}

/// The page with all generated sections made anew.
fn made_anew(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, after) = after.split_once(" -->").unwrap();
        let (_, after) = after
            .split_once(END)
            .unwrap_or_else(|| panic!("`{name}` has no end"));
        write!(
            text,
            "{before}{BEGIN}{name} -->\n{}\n{END}",
            generated(name)
        )
        .unwrap();
        rest = after;
    }
    text + rest
}

#[test]
fn what_is_made_from_the_code_is_fresh() {
    for page in ["patterns.md", "tasks.md", "agents.md", "events.md"] {
        let path = root().join("docs").join(page);
        let text = fs::read_to_string(&path).unwrap();
        let fresh = made_anew(&text);
        if std::env::var_os("RINGFENCE_UPDATE_DOCS").is_some() {
            fs::write(&path, fresh).unwrap();
        } else {
            assert!(
                text == fresh,
                "docs/{page} is stale: run with RINGFENCE_UPDATE_DOCS=1"
            );
        }
    }
}

#[test]
fn every_pattern_has_its_place() {
    let page = fs::read_to_string(root().join("docs/patterns.md")).unwrap();
    for entry in fs::read_dir(root().join("workflows/patterns")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(page.contains(&format!("{BEGIN}file {name} -->")), "{name}");
    }
}

/// The rules that a page lists below a heading.
fn listed_rules<'a>(page: &'a str, agent: &str) -> Vec<&'a str> {
    let section = page.split_once(&format!("\n## {agent}\n")).unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let rules = section.split('`').skip(1).step_by(2);
    rules
        .filter(|word| {
            word.contains('-') && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        })
        .collect()
}

/// All sources of an agent as one text.
fn sources(agent: &str) -> String {
    let mut folders = vec![root().join("plugins").join(agent).join("src")];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => text += &fs::read_to_string(path).unwrap(),
            }
        }
    }
    text
}

#[test]
fn each_rule_that_is_listed_is_one_of_the_agents() {
    let page = fs::read_to_string(root().join("docs/agents.md")).unwrap();
    for (agent, count) in [
        ("tester", 5),
        ("reviewer", 10),
        ("security", 18),
        ("performance", 17),
    ] {
        let (rules, sources) = (listed_rules(&page, agent), sources(agent));
        assert_eq!(rules.len(), count, "{agent}: {rules:?}");
        for rule in rules {
            assert!(
                sources.contains(&format!("\"{rule}\"")),
                "{agent} has no rule `{rule}`"
            );
        }
    }
}

#[test]
fn each_rule_that_is_found_is_listed() {
    let page = fs::read_to_string(root().join("docs/agents.md")).unwrap();
    for agent in ["reviewer", "security", "performance"] {
        let mount = "src=host/cli/fixtures/faulty";
        let called = run(
            &root(),
            &[
                "agents", "call", agent, "--mount", mount, "--format", "json",
            ],
        );
        let rules = listed_rules(&page, agent);
        let mut found = Vec::new();
        collect_rules(&called.expect(0).json(), &mut found);
        assert!(!found.is_empty(), "{agent} finds what was planted");
        for rule in &found {
            let rule = rule.as_str();
            assert!(rules.contains(&rule), "{agent} finds `{rule}`");
        }
    }
}

/// The rules of all findings in a document.
fn collect_rules(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let (Some(Value::String(rule)), true) =
                (fields.get("rule"), fields.contains_key("severity"))
            {
                found.push(rule.clone());
            }
            fields
                .values()
                .for_each(|value| collect_rules(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_rules(value, found)),
        _ => {}
    }
}
