//! Where there are no Unix sockets, live runs cannot be spoken to.

use std::sync::{Arc, Mutex};

use ringfence::engine::{Host, RunControl};
use ringfence::flow::RunId;

use super::{Answer, Ask, ControlError, Status, Watch};

fn unsupported() -> ControlError {
    ControlError::Place("on this system live runs cannot be spoken to from outside".to_owned())
}

pub(crate) struct Server;

impl Server {
    pub(crate) fn start(
        _run: &RunId,
        _control: RunControl,
        _host: Host,
        _watch: Arc<Mutex<Watch>>,
    ) -> Result<Self, ControlError> {
        Err(unsupported())
    }

    pub(crate) async fn close(self) {}
}

pub(crate) fn ask(_run: &RunId, _ask: &Ask) -> Result<Answer, ControlError> {
    Err(unsupported())
}

pub(crate) fn live_runs() -> Result<Vec<Status>, ControlError> {
    Err(unsupported())
}
