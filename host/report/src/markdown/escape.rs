//! Guest text in Markdown: it shows as it is and can do nothing.

use crate::wording::one_line;

/// Punctuation that Markdown, HTML or a table gives a meaning anywhere.
const SPECIAL: &[char] = &[
    '\\', '`', '*', '_', '[', ']', '<', '>', '#', '|', '~', '&', '$',
];

/// Punctuation that starts a list or underlines a heading at the start of a line.
const SPECIAL_FIRST: &[char] = &['-', '+', '='];

/// Breaks a word where a host such as GitHub would make a link or a mention of
/// it, although a backslash stands there. It takes no room on the screen.
const BREAK: char = '\u{200b}';

/// `text` on one line, as words and nothing else: no emphasis, no HTML, no
/// links, no mentions, no table cells. Words between two backticks stay code.
pub(super) fn text(text: &str) -> String {
    let line = one_line(text);
    let parts: Vec<_> = line.split('`').collect();
    let mut escaped = String::with_capacity(line.len() + line.len() / 8);
    for (index, part) in parts.iter().enumerate() {
        let is_code = index % 2 == 1 && index + 1 < parts.len() && !part.trim().is_empty();
        if is_code {
            escaped.push_str(&code(part));
        } else if index % 2 == 1 {
            // A backtick without another one, or two with nothing between.
            escaped.push_str(r"\`");
            words(part, &mut escaped);
            if index + 1 < parts.len() {
                escaped.push_str(r"\`");
            }
        } else {
            words(part, &mut escaped);
        }
    }
    escaped
}

fn words(line: &str, escaped: &mut String) {
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        let starts_list = matches!(c, '.' | ')') && escaped.bytes().all(|b| b.is_ascii_digit());
        let is_special = SPECIAL.contains(&c)
            || (escaped.is_empty() && SPECIAL_FIRST.contains(&c))
            || (starts_list && !escaped.is_empty());
        if is_special {
            escaped.push('\\');
        }
        escaped.push(c);
        let links = match c {
            '@' | '#' => true,
            ':' => letters.peek() == Some(&'/'),
            '.' => ends_with(escaped, "www."),
            '-' => ends_with(escaped, "gh-"),
            _ => false,
        };
        if links {
            escaped.push(BREAK);
        }
    }
}

fn ends_with(text: &str, word: &str) -> bool {
    let tail = text
        .len()
        .checked_sub(word.len())
        .and_then(|start| text.get(start..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(word))
}

/// `text` on one line as inline code. Not for table cells, where a bar would
/// end the cell.
pub(super) fn code(text: &str) -> String {
    let line = one_line(text);
    if line.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&line) + 1);
    // A space at both ends is taken off again, and keeps backticks apart.
    let pad = if line.starts_with('`') || line.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{line}{pad}{fence}")
}

/// `text` as a block of code that it cannot end.
pub(super) fn block(text: &str) -> String {
    let clean = ringfence_flow::clean_text(text, usize::MAX);
    let fence = "`".repeat(longest_run(&clean).max(2) + 1);
    format!("{fence}text\n{}\n{fence}", clean.trim_end())
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_shows_as_it_is() {
        assert_eq!(text("**a** <b>"), r"\*\*a\*\* \<b\>");
        assert_eq!(text("a | b\n# c"), "a \\| b \\#\u{200b} c");
        assert_eq!(text("1. item"), r"1\. item");
        assert_eq!(text("- item - it"), r"\- item - it");
        assert_eq!(text("&lt;"), r"\&lt;");
        assert_eq!(text("v1.2 is out."), "v1.2 is out.");
        assert_eq!(text("[x](y)"), r"\[x\](y)");
    }

    #[test]
    fn words_between_backticks_stay_code() {
        assert_eq!(text("`a_b` or *c*"), r"`a_b` or \*c\*");
        assert_eq!(text("one ` alone"), r"one \` alone");
        assert_eq!(text("`` `"), r"\`\` \`");
        assert_eq!(text("`a` `b"), r"`a` \`b");
    }

    #[test]
    fn nothing_becomes_a_link_or_a_mention() {
        assert_eq!(text("@user"), "@\u{200b}user");
        assert_eq!(text("https://a.example"), "https:\u{200b}//a.example");
        assert_eq!(text("WWW.a.example"), "WWW.\u{200b}a.example");
        assert_eq!(text("GH-12"), "GH-\u{200b}12");
    }

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`a`"), "`` `a` ``");
        assert_eq!(code(" \n"), "");
    }

    #[test]
    fn blocks_cannot_be_left() {
        assert_eq!(block("a\n````\nb\n"), "`````text\na\n````\nb\n`````");
    }
}
