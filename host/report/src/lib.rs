//! Reports of a run: a self-contained HTML page, Markdown and SARIF 2.1.0.
