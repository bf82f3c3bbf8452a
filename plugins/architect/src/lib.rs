//! Surveys a source tree and splits it into shards.
