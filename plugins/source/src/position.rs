//! Places in a file.

use proc_macro2::LineColumn;
use syn::spanned::Spanned;

/// A place in a file. Lines and columns count from 1; columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

impl Position {
    /// The first character of a file.
    pub const START: Self = Self { line: 1, column: 1 };

    /// Where `node` begins.
    ///
    /// The whole node is gone through for it, so this is for what is found, not
    /// for every node of a tree; for a block ask its brace.
    #[must_use]
    pub fn of(node: &impl Spanned) -> Self {
        Self::at(node.span().start())
    }

    /// The place just after the last character of `node`.
    #[must_use]
    pub fn after(node: &impl Spanned) -> Self {
        Self::at(node.span().end())
    }

    /// A place as `proc_macro2` counts it: columns from 0.
    #[must_use]
    pub fn at(place: LineColumn) -> Self {
        Self {
            line: u32::try_from(place.line).unwrap_or(u32::MAX).max(1),
            column: u32::try_from(place.column)
                .unwrap_or(u32::MAX)
                .saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let item: syn::ItemFn = syn::parse_str("fn größe(\n    über: u8) {}").unwrap();
        assert_eq!(Position::of(&item), Position::START);
        assert_eq!(
            Position::of(&item.sig.ident),
            Position { line: 1, column: 4 }
        );
        assert_eq!(
            Position::after(&item.sig.ident),
            Position { line: 1, column: 9 }
        );
        assert_eq!(
            Position::of(&item.sig.inputs),
            Position { line: 2, column: 5 }
        );
    }
}
