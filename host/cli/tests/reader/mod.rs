//! Reads the pages of the guide as somebody does who types what they show.

mod block;
mod compare;
mod desk;
mod links;
mod shown;
mod tools;

pub(crate) use desk::go_through;
pub(crate) use links::{broken_links, pages};
pub(crate) use shown::unknown_in_commands;
pub(crate) use tools::Tools;
