//! The language of expressions: which filters, tests and functions there are,
//! and what each may take.
//!
//! Fuel counts instructions of an expression, but a single filter can walk or
//! build any amount of data. So the list here is closed, and each filter
//! checks what it is given before it starts.

use std::sync::LazyLock;

use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, Value, filters, tests};

use super::render::{MAX_RENDERED, into_text, write_json, write_text};

/// The fuel of one evaluation, in instructions. An expression has no loops,
/// so that its length bounds the instructions: this is far above.
pub const EXPRESSION_FUEL: u64 = 100_000;

/// The most items that a list may have where an expression walks it.
pub const MAX_ITEMS: usize = 1_000_000;

/// The environment of all expressions.
pub(super) fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(build);
    &ENVIRONMENT
}

/// The filters there are, sorted.
pub(super) const FILTERS: [&str; 36] = [
    "abs",
    "batch",
    "bool",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "first",
    "flatten",
    "float",
    "groupby",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "split",
    "string",
    "sum",
    "tojson",
    "trim",
    "unique",
];

/// The filters there are besides, which differ in nothing but the case.
pub(super) const MORE_FILTERS: [&str; 2] = ["upper", "lines"];

/// The tests there are, sorted; operators are tests as well for `select`.
pub(super) const TESTS: [&str; 27] = [
    "boolean",
    "containing",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "even",
    "false",
    "float",
    "ge",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
    "sameas",
];

fn build() -> Environment<'static> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(EXPRESSION_FUEL));
    env.add_function("range", minijinja::functions::range);
    add_filters(&mut env);
    add_tests(&mut env);
    env
}

fn add_filters(env: &mut Environment<'static>) {
    let mut add = |name: &'static str, filter: Value| {
        env.add_filter(name, move |state: &mut State, args: Rest<ValueOrKwargs>| {
            let args = args.into_values();
            args.iter().try_for_each(check_size)?;
            filter.call(state, &args)
        });
    };
    add("abs", Value::from_function(filters::abs));
    add("batch", Value::from_function(batch));
    add("bool", Value::from_function(filters::bool));
    add("capitalize", Value::from_function(filters::capitalize));
    add("count", Value::from_function(filters::length));
    add("d", Value::from_function(filters::default));
    add("default", Value::from_function(filters::default));
    add("dictsort", Value::from_function(filters::dictsort));
    add("first", Value::from_function(filters::first));
    add("flatten", Value::from_function(flatten));
    add("float", Value::from_function(filters::float));
    add("groupby", Value::from_function(filters::groupby));
    add("int", Value::from_function(filters::int));
    add("items", Value::from_function(filters::items));
    add("join", Value::from_function(join));
    add("last", Value::from_function(filters::last));
    add("length", Value::from_function(filters::length));
    add("lines", Value::from_function(filters::lines));
    add("list", Value::from_function(filters::list));
    add("lower", Value::from_function(filters::lower));
    add("map", Value::from_function(filters::map));
    add("max", Value::from_function(filters::max));
    add("min", Value::from_function(filters::min));
    add("reject", Value::from_function(filters::reject));
    add("rejectattr", Value::from_function(filters::rejectattr));
    add("replace", Value::from_function(replace));
    add("reverse", Value::from_function(filters::reverse));
    add("round", Value::from_function(filters::round));
    add("select", Value::from_function(filters::select));
    add("selectattr", Value::from_function(filters::selectattr));
    add("sort", Value::from_function(filters::sort));
    add("split", Value::from_function(split));
    add("string", Value::from_function(string));
    add("sum", Value::from_function(sum));
    add("tojson", Value::from_function(tojson));
    add("trim", Value::from_function(filters::trim));
    add("unique", Value::from_function(filters::unique));
    add("upper", Value::from_function(filters::upper));
}

fn add_tests(env: &mut Environment<'static>) {
    env.add_test("boolean", tests::is_boolean);
    env.add_test("containing", |value: &Value, part: &Value| {
        part.as_str().zip(value.as_str()).map_or_else(
            || contains(value, part),
            |(part, whole)| Ok(whole.contains(part)),
        )
    });
    env.add_test("defined", tests::is_defined);
    env.add_test("divisibleby", tests::is_divisibleby);
    env.add_test("endingwith", tests::is_endingwith);
    for name in ["eq", "equalto", "=="] {
        env.add_test(name, tests::is_eq);
    }
    env.add_test("even", tests::is_even);
    env.add_test("false", tests::is_false);
    env.add_test("float", tests::is_float);
    for name in ["ge", ">="] {
        env.add_test(name, tests::is_ge);
    }
    for name in ["gt", ">"] {
        env.add_test(name, tests::is_gt);
    }
    env.add_test("in", tests::is_in);
    env.add_test("integer", tests::is_integer);
    env.add_test("iterable", tests::is_iterable);
    for name in ["le", "<="] {
        env.add_test(name, tests::is_le);
    }
    for name in ["lt", "<"] {
        env.add_test(name, tests::is_lt);
    }
    env.add_test("mapping", tests::is_mapping);
    for name in ["ne", "!="] {
        env.add_test(name, tests::is_ne);
    }
    env.add_test("none", tests::is_none);
    env.add_test("number", tests::is_number);
    env.add_test("odd", tests::is_odd);
    env.add_test("sameas", tests::is_sameas);
    env.add_test("sequence", tests::is_sequence);
    env.add_test("startingwith", tests::is_startingwith);
    env.add_test("string", tests::is_string);
    env.add_test("true", tests::is_true);
    env.add_test("undefined", tests::is_undefined);
}

fn refuse(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason.into())
}

/// Refuses what no filter should walk.
fn check_size(value: &Value) -> Result<(), Error> {
    if value.as_str().is_some_and(|text| text.len() > MAX_RENDERED) {
        return Err(too_long());
    }
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        return Ok(());
    }
    let items = match value.len() {
        Some(items) => items,
        None => value.try_iter()?.take(MAX_ITEMS + 1).count(),
    };
    if items > MAX_ITEMS {
        return Err(refuse(format!("the list has more than {MAX_ITEMS} items")));
    }
    Ok(())
}

fn too_long() -> Error {
    refuse(format!(
        "the text is longer than {} MiB",
        MAX_RENDERED >> 20
    ))
}

fn contains(list: &Value, part: &Value) -> Result<bool, Error> {
    check_size(list)?;
    Ok(list.try_iter()?.any(|item| item == *part))
}

/// The items in lists of `size`, the last one shorter.
fn batch(list: &Value, size: usize) -> Result<Value, Error> {
    if size == 0 {
        return Err(refuse("a batch has at least one item"));
    }
    let items: Vec<Value> = list.try_iter()?.checked().collect::<Result<_, _>>()?;
    Ok(items
        .chunks(size)
        .map(|chunk| Value::from(chunk.to_vec()))
        .collect::<Vec<_>>()
        .into())
}

/// The items of all lists in a list, one level deep.
fn flatten(lists: &Value) -> Result<Value, Error> {
    let mut items: Vec<Value> = Vec::new();
    for list in lists.try_iter()?.checked() {
        let list = list?;
        if !matches!(list.kind(), ValueKind::Seq | ValueKind::Iterable) {
            return Err(refuse(format!(
                "`flatten` takes a list of lists, but one is a {}",
                list.kind()
            )));
        }
        for item in list.try_iter()?.checked() {
            if items.len() == MAX_ITEMS {
                return Err(refuse(format!("the list has more than {MAX_ITEMS} items")));
            }
            items.push(item?);
        }
    }
    Ok(items.into())
}

/// The items as text with a separator between them.
#[expect(
    clippy::needless_pass_by_value,
    reason = "minijinja hands arguments over"
)]
fn join(list: &Value, separator: Option<String>, options: Kwargs) -> Result<String, Error> {
    let attribute: Option<String> = options.get("attribute")?;
    options.assert_all_used()?;
    let separator = separator.unwrap_or_default();
    let mut buffer = Vec::new();
    for (index, item) in list.try_iter()?.checked().enumerate() {
        let mut item = item?;
        if let Some(attribute) = &attribute {
            item = item.get_attr(attribute)?;
        }
        if index > 0 {
            buffer.extend_from_slice(separator.as_bytes());
        }
        write_text(&mut buffer, &item).map_err(|error| refuse(error.to_string()))?;
    }
    into_text(buffer).map_err(|error| refuse(error.to_string()))
}

/// The text with each `from` replaced by `to`.
fn replace(text: &str, from: &str, to: &str) -> Result<String, Error> {
    let found = text.matches(from).count();
    let grown = found.saturating_mul(to.len()).saturating_add(text.len());
    if grown > MAX_RENDERED {
        return Err(too_long());
    }
    Ok(text.replace(from, to))
}

/// The parts of the text between separators.
fn split(text: &str, separator: Option<&str>) -> Result<Value, Error> {
    let parts: Vec<Value> = match separator {
        None => text
            .split_whitespace()
            .take(MAX_ITEMS + 1)
            .map(Value::from)
            .collect(),
        Some("") => return Err(refuse("a separator has at least one character")),
        Some(separator) => text
            .split(separator)
            .take(MAX_ITEMS + 1)
            .map(Value::from)
            .collect(),
    };
    if parts.len() > MAX_ITEMS {
        return Err(refuse(format!("the list has more than {MAX_ITEMS} items")));
    }
    Ok(parts.into())
}

/// The value as it reads in a text.
fn string(value: &Value) -> Result<String, Error> {
    let mut buffer = Vec::new();
    write_text(&mut buffer, value).map_err(|error| refuse(error.to_string()))?;
    into_text(buffer).map_err(|error| refuse(error.to_string()))
}

/// The value as JSON.
fn tojson(value: &Value) -> Result<String, Error> {
    let mut buffer = Vec::new();
    write_json(&mut buffer, value).map_err(|error| refuse(error.to_string()))?;
    into_text(buffer).map_err(|error| refuse(error.to_string()))
}

/// The sum of the numbers in a list, or of one attribute of its items.
#[expect(
    clippy::needless_pass_by_value,
    reason = "minijinja hands arguments over"
)]
fn sum(state: &State, list: Value, options: Kwargs) -> Result<Value, Error> {
    if options.has("start") {
        return Err(refuse(
            "`sum` adds numbers and takes no `start`; use `flatten` for lists",
        ));
    }
    let attribute: Option<String> = options.get("attribute")?;
    options.assert_all_used()?;
    let none: [(String, Value); 0] = [];
    filters::sum(
        state,
        list,
        attribute.as_deref(),
        None,
        Kwargs::from_iter(none),
    )
}
