//! JSON trees with expressions in their strings.

use std::ops::Range;

use super::lexer::end_of_expression;
use super::render::{MAX_RENDERED, RenderError, into_text, write_json, write_text};
use super::{ExprError, ExprSyntax, Expression, Scope};
use crate::Json;

/// A JSON tree whose strings may hold `${{ expression }}`.
///
/// A string that is one expression and nothing else gives its value; in any
/// other, each expression is replaced by its text. `$${{` stands for `${{`.
///
/// ```
/// # use std::sync::Arc;
/// use ringfence_flow::{Json, RunId, Scope, TaskResults, Template};
/// let template = Template::parse(&serde_json::json!({
///     "limit": "${{ inputs.limit }}",
///     "title": "up to ${{ inputs.limit }}",
/// }))?;
/// let inputs = Json::parse(r#"{"limit": 3}"#)?;
/// let scope = Scope::new(&RunId::new("r1")?, &inputs, Arc::new(TaskResults::default()));
/// assert_eq!(template.render(&scope)?.as_str(), r#"{"limit":3,"title":"up to 3"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Template(pub(crate) TemplateNode);

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TemplateNode {
    /// A value without expressions.
    Constant(serde_json::Value),
    /// A string that is one expression.
    Value(Expression),
    /// A string with expressions in it.
    Text(Vec<TextPart>),
    /// A list.
    List(Vec<TemplateNode>),
    /// A map.
    Map(Vec<(String, TemplateNode)>),
}

/// A part of a string.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TextPart {
    /// Text as it stands.
    Literal(String),
    /// An expression, replaced by its text.
    Expression(Expression),
}

/// Why a string is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateSyntax {
    /// There is no `}}`.
    #[error("`${{{{` has no `}}}}`; hint: write `$${{{{` for a plain `${{{{`")]
    Unclosed {
        /// The bytes of the string from `${{` on.
        range: Range<usize>,
    },
    /// The expression is wrong.
    #[error("{error}")]
    Expression {
        /// What is wrong with it. Its range counts from its own start.
        error: ExprSyntax,
        /// The byte of the string at which the expression starts.
        at: usize,
    },
}

impl Template {
    /// Reads the expressions in all strings of `value`. Keys are no templates.
    ///
    /// # Errors
    /// The first [`TemplateSyntax`] error.
    pub fn parse(value: &serde_json::Value) -> Result<Self, TemplateSyntax> {
        node(value).map(Self)
    }

    /// The document with all expressions replaced.
    ///
    /// # Errors
    /// [`ExprError`] if one fails, or if the whole is larger than
    /// [`MAX_RENDERED`].
    pub fn render(&self, scope: &Scope) -> Result<Json, ExprError> {
        let mut buffer = Vec::new();
        let mut last = None;
        let result = self.0.render(scope, &mut buffer, &mut last);
        let blame = |error: &RenderError| match last {
            Some(expression) => Expression::fail_render(expression, error),
            None => ExprError::at(&"".into(), 0, error.to_string(), None),
        };
        match result {
            Err(Failed::Expression(error)) => Err(error),
            Err(Failed::Render(error)) => Err(blame(&error)),
            Ok(()) => into_text(buffer)
                .and_then(|text| {
                    Json::parse(&text).map_err(|error| RenderError::NoJson(error.to_string()))
                })
                .map_err(|error| blame(&error)),
        }
    }

    /// All expressions in it.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Expression> {
        let mut found = Vec::new();
        self.0.collect(&mut found);
        found
    }
}

enum Failed {
    Expression(ExprError),
    Render(RenderError),
}

impl TemplateNode {
    fn render<'a>(
        &'a self,
        scope: &Scope,
        out: &mut Vec<u8>,
        last: &mut Option<&'a Expression>,
    ) -> Result<(), Failed> {
        match self {
            Self::Constant(value) => write_json(out, value).map_err(Failed::Render),
            Self::Value(expression) => {
                *last = Some(expression);
                let value = expression.eval(scope).map_err(Failed::Expression)?;
                write_json(out, &value).map_err(Failed::Render)
            }
            Self::Text(parts) => {
                let mut text = Vec::new();
                for part in parts {
                    match part {
                        TextPart::Literal(literal) => text.extend_from_slice(literal.as_bytes()),
                        TextPart::Expression(expression) => {
                            *last = Some(expression);
                            let value = expression.eval(scope).map_err(Failed::Expression)?;
                            write_text(&mut text, &value).map_err(Failed::Render)?;
                        }
                    }
                    if text.len() > MAX_RENDERED {
                        return Err(Failed::Render(RenderError::TooLarge));
                    }
                }
                let text = into_text(text).map_err(Failed::Render)?;
                write_json(out, &text).map_err(Failed::Render)
            }
            Self::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.render(scope, out, last)?;
                }
                out.push(b']');
                Ok(())
            }
            Self::Map(entries) => {
                out.push(b'{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_json(out, key).map_err(Failed::Render)?;
                    out.push(b':');
                    value.render(scope, out, last)?;
                }
                out.push(b'}');
                Ok(())
            }
        }
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Expression>) {
        match self {
            Self::Constant(_) => {}
            Self::Value(expression) => found.push(expression),
            Self::Text(parts) => found.extend(parts.iter().filter_map(|part| match part {
                TextPart::Expression(expression) => Some(expression),
                TextPart::Literal(_) => None,
            })),
            Self::List(items) => items.iter().for_each(|item| item.collect(found)),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.collect(found)),
        }
    }
}

fn node(value: &serde_json::Value) -> Result<TemplateNode, TemplateSyntax> {
    Ok(match value {
        serde_json::Value::String(text) => text_node(text)?,
        serde_json::Value::Array(items) => {
            TemplateNode::List(items.iter().map(node).collect::<Result<_, _>>()?)
        }
        serde_json::Value::Object(entries) => TemplateNode::Map(
            entries
                .iter()
                .map(|(key, value)| Ok((key.clone(), node(value)?)))
                .collect::<Result<_, _>>()?,
        ),
        other => TemplateNode::Constant(other.clone()),
    })
}

/// The template of one string.
pub(crate) fn text_node(text: &str) -> Result<TemplateNode, TemplateSyntax> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("${{").map(|found| at + found) {
        if text[at..found].ends_with('$') {
            literal.push_str(&text[at..found - 1]);
            literal.push_str("${{");
            at = found + 3;
            continue;
        }
        literal.push_str(&text[at..found]);
        let start = found + 3;
        let Some(length) = end_of_expression(&text[start..]) else {
            return Err(TemplateSyntax::Unclosed {
                range: found..text.len(),
            });
        };
        let inner = &text[start..start + length];
        let lead = inner.len() - inner.trim_start().len();
        let expression =
            Expression::parse(inner.trim()).map_err(|error| TemplateSyntax::Expression {
                error,
                at: start + lead,
            })?;
        if !literal.is_empty() {
            parts.push(TextPart::Literal(std::mem::take(&mut literal)));
        }
        parts.push(TextPart::Expression(expression));
        at = start + length + 2;
    }
    literal.push_str(&text[at..]);
    if !literal.is_empty() {
        parts.push(TextPart::Literal(literal));
    }
    Ok(match parts.as_mut_slice() {
        [] => TemplateNode::Constant("".into()),
        [TextPart::Literal(text)] => TemplateNode::Constant(std::mem::take(text).into()),
        [TextPart::Expression(expression)] => TemplateNode::Value(expression.clone()),
        _ => TemplateNode::Text(parts),
    })
}
