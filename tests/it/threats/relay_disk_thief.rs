//! Somebody with a copy of the relay's disk: all that the relay's store holds, and the folder of its process.

use super::canary::{contains, found};
use super::held::{Held, Trial};
use super::keyring::Keyring;
use super::stage::{OUTPUT, SAID, Stage};
use crate::attacks::table::Table;
use crate::e2e::stage::Stage as Processes;
use cahoots::proto::id::Channel;
use cahoots::proto::relay::{Hall, HallLimits, Shelf, Store};
use cahoots::proto::wire::Frame;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

/// Everything in a store, as the frames it was made of.
fn stolen(stage: &mut Stage) -> Vec<Frame> {
    let hall = std::mem::replace(&mut stage.table.hall, Hall::new(HallLimits::default(), [0; 32]));
    let store: Box<dyn Store> = hall.into_store();
    let mut frames = Vec::new();
    for session in store.sessions() {
        frames.extend(store.records(&session).into_iter().map(Frame::Log));
        frames.extend(store.items(&session, Shelf::Wraps).into_iter().map(Frame::Wrap));
        frames.extend(store.items(&session, Shelf::Members).into_iter().map(Frame::Member));
        store.visit(&session, 0, &mut |_, entry| {
            let mut decoder = cahoots::proto::wire::FrameDecoder::new();
            decoder.push(&entry.frame);
            frames.extend(decoder.next_frame().unwrap());
            ControlFlow::Continue(())
        });
    }
    frames
}

fn bytes(frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(Frame::encode).collect()
}

/// What was on the screen is not kept at all.
#[test]
fn output_cannot_be_read() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let passed = stage.table.frames();
    let reader = stage.ring_of_reader();
    let stolen = stolen(&mut stage);
    let has = |frames: &[Frame], ring: &Keyring| {
        ring.read(frames).iter().any(|opened| contains(&opened.plaintext, OUTPUT.as_bytes()))
    };
    trial.works("a reader reads it on the wire", has(&passed, &reader));
    trial.fails("output is on the disk, even for a reader", has(&stolen, &reader), false);
    trial.gets_nothing("a word is there as it is", found(&Stage::canaries(), &bytes(&stolen)));
    trial.held()
}

/// The documents are kept, and closed.
#[test]
fn documents_cannot_be_read() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let reader = stage.ring_of_reader();
    let stolen = stolen(&mut stage);
    let mut thief = Keyring::empty(stage.session()).with_all_that_is_public(&stolen);
    trial.fails("something on the disk opens a wrap", thief.study(&stolen), 0);
    trial.gets_nothing("something on the disk opens an entry", thief.read(&stolen));
    trial.gets_nothing("a word is there as it is", found(&Stage::canaries(), &bytes(&stolen)));
    let read = reader.read(&stolen);
    trial.works("a reader reads it", read.iter().any(|opened| contains(&opened.plaintext, SAID.as_bytes())));
    trial.held()
}

/// No link, no key, in no guise: in the store, in the folder, or in the memory of the machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_cannot_be_stolen() -> Held {
    let (mut stage, mut trial) = (Stage::new(), Trial::default());
    let (secrets, memory) = (stage.secrets(), format!("{:?}", stage.table.hall));
    let stolen = stolen(&mut stage);
    trial.gets_nothing("a secret is on the disk", found(&secrets, &bytes(&stolen)));
    trial.gets_nothing("a secret is in the machine's memory", found(&secrets, memory.as_bytes()));
    trial.works("there is something to steal", stolen.len() > 10 && memory.len() > 10_000);

    let processes = Processes::new();
    let relay = processes.relay().await;
    let share = processes.share(Some(&relay), &[], &["sleep", "1000"]).await;
    let link = cahoots::Link::parse(share.link("interact")).unwrap();
    let join = processes.join(share.link("interact"), &["--no-lan", "--json"]);
    join.record("its membership", |record| record["event"] == "in").await;
    let folder = read_all(&processes.path("relay"));
    trial.works("the relay keeps its own key", contains(&folder, b"PRIVATE KEY"));
    let token = super::canary::Canary::text("token", &link.token.reveal()[31..]);
    let kek = super::canary::Canary::new("kek", link.token.secret().unwrap().kek().expose());
    trial.gets_nothing("a link is in the relay's folder", found(&[token, kek], &folder));
    trial.held()
}

/// Reads every file below a folder, one after the other.
pub(super) fn read_all(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return all };
    for path in entries.map(|entry| entry.unwrap().path()) {
        all.extend(path.to_string_lossy().as_bytes());
        // Sockets and pipes hold nothing.
        if path.is_dir() {
            all.extend(read_all(&path));
        } else if path.is_file() {
            all.extend(fs::read(&path).unwrap());
        }
    }
    all
}

/// Pseudonyms, rights, times and sizes are what the relay may know; the disk knows no more, and less of connections.
#[test]
fn metadata_stays_within_the_list() -> Held {
    let mut trial = Trial::default();
    let sizes = |line: &str| {
        let mut table = Table::new();
        let token = table.share(cahoots::Access::Interact, super::stage::DAY_MS);
        let ben = table.join(&token);
        let now = table.now;
        table.peers[ben].say(&line.into(), now).unwrap();
        table.pass(1_000_000);
        let view = table.share(cahoots::Access::View, super::stage::DAY_MS);
        let mut stage = Stage { table, view: view.clone(), interact: token, ben, cat: ben };
        let entry =
            |frame: &Frame| super::stage::entry_of(frame).map(|entry| (entry.lane.channel, frame.encode().len()));
        stolen(&mut stage).iter().filter_map(entry).collect::<Vec<_>>()
    };
    let (ada, ben) = (sizes("a line of 33 characters about Ada"), sizes("this one has 35 and is about nobody"));
    trial.fails("the lengths of two lines are told apart", ada == ben, true);
    trial.works("those of another step are", ada != sizes(&"a whole page ".repeat(40)));
    let chat = ada.iter().filter(|(channel, _)| *channel == Channel::CHAT).count();
    trial.works("the line was kept", chat == 1);
    trial.held()
}
