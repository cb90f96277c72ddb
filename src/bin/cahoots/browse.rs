//! `cahoots view`: the browser's viewer from this very program, for one link.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use cahoots::io::private;
use cahoots::{Lan, Link, Viewer};
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::args;
use crate::join::link;
use crate::record;
use crate::signals::Signals;
use crate::text::{Failure, Paint, print_line, warn};

/// How long a browser may take to read the file that leads it to the page.
const SIGNPOST_LASTS: Duration = Duration::from_secs(60);

pub(crate) async fn run(args: args::View) -> Result<ExitCode, Failure> {
    let mut signals = Signals::new()?;
    let place = link::Place { argument: args.link.as_deref(), file: args.file.as_deref(), quiet: args.quiet };
    let link = link::read(place)?;
    let link = Link { relay: link.relay.clone().or_else(|| args.relay.clone()), ..link };
    let lan = if args.no_lan { Lan::Off } else { Lan::On };
    let viewer = Viewer::builder(link).lan(lan).port(args.port).start().await;
    let viewer = viewer.map_err(|error| Failure::new(&error).hint(error.hint()))?;
    announce(&args, &viewer.reveal())?;
    let opening = async {
        if args.open
            && let Err(error) = open(&viewer.reveal()).await
        {
            warn(format!("no browser was opened ({error}): open the address yourself"));
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = signals.next() => {}
        () = opening => {}
    }
    viewer.close().await;
    if args.json {
        record::print(&record::ended(None, None))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn announce(args: &args::View, address: &str) -> io::Result<()> {
    if args.json {
        return record::print(&record::viewing(address));
    }
    if args.quiet {
        return print_line(address);
    }
    let paint = Paint::of(&io::stdout());
    print_line("\nOpen this in a browser on this machine:")?;
    print_line(paint.bold(address))?;
    print_line(
        "\nThe page comes from this program alone: there is nobody else to trust. The address holds your link.",
    )?;
    print_line("Ctrl-C ends it.")
}

/// Leads the user's browser to the page, by a file: others can see the command line that starts it.
async fn open(address: &str) -> io::Result<()> {
    let signpost = Signpost::put_up(address)?;
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(opener);
    command.arg(&signpost.0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| io::Error::new(error.kind(), format!("{opener}: {error}")))?;
    // It may stay as long as the browser does.
    let status = tokio::time::timeout(SIGNPOST_LASTS, child.wait()).await;
    match status {
        Ok(status) if status.as_ref().is_ok_and(std::process::ExitStatus::success) => {
            // What it has started reads the file in its own time.
            tokio::time::sleep(SIGNPOST_LASTS).await;
            Ok(())
        }
        Ok(_) => Err(io::Error::other(format!("{opener} failed"))),
        Err(_) => Ok(()),
    }
}

/// A page in a private folder that leads on to another address. Removed when dropped.
struct Signpost(PathBuf);

impl Signpost {
    fn put_up(address: &str) -> io::Result<Self> {
        let mut refused = io::Error::from(io::ErrorKind::NotFound);
        for folder in private::folders() {
            match private::make(&folder).map_err(io::Error::other).and_then(|()| Self::write(&folder, address)) {
                Ok(signpost) => return Ok(signpost),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    fn write(folder: &Path, address: &str) -> io::Result<Self> {
        let path = folder.join(format!("view-{}.html", std::process::id()));
        // One that a process of the same number left behind.
        let _ = fs::remove_file(&path);
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let signpost = Self(path);
        // Nothing else in an address of ours means anything to HTML.
        let address = Zeroizing::new(address.replace('&', "&amp;"));
        let page = Zeroizing::new(format!(
            "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\"><title>cahoots</title>\
             <meta http-equiv=\"refresh\" content=\"0;url={}\">",
            *address
        ));
        file.write_all(page.as_bytes())?;
        Ok(signpost)
    }
}

impl Drop for Signpost {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever reads the file can join, and so can whoever finds it later.
    #[test]
    #[cfg(unix)]
    fn signpost_is_closed_to_others_and_taken_down() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("cahoots-signpost-{}", std::process::id()));
        private::make(&folder).unwrap();
        let signpost = Signpost::write(&folder, "http://127.0.0.1:1/a/j#chr1&fp=0").unwrap();
        let path = signpost.0.clone();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(&path).unwrap().contains("url=http://127.0.0.1:1/a/j#chr1&amp;fp=0\""));
        drop(signpost);
        assert!(!path.exists());
        fs::remove_dir(&folder).unwrap();
    }
}
