//! Which statements a request takes: what takes the same ones takes the same time, whoever has what it is about.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::DefaultGuard,
};

/// Sees the statements that this thread sends, for as long as it lives.
pub(crate) struct Statements {
    seen: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl Statements {
    pub(crate) fn watch() -> Self {
        let seen = Arc::default();
        let watcher = Watcher(Arc::clone(&seen));
        Self { seen, _guard: tracing::subscriber::set_default(watcher) }
    }

    /// Those that were sent since it was last asked.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().expect("sound"))
    }
}

struct Watcher(Arc<Mutex<Vec<String>>>);

/// The text of a statement: its beginning, and the whole where that is more.
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if ["summary", "db.statement"].contains(&field.name()) {
            self.0.push_str(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if ["summary", "db.statement"].contains(&field.name()) {
            self.0.push_str(&format!("{value:?}"));
        }
    }
}

impl Subscriber for Watcher {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        // Those are sent behind the answers, for several requests at once.
        if !text.0.contains("pg_notify") {
            self.0.lock().expect("sound").push(text.0);
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
