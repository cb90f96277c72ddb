//! Authors who wrote two histories, and those who show it.

use super::*;
use crate::proto::lane::proof::Proof;

/// Eve, who says one thing here and another there.
struct Forker {
    world: World,
    eve: Person,
    here: Vec<WireEntry>,
    proof: Bytes,
}

impl Forker {
    fn new() -> Self {
        let mut world = World::new();
        let eve = world.guest();
        let here = world.session.entries(&eve, Channel::CHAT, 0, &["a", "here", "here"]);
        let there = world.session.entries(&eve, Channel::CHAT, 0, &["a", "there"]);
        let proof = proof(&world, &eve, &here[..2], &there[1]);
        Self { world, eve, here, proof }
    }

    fn bring(&mut self, conn: ConnId) {
        let _ = self.world.send(conn, self.eve.member_frame());
        assert_eq!(self.world.send(conn, Frame::Proof(self.proof.clone())), Flow::Continue);
    }
}

/// The proof that a lane which begins as `here` goes on in another way.
fn proof(world: &World, author: &Person, here: &[WireEntry], other: &WireEntry) -> Bytes {
    let (last, before) = here.split_last().expect("at least one");
    let prev = if before.is_empty() { [0; 32] } else { world.session.cut(author, before).digest };
    let verified = author.chain.verify(&world.session.id()).expect("holds");
    let proof = Proof::of_fork(&world.session.id(), verified.verify_key(), &prev, last, other);
    proof.expect("two entries for one place").encode()
}

fn proofs(mail: &Mail) -> Vec<Bytes> {
    let proofs = mail.frames.iter().filter_map(|frame| match frame {
        Frame::Proof(raw) => Some(raw.clone()),
        _ => None,
    });
    proofs.collect()
}

/// Everybody hears of it once, with the chain that it takes to check it, newcomers too.
#[test]
fn proof_is_passed_on_once_and_told_to_newcomers() {
    let mut forker = Forker::new();
    let (ben, cat) = (forker.world.guest(), forker.world.viewer());
    let (bearer, reader) = (forker.world.connect(&ben), forker.world.connect(&cat));
    forker.world.drain(reader);
    forker.bring(bearer);
    let mail = forker.world.drain(reader);
    assert_eq!(mail.frames, [forker.eve.member_frame(), Frame::Proof(forker.proof.clone())]);
    assert_eq!(proofs(&forker.world.drain(bearer)), Vec::<Bytes>::new());
    forker.bring(reader);
    forker.bring(bearer);
    assert_eq!(proofs(&forker.world.drain(reader)), Vec::<Bytes>::new());
    let dan = forker.world.viewer();
    let mail = forker.world.dial(&dan).1;
    assert_eq!(proofs(&mail), [forker.proof.clone()]);
}

/// Who was cut off, and has a friend who stayed, could keep everybody busy with proofs against itself.
#[test]
fn proof_against_who_is_cut_off_is_passed_over() {
    let mut forker = Forker::new();
    let (friend, cat) = (forker.world.viewer(), forker.world.viewer());
    let (bearer, reader) = (forker.world.connect(&friend), forker.world.connect(&cat));
    forker.world.close_share(forker.world.interact.secret.share_id(), &[]);
    forker.world.drain(reader);
    forker.bring(bearer);
    assert_eq!(proofs(&forker.world.drain(reader)), Vec::<Bytes>::new());
    assert_eq!(forker.world.drain(bearer).close, None);
}

/// Nothing more of the author's documents counts, whoever brings it, until the owner has said which history holds.
#[test]
fn author_is_not_listened_to_until_it_is_cut() {
    let mut forker = Forker::new();
    let (ben, eve) = (forker.world.guest(), forker.eve.clone());
    let conns = [forker.world.connect(&eve), forker.world.connect(&ben)];
    let here = forker.here.clone();
    forker.world.send_all(conns[0], &here[..2]);
    assert_eq!(forker.world.drain(conns[1]).entries(), here[..2]);
    forker.bring(conns[1]);
    let state = forker.world.session.first_entry(&eve, Channel::STATE);
    for conn in conns {
        let _ = forker.world.send(conn, eve.member_frame());
        forker.world.send_all(conn, &[here[2].clone(), state.clone()]);
        assert_eq!(forker.world.drain(conn).close, None);
    }
    let presence = forker.world.session.first_entry(&eve, Channel::PRESENCE);
    forker.world.send_all(conns[0], std::slice::from_ref(&presence));
    assert_eq!(forker.world.drain(conns[1]).entries(), [presence]);
    assert_eq!((forker.world.served(Channel::CHAT), forker.world.served(Channel::STATE)), (here[..2].to_vec(), vec![]));

    let cut = forker.world.session.cut(&eve, &here);
    let (epoch, conn) = (forker.world.session.next_epoch(), conns[1]);
    forker.world.record(&Record::Cut(vec![cut]));
    forker.world.send_all(conn, &here);
    assert_eq!(forker.world.served(Channel::CHAT), here);
    forker.world.record(&epoch);
    let newer = forker.world.session.entries(&eve, Channel::CHAT, 1, &["sorry"]);
    forker.world.send_all(conns[0], &newer);
    assert_eq!(forker.world.served(Channel::CHAT), [here, newer].concat(), "in the next epoch it may speak");
}

/// A proof is as good as its signatures: nobody is muted by a lie.
#[test]
fn false_proofs_cost_their_bearer_and_mute_nobody() {
    let mut forker = Forker::new();
    let ben = forker.world.guest();
    let [first, second] = [0, 180].map(|at| forker.proof.slice(at..at + 180));
    let mut flipped = forker.proof.to_vec();
    flipped[359] ^= 1;
    let eve = forker.eve.clone();
    let others = forker.world.session.entries(&ben, Channel::CHAT, 0, &["mine", "too"]);
    let posing = Person { keys: ben.keys.clone(), chain: eve.chain.clone() };
    let forged = forker.world.session.entries(&posing, Channel::CHAT, 0, &["not mine"]);
    let claimed = forker.world.session.entries(&posing, Channel::CHAT, 0, &["nor this"]);
    let lane = |entry: &WireEntry| entry.header(&forker.world.session.id(), &[0; 32]);
    let key = ben.chain.verify(&forker.world.session.id()).expect("holds").verify_key().clone();
    let signed = |entry: &WireEntry| (lane(entry), entry.body().to_vec(), *entry.signature());
    let (a, b) = (signed(&forged[0]), signed(&claimed[0]));
    let wrong_key = Proof::find(&forker.world.session.id(), &key, (&a.0, &a.1, &a.2), (&b.0, &b.1, &b.2));
    let lies = [
        [&first[..], &first].concat(),
        [&second[..], &first].concat(),
        flipped,
        wrong_key.expect("Ben signed both").encode().to_vec(),
        vec![0; 360],
    ];
    for lie in lies {
        let conn = forker.world.connect(&ben);
        let _ = forker.world.send(conn, eve.member_frame());
        forker.world.assert_closed_by(conn, Frame::Proof(lie.into()), CloseCode::Protocol);
    }
    let conn = forker.world.connect(&eve);
    forker.world.send_all(conn, &forker.here.clone());
    assert_eq!(forker.world.served(Channel::CHAT), forker.here);
    drop(others);
}

/// Proofs of somebody or some epoch that nobody here knows are no fault: the bearer's log may be longer.
#[test]
fn proofs_of_the_unknown_are_passed_over() {
    let mut forker = Forker::new();
    let (ben, cat) = (forker.world.guest(), forker.world.viewer());
    let (bearer, reader) = (forker.world.connect(&ben), forker.world.connect(&cat));
    forker.world.drain(reader);
    assert_eq!(forker.world.send(bearer, Frame::Proof(forker.proof.clone())), Flow::Continue);
    let [one, other] =
        ["one", "other"].map(|text| forker.world.session.entries(&forker.eve, Channel::CHAT, 9, &[text]));
    let ahead = proof(&forker.world, &forker.eve, &one, &other[0]);
    let _ = forker.world.send(bearer, forker.eve.member_frame());
    assert_eq!(forker.world.send(bearer, Frame::Proof(ahead)), Flow::Continue);
    assert_eq!(forker.world.drain(reader).frames, []);
}

/// Somebody who forks a lane at every place must not make everybody keep a proof of each.
#[test]
fn one_proof_per_author_is_kept() {
    let mut forker = Forker::new();
    let (ben, cat) = (forker.world.guest(), forker.world.viewer());
    let (bearer, reader) = (forker.world.connect(&ben), forker.world.connect_unread(&cat));
    let _ = forker.world.send(bearer, forker.eve.member_frame());
    for n in 0..50 {
        let text = format!("text {n}");
        let [one, other] =
            ["one", &text].map(|text| forker.world.session.entries(&forker.eve, Channel::CHAT, 0, &[text]));
        let proof = proof(&forker.world, &forker.eve, &one, &other[0]);
        assert_eq!(forker.world.send(bearer, Frame::Proof(proof)), Flow::Continue);
    }
    assert_eq!(proofs(&forker.world.drain(reader)).len(), 1);
}

/// A restart must not give a liar its voice back.
#[test]
fn restarted_relay_remembers_who_lied() {
    let mut forker = Forker::new();
    let (ben, eve) = (forker.world.guest(), forker.eve.clone());
    let conns = [forker.world.connect(&eve), forker.world.connect(&ben)];
    let here = forker.here.clone();
    forker.world.send_all(conns[0], &here[..2]);
    forker.bring(conns[1]);
    forker.world.restart();
    let (conn, mail) = forker.world.dial(&eve);
    assert_eq!(proofs(&mail), [forker.proof.clone()]);
    forker.world.send_all(conn, &here);
    assert_eq!(forker.world.served(Channel::CHAT), here[..2]);
}
