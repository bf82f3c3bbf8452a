//! The fenced blocks of a page, and what each of them is for.

/// A block that a reader types or copies.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The line of its fence, from 1.
    pub(crate) line: usize,
    /// What becomes of it.
    pub(crate) kind: BlockKind,
    /// What is in it.
    pub(crate) text: String,
}

/// What becomes of a block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// It is written to this file.
    File(String),
    /// Its lines are typed, and what they print is compared.
    Console,
    /// It is only to be read.
    Shown,
}

/// All blocks of a page.
///
/// # Errors
/// What is wrong with the first that nobody would write, run, or leave alone for a
/// reason.
pub(crate) fn blocks(page: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut lines = (1..).zip(page.lines());
    while let Some((line, text)) = lines.next() {
        let Some(info) = text.strip_prefix("```") else {
            continue;
        };
        let kind = kind(info).map_err(|what| format!("line {line}: {what}"))?;
        let mut inside = String::new();
        loop {
            match lines.next() {
                Some((_, "```")) => break,
                Some((_, text)) => inside += &format!("{text}\n"),
                None => return Err(format!("line {line}: the block has no end")),
            }
        }
        blocks.push(Block {
            line,
            kind,
            text: inside,
        });
    }
    Ok(blocks)
}

/// What becomes of a block with this after its fence: a language, then where it
/// goes, or why it is only shown.
fn kind(info: &str) -> Result<BlockKind, String> {
    let (language, rest) = info.split_once(' ').unwrap_or((info, ""));
    match (language, rest.strip_prefix("file="), rest) {
        ("console", None, "") => Ok(BlockKind::Console),
        (_, Some(path), _) if language != "console" => Ok(BlockKind::File(path.to_owned())),
        ("text", None, reason) if !reason.is_empty() => Ok(BlockKind::Shown),
        _ => Err(format!(
            "`{info}` is neither run nor written: say `console`, `file=PATH`, or `text` and why"
        )),
    }
}

/// A line that is typed, and what the page says that it prints.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Typed<'a> {
    pub(crate) command: &'a str,
    pub(crate) printed: Vec<&'a str>,
}

impl Typed<'_> {
    /// The exit code that the page says, in a comment behind the command.
    pub(crate) fn code(&self) -> i32 {
        let said = self.command.rsplit_once("# exits with ");
        said.map_or(0, |(_, code)| code.trim().parse().unwrap())
    }
}

/// What is typed in the text of a console.
pub(crate) fn typed(console: &str) -> Vec<Typed<'_>> {
    let mut all: Vec<Typed<'_>> = Vec::new();
    for line in console.lines() {
        match (line.strip_prefix("$ "), all.last_mut()) {
            (Some(command), _) => all.push(Typed {
                command,
                printed: Vec::new(),
            }),
            (None, Some(last)) => last.printed.push(line),
            (None, None) => panic!("`{line}` is printed before anything is typed"),
        }
    }
    all
}

#[test]
fn a_block_is_written_run_or_left_alone_for_a_reason() {
    let page =
        "a\n```yaml file=a/b.yaml\nx: 1\n```\n```console\n$ ls\na\n```\n```text its form\n```\n";
    let kinds: Vec<_> = blocks(page).unwrap().into_iter().map(|b| b.kind).collect();
    let file = BlockKind::File("a/b.yaml".to_owned());
    assert_eq!(kinds, [file, BlockKind::Console, BlockKind::Shown]);
    for page in [
        "```rust\n```\n",
        "```text\n```\n",
        "```console file=a\n```\n",
    ] {
        let error = blocks(page).unwrap_err();
        assert!(error.contains("neither run nor written"), "{error}");
    }
    assert_eq!(
        blocks("```console\n$ ls\n").unwrap_err(),
        "line 1: the block has no end"
    );
}

#[test]
fn what_is_typed_has_what_it_prints_behind_it() {
    let typed = typed("$ a\n1\n2\n$ b   # exits with 3\n");
    assert_eq!((typed[0].command, typed[0].code()), ("a", 0));
    assert_eq!(typed[0].printed, ["1", "2"]);
    assert_eq!((typed[1].code(), typed[1].printed.len()), (3, 0));
}
