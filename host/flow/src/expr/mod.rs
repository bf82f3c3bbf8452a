//! Expressions: how a workflow reads its inputs and what its tasks gave.
//!
//! They are minijinja's. What a data-driven program should not meet is off:
//! undefined names are errors, nothing is escaped, and there is a bound on
//! each of an expression's length, its instructions, the lists it walks and
//! the text it gives.

mod environment;
mod error;
mod lexer;
mod reference;
mod render;
mod result;
mod scope;
mod template;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::ValueKind;

pub use environment::{EXPRESSION_FUEL, MAX_ITEMS};
pub use error::{ExprError, ExprSyntax};
pub use render::{MAX_RENDERED, item_json};
pub use result::TaskResults;
pub use scope::{ROOTS, Scope};
pub use template::{Template, TemplateSyntax};
pub(crate) use template::{TemplateNode, TextPart, text_node};

use crate::suggest;
use environment::{FILTERS, MORE_FILTERS, TESTS, environment};
use lexer::{Token, TokenKind, tokens};
use reference::{Reference, Step, is_filter, is_test, references};
use render::RenderError;

/// The longest expression, in bytes.
pub const MAX_EXPRESSION_LEN: usize = 8 << 10;

/// How often an expression may use `+`, `~` or `*`, each of which can double
/// what it is given.
const MAX_GROWTH: usize = 64;

/// How many tokens an expression may have. The compiler walks a chain of
/// operators or filters with a stack frame each.
const MAX_TOKENS: usize = 1_000;

/// How often an expression may use `-`, `not` and `**`, which the compiler
/// reads with many stack frames each.
const MAX_PREFIXES: usize = 32;

/// A compiled expression. Cloning is cheap.
///
/// ```
/// # use std::sync::Arc;
/// use ringfence_flow::{Expression, Json, RunId, Scope, TaskResults};
/// let urgent = Expression::parse("inputs.severity in ['high', 'critical']")?;
/// let inputs = Json::parse(r#"{"severity": "high"}"#)?;
/// let scope = Scope::new(&RunId::new("r1")?, &inputs, Arc::new(TaskResults::default()));
/// assert!(urgent.eval_bool(&scope)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Expression {
    compiled: Arc<Compiled>,
}

struct Compiled {
    text: Arc<str>,
    code: minijinja::Expression<'static, 'static>,
    references: Vec<Reference>,
}

/// A name at the root of an expression, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The name, for example `tasks`.
    pub name: String,
    /// The step after it, for example the name of the task; `None` where it
    /// is computed or absent.
    pub field: Option<String>,
    /// The steps after that which are known.
    pub rest: Vec<String>,
    /// The bytes of the expression that it takes.
    pub range: Range<usize>,
}

impl Expression {
    /// Compiles `text`, which has no `${{ }}` around it.
    ///
    /// # Errors
    /// [`ExprSyntax`] says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, ExprSyntax> {
        let shared: Arc<str> = text.into();
        let refuse = |range: Range<usize>, reason: String, hint: Option<String>| ExprSyntax {
            text: shared.clone(),
            range,
            reason,
            hint,
        };
        if text.trim().is_empty() {
            let hint = Some("write for example `${{ inputs.name }}`".to_owned());
            return Err(refuse(0..text.len(), "it is empty".to_owned(), hint));
        }
        if text.len() > MAX_EXPRESSION_LEN {
            let reason = format!(
                "it has {} bytes, at most {MAX_EXPRESSION_LEN} are allowed",
                text.len()
            );
            return Err(refuse(0..text.len(), reason, None));
        }
        let found = tokens(text);
        check_vocabulary(&found).map_err(|wrong| refuse(wrong.range, wrong.reason, wrong.hint))?;
        let code = environment()
            .compile_expression_owned(text.to_owned())
            .map_err(|error| {
                let range = error
                    .range()
                    .filter(|range| text.get(range.clone()).is_some());
                refuse(range.unwrap_or(0..text.len()), error::reason(&error), None)
            })?;
        let references = references(&found);
        Ok(Self {
            compiled: Arc::new(Compiled {
                text: shared,
                code,
                references,
            }),
        })
    }

    /// The expression, without `${{ }}`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.compiled.text
    }

    /// The value.
    ///
    /// # Errors
    /// [`ExprError`] if a name is not there, an operation does not fit its
    /// operands, or a bound is reached.
    pub fn eval(&self, scope: &Scope) -> Result<Value, ExprError> {
        let value = self
            .compiled
            .code
            .eval(scope.context().clone())
            .map_err(|error| self.explain(&error, scope))?;
        if value.is_undefined() {
            let undefined = minijinja::Error::from(minijinja::ErrorKind::UndefinedError);
            return Err(self.explain(&undefined, scope));
        }
        Ok(value)
    }

    /// The value, which has to be true or false.
    ///
    /// # Errors
    /// [`ExprError`] also for any other value: `"false"` and `[]` are too
    /// easily taken for what they are not.
    pub fn eval_bool(&self, scope: &Scope) -> Result<bool, ExprError> {
        let value = self.eval(scope)?;
        let hint = match value.kind() {
            ValueKind::Bool => return Ok(value.is_true()),
            ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => "add `| length > 0`",
            ValueKind::Number => "compare it, for example with `> 0`",
            ValueKind::String => "compare it, for example with `== \"yes\"`",
            _ => "compare it with something",
        };
        let reason = format!("{} is neither true nor false", article(value.kind()));
        Err(self.fail(0, reason, Some(hint.to_owned())))
    }

    /// The items of the value, which has to be a list of at most
    /// [`MAX_ITEMS`] items.
    ///
    /// # Errors
    /// [`ExprError`] also for any other value.
    pub fn eval_list(&self, scope: &Scope) -> Result<Vec<Value>, ExprError> {
        let value = self.eval(scope)?;
        let hint = match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => None,
            ValueKind::Map => Some("add `| items` for a list of its keys and values"),
            ValueKind::String => Some("add `| split(\",\")` or `| lines`"),
            ValueKind::None => Some("add `or []` if there may be none"),
            _ => Some("put it in brackets for a list of one"),
        };
        if let Some(hint) = hint {
            let reason = format!("{} is no list", article(value.kind()));
            return Err(self.fail(0, reason, Some(hint.to_owned())));
        }
        let too_many = || {
            let reason = format!("the list has more than {MAX_ITEMS} items");
            self.fail(0, reason, Some("work on fewer, larger items".to_owned()))
        };
        if value.len().is_some_and(|items| items > MAX_ITEMS) {
            return Err(too_many());
        }
        let iter = value
            .try_iter()
            .map_err(|error| self.explain(&error, scope))?;
        let items = iter
            .checked()
            .take(MAX_ITEMS + 1)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| self.explain(&error, scope))?;
        if items.len() > MAX_ITEMS {
            return Err(too_many());
        }
        Ok(items)
    }

    /// The tasks `x` of which it reads `tasks.x`.
    #[must_use]
    pub fn tasks(&self) -> BTreeSet<String> {
        self.roots()
            .filter(|root| root.name == "tasks")
            .filter_map(|root| root.field)
            .collect()
    }

    /// The names that it reads, each time it reads them.
    pub fn roots(&self) -> impl Iterator<Item = Root> + '_ {
        self.compiled.references.iter().map(|reference| {
            let mut fields = reference.steps.iter().map_while(|step| match step {
                Step::Field(name) => Some(name.clone()),
                Step::Index(_) => None,
            });
            Root {
                name: reference.root.clone(),
                field: fields.next(),
                rest: fields.collect(),
                range: reference.range.clone(),
            }
        })
    }

    fn fail(&self, at: usize, reason: String, hint: Option<String>) -> ExprError {
        ExprError::at(&self.compiled.text, at, reason, hint)
    }

    fn fail_render(&self, error: &RenderError) -> ExprError {
        self.fail(0, error.to_string(), None)
    }

    /// The error with the name that is missing, if one is, and those there are.
    fn explain(&self, error: &minijinja::Error, scope: &Scope) -> ExprError {
        // A filter that is given nothing says so in words only.
        let is_missing = error.kind() == minijinja::ErrorKind::UndefinedError
            || error
                .detail()
                .is_some_and(|detail| detail.contains("undefined"));
        if is_missing {
            let missing = self
                .compiled
                .references
                .iter()
                .find_map(|reference| missing_step(reference, scope.context()));
            if let Some((at, reason, hint)) = missing {
                return self.fail(at, reason, hint);
            }
        }
        let at = error.range().map_or(0, |range| range.start);
        let hint =
            is_missing.then(|| "add `| default(...)` where a value may be missing".to_owned());
        self.fail(at, error::reason(error), hint)
    }
}

/// Follows a reference: where it leads to nothing, what is missing and what
/// there is instead.
fn missing_step(reference: &Reference, context: &Value) -> Option<(usize, String, Option<String>)> {
    let root = Step::Field(reference.root.clone());
    let (mut value, mut path) = (context.clone(), String::new());
    for step in std::iter::once(&root).chain(&reference.steps) {
        let (next, name) = match step {
            Step::Field(name) => (value.get_attr(name).ok()?, name.clone()),
            Step::Index(index) => (
                value.get_item(&Value::from(*index)).ok()?,
                index.to_string(),
            ),
        };
        if !next.is_undefined() {
            value = next;
            path = if path.is_empty() {
                name
            } else {
                format!("{path}.{name}")
            };
            continue;
        }
        let reason = match (path.as_str(), step) {
            ("", _) => format!("`{name}` is not there"),
            (path, Step::Field(_)) => format!("`{path}` has no `{name}`"),
            (path, Step::Index(_)) => format!("`{path}` has no item {name}"),
        };
        return Some((reference.range.start, reason, known_names(&value, &name)));
    }
    None
}

/// The nearest of the names that `value` has, or all if there are few.
fn known_names(value: &Value, missing: &str) -> Option<String> {
    if value.kind() != ValueKind::Map {
        return Some(match value.len() {
            Some(items) if value.kind() != ValueKind::String => format!("it has {items} items"),
            _ => format!("it is {}", article(value.kind())),
        });
    }
    let names: Vec<String> = value
        .try_iter()
        .ok()?
        .take(1_000)
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    match suggest::nearest(missing, names.iter().map(String::as_str)) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if names.is_empty() => Some("it is empty".to_owned()),
        None => Some(format!(
            "it has {}",
            suggest::list(names.iter().map(String::as_str), 8)
        )),
    }
}

/// A kind of value with its article.
fn article(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Undefined => "an undefined value",
        ValueKind::None => "`null`",
        ValueKind::Bool => "a boolean",
        ValueKind::Number => "a number",
        ValueKind::String => "a text",
        ValueKind::Bytes => "a byte string",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "a map",
        _ => "this value",
    }
}

struct Wrong {
    range: Range<usize>,
    reason: String,
    hint: Option<String>,
}

/// Refuses filters, tests, functions and methods that there are not, and
/// operators that only multiply data.
fn check_vocabulary(tokens: &[Token<'_>]) -> Result<(), Wrong> {
    for (at, token) in tokens.iter().enumerate() {
        let called = tokens.get(at + 1).is_some_and(|next| next.is_mark("("));
        let after_dot = at > 0 && tokens[at - 1].is_mark(".");
        let TokenKind::Name(name) = token.kind else {
            continue;
        };
        let (reason, hint) = if is_filter(tokens, at) {
            let filters = || FILTERS.into_iter().chain(MORE_FILTERS);
            if filters().any(|filter| filter == name) {
                continue;
            }
            let near = suggest::nearest(name, filters());
            let all = || format!("there are {}", suggest::list(filters(), 64));
            (
                format!("there is no filter `{name}`"),
                near.map_or_else(all, |near| format!("did you mean `{near}`?")),
            )
        } else if is_test(tokens, at) {
            if TESTS.contains(&name) {
                continue;
            }
            let near = suggest::nearest(name, TESTS);
            let all = || format!("there are {}", suggest::list(TESTS, 64));
            (
                format!("there is no test `{name}`"),
                near.map_or_else(all, |near| format!("did you mean `{near}`?")),
            )
        } else if called && after_dot {
            (
                format!("values have no methods, so `.{name}(...)` cannot be called"),
                format!("use a filter: `| {name}`"),
            )
        } else if called
            && !matches!(
                name,
                "range" | "and" | "or" | "not" | "in" | "if" | "else" | "is"
            )
        {
            let hint = if FILTERS.contains(&name) || MORE_FILTERS.contains(&name) {
                format!("`{name}` is a filter: write `value | {name}`")
            } else {
                "the only function is `range`".to_owned()
            };
            (format!("there is no function `{name}`"), hint)
        } else {
            continue;
        };
        return Err(Wrong {
            range: token.range.clone(),
            reason,
            hint: Some(hint),
        });
    }
    check_depth(tokens)?;
    check_growth(tokens)
}

/// Refuses an expression that the compiler could not read with a small stack.
fn check_depth(tokens: &[Token<'_>]) -> Result<(), Wrong> {
    let is_prefix = |token: &&Token<'_>| {
        matches!(
            token.kind,
            TokenKind::Mark("-" | "**") | TokenKind::Name("not")
        )
    };
    let (token, reason) = match (
        tokens.get(MAX_TOKENS),
        tokens.iter().filter(is_prefix).nth(MAX_PREFIXES),
    ) {
        (Some(token), _) => (
            token,
            format!("it has more than {MAX_TOKENS} names, numbers and operators"),
        ),
        (None, Some(token)) => (
            token,
            format!("more than {MAX_PREFIXES} of `-`, `not` and `**`"),
        ),
        (None, None) => return Ok(()),
    };
    Err(Wrong {
        range: token.range.clone(),
        reason,
        hint: Some("let a task work it out".to_owned()),
    })
}

/// Refuses an expression that repeats texts or lists, or grows one often.
fn check_growth(tokens: &[Token<'_>]) -> Result<(), Wrong> {
    let growing = tokens
        .iter()
        .filter(|token| matches!(token.kind, TokenKind::Mark("+" | "~" | "*")));
    if let Some(token) = growing.clone().nth(MAX_GROWTH) {
        return Err(Wrong {
            range: token.range.clone(),
            reason: format!("more than {MAX_GROWTH} of `+`, `~` and `*`"),
            hint: Some("use `join`".to_owned()),
        });
    }
    for (at, token) in tokens.iter().enumerate() {
        let is_literal = |at: Option<usize>| {
            at.and_then(|at| tokens.get(at)).is_some_and(|token| {
                matches!(token.kind, TokenKind::Text(_) | TokenKind::Mark("["))
            })
        };
        let repeats = is_literal(at.checked_sub(1))
            || is_literal(Some(at + 1))
            || (at > 0 && tokens[at - 1].is_mark("]") && closes_list(tokens, at - 1))
            || (at > 0 && tokens[at - 1].is_mark(")") && group_has_list(tokens, at - 1));
        if token.is_mark("*") && repeats {
            return Err(Wrong {
                range: token.range.clone(),
                reason: "`*` multiplies numbers; it does not repeat texts or lists".to_owned(),
                hint: None,
            });
        }
    }
    Ok(())
}

/// The bracket that `tokens[close]` closes.
fn opening(tokens: &[Token<'_>], close: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for at in (0..=close).rev() {
        match tokens[at].kind {
            TokenKind::Mark(")" | "]" | "}") => depth += 1,
            TokenKind::Mark("(" | "[" | "{") => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Whether the `[` at `open` starts a list rather than a subscript.
fn starts_list(tokens: &[Token<'_>], open: usize) -> bool {
    !open.checked_sub(1).is_some_and(|before| {
        matches!(
            tokens[before].kind,
            TokenKind::Mark(")" | "]" | "}") | TokenKind::Text(_)
        ) || matches!(tokens[before].kind, TokenKind::Name(name)
                if !matches!(name, "and" | "or" | "not" | "in" | "if" | "else" | "is"))
    })
}

fn closes_list(tokens: &[Token<'_>], close: usize) -> bool {
    opening(tokens, close).is_some_and(|open| starts_list(tokens, open))
}

fn group_has_list(tokens: &[Token<'_>], close: usize) -> bool {
    opening(tokens, close).is_some_and(|open| {
        (open + 1..close).any(|at| tokens[at].is_mark("[") && starts_list(tokens, at))
    })
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Expression {}

#[cfg(test)]
mod tests;
