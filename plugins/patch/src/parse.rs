//! A strict parser of unified patches.
//!
//! It takes what changes the lines of files that exist: nothing that creates,
//! deletes, renames or changes the mode of one, no binary change, no text
//! between the files. Whatever is odd is an error, since a patch that two
//! readers understand in two ways is worse than none.
//!
//! ```text
//! patch  = file*
//! file   = ["diff --git a/PATH b/PATH"] ["index HEX..HEX MODE"]
//!          "--- a/PATH" "+++ b/PATH" hunk+
//! hunk   = "@@ -FIRST[,COUNT] +FIRST[,COUNT] @@" [" " SECTION] line+
//! line   = (" " | "-" | "+") TEXT ["\ No newline at end of file"]
//! ```

use std::collections::BTreeSet;

use crate::limits::{MAX_PATCH_BYTES, MAX_PATCH_LINES};
use crate::lines::count_lines;
use crate::path::{UnsafePath, check_path};

/// A patch: for each file that it changes, how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch<'a> {
    /// The files, in the order of the patch, each once.
    pub files: Vec<FileDiff<'a>>,
}

/// What a patch does to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff<'a> {
    /// The file, relative to the root of the tree; it passed [`check_path`].
    pub path: &'a str,
    /// The hunks, top to bottom, without overlap.
    pub hunks: Vec<Hunk<'a>>,
}

/// A piece of a file with changed lines and some around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk<'a> {
    /// How many lines of the old file stand before it.
    pub old_before: usize,
    /// How many lines of the new file stand before it.
    pub new_before: usize,
    /// Its lines.
    pub lines: Vec<HunkLine<'a>>,
    /// The line of its header in the patch, counted from 1.
    pub at: usize,
}

/// A line of a hunk, with its line break if it has one in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HunkLine<'a> {
    /// In the old file and in the new one.
    Kept(&'a [u8]),
    /// Only in the old file.
    Removed(&'a [u8]),
    /// Only in the new file.
    Added(&'a [u8]),
}

/// Why a text is no patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the patch: {problem}")]
pub struct InvalidPatch {
    /// The line of the patch, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a line of a patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is longer than [`MAX_PATCH_BYTES`].
    #[error("the patch has more than {MAX_PATCH_BYTES} bytes")]
    TooLong,
    /// It has more than [`MAX_PATCH_LINES`] lines.
    #[error("the patch has more than {MAX_PATCH_LINES} lines")]
    TooManyLines,
    /// Something else stands where this should.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A path that leaves the tree or needs quotes.
    #[error("{0}")]
    Path(#[from] UnsafePath),
    /// The names of one file differ.
    #[error("the patch renames the file")]
    Renamed,
    /// The file was there before.
    #[error("the patch changes the file twice")]
    Twice,
    /// Numbers in a header that don't fit each other or the hunk before.
    #[error("the hunk's position does not fit what stands before it")]
    Position,
    /// A hunk without a changed line.
    #[error("the hunk changes nothing")]
    NoChange,
    /// A line without a break that is not the last of its side.
    #[error("a line goes on after the end of the file")]
    AfterEnd,
}

impl<'a> Patch<'a> {
    /// Parses `text`. An empty text is a patch of no files.
    ///
    /// # Errors
    /// [`InvalidPatch`] with the first line that is wrong.
    pub fn parse(text: &'a [u8]) -> Result<Self, InvalidPatch> {
        let whole = |problem| InvalidPatch { line: 1, problem };
        if text.len() > MAX_PATCH_BYTES {
            return Err(whole(Problem::TooLong));
        }
        if count_lines(text) > MAX_PATCH_LINES {
            return Err(whole(Problem::TooManyLines));
        }
        let mut parser = Parser { rest: text, at: 1 };
        let mut files = Vec::new();
        let mut seen = BTreeSet::new();
        while !parser.rest.is_empty() {
            let at = parser.at;
            let file = parser.file().map_err(|problem| InvalidPatch {
                line: parser.at,
                problem,
            })?;
            if !seen.insert(file.path) {
                return Err(InvalidPatch {
                    line: at,
                    problem: Problem::Twice,
                });
            }
            files.push(file);
        }
        Ok(Self { files })
    }
}

struct Parser<'a> {
    rest: &'a [u8],
    /// The line that `rest` starts with, counted from 1.
    at: usize,
}

/// One side of a hunk's header.
struct Side {
    before: usize,
    count: usize,
}

impl<'a> Parser<'a> {
    /// The next line without its break, which it has to have: in a patch even
    /// the last line ends in one.
    fn peek(&self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        self.rest.get(..end)
    }

    /// Goes past the line that `peek` gave, and gives it with its break.
    fn advance(&mut self, line: &'a [u8]) -> &'a [u8] {
        let (line, rest) = self.rest.split_at(line.len() + 1);
        self.rest = rest;
        self.at += 1;
        line
    }

    fn take_prefixed(&mut self, prefix: &'static str) -> Option<&'a [u8]> {
        let line = self.peek()?;
        let rest = line.strip_prefix(prefix.as_bytes())?;
        self.advance(line);
        Some(rest)
    }

    fn file(&mut self) -> Result<FileDiff<'a>, Problem> {
        let mut announced = None;
        if let Some(line) = self.peek()
            && let Some(names) = line.strip_prefix(b"diff --git ")
        {
            announced = Some(same_name(names)?);
            self.advance(line);
        }
        if let Some(line) = self.peek()
            && line.starts_with(b"index ")
        {
            self.advance(line);
        }
        let old = self.name("--- ", "a/", "`--- a/PATH` of a file that exists")?;
        let path = self.name("+++ ", "b/", "`+++ b/PATH` of a file that stays")?;
        if old != path || announced.is_some_and(|name| name != path) {
            return Err(Problem::Renamed);
        }
        let mut hunks = Vec::new();
        let (mut old_end, mut new_end) = (0, 0);
        while hunks.is_empty() || self.rest.starts_with(b"@@") {
            hunks.push(self.hunk(&mut old_end, &mut new_end)?);
        }
        Ok(FileDiff { path, hunks })
    }

    fn name(
        &mut self,
        prefix: &'static str,
        side: &'static str,
        expected: &'static str,
    ) -> Result<&'a str, Problem> {
        let line = self.peek().ok_or(Problem::Expected(expected))?;
        let name = line
            .strip_prefix(prefix.as_bytes())
            .and_then(|name| name.strip_prefix(side.as_bytes()))
            .ok_or(Problem::Expected(expected))?;
        // A tab marks the end of a name that has spaces.
        let path = text(name.strip_suffix(b"\t").unwrap_or(name))?;
        check_path(path)?;
        self.advance(line);
        Ok(path)
    }

    fn hunk(&mut self, old_end: &mut usize, new_end: &mut usize) -> Result<Hunk<'a>, Problem> {
        const HEADER: Problem = Problem::Expected("`@@ -FIRST,COUNT +FIRST,COUNT @@`");
        let at = self.at;
        let line = self.peek().ok_or(HEADER)?;
        let (old, new) = header(line).ok_or(HEADER)?;
        // What stands between two hunks is the same on both sides.
        let gap = old.before.checked_sub(*old_end).ok_or(Problem::Position)?;
        if new.before.checked_sub(*new_end) != Some(gap) {
            return Err(Problem::Position);
        }
        self.advance(line);
        let lines = self.body(&old, &new)?;
        if lines.iter().all(|line| matches!(line, HunkLine::Kept(_))) {
            self.at = at;
            return Err(Problem::NoChange);
        }
        *old_end = old.before + old.count;
        *new_end = new.before + new.count;
        Ok(Hunk {
            old_before: old.before,
            new_before: new.before,
            lines,
            at,
        })
    }

    fn body(&mut self, old: &Side, new: &Side) -> Result<Vec<HunkLine<'a>>, Problem> {
        const LINE: Problem = Problem::Expected("a line that starts with ` `, `-` or `+`");
        let (mut old_left, mut new_left) = (old.count, new.count);
        let (mut old_ended, mut new_ended) = (false, false);
        let mut lines = Vec::new();
        while old_left > 0 || new_left > 0 {
            let line = self.peek().ok_or(LINE)?;
            let (sign, _) = line.split_first().ok_or(LINE)?;
            let (in_old, in_new) = match sign {
                b' ' => (true, true),
                b'-' => (true, false),
                b'+' => (false, true),
                _ => return Err(LINE),
            };
            if (in_old && old_left == 0) || (in_new && new_left == 0) {
                return Err(Problem::Expected("as many lines as the hunk's header says"));
            }
            if (in_old && old_ended) || (in_new && new_ended) {
                return Err(Problem::AfterEnd);
            }
            old_left -= usize::from(in_old);
            new_left -= usize::from(in_new);
            let mut content = self.advance(line).get(1..).unwrap_or_default();
            if self.take_prefixed("\\ ").is_some() {
                content = content.strip_suffix(b"\n").unwrap_or(content);
                if content.is_empty() {
                    // No file has an empty line without a break.
                    return Err(Problem::AfterEnd);
                }
                old_ended |= in_old;
                new_ended |= in_new;
            }
            lines.push(match sign {
                b' ' => HunkLine::Kept(content),
                b'-' => HunkLine::Removed(content),
                _ => HunkLine::Added(content),
            });
        }
        Ok(lines)
    }
}

/// The name in `a/NAME b/NAME`, which may itself hold ` b/`.
fn same_name(names: &[u8]) -> Result<&str, Problem> {
    const NAMES: Problem = Problem::Expected("`diff --git a/PATH b/PATH` with one path");
    let names = text(names)?.strip_prefix("a/").ok_or(NAMES)?;
    // Both names are of one length, with ` b/` between them.
    let len = names.len().checked_sub(" b/".len()).ok_or(NAMES)? / 2;
    let first = names.get(..len).ok_or(NAMES)?;
    let second = names.get(len..).and_then(|rest| rest.strip_prefix(" b/"));
    if second == Some(first) {
        Ok(first)
    } else {
        Err(NAMES)
    }
}

fn text(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|_| Problem::Expected("a path in UTF-8"))
}

fn header(line: &[u8]) -> Option<(Side, Side)> {
    let line = std::str::from_utf8(line.strip_prefix(b"@@ -")?)
        .or_else(|error| {
            // The section after the numbers may be cut inside a character.
            std::str::from_utf8(&line[4..4 + error.valid_up_to()])
        })
        .ok()?;
    let (old, rest) = line.split_once(" +")?;
    let (new, section) = rest.split_once(" @@")?;
    if !(section.is_empty() || section.starts_with(' ')) {
        return None;
    }
    Some((side(old)?, side(new)?))
}

/// Reads `FIRST[,COUNT]`. Where the count is 0, `FIRST` is the line before.
fn side(text: &str) -> Option<Side> {
    let (first, count) = text.split_once(',').unwrap_or((text, "1"));
    let (first, count) = (number(first)?, number(count)?);
    let before = if count == 0 {
        first
    } else {
        first.checked_sub(1)?
    };
    before.checked_add(count)?;
    Some(Side { before, count })
}

fn number(digits: &str) -> Option<usize> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    // Line numbers have 32 bits everywhere in the contract.
    let number: u32 = digits.parse().ok().filter(|_| plain)?;
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_PATH_LEN;
    use proptest::prelude::*;

    const GOOD: &str = "\
diff --git a/src/a b.rs b/src/a b.rs
index 0123456..789abcd 100644
--- a/src/a b.rs\t
+++ b/src/a b.rs\t
@@ -2,3 +2,4 @@ fn main() {
 two
-three
+drei
+dreieinhalb
 four
@@ -9 +9,0 @@
-nine
--- a/z.rs
+++ b/z.rs
@@ -1,2 +1,2 @@
 one
-two
\\ No newline at end of file
+two
";

    #[test]
    fn a_patch_is_read() {
        let patch = Patch::parse(GOOD.as_bytes()).unwrap();
        let [a, z] = patch.files.as_slice() else {
            panic!("{patch:?}")
        };
        assert_eq!((a.path, z.path), ("src/a b.rs", "z.rs"));
        assert_eq!((a.hunks[0].old_before, a.hunks[0].new_before), (1, 1));
        assert_eq!(
            (a.hunks[1].old_before, a.hunks[1].new_before, a.hunks[1].at),
            (8, 9, 11)
        );
        assert_eq!(a.hunks[1].lines, [HunkLine::Removed(b"nine\n")]);
        assert_eq!(
            z.hunks[0].lines,
            [
                HunkLine::Kept(b"one\n"),
                HunkLine::Removed(b"two"),
                HunkLine::Added(b"two\n"),
            ]
        );
    }

    #[test]
    fn an_empty_text_changes_nothing() {
        assert_eq!(Patch::parse(b"").unwrap(), Patch::default());
    }

    #[track_caller]
    fn refused(text: &str, line: usize, problem: &Problem) {
        let error = Patch::parse(text.as_bytes()).unwrap_err();
        assert_eq!((error.line, &error.problem), (line, problem), "{text}");
    }

    fn file(hunks: &str) -> String {
        format!("--- a/f\n+++ b/f\n{hunks}")
    }

    #[test]
    fn names_have_to_agree_and_stay_in_the_tree() {
        use Problem as P;
        refused("--- a/f\n+++ b/g\n@@ -1 +1 @@\n-a\n+b\n", 3, &P::Renamed);
        refused("diff --git a/g b/g\n--- a/f\n+++ b/f\n", 4, &P::Renamed);
        refused("--- a/../f\n+++ b/../f\n", 1, &P::Path(UnsafePath::Dots));
        refused(
            "--- a//etc/f\n+++ b//etc/f\n",
            1,
            &P::Path(UnsafePath::Absolute),
        );
        refused("--- a/.git/config\n", 1, &P::Path(UnsafePath::Git));
        refused(
            "--- a/f\r\n+++ b/f\r\n",
            1,
            &P::Path(UnsafePath::Character('\r')),
        );
        refused(
            "--- \"a/f\"\n",
            1,
            &P::Expected("`--- a/PATH` of a file that exists"),
        );
        refused(
            "--- /dev/null\n+++ b/f\n",
            1,
            &P::Expected("`--- a/PATH` of a file that exists"),
        );
        refused(
            "--- a/f\n+++ /dev/null\n",
            2,
            &P::Expected("`+++ b/PATH` of a file that stays"),
        );
        refused(
            "diff --git a/f b/g\n",
            1,
            &P::Expected("`diff --git a/PATH b/PATH` with one path"),
        );
        let long = "x".repeat(MAX_PATH_LEN + 1);
        refused(&format!("--- a/{long}\n"), 1, &P::Path(UnsafePath::TooLong));
        let twice = file("@@ -1 +1 @@\n-a\n+b\n").repeat(2);
        refused(&twice, 6, &P::Twice);
    }

    #[test]
    fn a_name_may_hold_its_own_separator() {
        let text = "diff --git a/x b/y b/x b/y\n--- a/x b/y\t\n+++ b/x b/y\t\n@@ -1 +0,0 @@\n-a\n";
        assert_eq!(
            Patch::parse(text.as_bytes()).unwrap().files[0].path,
            "x b/y"
        );
    }

    #[test]
    fn headers_of_hunks_have_to_be_exact() {
        const HEADER: Problem = Problem::Expected("`@@ -FIRST,COUNT +FIRST,COUNT @@`");
        for bad in [
            "@@ -1 +1\n",
            "@@ -1 +1 @@x\n",
            "@@ -a +1 @@\n",
            "@@ -+1 +1 @@\n",
            "@@ -0 +1 @@\n",
            "@@ -1,2,3 +1 @@\n",
            "@@ -4294967296 +1 @@\n",
            "@@ - + @@\n",
            "@@\n",
            "text\n",
            "",
        ] {
            refused(&file(bad), 3, &HEADER);
        }
        // The position of the new side follows from that of the old one.
        refused(&file("@@ -2 +3 @@\n-a\n+b\n"), 3, &Problem::Position);
        refused(
            &file("@@ -5 +5 @@\n-a\n+b\n@@ -5 +5 @@\n-a\n+b\n"),
            6,
            &Problem::Position,
        );
        refused(
            &file("@@ -4294967295,4294967295 +4294967295,0 @@\n-a\n"),
            3,
            &Problem::Position,
        );
    }

    #[test]
    fn bodies_have_to_match_their_header() {
        const LINE: Problem = Problem::Expected("a line that starts with ` `, `-` or `+`");
        const MANY: Problem = Problem::Expected("as many lines as the hunk's header says");
        refused(&file("@@ -1,2 +1,2 @@\n-a\n+b\n"), 6, &LINE);
        refused(&file("@@ -1,2 +1,2 @@\n-a\n+b\n\n"), 6, &LINE);
        refused(&file("@@ -1 +1 @@\n-a\n-b\n"), 5, &MANY);
        refused(&file("@@ -1 +1 @@\n a\n"), 3, &Problem::NoChange);
        refused(&file("@@ -1,0 +1,0 @@\n"), 3, &Problem::NoChange);
        // The last line has to end, too.
        refused(&file("@@ -1 +1 @@\n-a\n+b"), 5, &LINE);
        // Whatever follows a hunk is another hunk or file.
        let more = file("@@ -1 +1 @@\n-a\n+b\n c\n");
        refused(
            &more,
            6,
            &Problem::Expected("`--- a/PATH` of a file that exists"),
        );
    }

    #[test]
    fn nothing_follows_the_last_line_of_a_file() {
        let end = "\\ No newline at end of file\n";
        refused(
            &file(&format!("@@ -1,2 +1,2 @@\n-a\n{end}-b\n+c\n+d\n")),
            6,
            &Problem::AfterEnd,
        );
        refused(
            &file(&format!("@@ -1 +1,2 @@\n-a\n+b\n{end}+c\n")),
            7,
            &Problem::AfterEnd,
        );
        refused(
            &file(&format!("@@ -1 +1 @@\n-a\n+\n{end}")),
            7,
            &Problem::AfterEnd,
        );
    }

    #[test]
    fn sizes_are_limited() {
        let most = format!("--- a/f\n+++ b/f\n@@ -1,0 +2,{} @@\n", MAX_PATCH_LINES - 3)
            + &"+\n".repeat(MAX_PATCH_LINES - 3);
        assert!(Patch::parse(most.as_bytes()).is_ok());
        refused(&(most + "+\n"), 1, &Problem::TooManyLines);

        let head = "--- a/f\n+++ b/f\n@@ -1,0 +2 @@\n+";
        let long = format!("{head}{}\n", "x".repeat(MAX_PATCH_BYTES - head.len() - 1));
        assert!(Patch::parse(long.as_bytes()).is_ok());
        refused(&format!("{long}\n"), 1, &Problem::TooLong);
    }

    #[test]
    fn bytes_that_are_no_text_pass_through() {
        let text = b"--- a/f\n+++ b/f\n@@ -1 +1 @@ \xc3\n-\xff\xfe\n+\0\n";
        let patch = Patch::parse(text).unwrap();
        assert_eq!(
            patch.files[0].hunks[0].lines[0],
            HunkLine::Removed(b"\xff\xfe\n")
        );
    }

    #[test]
    fn an_error_says_where() {
        let error = Patch::parse(b"--- a/f\n+++ b/g\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 3 of the patch: the patch renames the file"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "--- a/f\n", "+++ b/f\n", "@@ -1 +1 @@\n", "@@ -1,2 +1,3 @@\n", "@@ -0,0 +1 @@\n",
                    " a\n", "-a\n", "+b\n", "\\ No newline at end of file\n", "\n", "@@ ", "-", "4294967295",
                    ",", "diff --git a/f b/f\n", "diff --git ", "a/", "é", "index 1\n", "\0", "\r\n",
                ]),
                0..24,
            ),
        ) {
            // What parses can also be applied to anything without a panic.
            if let Ok(patch) = Patch::parse(pieces.concat().as_bytes()) {
                for file in &patch.files {
                    let _ = file.changes_on(&[b"a\n", b"a\n", b"a"]);
                    let _ = file.changes_on(&[]);
                }
            }
        }
    }
}
