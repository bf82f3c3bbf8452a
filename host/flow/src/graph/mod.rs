//! Pictures of a plan: Mermaid for Markdown, DOT for Graphviz, and SVG that
//! needs no other program.

mod dot;
mod layout;
mod mermaid;
mod shape;
mod svg;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;
