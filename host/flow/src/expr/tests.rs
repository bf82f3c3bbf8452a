use super::render::to_json;
use super::*;
use crate::{Finding, Json, Output, RunId, Severity, TaskId, TaskStatus};
use serde_json::json;

fn scope() -> Scope {
    let mut results = TaskResults::default();
    let output = Output {
        value: json!({"shards": [{"files": ["a.rs"]}, {"files": ["b.rs", "c.rs"]}], "n": 2, "none": null}).into(),
        findings: [Finding {
            rule: "unwrap".into(),
            severity: Severity::Low,
            message: "m".into(),
            location: None,
            fix: None,
        }]
        .into(),
        ..Output::default()
    };
    results.insert(
        TaskId::new("survey").unwrap(),
        TaskStatus::Completed,
        output,
    );
    results.insert(
        TaskId::new("quality-gate").unwrap(),
        TaskStatus::Failed,
        Output::default(),
    );
    let inputs = json!({"fail_at": "high", "list": [1, 2, 3]}).into();
    Scope::new(&RunId::new("r1").unwrap(), &inputs, Arc::new(results))
}

fn eval(text: &str) -> Result<Json, ExprError> {
    let expression = Expression::parse(text).unwrap();
    let value = expression.eval(&scope())?;
    to_json(&value).map_err(|error| expression.fail_render(&error))
}

#[track_caller]
fn gives(text: &str, expected: impl Into<serde_json::Value>) {
    assert_eq!(eval(text).unwrap().to_value(), expected.into(), "{text}");
}

#[track_caller]
fn fails(text: &str, message: &str) {
    assert_eq!(eval(text).unwrap_err().to_string(), message);
}

#[test]
fn expressions_see_inputs_tasks_and_the_run() {
    gives("inputs.fail_at", json!("high"));
    gives(
        "tasks.survey.output.shards[1].files",
        json!(["b.rs", "c.rs"]),
    );
    gives("tasks.survey.findings | length > 0", json!(true));
    gives("tasks.survey.findings[0].severity", json!("low"));
    gives("tasks['quality-gate'].status", json!("failed"));
    gives("tasks['quality-gate'].output", json!(null));
    gives("run.id", json!("r1"));
}

#[test]
fn expressions_see_the_item() {
    let scope = scope().with_item(Value::from("x"), 4);
    let value = Expression::parse("item ~ index")
        .unwrap()
        .eval(&scope)
        .unwrap();
    assert_eq!(value.as_str(), Some("x4"));
}

#[test]
fn filters_work() {
    gives("inputs.list | batch(2)", json!([[1, 2], [3]]));
    gives(
        "tasks.survey.output.shards | map(attribute='files') | flatten",
        json!(["a.rs", "b.rs", "c.rs"]),
    );
    gives("inputs.list | join('-')", json!("1-2-3"));
    gives("inputs.list | sum", json!(6));
    gives("inputs.list | select('gt', 1) | list", json!([2, 3]));
    gives("'a b' | replace(' ', '+') | upper", json!("A+B"));
    gives("inputs.missing | default(7)", json!(7));
    gives("'a,b' | split(',')", json!(["a", "b"]));
    gives("{'a': [1]} | tojson", json!("{\"a\":[1]}"));
    gives("inputs.list | sort(reverse=true) | first", json!(3));
    gives("1 in inputs.list and 5 is odd", json!(true));
}

#[test]
fn every_filter_and_test_in_the_lists_is_there() {
    for filter in FILTERS.into_iter().chain(MORE_FILTERS) {
        let error = Expression::parse(&format!("inputs | {filter}"))
            .unwrap()
            .eval(&scope());
        let unknown = error.is_err_and(|error| error.reason.contains("is unknown"));
        assert!(!unknown, "{filter}");
    }
    for test in TESTS {
        let text = format!("[1] | select('{test}', 1) | list");
        let error = Expression::parse(&text).unwrap().eval(&scope());
        let unknown = error.is_err_and(|error| error.reason.contains("is unknown"));
        assert!(!unknown, "{test}");
    }
}

#[test]
fn a_missing_name_is_explained() {
    fails(
        "tasks.survey.output.shrads | length",
        "`tasks.survey.output` has no `shrads` in `tasks.survey.output.shrads | length`, line 1, column 1; hint: did you mean `shards`?",
    );
    fails(
        "1 + inputs.colour",
        "`inputs` has no `colour` in `1 + inputs.colour`, line 1, column 5; hint: it has `fail_at` and `list`",
    );
    fails(
        "item.x",
        "`item` is not there in `item.x`, line 1, column 1; hint: it has `inputs`, `tasks` and `run`",
    );
    fails(
        "inputs.list[9]",
        "`inputs.list` has no item 9 in `inputs.list[9]`, line 1, column 1; hint: it has 3 items",
    );
}

#[test]
fn only_true_and_false_are_conditions() {
    let eval = |text| Expression::parse(text).unwrap().eval_bool(&scope());
    assert_eq!(eval("inputs.fail_at == 'high'"), Ok(true));
    let error = eval("tasks.survey.findings").unwrap_err();
    assert_eq!(
        error.to_string(),
        "a list is neither true nor false in `tasks.survey.findings`, line 1, column 1; hint: add `| length > 0`"
    );
}

#[test]
fn only_lists_are_lists() {
    let eval = |text| Expression::parse(text).unwrap().eval_list(&scope());
    assert_eq!(eval("inputs.list").unwrap().len(), 3);
    assert_eq!(eval("range(4)").unwrap().len(), 4);
    assert_eq!(eval("inputs").unwrap_err().reason, "a map is no list");
    assert_eq!(
        eval("inputs.fail_at").unwrap_err().reason,
        "a text is no list"
    );
    assert_eq!(
        eval("tasks.survey.output.none").unwrap_err().reason,
        "`null` is no list"
    );
}

#[test]
fn lists_have_a_limit() {
    let list = |items: usize| {
        let inputs = json!({ "list": [0], "n": items }).into();
        let scope = Scope::new(&RunId::new("r").unwrap(), &inputs, Arc::default());
        Expression::parse("inputs.list * inputs.n")
            .unwrap()
            .eval_list(&scope)
    };
    assert_eq!(list(MAX_ITEMS).unwrap().len(), MAX_ITEMS);
    assert_eq!(
        list(MAX_ITEMS + 1).unwrap_err().reason,
        "the list has more than 1000000 items"
    );
}

#[test]
fn what_grows_without_bound_is_refused() {
    for text in [
        "'x' * 10 ** 9",
        "[0] * n",
        "([0] | list) * 9",
        "9 * [0]",
        "x * 'a'",
    ] {
        let error = Expression::parse(text).unwrap_err();
        assert_eq!(
            error.reason, "`*` multiplies numbers; it does not repeat texts or lists",
            "{text}"
        );
    }
    let inputs =
        json!({"list": [0], "text": "x", "n": 100_000, "m": 1_000, "big": "y".repeat(1 << 20)})
            .into();
    let scope = Scope::new(&RunId::new("r").unwrap(), &inputs, Arc::default());
    for text in [
        "range(10 ** 9)",
        "inputs.text * 10 ** 9",
        "inputs.list * 10 ** 15",
        "range(100000) | map('string') | join(inputs.big)",
        "(inputs.text * inputs.n) | replace('x', inputs.big)",
        "inputs.list * inputs.n * inputs.m | list",
    ] {
        let result = Expression::parse(text).and_then(|expression| {
            expression.eval(&scope).map_err(|error| ExprSyntax {
                text: error.text,
                range: 0..0,
                reason: error.reason,
                hint: error.hint,
            })
        });
        assert!(result.is_err(), "{text}");
    }
}

#[test]
fn a_value_that_is_too_large_is_not_written() {
    let template = Template::parse(&json!({"a": "${{ inputs.list * inputs.n }}"})).unwrap();
    let render = |n: usize| {
        let inputs = json!({"list": ["0123456789".repeat(1000)], "n": n}).into();
        template.render(&Scope::new(
            &RunId::new("r").unwrap(),
            &inputs,
            Arc::default(),
        ))
    };
    assert!(render(1_000).is_ok());
    let error = render(2_000).unwrap_err();
    assert_eq!(error.reason, "the value is larger than 16 MiB");
    assert_eq!(&*error.text, "inputs.list * inputs.n");
}

#[test]
fn an_expression_is_short_and_grows_little() {
    let long = |n: usize| format!("1{}", " ".repeat(n - 1));
    assert!(Expression::parse(&long(MAX_EXPRESSION_LEN)).is_ok());
    assert!(Expression::parse(&long(MAX_EXPRESSION_LEN + 1)).is_err());
    assert!(Expression::parse(&vec!["1"; MAX_GROWTH + 1].join("+")).is_ok());
    assert!(Expression::parse(&vec!["1"; MAX_GROWTH + 2].join("+")).is_err());
}

#[test]
fn mistakes_are_found_before_it_runs() {
    let reason = |text| {
        let error = Expression::parse(text).unwrap_err();
        format!(
            "{} [{}] {}",
            error.reason,
            &text[error.range],
            error.hint.unwrap_or_default()
        )
    };
    assert_eq!(
        reason("inputs.list | lenght"),
        "there is no filter `lenght` [lenght] did you mean `length`?"
    );
    assert_eq!(
        reason("index is od"),
        "there is no test `od` [od] did you mean `odd`?"
    );
    assert_eq!(
        reason("length(inputs)"),
        "there is no function `length` [length] `length` is a filter: write `value | length`"
    );
    assert_eq!(
        reason("inputs.items()"),
        "values have no methods, so `.items(...)` cannot be called [items] use a filter: `| items`"
    );
    for text in [
        "", "  ", "a b", "(", "'open", "a |", "{% x %}", "a.", "1 +", "\u{0}", "ä",
    ] {
        assert!(Expression::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let parens = |n: usize| format!("{}1{}", "(".repeat(n), ")".repeat(n));
    assert!(Expression::parse(&parens(50)).is_ok());
    assert!(Expression::parse(&parens(490)).is_err());
    let chain = |n: usize| format!("1{}", "|abs".repeat(n));
    let longest = Expression::parse(&chain((MAX_TOKENS - 1) / 2)).unwrap();
    assert!(longest.eval(&scope()).is_ok());
    assert!(Expression::parse(&chain(MAX_TOKENS / 2)).is_err());
    for prefix in ["-", "not ", "1**"] {
        let chain = |n: usize| format!("{}1", prefix.repeat(n));
        let longest = Expression::parse(&chain(MAX_PREFIXES)).unwrap();
        assert!(longest.eval(&scope()).is_ok(), "{prefix}");
        assert!(
            Expression::parse(&chain(MAX_PREFIXES + 1)).is_err(),
            "{prefix}"
        );
    }
}

#[test]
fn the_tasks_it_reads_are_known() {
    let tasks = |text| {
        Expression::parse(text)
            .unwrap()
            .tasks()
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        tasks("tasks.b.output ~ tasks['a-b'].status ~ 'tasks.c'"),
        ["a-b", "b"]
    );
    assert_eq!(tasks("item.tasks.x"), Vec::<String>::new());
}

#[test]
fn templates_fill_in() {
    let render = |value| {
        Template::parse(&value)
            .unwrap()
            .render(&scope())
            .unwrap()
            .to_value()
    };
    assert_eq!(
        render(json!({"a": "${{ inputs.list }}"})),
        json!({"a": [1, 2, 3]})
    );
    assert_eq!(
        render(json!("n=${{ inputs.list | length }}, l=${{ inputs.list }}")),
        json!("n=3, l=[1,2,3]")
    );
    assert_eq!(
        render(json!([1, true, null, "plain", {}])),
        json!([1, true, null, "plain", {}])
    );
    assert_eq!(render(json!("$${{ not }} ${{ 1 }}")), json!("${{ not }} 1"));
    assert_eq!(
        render(json!("${{ {'a': {'b': '}}'}} }}")),
        json!({"a": {"b": "}}"}})
    );
    assert_eq!(render(json!("")), json!(""));
}

#[test]
fn templates_say_where_they_are_wrong() {
    let error = Template::parse(&json!("ab ${{ x")).unwrap_err();
    assert_eq!(error, TemplateSyntax::Unclosed { range: 3..8 });
    assert_eq!(
        error.to_string(),
        "`${{` has no `}}`; hint: write `$${{` for a plain `${{`"
    );
    let TemplateSyntax::Expression { error, at } =
        Template::parse(&json!("ab ${{  x y }}")).unwrap_err()
    else {
        panic!("an expression error");
    };
    assert_eq!((at, &*error.text), (8, "x y"));
}

#[test]
fn items_are_json() {
    assert_eq!(item_json(&Value::from(vec![1, 2])).as_str(), "[1,2]");
    assert_eq!(item_json(&Value::from("a\nb")).as_str(), r#""a\nb""#);
}
