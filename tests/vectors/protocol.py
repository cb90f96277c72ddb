"""The byte layouts of PROTOCOL.md, written from that text alone: a second opinion on the Rust code.

Each function carries the section it follows. Nothing in here is tuned for speed or hardened: it only makes vectors.
"""

import hmac
import struct
import zlib
from dataclasses import dataclass, field

from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey, KEMKeyPair

ZERO32 = bytes(32)


# 1. Notation


def u8(value: int) -> bytes:
    return struct.pack("<B", value)


def u16(value: int) -> bytes:
    return struct.pack("<H", value)


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


def i32(value: int) -> bytes:
    return struct.pack("<i", value)


def varint(value: int, length: int | None = None) -> bytes:
    """RFC 9000, section 16. `length` forces a longer form, which decoders must refuse."""
    shortest = next(n for n in (1, 2, 4, 8) if value < 1 << (8 * n - 2))
    length = length or shortest
    return (value | {1: 0, 2: 1, 4: 2, 8: 3}[length] << (8 * length - 2)).to_bytes(length, "big")


def H(label: str, *parts: bytes) -> bytes:
    material = b"".join(u32(len(part)) + part for part in parts)
    return blake3(material, derive_key_context="cahoots 2026-01-01 v1 " + label).digest()


def aead(key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
    return ChaCha20Poly1305(key).encrypt(nonce, plaintext, aad)


# 2. Keys


class Signer:
    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


class Root(Signer):
    @property
    def session_id(self) -> bytes:
        return H("session id", self.public)[:16]


# The characters with the property White_Space; `str.split` knows four more.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def bare_passphrase(passphrase: str) -> str:
    """What counts of a passphrase as somebody types it."""
    spaced = "".join(" " if character in WHITE_SPACE else character for character in passphrase)
    return " ".join(word for word in spaced.split(" ") if word)


def passphrase_salt(session_id: bytes, seed: bytes) -> bytes:
    return H("passphrase salt", session_id, seed)[:16]


def passphrase_hash(session_id: bytes, seed: bytes, passphrase: str) -> bytes:
    salt = passphrase_salt(session_id, seed)
    derivation = Argon2id(salt=salt, length=32, iterations=3, lanes=1, memory_cost=65_536)
    return derivation.derive(bare_passphrase(passphrase).encode())


class Share:
    """`flags` are those of the certificate; a token has room for the low three."""

    def __init__(self, session_id: bytes, seed: bytes, flags: int, passphrase: str | None = None) -> None:
        assert (passphrase is not None) == bool(flags & 1)
        self.session_id, self.seed, self.flags, self.passphrase = session_id, seed, flags, passphrase
        hashed = b"" if passphrase is None else passphrase_hash(session_id, seed, passphrase)
        self.root = H("share root", seed, session_id, u8(flags & 7), hashed)
        self.id = H("share locator", self.root)[:16]
        self.signer = Signer(H("share signing key", self.root))
        self.kek = H("share key-encryption key", self.root)


class Member:
    """The three labels are a choice of this implementation: the protocol only asks for random keys."""

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self.signer = Signer(H("member signing key", seed))
        self.kem_private = H("member kem key", seed)
        self.kem_public = x25519_public(self.kem_private)
        self.incarnation = H("member incarnation", seed)[:16]


def x25519_public(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


# 3. Tokens. Bech32 as in BIP 173, the constant as in BIP 350.

BECH32_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32_CONST, BECH32M_CONST = 1, 0x2BC830A3


def bech32_polymod(values: list[int]) -> int:
    generator = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit in range(5):
            checksum ^= generator[bit] if top >> bit & 1 else 0
    return checksum


def five_bit_groups(payload: bytes, padding: int = 0) -> list[int]:
    pad_bits = -len(payload) * 8 % 5
    bits = int.from_bytes(payload, "big") << pad_bits | padding
    count = (len(payload) * 8 + pad_bits) // 5
    return [bits >> 5 * (count - 1 - index) & 31 for index in range(count)]


def bech32m(hrp: str, payload: bytes, constant: int = BECH32M_CONST, padding: int = 0) -> str:
    data = five_bit_groups(payload, padding)
    expanded = [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]
    polymod = bech32_polymod(expanded + data + [0] * 6) ^ constant
    checksum = [polymod >> 5 * (5 - index) & 31 for index in range(6)]
    return hrp + "1" + "".join(BECH32_ALPHABET[value] for value in data + checksum)


def token_payload(session_id: bytes, seed: bytes, flags: int, version: int = 1) -> bytes:
    return u8(version << 4 | flags) + session_id + seed


# 4. Certificates


@dataclass(frozen=True)
class Terms:
    rights: int
    depth_left: int
    not_before: int
    expires: int
    max_members: int = 0


def share_cert(
    session_id: bytes, share: Share, terms: Terms, issuer: Signer, parent: bytes | None, version: int = 1, kind: int = 1
) -> bytes:
    """`parent` is the parent's 217 bytes, or None under the root."""
    unsigned = (
        u8(version)
        + u8(kind)
        + session_id
        + share.id
        + share.signer.public
        + u8(terms.rights)
        + u8(terms.depth_left)
        + u64(terms.not_before)
        + u64(terms.expires)
        + u32(terms.max_members)
        + u8(share.flags)
        + (blake3(parent).digest() if parent else ZERO32)
        + issuer.public
    )
    assert len(unsigned) == 153
    return unsigned + issuer.sign(H("share certificate", unsigned))


def member_cert(
    session_id: bytes,
    share: Share,
    member: Member,
    rights: int,
    not_before: int,
    expires: int,
    version: int = 1,
    kind: int = 2,
    reserved: int = 0,
) -> bytes:
    unsigned = (
        u8(version)
        + u8(kind)
        + session_id
        + share.id
        + member.signer.public
        + member.kem_public
        + u8(rights)
        + u8(reserved)
        + u64(not_before)
        + u64(expires)
        + member.incarnation
    )
    assert len(unsigned) == 132
    return unsigned + share.signer.sign(H("member certificate", unsigned))


def author_id(cert: bytes) -> bytes:
    return blake3(cert).digest()[:16]


def member_body(cert: bytes, shares: list[bytes]) -> bytes:
    """Body of MEMBER: shares leaf first."""
    return cert + u8(len(shares)) + b"".join(shares)


# 5. Auth log

LOG_GENESIS = 1


def log_record(
    root: Signer, session_id: bytes, kind: int, seq: int, prev: bytes, time: int, body: bytes, version: int = 1
) -> tuple[bytes, bytes]:
    """Returns the record and its digest."""
    unsigned = u8(version) + u8(kind) + session_id + u64(seq) + prev + u64(time) + u16(len(body)) + body
    digest = H("auth log", unsigned)
    return unsigned + root.sign(digest), digest


def cut(channel: int, author: bytes, epoch: int, next_seq: int, digest: bytes) -> bytes:
    """One lane in the body of a Cut record."""
    return u16(channel) + author + u32(epoch) + u64(next_seq) + digest


def checkpoint_body(channel: int, epoch: int, segments: int, last: bytes, heads: bytes) -> bytes:
    return u16(channel) + u32(epoch) + u32(segments) + last + heads


def roll_body(channel: int, epoch: int, lines: int) -> bytes:
    return u16(channel) + u32(epoch) + u32(lines)


# 6. Epochs


def epoch_commit(secret: bytes) -> bytes:
    return H("epoch commitment", secret)


def wrap(
    secret: bytes, epoch: int, recipient: bytes, kek: bytes, session_id: bytes, commit: bytes | None = None
) -> bytes:
    """`commit` is the secret's own but for a forger."""
    aad = session_id + u32(epoch) + (commit or epoch_commit(secret))
    return u32(epoch) + recipient + aead(kek, u32(epoch) + bytes(8), aad, secret)


# 7. Entries


def entry_key(secret: bytes, author: bytes, channel: int) -> bytes:
    return H("entry key", secret, author, u16(channel))


@dataclass(frozen=True)
class Entry:
    kind: int
    channel: int
    epoch: int
    author: bytes
    seq: int
    prev: bytes
    plaintext: bytes
    header: bytes
    body: bytes
    digest: bytes
    signature: bytes

    @property
    def proven(self) -> bytes:
        """Half a proof."""
        return self.header + blake3(self.body).digest() + self.signature

    @property
    def wire(self) -> bytes:
        return entry_wire(self.kind, self.channel, self.epoch, self.author, self.seq, self.body, self.signature)


def entry_wire(kind: int, channel: int, epoch: int, author: bytes, seq: int, body: bytes, signature: bytes) -> bytes:
    return u8(kind) + varint(channel) + varint(epoch) + author + varint(seq) + body + signature


def seal_entry(
    session_id: bytes,
    key: bytes,
    signer: Signer,
    *,
    kind: int,
    channel: int,
    author: bytes,
    seq: int,
    prev: bytes = ZERO32,
    plaintext: bytes,
    prefix: bytes = b"",
    epoch: int = 0,
) -> Entry:
    n = len(prefix) + len(plaintext) + 16
    header = b"\xc1" + u8(kind) + session_id + u32(epoch) + author + u64(seq) + prev + u16(channel) + u32(n)
    assert len(header) == 84
    body = prefix + aead(key, bytes(4) + u64(seq), header + prefix, plaintext)
    assert len(body) == n
    digest = H("entry", header, blake3(body).digest())
    return Entry(kind, channel, epoch, author, seq, prev, plaintext, header, body, digest, signer.sign(digest))


def proof(one: Entry, other: Entry) -> bytes:
    first, second = sorted((one, other), key=lambda entry: entry.digest)
    return first.proven + second.proven


# 8. Channels

STATE, CHAT, PRESENCE, TO_HOST, FROM_HOST, STATE_CHECKPOINT, CHAT_CHECKPOINT = 1, 2, 3, 4, 5, 6, 7
DURABLE = (STATE, CHAT, STATE_CHECKPOINT, CHAT_CHECKPOINT)


def terminal_channel(pane: int) -> int:
    return 16 + pane


def padme(length: int) -> int:
    if length < 2:
        return length
    e = length.bit_length() - 1
    s = e.bit_length()
    low = (1 << (e - s)) - 1
    return (length + low) & ~low


def pad_durable(payload: bytes) -> bytes:
    return varint(len(payload)) + payload + bytes(padme(len(payload)) - len(payload))


# 9. Frames


def frame(kind: int, body: bytes) -> bytes:
    return varint(kind) + varint(len(body)) + body


# 10. Connection


def binding(exporter: bytes, dialer_nonce: bytes, acceptor_nonce: bytes) -> bytes:
    return H("channel binding", exporter, dialer_nonce, acceptor_nonce)


def auth_digest(bound: bytes, session_id: bytes, cert: bytes) -> bytes:
    return H("auth", bound, session_id, cert)


# 20. HTTP API


def inquiry_digest(challenge: bytes, host: str, request: str, session_id: bytes, share_id: bytes) -> bytes:
    return H("inquiry", challenge, host.encode(), request.encode(), session_id, share_id)


# 10.1. Passing a share on


def share_info(session_id: bytes, share_id: bytes) -> bytes:
    return b"cahoots v1 share" + session_id + share_id


def seal_share_kek(ephemeral_private: bytes, host_kem_public: bytes, info: bytes, kek: bytes) -> bytes:
    enc, context = hpke_sender(ephemeral_private, host_kem_public, info)
    return enc + context.seal(kek, aad=b"")


def share_body(certs: list[bytes], wrapped: bytes, sealed_kek: bytes) -> bytes:
    """Body of SHARE: certificates leaf first."""
    return u8(len(certs)) + b"".join(certs) + wrapped + sealed_kek


# 12. Documents: a chat message


def chat_message(
    kind: int,
    time: int,
    text: str,
    reply: tuple[bytes, int] | None = None,
    anchor: tuple[int, int, int] | None = None,
    name: bytes | None = None,
) -> bytes:
    flags = (1 if reply else 0) | (2 if anchor else 0) | (4 if name is not None else 0)
    out = u8(1) + u8(kind) + u64(time) + u8(flags)
    if reply:
        out += reply[0] + varint(reply[1])
    if anchor:
        out += u16(anchor[0]) + varint(anchor[1]) + u16(anchor[2])
    if name is not None:
        out += u8(len(name)) + name
    return out + text.encode()


# 12.1. Checkpoints

SEGMENT_BYTES = 60_000


def document_heads(heads: list[bytes]) -> bytes:
    return H("document heads", b"".join(sorted(heads)))


def raw_deflate(data: bytes, level: int = 6) -> bytes:
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush()


def named_members(members: list[tuple[bytes, list[bytes], str]]) -> bytes:
    """Member certificates with their share certificates, leaf first, and names: what a checkpoint begins with."""
    shares = list(dict.fromkeys(share for _, chain, _ in members for share in chain))
    rows = []
    for cert, chain, name in members:
        raw = name.encode()
        places = b"".join(varint(shares.index(share)) for share in chain)
        rows.append(cert + u8(len(chain)) + places + u8(len(raw)) + raw)
    return varint(len(shares)) + b"".join(shares) + varint(len(rows)) + b"".join(rows)


@dataclass(frozen=True)
class Head:
    """A change as it is packed: authors and dependencies by number."""

    author: int
    deps: list[int]
    others: list[int]
    length: int

    def encode(self) -> bytes:
        deps, others = ([len(some), *some] for some in (self.deps, self.others))
        return b"".join(map(varint, [self.author, *deps, *others, self.length]))


def packed_changes(authors: list[bytes], heads: list[Head], columns: list[bytes]) -> bytes:
    named = varint(len(authors)) + b"".join(authors)
    return named + varint(len(heads)) + b"".join(head.encode() for head in heads) + b"".join(columns)


def checkpoint(packed: bytes, level: int = 6) -> bytes:
    return u8(1) + varint(len(packed)) + raw_deflate(packed, level)


def segments(plaintext: bytes) -> list[bytes]:
    return [plaintext[at : at + SEGMENT_BYTES] for at in range(0, len(plaintext), SEGMENT_BYTES)]


# 13. Presence


@dataclass(frozen=True)
class HeldLane:
    channel: int
    author: bytes
    next: int
    digest: bytes


def held(lanes: list[HeldLane]) -> bytes:
    ascending = sorted(lanes, key=lambda lane: (lane.channel, lane.author))
    return H("held", *(u16(lane.channel) + lane.author + u64(lane.next) + lane.digest for lane in ascending))[:16]


def presence(
    name: str,
    colour: int,
    focus: int | None,
    cursor: tuple[int, int, int] | None = None,
    notes_cursor: str | None = None,
    log_head: tuple[int, bytes] | None = None,
    typing: bool = False,
    leaving: bool = False,
    holdings: tuple[int, int, int, bytes] | None = None,
) -> bytes:
    flags = (
        (1 if cursor else 0)
        | (2 if notes_cursor is not None else 0)
        | (4 if typing else 0)
        | (8 if log_head else 0)
        | (16 if leaving else 0)
        | (32 if holdings else 0)
    )
    raw_name = name.encode()
    out = u8(1) + u8(flags) + u8(colour) + u8(len(raw_name)) + raw_name + u16(0xFFFF if focus is None else focus)
    if cursor:
        out += u16(cursor[0]) + u16(cursor[1]) + u16(cursor[2])
    if notes_cursor is not None:
        out += u8(len(notes_cursor)) + notes_cursor.encode()
    if log_head:
        out += u64(log_head[0]) + log_head[1]
    if holdings:
        out += u32(holdings[0]) + u32(holdings[1]) + u32(holdings[2]) + holdings[3]
    return out


# 14. Terminal streams

OUTPUT, KEY_FIRST, KEY_MIDDLE, KEY_LAST, KEY_WHOLE = 1, 2, 3, 4, 5
DEFLATED, WINDOW_ANEW, ENDED = 1, 2, 4


def terminal_plaintext(
    flags: int, offset: int, data: bytes, size: tuple[int, int] | None = None, exit_status: int | None = None
) -> bytes:
    out = u8(flags) + varint(offset)
    if size:
        out += u16(size[0]) + u16(size[1])
    if exit_status is not None:
        out += i32(exit_status)
    return out + data


@dataclass
class Window:
    """One deflate window."""

    _deflate: object = field(default_factory=lambda: zlib.compressobj(6, zlib.DEFLATED, -15))

    def deflate(self, data: bytes) -> bytes:
        out = self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        assert out.endswith(b"\x00\x00\xff\xff")
        return out[:-4]


# 15. Direct channel


def direct_info(session_id: bytes, guest: bytes, host: bytes) -> bytes:
    return b"cahoots v1 direct" + session_id + guest + host


def chacha20_keystream(key: bytes, length: int) -> bytes:
    return Cipher(ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(length))


def derive_ephemeral(ikm: bytes) -> bytes:
    """DeriveKeyPair of RFC 9180, section 7.1.3, for DHKEM(X25519, HKDF-SHA256)."""

    def labeled(label: bytes, rest: bytes) -> bytes:
        return b"HPKE-v1" + b"KEM" + (0x0020).to_bytes(2, "big") + label + rest

    prk = hmac.digest(b"", labeled(b"dkp_prk", ikm), "sha256")
    info = (32).to_bytes(2, "big") + labeled(b"sk", b"")
    return HKDFExpand(algorithm=SHA256(), length=32, info=info).derive(prk)


def hpke_sender(ephemeral_private: bytes, recipient_public: bytes, info: bytes) -> tuple:
    """Returns enc and the sender's context."""
    suite = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.CHACHA20_POLY1305)
    ephemeral = X25519PrivateKey.from_private_bytes(ephemeral_private)
    pair = KEMKeyPair(
        KEMKey.from_pyca_cryptography_key(ephemeral), KEMKey.from_pyca_cryptography_key(ephemeral.public_key())
    )
    recipient = KEMKey.from_pyca_cryptography_key(X25519PublicKey.from_public_bytes(recipient_public))
    return suite.create_sender_context(recipient, info=info, eks=pair)


def direct_keys(
    ephemeral_private: bytes, host_kem_public: bytes, info: bytes
) -> tuple[bytes, bytes, bytes, bytes]:
    """Returns enc, the keys up and down, and the member KEK."""
    enc, context = hpke_sender(ephemeral_private, host_kem_public, info)
    return enc, context.export(b"up", 32), context.export(b"down", 32), context.export(b"kek", 32)


def up_input(pane: int, data: bytes) -> bytes:
    return u8(1) + u16(pane) + data


def up_size(pane: int, cols: int, rows: int) -> bytes:
    return u8(2) + u16(pane) + u16(cols) + u16(rows)


def up_keyframe(pane: int) -> bytes:
    return u8(3) + u16(pane)


def up_drive(pane: int, wish: int) -> bytes:
    return u8(4) + u16(pane) + u8(wish)


def down_ack(next_seq: int) -> bytes:
    return u8(1) + varint(next_seq)


def down_refused(reason: int, seq: int) -> bytes:
    return u8(2) + u8(reason) + varint(seq)


def down_waiting(what: int, pane: int) -> bytes:
    return u8(3) + u8(what) + u16(pane)


def up_history(pane: int) -> bytes:
    return u8(6) + u16(pane)


def down_history(pane: int, place: tuple[int, int], part: int, parts: int, piece: bytes) -> bytes:
    return u8(6) + u16(pane) + varint(place[0]) + varint(place[1]) + u8(part) + u8(parts) + piece


# 15.2 What scrolled off


def history(offset: int, cols: int, rows: int, lines: bytes, keyframe: bytes, level: int = 6) -> bytes:
    return raw_deflate(varint(offset) + u16(cols) + u16(rows) + varint(len(lines)) + lines + keyframe, level)


# 15.1 Own links


def command_show_desk() -> bytes:
    return u8(5) + u8(0)


def command_share(access: int, flags: int, seconds: int, members: int) -> bytes:
    return u8(5) + u8(1) + u8(access) + u8(flags) + u32(seconds) + u32(members)


def command_revoke(share_id: bytes) -> bytes:
    return u8(5) + u8(2) + share_id


def command_kick(author: bytes) -> bytes:
    return u8(5) + u8(3) + author


def command_let_in(author: bytes) -> bytes:
    return u8(5) + u8(4) + author


def command_turn_away(author: bytes) -> bytes:
    return u8(5) + u8(5) + author


def command_revoke_all() -> bytes:
    return u8(5) + u8(6)


def command_drive(pane: int, whose: int) -> bytes:
    return u8(5) + u8(7) + u16(pane) + u8(whose)


def command_grant(pane: int, author: bytes) -> bytes:
    return u8(5) + u8(8) + u16(pane) + author


def command_answer(pane: int, author: bytes, passes: int, line: bytes) -> bytes:
    return u8(5) + u8(9) + u16(pane) + author + u8(passes) + line


def answered_done(seq: int) -> bytes:
    return u8(4) + varint(seq) + u8(0)


def answered_made(seq: int, access: int, seed: bytes) -> bytes:
    return u8(4) + varint(seq) + u8(1) + u8(access) + seed


def answered_not(seq: int, reason: int) -> bytes:
    return u8(4) + varint(seq) + u8(2) + u8(reason)


def desk(waiting: list[bytes], wishes: list[tuple[int, bytes]], lines: list[tuple[int, bytes, bytes]]) -> bytes:
    head = u8(5) + u8(len(waiting)) + u8(len(wishes)) + u8(len(lines)) + b"".join(waiting)
    wished = b"".join(u16(pane) + author for pane, author in wishes)
    return head + wished + b"".join(u16(pane) + author + u16(len(line)) + line for pane, author, line in lines)


# 16. Discovery


def hint(session_id: bytes, nonce: bytes) -> bytes:
    return nonce + H("mdns tag", session_id, nonce)[:16]


# 19. Audit file

JOINED, LEFT, KNOCKED, TURNED_AWAY, POLICY, DRIVER, DROVE, FULL, COMMANDED = range(1, 10)


def counted(items: list[bytes]) -> bytes:
    return varint(len(items)) + b"".join(varint(len(item)) + item for item in items)


def journal_record(
    signer: Signer,
    session_id: bytes,
    kind: int,
    host: bytes,
    seq: int,
    prev: bytes,
    time: int,
    body: bytes,
    version: int = 1,
) -> tuple[bytes, bytes]:
    """Returns the record and its digest."""
    unsigned = u8(version) + u8(kind) + host + u64(seq) + prev + u64(time) + u16(len(body)) + body
    digest = H("journal", session_id, unsigned)
    return unsigned + signer.sign(digest), digest


def drove(pane: int, first: int, last: int, length: int, first_seq: int, receipt: bytes) -> bytes:
    return u16(pane) + u64(first) + u64(last) + u64(length) + u64(first_seq) + receipt


def audit_lane(channel: int, author: bytes, epoch: int, keys: list[bytes], entries: list[bytes]) -> bytes:
    return varint(channel) + author + varint(epoch) + u8(len(keys)) + b"".join(keys) + counted(entries)


@dataclass(frozen=True)
class AuditFile:
    session_id: bytes
    made: int
    log: list[bytes]
    members: list[bytes]
    journal: list[bytes]
    lanes: list[bytes]
    writer: bytes

    def unsigned(self) -> bytes:
        head = b"CAHOOTSA" + u8(1) + self.session_id + u64(self.made)
        lists = counted(self.log) + counted(self.members) + counted(self.journal)
        return head + lists + varint(len(self.lanes)) + b"".join(self.lanes) + self.writer

    def signed(self, signer: Signer) -> bytes:
        return audit_signed(self.unsigned(), signer)


def audit_signed(unsigned: bytes, signer: Signer) -> bytes:
    return unsigned + signer.sign(H("audit file", blake3(unsigned).digest()))
