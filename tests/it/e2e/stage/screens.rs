//! Comparing what guests see with what the host's own emulator shows, cell by cell.

use std::time::Instant;

use cahoots::{Screen, View};

use super::{Ada, LOOK_EVERY, PATIENCE, Process, text};

/// Waits until the host shows `line` and everybody sees the same screen as the host.
pub(crate) async fn all_show(line: &str, ada: &Ada, views: &[&View], processes: &mut [&mut Process]) {
    ada.shows(line).await;
    same_screens(&format!("with {line:?}"), ada, views, processes).await;
}

/// Waits until every view is, in all its cells and modes, what the host's own emulator shows; processes, as far as
/// they print it. The shared program must be at rest.
pub(crate) async fn same_screens(what: &str, ada: &Ada, views: &[&View], processes: &mut [&mut Process]) {
    let host = || ada.terminal.with_screen(Screen::snapshot).expect("the pane is the host's");
    let start = Instant::now();
    for (n, view) in views.iter().enumerate() {
        while view.with_screen(Screen::snapshot) != host() {
            assert!(start.elapsed() < PATIENCE, "view {n} never is the host's {what}:\n{}", both(ada, view));
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    for process in processes {
        loop {
            let screen = process.screen().await;
            let lines: Vec<_> = screen["lines"].as_array().expect("lines").iter().map(text).collect();
            let is_same = ada.terminal.with_screen(|host| {
                host.text() == lines && host.title() == screen["title"] && cursor(host) == screen["cursor"]
            });
            if is_same == Some(true) {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "a process never shows the host's {what}: {screen:#}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn cursor(screen: &Screen) -> serde_json::Value {
    serde_json::json!(screen.cursor())
}

fn both(ada: &Ada, view: &View) -> String {
    let tell = |screen: &Screen| {
        let state = screen.snapshot();
        format!("{:?} cursor {:?}\n{}\n{state:?}", screen.size(), screen.cursor(), screen.text().join("\n"))
    };
    let host = ada.terminal.with_screen(tell).unwrap_or_default();
    format!("--- host\n{host}\n--- guest, offset {}\n{}", view.offset(), view.with_screen(tell))
}
