//! What people see.

mod diagnostic;
mod live;
mod plain;
mod summary;
mod table;

pub(crate) use diagnostic::picture;
pub(crate) use live::LiveView;
pub(crate) use plain::PlainView;
pub(crate) use summary::print_summary;
pub(crate) use table::Table;
