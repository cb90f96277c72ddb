//! What the tests stand on: folders, child processes that never outlive their test, and waiting.

mod process;
mod screens;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cahoots::{
    Access, Guest, Host, Lan, Link, Mirror, PaneId, PtyCommand, RelayAddress, Screen, Size, Terminal, Terms,
};
use serde_json::Value;

pub(crate) use process::{End, Process};
pub(crate) use screens::{all_show, same_screens};

/// Long after everything should have happened, even on a machine that does ten other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(15);
/// The only terminal of each session here.
pub(crate) const PANE: PaneId = PaneId(0);

/// A folder and an environment for one test.
pub(crate) struct Stage {
    folder: PathBuf,
    log: Option<OsString>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("cahoots-e2e-{}-{number}", std::process::id()));
        let private = |path: &Path| fs::DirBuilder::new().mode(0o700).create(path).expect("the folder is new");
        private(&folder);
        private(&folder.join("run"));
        Self { folder, log: std::env::var_os("CAHOOTS_LOG") }
    }

    /// Has all programs log what `filter` says.
    pub(crate) fn logging(mut self, filter: &str) -> Self {
        self.log = Some(filter.into());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Prepares the program under test, in an environment that knows no session and no settings.
    pub(crate) fn cahoots(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cahoots"));
        command.args(args);
        self.furnish(&mut command);
        command
    }

    /// Gives `command` the test's environment and nothing else.
    pub(crate) fn furnish(&self, command: &mut Command) {
        command.env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &self.folder).env("XDG_RUNTIME_DIR", self.path("run"));
        // Programs look there, too, and would find the sessions of whoever runs the tests.
        command.env("TMPDIR", &self.folder);
        command.env("SHELL", "/bin/bash").env("LC_ALL", "C.UTF-8").env("CAHOOTS_NAME", "eve");
        if let Some(filter) = &self.log {
            command.env("CAHOOTS_LOG", filter);
        }
        command.current_dir(&self.folder);
    }

    pub(crate) fn start(&self, args: &[&str]) -> Process {
        Process::start(self.cahoots(args))
    }

    /// Starts a relay of its own, which keeps its certificate over restarts.
    pub(crate) async fn relay(&self) -> RelayNode {
        RelayNode::start(self, 0, &[]).await
    }

    /// Starts one that takes no browsers.
    pub(crate) async fn relay_without_web(&self) -> RelayNode {
        RelayNode::start(self, 0, &["--no-web"]).await
    }

    /// Starts `cahoots share` and waits until it can be joined.
    pub(crate) async fn share(&self, relay: Option<&RelayNode>, options: &[&str], command: &[&str]) -> Share {
        let relay = relay.map(|relay| relay.address.to_string());
        let reach = relay.iter().flat_map(|relay| ["--relay", relay, "--no-lan"]);
        let mut args = vec!["share", "--headless", "--json", "--name", "ada"];
        args.extend(reach.chain(options.iter().copied()).chain(["--"]).chain(command.iter().copied()));
        let process = self.start(&args);
        let sharing = process.record("the links", |record| record["event"] == "sharing").await;
        Share { process, links: sharing["links"].clone(), web: sharing["web"].clone() }
    }

    /// Starts `cahoots join` with `link` on its stdin, out of sight of other processes.
    pub(crate) fn join(&self, link: &str, options: &[&str]) -> Process {
        let mut args = vec!["join"];
        args.extend(options);
        let mut process = self.start(&args);
        process.write(link);
        process
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A relay in a process of its own.
pub(crate) struct RelayNode {
    pub(crate) process: Process,
    pub(crate) address: RelayAddress,
}

impl RelayNode {
    async fn start(stage: &Stage, port: u16, options: &[&str]) -> Self {
        let (listen, state) = (format!("127.0.0.1:{port}"), stage.path("relay"));
        let state = state.to_str().expect("the folder's name is ASCII");
        let fixed = ["relay", "--listen", &listen, "--state", state, "--json"];
        let process = stage.start(&[&fixed, options].concat());
        let record = process.record("the relay's address", |record| record["event"] == "relay").await;
        let address = RelayAddress::parse(text(&record["address"])).expect("the relay prints an address");
        Self { process, address }
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again at the same port, with the same certificate and without any memory.
    pub(crate) async fn start_again(&mut self, stage: &Stage) {
        let again = Self::start(stage, self.address.port, &[]).await;
        assert_eq!(again.address, self.address);
        *self = again;
    }
}

/// `cahoots share` in a process of its own.
pub(crate) struct Share {
    pub(crate) process: Process,
    links: Value,
    web: Value,
}

impl Share {
    /// Returns the address for browsers that allows `access`.
    pub(crate) fn web(&self, access: &str) -> &str {
        text(&self.web[access])
    }

    /// Returns the link that allows `access`.
    pub(crate) fn link(&self, access: &str) -> &str {
        text(&self.links[access])
    }
}

/// A host in this very process, so that its own screen can be looked at.
pub(crate) struct Ada {
    pub(crate) host: Host,
    pub(crate) terminal: Terminal,
}

impl Ada {
    /// Shares a bash that writes no history and prompts with `$ `.
    pub(crate) async fn bash(stage: &Stage, relay: &RelayNode, size: Size) -> Self {
        let host = Host::builder().name("ada").lan(Lan::Off).relay(relay.address.clone());
        let host = host.start().await.expect("the host starts");
        let env = [("PS1", "$ "), ("HISTFILE", "/dev/null"), ("LC_ALL", "C.UTF-8")];
        let command = PtyCommand {
            program: Some("/bin/bash".into()),
            args: vec!["--norc".into(), "--noprofile".into()],
            cwd: Some(stage.folder.clone()),
            env: env.map(|(name, value)| (name.into(), value.into())).to_vec(),
            size,
        };
        let terminal = host.run(command, Mirror::Off).expect("bash starts");
        Self { host, terminal }
    }

    pub(crate) fn link(&self, access: Access) -> Link {
        self.host.share(Terms::new(access)).expect("there is room for a link")
    }

    /// Waits until the host's own screen is as `is_it` says.
    pub(crate) async fn screen(&self, what: &str, is_it: impl Fn(&Screen) -> bool) {
        let start = Instant::now();
        let look = |screen: &Screen| (is_it(screen), screen.text());
        loop {
            let (holds, lines) = self.terminal.with_screen(look).expect("the pane is the host's");
            if holds {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{what} never is on the host's screen:\n{}", lines.join("\n"));
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until a line of the host's own screen is `line`.
    pub(crate) async fn shows(&self, line: &str) {
        self.screen(line, |screen| screen.text().iter().any(|shown| shown == line)).await;
    }

    /// Types as the local user.
    pub(crate) async fn types(&self, text: &str) {
        assert!(self.terminal.writer().write(text.to_owned().into()).await, "the shell has ended");
    }
}

/// Joins `link` from this process.
pub(crate) async fn join(link: Link, name: &str) -> Guest {
    let guest = Guest::builder(link).name(name).lan(Lan::Off).patience(PATIENCE).start().await;
    guest.unwrap_or_else(|error| panic!("{name} does not get in: {error}"))
}

/// Waits until `look` finds something; panics with `what` was waited for if it never does.
pub(crate) async fn found<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "never came: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Waits until `holds` does.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    found(what, || holds().then_some(())).await;
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}
