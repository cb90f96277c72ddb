//! A local network that is ours alone: namespaces on a bridge. Needs root; gone when dropped, also by a panic.

use std::os::fd::AsFd;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Named network namespaces, one per machine, on one bridge.
pub(crate) struct Net {
    /// Begins the names of all namespaces, so that no two networks meet.
    prefix: String,
    machines: Vec<String>,
}

impl Net {
    /// Makes a network of `machines`. Returns `None` if namespaces are not permitted here and whoever runs the tests
    /// has said, by `CAHOOTS_NO_NETNS=1`, that this is all right; in CI it never is.
    pub(crate) fn new(machines: &[&str]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("cahoots-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut net = Self { prefix, machines: Vec::new() };
        if let Err(reason) = net.make(machines) {
            let is_excused = std::env::var("CAHOOTS_NO_NETNS").is_ok_and(|value| value == "1");
            let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
            assert!(is_excused && !is_ci, "no network namespaces: {reason}\nrun as root, or set CAHOOTS_NO_NETNS=1");
            eprintln!("NOT RUN, for want of network namespaces: {reason}");
            return None;
        }
        Some(net)
    }

    fn make(&mut self, machines: &[&str]) -> Result<(), String> {
        let lan = self.namespace("lan");
        ip(&["netns", "add", &lan])?;
        self.machines.push("lan".into());
        ip(&["-n", &lan, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0"])?;
        ip(&["-n", &lan, "link", "set", "br0", "up"])?;
        for (number, machine) in machines.iter().enumerate() {
            let namespace = self.namespace(machine);
            ip(&["netns", "add", &namespace])?;
            self.machines.push((*machine).into());
            ip(&["-n", &namespace, "link", "set", "lo", "up"])?;
            if machines.len() > 1 {
                self.connect(machine, &namespace, &format!("10.77.0.{}/24", number + 1))?;
            }
        }
        Ok(())
    }

    fn connect(&self, machine: &str, namespace: &str, address: &str) -> Result<(), String> {
        let lan = self.namespace("lan");
        ip(&["-n", &lan, "link", "add", machine, "type", "veth", "peer", "name", "eth0", "netns", namespace])?;
        ip(&["-n", &lan, "link", "set", machine, "master", "br0", "up"])?;
        ip(&["-n", namespace, "addr", "add", address, "dev", "eth0"])?;
        ip(&["-n", namespace, "link", "set", "eth0", "up"])?;
        ip(&["-n", namespace, "route", "add", "224.0.0.0/4", "dev", "eth0"])
    }

    fn namespace(&self, machine: &str) -> String {
        format!("{}-{machine}", self.prefix)
    }

    /// Has `command` run on a machine.
    pub(crate) fn within(&self, machine: &str, command: &Command) -> Command {
        let mut within = Command::new("ip");
        within.args(["netns", "exec", &self.namespace(machine)]).arg(command.get_program()).args(command.get_args());
        within.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        within.current_dir(command.get_current_dir().expect("every command here has a folder"));
        within
    }

    /// Runs `work` on a machine: sockets that it makes stay there for good.
    pub(crate) fn on<R: Send>(&self, machine: &str, work: impl FnOnce() -> R + Send) -> R {
        let path = format!("/var/run/netns/{}", self.namespace(machine));
        let namespace = std::fs::File::open(path).expect("the namespace has a name");
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).expect("it is ours");
                work()
            });
            thread.join().expect("the work is done")
        })
    }

    /// Pulls a machine's cable out of the switch.
    pub(crate) fn pull(&self, machine: &str) {
        ip(&["-n", &self.namespace("lan"), "link", "set", machine, "down"]).expect("the cable was there");
    }

    /// Puts it back.
    pub(crate) fn plug(&self, machine: &str) {
        ip(&["-n", &self.namespace("lan"), "link", "set", machine, "up"]).expect("the cable was there");
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for machine in &self.machines {
            if let Err(reason) = ip(&["netns", "delete", &self.namespace(machine)]) {
                eprintln!("left behind: {reason}");
            }
        }
    }
}

fn ip(args: &[&str]) -> Result<(), String> {
    let tell = |problem: String| format!("`ip {}`: {problem}", args.join(" "));
    let output = Command::new("ip").args(args).output().map_err(|error| tell(error.to_string()))?;
    if output.status.success() { Ok(()) } else { Err(tell(String::from_utf8_lossy(&output.stderr).into_owned())) }
}
